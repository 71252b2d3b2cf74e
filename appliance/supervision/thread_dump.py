"""What every thread is doing, on SIGUSR1 and when a fatal signal ends the program."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import signal
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

STDERR = 2


@contextlib.contextmanager
def thread_dumps(file: int = STDERR) -> Iterator[None]:
    """Inside the block, SIGUSR1 and fatal signals write all threads' stacks to the descriptor `file`.

    For the main thread. SIGABRT is among the fatal ones: with it systemd ends a program that its watchdog finds
    hanging, so the log says where it hung.

    The stacks are written by C code in the signal handler, which needs neither the interpreter's lock nor memory, so
    that a program stuck for good still shows where. It numbers the threads (Python names them there from 3.14 on);
    their names follow in the log, if the interpreter still runs. They too are not written by a handler, which would
    wait for ever for a lock that the interrupted thread holds, but by a thread of its own.
    """
    asked: SimpleQueue[bool] = SimpleQueue()
    teller = threading.Thread(target=_tell_names, args=(asked,), name="thread names", daemon=True)
    teller.start()
    former = signal.signal(signal.SIGUSR1, lambda *_: asked.put(True))
    faulthandler.register(signal.SIGUSR1, file=file, all_threads=True, chain=True)
    was_enabled = faulthandler.is_enabled()
    if not was_enabled:
        faulthandler.enable(file=file, all_threads=True)
    try:
        yield
    finally:
        if not was_enabled:
            faulthandler.disable()
        faulthandler.unregister(signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, former)
        asked.put(False)
        teller.join()


def _tell_names(asked: SimpleQueue[bool]) -> None:
    while asked.get():
        names = (f"0x{thread.ident or 0:016x} {thread.name}" for thread in threading.enumerate())
        log.warning("threads: %s", ", ".join(names))
