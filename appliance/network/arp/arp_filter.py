"""Which frames of an interface wake the thread that waits for ARP: a program for the kernel (classic BPF)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from appliance.network.arp.packet import (
    ADDRESS_SIZE,
    ETHERTYPE_ARP,
    FRAME_SIZE,
    HARDWARE_ETHERNET,
    MAC_SIZE,
    PROTOCOL_IPV4,
    Operation,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address

MOST_ADDRESSES = 16
"""Addresses that can be watched at a time."""

INSTRUCTION = struct.Struct("=HBBI")
"""Operation, how far to jump when true and when false, number (struct sock_filter)."""

# Linux, Documentation/networking/filter.rst and include/uapi/linux/filter.h.
LOAD_WORD, LOAD_HALF, LOAD_LENGTH = 0x20, 0x28, 0x80
JUMP_EQUAL, JUMP_AT_LEAST = 0x15, 0x35
RETURN = 0x06
ANCILLARY = 0xFFFFF000
"""From here on (SKF_AD_OFF) are facts about the frame in place of its octets."""
PACKET_TYPE = ANCILLARY + 4
OTHER_HOST = 3
"""PACKET_OTHERHOST (packet(7)): a frame for another host, or of a VLAN that this host is not in, whose tag the kernel
takes out before anybody can see it. The next one, 4, is a frame that this host sends."""

# Where the fields of a frame begin.
AT_TYPE, AT_SPACES, AT_SIZES, AT_OPERATION, AT_SENDER_MAC, AT_SENDER, AT_TARGET = 12, 14, 18, 20, 22, 28, 38

Step = tuple[int, int, str, str]
"""Operation, number, and the places to go on at when true and when false; "" is the next step."""


def arp_filter(mac: bytes, addresses: Iterable[IPv4Address]) -> bytes:
    """Make the program that passes ARP for IPv4 of other hosts than `mac` which claims or probes one of `addresses`.

    So no other ARP in a busy network wakes anybody, and a claim in another VLAN is no conflict.

    :raises ValueError: with more than `MOST_ADDRESSES`.
    """
    wanted = sorted({int(address) for address in addresses})
    if len(wanted) > MOST_ADDRESSES:
        raise ValueError(f"{len(wanted)} addresses to watch; at most {MOST_ADDRESSES}")
    return _assemble(
        [
            (LOAD_LENGTH, 0, "", ""),
            (JUMP_AT_LEAST, FRAME_SIZE, "", "drop"),
            (LOAD_WORD, PACKET_TYPE, "", ""),
            (JUMP_AT_LEAST, OTHER_HOST, "drop", ""),
            (LOAD_HALF, AT_TYPE, "", ""),
            (JUMP_EQUAL, ETHERTYPE_ARP, "", "drop"),
            (LOAD_WORD, AT_SPACES, "", ""),
            (JUMP_EQUAL, HARDWARE_ETHERNET << 16 | PROTOCOL_IPV4, "", "drop"),
            (LOAD_HALF, AT_SIZES, "", ""),
            (JUMP_EQUAL, MAC_SIZE << 8 | ADDRESS_SIZE, "", "drop"),
            (LOAD_HALF, AT_OPERATION, "", ""),
            (JUMP_AT_LEAST, min(Operation), "", "drop"),
            (JUMP_AT_LEAST, max(Operation) + 1, "drop", ""),
            (LOAD_WORD, AT_SENDER_MAC, "", ""),
            (JUMP_EQUAL, int.from_bytes(mac[:4]), "", "foreign"),
            (LOAD_HALF, AT_SENDER_MAC + 4, "", ""),
            (JUMP_EQUAL, int.from_bytes(mac[4:]), "drop", "foreign"),
            "foreign",
            (LOAD_WORD, AT_SENDER, "", ""),
            *((JUMP_EQUAL, address, "take", "") for address in wanted),
            (JUMP_EQUAL, 0, "", "drop"),
            (LOAD_WORD, AT_TARGET, "", ""),
            *((JUMP_EQUAL, address, "take", "") for address in wanted),
            "drop",
            (RETURN, 0, "", ""),
            "take",
            (RETURN, 0xFFFF, "", ""),  # the whole frame
        ]
    )


def _assemble(lines: list[Step | str]) -> bytes:
    """Turn the names of places into distances."""
    steps: list[Step] = []
    places: dict[str, int] = {}
    for line in lines:
        if isinstance(line, str):
            places[line] = len(steps)
        else:
            steps.append(line)
    program = b""
    for number, (operation, value, when_true, when_false) in enumerate(steps):
        true, false = (places[place] - number - 1 if place else 0 for place in (when_true, when_false))
        program += INSTRUCTION.pack(operation, true, false, value)
    return program
