"""IPv4 packets with one UDP datagram in them (RFC 791, RFC 768), made and read without the kernel's help."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.network.dhcp.events import Destination

SERVER_PORT, CLIENT_PORT = 67, 68

TIME_TO_LIVE = 64

_UDP = 17
_IP_HEADER = struct.Struct("!BBHHHBBH4s4s")
_UDP_HEADER = struct.Struct("!HHHH")
_MORE_FRAGMENTS_OR_OFFSET = 0x3FFF


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came to port 68."""

    payload: bytes
    source: IPv4Address
    mac: str = ""
    """The hardware address that it came from, not necessarily that of a machine that exists."""


def internet_checksum(data: bytes) -> int:
    """Give the checksum of RFC 1071; over data that contains a right one it is 0."""
    if len(data) % 2:
        data += b"\0"
    # The sum in ones' complement is that of one big number modulo 65535.
    total = int.from_bytes(data) % 0xFFFF
    return 0xFFFF - total if total or not any(data) else 0


def build_packet(payload: bytes, destination: Destination) -> bytes:
    """Make the packet from our port to a server's."""
    source, target = destination.source.packed, destination.target.packed
    size = _UDP_HEADER.size + len(payload)
    pseudo = source + target + struct.pack("!HH", _UDP, size)
    ports = struct.pack("!HHH", CLIENT_PORT, SERVER_PORT, size)
    # 0 would mean "no checksum" (RFC 768).
    checksum = internet_checksum(pseudo + ports + b"\0\0" + payload) or 0xFFFF
    fields = (0x45, 0, _IP_HEADER.size + size, 0, 0, TIME_TO_LIVE, _UDP)
    header = _IP_HEADER.pack(*fields, 0, source, target)
    header = _IP_HEADER.pack(*fields, internet_checksum(header), source, target)
    return header + ports + struct.pack("!H", checksum) + payload


def parse_packet(packet: bytes, *, mac: str = "", trusts_checksum: bool = False) -> Datagram | None:
    """Read a packet to our port, whatever options its header has; `None` when it is none, or damaged.

    A fragment is none: a server that knows how much we take has no reason to send any.

    :param trusts_checksum: do not look at UDP's, which the sender has left to its hardware to fill in.
    """
    if len(packet) < _IP_HEADER.size or packet[0] >> 4 != 4:
        return None
    _, _, total, _, fragment, _, protocol, _, source, target = _IP_HEADER.unpack_from(packet)
    start = (packet[0] & 0xF) * 4
    if protocol != _UDP or fragment & _MORE_FRAGMENTS_OR_OFFSET:
        return None
    if not _IP_HEADER.size + _UDP_HEADER.size <= start + _UDP_HEADER.size <= total <= len(packet):
        return None
    if internet_checksum(packet[:start]):
        return None
    _, port, size, checksum = _UDP_HEADER.unpack_from(packet, start)
    if port != CLIENT_PORT or not _UDP_HEADER.size <= size <= total - start:
        return None
    datagram = packet[start : start + size]
    if checksum and not trusts_checksum:
        pseudo = source + target + struct.pack("!HH", _UDP, size)
        if internet_checksum(pseudo + datagram):
            return None
    return Datagram(datagram[_UDP_HEADER.size :], IPv4Address(source), mac)
