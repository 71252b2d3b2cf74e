"""The list of releases that a web server offers."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from appliance.errors import InvalidValue, UpdateError, UpdateRefused
from appliance.update.address import bundle_address
from appliance.update.fetching import Download
from appliance.update.snapshot import Offer
from appliance.update.version import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 256 * 1024
"""Bytes of an index."""
LONGEST = 60.0
"""Seconds for reading it."""
NOTES = 4000
"""Characters of the notes that are kept."""


def read_index(url: str, *, running: str, compatible: str, on_progress: Callable[[], None]) -> Offer | None:
    """Read the index at `url`; give the newest release for devices like this one.

    :param running: the version that runs.
    :raises UpdateError: when the index cannot be had, or is none.
    """
    with Download(url, longest=LONGEST, on_progress=on_progress) as download:
        data = b""
        while piece := download.read():
            data += piece
            if len(data) > LARGEST:
                raise UpdateError(f"The index is larger than {LARGEST // 1024} kB.")
        return newest(data, base=download.url, running=running, compatible=compatible)


def newest(data: bytes, *, base: str, running: str, compatible: str) -> Offer | None:
    """Take an index apart; give the newest release in it that is compatible, None when there is none.

    An entry that makes no sense is passed over.

    :param base: the address of the index, from which those of the files go on.
    :raises UpdateError: when it is no index at all.
    """
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        whole = None
    releases = whole.get("releases") if isinstance(whole, dict) else None
    if not isinstance(releases, list):
        raise UpdateError('The index is not one: it has to be JSON with a list "releases".')
    offers = [offer for entry in releases if (offer := _offer(entry, base, running, compatible)) is not None]
    return max(offers, key=lambda offer: key_of(offer.version), default=None)


def _offer(entry: object, base: str, running: str, compatible: str) -> Offer | None:
    if not isinstance(entry, dict) or entry.get("compatible") != compatible:
        return None
    version, url = entry.get("version"), entry.get("url")
    if not isinstance(version, str) or not isinstance(url, str):
        return None
    try:
        return Offer(
            version=version,
            url=bundle_address(urljoin(base, url)),
            notes=_notes(entry),
            build_date=_date(entry),
            is_newer=key_of(version) > _running(running),
        )
    except (InvalidValue, UpdateRefused, ValueError):
        return None


def _running(version: str) -> Any:
    try:
        return key_of(version)
    except InvalidValue:
        return key_of("0")


def _notes(entry: dict[str, Any]) -> str:
    notes = entry.get("notes", "")
    if not isinstance(notes, str):
        return ""
    return "".join(character for character in notes[:NOTES] if character.isprintable() or character == "\n")


def _date(entry: dict[str, Any]) -> dt.date | None:
    try:
        return dt.date.fromisoformat(entry.get("build_date", ""))
    except (TypeError, ValueError):
        return None
