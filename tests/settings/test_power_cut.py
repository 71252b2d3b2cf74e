"""A power cut at any moment of a save leaves the old settings or the new ones; after it, the new ones alone."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from appliance.settings import Settings, Values
from tests.settings.conftest import put_old
from tests.settings.disk import FOLDER, Disk, leading_number, strings
from tests.settings.tracing import Call, Saver

Calls = Sequence[Call]


class Judge:
    """Loads what a power cut left, as the device would at its next start."""

    def __init__(self, scratch: Path, old: Values, new: Values) -> None:
        self._scratch = scratch
        self._old, self._new = old, new
        self._known: dict[frozenset[tuple[str, bytes]], str] = {}

    def verdict(self, files: dict[str, bytes]) -> str:
        key = frozenset(files.items())
        if key not in self._known:
            folder = self._scratch / str(len(self._known))
            folder.mkdir(parents=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
            settings = Settings(folder)
            if settings.problems or settings.saved not in (self._old, self._new):
                self._known[key] = f"bad: {[str(problem) for problem in settings.problems]}"
            elif len(list(folder.iterdir())) != 1:
                self._known[key] = "bad: something is left over"
            else:
                self._known[key] = "new" if settings.saved == self._new else "old"
        return self._known[key]

    def complaints(self, disk: Disk, calls: Calls) -> list[str]:
        """Cut the power after each call; say where something is found that must not be."""
        found = []
        verdicts: set[str] = set()
        for number, call in enumerate(calls):
            disk.replay(call)
            verdicts = {self.verdict(files) for files in disk.crashes()}
            found += [f"after call {number}, {call.name}: {verdict}" for verdict in verdicts if "bad" in verdict]
        if verdicts != {"new"}:
            found.append(f"after the save was reported: {sorted(verdicts)}")
        return found


class Recorded:
    """A real save, as its system calls, between two states."""

    def __init__(self, saver: Saver, folder: Path, action: str = "save") -> None:
        self.folder = folder
        self.old = put_old(folder)
        self._before = {path.name: path.read_bytes() for path in folder.iterdir()}
        ended = saver.run(action, folder, trace=True, text=ready_text(folder.parent))
        assert ended.code == 0
        # The last call is the report to the test; what comes before it was the save.
        report = max(index for index, call in enumerate(ended.calls) if call.name == "write")
        self.calls = ended.calls[:report]
        self.new = Settings(folder).saved
        assert self.new != self.old

    def disk(self) -> Disk:
        return Disk.holding(str(self.folder), self._before)

    def judge(self) -> Judge:
        return Judge(self.folder.parent / "found", self.old, self.new)


def ready_text(scratch: Path) -> str:
    other = Settings(scratch / "other")
    other.set({"http.port": "8081"}, save=False)
    return other.export()


def flushes(calls: Calls, disk: Disk) -> list[tuple[int, bool]]:
    """Where in the calls something is flushed, and whether that is the folder."""
    found = []
    for index, call in enumerate(calls):
        if call.name in ("fsync", "fdatasync"):
            found.append((index, disk.descriptors[leading_number(call.arguments)] == FOLDER))
        disk.replay(call)
    return found


def without_flush_of_the_file(calls: Calls, disk: Disk) -> Calls:
    dropped = {index for index, is_folder in flushes(calls, disk) if not is_folder}
    return [call for index, call in enumerate(calls) if index not in dropped]


def without_flush_of_the_folder(calls: Calls, disk: Disk) -> Calls:
    dropped = {index for index, is_folder in flushes(calls, disk) if is_folder}
    return [call for index, call in enumerate(calls) if index not in dropped]


def flushed_after_the_rename(calls: Calls, disk: Disk) -> Calls:
    flush = next(index for index, is_folder in flushes(calls, disk) if not is_folder)
    rename = next(index for index, call in enumerate(calls) if call.name.startswith("rename"))
    close = next(index for index in range(flush, rename) if calls[index].name == "close")
    kept = [call for index, call in enumerate(calls[:rename]) if index not in (flush, close)]
    return [*kept, calls[rename], calls[flush], calls[close], *calls[rename + 1 :]]


def in_place(calls: Calls, disk: Disk) -> Calls:
    path = "".join(f"\\x{byte:02x}" for byte in f"{disk.folder}/settings.toml".encode())
    written = next(call for call in calls if call.name == "write")
    arguments = re.sub(r"^\d+", "9", written.arguments)
    assert strings(written)
    return [
        Call("openat", f'AT_FDCWD, "{path}", O_WRONLY|O_TRUNC', 9),
        Call("write", arguments, written.result),
        Call("fsync", "9", 0),
        Call("close", "9", 0),
    ]


@pytest.mark.parametrize("action", ["save", "reset", "import"])
def test_a_power_cut_at_any_moment(action: str, saver: Saver, folder: Path) -> None:
    recorded = Recorded(saver, folder, action)
    assert recorded.judge().complaints(recorded.disk(), recorded.calls) == []


@pytest.mark.parametrize(
    "mutation", [without_flush_of_the_file, without_flush_of_the_folder, flushed_after_the_rename, in_place]
)
def test_the_model_sees_what_a_worse_save_would_lose(
    mutation: Callable[[Calls, Disk], Calls], saver: Saver, folder: Path
) -> None:
    recorded = Recorded(saver, folder)
    worse = mutation(recorded.calls, recorded.disk())
    assert recorded.judge().complaints(recorded.disk(), worse)
