"""Who it was that answered with data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.mbus.application import Body, Heading, application_of
from appliance.mbus.secondary import ANY_MANUFACTURER, ANY_MEDIUM, ANY_VERSION, SecondaryAddress

if TYPE_CHECKING:
    from appliance.mbus.frame import LongFrame

_NUMBER_LENGTH = 4
_ADDRESS_LENGTH = 8
_UNKNOWN = "FFFFFFFF"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an answer tells of its meter."""

    primary: int
    """The A field."""
    information: int
    """The CI field."""
    secondary: SecondaryAddress | None
    """None where the answer has no identification; one of the fixed structure has wildcards for the rest."""


def identify(frame: LongFrame) -> Identity:
    """Read who sent `frame`: long header (CI 72 and the like) or fixed structure (73), both byte orders (76, 77)."""
    application = application_of(frame.information)
    data = frame.data
    step = -1 if application.high_first else 1
    secondary = None
    if application.heading is Heading.LONG and len(data) >= _ADDRESS_LENGTH:
        number, maker = data[:4][::step], data[4:6][::step]
        secondary = SecondaryAddress.from_bytes(number + maker + data[6:8])
    elif application.body is Body.FIXED and len(data) >= _NUMBER_LENGTH:
        number = data[:4][::step][::-1]
        secondary = SecondaryAddress(number.hex().upper(), ANY_MANUFACTURER, ANY_VERSION, ANY_MEDIUM)
    return Identity(frame.address, frame.information, secondary)


def agrees(mask: SecondaryAddress, identity: Identity) -> bool:
    """Whether the meter that answered is one that `mask` selects, as far as its answer tells.

    Wildcards in what it told are fields of which it says nothing.
    """
    told = identity.secondary
    if told is None or told.identification == _UNKNOWN:
        return True
    digits = zip(mask.identification, told.identification, strict=True)
    rest = zip(bytes(mask)[4:], bytes(told)[4:], strict=True)
    return all(a in ("F", b) for a, b in digits) and all(0xFF in (a, b) or a == b for a, b in rest)
