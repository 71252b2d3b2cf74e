"""Names that a server sends. They are hostile until they have passed here.

What passes has letters, digits, hyphens and dots alone (RFC 952, RFC 1123 section 2.1): no file, page or shell can be
led astray by it.
"""

from __future__ import annotations

import re

from appliance.errors import InvalidValue, quoted

LONGEST_NAME = 253
"""Characters of a whole name as it is written (RFC 1035, 2.3.4: 255 octets in a message)."""

MOST_NAMES = 16
"""Names of a search list that are kept; each makes a failing look-up longer."""

_POINTER = 0xC0

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)


def check_domain(name: str) -> str:
    """Give back `name`, without a dot at its end, if it can be a domain.

    :raises InvalidValue: when it cannot; the message shows it escaped.
    """
    bare = name.removesuffix(".")
    if len(bare) > LONGEST_NAME:
        raise InvalidValue(f"{quoted(name)} is longer than {LONGEST_NAME} characters")
    labels = bare.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidValue(f"{quoted(name)} is no name: letters, digits and hyphens between dots")
    if labels[-1].isdigit():
        raise InvalidValue(f"{quoted(name)} is no name: it would read as a number")
    return bare


def check_hostname(name: str) -> str:
    """Give back the first label of `name` (a server may send it with its domain) if it can name this host.

    :raises InvalidValue: when it cannot.
    """
    label = check_domain(name).partition(".")[0]
    if label.isdigit():
        raise InvalidValue(f"{quoted(label)} is no name for a host: it would read as a number")
    if label.lower() == "localhost":
        raise InvalidValue(f"{quoted(label)} is the name of every host")
    return label


def text_of(value: bytes) -> str:
    """Take an option's octets for text; zeros at the end are the terminator of a C string (RFC 2132, 2)."""
    return value.rstrip(b"\0").decode("latin-1")


def decode_search_list(value: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read option 119: names in the coding of RFC 1035 4.1.4, pointers counted from the beginning of the option.

    A pointer must lead backwards, so that none goes round. Never raises and looks at few octets twice: at most
    `MOST_NAMES` names, each of at most 255 octets.

    :returns: the names that are in order, each once, and what is wrong with the others.
    """
    names: list[str] = []
    complaints: list[str] = []
    position = 0
    for _ in range(MOST_NAMES):
        if position >= len(value):
            break
        try:
            labels, position = _read_name(value, position)
        except InvalidValue as error:
            complaints.append(f"search list: {error}")
            break
        try:
            name = check_domain(".".join(label.decode("latin-1") for label in labels))
        except InvalidValue as error:
            complaints.append(f"search list: {error}")
            continue
        if name.lower() not in (known.lower() for known in names):
            names.append(name)
    else:
        if position < len(value):
            complaints.append(f"search list: only the first {MOST_NAMES} names are kept")
    return tuple(names), tuple(complaints)


def _read_name(value: bytes, start: int) -> tuple[list[bytes], int]:
    """Read the name at `start`; give its labels and where the next name begins."""
    labels: list[bytes] = []
    position = start
    lowest = start
    after: int | None = None
    octets = 0
    while True:
        if position >= len(value):
            raise InvalidValue("a name is cut off")
        length = value[position]
        position += 1
        if length == 0:
            return labels, position if after is None else after
        if length & _POINTER == _POINTER:
            if position >= len(value):
                raise InvalidValue("a pointer is cut off")
            target = (length & ~_POINTER) << 8 | value[position]
            if after is None:
                after = position + 1
            if target >= lowest:
                raise InvalidValue("a pointer does not lead backwards")
            position = lowest = target
            continue
        if length & _POINTER:
            raise InvalidValue(f"a label begins with {length:#04x}")
        octets += length + 1
        if position + length > len(value):
            raise InvalidValue("a label is cut off")
        if octets >= LONGEST_NAME + 2:
            raise InvalidValue(f"a name is longer than {LONGEST_NAME} characters")
        labels.append(value[position : position + length])
        position += length
