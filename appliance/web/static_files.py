"""Style sheet, icon and scripts: read once, served under a URL that has their content's hash in it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, Response, abort

from appliance.web.access import reads

if TYPE_CHECKING:
    from pathlib import Path

FOREVER = 365 * 24 * 3600
"""Seconds; longer counts as a year (RFC 9111 section 1.2.2)."""

ICON = "icon.svg"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class StaticFile(NamedTuple):
    """A file as it is sent."""

    digest: str
    content: bytes
    mimetype: str


class StaticFiles:
    """All files of a folder that a page may need, by their names; those of others stand in folders below it."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: _read(path) for path in sorted(folder.rglob("*")) if path.suffix in TYPES}

    def url(self, name: str) -> str:
        """Give the URL of a file.

        :raises KeyError: when there is none of this name.
        """
        return f"/static/{self._files[name].digest}/{name}"

    def find(self, digest: str, name: str) -> StaticFile | None:
        """Give the file, if it is there with this content."""
        found = self._files.get(name)
        return found if found is not None and found.digest == digest else None

    def blueprint(self) -> Blueprint:
        """Make the view that serves them."""
        blueprint = Blueprint("static_files", __name__)

        @blueprint.get("/static/<digest>/<name>", endpoint="file")
        @reads
        def file(digest: str, name: str) -> Response:
            found = self.find(digest, name)
            if found is None:
                abort(404)
            response = Response(found.content, mimetype=found.mimetype)
            # Not for caches on the way: what the pages look like is for those who may see them.
            response.headers["Cache-Control"] = f"private, max-age={FOREVER}, immutable"
            return response

        @blueprint.get("/favicon.ico", endpoint="icon")
        @reads
        def icon() -> Response:
            # What a browser asks for by itself beside anything that is no page of ours, such as JSON.
            found = self._files[ICON]
            return Response(found.content, mimetype=found.mimetype)

        return blueprint


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(hashlib.sha256(content).hexdigest()[:16], content, TYPES[path.suffix])
