"""The saver, with strace at its neck: every system call seen, and one of them made deadly or false."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[2]
DEADLINE = 10.0
CALLS = "%file,%desc"
CALL = re.compile(
    r"(?:<\.\.\. )?(?P<name>[a-z0-9_]+)(?:\((?P<arguments>.*?)\)| resumed>.*?\))\s+= (?P<result>-?\d+|\?).*"
)


class Call(NamedTuple):
    """One system call as strace wrote it down."""

    name: str
    arguments: str
    result: int


class Ended(NamedTuple):
    """How the saver's process ended: exit code, minus the signal's number; its report; the calls it made."""

    code: int
    report: dict[str, Any] | None
    calls: tuple[Call, ...]


def has_strace() -> bool:
    return shutil.which("strace") is not None


def wait_for_hold(process: int) -> bool:
    """Wait until strace holds the stopped process, so that it misses none of its calls. It says "attached" before."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "t":
            return True
        os.sched_yield()
    return False


class Saver:
    """One server process that forks a saver for each command."""

    def __init__(self, *before: str) -> None:
        """Start it, with a command `before` that runs it."""
        self._server = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.settings.saver"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(DEADLINE)
        self._server.stdout.close()

    def run(
        self, action: str, folder: Path, *, trace: bool = False, inject: Sequence[str] = (), **more: object
    ) -> Ended:
        """Let a saver do `action` in `folder`. With `inject`, strace's rules for calls that shall fail or kill."""
        process = self._ask({"action": action, "folder": str(folder), **more})
        if not trace and not inject:
            return self._finish(())
        with tempfile.NamedTemporaryFile("r") as log:
            arguments = ["-xx", "-s", "1000000", "-o", log.name, "-p", str(process), "-e", f"trace={CALLS}"]
            for rule in inject:
                arguments += ["-e", f"inject={rule}"]
            strace_itself = shutil.which("strace") or ""
            with subprocess.Popen([strace_itself, *arguments], stderr=subprocess.PIPE, text=True) as strace:
                assert strace.stderr is not None
                said = strace.stderr.readline()
                has_hold = wait_for_hold(process)
                ended = self._finish(())
                said += strace.stderr.read()
            assert has_hold, said
            lines = log.read().splitlines()
        calls = tuple(
            Call(found["name"], found["arguments"] or "", int(found["result"].replace("?", "-1")))
            for line in lines
            if (found := CALL.fullmatch(line))
        )
        return ended._replace(calls=calls)

    def _finish(self, calls: tuple[Call, ...]) -> Ended:
        answer = self._ask("go")
        return Ended(answer["ended"], answer["report"], calls)

    def _ask(self, question: object) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())
