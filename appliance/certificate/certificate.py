"""A certificate and its private key in one file: made on the device, or brought by its owner."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import threading
from typing import TYPE_CHECKING

from appliance import atomic
from appliance.certificate import credentials, making
from appliance.certificate.context import server_context
from appliance.certificate.facts import CertificateFacts, facts_of
from appliance.certificate.names import check_names, is_name
from appliance.certificate.pem import LARGEST, blocks_of
from appliance.certificate.versions import BOTH
from appliance.errors import CertificateError, NotConfirmed

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from appliance.certificate.versions import TlsVersions

log = logging.getLogger(__name__)

FILE = "certificate.pem"
REQUEST_FILE = "certificate-request.pem"
COPIES = 4
"""Files that could not be used and are kept aside, at most."""


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Certificate:
    """The certificate that every TLS port of the device shows. Any thread may use it.

    Key and certificate must agree, so one file holds both, readable by its owner alone. A file that cannot be used is
    never thrown away, for its key may be somebody's: it is moved aside before another takes its place.
    """

    def __init__(
        self, folder: Path, names: Callable[[], Iterable[str]], *, now: Callable[[], dt.datetime] = _utc_now
    ) -> None:
        """Keep the files in `folder`; `names` gives the host names and addresses for a certificate that is made here.

        `now` is the time that validity is held against.
        """
        self._path = folder / FILE
        self._request_path = folder / REQUEST_FILE
        self._names = names
        self._now = now
        self._lock = threading.Lock()
        self._subscribers: tuple[Callable[[], None], ...] = ()
        self._is_unusable = False
        self.problem: str | None = None
        """What is wrong with the file that is there, or was until another took its place."""
        atomic.remove_leftovers(self._path)
        atomic.remove_leftovers(self._request_path)
        if self.exists:
            with contextlib.suppress(CertificateError):  # it is in `problem`
                self.context()

    @property
    def exists(self) -> bool:
        """Whether there is a certificate, even one that cannot be used."""
        return os.path.exists(self._path)  # noqa: PTH110 (a folder that cannot be looked into has none)

    def context(self, versions: TlsVersions = BOTH, *, makes_one: bool = False) -> ssl.SSLContext:
        """Build the server's side of TLS with this certificate.

        :param makes_one: make a self-signed certificate where there is none that can be used.
        :raises CertificateError: when no certificate can be read or made; the text says why.
        """
        with self._lock:
            pem = self._usable(makes_one=makes_one)
            is_new = pem is None
            if pem is None:
                names = [name for name in self._names() if is_name(name)] or ["localhost"]
                pem = making.self_signed(names)
                self._put(pem)
            try:
                context = server_context(pem, versions)
            except (OSError, ValueError) as error:
                raise CertificateError(f"the certificate cannot be used: {_words(error)}") from error
        if is_new:
            self._tell()
        return context

    def _usable(self, *, makes_one: bool) -> bytes | None:
        """Read what is there; None when that is nothing, or of no use, and another may be made."""
        try:
            pem = self._read()
            server_context(pem, BOTH)
        except ValueError as error:
            problem = f"the certificate in {FILE} cannot be used: {error}"
            if problem != self.problem:
                log.warning("%s", problem)
            self.problem, self._is_unusable = problem, True
            if not makes_one:
                raise CertificateError(problem) from error
            return None
        except OSError as error:
            if self.exists:  # it is the system's fault, and the file may be readable the next time
                raise CertificateError(f"the certificate cannot be read: {_words(error)}") from error
            if not makes_one:
                raise CertificateError("there is no certificate") from error
            log.info("there is no certificate yet, making one")
            return None
        return pem

    def facts(self) -> CertificateFacts | None:
        """Say what is in the certificate; None where there is none, or none that can be read (see `problem`)."""
        try:
            return facts_of(_certificates_in(self._read()), self._now())
        except (OSError, ValueError):
            return None

    def generate(self, names: Iterable[str] | None = None) -> CertificateFacts:
        """Make a key and a self-signed certificate for `names`, or for what the device is called, and use them.

        :raises CertificateError: when a name cannot be in a certificate, or the disk refuses; the former stays.
        """
        checked = check_names(filter(is_name, self._names()) if names is None else names)
        return self._take(making.self_signed(checked))

    def request(self, names: Iterable[str] | None = None) -> str:
        """Make a key, and a request (PKCS #10, PEM) with which an authority can make a certificate for it.

        The key waits, across restarts too, until that certificate is installed. A former request is forgotten.

        :raises CertificateError: when a name cannot be in a certificate, or the disk refuses.
        """
        key, request = making.key_and_request(check_names(filter(is_name, self._names()) if names is None else names))
        with self._lock, self._writing("keep a request"):
            atomic.make_folder(self._path.parent)
            atomic.replace(self._request_path, key + request)
        return request.decode()

    @property
    def pending_request(self) -> str | None:
        """The request whose certificate has not come yet, PEM."""
        try:
            blocks = blocks_of(self._request_path.read_bytes())
        except OSError:  # a CertificateError is one
            return None
        return next((block.text.decode("ascii", "replace") for block in blocks if "REQUEST" in block.label), None)

    def install(
        self, certificate_pem: bytes, key_pem: bytes | None = None, passphrase: str | None = None
    ) -> CertificateFacts:
        """Use a certificate that somebody brings, with its chain and its key in one text or two.

        Without a key it must belong to that of the pending request. One that has expired or is not valid yet is taken,
        for the clock of the device may be wrong; the facts warn of it.

        :param passphrase: of an encrypted key. The device keeps the key in clear, for it has to start by itself.
        :raises CertificateError: when they cannot be used; the text says why. The former stays.
        """
        try:
            pending = self._request_path.read_bytes()
        except OSError:
            pending = b""
        text = certificate_pem + b"\n" + (key_pem or b"")
        pem, uses_pending = credentials.check(text, pending=pending, passphrase=passphrase)
        try:
            server_context(pem, BOTH)
            facts_of(_certificates_in(pem), self._now())
        except (OSError, ValueError) as error:
            raise CertificateError(f"the certificate cannot be used: {_words(error)}") from error
        facts = self._take(pem)
        if uses_pending:
            with contextlib.suppress(OSError):  # the same key is in the certificate's file; nothing is given away
                self._request_path.unlink()
        return facts

    def remove(self) -> None:
        """Forget certificate, keys and request, and what was kept aside, as a factory reset must.

        :raises CertificateError: when the disk refuses.
        """
        with self._lock, self._writing("remove the certificate"):
            existed = self.exists
            for path in (self._path, *self._places_aside(), self._request_path):
                path.unlink(missing_ok=True)
            if self._path.parent.is_dir():
                atomic.sync_folder(self._path.parent)
            self.problem, self._is_unusable = None, False
        if existed:
            self._tell()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called after each change, in the thread that made it; returns what ends that."""
        with self._lock:
            self._subscribers = (*self._subscribers, callback)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(other for other in self._subscribers if other is not callback)

        return unsubscribe

    def _tell(self) -> None:
        for callback in self._subscribers:
            try:
                callback()
            except Exception:
                log.exception("a part of the device could not take over the new certificate")

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(LARGEST * 2)

    def _take(self, pem: bytes) -> CertificateFacts:
        """Put what its owner asked for in place, and tell of it."""
        facts = facts_of(_certificates_in(pem), self._now())
        with self._lock:
            self._put(pem)
            self.problem = None
        log.info("new certificate for %s, fingerprint %s", ", ".join(facts.names), facts.sha256)
        self._tell()
        return facts

    def _put(self, pem: bytes) -> None:
        with self._writing("make a certificate"):
            atomic.make_folder(self._path.parent)
            if self._is_unusable and self.exists:
                self._move_aside()
            self._is_unusable = False
            atomic.replace(self._path, pem)

    @contextlib.contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            yield
        except NotConfirmed as error:
            # It is in place and whole. After a power cut the former one may be back, as whole as this one.
            log.warning("the disk does not confirm a change of the certificate: %s", error.strerror)
        except OSError as error:
            raise CertificateError(f"cannot {what} in {self._path}: {error}") from error

    def _move_aside(self) -> None:
        places = self._places_aside()
        place = next((place for place in places if not place.exists()), places[-1])
        self._path.rename(place)
        self.problem = f"{self.problem}; it is kept as {place.name}"
        log.warning("%s", self.problem)

    def _places_aside(self) -> list[Path]:
        return [self._path.with_name(f"{FILE}.aside{f'.{age}' if age else ''}") for age in range(COPIES)]


def _certificates_in(pem: bytes) -> bytes:
    """Give the certificates without the key, which nobody needs in order to read them."""
    return b"".join(block.text for block in blocks_of(pem) if block.is_certificate)


def _words(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
