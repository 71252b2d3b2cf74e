"""A strict reader of pcapng files, written from draft-ietf-opsawg-pcapng and from nothing of the writer's."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field


@dataclass
class Interface:
    link_type: int
    limit: int
    options: dict[int, list[bytes]]

    @property
    def resolution(self) -> float:
        """Seconds of a tick (section 4.2, if_tsresol)."""
        (value,) = self.options.get(9, [b"\x06"])[0]
        return 2.0 ** -(value & 0x7F) if value & 0x80 else 10.0**-value


@dataclass
class Packet:
    interface: Interface
    time: float
    data: bytes
    options: dict[int, list[bytes]]


@dataclass
class Capture:
    options: dict[int, list[bytes]] = field(default_factory=dict)
    interfaces: list[Interface] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)


def read(content: bytes) -> Capture:
    """Read a file of one section; anything out of order fails."""
    capture = Capture()
    place = 0
    while place < len(content):
        kind, length = struct.unpack_from("<II", content, place)
        assert length % 4 == 0
        assert length >= 12
        body = content[place + 8 : place + length - 4]
        assert len(body) == length - 12, "cut"
        assert struct.unpack_from("<I", content, place + length - 4) == (length,)
        if kind == 0x0A0D0D0A:
            assert place == 0
            magic, major, minor, section = struct.unpack_from("<IHHq", body)
            assert (magic, major, minor, section) == (0x1A2B3C4D, 1, 0, -1)
            capture.options = _options(body[16:])
        elif kind == 1:
            link_type, reserved, limit = struct.unpack_from("<HHI", body)
            assert reserved == 0
            capture.interfaces.append(Interface(link_type, limit, _options(body[8:])))
        elif kind == 6:
            number, high, low, taken, there = struct.unpack_from("<IIIII", body)
            interface = capture.interfaces[number]
            assert taken == there
            assert not interface.limit or taken <= interface.limit
            end = 20 + (taken + 3) // 4 * 4
            assert not any(body[20 + taken : end]), "padding"
            time = (high << 32 | low) * interface.resolution
            capture.packets.append(Packet(interface, time, body[20 : 20 + taken], _options(body[end:])))
        else:
            raise AssertionError(f"block {kind:#x}")
        place += length
    assert place == len(content)
    return capture


def _options(data: bytes) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    place = 0
    while place < len(data):
        code, length = struct.unpack_from("<HH", data, place)
        value = data[place + 4 : place + 4 + length]
        assert len(value) == length
        place += 4 + (length + 3) // 4 * 4
        if code == 0:
            assert length == 0
            assert place == len(data)
            return found
        found.setdefault(code, []).append(value)
    assert not data, "no end of options"
    return found
