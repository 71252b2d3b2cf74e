"""The fields of a meter as people write them, and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import CodingError, InvalidMeter, InvalidValue, quoted
from appliance.mbus.frame import Address
from appliance.mbus.secondary import ANY_DIGITS, SecondaryAddress
from appliance.settings.types import Bool, Choice, Int

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from appliance.meters.meter import Meter

LONGEST_NAME = 64
"""Characters of a name."""
SHORTEST_INTERVAL = 60
LONGEST_INTERVAL = 31 * 86_400
"""Seconds between two readouts of the schedule."""
BAUDS = (300, 2400)
"""Speeds at which a meter of the list may answer, in bit/s."""

_DIGITS = re.compile(r"[0-9]{8}", re.ASCII)
_BAUD = Choice(BAUDS, unit="bit/s")
_PRIMARY = Int(0, int(Address.LAST))
_INTERVAL = Int(SHORTEST_INTERVAL, LONGEST_INTERVAL, unit="s", zero="on demand alone")
_SWITCH = Bool()


def _name(text: str) -> str:
    name = text.strip()
    if not name:
        raise InvalidValue(f"a meter needs a name of 1 to {LONGEST_NAME} characters")
    if len(name) > LONGEST_NAME:
        raise InvalidValue(f"it has {len(name)} characters; {LONGEST_NAME} are allowed")
    if not name.isprintable():
        raise InvalidValue("it has a control character or one that cannot be printed")
    return name


def _primary(text: str) -> int | None:
    return _typed(_PRIMARY, text) if text.strip() else None


def _secondary(text: str) -> str:
    digits = text.strip()
    if not digits:
        return ""
    try:
        address = SecondaryAddress(digits.upper()) if len(digits) == 8 else SecondaryAddress.from_text(digits)
    except CodingError:
        raise InvalidValue("a secondary address has 16 digits, or the 8 of the identification number") from None
    if address.identification == ANY_DIGITS:
        raise InvalidValue("it stands for every meter")
    return address.text


def _fabrication(text: str) -> str:
    digits = text.strip()
    if digits and not _DIGITS.fullmatch(digits):
        raise InvalidValue("a fabrication number has 8 decimal digits")
    return digits


def _typed(kind: Choice[int] | Int | Bool, text: str) -> int:
    try:
        return kind.parse(text)
    except InvalidValue as error:
        raise InvalidValue(str(error) or kind.allowed) from None


FIELDS: dict[str, Callable[[str], object]] = {
    "name": _name,
    "baud": lambda text: _typed(_BAUD, text),
    "primary": _primary,
    "secondary": _secondary,
    "fabrication": _fabrication,
    "reads_by_primary": lambda text: bool(_typed(_SWITCH, text)),
    "high_first": lambda text: bool(_typed(_SWITCH, text)),
    "interval": lambda text: _typed(_INTERVAL, text),
    "on_battery": lambda text: bool(_typed(_SWITCH, text)),
}
"""What reads each field from a text; each raises InvalidValue, with words."""


def changed(meter: Meter, texts: Mapping[str, str]) -> Meter:
    """Give `meter` with these fields.

    :raises InvalidMeter: with every field that is wrong.
    """
    values: dict[str, object] = {}
    errors: dict[str, str] = {}
    for field, text in texts.items():
        read = FIELDS.get(field)
        if read is None:
            errors[field] = f"{quoted(text)} is not taken: a meter has no such field, but {', '.join(FIELDS)}"
            continue
        try:
            values[field] = read(text)
        except InvalidValue as error:
            errors[field] = f"{quoted(text)} is not allowed: {error}"
    if errors:
        raise InvalidMeter(errors)
    found: Meter = replace(meter, **values)  # type: ignore[arg-type]  # each by the reader of its field
    return found


def check(meter: Meter, others: Iterable[Meter]) -> None:
    """Say what is wrong with a meter as a whole, and beside `others`.

    :raises InvalidMeter: with every reason.
    """
    errors: dict[str, str] = {}
    if not meter.name:
        errors["name"] = f"a meter needs a name of 1 to {LONGEST_NAME} characters"
    if meter.primary is None and not meter.secondary:
        errors["primary"] = "a meter needs a primary or a secondary address; both are blank"
    elif meter.reads_by_primary and meter.primary is None:
        errors["primary"] = "it is to be read at its primary address, which is blank"
    if meter.fabrication and not meter.secondary:
        errors["fabrication"] = f"{quoted(meter.fabrication)} needs a secondary address beside it"
    for other in others:
        if other.key != meter.key and is_same(meter, other):
            field = "secondary" if meter.secondary and meter.secondary == other.secondary else "primary"
            address = meter.secondary if field == "secondary" else str(meter.primary)
            whose = f"{quoted(other.name)}, number {other.key} of the list"
            errors[field] = f"{quoted(address)} at {meter.baud} bit/s is that of {whose}"
    if errors:
        raise InvalidMeter(errors)


def is_same(one: Meter, other: Meter) -> bool:
    """Whether two meters have the address at which they are read, or their whole identity, in common."""
    if one.baud != other.baud:
        return False
    if one.secondary and other.secondary:
        if (one.secondary, one.fabrication) == (other.secondary, other.fabrication):
            return True
        return one.address_text == other.address_text
    return bool(one.address_text) and one.address_text == other.address_text
