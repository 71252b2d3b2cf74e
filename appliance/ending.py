"""The signals that end the program, turned into an event."""

from __future__ import annotations

import contextlib
import signal
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@contextlib.contextmanager
def ending_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM, SIGINT and SIGHUP set, inside the block; for the main thread.

    SIGHUP stays ignored where whoever started the program has it ignored: that is what nohup is for.

    A handler runs in the middle of whatever the main thread does. Setting an event there would wait for ever, if
    the main thread were just about to wait for that event and held its lock; a SimpleQueue may be given something at
    any moment, and a thread of its own sets the event.
    """
    stopping = threading.Event()
    caught: SimpleQueue[int] = SimpleQueue()

    def tell() -> None:
        if caught.get():
            stopping.set()

    teller = threading.Thread(target=tell, name="signals", daemon=True)
    teller.start()
    heeded = [number for number in SIGNALS if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, lambda number, _: caught.put(number)) for number in heeded}
    try:
        yield stopping
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        caught.put(0)
        teller.join()
