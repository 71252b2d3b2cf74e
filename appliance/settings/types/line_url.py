"""Where a serial line is: a device, or a URL that pyserial opens."""

import re

from appliance.errors import InvalidValue
from appliance.settings.types.number import Port
from appliance.settings.types.type import Type

LONGEST = 255
URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[!-~]*)", re.ASCII)
ENDPOINT = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]+)(?:/|/?\?[!-~]*)?",
    re.ASCII,
)
DEVICE = re.compile(r"/[!-~]+", re.ASCII)


class LineUrl(Type[str]):
    """A device path, or a URL: `socket://` and `rfc2217://` with host and port, `loop://`, or another of pyserial's.

    `spy://` is refused: it writes to a file of the caller's choice, and this text can come from a web page.
    """

    def __init__(self, *, optional: bool = False) -> None:
        """Allow nothing at all, too, when `optional`."""
        self.optional = optional
        self.allowed = (
            "a device such as /dev/ttyAMA0, or a URL such as socket://host:port, rfc2217://host:port or loop://"
            + (", or empty for none" if optional else "")
        )

    def _parse(self, text: str) -> str:
        if not text:
            if self.optional:
                return text
            raise InvalidValue
        if len(text) > LONGEST:
            raise InvalidValue(f"longer than {LONGEST} characters")
        if DEVICE.fullmatch(text):
            if "//" in text or ".." in text.split("/") or text.endswith("/"):
                raise InvalidValue
            return text
        url = URL.fullmatch(text)
        if url is None:
            raise InvalidValue
        if url["scheme"] == "spy":
            raise InvalidValue("spy:// writes files and is not for a device in service")
        if url["scheme"] in ("socket", "rfc2217"):
            endpoint = ENDPOINT.fullmatch(url["rest"])
            if endpoint is None:
                raise InvalidValue
            Port().parse(endpoint["port"])
        elif url["scheme"] != "loop" and not url["rest"]:
            raise InvalidValue
        return text

    def format(self, value: str) -> str:
        """Write it as it is."""
        return value
