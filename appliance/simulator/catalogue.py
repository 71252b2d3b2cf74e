"""The kinds of meter that the simulator knows: what each measures, and who made it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from appliance.mbus import quantity
from appliance.mbus.frame import MAX_DATA
from appliance.mbus.header import HEADER_LENGTH, FixedUnit
from appliance.mbus.medium import Medium
from appliance.mbus.record import MANUFACTURER_SPECIFIC, Function, Record, Value, integer, real, text
from appliance.simulator.contents import Contents, FixedContents, VariableContents
from appliance.simulator.profile import (
    COMMISSIONED,
    Calendar,
    Constant,
    Gauge,
    Growth,
    Part,
    Wave,
    days_in_service,
    register,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_INT16 = partial(integer, size=2)
_INT32 = partial(integer, size=4)

_WATT_HOURS_PER_CUBIC_METRE = 1130 * 28
"""What a cubic metre of water gives off when it cools down by 28 kelvin."""


@dataclass(frozen=True)
class Kind:
    """A model of meter, before it has addresses."""

    maker: str
    medium: Medium
    version: int
    build: Callable[[random.Random], Contents]
    speeds: tuple[int, ...] = (300, 2400)
    baud: int = 2400
    automatic: bool = False
    """Hears every one of its speeds at any time."""
    peculiarity: str = ""


def _growth(chance: random.Random, daily: float) -> Growth:
    """Make a consumption of about `daily` a day, with what some years before ours left on the register."""
    mean = daily * chance.uniform(0.5, 1.5)
    return Growth(mean * chance.uniform(0, 1000), mean, chance.uniform(0.3, 0.9), chance.random())


def _single(value: float) -> Value:
    # Real meters measure in some whole step too; hundredths keep the value readable after the way through a real.
    return real(value / 100)


def _water(chance: random.Random) -> Contents:
    volume = _growth(chance, 0.35)
    parts: tuple[Part, ...] = (
        Gauge(quantity.VOLUME, -3, volume.at),
        Gauge(quantity.VOLUME_FLOW, -3, volume.per_hour, register(6)),
        Gauge(quantity.EXTERNAL_TEMPERATURE, -1, Wave(11, 3, phase=chance.random()).at, _INT16),
        Calendar(quantity.DATE_TIME),
        Gauge(quantity.VOLUME, -3, volume.at, storage=1),
        Calendar(quantity.DATE, storage=1),
        Constant(Record(integer(0, 1), quantity.ERROR_FLAGS.vif())),
    )
    return VariableContents((parts,))


def _heat_now(chance: random.Random, energy: Growth) -> tuple[Part, ...]:
    flow = Wave(72, 9, phase=chance.random())
    back = Wave(44, 5, phase=chance.random())
    return (
        Gauge(quantity.ENERGY, 3, energy.at),
        Gauge(quantity.VOLUME, -2, lambda now: energy.at(now) / _WATT_HOURS_PER_CUBIC_METRE),
        Gauge(quantity.POWER, 2, energy.per_hour, register(6)),
        Gauge(quantity.VOLUME_FLOW, -3, lambda now: energy.per_hour(now) / _WATT_HOURS_PER_CUBIC_METRE, register(6)),
        Gauge(quantity.FLOW_TEMPERATURE, -1, flow.at, register(4)),
        Gauge(quantity.RETURN_TEMPERATURE, -1, back.at, register(4)),
        Gauge(quantity.TEMPERATURE_DIFFERENCE, -2, lambda now: flow.at(now) - back.at(now), register(6)),
        Calendar(quantity.DATE_TIME),
        Gauge(quantity.OPERATING_TIME_DAYS, 0, days_in_service, _INT16),
    )


def _heat(chance: random.Random) -> Contents:
    energy = _growth(chance, 60_000)
    past: tuple[Part, ...] = (
        Gauge(quantity.ENERGY, 3, energy.at, storage=1),
        Calendar(quantity.DATE, storage=1),
        Gauge(quantity.POWER, 2, lambda now: energy.daily / 24 * 1.9, register(6), Function.MAXIMUM, storage=1),  # noqa: ARG005 (a month's peak in a model without weather)
    )
    return VariableContents((_heat_now(chance, energy) + past,))


def _long_heat(chance: random.Random) -> Contents:
    """Build a heat meter with a year of set days, and maker's data up to the last byte that a frame can carry."""
    energy = _growth(chance, 400_000)
    parts = _heat_now(chance, energy)
    for storage in range(1, 14):
        parts += (Gauge(quantity.ENERGY, 3, energy.at, storage=storage),)
        if storage < 8:
            parts += (Calendar(quantity.DATE, storage=storage),)
    length = HEADER_LENGTH + sum(len(bytes(part.record(COMMISSIONED))) for part in parts)
    filler = bytes(range(0xA0, 0xA0 + MAX_DATA - length - 1))
    return VariableContents((parts,), bytes([MANUFACTURER_SPECIFIC]) + filler)


def _electricity(chance: random.Random) -> Contents:
    high, low = _growth(chance, 7000), _growth(chance, 3000)
    voltages = [Wave(230, 4, phase=chance.random()) for _ in range(3)]
    currents = [Wave(chance.uniform(2, 6), 1.5, phase=chance.random()) for _ in range(3)]
    energies: tuple[Part, ...] = (
        Gauge(quantity.ENERGY, 1, lambda now: high.at(now) + low.at(now)),
        Gauge(quantity.ENERGY, 1, high.at, tariff=1),
        Gauge(quantity.ENERGY, 1, low.at, tariff=2),
        Gauge(quantity.POWER, 0, lambda now: high.per_hour(now) + low.per_hour(now), _INT32),
        Calendar(quantity.DATE_TIME),
    )
    # The orthogonal VIFE FF leads to the maker's own ones, which here number the phases.
    phases: tuple[Part, ...] = tuple(
        gauge
        for number, (voltage, current) in enumerate(zip(voltages, currents, strict=True), 1)
        for gauge in (
            Gauge(quantity.VOLTAGE, -1, voltage.at, _INT16, orthogonal=(0x7F, number)),
            Gauge(quantity.CURRENT, -2, current.at, _INT16, orthogonal=(0x7F, number)),
        )
    )
    past: tuple[Part, ...] = (
        Gauge(quantity.ENERGY, 1, high.at, storage=1, tariff=1),
        Gauge(quantity.ENERGY, 1, low.at, storage=1, tariff=2),
        Calendar(quantity.DATE, storage=1),
        Constant(Record(text("B23 112-100"), quantity.MODEL.vif())),
    )
    return VariableContents((energies, phases, past))


def _gas(chance: random.Random) -> Contents:
    volume = _growth(chance, 4)
    parts: tuple[Part, ...] = (
        Gauge(quantity.VOLUME, -2, volume.at, _INT32),
        Gauge(quantity.VOLUME_FLOW, -2, volume.per_hour, _INT16),
        Gauge(quantity.VOLUME, -2, volume.at, _INT32, storage=1),
        Calendar(quantity.DATE, storage=1),
        Calendar(quantity.DATE_TIME),
    )
    return VariableContents((parts,))


def _allocator(chance: random.Random) -> Contents:
    units = _growth(chance, 3)
    parts: tuple[Part, ...] = (
        Gauge(quantity.ALLOCATION, 0, units.at, register(6)),
        Gauge(quantity.ALLOCATION, 0, units.at, register(6), storage=1),
        Calendar(quantity.DATE, storage=1),
        Gauge(quantity.EXTERNAL_TEMPERATURE, -2, Wave(24, 6, phase=chance.random()).at, _INT16),
    )
    return VariableContents((parts,))


def _room(chance: random.Random) -> Contents:
    temperature = Wave(20.5, 2, phase=chance.random())
    parts: tuple[Part, ...] = (
        Gauge(quantity.EXTERNAL_TEMPERATURE, -2, temperature.at, _INT16),
        Gauge(quantity.EXTERNAL_TEMPERATURE, 0, lambda now: temperature.at(now) * 100, _single),
        Gauge(quantity.HUMIDITY, 0, Wave(45, 12, phase=chance.random()).at, partial(integer, size=1)),
        Constant(Record(text("Room 2.14"), quantity.CUSTOMER_LOCATION.vif())),
    )
    return VariableContents((parts,))


def _old_water(chance: random.Random) -> Contents:
    return FixedContents(_growth(chance, 350), FixedUnit.LITRE, medium=7)


def _optical_electricity(chance: random.Random) -> Contents:
    energy = _growth(chance, 9000)
    parts: tuple[Part, ...] = (
        Gauge(quantity.ENERGY, 1, energy.at),
        Gauge(quantity.POWER, 0, energy.per_hour, _INT32),
        Calendar(quantity.DATE_TIME),
    )
    return VariableContents((parts,))


KINDS = (
    Kind("SEN", Medium.WATER, 0x33, _water, automatic=True),
    Kind("KAM", Medium.HEAT, 0x08, _heat),
    Kind("ABB", Medium.ELECTRICITY, 0x20, _electricity, peculiarity="three telegrams"),
    Kind("ELS", Medium.GAS, 0x81, _gas, automatic=True),
    Kind("TCH", Medium.HEAT_COST_ALLOCATOR, 0x25, _allocator, (300,), 300, peculiarity="300 bit/s only"),
    Kind("ELV", Medium.ROOM_SENSOR, 0x11, _room, (2400,), peculiarity="2400 bit/s only"),
    Kind("SPX", Medium.WATER, 0x01, _old_water, automatic=True, peculiarity="fixed structure (CI 73)"),
    Kind("LUG", Medium.HEAT_FLOW, 0x07, _long_heat, peculiarity="longest frame, 261 bytes"),
)
"""The first eight meters of a bus, and in the same order those after them."""

OPTICAL_KIND = Kind("ABB", Medium.ELECTRICITY, 0x15, _optical_electricity, automatic=True, peculiarity="optical head")
"""What stands before the optical head."""
