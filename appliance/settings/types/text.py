"""Texts of one line, and the names that are made of them."""

import re

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


class Text(Type[str]):
    """Printable characters, from `shortest` to `longest` of them, in the form of `pattern` where one is given."""

    def __init__(self, shortest: int, longest: int, *, pattern: str | None = None, allowed: str = "") -> None:
        """Set the lengths in characters, the ASCII regular expression that must match, and words for both."""
        self.shortest = shortest
        self.longest = longest
        self.pattern = None if pattern is None else re.compile(pattern, re.ASCII)
        self.allowed = allowed or f"{shortest} to {longest} printable characters"

    def _parse(self, text: str) -> str:
        if not self.shortest <= len(text) <= self.longest:
            raise InvalidValue(f"it has {len(text)} characters")
        if self.pattern is not None and text and not self.pattern.fullmatch(text):
            raise InvalidValue
        return text

    def format(self, value: str) -> str:
        """Write the text as it is."""
        return value


class Hostname(Text):
    """A host's own name, one label: a letter first, a letter or digit last (RFC 952)."""

    def __init__(self) -> None:
        super().__init__(
            1,
            63,
            pattern=r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?",
            allowed="a letter, then letters, digits or hyphens, a letter or digit at the end; at most 63 characters",
        )


class DomainName(Text):
    """The name of a domain, labels with dots between (RFC 1035 section 2.3), or nothing."""

    def __init__(self) -> None:
        super().__init__(
            0,
            253,
            pattern=rf"{LABEL}(?:\.{LABEL})*",
            allowed="labels of letters, digits and hyphens, dots between them, at most 253 characters, or empty",
        )


class UriPath(Text):
    """A path of the web server, as it is after decoding: begins with `/`, then whole segments.

    A slash at the end is dropped but in `/` itself, so that one path has one spelling.
    """

    def __init__(self) -> None:
        super().__init__(
            1,
            255,
            pattern=r"/(?:[^\s/?#%\"\\<>]+(?:/[^\s/?#%\"\\<>]+)*/?)?",
            allowed="a path that begins with /, without spaces, quotes, empty or dot segments, at most 255 characters",
        )

    def _parse(self, text: str) -> str:
        path = super()._parse(text)
        if any(segment in (".", "..") for segment in path.split("/")):
            raise InvalidValue
        return path.rstrip("/") or "/"
