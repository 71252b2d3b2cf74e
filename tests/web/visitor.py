"""Somebody with a password who opens pages of a whole device, over HTTP or HTTPS, on one connection."""

from __future__ import annotations

import contextlib
import hashlib
import html
import http.client
import json
import re
import ssl
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from appliance.settings import User

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "trois compteurs d'eau"  # noqa: S105 (of the device under test)


def directives(*more: dict[str, object], kind: str = "basic") -> str:
    """Write the setting: `admin` with `PASSWORD` for everything, and what else there is."""
    return json.dumps([directive("/", "admin", kind=kind), *more])


def directive(uri: str, name: str, *, kind: str = "basic") -> dict[str, object]:
    user = User.with_password(name, "config", PASSWORD)
    users = [{"name": user.name, "md5": user.md5, "sha256": user.sha256}]
    return {"uri": uri, "realm": "config", "type": kind, "users": users}


class Page:
    """An answer."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode()

    def field(self, name: str) -> str:
        """Give the value of a hidden field or of a button."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found is not None, self.text
        return html.unescape(found[1])


def trusting(highest: ssl.TLSVersion | None = None, lowest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Take any certificate: the test looks at it itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if highest is not None:
        context.maximum_version = highest
    if lowest is not None:
        context.minimum_version = lowest
    return context


class Visitor:
    """One connection, kept open."""

    def __init__(self, port: int | None, *, secure: bool = False, name: str = "admin") -> None:
        assert port is not None
        self.origin = f"{'https' if secure else 'http'}://127.0.0.1:{port}"
        self._login = b64encode(f"{name}:{PASSWORD}".encode()).decode()
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusting())
            if secure
            else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        )

    def get(self, path: str) -> Page:
        return self._ask("GET", path, None, "")

    def post(self, path: str, **texts: str) -> Page:
        """Post with a token from the page; `__` stands for the dot."""
        fields = {"form_token": self.get("/password").field("form_token")}
        fields |= {name.replace("__", "."): text for name, text in texts.items()}
        return self._ask("POST", path, urlencode(fields), "application/x-www-form-urlencoded")

    def post_files(self, path: str, *, token: str, **files: bytes) -> Page:
        """Post files, as multipart/form-data (RFC 7578), in a form with the token of a page."""
        parts = [f'--X\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n{token}\r\n'.encode()]
        for name, content in files.items():
            head = f'--X\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'
            parts.append(head.encode() + content + b"\r\n")
        return self._ask("POST", path, b"".join(parts) + b"--X--\r\n", "multipart/form-data; boundary=X")

    def fingerprint(self) -> str:
        """Give the SHA-256 fingerprint of the certificate that the device shows, as the page writes it."""
        assert isinstance(self._connection.sock, ssl.SSLSocket)
        certificate = self._connection.sock.getpeercert(binary_form=True)
        assert certificate is not None
        return hashlib.sha256(certificate).hexdigest().upper()

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | bytes | None, kind: str) -> Page:
        headers = {"Authorization": f"Basic {self._login}"}
        if body is not None:
            headers |= {"Content-Type": kind, "Origin": self.origin}
        try:
            self._connection.request(method, path, body, headers)
            return Page(self._connection.getresponse())
        except (http.client.RemoteDisconnected, ConnectionError):
            # Nothing was asked for so long that the server closed it (RFC 9112, 9.3.1).
            self._connection.close()
            self._connection.request(method, path, body, headers)
            return Page(self._connection.getresponse())


@contextlib.contextmanager
def visiting(port: int | None, *, secure: bool = False, name: str = "admin") -> Iterator[Visitor]:
    visitor = Visitor(port, secure=secure, name=name)
    try:
        yield visitor
    finally:
        visitor.close()
