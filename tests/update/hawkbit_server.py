"""A hawkBit server for one device, which behaves as the Direct Device Integration API has it."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
from typing import TYPE_CHECKING, Any

from tests.update.servers import serving
from tests.update.test_worker import BUNDLE

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "4f7c of the fleet"  # noqa: S105 (of the test's own server)
DEVICE = "00000000a1b2c3d4"
BASE = f"/DEFAULT/controller/v1/{DEVICE}"
FILE = f"{BASE}/softwaremodules/3/artifacts/cme3000-1.2.0.romz"


class FakeHawkbit:
    """What the server knows, and what it was told."""

    def __init__(self, listener: http.server.ThreadingHTTPServer) -> None:
        self.listener = listener
        self.url = f"http://127.0.0.1:{listener.server_port}"
        self.sleep = "00:01:00"
        self.wants_data = False
        self.attributes: dict[str, str] = {}
        self.action = ""
        """The one that is open."""
        self.is_cancelling = False
        self.deployment: dict[str, Any] = {}
        self.file = BUNDLE
        self.said: list[tuple[str, str, str, str, str]] = []
        """Kind, action, execution, result and message of each feedback."""
        self.asked: list[tuple[str, str]] = []
        """Path and authorization of each request."""
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """What a path is answered in place of all that."""

    def assign(self, action: str = "17", **changes: Any) -> None:
        """Assign firmware to the device; `changes` are those of the deployment, or of its one artifact."""
        artifact = {
            "filename": "cme3000-1.2.0.romz",
            "size": len(self.file),
            "hashes": {"sha1": "0" * 40, "md5": "0" * 32, "sha256": hashlib.sha256(self.file).hexdigest()},
            "_links": {
                "download-http": {"href": self.url + FILE},
                "md5sum-http": {"href": self.url + FILE + ".MD5SUM"},
            },
        }
        artifact |= {name: changes.pop(name) for name in list(changes) if name in artifact}
        chunk = {"part": "os", "name": "CMe3000\n\x1b[31m", "version": "1.2.0", "artifacts": [artifact]}
        self.deployment = {"download": "attempt", "update": "attempt", "chunks": [chunk], **changes}
        self.action = action

    def messages(self, execution: str = "closed") -> list[tuple[str, str]]:
        """Give result and message of the feedback of one kind on deployments."""
        return [said[3:] for said in self.said if said[0] == "deploymentBase" and said[2] == execution]

    def _links(self) -> dict[str, Any]:
        links = {}
        if self.wants_data:
            links["configData"] = {"href": f"{self.url}{BASE}/configData"}
        if self.action:
            kind = "cancelAction" if self.is_cancelling else "deploymentBase"
            links[kind] = {"href": f"{self.url}{BASE}/{kind}/{self.action}?c=-2127183556"}
        return links

    def answer(self, method: str, path: str, content: Any) -> tuple[int, dict[str, str], bytes]:
        """Answer one request of a device that was let in."""
        if path == FILE:
            return 200, {"Accept-Ranges": "bytes"}, self.file
        if path == BASE and method == "GET":
            return _json({"config": {"polling": {"sleep": self.sleep}}, "_links": self._links()})
        if path == f"{BASE}/configData" and method == "PUT":
            self.attributes, self.wants_data = content["data"], False
            return 200, {}, b""
        kind, _, rest = path.removeprefix(f"{BASE}/").partition("/")
        action, _, feedback = rest.partition("/")
        if action != self.action:
            return 404, {}, b'{"errorCode": "hawkbit.server.error.repo.entitiyNotFound"}'
        if method == "GET":
            if kind == "cancelAction":
                return _json({"id": action, "cancelAction": {"stopId": action}})
            return _json({"id": action, "deployment": self.deployment})
        if method != "POST" or feedback != "feedback" or content["id"] != action:
            return 400, {}, b""
        status = content["status"]
        execution = status["execution"]
        self.said.append((kind, action, execution, status["result"]["finished"], status["details"][0]))
        if kind == "cancelAction" and execution == "rejected":
            self.is_cancelling = False
        elif execution == "closed":
            self.action, self.is_cancelling = "", False
        return 200, {}, b""


def _json(content: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/hal+json;charset=UTF-8"}, json.dumps(content).encode()


@contextlib.contextmanager
def hawkbit_server() -> Iterator[FakeHawkbit]:
    """Run one on a free port of the loopback interface."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _serve(self) -> None:
            path = self.path.partition("?")[0]
            authorization = self.headers.get("Authorization", "")
            server.asked.append((path, authorization))
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if path in server.answers:
                answer = server.answers[path]
            elif authorization != f"TargetToken {TOKEN}":
                answer = (401, {}, b"")
            else:
                answer = server.answer(self.command, path, json.loads(body) if body else None)
            status, headers, data = answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = _serve  # noqa: N815 (named as the library wants it)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server = FakeHawkbit(listener)
        with serving(listener):
            yield server
