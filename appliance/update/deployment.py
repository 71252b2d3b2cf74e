"""What a hawkBit server says, taken apart (its Direct Device Integration API, version 1). All of it is checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from appliance.errors import UpdateError, UpdateRefused
from appliance.update.address import web_address
from appliance.update.rules import NAME

INTERVALS = (30.0, 86_400.0)
"""Seconds between two polls, whatever the server says."""
INTERVAL = 300.0
"""Seconds, when it says nothing; hawkBit's own default."""

STRANGE = "The hawkBit server does not answer as one does."

_ACTION = re.compile(r"[0-9]{1,19}", re.ASCII)
_SLEEP = re.compile(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])", re.ASCII)
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_HANDLINGS = ("skip", "attempt", "forced")


@dataclass(frozen=True, slots=True)
class Poll:
    """The answer to the question whether there is anything to do."""

    interval: float
    """Seconds until the next."""
    wants_data: bool
    """Whether the device is to describe itself."""
    deployment: str
    """The number of an update that is assigned; empty when none is."""
    cancellation: str
    """The number of a request to cancel one; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The file of an update."""

    url: str
    size: int
    sha256: str
    """In lower case."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """An update that is assigned to this device."""

    action: str
    may_download: bool
    may_install: bool
    is_forced: bool
    waits_for_window: bool
    """Whether it is to be installed later, in a maintenance window that is not open now."""
    chunks: tuple[Any, ...]
    """What it consists of, see `artifact_of`."""


def poll_of(data: bytes, *, base: str) -> Poll:
    """Read the answer to a poll of `base`.

    :raises UpdateError: when it is none.
    """
    whole = _object(data)
    links = _table(whole.get("_links"))
    sleep = _table(_table(whole.get("config")).get("polling")).get("sleep")
    return Poll(
        interval=_interval(sleep),
        wants_data="configData" in links,
        deployment=_action_in(links.get("deploymentBase"), base, "deploymentBase"),
        cancellation=_action_in(links.get("cancelAction"), base, "cancelAction"),
    )


def deployment_of(data: bytes) -> Deployment:
    """Read the description of an update.

    :raises UpdateError: when it is none.
    """
    whole = _object(data)
    deployment = _table(whole.get("deployment"))
    download, update = deployment.get("download"), deployment.get("update")
    chunks = deployment.get("chunks")
    if download not in _HANDLINGS or update not in _HANDLINGS or not isinstance(chunks, list):
        raise UpdateError(STRANGE)
    is_closed = deployment.get("maintenanceWindow") == "unavailable"
    return Deployment(
        action=_action(whole.get("id")),
        may_download=download != "skip",
        may_install=update != "skip" and not is_closed,
        is_forced=update == "forced",
        waits_for_window=is_closed,
        chunks=tuple(chunks),
    )


def artifact_of(chunks: tuple[Any, ...], *, base: str) -> Artifact:
    """Find the one file with firmware.

    :param base: the address from which those of the files go on.
    :raises UpdateRefused: when there is none, more than one, or one that cannot be checked.
    """
    artifacts = [artifact for chunk in chunks for artifact in _list(_table(chunk).get("artifacts"))]
    files = [
        (name, table) for artifact in artifacts if isinstance(name := (table := _table(artifact)).get("filename"), str)
    ]
    found = [table for name, table in files if name == NAME] or [
        table for name, table in files if name.endswith(".romz")
    ]
    if len(found) != 1:
        raise UpdateRefused(f"The assigned software must have one file {NAME}, and it has {len(found)}.")
    size, sha256 = found[0].get("size"), _table(found[0].get("hashes")).get("sha256")
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        raise UpdateRefused("The hawkBit server does not tell the size of the file.")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise UpdateRefused("The hawkBit server does not tell the SHA-256 hash of the file.")
    links = _table(found[0].get("_links"))
    link = _table(links.get("download") or links.get("download-http")).get("href")
    if not isinstance(link, str) or not link:
        raise UpdateRefused("The hawkBit server does not tell where the file is.")
    try:
        url = urljoin(base, link)
    except ValueError:
        url = link
    return Artifact(url=web_address(url), size=size, sha256=sha256.lower())


def stopped_action(data: bytes) -> str:
    """Read from a request to cancel which update is meant.

    :raises UpdateError: when it is no such request.
    """
    return _action(_table(_object(data).get("cancelAction")).get("stopId"))


def _object(data: bytes) -> dict[str, Any]:
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict):
        raise UpdateError(STRANGE)
    return whole


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _action(value: object) -> str:
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not _ACTION.fullmatch(text):
        raise UpdateError(STRANGE)
    return text


def _action_in(link: object, base: str, kind: str) -> str:
    """Take the number out of a link. What is asked is an address of our own making, whatever host the link names."""
    if link is None:
        return ""
    address = _table(link).get("href")
    if not isinstance(address, str):
        raise UpdateError(STRANGE)
    try:
        folder, _, action = urlsplit(urljoin(base, address)).path.rpartition("/")
    except ValueError:
        raise UpdateError(STRANGE) from None
    if not folder.endswith(f"/{kind}"):
        raise UpdateError(STRANGE)
    return _action(action)


def _interval(value: object) -> float:
    found = _SLEEP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return INTERVAL
    hours, minutes, seconds = (int(part) for part in found.groups())
    return min(max(hours * 3600.0 + minutes * 60 + seconds, INTERVALS[0]), INTERVALS[1])
