"""A web server that offers an update and counts what is fetched of it."""

from __future__ import annotations

import contextlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

FROM_INSIDE = "10.0.2.2"
"""This machine, as QEMU's network calls it."""


class Offer:
    """Serves one file, whole or by ranges (RFC 9110, clause 14)."""

    def __init__(self, file: Path) -> None:
        """Offer this file."""
        self.sent = 0
        lock = threading.Lock()
        size = file.stat().st_size
        offer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self._answer(with_body=False)

            def do_GET(self) -> None:
                self._answer(with_body=True)

            def _answer(self, *, with_body: bool) -> None:
                first, last = 0, size - 1
                found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                if found:
                    first = int(found[1])
                    last = min(int(found[2]) if found[2] else last, size - 1)
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                else:
                    self.send_response(200)
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(last - first + 1))
                self.end_headers()
                if with_body:
                    with file.open("rb") as source, contextlib.suppress(OSError):
                        source.seek(first)
                        data = source.read(last - first + 1)
                        with lock:
                            offer.sent += len(data)
                        self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://{FROM_INSIDE}:{self._server.server_address[1]}/{file.name}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, name="offer")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
