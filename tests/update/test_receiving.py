"""Uploads, and what goes wrong with them: nothing is left, and nothing but a whole file is checked."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UpdateBusy, UpdateError, UpdateRefused
from appliance.update import shelf
from appliance.update.shelf import CUT, Shelf
from appliance.update.snapshot import Stage
from tests.update.rig import Bench

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = b"x" * 300_000


class Held(io.RawIOBase):
    """A stream that gives one block, and then waits for the test."""

    def __init__(self, end: Exception | None = None) -> None:
        self.has_begun, self.goes_on = threading.Event(), threading.Event()
        self._end = end
        self._blocks = [BLOCK]

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002 (each block at once)
        if self._blocks:
            return self._blocks.pop()
        self.has_begun.set()
        assert self.goes_on.wait(20)
        if self._end is not None:
            raise self._end
        return b""


def available(folder: Path) -> Bench:
    """Give one that takes files, and has nobody who checks them."""
    bench = Bench(folder, "")
    bench.updater.change(is_available=True)
    return bench


def taken(bench: Bench, held: Held, size: int | None) -> tuple[threading.Thread, list[Exception]]:
    """Upload in a thread."""
    errors: list[Exception] = []

    def receive() -> None:
        try:
            bench.updater.receive("cme3000.romz", held, size)  # type: ignore[arg-type] # a stream that can be read
        except UpdateError as error:
            errors.append(error)

    thread = threading.Thread(target=receive)
    thread.start()
    assert held.has_begun.wait(20)
    return thread, errors


@pytest.mark.parametrize(
    "name", ["firmware.romz", "cme3000.romz.exe", "CME3000.ROMZ", "../cme3000.romz", "", " cme3000.romz"]
)
def test_another_name_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    bench, stream = available(tmp_path), io.BytesIO(BLOCK)
    with pytest.raises(UpdateRefused, match=r"must be called cme3000\.romz"):
        bench.updater.receive(name, stream, len(BLOCK))
    assert stream.tell() == 0
    assert bench.files == []
    assert bench.now.stage is Stage.IDLE


def test_a_device_without_slots_takes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "")
    assert not bench.now.is_available
    assert "no slots for firmware" in bench.now.why_not
    with pytest.raises(UpdateError, match="no slots for firmware"):
        bench.updater.receive("cme3000.romz", io.BytesIO(BLOCK), None)
    with pytest.raises(UpdateError, match="no slots for firmware"):
        bench.updater.fetch("http://a.example/cme3000.romz")
    with pytest.raises(UpdateError, match="no slots for firmware"):
        bench.updater.install(version="1")


def test_a_second_upload_at_once_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    bench, held = available(tmp_path), Held()
    thread, errors = taken(bench, held, len(BLOCK))
    assert (bench.now.stage, bench.now.received, bench.now.size) == (Stage.RECEIVING, len(BLOCK), len(BLOCK))
    with pytest.raises(UpdateBusy, match="being received"):
        bench.updater.receive("cme3000.romz", io.BytesIO(BLOCK), len(BLOCK))
    with pytest.raises(UpdateBusy, match="being received"):
        bench.updater.discard()
    with pytest.raises(UpdateBusy, match="being received"):
        bench.updater.fetch("http://a.example/cme3000.romz")
    assert bench.files == ["cme3000.romz.part"]
    held.goes_on.set()
    thread.join(20)
    assert errors == []
    assert bench.now.stage is Stage.CHECKING
    assert bench.files == ["cme3000.romz"]


@pytest.mark.parametrize("end", [None, ConnectionResetError(104, "reset"), ValueError("odd")])
def test_an_upload_that_is_cut_leaves_nothing(tmp_path: Path, end: Exception | None) -> None:
    bench, held = available(tmp_path), Held(end)
    if isinstance(end, ValueError):
        held.goes_on.set()
        with pytest.raises(ValueError, match="odd"):
            bench.updater.receive("cme3000.romz", held, None)  # type: ignore[arg-type] # a stream that can be read
    else:
        thread, errors = taken(bench, held, len(BLOCK) + 1)
        held.goes_on.set()
        thread.join(20)
        assert [str(error) for error in errors] == [CUT]
        assert isinstance(errors[0], UpdateRefused)
    assert (bench.now.stage, bench.now.error) == (Stage.FAILED, CUT)
    assert bench.files == []


def test_too_large_is_refused_at_once_or_when_it_shows(tmp_path: Path) -> None:
    store = Shelf(tmp_path, largest=len(BLOCK) - 1)
    with pytest.raises(UpdateRefused, match="larger than firmware can be"):
        store.check_size(len(BLOCK))
    with pytest.raises(UpdateRefused, match="larger than firmware can be"):
        store.take(io.BytesIO(BLOCK), None, lambda _: None)
    with pytest.raises(UpdateRefused, match="larger than firmware can be"):  # more than was announced
        Shelf(tmp_path).take(io.BytesIO(BLOCK), 10, lambda _: None)
    assert list(store.folder.iterdir()) == []


def test_no_room_is_refused_at_once_or_when_it_shows(tmp_path: Path) -> None:
    store = Shelf(tmp_path, spare=1 << 60)
    with pytest.raises(UpdateRefused, match="not enough room"):
        store.check_size(1)
    with pytest.raises(UpdateRefused, match="not enough room"):
        store.take(io.BytesIO(BLOCK), None, lambda _: None)
    assert list(store.folder.iterdir()) == []


def test_a_disk_that_fills_up_in_the_midst_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource
    import signal

    # The kernel itself refuses to write more, as it does on a full disk.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setattr(shelf, "CHUNK", 50_000)
    store = Shelf(tmp_path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, before[1]))
        with pytest.raises(UpdateRefused, match="not enough room"):
            store.take(io.BytesIO(BLOCK), len(BLOCK), lambda _: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(store.folder.iterdir()) == []


def test_a_disk_that_breaks_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", broken)
    store = Shelf(tmp_path)
    store.folder.mkdir(parents=True)
    with pytest.raises(UpdateError, match="could not be stored: Input/output error"):
        store.take(io.BytesIO(BLOCK), len(BLOCK), lambda _: None)
    assert list(store.folder.iterdir()) == []


def test_a_new_upload_takes_the_place_of_what_was_ready(tmp_path: Path) -> None:
    bench = available(tmp_path)
    bench.updater.receive("cme3000.romz", io.BytesIO(BLOCK), len(BLOCK))
    bench.updater.change(stage=Stage.READY)
    bench.updater.receive("cme3000.romz", io.BytesIO(b"other"), None)
    assert (bench.state / "update/cme3000.romz").read_bytes() == b"other"
    assert bench.files == ["cme3000.romz"]


def nameless(folder: Path, content: bytes) -> io.BufferedReader:
    """Give a file as the web server puts uploads into."""
    file = os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    file.write(content)
    file.seek(0)
    return io.BufferedReader(file)


def test_what_is_on_the_disk_already_is_not_copied(tmp_path: Path) -> None:
    store = Shelf(tmp_path, spare=1 << 60)  # there is no room for a copy
    counts: list[int] = []
    with nameless(tmp_path, BLOCK) as stream:
        store.check_size(len(BLOCK), is_here=True)
        assert store.take(stream, len(BLOCK), counts.append) == len(BLOCK)
        assert store.path.stat().st_ino == os.fstat(stream.fileno()).st_ino
    assert store.path.read_bytes() == BLOCK
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in store.folder.iterdir()] == ["cme3000.romz"]
    assert counts == [len(BLOCK)]


@pytest.mark.parametrize("case", ["has a name", "of unknown size", "read in part"])
def test_other_files_are_copied(tmp_path: Path, case: str) -> None:
    store = Shelf(tmp_path)
    named = tmp_path / "x"
    named.write_bytes(BLOCK)
    with named.open("rb") if case == "has a name" else nameless(tmp_path, BLOCK) as stream:
        begun = len(stream.read(10)) if case == "read in part" else 0
        size = len(BLOCK) - begun if case != "of unknown size" else None
        store.take(stream, size, lambda _: None)
        assert store.path.stat().st_ino != os.fstat(stream.fileno()).st_ino
    assert store.path.read_bytes() == BLOCK[begun:]
