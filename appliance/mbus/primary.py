"""The primary VIF table (EN 13757-3:2018, 6.4.2, table 10)."""

from __future__ import annotations

from appliance.mbus import quantity
from appliance.mbus.quantity import Quantity, durations, spread

FIRST_EXTENSION = 0xFB
"""The true VIF follows, from the table behind FB."""
PLAIN_TEXT = 0x7C
"""The true VIF is a text: its length, then its characters, last one first. FC with VIFEs."""
SECOND_EXTENSION = 0xFD
"""The true VIF follows, from the table behind FD."""
THIRD_EXTENSION = 0xEF
"""Reserved for one more table; no edition has it."""
ANY = 0x7E
"""In a request: every VIF. FE with VIFEs."""
MANUFACTURER_SPECIFIC = 0x7F
"""VIFEs and data are the maker's own. FF with VIFEs."""

PRIMARY = (
    quantity.ENERGY,
    quantity.HEAT_ENERGY,
    quantity.VOLUME,
    quantity.MASS,
    *durations("on time", 0x20),
    *durations("operating time", 0x24),
    quantity.POWER,
    Quantity("power", "J/h", 0x30, 0, 8),
    quantity.VOLUME_FLOW,
    Quantity("volume flow ext.", "m³/min", 0x40, -7, 8),
    Quantity("volume flow ext.", "m³/s", 0x48, -9, 8),
    Quantity("mass flow", "kg/h", 0x50, -3, 8),
    quantity.FLOW_TEMPERATURE,
    quantity.RETURN_TEMPERATURE,
    quantity.TEMPERATURE_DIFFERENCE,
    quantity.EXTERNAL_TEMPERATURE,
    quantity.PRESSURE,
    quantity.DATE,
    quantity.DATE_TIME,
    quantity.ALLOCATION,
    *durations("averaging duration", 0x70),
    *durations("actuality duration", 0x74),
    quantity.FABRICATION_NUMBER,
    quantity.ENHANCED_IDENTIFICATION,
    quantity.BUS_ADDRESS,
)
"""Every row that has a meaning of its own."""

BY_CODE = spread(PRIMARY)
"""The same by VIF without its extension bit."""

NON_METRIC = {
    quantity.VOLUME: ("US gal", 3),
    quantity.FLOW_TEMPERATURE: ("°F", 0),
    quantity.RETURN_TEMPERATURE: ("°F", 0),
    quantity.TEMPERATURE_DIFFERENCE: ("°F", 0),
    quantity.EXTERNAL_TEMPERATURE: ("°F", 0),
}
"""What VIFE 3D makes of the unit, and what it adds to the exponent (annex C): 10^(nnn-3) gallons, 10^(nn-3) °F.

The rows for energy, power and flow are not here: no two public texts agree on their scale.
"""
