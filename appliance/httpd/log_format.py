"""The form of a log line, compiled; and how text from a client is written so that it stays text."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from typing import TYPE_CHECKING

from appliance.settings.types.log_format import DIRECTIVE

if TYPE_CHECKING:
    import time
    from collections.abc import Callable

    from appliance.httpd.exchange import Exchange

    Part = Callable[[Exchange, time.struct_time], str]

LONGEST_VALUE = 64
"""Bytes of UTF-8 that a directive, in ``%r`` each element, may have when written."""

MISSING = "-"
WITHHELD = "..."
"""Stands for a header that would let whoever reads the log in."""

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})

NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]")
"""Anything but printable ASCII without quotation mark and backslash."""
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
"""Classes of Unicode's annex 9 that change the order of what stands beside them, as the bidi controls do."""
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by class, but nothing is seen of them."""


class LineFormat:
    """A format as `appliance.settings.types.log_format` admits it, ready to make lines."""

    def __init__(self, text: str) -> None:
        """Compile `text`; what is no directive stands for itself."""
        self.text = text
        self._parts: list[str | Part] = []
        end = 0
        for found in DIRECTIVE.finditer(text):
            self._parts += [text[end : found.start()], _part(found[0])]
            end = found.end()
        self._parts.append(text[end:])

    def line(self, exchange: Exchange, at: time.struct_time) -> str:
        """Write the line of an exchange that ended `at` this local time: printable, no line end in it."""
        return "".join(part if isinstance(part, str) else part(exchange, at) for part in self._parts)


def written(text: str, *, is_element: bool = False) -> str:
    r"""Write decoded text so that it cannot be taken for anything else, cut at `LONGEST_VALUE`; ``-`` if empty.

    Quotes and backslashes get a backslash. A character is written as ``\xNN`` for each byte of its UTF-8 when it
    cannot be printed, does not stand for itself alone (a mark on its neighbour), changes the order of its neighbours,
    cannot be seen, or is a space in an element of the request line, which then would seem to have more of them. So is
    a byte that was no UTF-8, a surrogate here (PEP 383).
    """
    text = text[:LONGEST_VALUE] or MISSING
    if not NOT_PLAIN.search(text) and not (is_element and " " in text):
        return text
    found: list[str] = []
    left = LONGEST_VALUE
    for character in text:
        shown = _escaped(character) if is_element and character == " " else _shown(character)
        left -= len(shown.encode())
        if left < 0:
            break
        found.append(shown)
    return "".join(found)


def sent(octets: str, *, is_element: bool = False) -> str:
    """Write what a client sent, one character a byte (PEP 3333, "a note on string types"), as `written` does."""
    # Where this falls into a character, there is less room left than the escape of a lone byte takes.
    octets = octets[:LONGEST_VALUE]
    if octets and not NOT_PLAIN.search(octets) and not (is_element and " " in octets):
        return octets
    try:
        raw = octets.encode("latin-1")
    except UnicodeEncodeError:  # decoded already, and not by us
        raw = octets.encode("utf-8", "surrogatepass")
    return written(raw.decode("utf-8", "surrogateescape"), is_element=is_element)


def _shown(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isascii():
        return character if character.isprintable() else _escaped(character)
    is_plain = (
        character.isprintable()
        and not unicodedata.category(character).startswith("M")
        and unicodedata.bidirectional(character) not in RIGHT_TO_LEFT
        and character not in BLANK
    )
    return character if is_plain else _escaped(character)


def _escaped(character: str) -> str:
    # A lone surrogate that stands for no byte is written as the three bytes that UTF-8 does not allow for it.
    is_byte = "\udc80" <= character <= "\udcff"
    octets = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\x{octet:02x}" for octet in octets)


def _part(directive: str) -> Part:
    if directive.startswith("%{"):
        return partial(_header, directive[2 : directive.index("}")])
    return PARTS[directive[1]]


def _header(name: str, exchange: Exchange, _at: time.struct_time) -> str:
    value = exchange.headers.get(name, "")
    return WITHHELD if value and name.lower() in SECRET_HEADERS else sent(value)


def _request(exchange: Exchange) -> str:
    elements = (exchange.method, exchange.target, exchange.version)
    whole = " ".join(elements)
    if len(whole) <= LONGEST_VALUE and whole.count(" ") == 2 and all(elements) and not NOT_PLAIN.search(whole):
        return whole
    return " ".join(sent(element, is_element=True) for element in elements) if any(elements) else MISSING


def _query(exchange: Exchange) -> str:
    _, mark, query = exchange.target.partition("?")
    return sent(mark + query, is_element=True) if mark else ""


PARTS: dict[str, Part] = {
    "a": lambda exchange, _: written(exchange.peer),
    "b": lambda exchange, _: str(exchange.body_bytes),
    "B": lambda exchange, _: str(exchange.body_bytes or MISSING),
    # The address: a name would have to be asked for, and whoever asks waits.
    "h": lambda exchange, _: written(exchange.peer),
    "m": lambda exchange, _: sent(exchange.method, is_element=True),
    "p": lambda exchange, _: str(exchange.port),
    "q": lambda exchange, _: _query(exchange),
    "r": lambda exchange, _: _request(exchange),
    "s": lambda exchange, _: str(exchange.status or MISSING),
    "t": lambda _, at: f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}",
    "u": lambda exchange, _: written(exchange.user),
    "U": lambda exchange, _: sent(exchange.target.partition("?")[0], is_element=True),
}
"""What each directive of a letter gives; `DIRECTIVES` of the setting's type has the same letters."""
