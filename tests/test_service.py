"""The life of a service: started once, told to stop, given up when it is stuck."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import ServiceError
from appliance.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 10.0


class Probe(Service):
    """Does what the test wants, and notes what was done to it."""

    def __init__(self, work: Callable[[Probe], None]) -> None:
        super().__init__("probe")
        self._work = work
        self.began = threading.Event()
        self.releases: list[str] = []
        self.touched_after = False

    def run(self) -> None:
        self.began.set()
        self._work(self)

    def release(self) -> None:
        self.releases.append(threading.current_thread().name)


def begun(work: Callable[[Probe], None]) -> Probe:
    probe = Probe(work)
    probe.start()
    assert probe.began.wait(DEADLINE)
    return probe


def rest_until_stopped(probe: Probe) -> None:
    while not probe.stopping.is_set():
        probe.beat()
        probe.rest(None)


def test_it_comes_round_when_woken_and_ends_when_told() -> None:
    probe = begun(rest_until_stopped)
    try:
        before = probe.beats
        end = threading.Event()
        for _ in range(1000):
            probe.wake()
            if probe.beats > before:
                break
            end.wait(0.01)
        assert probe.beats > before
    finally:
        probe.stop()
    assert not probe.is_alive
    assert probe.releases == ["probe"]
    assert probe.failure is None


def test_it_says_whether_it_rests() -> None:
    busy = threading.Event()

    def work(probe: Probe) -> None:
        busy.wait(DEADLINE)
        rest_until_stopped(probe)

    probe = begun(work)
    try:
        seen = [probe.is_resting]
        busy.set()
        end = threading.Event()
        for _ in range(1000):
            if probe.is_resting:
                break
            end.wait(0.01)
        assert [*seen, probe.is_resting] == [False, True]
    finally:
        busy.set()
        probe.stop()


def test_what_kills_it_is_kept_and_what_it_held_is_freed() -> None:
    def work(_: Probe) -> None:
        raise ZeroDivisionError("broken")

    probe = begun(work)
    probe.thread.join(DEADLINE)
    assert isinstance(probe.failure, ZeroDivisionError)
    assert probe.releases == ["probe"]
    probe.stop()
    assert probe.releases == ["probe"]


def test_one_that_never_started_still_frees_what_it_holds() -> None:
    probe = Probe(rest_until_stopped)
    probe.stop()
    assert probe.releases == [threading.current_thread().name]


def test_it_is_started_once() -> None:
    probe = begun(rest_until_stopped)
    try:
        with pytest.raises(ServiceError, match="probe was started before"):
            probe.start()
    finally:
        probe.stop()


def test_one_that_does_not_end_is_an_error() -> None:
    stuck = threading.Event()

    def work(_: Probe) -> None:
        stuck.wait(DEADLINE)

    probe = begun(work)
    with pytest.raises(ServiceError, match="did not stop within"):
        probe.stop(0.05)
    stuck.set()
    probe.thread.join(DEADLINE)
    assert not probe.is_alive


def test_a_loop_without_end_is_ended() -> None:
    def work(_: Probe) -> None:
        while True:
            pass

    probe = begun(work)
    probe.abandon(DEADLINE)
    assert not probe.is_alive
    assert probe.failure is None
    assert probe.releases == ["probe"]


def test_one_that_waits_in_the_kernel_is_left_behind_and_touches_nothing_afterwards() -> None:
    stuck = threading.Event()

    def work(probe: Probe) -> None:
        stuck.wait(DEADLINE)
        probe.touched_after = True

    probe = begun(work)
    probe.abandon(0.05)
    was_alive = probe.is_alive
    assert probe.releases == [threading.current_thread().name]
    stuck.set()
    probe.thread.join(DEADLINE)
    assert (was_alive, probe.is_alive) == (True, False)
    assert not probe.touched_after
    assert len(probe.releases) == 1
