"""What a search found, as meters for the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.mbus.frame import Address
from appliance.mbus.medium import Medium
from appliance.meters.fields import LONGEST_NAME
from appliance.meters.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.readout.discovery.found import FoundMeter

_BATTERY_FED = {
    Medium.OIL,
    Medium.GAS,
    Medium.HEAT,
    Medium.STEAM,
    Medium.WARM_WATER,
    Medium.WATER,
    Medium.HEAT_COST_ALLOCATOR,
    Medium.COOLING_RETURN,
    Medium.COOLING_FLOW,
    Medium.HEAT_FLOW,
    Medium.HEAT_AND_COOLING,
    Medium.HOT_WATER,
    Medium.COLD_WATER,
    Medium.DUAL_WATER,
    Medium.WASTE_WATER,
    Medium.SMOKE_DETECTOR,
}
"""Device types of meters that mostly have a battery and no other supply."""


def drafted(found: FoundMeter, *, interval: int, battery_interval: int) -> Meter:
    """Make a meter without a number of what a search found; intervals in seconds, 0 for on demand alone."""
    address = found.secondary
    on_battery = address is not None and address.medium in _BATTERY_FED
    if on_battery and interval:
        interval = max(interval, battery_interval)
    meter = Meter(
        0,
        "",
        found.baud,
        primary=found.primary if 0 <= found.primary <= Address.LAST else None,
        secondary=address.text if address is not None else "",
        fabrication=found.fabrication,
        reads_by_primary=address is not None and found.by_primary and not found.by_secondary,
        high_first=found.high_first,
        interval=interval,
        on_battery=on_battery,
    )
    return replace(meter, name=default_name(meter))


def default_name(meter: Meter) -> str:
    """Name a meter by its maker, medium and number, as far as they are known."""
    words = [meter.manufacturer, meter.medium, meter.identification]
    name = " ".join(word for word in words if word) or f"meter {meter.primary}"
    return name[:LONGEST_NAME]


def brought_up_to_date(meter: Meter, draft: Meter) -> Meter:
    """Give `meter` of the list with what a search has just found of it; what people chose stays."""
    return replace(
        meter,
        baud=draft.baud,
        primary=draft.primary if draft.primary is not None else meter.primary,
        secondary=draft.secondary or meter.secondary,
        fabrication=draft.fabrication or meter.fabrication,
        reads_by_primary=meter.reads_by_primary if draft.secondary == meter.secondary else draft.reads_by_primary,
        high_first=draft.high_first,
    )


def counterpart(draft: Meter, meters: Iterable[Meter]) -> Meter | None:
    """Find the meter of the list that a search has found again.

    By its secondary address, or else by speed and primary address where one of the two tells no secondary one.
    """
    by_primary = None
    for meter in meters:
        if draft.secondary and meter.secondary == draft.secondary and draft.fabrication == meter.fabrication:
            return meter
        is_there = meter.baud == draft.baud and meter.primary is not None and meter.primary == draft.primary
        if is_there and not (draft.secondary and meter.secondary):
            by_primary = meter
    return by_primary


def is_among(draft: Meter, meters: Iterable[Meter]) -> bool:
    """Whether one of `meters` has the same secondary address, at whatever speed."""
    return any(
        draft.secondary and (meter.secondary, meter.fabrication) == (draft.secondary, draft.fabrication)
        for meter in meters
    )
