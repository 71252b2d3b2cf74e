"""One ARP packet for IPv4 on Ethernet (RFC 826), in its Ethernet frame. Pure: bytes in, values out."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from appliance.errors import InvalidValue, quoted

ETHERTYPE_ARP = 0x0806
"""RFC 826, "Definitions"; also IEEE's number of the protocol in an Ethernet header."""

FRAME = struct.Struct("!6s6sH HHBBH 6s4s6s4s")
"""Ethernet header (destination, source, type), then the packet of RFC 826: spaces, lengths, operation, addresses."""

FRAME_SIZE = FRAME.size
"""42 octets; what follows them is padding up to the least size of an Ethernet frame."""

HARDWARE_ETHERNET = 1
PROTOCOL_IPV4 = 0x0800
MAC_SIZE = 6
ADDRESS_SIZE = 4

ANY_ADDRESS = IPv4Address(0)
"""The sender address of a probe: an address that nobody has, so that no neighbour's table is changed by it."""

NO_MAC = "00:00:00:00:00:00"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"


class Operation(IntEnum):
    """What the packet is; other operations that were assigned since do not concern Ethernet with IPv4."""

    REQUEST = 1
    REPLY = 2


def mac_octets(mac: str) -> bytes:
    """Give the six octets of a MAC address that is written in pairs of hexadecimal digits with colons between.

    :raises InvalidValue: when it is written in another way.
    """
    pairs = mac.split(":")
    if len(pairs) != MAC_SIZE or not all(len(pair) == 2 and pair.isascii() and pair.isalnum() for pair in pairs):
        raise InvalidValue(f"{quoted(mac)}: a MAC address is six pairs of hexadecimal digits with colons between them")
    try:
        return bytes.fromhex("".join(pairs))
    except ValueError as error:
        raise InvalidValue(f"{quoted(mac)}: a MAC address has hexadecimal digits only") from error


def mac_text(octets: bytes) -> str:
    """Write a MAC address as the kernel does: small letters, colons."""
    return octets.hex(":")


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """What one host says of addresses. MAC addresses are written as `mac_text` does."""

    operation: Operation
    sender_mac: str
    sender_address: IPv4Address
    target_mac: str
    target_address: IPv4Address

    @property
    def is_probe(self) -> bool:
        """Whether it asks for an address without claiming one (RFC 5227, 1.1, "ARP Probe")."""
        return self.operation is Operation.REQUEST and self.sender_address == ANY_ADDRESS

    @property
    def is_announcement(self) -> bool:
        """Whether it claims the address that it asks for (RFC 5227, 1.1, "ARP Announcement")."""
        return self.operation is Operation.REQUEST and self.sender_address == self.target_address != ANY_ADDRESS

    def encode(self, destination: str = BROADCAST_MAC) -> bytes:
        """Make the Ethernet frame from the sender to `destination`, without padding.

        :raises InvalidValue: when a MAC address is none.
        """
        sender = mac_octets(self.sender_mac)
        return FRAME.pack(
            mac_octets(destination),
            sender,
            ETHERTYPE_ARP,
            HARDWARE_ETHERNET,
            PROTOCOL_IPV4,
            MAC_SIZE,
            ADDRESS_SIZE,
            self.operation,
            sender,
            self.sender_address.packed,
            mac_octets(self.target_mac),
            self.target_address.packed,
        )


def decode(frame: bytes) -> ArpPacket | None:
    """Read an Ethernet frame; `None` when it is no ARP request or reply for IPv4 that a host could have sent.

    A frame with a VLAN tag is none of ours. Nor is a sender without a MAC address, or with the broadcast one: nobody
    could be named as the holder. A multicast one is taken, for clusters of servers answer with such.
    """
    if len(frame) < FRAME_SIZE:
        return None
    (_, _, ethertype, hardware, protocol, mac_size, address_size, operation, *addresses) = FRAME.unpack_from(frame)
    if (ethertype, hardware, protocol) != (ETHERTYPE_ARP, HARDWARE_ETHERNET, PROTOCOL_IPV4):
        return None
    if (mac_size, address_size) != (MAC_SIZE, ADDRESS_SIZE) or operation not in tuple(Operation):
        return None
    sender_mac, sender_address, target_mac, target_address = addresses
    sender = mac_text(sender_mac)
    if sender in {NO_MAC, BROADCAST_MAC}:
        return None
    return ArpPacket(
        Operation(operation), sender, IPv4Address(sender_address), mac_text(target_mac), IPv4Address(target_address)
    )


def probe(address: IPv4Address, mac: str) -> bytes:
    """Make the frame that asks whether anybody has `address` (RFC 5227, 2.1.1).

    :raises InvalidValue: when `mac` is no MAC address.
    """
    return ArpPacket(Operation.REQUEST, mac, ANY_ADDRESS, NO_MAC, address).encode()


def announcement(address: IPv4Address, mac: str) -> bytes:
    """Make the frame that tells everybody that `address` is at `mac` (RFC 5227, 2.3).

    :raises InvalidValue: when `mac` is no MAC address.
    """
    return ArpPacket(Operation.REQUEST, mac, address, NO_MAC, address).encode()
