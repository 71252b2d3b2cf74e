"""A real M-Bus client, pymeterbus, reads the meters and sees what they meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import meterbus
import pytest
import serial

from appliance.mbus.frame import LongFrame, parse
from appliance.mbus.header import FixedStructure
from appliance.simulator.contents import FixedContents, VariableContents
from appliance.simulator.profile import Gauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.bus import SimulatedBus
    from appliance.simulator.meter import Meter

NOW = 1_790_000_000.0
TIMEOUT = 5.0


def read_all(port: serial.SerialBase, address: int) -> list[list[Any]]:
    """Every telegram of a meter as pymeterbus decodes it: its lists of records."""
    meterbus.send_ping_frame(port, address)
    assert meterbus.recv_frame(port, 1)
    telegrams = []
    request = meterbus.send_request_frame_multi(port, address)
    while True:
        frame = meterbus.load(meterbus.recv_frame(port, 1))
        telegrams.append(frame.records)
        if not frame.more_records_follow:
            return telegrams
        request.header.cField.parts[0] ^= meterbus.CONTROL_MASK_FCB
        meterbus.send_request_frame_multi(port, req=request)


def expect_readings(meter: Meter, telegrams: list[list[Any]]) -> None:
    assert isinstance(meter.contents, VariableContents)
    assert len(telegrams) == meter.contents.count
    compared = 0
    for parts, records in zip(meter.contents.telegrams, telegrams, strict=True):
        for part, record in zip(parts, records, strict=False):
            if not isinstance(part, Gauge) or part.quantity.name == "relative humidity":
                # pymeterbus has no entry for FB 1B.
                continue
            value = part.number(NOW) * 10.0**part.exponent
            if part.coding(0).coding.name == "REAL_32":
                value /= 100
            if part.quantity.unit == "d":
                value *= 86400
            assert float(record.parsed_value) == pytest.approx(value, rel=1e-6)
            compared += 1
    assert compared >= 2


def test_over_the_pty(make_bus: Callable[..., SimulatedBus]) -> None:
    bus = make_bus(time_of_day=lambda: NOW, optical=True)
    for meter in bus.meters:
        url = bus.optical_url if meter.peculiarity == "optical head" else bus.line_url
        with serial.Serial(url, meter.baud, timeout=TIMEOUT) as port:
            if meter.primary != 7:
                expect_readings(meter, read_all(port, meter.primary))
                continue
            # pymeterbus refuses every frame in the fixed structure, so this one is read by hand.
            meterbus.send_request_frame(port, 7)
            frame = parse(port.read(25))
            assert isinstance(frame, LongFrame)
            assert isinstance(meter.contents, FixedContents)
            assert FixedStructure.from_bytes(frame.data) == meter.contents.structure(meter.address, 1, NOW)


def test_over_tcp(make_bus: Callable[..., SimulatedBus]) -> None:
    bus = make_bus(time_of_day=lambda: NOW, tcp_port=0)
    with serial.serial_for_url(f"socket://127.0.0.1:{bus.tcp_port}", timeout=TIMEOUT) as port:
        for address in (1, 2, 3, 4, 6, 8):
            expect_readings(bus.meter(address), read_all(port, address))


def test_by_secondary_address(make_bus: Callable[..., SimulatedBus]) -> None:
    bus = make_bus(time_of_day=lambda: NOW)
    meter = bus.meter(4)
    with serial.Serial(bus.line_url, 2400, timeout=TIMEOUT) as port:
        for mask in (meter.address.text, meter.address.identification + "FFFFFFFF"):
            meterbus.send_select_frame(port, mask)
            assert isinstance(meterbus.load(meterbus.recv_frame(port, 1)), meterbus.TelegramACK)
            meterbus.send_request_frame(port, meterbus.ADDRESS_NETWORK_LAYER)
            frame = meterbus.load(meterbus.recv_frame(port, 1))
            expect_readings(meter, [frame.records])


def test_values_go_on(make_bus: Callable[..., SimulatedBus]) -> None:
    moments = iter([NOW, NOW + 86400])
    bus = make_bus(time_of_day=lambda: next(moments))
    with serial.Serial(bus.line_url, 2400, timeout=TIMEOUT) as port:
        volumes = []
        for count_bit in (True, False):
            port.write(bytes.fromhex("107b017c16" if count_bit else "105b015c16"))
            volumes.append(meterbus.load(meterbus.recv_frame(port, 1)).records[0].parsed_value)
    assert volumes[1] > volumes[0]
