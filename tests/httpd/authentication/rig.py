"""A gate without a server, a client that computes Digest by itself, and a server for real clients."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from appliance.httpd.authentication.gate import Gate
from appliance.settings import Directive, DirectiveType, Settings, User
from appliance.settings.types import Directives

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    Changes = dict[str, str | None]

REALM = "config"
NAME, PASSWORD = "anna", "correct horse"


def directive(
    uri: str = "/",
    type: DirectiveType = DirectiveType.DIGEST,  # noqa: A002 (as the field is called)
    *,
    realm: str = REALM,
    users: dict[str, str] | None = None,
) -> Directive:
    wanted = {NAME: PASSWORD} if users is None else users
    return Directive(uri, realm, type, tuple(User.with_password(n, realm, p) for n, p in wanted.items()))


@dataclass
class Answer:
    """What the gate said."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""
    environ: dict[str, Any] = field(default_factory=dict)

    def values(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header.lower() == name.lower()]

    def value(self, name: str) -> str:
        return (self.values(name) or [""])[0]

    @property
    def is_stale(self) -> bool:
        return any("stale=true" in value for value in self.values("WWW-Authenticate"))

    def challenge(self, algorithm: str = "SHA-256") -> dict[str, str]:
        for value in self.values("WWW-Authenticate"):
            fields = {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ,]+))', value)}
            if fields.get("algorithm") == algorithm:
                return fields
        raise AssertionError(f"no challenge with {algorithm} in {self.headers}")


class Rig:
    """A gate on settings and a clock in the test's hands."""

    def __init__(self, folder: Path, *directives: Directive, https_port: int | None = None) -> None:
        self.now = 1000.0
        self.https_port = https_port
        self.logins: list[str] = []
        self.settings = Settings(folder / "state")
        self.set(*(directives or (directive(),)))
        self.app = Flask("pages", static_folder=None)
        self.gate = Gate(
            self.app,
            self.settings,
            https_port=lambda: self.https_port,
            on_login=self.logins.append,
            clock=lambda: self.now,
        )

    def set(self, *directives: Directive) -> None:
        self.settings.override({"http.authentication": Directives().format(directives)})

    def ask(
        self,
        target: str = "/",
        authorization: str | None = None,
        *,
        method: str = "GET",
        address: str = "192.0.2.7",
        scheme: str = "http",
        host: str = "device.example",
        path: str | None = None,
    ) -> Answer:
        """Ask as the server does; status 200 stands for being let in."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": target.partition("?")[0] if path is None else path,
            "QUERY_STRING": target.partition("?")[2],
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": host,
            "REMOTE_ADDR": address,
            "wsgi.url_scheme": scheme,
            "cme3000.target": target,
        }
        if authorization is not None:
            environ["HTTP_AUTHORIZATION"] = authorization
        application = self.gate.check(environ)
        if application is None:
            return Answer(200, environ=environ)
        assert "cme3000.admitted" not in environ
        assert "REMOTE_USER" not in environ
        body, status, headers = run_wsgi_app(application, environ)
        return Answer(int(status[:3]), list(headers), b"".join(body).decode(), environ)


@dataclass
class Digester:
    """Answers challenges, by the book and of its own making."""

    challenge: dict[str, str]
    name: str = NAME
    typed: str = PASSWORD
    """The password that the user has entered."""
    nc: int = 0

    def answer(self, target: str = "/", count: int | None = None, changes: Changes | None = None) -> str:
        """Give the header. A changed field goes into it after the response was computed; None leaves it out.

        `computed_uri` is the uri that the response is computed with, and sent too.
        """
        if count is None:
            self.nc += 1
            count = self.nc
        changes = dict(changes or {})
        algorithm = self.challenge["algorithm"]
        uri = changes.pop("computed_uri", None) or target
        method = changes.pop("computed_method", None) or "GET"

        def hashed(text: str) -> str:
            octets = text.encode()
            if algorithm == "MD5":
                return hashlib.md5(octets, usedforsecurity=False).hexdigest()
            return hashlib.sha256(octets).hexdigest()

        realm, nonce = self.challenge["realm"], self.challenge["nonce"]
        a1 = hashed(f"{self.name}:{realm}:{self.typed}")
        response = hashed(f"{a1}:{nonce}:{count:08x}:0a4f113b:auth:{hashed(f'{method}:{uri}')}")
        fields: dict[str, str | None] = {
            "username": f'"{self.name.encode().decode("latin-1")}"',
            "realm": f'"{realm}"',
            "nonce": f'"{nonce}"',
            "uri": f'"{uri}"',
            "response": f'"{response}"',
            "algorithm": algorithm,
            "opaque": f'"{self.challenge["opaque"]}"',
            "qop": "auth",
            "nc": f"{count:08x}",
            "cnonce": '"0a4f113b"',
        }
        fields.update(changes)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items() if value is not None)


def digester(rig: Rig, *, algorithm: str = "SHA-256", name: str = NAME, typed: str = PASSWORD) -> Digester:
    """Give a client that has been challenged."""
    return Digester(rig.ask().challenge(algorithm), name, typed)


def basic(name: str = NAME, password: str = PASSWORD, *, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode(encoding)).decode()


class _Pages:
    """What stands behind the gate, with what the server gives."""

    def __init__(self, rig: Rig, challenges: str) -> None:
        self._rig = rig
        self._challenges = challenges
        self.asked: list[tuple[int, str]] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["cme3000.target"] = environ["REQUEST_URI"]
        refusal = self._rig.gate.check(environ)
        self.asked.append((200 if refusal is None else 401, environ["REQUEST_URI"]))
        if refusal is None:
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [f"<p>hello {environ['REMOTE_USER']}</p><img src='/picture'>".encode()]

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            kept = [(n, v) for n, v in headers if n != "WWW-Authenticate" or self._challenges in v]
            return start_response(status, kept)

        return refusal(environ, start)


@contextlib.contextmanager
def serving(rig: Rig, *, challenges: str = "", tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, _Pages]]:
    """Serve the gate on loopback; of the challenges only those with `challenges` in them are offered."""
    pages = _Pages(rig, challenges)
    server = make_server("127.0.0.1", 0, pages, threaded=True, ssl_context=tls)
    server.log_startup = lambda: None  # type: ignore[method-assign]  # it would print a line
    server.daemon_threads = False  # type: ignore[attr-defined]  # socketserver.ThreadingMixIn has it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.port, pages
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
