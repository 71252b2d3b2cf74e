"""Makes the meters of a bus: as many as wanted, and the same ones for the same seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from appliance.mbus.frame import Address
from appliance.mbus.manufacturer import decode_manufacturer, encode_manufacturer
from appliance.mbus.medium import medium_name
from appliance.mbus.secondary import SecondaryAddress
from appliance.simulator.catalogue import KINDS, OPTICAL_KIND, Kind
from appliance.simulator.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def make_meters(count: int, seed: int = 0) -> list[Meter]:
    """Make meters with the primary addresses 1 to `count` and identifications that are all different.

    :raises ValueError: for more than 250, which is all that primary addressing has room for.
    """
    if not 0 <= count <= Address.LAST:
        raise ValueError(f"{count} meters: a bus has at most {int(Address.LAST)} primary addresses")
    numbers = _numbers(seed)
    return [_make(KINDS[place % len(KINDS)], place + 1, numbers, seed) for place in range(count)]


def make_optical_meter(primary: int, seed: int = 0) -> Meter:
    """Make the electricity meter before the optical head."""
    return _make(OPTICAL_KIND, primary, _numbers(f"optical {seed}"), seed)


def describe(meters: Iterable[Meter]) -> list[str]:
    """Return a table of the meters, heading first."""
    rows = [("address", "identification", "maker", "medium", "version", "bit/s", "peculiarity")]
    for meter in meters:
        speeds = "/".join(str(speed) for speed in meter.speeds) if meter.automatic else str(meter.baud)
        rows.append(
            (
                str(meter.primary),
                meter.address.identification,
                decode_manufacturer(meter.address.manufacturer),
                medium_name(meter.address.medium),
                str(meter.address.version),
                speeds,
                meter.peculiarity,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _make(kind: Kind, primary: int, numbers: Iterator[str], seed: int) -> Meter:
    chance = random.Random(f"{seed} {primary}")  # noqa: S311 (consumption, not secrets)
    address = SecondaryAddress(next(numbers), encode_manufacturer(kind.maker), kind.version, kind.medium)
    return Meter(
        primary,
        address,
        kind.build(chance),
        fabrication=next(numbers),
        speeds=kind.speeds,
        baud=kind.baud,
        automatic=kind.automatic,
        delay_bits=chance.randint(15, 150),
        peculiarity=kind.peculiarity,
    )


def _numbers(seed: int | str) -> Iterator[str]:
    """Yield eight-digit numbers without end, no two alike."""
    chance = random.Random(seed)  # noqa: S311 (serial numbers, not secrets)
    seen: set[str] = set()
    while True:
        number = f"{chance.randrange(10_000_000, 100_000_000)}"
        if number not in seen:
            seen.add(number)
            yield number
