"""The panel as lines of text, for output that is no terminal."""

from __future__ import annotations

import contextlib
import io
import os
import select
import time
from typing import TYPE_CHECKING

from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from appliance.panel.snapshot import LedSnapshot, PanelSnapshot

AT_MOST_EVERY = 1.0
"""Seconds between two lines about one LED; what changes back in between is not told."""

_TRAFFIC = (Rhythm.OFF, Rhythm.FLICKER, Rhythm.STEADY)
"""How ACT looks while it shows traffic and not the button."""

_LONGEST = 1024
"""Bytes of a line; a pipe that is ready takes at least PIPE_BUF (4096) without blocking."""


class PlainPanel(Service):
    """Prints a line whenever a LED, the button or a fault of the panel changes. `wake` makes it look.

    ACT tells of the button alone: with traffic it goes on and off many times a minute. Once nobody reads the output
    any more the service lives on and rests.
    """

    def __init__(
        self,
        *,
        snapshot: Callable[[], PanelSnapshot],
        output: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Print what `snapshot` says to `output`."""
        super().__init__("plain panel")
        self._snapshot = snapshot
        self._output = output
        self._clock = clock
        self._fd: int | None = None
        with contextlib.suppress(io.UnsupportedOperation):
            self._fd = output.fileno()
        self._told: dict[str, str] = {Led.ACTIVITY: "off", "button": "", "fault": ""}
        """What was last said of each; of these there is nothing to say at first."""
        self._told_at: dict[str, float] = {}
        self._is_gone = False

    def run(self) -> None:
        """Print changes until told to stop."""
        while not self.stopping.is_set():
            self.beat()
            wait = None
            if not self._is_gone:
                try:
                    wait = self._tell()
                except (OSError, ValueError):  # ValueError: the stream was closed
                    self._is_gone = True
            self.rest(wait)

    def _tell(self) -> float | None:
        """Print what is new, and return the seconds until what was held back is due."""
        now = self._clock()
        waits = []
        for subject, text in self._subjects(self._snapshot()).items():
            if self._told.get(subject) == text:
                continue
            wait = self._told_at.get(subject, float("-inf")) + AT_MOST_EVERY - now
            if wait <= 0 and not self._print(f"panel: {self._line(subject, text)}"):
                wait = AT_MOST_EVERY
            elif wait <= 0:
                self._told[subject], self._told_at[subject] = text, now
                continue
            waits.append(wait)
        return min(waits, default=None)

    @staticmethod
    def _subjects(panel: PanelSnapshot) -> dict[str, str]:
        """Give what there is to say about each thing that changes."""
        said = {str(shown.led): _describe(shown) for shown in panel.leds}
        button = ""
        if panel.is_pressed:
            button = f"held, release: {panel.on_release or 'nothing'}"
        return said | {"button": button, "fault": "; ".join(panel.faults)}

    @staticmethod
    def _line(subject: str, text: str) -> str:
        if text:
            return f"{subject} {text}" if subject != "fault" else f"fault: {text}"
        return "button released" if subject == "button" else "no fault any more"

    def _print(self, line: str) -> bool:
        """Print, and return whether there was room for it."""
        if self._fd is None:
            self._output.write(f"{line}\n")
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        if not poll.poll(0):
            return False
        text = "".join(c if c.isprintable() else "?" for c in line)
        os.write(self._fd, text.encode(self._output.encoding or "ascii", "replace")[:_LONGEST] + b"\n")
        return True


def _describe(shown: LedSnapshot) -> str:
    if shown.led is Led.ACTIVITY and shown.rhythm in _TRAFFIC:
        return "off"
    rhythm = shown.rhythm.name.lower().replace("_", " ")
    return f"{rhythm} ({shown.meaning})" if shown.meaning else rhythm
