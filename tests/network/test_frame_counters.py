"""The counting itself, with files like those of the kernel; the kernel's own are in the tests of the link watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.network.frame_counters import FrameCounters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def show(folder: Path, interface: str, received: int, sent: int) -> None:
    statistics = folder / interface / "statistics"
    statistics.mkdir(parents=True, exist_ok=True)
    (statistics / "rx_packets").write_text(f"{received}\n")
    (statistics / "tx_packets").write_text(f"{sent}\n")


@pytest.fixture
def counters(tmp_path: Path) -> Iterator[FrameCounters]:
    made = FrameCounters(tmp_path)
    yield made
    made.close()


def test_frames_from_before_do_not_count(tmp_path: Path, counters: FrameCounters) -> None:
    show(tmp_path, "eth0", 1000, 500)
    counters.follow("eth0")
    assert counters.total() == 0
    show(tmp_path, "eth0", 1002, 503)
    assert counters.total() == 5


def test_a_driver_that_starts_over_at_zero_does_not_take_back(tmp_path: Path, counters: FrameCounters) -> None:
    show(tmp_path, "eth0", 1000, 500)
    counters.follow("eth0")
    show(tmp_path, "eth0", 3, 501)
    assert counters.total() == 4


def test_another_interface_adds_to_the_sum(tmp_path: Path, counters: FrameCounters) -> None:
    show(tmp_path, "eth0", 10, 10)
    show(tmp_path, "eth1", 7, 7)
    counters.follow("eth0")
    show(tmp_path, "eth0", 11, 11)
    counters.follow("eth1")
    assert counters.total() == 2
    show(tmp_path, "eth1", 8, 7)
    assert counters.total() == 3
    counters.follow(None)
    assert counters.total() == 3


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_what_is_no_number_ends_the_counting_and_not_the_caller(
    content: str, tmp_path: Path, counters: FrameCounters
) -> None:
    show(tmp_path, "eth0", 10, 10)
    counters.follow("eth0")
    show(tmp_path, "eth0", 12, 10)
    assert counters.total() == 2
    (tmp_path / "eth0" / "statistics" / "tx_packets").write_text(content)
    assert counters.total() == 2
    show(tmp_path, "eth0", 15, 15)
    assert counters.total() == 2


def test_an_interface_that_is_half_there_leaves_no_descriptor(tmp_path: Path, counters: FrameCounters) -> None:
    show(tmp_path, "eth0", 10, 10)
    (tmp_path / "eth0" / "statistics" / "tx_packets").unlink()
    counters.follow("eth0")
    assert counters.total() == 0
    # the check for leaks is that of every test


def test_after_the_close_the_sum_stands(tmp_path: Path, counters: FrameCounters) -> None:
    show(tmp_path, "eth0", 10, 10)
    counters.follow("eth0")
    show(tmp_path, "eth0", 11, 10)
    assert counters.total() == 1
    counters.close()
    show(tmp_path, "eth0", 12, 10)
    assert counters.total() == 1
