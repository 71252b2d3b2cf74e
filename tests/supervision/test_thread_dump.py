"""SIGUSR1 and fatal signals, in a program of its own and in this one."""

from __future__ import annotations

import faulthandler
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from appliance.supervision.thread_dump import thread_dumps

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 10.0

BEGIN = """
import logging, re, sys, threading
from appliance.supervision.thread_dump import thread_dumps
logging.basicConfig()
def wait_in_peace():
    threading.Event().wait()
threading.Thread(target=wait_in_peace, name="tunnel", daemon=True).start()
def ready():
    print("ready", flush=True)
"""

CHURNING = f"""{BEGIN}
def come_and_go():
    while True:
        thread = threading.Thread(target=eval, args=("[(lambda n: n * n)(n) for n in range(100)]",))
        thread.start()
        thread.join()
for _ in range(3):
    threading.Thread(target=come_and_go, daemon=True).start()
with thread_dumps():
    ready()
    threading.Event().wait()
"""

WAITS_IN_C = f"""{BEGIN}
import ctypes
def wait_for_ever():
    mutex = ctypes.create_string_buffer(64)  # more than a pthread_mutex_t; zeros are an unlocked one
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
    ready()
    ctypes.CDLL(None).pthread_mutex_lock(mutex)
with thread_dumps():
    wait_for_ever()
"""
"""The main thread is in C code that no signal ends, so no handler written in Python runs."""

ALIVE = f"{BEGIN}\nwith thread_dumps():\n    ready()\n    threading.Event().wait()\n"

HOLDS_A_LOCK = f"""{BEGIN}
with thread_dumps():
    with threading._active_limbo_lock, logging._lock:
        ready()
        sys.stdin.readline()
    sys.stdin.readline()
"""
"""The main thread has the locks that `threading.enumerate` and logging need."""

STUCK = f"""{BEGIN}
def backtrack_for_ever():
    ready()
    re.match(r"(a|a)+$", "a" * 200 + "b")
with thread_dumps():
    threading.Thread(target=backtrack_for_ever, daemon=True).start()
    threading.Event().wait()
"""
"""A thread that never gives the interpreter's lock back."""


class Program:
    """Runs a piece of Python, and reads what it writes to stderr."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def read_until(self, pattern: str) -> str:
        assert self.process.stderr is not None
        text, deadline = "", time.monotonic() + DEADLINE
        while not re.search(pattern, text):
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern} not in {text}"
            if select.select([self.process.stderr], [], [], left)[0]:
                text += os.read(self.process.stderr.fileno(), 65536).decode()
        return text

    def close(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE)


@pytest.fixture(name="programs")
def _programs() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.close()


def start(programs: list[Program], code: str) -> Program:
    programs.append(Program(code))
    return programs[-1]


def test_a_signal_writes_every_stack_and_then_every_name_as_often_as_asked(programs: list[Program]) -> None:
    program = start(programs, ALIVE)
    for _ in range(3):
        program.process.send_signal(signal.SIGUSR1)
        said = program.read_until(r"threads: .*\n")
        assert "in wait_in_peace" in said
        tunnel = re.search(r"(0x[0-9a-f]{16}) tunnel", said)
        assert tunnel is not None
        assert re.search(rf"Thread {tunnel[1]}.*\(most recent call first\)", said), "names and stacks go together"
        assert "MainThread" in said
    assert program.process.poll() is None


def test_it_comes_while_the_interrupted_thread_holds_the_locks(programs: list[Program]) -> None:
    program = start(programs, HOLDS_A_LOCK)
    program.process.send_signal(signal.SIGUSR1)
    program.read_until("in wait_in_peace")
    assert program.process.stdin is not None
    program.process.stdin.write(b"\n")
    program.process.stdin.flush()
    program.read_until(r"threads: .*tunnel")


def test_it_comes_when_the_main_thread_waits_for_what_never_comes(programs: list[Program]) -> None:
    program = start(programs, WAITS_IN_C)
    program.process.send_signal(signal.SIGUSR1)
    program.read_until(r"in wait_for_ever[\s\S]*threads: .*tunnel")


def test_threads_that_come_and_go_meanwhile_do_no_harm(programs: list[Program]) -> None:
    program = start(programs, CHURNING)
    for _ in range(200):
        program.process.send_signal(signal.SIGUSR1)
        program.read_until(r"threads: .*\n")
    assert program.process.poll() is None


def test_the_watchdogs_signal_writes_the_stacks_and_ends_a_stuck_program(programs: list[Program]) -> None:
    program = start(programs, STUCK)
    program.process.send_signal(signal.SIGABRT)
    said = program.read_until("in backtrack_for_ever")
    assert "Fatal Python error: Aborted" in said
    assert program.process.wait(DEADLINE) == -signal.SIGABRT


def test_nothing_is_left_behind() -> None:
    former, was_enabled = signal.getsignal(signal.SIGUSR1), faulthandler.is_enabled()
    threads = set(threading.enumerate())
    with thread_dumps():
        assert signal.getsignal(signal.SIGUSR1) is not former
    assert signal.getsignal(signal.SIGUSR1) is former
    assert signal.set_wakeup_fd(-1) == -1
    assert faulthandler.is_enabled() == was_enabled
    assert set(threading.enumerate()) == threads
