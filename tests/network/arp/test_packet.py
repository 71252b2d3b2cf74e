"""ARP packets, and what is none."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidValue
from appliance.network.arp.packet import (
    BROADCAST_MAC,
    NO_MAC,
    ArpPacket,
    Operation,
    announcement,
    decode,
    mac_octets,
    probe,
)
from tests.network.arp.rig import ADDRESS, OURS, THEIRS

macs = st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":"))
addresses = st.integers(0, 2**32 - 1).map(IPv4Address)
packets = st.builds(ArpPacket, st.sampled_from(Operation), macs, addresses, macs, addresses)


def test_a_probe_is_the_frame_of_the_rfc() -> None:
    frame = probe(ADDRESS, OURS)
    assert frame.hex(" ") == (
        "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 00 01 08 00 06 04 00 01 "
        "02 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 c0 00 02 0a"
    )
    packet = decode(frame)
    assert packet is not None
    assert (packet.is_probe, packet.is_announcement) == (True, False)


def test_an_announcement_names_the_address_twice() -> None:
    packet = decode(announcement(ADDRESS, OURS))
    assert packet == ArpPacket(Operation.REQUEST, OURS, ADDRESS, NO_MAC, ADDRESS)
    assert (packet.is_probe, packet.is_announcement) == (False, True)


@given(packets, st.binary(max_size=40))
def test_what_was_encoded_comes_back_whatever_the_padding(packet: ArpPacket, padding: bytes) -> None:
    found = decode(packet.encode() + padding)
    assert found == (None if packet.sender_mac in {NO_MAC, BROADCAST_MAC} else packet)


@given(st.binary(max_size=80))
def test_random_octets_never_raise(data: bytes) -> None:
    decode(data)


@given(packets, st.integers(0, 41), st.integers(1, 255))
def test_a_changed_octet_gives_a_packet_or_none(packet: ArpPacket, where: int, change: int) -> None:
    frame = bytearray(packet.encode())
    frame[where] ^= change
    found = decode(bytes(frame))
    if 12 <= where < 20:  # type, spaces and lengths can be only what they are
        assert found is None


@pytest.mark.parametrize("length", [0, 1, 13, 14, 28, 41])
def test_a_frame_that_was_cut_is_none(length: int) -> None:
    assert decode(probe(ADDRESS, OURS)[:length]) is None


@pytest.mark.parametrize("tag", [0x8100, 0x88A8])
def test_a_frame_with_a_vlan_tag_is_none(tag: int) -> None:
    frame = announcement(ADDRESS, THEIRS)
    assert decode(frame[:12] + tag.to_bytes(2) + b"\x00\x05" + frame[12:]) is None


@pytest.mark.parametrize("operation", [0, 3, 8, 9, 23, 0xFFFF])
def test_other_operations_are_none(operation: int) -> None:
    frame = announcement(ADDRESS, THEIRS)
    assert decode(frame[:20] + operation.to_bytes(2) + frame[22:]) is None


@pytest.mark.parametrize("mac", [NO_MAC, BROADCAST_MAC])
def test_nobody_is_called_so(mac: str) -> None:
    assert decode(ArpPacket(Operation.REPLY, mac, ADDRESS, OURS, ADDRESS).encode()) is None


def test_a_cluster_answers_with_a_multicast_address() -> None:
    packet = decode(ArpPacket(Operation.REPLY, "03:bf:c0:00:02:0a", ADDRESS, OURS, ADDRESS).encode())
    assert packet is not None
    assert packet.sender_mac == "03:bf:c0:00:02:0a"


@pytest.mark.parametrize(
    "mac", ["", "02", "02:00:00:00:00", "02:00:00:00:00:0g", "020000000001", "02:00:00:00:00:1", "²2:00:00:00:00:01"]
)
def test_what_is_no_mac_address_is_refused(mac: str) -> None:
    with pytest.raises(InvalidValue):
        mac_octets(mac)
