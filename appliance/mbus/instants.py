"""Dates and times: types F, G, I and J (EN 13757-3:2018, annex A, tables A.5, A.6, A.8 and A.9).

They are told as ISO 8601 writes them, and only to the precision that the meter sends. Where the standard lets a field
mean "every" or "not specified", a `*` stands for it. What is marked invalid, or is no date of the calendar, is told
as invalid and never mended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_YEAR = 127
_EVERY_MONTH = 15
_EVERY_HOUR = 31
_EVERY_MINUTE = 63
_EVERY = "*"


@dataclass(frozen=True)
class Instant:
    """What the bytes of a date say: a text, or none with the reason in the note."""

    text: str | None
    note: str = ""


class _Invalid(Exception):  # noqa: N818 (never leaves this file)
    """A field is out of its range."""


def _field(value: int, highest: int, every: int, name: str) -> str:
    if value == every:
        return _EVERY
    if value > highest:
        raise _Invalid(f"{name} {value}")
    return f"{value:02d}"


def _year(year: int, hundreds: int = 0) -> int:
    """Give the full year; two digits of 00 to 80 are of this century (the recommendation at tables A.5 and A.6)."""
    if year > 99:
        raise _Invalid(f"year {year}")
    return 2000 + year if hundreds == 0 and year <= 80 else 1900 + 100 * hundreds + year


def _date(low: int, high: int, hundreds: int = 0, *, unspecified_month: int = _EVERY_MONTH) -> str:
    day, month, year = low & 0x1F, high & 0x0F, (high & 0xF0) >> 1 | low >> 5
    years = _EVERY if year == _EVERY_YEAR else f"{_year(year, hundreds):04d}"
    months = _EVERY if month == unspecified_month else f"{month:02d}"
    if months != _EVERY and not 1 <= month <= 12:
        raise _Invalid(f"month {month}")
    if day == 0:
        return f"{years}-{months}-{_EVERY}"
    # A day without a certain year or month is checked against the longest that it could have.
    try:
        date(2000 if years == _EVERY else int(years), 1 if months == _EVERY else month, day)
    except ValueError as error:
        raise _Invalid(f"day {day} of month {month}") from error
    return f"{years}-{months}-{day:02d}"


def _note(text: str, *more: str) -> str:
    repeated = "* stands for every" if _EVERY in text else ""
    return ", ".join(part for part in (repeated, *more) if part)


def _type_g(data: bytes) -> Instant:
    if data == b"\xff\xff":
        return Instant(None, "invalid date (FFFF)")
    text = _date(data[0], data[1])
    return Instant(text, _note(text))


def _type_f(data: bytes) -> Instant:
    clock = f"{_field(data[1] & 0x1F, 23, _EVERY_HOUR, 'hour')}:{_field(data[0] & 0x3F, 59, _EVERY_MINUTE, 'minute')}"
    text = f"{_date(data[2], data[3], data[1] >> 5 & 3)}T{clock}"
    if data[0] & 0x80:
        return Instant(None, f"the meter marks its time as invalid; it would be {text}")
    return Instant(text, _note(text, "summer time" if data[1] & 0x80 else ""))


def _type_i(data: bytes) -> Instant:
    clock = ":".join(
        (
            _field(data[2] & 0x1F, 23, _EVERY_HOUR, "hour"),
            _field(data[1] & 0x3F, 59, _EVERY_MINUTE, "minute"),
            _field(data[0] & 0x3F, 59, _EVERY_MINUTE, "second"),
        )
    )
    text = f"{_date(data[3], data[4], unspecified_month=0)}T{clock}"
    if data[1] & 0x80:
        return Instant(None, f"the meter marks its time as invalid; it would be {text}")
    return Instant(text, _note(text, "summer time" if data[0] & 0x40 else ""))


def _type_j(data: bytes) -> Instant:
    if data == b"\xff\xff\xff":
        return Instant(None, "invalid time (FFFFFF)")
    text = ":".join(
        (
            _field(data[2], 23, _EVERY_HOUR, "hour"),
            _field(data[1], 59, _EVERY_MINUTE, "minute"),
            _field(data[0], 59, _EVERY_MINUTE, "second"),
        )
    )
    return Instant(text, _note(text))


_TYPES: dict[int, tuple[str, Callable[[bytes], Instant]]] = {
    2: ("G", _type_g),
    3: ("J", _type_j),
    4: ("F", _type_f),
    6: ("I", _type_i),
}


def type_of(length: int) -> str:
    """Letter of the type that a date of `length` bytes has, or nothing where there is none."""
    return _TYPES[length][0] if length in _TYPES else ""


def read_instant(data: bytes) -> Instant:
    """Read a date or time, lowest byte first; its length tells the type. Never raises."""
    if len(data) not in _TYPES:
        return Instant(None, f"no type of date or time has {len(data)} bytes")
    try:
        return _TYPES[len(data)][1](data)
    except _Invalid as error:
        return Instant(None, f"invalid date or time ({error})")


def read_decimal_instant(data: bytes) -> Instant:
    """Read a date and time of 12 decimal digits, YYMMDDhhmmss, lowest byte first. Never raises.

    No edition has such a type. The M-Bus chapter of the manuals of ABB's A and B series electricity meters does.
    """
    digits = data[::-1].hex()
    try:
        moment = datetime.strptime(f"20{digits}", "%Y%m%d%H%M%S")  # noqa: DTZ007 (a meter's clock has no zone)
    except ValueError:
        return Instant(None, f"digits {digits.upper()} are no date")
    return Instant(
        moment.isoformat(), "no type of the standard: decimal digits YYMMDDhhmmss, as ABB's meters send them"
    )
