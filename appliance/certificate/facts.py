"""What a certificate says, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.certificate.credentials import kind_of

if TYPE_CHECKING:
    import datetime as dt

    from cryptography import x509


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate as a page shows it. All texts are as its maker wrote them: never markup."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """Host names and addresses that it is for."""
    not_before: dt.datetime
    not_after: dt.datetime
    sha256: str
    """Fingerprint in hexadecimal digits with colons."""
    sha1: str
    """The older fingerprint, which some clients still show."""
    key: str
    """Kind and size, such as ``EC P-256``."""
    is_self_signed: bool
    warnings: tuple[str, ...]
    """Why a client might refuse it."""


def facts_of(pem: bytes, now: dt.datetime) -> CertificateFacts:
    """Read the first certificate in `pem`, seen at `now`.

    :raises ValueError: when there is none that can be read.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return _read(pem, now)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise ValueError("it is malformed") from error


def _read(pem: bytes, now: dt.datetime) -> CertificateFacts:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    certificate = x509.load_pem_x509_certificate(pem)
    key = kind_of(certificate.public_key())
    names = _names(certificate)
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=names,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        sha1=certificate.fingerprint(hashes.SHA1()).hex(":").upper(),  # noqa: S303 (to compare by eye, not to trust)
        key=key,
        is_self_signed=certificate.subject == certificate.issuer,
        warnings=tuple(_warnings(certificate, names, key, now)),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in extension.get_values_for_type(x509.IPAddress)]
    return (*extension.get_values_for_type(x509.DNSName), *addresses)


def _warnings(certificate: x509.Certificate, names: tuple[str, ...], key: str, now: dt.datetime) -> list[str]:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    warnings = []
    clock = f"the clock of the device says {now:%Y-%m-%d %H:%M} UTC"
    if now > certificate.not_valid_after_utc:
        warnings.append(f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}; {clock}")
    if now < certificate.not_valid_before_utc:
        warnings.append(f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d}; {clock}")
    if not names:
        warnings.append("it names no host or address (subjectAltName), so browsers refuse it")
    if key == "Ed25519":
        warnings.append("most browsers cannot use an Ed25519 key")
    try:
        uses = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return warnings
    if not uses & {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}:
        warnings.append("it is not meant for servers (extended key usage), so clients refuse it")
    return warnings
