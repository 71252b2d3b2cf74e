"""The identifier by which a DHCP server knows this device."""

import re
from dataclasses import dataclass

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

LONGEST = 64
HEX = re.compile(r"[0-9A-Fa-f]{2}(?:[:-]?[0-9A-Fa-f]{2})*", re.ASCII)


@dataclass(frozen=True)
class ClientId:
    """The octets of DHCP option 61 as they go out, and whether they were written as text or as hexadecimal."""

    octets: bytes
    is_text: bool = False


class DhcpClientId(Type[ClientId]):
    """A DHCP client identifier, 2 to 64 octets (RFC 2132 section 9.14), as `text:...` or `hex:...`.

    The octets go out as they are written. A text has no type octet in front, as most servers' configuration expects;
    who needs one (0 for a name, 1 for an Ethernet address) writes the whole in hexadecimal.
    """

    allowed = f"text: and 2 to {LONGEST} ASCII characters, or hex: and 2 to {LONGEST} octets such as hex:01:0a:1b"

    def _parse(self, text: str) -> ClientId:
        kind, colon, rest = text.partition(":")
        kind = kind.lower()
        if not colon or kind not in ("text", "hex"):
            raise InvalidValue
        if kind == "text":
            if not rest.isascii():
                raise InvalidValue
            octets = rest.encode("ascii")
        else:
            if not HEX.fullmatch(rest):
                raise InvalidValue
            octets = bytes.fromhex(re.sub("[:-]", "", rest))
        if not 2 <= len(octets) <= LONGEST:
            raise InvalidValue(f"{len(octets)} octets")
        return ClientId(octets, is_text=kind == "text")

    def format(self, value: ClientId) -> str:
        """Write it in the form in which it was given."""
        return f"text:{value.octets.decode('ascii')}" if value.is_text else f"hex:{value.octets.hex(':')}"
