"""A link watch in a process of its own, which can live in a namespace, and what the test says to it.

Between the two, a line of JSON for each command and for each answer; what `on_change` tells comes in between.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.network import link_socket
from appliance.network.interface import SYS_CLASS_NET
from appliance.network.link_watch import LinkSnapshot, LinkWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.namespaces import Namespace

DEADLINE = 15.0


class Watcher:
    """The test's end."""

    def __init__(
        self,
        namespace: Namespace,
        interface: str | None = None,
        *,
        sys_class_net: Path = SYS_CLASS_NET,
        receive_buffer: int = 0,
    ) -> None:
        """Start the process, and the watch in it."""
        words = (interface or "", str(sys_class_net), str(receive_buffer))
        self._process = namespace.start_python(
            "tests.network.watcher", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._unread = b""
        self.changes: list[tuple[LinkSnapshot, float]] = []
        """What `on_change` found, and when (seconds of the monotonic clock)."""

    @property
    def latest(self) -> LinkSnapshot:
        """The snapshot of the last change."""
        return self.changes[-1][0] if self.changes else LinkSnapshot()

    def until(self, condition: Callable[[LinkSnapshot], object], what: str) -> float:
        """Wait until a change brings this about, or go on if the last one did; say when that was."""
        end = time.monotonic() + DEADLINE
        while not self.changes or not condition(self.latest):
            self._read(end, what)
        return self.changes[-1][1]

    def ask(self, command: str, *words: float) -> Any:
        """Have `Commands` do it, and give its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([command, *words]).encode() + b"\n")
        self._process.stdin.flush()
        end = time.monotonic() + DEADLINE
        while True:
            message = self._read(end, f"the answer to {command}")
            if "answer" in message:
                return message["answer"]

    def _read(self, end: float, what: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            is_ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            assert is_ready, f"waited for {what}; the last is {self.latest}"
            part = os.read(self._process.stdout.fileno(), 65536)
            assert part, f"the watcher ended, waiting for {what}"
            self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        if "change" in message:
            self.changes.append((LinkSnapshot(**message["change"]), message["at"]))
        return message


class Commands:
    """The process' end: a method for each command."""

    def __init__(self, watch: LinkWatch) -> None:
        self.watch = watch
        self._go_on = threading.Event()
        self._go_on.set()
        self._is_broken = False
        self._limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        watch.on_change = self._changed

    def _changed(self) -> None:
        # Looked up before the test hears of the change, so that what it then asks for is for the next one.
        is_held, is_broken = not self._go_on.is_set(), self._is_broken
        say(change=dataclasses.asdict(self.watch.snapshot()), at=time.monotonic())
        if is_broken:
            raise AssertionError("broken by the test")
        if is_held:
            self._go_on.wait(DEADLINE)

    def snapshot(self) -> Any:
        return dataclasses.asdict(self.watch.snapshot())

    def frames(self) -> int:
        return self.watch.frames()

    def cost_of_frames(self, times: float) -> float:
        """Seconds for each."""
        start = time.perf_counter()
        for _ in range(int(times)):
            self.watch.frames()
        return (time.perf_counter() - start) / times

    def overruns(self) -> int:
        return self.watch.overruns

    def hold(self) -> None:
        """Have the watch stick in its next `on_change`."""
        self._go_on.clear()

    def go_on(self) -> None:
        self._go_on.set()

    def break_it(self) -> None:
        """Have its thread die of its next `on_change`."""
        self._is_broken = True

    def starve(self) -> None:
        """Let no further descriptor be opened; three are the least with which poll(2) works."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, self._limits[1]))

    def feed(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, self._limits)

    def beat(self) -> bool:
        """Wake it, and say whether it came round and rests again."""
        before = self.watch.beats
        self.watch.wake()
        return self._comes(lambda: self.watch.beats > before and self.watch.is_resting)

    def is_resting(self) -> bool:
        return self._comes(lambda: self.watch.is_resting)

    def idle(self, seconds: float) -> list[float]:
        """CPU seconds of its thread in a quiet time, and how often it was scheduled."""
        clock = time.pthread_getcpuclockid(self.watch.thread.ident or 0)
        status = Path(f"/proc/self/task/{self.watch.thread.native_id}/status")

        def switches() -> int:
            lines = status.read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)

        before = time.clock_gettime(clock), switches()
        time.sleep(seconds)
        return [time.clock_gettime(clock) - before[0], switches() - before[1]]

    def stop(self) -> bool:
        """Stop it, and say whether its thread has ended."""
        self.watch.stop()
        return not self.watch.is_alive

    def abandon(self) -> bool:
        self.watch.abandon()
        self.watch.thread.join(DEADLINE)
        return not self.watch.is_alive

    def has_died(self) -> bool:
        return self._comes(lambda: not self.watch.is_alive) and self.watch.failure is not None

    def late_use(self) -> list[int]:
        """Use it after its end."""
        self.watch.wake()
        return [self.watch.frames()]

    def descriptors(self) -> list[str]:
        """What is open besides the pipes of the process, and what the interpreter has anyway."""
        found = []
        for entry in Path("/proc/self/fd").iterdir():
            try:
                found.append(str(entry.readlink()))
            except OSError:  # the folder's own
                continue
        return sorted(name for name in found if name.startswith(("socket:", "anon_inode:", "/sys/")))

    def threads(self) -> int:
        return threading.active_count()

    def resident(self) -> int:
        """Octets of memory in use."""
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    @staticmethod
    def _comes(condition: Callable[[], bool]) -> bool:
        end = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.002)
        return True


def say(**message: Any) -> None:
    """Send a line to the test, in one piece."""
    os.write(1, json.dumps(message).encode() + b"\n")


def main(interface: str, sys_class_net: Path, receive_buffer: int) -> None:
    """Watch until there are no more commands."""
    if receive_buffer:
        link_socket.RECEIVE_BUFFER = receive_buffer
    commands = Commands(LinkWatch(interface or None, sys_class_net=sys_class_net))
    commands.watch.start()
    for line in sys.stdin:
        name, *words = json.loads(line)
        say(answer=getattr(commands, name)(*words))
    commands.go_on()
    commands.watch.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
