"""The serial line of the benchmark: a pseudo-terminal, and whoever sits at its far end, in a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import select
import signal
import time
import tty
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

REQUEST = bytes.fromhex("107b017c16")
"""REQ_UD2 to primary address 1."""
SHORT_REQUEST = bytes.fromhex("1040014116")
"""SND_NKE, which a meter answers with one character."""
PING = b"\xe5"
ACKNOWLEDGE = b"\xe5"
_USER_DATA = bytes([0x08, 0x01, 0x72]) + bytes(range(51))
ANSWER = bytes([0x68, len(_USER_DATA), len(_USER_DATA), 0x68]) + _USER_DATA + bytes([sum(_USER_DATA) & 0xFF, 0x16])
"""RSP_UD of 60 bytes."""
BITS_PER_CHARACTER = 11
"""8 data bits, even parity, start and stop."""

_PR_SET_TIMERSLACK = 29
_PR_SET_PDEATHSIG = 1
_CHUNK = 65536
_fork = multiprocessing.get_context("fork")


class WireError(Exception):
    """The far end of the line did not do what it should in time."""


class Wire:
    """A pseudo-terminal in raw mode. Nothing paces it unless the far end does."""

    def __init__(self) -> None:
        """Make the pseudo-terminal."""
        # Our own hold on the near end keeps the far end usable while no gateway has it open.
        self.far, self._near = os.openpty()
        tty.setraw(self._near)
        self.path = os.ttyname(self._near)

    def close(self) -> None:
        """Give both ends back."""
        os.close(self.far)
        os.close(self._near)

    def drain(self) -> None:
        """Forget what the gateway wrote and nobody read."""
        while select.select([self.far], [], [], 0.02)[0]:
            os.read(self.far, _CHUNK)

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Have a meter at the far end that answers at once."""
        with FarEnd(self, answer_at_once):
            yield


class FarEnd:
    """A process at the far end of a wire. A context manager: it ends with the context, whatever it is doing."""

    def __init__(self, wire: Wire, work: Callable[..., None], *arguments: object) -> None:
        """Prepare to run `work(fd, report, *arguments)` in a process of its own."""
        self._reports, theirs = _fork.Pipe(duplex=False)
        self._theirs = theirs
        self._process: BaseProcess = _fork.Process(
            target=_enter, args=(work, wire.far, theirs, *arguments), daemon=True
        )

    def __enter__(self) -> Self:
        """Start the process."""
        self._process.start()
        self._theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        # It may be blocked in a read or write of the line, and holds nothing that is worth an orderly end.
        self._process.kill()
        self._process.join()
        self._process.close()
        self._reports.close()

    def has_report(self) -> bool:
        """Whether `report` would give something at once."""
        return self._reports.poll(0)

    def report(self, patience: float) -> Any:
        """Wait for what the work reports next.

        :raises WireError: when nothing comes within `patience` seconds.
        """
        try:
            if self._reports.poll(patience):
                return self._reports.recv()
        except EOFError:
            pass
        raise WireError(f"the far end of the line did not finish within {patience:g} s")


def end_with_parent(parent: int | None = None) -> None:
    """Let this process be killed when the one that forked it ends, in whatever way it does.

    :param parent: the pid of that one; without it, that of the parent in the sense of `multiprocessing`.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent is None:
        process = multiprocessing.parent_process()
        parent = process.pid if process is not None else None
    if os.getppid() != parent:  # it ended before this process could ask to be told
        os.kill(os.getpid(), signal.SIGKILL)


def _enter(work: Callable[..., None], fd: int, report: Connection, *arguments: object) -> None:
    end_with_parent()
    gc.disable()
    # Whoever interrupts the benchmark interrupts all its processes; the one that started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The default slack of 50 microseconds would blur the pace of the characters.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    work(fd, report, *arguments)


def answer_at_once(fd: int, _: Connection) -> None:
    """Be a meter without a pause for thought."""
    buffer = b""
    while True:
        buffer += os.read(fd, 4096)
        while buffer:
            if buffer[:1] != REQUEST[:1]:
                # Only pings are sent besides requests.
                answer, used = ACKNOWLEDGE, 1
            elif len(buffer) < len(REQUEST):
                break
            else:
                answer, used = (ANSWER if buffer[1] == REQUEST[1] else ACKNOWLEDGE), len(REQUEST)
            buffer = buffer[used:]
            os.write(fd, answer)


def answer_paced(fd: int, report: Connection, length: int, baud: int) -> None:
    """Answer each request with `length` characters at the pace of `baud`, and report when each one was written."""
    pace = BITS_PER_CHARACTER / baud
    while True:
        wanted = len(REQUEST)
        while wanted:
            wanted -= len(os.read(fd, wanted))
        times = []
        start = time.monotonic() + 0.02
        for index in range(length):
            time.sleep(max(0.0, start + index * pace - time.monotonic()))
            times.append(time.monotonic())
            os.write(fd, bytes([index & 0xFF]))
        report.send(times)


def pour(fd: int, report: Connection, data: bytes) -> None:
    """Wait for one byte, then write `data` as fast as the line takes it, and report when it began."""
    os.read(fd, 1)
    report.send(time.monotonic())
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest[:_CHUNK]) :]
    report.send(time.monotonic())


def pour_for_ever(fd: int, report: Connection) -> None:
    """Wait for one byte, then write without end; report every MiB that was taken."""
    os.read(fd, 1)
    block = bytes(range(256)) * 16
    written = 0
    while True:
        written += os.write(fd, block)
        if written % 1048576 < len(block):
            report.send(written)


def collect(fd: int, report: Connection, expected: bytes) -> None:
    """Read as many bytes as `expected` has; report when the last came, and where they first differ (or None)."""
    received = bytearray(len(expected))
    view = memoryview(received)
    count = 0
    while count < len(expected):
        count += os.readv(fd, [view[count:]])
    ended = time.monotonic()
    report.send((ended, first_difference(received, expected)))


def first_difference(received: bytes | bytearray, expected: bytes) -> int | None:
    """Give the position where the two first differ, or None when they are the same to the last bit."""
    if len(received) == len(expected) and sha256(received).digest() == sha256(expected).digest():
        return None
    return next(
        (index for index, (got, wanted) in enumerate(zip(received, expected, strict=False)) if got != wanted),
        min(len(received), len(expected)),
    )
