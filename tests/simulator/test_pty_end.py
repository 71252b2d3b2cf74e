"""The pty as a UART: what it takes, what it forgets, and what it tells. The test plays the bus thread."""

from __future__ import annotations

import os
import select
import termios
from typing import TYPE_CHECKING

import pytest

from appliance.errors import LineError
from appliance.simulator.pty_end import PtyEnd
from tests.simulator.master import DEADLINE, Master

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def end() -> Iterator[PtyEnd]:
    end = PtyEnd()
    end.open()
    yield end
    end.close()


@pytest.fixture
def gateway(end: PtyEnd) -> Iterator[Master]:
    gateway = Master(end.path)
    attend(end, wait=0)
    yield gateway
    gateway.close()


def attend(end: PtyEnd, wait: float = DEADLINE) -> None:
    """One round of the bus thread."""
    poll = select.poll()
    for descriptor, events in end.watched().items():
        poll.register(descriptor, events)
    for descriptor, events in poll.poll(wait * 1000):
        end.attend(descriptor, events)


def attend_until(end: PtyEnd, fifo: bytes) -> None:
    for _ in range(100):
        if end.fifo == fifo:
            return
        attend(end, 0.1)
    pytest.fail(f"the FIFO holds {end.fifo!r}, not {fifo!r}")


def test_it_takes_16_bytes_and_leaves_the_rest_where_it_was(end: PtyEnd, gateway: Master) -> None:
    gateway.send(bytes(range(40)))
    attend_until(end, bytes(range(16)))
    attend(end, wait=0)
    assert end.fifo == bytes(range(16))
    del end.fifo[:10]
    attend_until(end, bytes(range(10, 26)))


def test_a_flush_spares_what_is_written_right_after_it(end: PtyEnd, gateway: Master) -> None:
    gateway.send(b"old")
    attend_until(end, b"old")
    termios.tcflush(gateway.descriptor, termios.TCOFLUSH)
    gateway.send(b"new")
    attend_until(end, b"new")


def test_a_flush_reaches_what_waits_behind_a_full_fifo(end: PtyEnd, gateway: Master) -> None:
    gateway.send(bytes(100))
    attend_until(end, bytes(16))
    termios.tcflush(gateway.descriptor, termios.TCOFLUSH)
    attend_until(end, b"")
    gateway.send(b"new")
    attend_until(end, b"new")


def test_a_flush_of_the_input_is_none_of_its_business(end: PtyEnd, gateway: Master) -> None:
    gateway.send(b"old")
    attend_until(end, b"old")
    termios.tcflush(gateway.descriptor, termios.TCIFLUSH)
    attend(end)
    assert end.fifo == b"old"


def test_it_knows_the_speed(end: PtyEnd, gateway: Master) -> None:
    assert end.baud() == 2400
    gateway.set_baud(300)
    assert end.baud() == 300
    end.close()
    assert end.baud() == 0


def test_what_nobody_reads_is_lost_and_counted(end: PtyEnd, gateway: Master) -> None:
    for _ in range(100):
        end.deliver(bytes(1000))
    assert end.overruns > 0
    end.close()
    end.deliver(b"nobody")
    assert gateway.descriptor


def test_every_byte_passes_unchanged(end: PtyEnd, gateway: Master) -> None:
    everything = bytes(range(256))
    end.deliver(everything)
    data = b""
    while len(data) < 256:
        more = gateway.read_some(DEADLINE)
        assert more
        data += more
    assert data == everything
    gateway.send(everything)
    taken = b""
    while len(taken) < 256:
        attend(end)
        taken += bytes(end.fifo)
        end.fifo.clear()
    assert taken == everything


def test_a_link_that_cannot_be_made(tmp_path: Path) -> None:
    end = PtyEnd(tmp_path / "missing" / "line")
    with pytest.raises(LineError):
        end.open()
    assert not end.is_open
    assert os.listdir(tmp_path) == []  # noqa: PTH208 (names are all that matters)
