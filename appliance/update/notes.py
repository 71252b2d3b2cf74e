"""What is remembered of updates over a reboot."""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance import atomic

if TYPE_CHECKING:
    from appliance.update.shelf import Shelf

log = logging.getLogger(__name__)

LARGEST = 65_536
"""Bytes of a note."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Give the kernel's name for the time from one start of the device to the next; empty where it has none."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


@dataclass(frozen=True, slots=True)
class Pending:
    """An update that is installed and has not proven itself yet."""

    version: str
    slot: str
    """The boot loader's name of the slot that is to start."""
    former: str
    """The version that ran when it was installed."""
    boot: str
    """The `boot_id` of that time: in the same boot, the reboot has not happened yet."""
    when: float
    """Seconds since 1970."""
    problems: tuple[str, ...] = ()
    """What was wrong with the settings before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last update ended."""

    text: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """An update that a hawkBit server has assigned, and how far it is."""

    action: str
    """The server's number of it."""
    server: str
    """Which server, and which device there: the number means nothing to others."""
    version: str = ""
    state: str = ""
    """What it is: `installing`, `installed`, or `closed`."""
    text: str = ""
    """How it ended, in a sentence, when it is closed."""
    failed: bool = False
    is_told: bool = False
    """Whether the server knows how it ended."""


class Notes:
    """The files `pending.json`, `outcome.json` and `hawkbit.json` beside the bundle.

    What cannot be written is logged alone.
    """

    def __init__(self, shelf: Shelf) -> None:
        """Keep them in the folder of `shelf`."""
        self._pending = shelf.folder / "pending.json"
        self._outcome = shelf.folder / "outcome.json"
        self._assignment = shelf.folder / "hawkbit.json"

    def pending(self) -> Pending | None:
        """Give the update that has not proven itself yet."""
        fields = _read(self._pending)
        try:
            return Pending(
                version=_text(fields["version"]),
                slot=_text(fields["slot"]),
                former=_text(fields["former"]),
                boot=_text(fields["boot"]),
                when=float(fields["when"]),
                problems=tuple(_text(problem) for problem in fields["problems"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def expect(self, pending: Pending) -> None:
        """Remember that the next start should be one of this."""
        _write(self._pending, asdict(pending))

    def outcome(self) -> Outcome:
        """Give how the last update ended."""
        fields = _read(self._outcome)
        try:
            return Outcome(_text(fields["text"]), bool(fields["failed"]))
        except (KeyError, TypeError):
            return Outcome()

    def settle(self, outcome: Outcome) -> None:
        """Remember how it ended; nothing is expected any more."""
        _write(self._outcome, asdict(outcome))
        with contextlib.suppress(OSError):
            self._pending.unlink(missing_ok=True)
            atomic.sync_folder(self._pending.parent)

    def assignment(self) -> Assignment | None:
        """Give what a hawkBit server has assigned last, as far as it has come to an installation or an end."""
        fields = _read(self._assignment)
        try:
            texts = {name: _text(fields[name]) for name in ("action", "server", "version", "state", "text")}
            return Assignment(**texts, failed=bool(fields["failed"]), is_told=bool(fields["is_told"]))
        except (KeyError, TypeError):
            return None

    def assign(self, assignment: Assignment | None) -> None:
        """Remember that, or nothing of the kind any more."""
        if assignment is not None:
            _write(self._assignment, asdict(assignment))
            return
        with contextlib.suppress(OSError):
            self._assignment.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    atomic.remove_leftovers(path)
    try:
        if path.stat().st_size > LARGEST:
            return {}
        fields = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s cannot be used: %s", path, error)
        return {}
    return fields if isinstance(fields, dict) else {}


def _write(path: Path, fields: dict[str, Any]) -> None:
    try:
        atomic.make_folder(path.parent)
        atomic.replace(path, json.dumps(fields, indent=1).encode() + b"\n")
    except OSError as error:
        log.error("%s could not be written: %s", path, error.strerror)  # noqa: TRY400 (the reason says all)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value[:2000]
