"""The ARP frames of one interface."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
from typing import TYPE_CHECKING

from appliance.errors import NetworkError
from appliance.network.arp.arp_filter import INSTRUCTION, arp_filter
from appliance.network.arp.packet import ETHERTYPE_ARP, mac_octets

if TYPE_CHECKING:
    from ipaddress import IPv4Address

MOST_AT_ONCE = 64
"""Frames that one `read` takes, so that a flood leaves the thread time for other work."""

LONGEST_FRAME = 128
"""Octets that are read of a frame: what ARP has, and room."""

RECEIVE_BUFFER = 1 << 16
"""Octets that the kernel keeps for us; what a flood sends beyond them is lost, and no loss."""

SO_ATTACH_FILTER = 26
"""Linux, include/uapi/asm-generic/socket.h; Python does not name it."""

DOWN = frozenset({errno.ENETDOWN, errno.ENXIO, errno.ENODEV})
"""What the kernel says of an interface that is switched off, or gone (packet(7))."""


class ArpSocket:
    """Hears what other hosts say of the addresses that are watched, and sends.

    It sees the network namespace of the thread that builds it. An interface that is switched off or gone is no error:
    it is silent, and `is_down` or `is_gone` says so.
    """

    def __init__(self, index: int, mac: str) -> None:
        """Open on the interface with the kernel's number `index` and the address `mac`; nothing is watched yet.

        :raises OSError: when there is no such interface, or it may not be heard (CAP_NET_RAW).
        :raises InvalidValue: when `mac` is no MAC address.
        """
        self._mac = mac_octets(mac)
        self.is_down = False
        """Whether the kernel said at the last try that the interface is switched off or gone."""
        self.is_gone = False
        """Whether the interface is gone for good; one that comes back needs a new socket."""
        # Protocol 0: it hears nothing before the filter is in place.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self.watch()
            self._bind(index)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Give the descriptor to wait for."""
        return self._socket.fileno()

    def watch(self, *addresses: IPv4Address) -> None:
        """Hear from now on who claims or probes one of these addresses, and nothing else.

        :raises ValueError: with more than `arp_filter.MOST_ADDRESSES`.
        """
        program = arp_filter(self._mac, addresses)
        memory = ctypes.create_string_buffer(program, len(program))
        length = len(program) // INSTRUCTION.size
        # struct sock_fprog; the kernel takes a copy of the program.
        self._socket.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", length, ctypes.addressof(memory))
        )

    def read(self) -> list[bytes]:
        """Take the Ethernet frames that have come in, `MOST_AT_ONCE` at most; never waits."""
        frames: list[bytes] = []
        while len(frames) < MOST_AT_ONCE:
            try:
                frames.append(self._socket.recv(LONGEST_FRAME))
                self.is_down = False
            except BlockingIOError:
                break
            except OSError as error:
                self._note(error)
                break
        return frames

    def send(self, frame: bytes) -> None:
        """Send an Ethernet frame. One that cannot be sent now is lost, as it may be on the way."""
        try:
            self._socket.send(frame)
            self.is_down = False
        except OSError as error:
            self._note(error)

    def close(self) -> None:
        """Free the descriptor."""
        self._socket.close()

    def _bind(self, index: int) -> None:
        self._socket.bind((socket.if_indextoname(index), ETHERTYPE_ARP))
        # Python binds by name, and the name may have passed to another interface meanwhile.
        if socket.if_nametoindex(self._socket.getsockname()[0]) != index:
            raise NetworkError(errno.ENODEV, os.strerror(errno.ENODEV))

    def _note(self, error: OSError) -> None:
        if error.errno not in DOWN:
            return
        self.is_down = True
        with contextlib.suppress(OSError):
            # The kernel unbinds the socket from an interface that goes.
            self.is_gone = not self._socket.getsockname()[0]
