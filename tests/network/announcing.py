"""Another host that speaks multicast DNS, in a process of its own: a line of JSON for each command and each answer."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sys
import threading
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from appliance.network import announcer
from appliance.network.announcer import Announcer
from appliance.service import Abandoned

DEADLINE = 20.0

PLACES: dict[str, tuple[Any, str]] = {
    "sending": (socket.socket, "sendto"),
    "receiving": (socket.socket, "recvfrom"),
    "between callbacks": (asyncio.Handle, "_run"),
}


class Commands:
    """The process' end: a method for each command."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.announcer = self._new()

    def _new(self) -> Announcer:
        made = Announcer()
        made.on_change = self._note
        made.start()
        return made

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def announce(self, hostname: str, address: str, tunnel_port: int, http_port: int) -> float:
        """Give the seconds for which the caller had to wait."""
        before = time.monotonic()
        self.announcer.announce(hostname, (IPv4Address(address),), tunnel_port=tunnel_port, http_port=http_port)
        return time.monotonic() - before

    def withdraw(self) -> None:
        self.announcer.withdraw()

    @staticmethod
    def delay(milliseconds: int) -> None:
        """Have the time that zeroconf waits before it asks for a name no longer left to chance."""
        random.randint = lambda a, b: min(max(a, milliseconds), b)

    def until(self, name: str, fault: str) -> list[str]:
        """Wait for this name, and for a fault that begins so."""
        end = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                found = self.announcer.snapshot()
                if (found.name == name and found.fault.startswith(fault)) or time.monotonic() > end:
                    return [found.name, found.fault]
                self._changed.wait(0.2)

    def until_any(self) -> str:
        """Wait for any name."""
        end = time.monotonic() + DEADLINE
        with self._changed:
            while not self.announcer.snapshot().name and time.monotonic() < end:
                self._changed.wait(0.2)
        return self.announcer.snapshot().name

    def beat(self) -> bool:
        before = self.announcer.beats
        self.announcer.wake()
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if self.announcer.beats > before and self.announcer.is_resting:
                return True
            time.sleep(0.002)
        return False

    def stop(self) -> list[Any]:
        """Stop; give the seconds, the threads that are left and the sockets."""
        before = time.monotonic()
        self.announcer.stop()
        return [time.monotonic() - before, threading.active_count(), self.sockets()]

    def abandon(self) -> list[Any]:
        """Give it up; give the seconds until its thread ended, the threads that are left and the sockets."""
        before = time.monotonic()
        self.announcer.abandon()
        self.announcer.thread.join(DEADLINE)
        return [time.monotonic() - before, threading.active_count(), self.sockets()]

    def abandon_in(self, place: str) -> list[Any]:
        """Give it up so that the exception comes up at this place, at the next time that its thread is there."""
        owner, name = PLACES[place]
        inherited = getattr(owner, name)
        struck = threading.Event()

        def strike(one: Any, *words: Any) -> Any:
            # The task that all depends on is the one that is made first; its steps and wake-ups are its own methods.
            task = getattr(getattr(one, "_callback", None), "__self__", None)
            is_here = isinstance(one, socket.socket) or "_main" in repr(task)
            if threading.current_thread() is not self.announcer.thread or not is_here or struck.is_set():
                return inherited(one, *words)
            struck.set()
            raise Abandoned

        setattr(owner, name, strike)
        try:
            before = time.monotonic()
            self.announcer.stopping.set()
            self.announcer.wake()
            self.announcer.thread.join(DEADLINE)
            return [struck.is_set(), time.monotonic() - before, threading.active_count(), self.sockets()]
        finally:
            setattr(owner, name, inherited)

    @staticmethod
    def sockets() -> int:
        count = 0
        for entry in Path("/proc/self/fd").iterdir():
            try:
                count += str(entry.readlink()).startswith(("socket:", "anon_inode:"))
            except OSError:  # the folder's own
                continue
        return count


def main() -> None:
    """Do as told until there are no more commands."""
    announcer.RETRY = 0.3
    commands = Commands()
    for line in sys.stdin:
        name, *words = json.loads(line)
        os.write(1, json.dumps(getattr(commands, name)(*words)).encode() + b"\n")
    commands.announcer.stop()


if __name__ == "__main__":
    main()
