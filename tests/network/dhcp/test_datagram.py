"""IPv4 and UDP headers, made and read."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.network.dhcp.datagram import build_packet, internet_checksum, parse_packet
from appliance.network.dhcp.events import TO_ALL, Destination

SOURCE, TARGET = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.100")


def to_us(payload: bytes = b"hello", *, options: bytes = b"", checksum: int | None = None, fragment: int = 0) -> bytes:
    """A packet as a server sends it."""
    size = 8 + len(payload)
    pseudo = SOURCE.packed + TARGET.packed + struct.pack("!HH", 17, size)
    ports = struct.pack("!HHH", 67, 68, size)
    if checksum is None:
        checksum = internet_checksum(pseudo + ports + b"\0\0" + payload) or 0xFFFF
    words = 5 + len(options) // 4
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + size, 1, fragment, 64, 17, 0)
    header += SOURCE.packed + TARGET.packed + options
    header = header[:10] + struct.pack("!H", internet_checksum(header)) + header[12:]
    return header + ports + struct.pack("!H", checksum) + payload


def slow_checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@given(st.binary(max_size=200))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    assert internet_checksum(data) == slow_checksum(data)


def test_the_checksum_of_the_extremes() -> None:
    for data in (b"", b"\0\0", b"\xff\xff", b"\xff\xff" * 3, b"\0\1\xff\xfe"):
        assert internet_checksum(data) == slow_checksum(data)


def test_what_we_send_has_right_checksums() -> None:
    for destination in (TO_ALL, Destination(TARGET, SOURCE)):
        packet = build_packet(b"hello", destination)
        assert slow_checksum(packet[:20]) == 0
        assert slow_checksum(packet[12:20] + struct.pack("!HH", 17, 13) + packet[20:]) == 0
        assert struct.unpack_from("!HHH", packet, 20) == (68, 67, 13)


def test_a_checksum_of_zero_is_written_as_its_complement() -> None:
    for number in range(0x10000):
        packet = build_packet(number.to_bytes(2), TO_ALL)
        if packet[26:28] == b"\xff\xff":
            break
        assert packet[26:28] != b"\0\0"
    else:
        pytest.fail("one of them must be")


@pytest.mark.parametrize("options", [b"", b"\1\1\1\0", b"\1" * 40])
def test_a_packet_is_read_whatever_options_it_has(options: bytes) -> None:
    datagram = parse_packet(to_us(options=options) + b"padding of the frame", mac="02:00:00:00:00:01")
    assert datagram is not None
    assert (datagram.payload, datagram.source, datagram.mac) == (b"hello", SOURCE, "02:00:00:00:00:01")


def test_udps_checksum_counts_unless_there_is_none_or_it_is_not_made_yet() -> None:
    assert parse_packet(to_us(checksum=0)) is not None
    assert parse_packet(to_us(checksum=0x1234)) is None
    assert parse_packet(to_us(checksum=0x1234), trusts_checksum=True) is not None


def changed(position: int, value: int) -> bytes:
    packet = bytearray(to_us())
    packet[position] = value
    packet[10:12] = b"\0\0"
    packet[10:12] = struct.pack("!H", internet_checksum(bytes(packet[:20])))
    return bytes(packet)


BAD = {
    "nothing": b"",
    "a header cut off": to_us()[:19],
    "a datagram cut off": to_us()[:-1],
    "IPv6": changed(0, 0x65),
    "a header of 16 octets": changed(0, 0x44),
    "a header longer than all": changed(0, 0x4F),
    "TCP": changed(9, 6),
    "another port": changed(23, 67),
    "a total of less than the headers": changed(3, 27),
    "a datagram of less than its header": changed(25, 7),
    "a datagram longer than its packet": changed(25, 14),
    "a wrong checksum of IP": to_us()[:10] + b"\0\0" + to_us()[12:],
    "a first fragment": to_us(fragment=0x2000),
    "a last fragment": to_us(fragment=0x0010),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_datagram_to_us_is_dropped(name: str) -> None:
    assert parse_packet(BAD[name], trusts_checksum=name != "a wrong checksum of IP") is None


@given(st.binary(max_size=100), st.booleans())
def test_no_octets_make_it_fail(data: bytes, trusts: bool) -> None:
    parse_packet(data, trusts_checksum=trusts)
    parse_packet(b"\x45" + data, trusts_checksum=trusts)
