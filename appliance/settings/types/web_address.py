"""Addresses on other web servers."""

from urllib.parse import urlsplit

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

LONGEST = 500
"""Characters."""


class WebAddress(Type[str]):
    """An http or https URL (RFC 9110 section 4.2), or nothing. User names in it would be shown: not allowed."""

    def __init__(self, *, has_path: bool = True) -> None:
        """Allow a path and a query with `has_path`; else scheme, host and port alone."""
        self.has_path = has_path
        form = "https://host/path" if has_path else "https://host"
        self.allowed = f"an address such as {form} or http://..., at most {LONGEST} characters, or empty"

    def _parse(self, text: str) -> str:
        if not text:
            return ""
        if len(text) > LONGEST:
            raise InvalidValue(f"it has {len(text)} characters")
        if not text.isascii() or not text.isprintable() or any(character in text for character in ' "<>\\^`{|}'):
            raise InvalidValue("it has characters that an address cannot have")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise InvalidValue("it cannot be taken apart") from None
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or port == 0:
            raise InvalidValue
        if parts.username is not None or parts.password is not None:
            raise InvalidValue("a user name or password in it would be shown to everybody")
        if parts.fragment or (not self.has_path and (parts.path not in {"", "/"} or parts.query)):
            raise InvalidValue
        return text if self.has_path else text.rstrip("/")

    def format(self, value: str) -> str:
        """Write the address as it is."""
        return value
