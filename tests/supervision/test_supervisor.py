"""The ladder of restarts, on a clock of the test's own and with services that do what the test says."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from appliance.service import PATIENCE, Service
from appliance.supervision.supervisor import (
    HEALTHY,
    LIMIT,
    PATIENT_AFTER,
    PATIENT_FOR,
    REBOOT_AFTER,
    SLOWEST,
    Supervisor,
    Verdict,
)
from appliance.supervision.ward import PROBE, WINDOW, Ward

if TYPE_CHECKING:
    from collections.abc import Callable


class Puppet(Service):
    """A service without a thread."""

    def __init__(self) -> None:
        super().__init__("puppet")
        self.lives = False
        self.answers = True
        self.is_resting = True
        self.wakes = 0
        self.is_abandoned = self.is_stopped = False

    def run(self) -> None:
        raise AssertionError

    @property
    def is_alive(self) -> bool:
        return self.lives

    def start(self) -> None:
        self.lives = True

    def stop(self, deadline: float = 0) -> None:  # noqa: ARG002 (as a service has it)
        self.is_stopped = True

    def wake(self) -> None:
        self.wakes += 1
        if self.answers:
            self.beat()

    def abandon(self, grace: float = 0) -> None:  # noqa: ARG002 (as a service has it)
        self.is_abandoned = True
        self.lives = False

    def die(self, failure: BaseException | None = None) -> None:
        self.lives, self.failure = False, failure

    def hang(self) -> None:
        self.answers = self.is_resting = False


class Stage:
    """A supervisor with two puppets, and time."""

    def __init__(self, failures_in_a_row: int = 0) -> None:
        self.now = 1000.0
        self.puppets: dict[str, list[Puppet]] = {"first": [], "second": []}
        self.build_errors: list[Exception] = []
        self.healthy = 0
        self.supervisor = Supervisor(
            [Ward("first", self._builder("first")), Ward("second", self._builder("second"))],
            failures_in_a_row=failures_in_a_row,
            on_healthy=self._note_health,
            clock=lambda: self.now,
            wall_clock=lambda: self.now + 1e9,
        )
        self.supervisor.start()

    def _note_health(self) -> None:
        self.healthy += 1

    def _builder(self, name: str) -> Callable[[], Service]:
        def build() -> Service:
            if self.build_errors:
                raise self.build_errors.pop()
            self.puppets[name].append(Puppet())
            return self.puppets[name][-1]

        return build

    @property
    def first(self) -> Puppet:
        return self.puppets["first"][-1]

    @property
    def second(self) -> Puppet:
        return self.puppets["second"][-1]

    def rounds(self, seconds: float) -> Verdict | None:
        end = self.now + seconds
        while self.now < end:
            self.now += self.supervisor._pause
            verdict = self.supervisor.look()
            if verdict is not None:
                return verdict
        return None

    def fail(self, times: int) -> Verdict | None:
        for _ in range(times):
            self.first.die(RuntimeError("boom"))
            verdict = self.rounds(1)
            if verdict is not None:
                return verdict
        return None


def test_each_service_that_was_started_is_told_before_the_next_one_is_built() -> None:
    told: list[str] = []

    def build(name: str, *, fails: bool = False) -> Callable[[], Service]:
        def built() -> Service:
            told.append(f"build {name}")
            if fails:
                raise OSError(name)
            return Puppet()

        return built

    wards = [Ward("a", build("a")), Ward("b", build("b", fails=True)), Ward("c", build("c"))]
    supervisor = Supervisor(wards, on_started=told.append)
    supervisor.start()
    assert told == ["build a", "a", "build b", "build c", "c"]


def test_services_that_rest_are_left_alone_and_asked_now_and_then() -> None:
    stage = Stage()
    stage.rounds(PROBE - 3)
    assert stage.first.wakes == 0
    stage.rounds(5)
    assert stage.first.wakes == 1
    stage.rounds(10 * PROBE)
    assert 9 <= stage.first.wakes <= 11
    assert len(stage.puppets["first"]) == 1


def test_a_service_that_died_is_restarted_at_the_next_round_and_the_other_is_not() -> None:
    stage = Stage()
    dead, other = stage.first, stage.second
    dead.die(ValueError("bad byte"))
    assert stage.rounds(1) is None
    assert stage.first is not dead
    assert stage.first.is_alive
    assert stage.second is other
    assert not other.is_abandoned
    first, second = stage.supervisor.snapshot()
    assert (first.name, first.restarts, first.trouble) == ("first", 1, "died: ValueError: bad byte")
    assert first.trouble_at == stage.now + 1e9
    assert (second.restarts, second.trouble, second.trouble_at) == (0, None, None)


def test_a_service_that_ended_without_a_reason_is_restarted() -> None:
    stage = Stage()
    stage.first.die()
    stage.rounds(1)
    assert stage.supervisor.snapshot()[0].trouble == "ended by itself"
    assert len(stage.puppets["first"]) == 2


def test_a_service_that_hangs_is_given_up_and_restarted_within_five_seconds() -> None:
    stage = Stage()
    hung = stage.first
    hung.hang()
    began = stage.now
    while not hung.is_abandoned:
        stage.rounds(1)
        assert stage.now - began < 5
    assert stage.first is not hung
    trouble = stage.supervisor.snapshot()[0].trouble
    assert trouble is not None
    assert trouble.startswith("hangs")


def test_a_service_that_rests_but_cannot_be_woken_is_found_out() -> None:
    stage = Stage()
    stage.first.answers = False
    stage.rounds(PROBE + PATIENCE + 2)
    assert len(stage.puppets["first"]) == 2


def test_long_work_that_was_announced_is_waited_for() -> None:
    stage = Stage()
    stage.first.patience = 30.0
    stage.first.hang()
    stage.rounds(29)
    assert len(stage.puppets["first"]) == 1
    stage.rounds(5)
    assert len(stage.puppets["first"]) == 2


def test_nobody_is_to_blame_when_the_whole_machine_stood_still() -> None:
    stage = Stage()
    stage.first.hang()
    stage.rounds(1)  # asked
    stage.now += 60
    stage.supervisor.look()
    assert len(stage.puppets["first"]) == 1
    stage.first.beat()
    stage.first.is_resting = stage.first.answers = True
    stage.rounds(20)
    assert len(stage.puppets["first"]) == 1


def test_what_keeps_failing_ends_the_program() -> None:
    stage = Stage()
    assert stage.fail(LIMIT) is None
    assert stage.supervisor.faults == ("service first died: RuntimeError: boom",)
    verdict = stage.fail(1)
    assert verdict is not None
    assert not verdict.is_for_device
    assert "service first died: RuntimeError: boom" in verdict.why


def test_failures_far_apart_do_not_add_up() -> None:
    stage = Stage()
    for _ in range(3 * LIMIT):
        assert stage.fail(1) is None
        assert stage.rounds(WINDOW / LIMIT + 5) is None
    assert stage.rounds(WINDOW) is None
    assert stage.supervisor.faults == ()


def test_a_service_that_cannot_be_built_is_tried_again_and_counts() -> None:
    stage = Stage()
    stage.build_errors = [OSError("no descriptors")]
    assert stage.fail(1) is None
    assert stage.supervisor.snapshot()[0].is_alive is False
    assert stage.rounds(1) is None
    assert stage.supervisor.snapshot()[0].is_alive is True
    stage.build_errors = [OSError("no descriptors")] * 9
    stage.first.die()
    assert stage.rounds(20) is not None


@pytest.mark.parametrize("failures", range(PATIENT_AFTER))
def test_the_device_is_rebooted_when_the_program_has_failed_before(failures: int) -> None:
    verdict = Stage(failures).fail(LIMIT + 1)
    assert verdict is not None
    assert verdict.is_for_device is (failures >= REBOOT_AFTER)


def test_when_reboots_do_not_help_it_carries_on_with_what_works_and_slows_down() -> None:
    stage = Stage(PATIENT_AFTER)
    other = stage.second
    assert stage.fail(LIMIT + 1) is None
    deaths = 0
    end = stage.now + 1000
    while stage.now < end:
        if stage.first.is_alive:
            stage.first.die(RuntimeError("again"))
            deaths += 1
        assert stage.rounds(1) is None
    assert 1000 / SLOWEST - 1 <= deaths <= 1000 / SLOWEST + 12
    assert stage.second is other
    assert stage.supervisor.faults


def test_even_then_a_reboot_is_tried_after_an_hour() -> None:
    stage = Stage(PATIENT_AFTER)
    stage.rounds(PATIENT_FOR - 20)
    stage.supervisor._failures_in_a_row = PATIENT_AFTER  # as if it had never been healthy for long
    stage.rounds(21)
    verdict = stage.fail(LIMIT + 1)
    assert verdict is not None
    assert verdict.is_for_device


def test_health_is_told_once_and_wipes_the_slate() -> None:
    stage = Stage(PATIENT_AFTER)
    stage.rounds(HEALTHY - 10)
    assert stage.healthy == 0
    stage.fail(1)
    stage.rounds(HEALTHY - 10)
    assert stage.healthy == 0
    stage.rounds(3 * HEALTHY)
    assert stage.healthy == 1
    verdict = stage.fail(LIMIT + 1)
    assert verdict is not None
    assert not verdict.is_for_device


def test_services_stop_in_reverse_order_and_one_that_does_not_is_given_up() -> None:
    order = []

    class Stubborn(Service):
        def __init__(self, name: str, end: threading.Event) -> None:
            super().__init__(name)
            self.end = end

        def run(self) -> None:
            self.end.wait(10)

        def stop(self, deadline: float = 0.05) -> None:
            order.append(self.name)
            super().stop(deadline)

    ends = {name: threading.Event() for name in ("a", "b")}
    ends["a"].set()
    supervisor = Supervisor([Ward(name, partial(Stubborn, name, ends[name])) for name in ends])
    supervisor.start()
    supervisor.stop()
    assert order == ["b", "a"]
    ends["b"].set()


def test_the_watchdog_is_fed_after_each_good_round_and_never_after_the_verdict() -> None:
    feeds: list[float] = []
    puppets: list[Puppet] = []

    def build() -> Service:
        puppets.append(Puppet())
        return puppets[-1]

    class Rounds(threading.Event):
        """Time passes at once; from the third second on the service dies whenever it is looked at."""

        count = 0

        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 (as an event has it)
            self.count += 1
            if self.count > 3:
                puppets[-1].die()
            return self.count > 100

    rounds = Rounds()
    supervisor = Supervisor([Ward("only", build)], feed=lambda: feeds.append(0), clock=lambda: float(rounds.count))
    supervisor.start()
    verdict = supervisor.watch(rounds)
    assert verdict is not None
    assert len(feeds) == 3 + LIMIT
    assert rounds.count == 3 + LIMIT + 1
