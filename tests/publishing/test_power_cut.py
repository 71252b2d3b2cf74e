"""Whatever dies at whatever moment, every reading that was stored reaches the subscriber, and none twice."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.publishing.child import MOMENTS
from tests.publishing.rig import Listener, Mosquitto, broker_in, housed
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def child(folder: Path, broker: Mosquitto, readings: int, *moment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program that stores and publishes; it is dead afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.publishing.child", str(folder), str(broker.port), str(readings), *moment],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"running\n"
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


def stored(folder: Path) -> list[int]:
    with housed(folder) as house:
        return [reading.key for reading in house.meters.readings(limit=100_000)]


def check_all_arrived(folder: Path, broker: Mosquitto, listener: Listener) -> None:
    """Let what is left be published, and compare."""
    wanted = stored(folder)
    with child(folder, broker, 0):
        listener.arrive(subscribes=False)
        try:
            wait_until(lambda: wanted[-1] in listener.numbers(), f"reading {wanted[-1]}", 30)
        finally:
            listener.leave()
    # Not in order: a broker that was restarted hands out what it kept in an order of its own.
    assert Counter(listener.numbers()) == Counter(wanted)


@pytest.fixture
def away(tmp_path: Path) -> Iterator[tuple[Mosquitto, Listener]]:
    """Give a broker, and a listener that has subscribed and left: the broker keeps all for it."""
    with broker_in(tmp_path) as broker:
        listener = Listener(broker.port)
        listener.arrive()
        listener.leave()
        yield broker, listener


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_each_moment_of_a_message(tmp_path: Path, away: tuple[Mosquitto, Listener], moment: str) -> None:
    broker, listener = away
    # A reading is noted as arrived together with the next one's departure; by itself only when there is no next one.
    count = "1" if moment == "after it was noted as arrived" else "2"
    with child(tmp_path, broker, 3, moment, count) as process:
        assert process.wait(20) == -signal.SIGKILL
    assert len(stored(tmp_path)) >= 1
    check_all_arrived(tmp_path, broker, listener)


def test_killed_and_the_broker_restarted_at_random_moments(tmp_path: Path, away: tuple[Mosquitto, Listener]) -> None:
    broker, listener = away
    chance = random.Random(8)
    for turn in range(3):
        with child(tmp_path, broker, 40) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.02, 0.4))
            if turn % 2:
                broker.stop()
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0.0, 0.2))
                broker.start()
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(chance.uniform(0.02, 0.4))
    assert len(stored(tmp_path)) > 10
    check_all_arrived(tmp_path, broker, listener)


def test_it_is_killed_while_the_broker_is_away(tmp_path: Path, away: tuple[Mosquitto, Listener]) -> None:
    broker, listener = away
    for count in (5, 20):
        with child(tmp_path, broker, count) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"stored\n"
        broker.stop()
    assert len(stored(tmp_path)) == 25
    broker.start()
    check_all_arrived(tmp_path, broker, listener)
