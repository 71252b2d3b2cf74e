"""What every thread is doing, on SIGUSR1 and when a fatal signal ends the program."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

log = logging.getLogger(__name__)

STDERR = 2


@contextlib.contextmanager
def thread_dumps(file: int = STDERR) -> Iterator[None]:
    """Inside the block, SIGUSR1 and fatal signals write all threads' stacks to the descriptor `file`.

    For the main thread. SIGABRT is among the fatal ones: with it systemd ends a program that its watchdog finds
    hanging, so the log says where it hung. Those stacks are written by C code in the signal handler, which needs
    neither the interpreter's lock nor memory, and so shows even a program that is stuck for good.

    It reads the stacks of threads that run on meanwhile, though, and now and then that ends in a segmentation fault:
    nothing is lost by it in a program that is ending, but one that is only asked must go on. Therefore SIGUSR1 is
    answered by a thread of its own that holds the interpreter's lock while it looks. The signal wakes it by a
    descriptor (`signal.set_wakeup_fd`), so it answers while the main thread waits for something that never comes.
    """
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    former_descriptor = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    former = signal.signal(signal.SIGUSR1, _go_on)
    teller = threading.Thread(target=_tell, args=(woken, file), name="thread dumps", daemon=True)
    teller.start()
    was_enabled = faulthandler.is_enabled()
    if not was_enabled:
        faulthandler.enable(file=file, all_threads=True)
    try:
        yield
    finally:
        if not was_enabled:
            faulthandler.disable()
        signal.signal(signal.SIGUSR1, former)
        signal.set_wakeup_fd(former_descriptor)
        os.close(wakes)
        teller.join()
        os.close(woken)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Be there: without a handler the signal ends the program and does not come by the descriptor."""


def _tell(woken: int, file: int) -> None:
    while numbers := os.read(woken, 64):  # of every signal that Python handles; nothing: closed
        if signal.SIGUSR1 not in numbers:
            continue
        # The stacks first and by a bare write: the names need locks that whoever hangs may hold.
        with contextlib.suppress(OSError), os.fdopen(os.dup(file), "w", errors="backslashreplace") as report:
            for thread, frame in sys._current_frames().items():  # noqa: SLF001 # documented, whatever its name
                report.write(_described(thread, frame))
        names = (f"0x{thread.ident or 0:016x} {thread.name}" for thread in threading.enumerate())
        log.warning("threads: %s", ", ".join(names))


def _described(thread: int, frame: FrameType) -> str:
    """Return a thread's stack in the layout of `faulthandler`."""
    calls = "".join(
        f'  File "{inner.f_code.co_filename}", line {line} in {inner.f_code.co_name}\n'
        for inner, line in traceback.walk_stack(frame)
    )
    return f"Thread 0x{thread:016x} (most recent call first):\n{calls}\n"
