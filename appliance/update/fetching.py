"""Getting a file from another web server, within bounds."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

from appliance import __version__
from appliance.errors import NotServed, UpdateError
from appliance.update.address import web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

REDIRECTS = 5
SILENCE = 20.0
"""Seconds that a server may take to be reached, or say nothing."""
LONGEST = 2 * 3600.0
"""Seconds for everything; 400 MB take that long at 55 kB/s."""
CHUNK = 64 * 1024

_MOVED = (301, 302, 303, 307, 308)


class Download(io.RawIOBase):
    """The answer of a web server, as a stream (RFC 9110). For one thread, but for `interrupt`; every call blocks.

    Redirections are followed, but not from https to http. Names of servers are checked with TLS, against the
    authorities that the system knows.
    """

    def __init__(
        self,
        url: str,
        *,
        silence: float = SILENCE,
        longest: float = LONGEST,
        clock: Callable[[], float] = time.monotonic,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        redirects: int = REDIRECTS,
        on_begin: Callable[[Download], None] = lambda _: None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask for `url`.

        :param headers: more of them; they go to the server of `url` alone, not to one that it leads on to.
        :param redirects: the most redirections that are followed.
        :param on_begin: told of this before anybody is asked, so that it can be interrupted from then on.
        :param on_progress: called between the steps and for each piece; what it raises ends it.
        :raises UpdateRefused: when it is no URL that can be fetched.
        :raises NotServed: when the server does not have it.
        :raises UpdateError: when the server cannot be reached.
        """
        super().__init__()
        self.url = url
        self._silence = silence
        self._clock = clock
        self._until = clock() + longest
        self._on_progress = on_progress
        self._method, self._body, self._redirects = method, body, redirects
        self._headers = dict(headers or {})
        self._origin = origin(url)
        self._connection: http.client.HTTPConnection | None = None
        self._wire: socket.socket | None = None
        self._is_interrupted = False
        self._host = ""
        on_begin(self)
        try:
            self._answer = self._follow()
        except BaseException:
            self.close()
            raise
        length = self._answer.getheader("Content-Length", "")
        self.size = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        """Bytes to come; None when the server does not tell."""
        self.has_ranges = self._answer.getheader("Accept-Ranges", "").lower() == "bytes" and self.size is not None
        """Whether the server gives parts of the file too."""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, at most `size`; nothing at the end.

        :raises UpdateError: when the server breaks off or takes too long.
        """
        with self._worded("broke off"):
            self._check_time()
            data = self._answer.read1(CHUNK if size < 0 else min(size, CHUNK))
        self._on_progress()
        return data

    def interrupt(self) -> None:
        """Have a call that is under way fail now (any thread)."""
        self._is_interrupted = True
        wire = self._wire
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
        answer = getattr(self, "_answer", None)
        if answer is not None:
            answer.close()
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self) -> http.client.HTTPResponse:
        for _ in range(self._redirects + 1):
            answer = self._ask()
            location = answer.getheader("Location")
            if answer.status not in _MOVED or not location or not self._redirects:
                break
            target = web_address(urljoin(self.url, location))
            if self.url.lower().startswith("https:") and not target.lower().startswith("https:"):
                raise UpdateError(f"{self._host} leads on to a server without TLS: that is not followed.")
            answer.close()
            self.url = target
        else:
            raise UpdateError(f"{self._host} leads on and on, more than {self._redirects} times.")
        if answer.status != http.client.OK:
            answer.close()
            raise NotServed(f"{self._host} does not have the file: it answers {answer.status}.", answer.status)
        return answer

    def _ask(self) -> http.client.HTTPResponse:
        parts = urlsplit(self.url)
        self._host = parts.hostname or ""
        if self._connection is not None:
            self._connection.close()
        if parts.scheme.lower() == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(
                self._host, parts.port, timeout=self._silence, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(self._host, parts.port, timeout=self._silence)
        with self._worded("cannot be reached"):
            self._check_time()
            self._connection.request(
                self._method,
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                self._body,
                {
                    "User-Agent": f"cme3000/{__version__}",
                    "Accept-Encoding": "identity",
                    **(self._headers if origin(self.url) == self._origin else {}),
                },
            )
            self._wire = self._connection.sock  # which the connection forgets when the server will close it
            answer = self._connection.getresponse()
        self._on_progress()
        return answer

    def _check_time(self) -> None:
        if self._is_interrupted:
            raise UpdateError("The download was ended.")
        if self._clock() >= self._until:
            raise TimeoutError("it takes too long")

    @contextlib.contextmanager
    def _worded(self, what: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise UpdateError(f"{self._host} {what}: it does not answer in time.") from error
        except ssl.SSLCertVerificationError as error:
            raise UpdateError(
                f"{self._host} {what}: its certificate is not trusted ({error.verify_message})."
            ) from error
        except OSError as error:
            raise UpdateError(f"{self._host} {what}: {error.strerror or error}.") from error
        except (http.client.HTTPException, ValueError) as error:
            raise UpdateError(f"{self._host} {what}: it does not answer as a web server does.") from error


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Give what a server is known by (RFC 9110 section 4.3.1)."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(scheme)
