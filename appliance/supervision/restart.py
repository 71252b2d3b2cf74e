"""Why the program began anew, in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was behind a restart."""

    FIRST_START = "first start"
    UNKNOWN = "unknown"
    """The record of the run before cannot be read."""
    POWER = "power"
    """Another boot, and no word from the run before: the power was cut, or the hardware watchdog reset the board."""
    CRASH = "crash"
    """The program ended without a word, or systemd ended it."""
    FAILURE = "failure"
    """A service failed again and again, and the program gave up."""
    STOPPED = "stopped"
    """It was told to stop."""
    REBOOT = "reboot"
    """Somebody asked for it."""
    FACTORY_RESET = "factory reset"
    """Asked for on the web page or the console."""
    BUTTON_RESET = "button reset"
    """Factory defaults by the button on the panel."""
    UPDATE = "update"
    """New firmware."""

    @property
    def is_failure(self) -> bool:
        """Whether the program itself was to blame."""
        return self in _FAILURES

    @property
    def is_fresh_start(self) -> bool:
        """Whether what made earlier runs fail may be gone: other firmware, other settings."""
        return self in _FRESH_STARTS


_FAILURES = frozenset({Kind.CRASH, Kind.FAILURE})
_FRESH_STARTS = frozenset({Kind.FIRST_START, Kind.UNKNOWN, Kind.FACTORY_RESET, Kind.BUTTON_RESET, Kind.UPDATE})


@dataclass(frozen=True, slots=True)
class Restart:
    """The end of the run before this one."""

    kind: Kind
    why: str
    """A sentence without its full stop."""
    when: float | None = None
    """When that run ended, seconds of the wall clock as it was then; `None` when nobody wrote it."""
    uptime: float | None = None
    """Seconds that it had run; `None` when nobody wrote it."""


_WORD = re.compile(r"[A-Za-z0-9_-]{0,64}", re.ASCII)

_RESULTS = {
    "watchdog": "the program hung, and systemd's watchdog ended it",
    "timeout": "the program did not start or stop in time, and systemd ended it",
    "oom-kill": "the memory was used up, and the kernel ended the program",
    "resources": "systemd lacked the means to start the program",
    "protocol": "the program ended before it was ready",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """What systemd said of a run's end (systemd.exec(5): SERVICE_RESULT, EXIT_CODE, EXIT_STATUS, INVOCATION_ID)."""

    result: str
    code: str
    status: str
    invocation: str

    @classmethod
    def parse(cls, text: str) -> Ended | None:
        """Read the four words that the unit's ExecStopPost writes; `None` for anything else."""
        words = text.removesuffix("\n").split(" ")
        if len(words) != 4 or not words[0] or not all(_WORD.fullmatch(word) for word in words):
            return None
        return cls(*words)

    def restart(self, when: float) -> Restart:
        """Say it in words; `when` it was written."""
        if self.result == "success":
            return Restart(Kind.STOPPED, "the program ended in order, but did not say why", when)
        if self.result in _RESULTS:
            why = _RESULTS[self.result]
        elif self.code in {"killed", "dumped"}:
            name = self.status if self.status.startswith("SIG") else f"SIG{self.status}"
            why = f"the program crashed or was killed ({name})"
        elif self.result == "exit-code":
            why = f"the program crashed (exit status {self.status})"
        else:
            why = f"systemd ended the program ({self.result})"
        return Restart(Kind.CRASH, why, when)
