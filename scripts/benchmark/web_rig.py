"""A web server in a process of its own: `benchmark.web` starts it, as `python -m benchmark.web_rig ours|waitress`.

Both serve the same small Flask application. It prints a line of JSON when it serves, and ends when its input does.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from appliance.__main__ import SWITCH_INTERVAL
from benchmark.process import resident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from appliance.httpd.server import WebServer

HOST = "127.0.0.1"
LINE = "<tr><td>temperature</td><td>21.5</td><td>degrees</td></tr>\n"
PAGE = f"<!DOCTYPE html><title>Readings</title><table>\n{LINE * 40}</table>\n"
"""2.4 KB, as much as a small page of the device."""
SLEEP = 0.3
COMPUTE = 0.3
"""Seconds that the two slow pages take, the second one of processor time where it is alone."""
PART = b"x" * 65536
PARTS = 64
UPLOAD_LIMIT = 1 << 30


def pages() -> Flask:
    """Make the application."""
    app = Flask("pages")

    @app.get("/")
    def page() -> str:
        return PAGE

    @app.get("/sleep")
    def sleep() -> str:
        time.sleep(SLEEP)
        return PAGE

    @app.get("/compute")
    def compute() -> str:
        end, text = time.thread_time() + COMPUTE, ""
        while time.thread_time() < end:
            text = "".join(f"<td>{number * 3 % 7:>8}</td>" for number in range(200))
        return text

    @app.get("/large")
    def large() -> Response:
        def parts() -> Iterator[bytes]:
            for _ in range(PARTS):
                yield bytes(PART)

        return Response(parts(), direct_passthrough=True)

    @app.post("/upload")
    def upload() -> str:
        size = 0
        while data := request.stream.read(65536):
            size += len(data)
        return str(size)

    return app


class Open:
    """The application as our server takes it: everybody may come in."""

    def __init__(self, app: Flask) -> None:
        """Serve `app`."""
        self._app = app

    def admit(self, environ: WSGIEnvironment) -> WSGIApplication | None:  # noqa: ARG002 (the form is given)
        """Let in."""
        return None

    def upload_limit(self, path: str) -> int | None:
        """Give the bytes that an upload may have."""
        return UPLOAD_LIMIT if path == "/upload" else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer."""
        return self._app(environ, start_response)


def _prepare_ours(app: Flask, folder: Path) -> Callable[[], dict[str, object]]:
    from appliance.certificate import Certificate
    from appliance.settings import Settings

    settings = Settings(folder / "state")
    settings.override({"http.port": "0", "http.https_port": "0"})
    certificate = Certificate(folder / "state", lambda: ["localhost", HOST])
    certificate.context(makes_one=True)

    def serve() -> dict[str, object]:
        from appliance.httpd.access_log import AccessLog
        from appliance.httpd.server import WebServer

        server = WebServer(
            settings,
            application=Open(app),
            certificate=certificate,
            host=HOST,
            spool=folder,
            access_log=AccessLog(settings),
        )
        server.listen()
        server.start()
        _servers.append(server)
        snapshot = server.snapshot()
        return {"port": snapshot.http_port, "https_port": snapshot.https_port}

    return serve


def _prepare_waitress(app: Flask, _folder: Path) -> Callable[[], dict[str, object]]:
    def serve() -> dict[str, object]:
        from waitress import create_server

        server = create_server(app, host=HOST, port=0, threads=4)
        threading.Thread(target=server.run, daemon=True).start()
        return {"port": int(server.effective_port)}

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it would write a line for every request that waits
    return serve


_servers: list[WebServer] = []
_KINDS = {"ours": _prepare_ours, "waitress": _prepare_waitress}
"""Each prepares what is no part of the server, and gives what starts it."""


def main() -> None:
    """Serve until the input ends."""
    sys.setswitchinterval(SWITCH_INTERVAL)  # as in the device, where the tunnel needs it; for both
    app = pages()
    with app.test_client() as client:
        client.get("/")  # what Flask loads with the first request is no server's cost
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory(prefix="bench-web-") as folder:
        serve = _KINDS[sys.argv[1]](app, Path(folder))
        before, began = resident(os.getpid()), time.process_time()
        told = serve()
        told["cpu"] = time.process_time() - began
        told["memory"] = (resident(os.getpid()) - before) * 1024
        print(json.dumps(told), flush=True)  # noqa: T201 (what it is for)
        sys.stdin.read()
        for server in _servers:
            server.stop()


if __name__ == "__main__":
    main()
