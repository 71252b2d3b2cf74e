"""Questions to the kernel over netlink, each with its answer and a deadline (netlink(7), RFC 3549)."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Self

from appliance.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 2.0
"""Seconds within which an answer must have come. The kernel answers before the question's system call returns, so this
counts for an answer that got lost. A kernel that is busy (a USB adapter being set up holds the network's lock) makes
that call itself last longer, and no program can end it."""

LONGEST_ANSWER = 1 << 16
"""Octets of one piece; the kernel makes them of at most 32 KiB."""

ATTEMPTS = 4
"""How often a list is asked for that changes while it is made."""

NETLINK_ROUTE, NETLINK_GENERIC = 0, 16
SOL_NETLINK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 11, 12
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR = 0x1, 0x4, 0x10
NLM_F_REPLACE, NLM_F_EXCL, NLM_F_CREATE, NLM_F_DUMP = 0x100, 0x200, 0x400, 0x300
NLA_F_NESTED = 0x8000

HEADER = struct.Struct("=IHHII")
"""Length, kind, flags, sequence number, sender (struct nlmsghdr)."""


def attribute(kind: int, payload: bytes) -> bytes:
    """Pack one attribute (struct nlattr) for what pyroute2 has no class for."""
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


class Netlink:
    """A socket to one of the kernel's netlink protocols, in the network namespace of the thread that opens it.

    One thread at a time uses it. Messages are encoded and decoded by pyroute2's classes; its sockets are left out,
    because they have no deadline, and those that match answers to questions have an event loop and four descriptors
    each. Here it is one descriptor and no thread.
    """

    def __init__(
        self,
        protocol: int = NETLINK_ROUTE,
        *,
        deadline: float = DEADLINE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open a socket for `protocol` (``NETLINK_...``).

        :raises NetworkError: when the kernel gives none.
        """
        self._deadline = deadline
        self._clock = clock
        self._numbers = itertools.count(1)
        self._socket: socket.socket | None = self._open(protocol)
        self._protocol = protocol
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ask(self, message: Any, kind: int, flags: int = 0, *, attributes: bytes = b"") -> list[Any]:
        """Send `message`, an instance of a pyroute2 class, as `kind`, and wait for all of the answer.

        :param flags: ``NLM_F_...`` besides those of every question; with NLM_F_DUMP for a list.
        :param attributes: packed ones to go behind those of the message.
        :returns: messages of the same class; none for a change that was made.
        :raises NetworkError: when the kernel refuses, with its errno and reason; ETIMEDOUT when no answer comes.
        """
        is_list = flags & NLM_F_DUMP == NLM_F_DUMP
        end = self._clock() + self._deadline
        for _ in range(ATTEMPTS):
            number = next(self._numbers) & 0xFFFFFFFF
            message["header"] = {
                "type": kind,
                "flags": NLM_F_REQUEST | flags | (0 if is_list else NLM_F_ACK),
                "sequence_number": number,
                "pid": 0,
            }
            message.reset()
            message.encode()
            packed = bytearray(message.data) + attributes
            struct.pack_into("=I", packed, 0, len(packed))
            if self._is_closed:
                raise NetworkError(errno.EBADF, "the netlink socket is closed")
            if self._socket is None:
                self._socket = self._open(self._protocol)
            try:
                self._socket.settimeout(self._deadline)
                self._socket.send(packed)
                answers, is_disturbed = self._answers(self._socket, number, type(message), end)
            except NetworkError:
                raise
            except OSError as error:
                # The rest of a list may still come, and until then the kernel would take no other question here.
                self._discard()
                code = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or errno.EIO
                raise NetworkError(code, f"no answer from the kernel: {os.strerror(code)}") from error
            if not is_disturbed:
                return answers
        raise NetworkError(errno.EAGAIN, "the kernel's list changes faster than it can be read")

    def close(self) -> None:
        """Free the descriptor; may be called twice."""
        self._is_closed = True
        self._discard()

    def _discard(self) -> None:
        former, self._socket = self._socket, None
        if former is not None:
            former.close()

    @staticmethod
    def _open(protocol: int) -> socket.socket:
        try:
            made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
            try:
                # Reasons in words; and filters of lists that hold (an index, a table) in place of being ignored.
                made.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
                made.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
                made.bind((0, 0))
            except BaseException:
                made.close()
                raise
        except OSError as error:
            raise NetworkError(error.errno, f"no netlink socket: {error.strerror}") from error
        return made

    def _answers(
        self, answering: socket.socket, number: int, kind_of_message: Any, end: float
    ) -> tuple[list[Any], bool]:
        answers: list[Any] = []
        is_disturbed = False
        while True:
            left = end - self._clock()
            if left <= 0:
                raise TimeoutError
            answering.settimeout(left)
            data, sender = answering.recvfrom(LONGEST_ANSWER)
            if sender[0] != 0:
                continue  # another program's, and not the kernel's
            offset = 0
            while offset + HEADER.size <= len(data):
                length, kind, flags, answered, _ = HEADER.unpack_from(data, offset)
                if not HEADER.size <= length <= len(data) - offset:
                    raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
                piece = data[offset : offset + length]
                offset += (length + 3) & ~3
                if answered != number:
                    continue  # of a question that was given up
                is_disturbed |= bool(flags & NLM_F_DUMP_INTR)
                if kind in {NLMSG_ERROR, NLMSG_DONE}:
                    _check(piece)
                    return answers, is_disturbed
                answer = kind_of_message(piece)
                answer.decode()
                answers.append(answer)


def _check(piece: bytes) -> None:
    """Take the end of an answer, which is an error number, 0 for none, and perhaps the reason in words."""
    (code,) = struct.unpack_from("=i", piece, HEADER.size) if len(piece) >= HEADER.size + 4 else (0,)
    if not code:
        return
    from pyroute2.netlink import nlmsgerr

    refusal = nlmsgerr(piece)
    refusal.decode()
    reason = refusal.get_attr("NLMSGERR_ATTR_MSG")
    words = os.strerror(abs(code))
    raise NetworkError(abs(code), f"{words} ({str(reason).rstrip('.')})" if reason else words)
