"""The device type, also called medium: what a meter measures (EN 13757-3, table of device types)."""

from __future__ import annotations

from enum import IntEnum


class Medium(IntEnum):
    """Device types that wired meters report. Others exist; `medium_name` has a name for every code."""

    OTHER = 0x00
    OIL = 0x01
    ELECTRICITY = 0x02
    GAS = 0x03
    HEAT = 0x04
    """Heat, volume measured in the return pipe."""
    STEAM = 0x05
    WARM_WATER = 0x06
    """Water of 30 to 90 degrees."""
    WATER = 0x07
    HEAT_COST_ALLOCATOR = 0x08
    COMPRESSED_AIR = 0x09
    COOLING_RETURN = 0x0A
    COOLING_FLOW = 0x0B
    HEAT_FLOW = 0x0C
    """Heat, volume measured in the flow pipe."""
    HEAT_AND_COOLING = 0x0D
    BUS = 0x0E
    """A part of the bus system itself."""
    UNKNOWN = 0x0F
    CALORIFIC_VALUE = 0x14
    HOT_WATER = 0x15
    """Water of 90 degrees and more."""
    COLD_WATER = 0x16
    DUAL_WATER = 0x17
    PRESSURE = 0x18
    AD_CONVERTER = 0x19
    SMOKE_DETECTOR = 0x1A
    ROOM_SENSOR = 0x1B
    """Temperature, humidity and the like."""
    GAS_DETECTOR = 0x1C
    BREAKER = 0x20
    VALVE = 0x21
    CUSTOMER_UNIT = 0x25
    WASTE_WATER = 0x28
    GARBAGE = 0x29
    CARBON_DIOXIDE = 0x2A
    COMMUNICATION_CONTROLLER = 0x31
    UNIDIRECTIONAL_REPEATER = 0x32
    BIDIRECTIONAL_REPEATER = 0x33
    RADIO_CONVERTER_SYSTEM = 0x36
    RADIO_CONVERTER_METER = 0x37
    WIRED_ADAPTER = 0x38
    WILDCARD = 0xFF
    """In a selection: any."""


def medium_name(code: int) -> str:
    """Plain name of a device type, such as ``heat cost allocator``; ``reserved 1E`` for one that has none."""
    try:
        return Medium(code).name.lower().replace("_", " ")
    except ValueError:
        return f"reserved {code:02X}"
