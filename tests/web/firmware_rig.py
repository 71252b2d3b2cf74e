"""Firmware updates in the test's hands, and a file as people upload it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from appliance.update.rules import NAME
from appliance.update.snapshot import BundleInfo, Offer, Slot, Stage, UpdateSnapshot

if TYPE_CHECKING:
    from typing import BinaryIO

    from werkzeug.test import TestResponse

    from tests.web.rig import Web

CONTENT = bytes(range(256)) * 3000 + b"\r\n--not the end\r\n"
MOMENT = dt.datetime(2026, 2, 3, 4, 5, tzinfo=dt.UTC)


def bundle(**changes: Any) -> BundleInfo:
    values: dict[str, Any] = {
        "version": "1.2.0",
        "build_date": dt.date(2026, 3, 1),
        "compatible": "cme3000-rpi",
        "minimum_version": "1.0.0",
        "notes": "Faster readouts.\nFewer surprises.",
        "size": 187_654_321,
        "signer": "CMe3000 release 2026",
        "is_older": False,
        "is_same": False,
    }
    return BundleInfo(**{**values, **changes})


def slot(name: str, **changes: Any) -> Slot:
    values: dict[str, Any] = {
        "is_running": False,
        "is_good": True,
        "version": "1.1.0",
        "installed_at": MOMENT,
        "tries_left": None,
        "holds": "",
    }
    return Slot(name, **{**values, **changes})


def offer(**changes: Any) -> Offer:
    values: dict[str, Any] = {
        "version": "1.3.0",
        "url": "https://releases.example/cme3000.romz",
        "notes": "New.",
        "build_date": dt.date(2026, 4, 1),
        "is_newer": True,
    }
    return Offer(**{**values, **changes})


def snapshot(stage: Stage = Stage.IDLE, **changes: Any) -> UpdateSnapshot:
    """A device that can be updated, version 1.1.0 in slot A."""
    values: dict[str, Any] = {
        "is_available": True,
        "stage": stage,
        "slots": (slot("A", is_running=True), slot("B", version="", installed_at=None, holds="nothing", is_good=None)),
        "bundle": bundle() if stage in (Stage.READY, Stage.INSTALLING, Stage.INSTALLED) else None,
    }
    return UpdateSnapshot(**{**values, **changes})


class Updates:
    """An `UpdateView` that remembers what was asked of it."""

    def __init__(self) -> None:
        self.state = UpdateSnapshot(
            why_not="This device has no slots for firmware: it is simulated, or does not run from an image."
        )
        self.done: list[tuple[Any, ...]] = []
        self.content = b""
        self.trouble: Exception | None = None
        """What everything raises."""

    def be(self, stage: Stage = Stage.IDLE, **changes: Any) -> None:
        self.state = snapshot(stage, **changes)

    def change(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def snapshot(self) -> UpdateSnapshot:
        return self.state

    def receive(self, name: str, stream: BinaryIO, size: int | None) -> None:
        self._note("receive", name, size)
        content = bytearray()
        while piece := stream.read(65_536):
            content += piece
        self.content = bytes(content)

    def fetch(self, url: str) -> None:
        self._note("fetch", url)

    def install(self, *, version: str, confirms_downgrade: bool = False) -> None:
        self._note("install", version, confirms_downgrade)

    def discard(self) -> None:
        self._note("discard")

    def look_for_offer(self) -> None:
        self._note("check")

    def _note(self, *what: Any) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.done.append(what)


def form_body(token: str, name: str, content: bytes) -> bytes:
    """Write a form with a token and a file (RFC 7578), its boundary ``Xy``."""
    field = f'--Xy\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token}\r\n'
    file = f'--Xy\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return field.encode() + file.encode() + content + b"\r\n--Xy--\r\n"


def uploaded(web: Web, name: str = NAME, content: bytes = CONTENT, **options: Any) -> TestResponse:
    """Send a form as a browser does, its token before the file."""
    body = form_body(web.token(), name, content)
    kind = "multipart/form-data; boundary=Xy"
    path = "/system/firmware/upload"
    return web.client.post(path, data=body, content_type=kind, environ_overrides=web.environ(), **options)


def sent(web: Web, content: bytes = CONTENT, **options: Any) -> TestResponse:
    """Send the file as the script of the page does."""
    headers = {"X-Form-Token": web.token(), "Content-Type": "application/octet-stream", **options.pop("headers", {})}
    path = options.pop("path", f"/system/firmware/upload?name={NAME}")
    return web.client.post(path, data=content, headers=headers, environ_overrides=web.environ(), **options)
