"""The first extension table, behind FB (EN 13757-3:2018, 6.4.5, table 14).

Rows that the edition of 2004 took out (gallons and degrees Fahrenheit) are kept: meters of that time still tell them.
Integers are of type C where the table's note on binary data says so.
"""

from __future__ import annotations

from appliance.mbus import quantity
from appliance.mbus.quantity import Quantity, Reading, spread

_FB = b"\xfb"
_OLD = "a row that the standard had until 2004"


def _factor(name: str, code: int, unit: str = "", halvings: int = 12) -> Quantity:
    return Quantity(name, unit, code, prefix=_FB, reading=Reading.UNSIGNED, halvings=halvings)


FIRST = (
    Quantity("energy", "Wh", 0x00, 5, 2, _FB),
    Quantity("reactive energy", "varh", 0x02, 3, 2, _FB),
    Quantity("apparent energy", "VAh", 0x04, 3, 2, _FB),
    Quantity("energy", "J", 0x08, 8, 2, _FB),
    Quantity("energy", "cal", 0x0C, 5, 4, _FB),
    Quantity("volume", "m³", 0x10, 2, 2, _FB),
    Quantity("reactive power", "var", 0x14, 0, 4, _FB),
    Quantity("mass", "kg", 0x18, 5, 2, _FB, Reading.UNSIGNED),
    quantity.HUMIDITY,
    Quantity("volume", "ft³", 0x20, 0, 1, _FB),
    Quantity("volume", "ft³", 0x21, -1, 1, _FB),
    Quantity("volume", "US gal", 0x22, -1, 2, _FB, remark=_OLD),
    Quantity("volume flow", "US gal/min", 0x24, -3, 1, _FB, remark=_OLD),
    Quantity("volume flow", "US gal/min", 0x25, 0, 1, _FB, remark=_OLD),
    Quantity("volume flow", "US gal/h", 0x26, 0, 1, _FB, remark=_OLD),
    Quantity("power", "W", 0x28, 5, 2, _FB),
    Quantity("phase U-U", "°", 0x2A, -1, 1, _FB),
    Quantity("phase U-I", "°", 0x2B, -1, 1, _FB),
    Quantity("frequency", "Hz", 0x2C, -3, 4, _FB),
    Quantity("power", "J/h", 0x30, 8, 2, _FB),
    Quantity("apparent power", "VA", 0x34, 0, 4, _FB),
    Quantity("flow temperature", "°F", 0x58, -3, 4, _FB, remark=_OLD),
    Quantity("return temperature", "°F", 0x5C, -3, 4, _FB, remark=_OLD),
    Quantity("temperature difference", "°F", 0x60, -3, 4, _FB, remark=_OLD),
    Quantity("external temperature", "°F", 0x64, -3, 4, _FB, remark=_OLD),
    _factor("resulting rating factor K", 0x68),
    _factor("thermal output rating factor Kq", 0x69, "W", halvings=0),
    _factor("thermal coupling rating factor overall Kc", 0x6A),
    _factor("thermal coupling rating factor room side Kcr", 0x6B),
    _factor("thermal coupling rating factor heater side Kch", 0x6C),
    _factor("low temperature rating factor Kt", 0x6D),
    _factor("display output scaling factor KD", 0x6E),
    Quantity("cold / warm temperature limit", "°F", 0x70, -3, 4, _FB, remark=_OLD),
    Quantity("cold / warm temperature limit", "°C", 0x74, -3, 4, _FB),
    Quantity("cumulative count max. power", "W", 0x78, -3, 8, _FB),
)

BY_CODE = spread(FIRST)
"""By the VIFE after FB, without its extension bit."""
