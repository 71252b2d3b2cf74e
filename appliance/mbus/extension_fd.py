"""The second extension table, behind FD, and its second level behind FD FD (EN 13757-3:2018, 6.4.4, tables 12, 13).

Where the table says so (its note on binary data), integers are unsigned: type C, or type D for fields of bits.
"""

from __future__ import annotations

from appliance.mbus import quantity
from appliance.mbus.quantity import LONG_TIME_UNITS, Quantity, Reading, durations, spread

_FD = b"\xfd"
_FD_FD = b"\xfd\xfd"


def _plain(code: int, name: str, unit: str = "") -> Quantity:
    return Quantity(name, unit, code, prefix=_FD)


def _unsigned(code: int, name: str, unit: str = "") -> Quantity:
    return Quantity(name, unit, code, prefix=_FD, reading=Reading.UNSIGNED)


def _read(code: int, name: str, reading: Reading) -> Quantity:
    return Quantity(name, "", code, prefix=_FD, reading=reading)


SECOND = (
    Quantity("credit", "currency unit", 0x00, -3, 4, _FD),
    Quantity("debit", "currency unit", 0x04, -3, 4, _FD),
    _unsigned(0x08, "unique message identification (access number)"),
    _unsigned(0x09, "device type"),
    _read(0x0A, "manufacturer", Reading.MANUFACTURER),
    _unsigned(0x0B, "parameter set identification"),
    quantity.MODEL,
    quantity.HARDWARE_VERSION,
    quantity.FIRMWARE_VERSION,
    _unsigned(0x0F, "other software version number"),
    quantity.CUSTOMER_LOCATION,
    _unsigned(0x11, "customer"),
    _unsigned(0x12, "access code user"),
    _unsigned(0x13, "access code operator"),
    _unsigned(0x14, "access code system operator"),
    _unsigned(0x15, "access code developer"),
    _unsigned(0x16, "password"),
    quantity.ERROR_FLAGS,
    _read(0x18, "error mask", Reading.BITS),
    _unsigned(0x19, "security key"),
    _read(0x1A, "digital output", Reading.BITS),
    _read(0x1B, "digital input", Reading.BITS),
    _unsigned(0x1C, "baud rate", "Bd"),
    _unsigned(0x1D, "response delay time", "bit times"),
    _plain(0x1E, "retry"),
    _read(0x1F, "remote control", Reading.BITS),
    _unsigned(0x20, "first storage number for cyclic storage"),
    _unsigned(0x21, "last storage number for cyclic storage"),
    _unsigned(0x22, "size of storage block"),
    _unsigned(0x23, "descriptor for tariff and subunit"),
    *durations("storage interval", 0x24, _FD),
    _plain(0x28, "storage interval", "month"),
    _plain(0x29, "storage interval", "year"),
    _plain(0x2A, "operator specific data"),
    _unsigned(0x2B, "time point second", "s"),
    *durations("duration since last readout", 0x2C, _FD, Reading.UNSIGNED),
    _read(0x30, "start (date/time) of tariff", Reading.MOMENT),
    *durations("duration of tariff", 0x30, _FD, Reading.UNSIGNED, ("", "min", "h", "d")),
    *durations("period of tariff", 0x34, _FD, Reading.UNSIGNED),
    _unsigned(0x38, "period of tariff", "month"),
    _unsigned(0x39, "period of tariff", "year"),
    _plain(0x3A, "dimensionless"),
    _read(0x3B, "data container for wireless M-Bus protocol", Reading.OCTETS),
    *durations("period of nominal data transmissions", 0x3C, _FD, Reading.UNSIGNED),
    quantity.VOLTAGE,
    quantity.CURRENT,
    _plain(0x60, "reset counter"),
    _plain(0x61, "cumulation counter"),
    _plain(0x62, "control signal"),
    _plain(0x63, "day of week"),
    _plain(0x64, "week number"),
    _read(0x65, "time point of day change", Reading.MOMENT),
    _plain(0x66, "state of parameter activation"),
    _plain(0x67, "special supplier information"),
    *durations("duration since last cumulation", 0x68, _FD, Reading.UNSIGNED, LONG_TIME_UNITS),
    *durations("operating time battery", 0x6C, _FD, Reading.UNSIGNED, LONG_TIME_UNITS),
    _read(0x70, "date and time of battery change", Reading.MOMENT),
    _plain(0x71, "RF level", "dBm"),
    _read(0x72, "daylight saving (beginning, ending, deviation)", Reading.DAYLIGHT_SAVING),
    _read(0x73, "listening window management", Reading.OCTETS),
    _unsigned(0x74, "remaining battery life time", "d"),
    _unsigned(0x75, "number of times the meter was stopped"),
    _read(0x76, "data container for manufacturer specific protocol", Reading.OCTETS),
)

SECOND_LEVEL = (
    Quantity("currently selected application", "", 0x00, prefix=_FD_FD, reading=Reading.UNSIGNED),
    *durations("remaining battery life time", 0x02, _FD_FD, Reading.UNSIGNED, ("month", "year")),
)

BY_CODE = spread(SECOND)
"""By the VIFE after FD, without its extension bit."""

SECOND_LEVEL_BY_CODE = spread(SECOND_LEVEL)
"""By the VIFE after FD FD, without its extension bit."""
