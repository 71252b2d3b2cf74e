"""A master on a real pty: what a gateway does with its serial port, and no more."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import time
import tty

from appliance.errors import FrameError
from appliance.mbus.frame import Frame, frame_length, parse

DEADLINE = 8.0
"""Seconds in which anything must happen that has to."""

QUIET = 0.25
"""Real seconds of silence after which an unpaced bus has nothing to say: its answers come within milliseconds."""


class Master:
    """Opens the line, sets its speed, sends and reads."""

    def __init__(self, path: str, baud: int = 2400) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.set_baud(baud)
        termios.tcflush(self.descriptor, termios.TCIFLUSH)

    def set_baud(self, baud: int) -> None:
        tty.setraw(self.descriptor)
        settings = termios.tcgetattr(self.descriptor)
        settings[4] = settings[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.descriptor, termios.TCSANOW, settings)

    def send(self, data: Frame | bytes) -> None:
        assert os.write(self.descriptor, bytes(data)) == len(bytes(data))

    def read_some(self, wait: float) -> bytes:
        """Whatever comes within the wait, empty for nothing."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        if not poll.poll(wait * 1000):
            return b""
        return os.read(self.descriptor, 4096)

    def read_all(self, quiet: float = QUIET) -> bytes:
        """Everything until the line is quiet."""
        data = b""
        while more := self.read_some(quiet):
            data += more
        return data

    def read_burst(self) -> bytes:
        """Everything from the first byte, however late it comes, until the line is quiet."""
        return self.read_some(DEADLINE) + self.read_all(2 * QUIET)

    def read_frame(self) -> bytes:
        """Bytes of one frame, whatever its checksum; fails when it does not come."""
        data = b""
        end = time.monotonic() + DEADLINE
        while not (length := frame_length(data)) or len(data) < length:
            more = self.read_some(max(0.0, end - time.monotonic()))
            assert more, f"no frame within {DEADLINE} s, but {data.hex(' ')}"
            data += more
        assert len(data) == length
        return data

    def ask(self, request: Frame | bytes) -> Frame:
        """Send and return the answer, which must be sound."""
        self.send(request)
        return parse(self.read_frame())

    def ask_until_answered(self, request: Frame | bytes) -> Frame:
        """Repeat the request, as masters do, until its answer is sound."""
        end = time.monotonic() + DEADLINE
        while True:
            self.send(request)
            answer = b""
            while more := self.read_some(QUIET):
                answer += more
                if is_sound(answer):
                    return parse(answer)
            assert time.monotonic() < end, f"no sound answer within {DEADLINE} s, the last was {answer.hex(' ')}"

    def is_ignored(self, request: Frame | bytes) -> bool:
        self.send(request)
        return not self.read_all()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


def is_sound(data: bytes) -> bool:
    """Whether the bytes are one frame."""
    try:
        parse(data)
    except FrameError:
        return False
    return True
