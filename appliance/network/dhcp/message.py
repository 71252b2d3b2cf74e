"""The message that BOOTP and DHCP share (RFC 951, RFC 2131 section 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from appliance.errors import MessageError
from appliance.network.dhcp.option import Option, decode_options, encode_options

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST, REPLY = 1, 2
"""Values of `Message.op`: from a client, from a server."""

ETHERNET = 1
"""Hardware type (RFC 1700)."""

MAGIC_COOKIE = bytes((99, 130, 83, 99))
"""Marks that options follow (RFC 1497)."""

SHORTEST = 300
"""Octets of the message that RFC 951 describes; some relays and servers drop a shorter one."""

LARGEST = 65507
"""Octets that fit into a UDP datagram."""

UNSPECIFIED = IPv4Address("0.0.0.0")  # noqa: S104 (nothing is bound to it: it means "none" in a message)
BROADCAST = IPv4Address("255.255.255.255")

_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")


@dataclass(frozen=True, slots=True)
class Message:
    """A BOOTP or DHCP message. What a malformed option was meant to say is simply not there."""

    op: int
    """1 from a client, 2 from a server."""
    xid: int
    """The client's number for its question, 32 bits; an answer repeats it."""
    chaddr: bytes
    """The client's hardware address, up to 16 octets."""
    options: Mapping[int, bytes] = field(default_factory=dict)
    """Values by code, whole and in the order in which they are written."""
    htype: int = ETHERNET
    hops: int = 0
    secs: int = 0
    """Seconds since the client began to ask, 16 bits."""
    flags: int = 0
    """0x8000 asks for a broadcast answer."""
    ciaddr: IPv4Address = UNSPECIFIED
    """The address that the client has."""
    yiaddr: IPv4Address = UNSPECIFIED
    """The address that the server gives."""
    siaddr: IPv4Address = UNSPECIFIED
    """The server to boot from; of BOOTP, the server itself."""
    giaddr: IPv4Address = UNSPECIFIED
    """The relay."""
    sname: bytes = b""
    """Server name, up to 64 octets; empty when it was used for options."""
    file: bytes = b""
    """Boot file, up to 128 octets; empty when it was used for options."""
    has_cookie: bool = True
    """Whether the magic cookie is there; without it there are no options."""

    def encode(self, shortest: int = SHORTEST) -> bytes:
        """Write the message, padded with zeros to `shortest` octets.

        :raises MessageError: when a value does not fit into its field.
        """
        if self.options and not self.has_cookie:
            raise MessageError("a message without the magic cookie has no options")
        for value, size, name in ((self.chaddr, 16, "chaddr"), (self.sname, 64, "sname"), (self.file, 128, "file")):
            if len(value) > size:
                raise MessageError(f"{name} has {len(value)} octets, at most {size} fit")
        addresses = (self.ciaddr.packed, self.yiaddr.packed, self.siaddr.packed, self.giaddr.packed)
        numbers = (self.op, self.htype, len(self.chaddr), self.hops, self.xid, self.secs, self.flags)
        try:
            header = _HEADER.pack(*numbers, *addresses, self.chaddr, self.sname, self.file)
        except struct.error as error:
            raise MessageError(f"a number does not fit into its field: {error}") from error
        tail = MAGIC_COOKIE + encode_options(self.options) if self.has_cookie else b""
        encoded = (header + tail).ljust(shortest, b"\0")
        if len(encoded) > LARGEST:
            raise MessageError(f"{len(encoded)} octets do not fit into a datagram")
        return encoded

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """Read a message; the vendor area may have any length, none included.

        :raises MessageError: for anything malformed, and nothing else for any octets.
        """
        if not _HEADER.size <= len(data) <= LARGEST:
            raise MessageError(f"a message has {_HEADER.size} to {LARGEST} octets, not {len(data)}")
        unpacked = _HEADER.unpack_from(data)
        op, htype, hlen, hops, xid, secs, flags = unpacked[:7]
        ciaddr, yiaddr, siaddr, giaddr = map(IPv4Address, unpacked[7:11])
        chaddr, sname, file = unpacked[11:]
        if op not in {REQUEST, REPLY}:
            raise MessageError(f"op is {op}")
        if hlen > len(chaddr):
            raise MessageError(f"a hardware address of {hlen} octets")
        options_start = _HEADER.size + len(MAGIC_COOKIE)
        has_cookie = data[_HEADER.size : options_start] == MAGIC_COOKIE
        options: dict[int, bytes] = {}
        overload = 0
        if has_cookie:
            options, overload = decode_options(data[options_start:], file, sname)
        return cls(
            op=op,
            xid=xid,
            chaddr=chaddr[:hlen],
            options=options,
            htype=htype,
            hops=hops,
            secs=secs,
            flags=flags,
            ciaddr=ciaddr,
            yiaddr=yiaddr,
            siaddr=siaddr,
            giaddr=giaddr,
            sname=b"" if overload & 2 else sname.rstrip(b"\0"),
            file=b"" if overload & 1 else file.rstrip(b"\0"),
            has_cookie=has_cookie,
        )

    @property
    def message_type(self) -> int | None:
        """Option 53: a `MessageType`, or a number that has no meaning here; `None` in a message of BOOTP."""
        return self.number(Option.MESSAGE_TYPE, 1)

    @property
    def server(self) -> IPv4Address | None:
        """Option 54: which server this is from, or for."""
        return self.address(Option.SERVER_IDENTIFIER)

    @property
    def requested_address(self) -> IPv4Address | None:
        """Option 50."""
        return self.address(Option.REQUESTED_ADDRESS)

    @property
    def lease_time(self) -> int | None:
        """Option 51, seconds; 0xffffffff means for ever."""
        return self.number(Option.LEASE_TIME, 4)

    @property
    def renewal_time(self) -> int | None:
        """Option 58 (T1), seconds."""
        return self.number(Option.RENEWAL_TIME, 4)

    @property
    def rebinding_time(self) -> int | None:
        """Option 59 (T2), seconds."""
        return self.number(Option.REBINDING_TIME, 4)

    @property
    def mask(self) -> IPv4Address | None:
        """Option 1, whatever its bits are."""
        return self.address(Option.SUBNET_MASK)

    @property
    def routers(self) -> tuple[IPv4Address, ...]:
        """Option 3, in the server's order of preference, unchecked."""
        return self.addresses(Option.ROUTER)

    @property
    def dns(self) -> tuple[IPv4Address, ...]:
        """Option 6, in the server's order of preference, unchecked."""
        return self.addresses(Option.DOMAIN_NAME_SERVER)

    @property
    def time_servers(self) -> tuple[IPv4Address, ...]:
        """Option 42 (RFC 2132, 8.3), in the server's order of preference, unchecked."""
        return self.addresses(Option.NTP_SERVERS)

    @property
    def mtu(self) -> int | None:
        """Option 26, octets."""
        return self.number(Option.INTERFACE_MTU, 2)

    @property
    def client_id(self) -> bytes | None:
        """Option 61, its first octet being the type (RFC 2132, 9.14)."""
        return self.options.get(Option.CLIENT_IDENTIFIER)

    @property
    def default_routers(self) -> tuple[IPv4Address, ...]:
        """Routers of the default routes among the classless static routes (RFC 3442, option 121); no other is used."""
        value = self.options.get(Option.CLASSLESS_STATIC_ROUTE, b"")
        found = []
        position = 0
        while position < len(value):
            width = value[position]
            router = position + 1 + (width + 7) // 8
            if width > 32 or router + 4 > len(value):
                return ()
            if width == 0:
                found.append(IPv4Address(value[router : router + 4]))
            position = router + 4
        return tuple(found)

    def fixed(self, code: int, size: int) -> bytes | None:
        """Value of an option that has exactly `size` octets; `None` when it is missing or malformed.

        An option that is there twice was joined to one (RFC 3396). If it says the same each time, it counts.
        """
        value = self.options.get(code, b"")
        first = value[:size]
        return first if len(first) == size and first * (len(value) // size) == value else None

    def number(self, code: int, size: int) -> int | None:
        """Value of an option that is an unsigned number."""
        value = self.fixed(code, size)
        return None if value is None else int.from_bytes(value)

    def address(self, code: int) -> IPv4Address | None:
        """Value of an option that is one address."""
        value = self.fixed(code, 4)
        return None if value is None else IPv4Address(value)

    def addresses(self, code: int) -> tuple[IPv4Address, ...]:
        """Value of an option that is a list of addresses; empty when it is missing or malformed."""
        value = self.options.get(code, b"")
        if len(value) % 4:
            return ()
        return tuple(IPv4Address(value[start : start + 4]) for start in range(0, len(value), 4))
