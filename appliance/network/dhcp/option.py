"""The options of a BOOTP or DHCP message: a list of code, length and value (RFC 2132)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from appliance.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAD, END = 0, 255
"""The two codes that are one octet alone, without a length."""

LONGEST_PART = 255
"""Octets of a value that one option can carry; a longer value is split (RFC 3396)."""


class Option(IntEnum):
    """Codes of the options that the appliance knows (RFC 2132 unless another is named)."""

    SUBNET_MASK = 1
    ROUTER = 3
    DOMAIN_NAME_SERVER = 6
    HOST_NAME = 12
    DOMAIN_NAME = 15
    INTERFACE_MTU = 26
    BROADCAST_ADDRESS = 28
    NTP_SERVERS = 42
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    OVERLOAD = 52
    MESSAGE_TYPE = 53
    SERVER_IDENTIFIER = 54
    PARAMETER_REQUEST_LIST = 55
    MESSAGE = 56
    MAXIMUM_MESSAGE_SIZE = 57
    RENEWAL_TIME = 58
    REBINDING_TIME = 59
    CLIENT_IDENTIFIER = 61
    DOMAIN_SEARCH = 119
    """RFC 3397."""
    CLASSLESS_STATIC_ROUTE = 121
    """RFC 3442."""


class MessageType(IntEnum):
    """What a DHCP message is (RFC 2132, 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7


def encode_options(options: Mapping[int, bytes]) -> bytes:
    """Write the options in their order, long ones split, with the end mark.

    :raises MessageError: when a code is none of an option's.
    """
    encoded = bytearray()
    for code, value in options.items():
        if not PAD < code < END:
            raise MessageError(f"there is no option {code}")
        for start in range(0, len(value) or 1, LONGEST_PART):
            part = value[start : start + LONGEST_PART]
            encoded += bytes((code, len(part))) + part
    encoded.append(END)
    return bytes(encoded)


def split_options(field: bytes, name: str) -> Iterable[tuple[int, bytes]]:
    """Go through the options in `field`, called `name` in messages, as they stand there.

    The end mark may be missing: many a BOOTP server fills its 64 octets to the last.

    :raises MessageError: when an option is longer than what is left of the field.
    """
    position, size = 0, len(field)
    while position < size:
        code = field[position]
        position += 1
        if code == PAD:
            continue
        if code == END:
            return
        if position == size or position + 1 + field[position] > size:
            raise MessageError(f"option {code} is cut off at the end of the {name}")
        start = position + 1
        position = start + field[position]
        yield code, field[start:position]


def decode_options(area: bytes, file: bytes, server_name: bytes) -> tuple[dict[int, bytes], int]:
    """Read all options of a message, each joined from all its parts (RFC 3396).

    :param area: what follows the magic cookie; `file` and `server_name` are read when the area says so (option 52).
    :returns: the values by code, without option 52, and the value of that (0: nothing is overloaded).
    :raises MessageError: when an option is cut off, or the overload makes no sense.
    """
    parts: dict[int, list[bytes]] = {}
    for code, value in split_options(area, "options"):
        parts.setdefault(code, []).append(value)
    told = parts.pop(Option.OVERLOAD, [b"\0"])
    if len(told) != 1 or len(told[0]) != 1 or told[0][0] > 3:  # 1 file, 2 server name, 3 both
        raise MessageError(f"option overload is {b''.join(told).hex(' ') or 'empty'}")
    overload = told[0][0]
    for bit, field, name in ((1, file, "file field"), (2, server_name, "server name field")):
        if overload & bit:
            for code, value in split_options(field, name):
                if code == Option.OVERLOAD:
                    raise MessageError(f"option overload within the {name}")
                parts.setdefault(code, []).append(value)
    return {code: b"".join(values) for code, values in parts.items()}, overload
