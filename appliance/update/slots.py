"""The two slots, as RAUC and the boot loader see them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.update.snapshot import Slot

if TYPE_CHECKING:
    from collections.abc import Mapping

PUBLISHED = Path("/run/cme3000-slots.json")
"""Written by the boot loader's side of Linux at every change: ``{"running": "A", "left": {"A": 9, "B": 3}}``."""

PROVEN = 9
"""Tries that are not counted: the slot has shown that it is good."""


def slots_of(status: Mapping[str, Mapping[str, Any]], *, running: str, published: Path = PUBLISHED) -> tuple[Slot, ...]:
    """Make slots of what RAUC tells of them; in the order of their names.

    :param running: the version that runs, which RAUC does not know for a card that came with it.
    """
    left = _left(published)
    found = [_slot(each, running, left) for each in status.values() if _text(each, "bootname")]
    return tuple(sorted(found, key=lambda slot: slot.name))


def _slot(status: Mapping[str, Any], running: str, left: Mapping[str, int]) -> Slot:
    name, is_running = _text(status, "bootname"), status.get("state") == "booted"
    version, outcome = _text(status, "bundle.version"), _text(status, "status")
    holds = ""
    if is_running:
        version = running
    elif outcome in {"failed", "pending"}:
        version, holds = "", "an unfinished installation"
    elif not version:
        holds = "nothing that is known"
    tries = left.get(name)
    return Slot(
        name=name,
        is_running=is_running,
        is_good={"good": True, "bad": False}.get(_text(status, "boot-status")),
        version=version,
        installed_at=_moment(_text(status, "installed.timestamp")),
        tries_left=None if tries is None or tries >= PROVEN else tries,
        holds=holds,
    )


def _left(path: Path) -> dict[str, int]:
    try:
        left = json.loads(path.read_bytes()[:4096])["left"]
        return {str(name): int(tries) for name, tries in left.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _text(status: Mapping[str, Any], name: str) -> str:
    value = status.get(name)
    return value if isinstance(value, str) else ""
