"""The way to a server before there is an address: a packet socket (Linux, packet(7)), filtered in the kernel."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import socket
import struct
from typing import TYPE_CHECKING

from appliance.network.dhcp.datagram import CLIENT_PORT, SERVER_PORT, Datagram, build_packet, parse_packet
from appliance.network.dhcp.events import Destination
from appliance.network.dhcp.message import BROADCAST

if TYPE_CHECKING:
    from ipaddress import IPv4Address

log = logging.getLogger(__name__)

MOST_AT_ONCE = 32
"""Datagrams read in one go; a flood must leave the thread time for the rest."""

LARGEST_PACKET = 65535

ETH_P_IP = 0x0800
ETHERNET_BROADCAST = b"\xff" * 6

# The kernel's numbers (linux/if_packet.h, linux/filter.h), which Python does not have.
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_CSUMNOTREADY = 1 << 3
SO_ATTACH_FILTER = 26
PACKET_OTHERHOST = 3
SKF_AD_PKTTYPE = 0xFFFFF000 + 4

_AUXDATA = struct.Struct("=IIIHHHH")
_INSTRUCTION = struct.Struct("=HBBI")

FILTER = (
    # Offsets are those in the IPv4 packet. A frame of a VLAN that is not ours comes as another host's.
    (0x20, 0, 0, SKF_AD_PKTTYPE),  # ld #pkttype
    (0x15, 11, 0, PACKET_OTHERHOST),  # jeq: drop
    (0x30, 0, 0, 0),  # ldb [0]
    (0x54, 0, 0, 0xF0),  # and: the version
    (0x15, 0, 8, 0x40),  # jeq #4, else drop
    (0x30, 0, 0, 9),  # ldb [9]
    (0x15, 0, 6, socket.IPPROTO_UDP),  # jeq udp, else drop
    (0x28, 0, 0, 6),  # ldh [6]
    (0x45, 4, 0, 0x3FFF),  # jset: a fragment, drop
    (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf)
    (0x48, 0, 0, 2),  # ldh [x + 2]
    (0x15, 0, 1, CLIENT_PORT),  # jeq #68, else drop
    (0x06, 0, 0, LARGEST_PACKET),  # keep
    (0x06, 0, 0, 0),  # drop
)

DROP_ALL = ((0x06, 0, 0, 0),)


class DhcpSocket:
    """Speaks UDP from port 68 on one interface, with or without an address; wakes for datagrams to port 68 alone.

    It belongs to the network namespace of the thread that builds it, and is used by that thread. Needs CAP_NET_RAW.
    Without CAP_NET_BIND_SERVICE what is meant for one server goes to all: that is how the last part of a lease is
    renewed anyway, and a server takes it at any time.
    """

    def __init__(self, index: int) -> None:
        """Open it on the interface with the kernel's number `index`.

        :raises OSError: when there is no such interface, or the right is missing.
        """
        self.damaged = 0
        """Packets that the filter let through and that were none: a wrong checksum or length."""
        self._interface = socket.if_indextoname(index)
        self._unicast: socket.socket | None = None
        self._own: IPv4Address | None = None
        # Protocol 0 hears nothing, so that nothing unfiltered can come in before it is bound.
        self._socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
        )
        try:
            attach_filter(self._socket, FILTER)
            self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self._socket.bind((self._interface, ETH_P_IP))
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Give the descriptor that is readable when something has come. It never changes."""
        return self._socket.fileno()

    def read(self) -> list[Datagram]:
        """Take what has come, some at a time, without waiting; an interface that is down or gone has nothing."""
        found = []
        for _ in range(MOST_AT_ONCE):
            try:
                packet, extra, _, sender = self._socket.recvmsg(LARGEST_PACKET, socket.CMSG_SPACE(_AUXDATA.size))
            except OSError:  # nothing more, or the interface went down
                break
            is_unsummed = any(
                (level, kind) == (SOL_PACKET, PACKET_AUXDATA)
                and len(data) >= _AUXDATA.size
                and _AUXDATA.unpack_from(data)[0] & TP_STATUS_CSUMNOTREADY
                for level, kind, data in extra
            )
            datagram = parse_packet(packet, mac=sender[4].hex(":"), trusts_checksum=is_unsummed)
            if datagram is None:
                self.damaged += 1
            else:
                found.append(datagram)
        return found

    def send(self, payload: bytes, destination: Destination) -> bool:
        """Send a datagram to port 67; say whether the kernel took it.

        To everybody it goes by itself, from whatever address. To one server it goes by the kernel, which knows the way
        (a router, ARP), and from an address that the interface has.
        """
        try:
            if not destination.is_broadcast:
                try:
                    unicast = self._from(destination.source)
                except PermissionError:
                    destination = Destination(destination.source, BROADCAST)
                else:
                    unicast.sendto(payload, (str(destination.target), SERVER_PORT))
                    return True
            packet = build_packet(payload, destination)
            self._socket.sendto(packet, (self._interface, ETH_P_IP, 0, 0, ETHERNET_BROADCAST))
        except OSError as error:
            log.info("a DHCP message to %s was not sent: %s", destination.target, error.strerror or error)
            return False
        return True

    def close(self) -> None:
        """Free the descriptors."""
        self._socket.close()
        self._drop_unicast()

    def _from(self, own: IPv4Address) -> socket.socket:
        """Give the UDP socket of our address. It stays open: without it the kernel calls the port unreachable."""
        if self._unicast is None or self._own != own:
            self._drop_unicast()
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            try:
                # The answer is heard by the packet socket; here it would only fill a queue.
                attach_filter(made, DROP_ALL)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode() + b"\0")
                made.bind((str(own), CLIENT_PORT))
            except BaseException:
                made.close()
                raise
            self._unicast, self._own = made, own
        return self._unicast

    def _drop_unicast(self) -> None:
        unicast, self._unicast = self._unicast, None
        if unicast is not None:
            with contextlib.suppress(OSError):
                unicast.close()


def attach_filter(to: socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    """Let the kernel drop what the classic BPF `program` does not keep (Linux, networking/filter.rst).

    :raises OSError: when the kernel does not take it.
    """
    code = b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    to.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(buffer)))
