"""A thread that was given up leaves its poll, and what it waited for is nobody else's by then."""

from __future__ import annotations

import os
import select
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.waker import LEAVE, Waker
from tests.appliance_rig import Appliance
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from appliance.service import Service

DEADLINE = 10.0


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_wakes_once_however_often_it_was_called() -> None:
    waker = Waker()
    poll = select.poll()
    poll.register(waker, select.POLLIN)
    assert poll.poll(0) == []
    waker.wake()
    waker.wake()
    assert poll.poll(0) == [(waker.fileno(), select.POLLIN)]
    waker.clear()
    assert poll.poll(0) == []
    waker.clear()
    waker.close(threading.current_thread())


def test_nothing_happens_after_the_end() -> None:
    waker = Waker()
    number = waker.fileno()
    waker.close(threading.Thread())
    other = os.eventfd(0, os.EFD_NONBLOCK)
    try:
        assert other == number, "the number is free again"
        waker.wake()
        waker.clear()
        waker.close(threading.Thread())
        with pytest.raises(BlockingIOError):
            os.eventfd_read(other)
    finally:
        os.close(other)


def test_it_is_closed_when_the_sleeper_is_awake() -> None:
    waker = Waker()
    seen: list[int] = []
    sleeps = threading.Event()

    def sleep() -> None:
        poll = select.poll()
        poll.register(waker, select.POLLIN)
        sleeps.set()
        poll.poll()
        seen.append(descriptors())

    before = descriptors()
    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    assert sleeps.wait(DEADLINE)
    waker.close(sleeper)
    sleeper.join(DEADLINE)
    assert seen == [before], "it was still open"


def test_who_does_not_leave_is_not_waited_for() -> None:
    waker = Waker()
    end = threading.Event()
    sleeper = threading.Thread(target=end.wait)
    sleeper.start()
    waker.close(sleeper)
    assert waker.fileno() == -1
    end.set()
    sleeper.join(DEADLINE)
    assert LEAVE < 1, "a service is to be back within five seconds"


@pytest.mark.parametrize("name", ["link", "tunnel", "console", "network", "mqtt"])
def test_a_service_that_rests_and_is_given_up_leaves_no_thread(tmp_path: Path, name: str) -> None:
    # The network manager does nothing here, for it hears of no interface: the link is not watched beside it.
    appliance = Appliance(tmp_path, manages_network=name == "network")
    try:
        service = _started(appliance, name)
        wait_until(lambda: service.is_resting, "its rest")
        service.abandon()
        service.thread.join(DEADLINE)
        assert not service.thread.is_alive()
    finally:
        appliance.stop()


def _started(appliance: Appliance, name: str) -> Service:
    """Build that service alone."""
    ward = next(ward for ward in appliance.device.supervisor._wards if ward.name == name)
    ward.start(0.0)
    assert ward.service is not None
    return ward.service
