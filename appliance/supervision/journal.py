"""Remembers across restarts why the program last began anew."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance import atomic
from appliance.supervision.one_line import one_line
from appliance.supervision.restart import Ended, Kind, Restart

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

NAME = "restart.json"
ENDED = "ended"
"""File beside it that the unit writes when the program has ended, however that was."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LARGEST_FILE = 8192
_LARGEST_COUNT = 1_000_000
_LARGEST_TIME = 1e12


@dataclass(frozen=True, slots=True)
class _Run:
    """What the file says of one run of the program."""

    boot: str
    """The kernel's name for the time from one power-on or reboot to the next."""
    invocation: str
    """systemd's name for one start of the unit; empty without systemd."""
    began: float
    """Wall clock."""
    failures: int
    """Runs in a row before this one that failed; 0 as soon as this one is healthy."""
    end: Restart | None = None


class RestartJournal:
    """The file `restart.json` in the state folder: the run that is under way, and in the end why it ended.

    It is written when a run begins, when it ends, and when it turns out healthy after failures: two small writes a
    run, for flash memory wears. Nothing here raises; what cannot be kept is a fault, and the appliance works on.

    `failures_in_a_row` needs no clock, for a device without a battery may start with any time. A crash and a failure
    raise it. A healthy run, other firmware and factory defaults clear it, for they may have removed the cause. A power
    cut, a stop and a reboot leave it as it is: they come between failures (the reboot even because of them) and
    mend nothing by themselves.
    """

    def __init__(
        self,
        folder: Path,
        *,
        boot_id: str | None = None,
        invocation: str | None = None,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the file in `folder`. By default the kernel gives the boot id, and systemd the invocation."""
        self._path = folder / NAME
        self._ended_path = folder / ENDED
        self._boot = _boot_id() if boot_id is None else boot_id
        self._invocation = os.environ.get("INVOCATION_ID", "") if invocation is None else invocation
        self._wall_clock = wall_clock
        self._clock = clock
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._began_at = clock()
        self.last: Restart | None = None
        """How the run before this one ended; known from `begin` on."""
        self.failures_in_a_row = 0
        """Runs before this one that ended in a crash or a failure, with no healthy one among them."""
        self.fault: str | None = None
        """A sentence, while the file cannot be written."""

    @property
    def was_button_reset(self) -> bool:
        """Whether the button ended the run before with factory defaults; one that is stuck must not do so again."""
        return self.last is not None and self.last.kind is Kind.BUTTON_RESET

    def begin(self) -> None:
        """Read how the run before ended, and write that another is under way."""
        former, self.last = self._read()
        self.failures_in_a_row = former.failures if former is not None else 0
        if self.last.kind.is_failure:
            self.failures_in_a_row = min(self.failures_in_a_row + 1, _LARGEST_COUNT)
        elif self.last.kind.is_fresh_start:
            self.failures_in_a_row = 0
        log.info("last restart: %s", self.last.why)
        with self._lock:
            self._began_at = self._clock()
            self._run = _Run(self._boot, self._invocation, self._wall_clock(), self.failures_in_a_row)
            self._write(self._run)

    def healthy(self) -> None:
        """Note that this run has shown itself healthy, so that failures before it no longer count (any thread)."""
        with self._lock:
            if self._run is not None and self._run.end is None and self._run.failures:
                self._run = replace(self._run, failures=0)
                self._write(self._run)

    def end(self, kind: Kind, why: str) -> None:
        """Write why this run ends, right before it does (any thread).

        The first word stands: who has asked for a reboot is afterwards told to stop, and that is not the reason.
        """
        with self._lock:
            if self._run is None or self._run.end is not None:
                return
            end = Restart(kind, one_line(why), self._wall_clock(), self._clock() - self._began_at)
            self._run = replace(self._run, end=end)
            self._write(self._run)

    def _read(self) -> tuple[_Run | None, Restart]:
        atomic.remove_leftovers(self._path)
        try:
            found = _content(self._path)
        except FileNotFoundError:
            return None, Restart(Kind.FIRST_START, "this is the first start")
        except OSError as error:
            reason = error.strerror or "no file"
        else:
            try:
                former = _parse(found[0])
            except (ValueError, RecursionError):  # not JSON, nested without end, or not what is written here
                reason = "damaged"
            else:
                return former, self._judge(former)
        log.warning("%s cannot be used (%s): nobody knows why the program last began anew", self._path, reason)
        return None, Restart(Kind.UNKNOWN, f"the record of the run before cannot be read ({reason})")

    def _judge(self, former: _Run) -> Restart:
        """Say how `former` ended: by its own word, else by systemd's, else by the boot id."""
        if former.end is not None:
            return former.end
        is_same_boot = former.boot == self._boot
        ended = self._ended_restart(former)
        if ended is not None:
            return ended if is_same_boot else replace(ended, why=f"{ended.why}; then the device was rebooted")
        if is_same_boot:
            return Restart(Kind.CRASH, "the program crashed or was killed")
        return Restart(Kind.POWER, "the power was cut, or the hardware watchdog reset the board")

    def _ended_restart(self, former: _Run) -> Restart | None:
        try:
            data, when = _content(self._ended_path)
        except OSError:
            return None
        ended = Ended.parse(data.decode("ascii", "replace"))
        if ended is None or ended.invocation != former.invocation:  # not of that run: it is never removed
            return None
        return ended.restart(when)

    def _write(self, run: _Run) -> None:
        try:
            atomic.make_folder(self._path.parent)
            atomic.replace(self._path, json.dumps(asdict(run), indent=1).encode() + b"\n")
        except OSError as error:
            if self.fault is None:
                log.warning("%s cannot be written: %s", self._path, error.strerror)
            self.fault = f"the reason for a restart cannot be kept ({error.strerror})"
        else:
            self.fault = None


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _content(path: Path) -> tuple[bytes, float]:
    """Read a file, and when it was written.

    :raises OSError: when it cannot be read, or is no file or far too large.
    """
    # Without blocking, for it may turn out to be a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_FILE:
            raise OSError(0, "not a file of this device", str(path))
        return os.read(descriptor, _LARGEST_FILE), status.st_mtime
    finally:
        os.close(descriptor)


def _parse(data: bytes) -> _Run:
    """Take the file apart.

    :raises ValueError: when it is not one that was written here.
    """
    fields = json.loads(data)
    if not isinstance(fields, dict):
        raise ValueError("no object")  # noqa: TRY004 (like all that is wrong with a file)
    end = fields.get("end")
    if end is not None:
        if not isinstance(end, dict):
            raise ValueError("end is no object")
        end = Restart(
            Kind(_text(end, "kind")), one_line(_text(end, "why")), _seconds(end, "when"), _seconds(end, "uptime")
        )
    failures = fields.get("failures")
    if type(failures) is not int or not 0 <= failures <= _LARGEST_COUNT:
        raise ValueError("failures is no count")
    return _Run(_text(fields, "boot"), _text(fields, "invocation"), _seconds(fields, "began") or 0.0, failures, end)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")  # noqa: TRY004 (like all that is wrong with a file)
    return value


def _seconds(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST_TIME:  # or NaN
        raise ValueError(f"{name} is no time")
    return float(value)
