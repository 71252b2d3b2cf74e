"""Home Assistant is told of the meters, and told again when something changes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from appliance.publishing.progress import NAME
from tests.publishing.rig import (
    BASE,
    SERIAL,
    House,
    Listener,
    broker_in,
    connect_to,
    housed,
    listening,
    publishing,
    until,
)
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = f"homeassistant/device/cme3000_{SERIAL}/config"
METER = f"homeassistant/device/cme3000_{SERIAL}_123456782D2C0104/config"
READING = f"{BASE}/meter/12345678/reading"


def config(listener: Listener, topic: str = METER, count: int = 1) -> dict[str, Any]:
    wait_until(lambda: len(listener.payloads(topic)) >= count, f"{count} announcements on {topic}")
    found: dict[str, Any] = json.loads(listener.payloads(topic)[-1])
    return found


def kept(port: int, topic: str) -> list[bytes]:
    """Give what the broker retains on a topic."""
    newcomer = Listener(port, "#", "newcomer")
    newcomer.arrive()
    try:
        newcomer.say("marker")  # comes after all that was retained
        wait_until(lambda: newcomer.payloads("marker"), "what is retained")
        return newcomer.payloads(topic)
    finally:
        newcomer.leave()


def acknowledged(house: House) -> set[int]:
    """Give the meters whose announcement the broker has for certain; 0 is the device."""
    with contextlib.closing(sqlite3.connect(house.folder / NAME, timeout=10)) as progress:
        return {meter for (meter,) in progress.execute("SELECT meter FROM told WHERE digest != ''")}


def test_a_meter_is_announced_with_its_values(tmp_path: Path) -> None:
    with (
        broker_in(tmp_path) as broker,
        listening(broker) as listener,
        housed(tmp_path, **connect_to(broker, home_assistant="on")) as house,
        publishing(house),
    ):
        gateway = config(listener, GATEWAY)
        assert gateway["device"]["serial_number"] == SERIAL
        assert gateway["components"]["connection"]["device_class"] == "connectivity"
        assert gateway["state_topic"] == f"{BASE}/availability"
        meter = house.add()
        assert listener.payloads(METER) == []  # what it measures is not known yet
        house.store(meter, 12345, 1000, 651)
        found = config(listener)
        assert found["device"] == {
            "identifiers": [f"cme3000_{SERIAL}_123456782D2C0104"],
            "name": "Cellar",
            "manufacturer": "KAM",
            "model": "heat",
            "serial_number": "12345678",
            "hw_version": "1",
            "via_device": f"cme3000_{SERIAL}",
        }
        assert gateway["device"]["identifiers"] == [found["device"]["via_device"]]
        assert found["state_topic"] == READING
        assert found["availability_topic"] == f"{BASE}/availability"
        assert found["components"]["energy"] == {
            "platform": "sensor",
            "name": "Energy",
            "value_template": "{{ value_json.sensors.energy | default(None) }}",
            "device_class": "energy",
            "unit_of_measurement": "kWh",
            "state_class": "total_increasing",
            "expire_after": 2700,
            "unique_id": f"cme3000_{SERIAL}_123456782D2C0104_energy",
        }
        assert found["components"].keys() == {"energy", "volume", "flow_temperature"}
        wait_until(listener.readings, "the reading")
        assert listener.readings()[0]["sensors"].keys() == found["components"].keys()
        assert kept(broker.port, METER) == listener.payloads(METER)
        assert kept(broker.port, READING) == listener.payloads(READING)


def test_it_is_announced_once_until_something_changes(tmp_path: Path) -> None:
    with (
        broker_in(tmp_path) as broker,
        listening(broker) as listener,
        housed(tmp_path, **connect_to(broker, home_assistant="on")) as house,
    ):
        meter = house.add()
        with publishing(house):
            wait_until(lambda: listener.payloads(GATEWAY), "the device")
            for value in range(3):
                house.store(meter, value, 1, 1)
            config(listener)
            # What the broker has not acknowledged is told again, for it may not have come.
            wait_until(lambda: acknowledged(house) == {0, meter.key}, "the acknowledgements")
        with publishing(house) as publisher:  # a restart
            until(publisher, lambda s: s.is_connected, "the connection")
            house.store(meter, 4)  # it tells less this time, and its other values stay known
            wait_until(lambda: len(listener.numbers()) == 4, "the readings")
            assert len(listener.payloads(METER)) == 1
            house.meters.change(meter.key, {"name": "Attic <b>"})
            found = config(listener, count=2)
            assert found["device"]["name"] == "Attic <b>"
            assert len(found["components"]) == 3
        assert len(listener.payloads(GATEWAY)) == 1


def test_what_was_told_is_taken_back(tmp_path: Path) -> None:
    with (
        broker_in(tmp_path) as broker,
        listening(broker) as listener,
        housed(tmp_path, **connect_to(broker, home_assistant="on")) as house,
    ):
        first, second = house.add(), house.add(87654321, "Attic")
        other = METER.replace("12345678", "87654321")
        with publishing(house):
            wait_until(lambda: listener.payloads(GATEWAY), "the device")
            house.store(first, 1)
            house.store(second, 1)
            config(listener)
            config(listener, other)
            wait_until(lambda: acknowledged(house) == {0, first.key, second.key}, "the acknowledgements")
        house.meters.remove(first.key)  # while nobody publishes
        with publishing(house):
            wait_until(lambda: listener.payloads(METER)[-1] == b"", "the announcement to be taken back")
            wait_until(lambda: listener.payloads(READING)[-1] == b"", "the reading to be taken back")
            house.settings.set({"mqtt.home_assistant": "off"}, save=True)
            wait_until(lambda: listener.payloads(other)[-1] == b"", "the other announcement")
            wait_until(lambda: listener.payloads(GATEWAY)[-1] == b"", "the device's own")
            house.settings.set({"mqtt.home_assistant": "on", "mqtt.prefix": "elsewhere"}, save=True)
            moved = config(listener, other, 3)
            assert moved["state_topic"] == READING.replace("cme3000/", "elsewhere/").replace("12345678", "87654321")
            old = READING.replace("12345678", "87654321")
            wait_until(lambda: listener.payloads(old)[-1] == b"", "the old topic")
            house.settings.set({"mqtt.discovery_prefix": "ha"}, save=True)
            config(listener, other.replace("homeassistant/", "ha/"))
            wait_until(lambda: listener.payloads(other)[-1] == b"", "the announcement on the former topic")


def test_a_broker_that_forgot_is_told_again(tmp_path: Path) -> None:
    with housed(tmp_path) as house:
        meter = house.add()
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            with broker_in(folder) as broker, listening(broker) as listener:
                house.settings.set(
                    {
                        "mqtt.enabled": "on",
                        "mqtt.host": "127.0.0.1",
                        "mqtt.port": str(broker.port),
                        "mqtt.home_assistant": "on",
                    },
                    save=True,
                )
                with publishing(house) as publisher:
                    until(publisher, lambda s: s.is_connected, "the connection")
                    if name == "a":
                        house.store(meter, 1)
                    config(listener)
                    config(listener, GATEWAY)


def test_two_meters_of_one_identification_have_topics_of_their_own(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path, **connect_to(broker)) as house:
        heat, water = house.add(), house.add(name="Water", medium=7)
        with publishing(house) as publisher:
            until(publisher, lambda s: s.is_connected, "the connection")
            house.store(heat, 1)
            house.store(water, 2)
            listener.await_numbers([1, 2])
        with publishing(house) as publisher:
            until(publisher, lambda s: s.is_connected, "the connection")
            house.store(water, 3)
            listener.await_numbers([1, 2, 3])
        assert len(listener.payloads(READING)) == 1
        assert len(listener.payloads(f"{BASE}/meter/12345678-{water.key}/reading")) == 2


def test_nothing_is_retained_where_that_is_not_wanted(tmp_path: Path) -> None:
    with (
        broker_in(tmp_path) as broker,
        listening(broker) as listener,
        housed(tmp_path, **connect_to(broker, retain="off")) as house,
        publishing(house) as publisher,
    ):
        until(publisher, lambda s: s.is_connected, "the connection")
        assert isinstance(house, House)
        house.store(house.add(), 1)
        listener.await_numbers([1])
        assert kept(broker.port, READING) == []
