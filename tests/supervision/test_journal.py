"""Why the program last began anew, over many runs of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.supervision.journal import ENDED, NAME, RestartJournal
from appliance.supervision.restart import Ended, Kind, Restart
from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 10.0

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("boot", "invocation", "began", "failures", "end"), JSON)
    | {"end": st.fixed_dictionaries({}, optional=dict.fromkeys(("kind", "why", "when", "uptime"), JSON))},
)


class Bench:
    """Runs the program over and over, with a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.boot = "boot 1"
        self.invocation = 0
        self.wall = 1000.0
        self.clock = 0.0

    def run(self) -> RestartJournal:
        self.invocation += 1
        journal = RestartJournal(
            self.folder,
            boot_id=self.boot,
            invocation=f"i{self.invocation}",
            wall_clock=lambda: self.wall,
            clock=lambda: self.clock,
        )
        journal.begin()
        return journal

    def ended(self, words: str) -> None:
        """Write what the unit writes of the run that was started last."""
        (self.folder / ENDED).write_text(f"{words} i{self.invocation}\n")

    def last(self) -> Restart:
        last = self.run().last
        assert last is not None
        return last


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_start_is_one_and_the_folder_is_made(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "a" / "b")
    journal = bench.run()
    assert journal.last == Restart(Kind.FIRST_START, "this is the first start")
    assert journal.failures_in_a_row == 0
    assert not journal.was_button_reset
    assert (tmp_path / "a" / "b" / NAME).stat().st_mode & 0o777 == 0o600


def test_another_boot_and_no_word_is_a_power_cut(bench: Bench) -> None:
    bench.run()
    bench.boot = "boot 2"
    last = bench.last()
    assert last.kind is Kind.POWER
    assert last.when is None
    assert last.uptime is None


def test_the_same_boot_and_no_word_is_a_crash(bench: Bench) -> None:
    bench.run()
    assert bench.last() == Restart(Kind.CRASH, "the program crashed or was killed")


@pytest.mark.parametrize(
    ("words", "kind", "part"),
    [
        ("watchdog killed ABRT", Kind.CRASH, "hung, and systemd's watchdog"),
        ("watchdog dumped ABRT", Kind.CRASH, "hung, and systemd's watchdog"),
        ("signal killed KILL", Kind.CRASH, "SIGKILL"),
        ("core-dump dumped SEGV", Kind.CRASH, "SIGSEGV"),
        ("exit-code exited 1", Kind.CRASH, "exit status 1"),
        ("oom-kill killed KILL", Kind.CRASH, "memory was used up"),
        ("timeout killed TERM", Kind.CRASH, "did not start or stop in time"),
        ("resources  ", Kind.CRASH, "lacked the means"),
        ("something-new exited 0", Kind.CRASH, "something-new"),
        ("success exited 0", Kind.STOPPED, "did not say why"),
    ],
)
def test_what_systemd_saw_says_more(bench: Bench, words: str, kind: Kind, part: str) -> None:
    bench.run()
    bench.ended(words)
    last = bench.last()
    assert last.kind is kind
    assert part in last.why
    assert last.when == (bench.folder / ENDED).stat().st_mtime


def test_a_crash_before_a_reboot_is_no_power_cut(bench: Bench) -> None:
    bench.run()
    bench.ended("exit-code exited 1")
    bench.boot = "boot 2"
    last = bench.last()
    assert last.kind is Kind.CRASH
    assert last.why.endswith("then the device was rebooted")


def test_what_systemd_saw_of_another_run_counts_for_nothing(bench: Bench) -> None:
    bench.run()
    bench.ended("watchdog killed ABRT")
    bench.run()
    bench.boot = "boot 2"
    assert bench.last().kind is Kind.POWER


@pytest.mark.parametrize("kind", list(Kind))
def test_a_word_at_the_end_is_read_at_the_next_start(bench: Bench, kind: Kind) -> None:
    journal = bench.run()
    bench.wall, bench.clock = 5000.0, 70.5
    journal.end(kind, "because\nof this")
    bench.ended("signal killed KILL")
    bench.boot = "boot 2"
    assert bench.last() == Restart(kind, r"because\nof this", 5000.0, 70.5)


def test_the_first_word_stands(bench: Bench) -> None:
    journal = bench.run()
    journal.end(Kind.REBOOT, "asked for on the web page")
    journal.end(Kind.STOPPED, "told to stop")
    journal.healthy()
    assert bench.last().kind is Kind.REBOOT


def test_a_reset_by_the_button_is_known_for_one_run(bench: Bench) -> None:
    bench.run().end(Kind.BUTTON_RESET, "held for 15 s")
    following = bench.run()
    assert following.was_button_reset
    following.end(Kind.FACTORY_RESET, "web")
    assert not bench.run().was_button_reset


def test_failures_count_until_a_run_is_healthy(bench: Bench) -> None:
    counts = []
    journal = bench.run()
    for kind in (Kind.FAILURE, None, Kind.REBOOT, Kind.STOPPED, Kind.FAILURE):
        if kind is not None:
            journal.end(kind, "x")
        journal = bench.run()
        counts.append(journal.failures_in_a_row)
    assert counts == [1, 2, 2, 2, 3]
    bench.boot = "boot 2"
    journal = bench.run()
    assert journal.last is not None
    assert journal.last.kind is Kind.POWER
    assert journal.failures_in_a_row == 3, "a power cut mends nothing"
    journal.healthy()
    journal = bench.run()
    assert journal.failures_in_a_row == 1, "a crash, but the run before it was healthy"


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.FACTORY_RESET, Kind.BUTTON_RESET])
def test_what_may_remove_the_cause_clears_the_count(bench: Bench, kind: Kind) -> None:
    bench.run()
    bench.run().end(kind, "x")
    assert bench.run().failures_in_a_row == 0


def test_the_flash_is_written_twice_a_run_and_once_more_after_failures(bench: Bench) -> None:
    def version() -> int:
        return (bench.folder / NAME).stat().st_ino

    journal = bench.run()
    began = version()
    for _ in range(3):
        journal.healthy()
    assert version() == began, "there was nothing to clear"
    journal.end(Kind.STOPPED, "x")
    ended = version()
    assert ended != began
    journal.end(Kind.STOPPED, "x")
    assert version() == ended
    bench.run().end(Kind.FAILURE, "x")
    journal = bench.run()
    began = version()
    journal.healthy()
    cleared = version()
    assert cleared != began
    journal.healthy()
    assert version() == cleared


def test_without_begin_nothing_is_written(tmp_path: Path) -> None:
    journal = RestartJournal(tmp_path)
    journal.end(Kind.STOPPED, "x")
    journal.healthy()
    assert list(tmp_path.iterdir()) == []


def check_any(data: bytes, ended: bytes = b"") -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        (bench.folder / NAME).write_bytes(data)
        (bench.folder / ENDED).write_bytes(ended)
        journal = bench.run()
        assert journal.last is not None
        assert journal.last.why.isprintable()
        assert journal.failures_in_a_row >= 0
        assert bench.last().kind is Kind.CRASH, "from then on it is a good file again"


@given(st.binary(max_size=300), st.binary(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_bytes_can_be_read(data: bytes, ended: bytes) -> None:
    check_any(data, ended)


@given(JSON | FIELDS)
@settings(max_examples=150, deadline=None)
def test_any_json_can_be_read(value: object) -> None:
    check_any(json.dumps(value).encode())


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_can_be_read(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.run().end(Kind.REBOOT, "x")
        good = bytearray((bench.folder / NAME).read_bytes())
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] = data.draw(st.integers(0, 255))
    check_any(bytes(good[: data.draw(st.integers(0, len(good)))]))


@pytest.mark.parametrize("data", [b"[" * 8000, b"", b"null", b"\xff\xfe", b'{"failures": 1e999}', b"9" * 8000])
def test_what_is_damaged_is_said_to_be_and_written_anew(bench: Bench, data: bytes) -> None:
    (bench.folder / NAME).write_bytes(data)
    assert bench.last().kind is Kind.UNKNOWN
    assert bench.last().kind is Kind.CRASH


@pytest.mark.parametrize(
    "text", ["", "\n", "a", "a b c", "a b c d e", "é b c d", "a b c d\n\n", " b c d", "a\x00 b c d"]
)
def test_what_is_not_from_the_unit_is_not_believed(text: str) -> None:
    assert Ended.parse(text) is None


def test_a_folder_or_a_pipe_in_its_place_is_a_fault_and_stops_nothing(bench: Bench) -> None:
    (bench.folder / NAME).mkdir()
    os.mkfifo(bench.folder / ENDED)
    journal = bench.run()
    assert journal.last is not None
    assert journal.last.kind is Kind.UNKNOWN
    assert journal.fault is not None
    assert "cannot be kept" in journal.fault
    (bench.folder / NAME).rmdir()
    journal.end(Kind.STOPPED, "x")
    assert journal.fault is None


@pytest.fixture(name="read_only")
def _read_only(tmp_path: Path) -> Iterator[Path]:
    need(os.geteuid() == 0, "only root can mount")
    folder = tmp_path / "read-only"
    folder.mkdir()
    Bench(folder).run().end(Kind.REBOOT, "asked for")
    mount = ["mount", "--bind", "-o", "ro", str(folder), str(folder)]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607 (wherever util-linux is)


def test_a_read_only_folder_is_read_and_is_a_fault_told_once(read_only: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Bench(read_only).run()
    journal.end(Kind.STOPPED, "x")
    assert journal.last is not None
    assert journal.last.kind is Kind.REBOOT
    assert journal.fault == "the reason for a restart cannot be kept (Read-only file system)"
    assert sum("cannot be written" in record.message for record in caplog.records) == 1


def test_a_process_that_was_killed_is_a_crash_in_this_boot(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from appliance.supervision.journal import RestartJournal
journal = RestartJournal(Path(sys.argv[1]))
journal.begin()
print(journal.last.kind.value, flush=True)
sys.stdin.read()
"""
    seen = []
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            seen.append(process.stdout.readline().decode().strip())
            process.kill()
            assert process.wait(DEADLINE) == -signal.SIGKILL
    assert seen == ["first start", "crash"]
    journal = RestartJournal(tmp_path)
    journal.begin()
    assert journal.failures_in_a_row == 2
