"""A certificate and its private key in one file, made on the device where none is installed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import ssl
import threading
from typing import TYPE_CHECKING

from appliance import atomic
from appliance.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509

log = logging.getLogger(__name__)

FILE = "certificate.pem"
_VALID_FROM = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
"""Before any clock that a device without a battery may start with once it has had the time."""
_VALID_TO = dt.datetime(2054, 1, 1, tzinfo=dt.UTC)


class Certificate:
    """The certificate that every TLS port of the device shows.

    Key and certificate must agree, so one file holds both. A missing or unusable file is replaced by a self-signed
    certificate; clients trust it by its fingerprint.
    """

    def __init__(self, folder: Path, names: Callable[[], list[str]]) -> None:
        """Keep the file in `folder`; `names` gives the host names and addresses for a certificate that is made here."""
        self._path = folder / FILE
        self._names = names
        self._lock = threading.Lock()

    def context(self) -> ssl.SSLContext:
        """Build the server's side of TLS 1.2 and 1.3 with this certificate (RFC 8446, RFC 9325).

        :raises CertificateError: when no certificate can be read or made; the text says why.
        """
        with self._lock:
            try:
                return self._load()
            except FileNotFoundError:
                log.info("there is no certificate yet, making one")
            except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
                log.warning("certificate %s is not usable (%s), making a new one", self._path, error)
            try:
                atomic.make_folder(self._path.parent)
                atomic.replace(self._path, _self_signed(self._names()))
                return self._load()
            except (OSError, ValueError) as error:
                raise CertificateError(f"cannot make a certificate in {self._path}: {error}") from error

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._path)
        return context


def _self_signed(names: list[str]) -> bytes:
    """Make a P-256 key and a certificate for `names`, the first of which is the subject (RFC 5280, 4.2.1.6)."""
    # Here and not above: the library takes a tenth of a second to load, and most devices never need it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_TO)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
