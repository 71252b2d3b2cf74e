"""Keys, certificates and requests for one that are made on the device."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from appliance.certificate.names import alternative_names, subject_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

VALID_FROM = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
VALID_TO = dt.datetime(2054, 1, 1, tzinfo=dt.UTC)
"""Fixed, for a device without a battery may have any clock when it makes a certificate, and nobody renews it later. It
is the client's clock that they are held against."""


def self_signed(names: list[str]) -> bytes:
    """Make a P-256 key and a certificate for `names`, the first of which is the subject. PEM, the key first."""
    # Here and not above: the library takes a tenth of a second to load, and most devices never need it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = _new_key()
    subject = subject_of(names)
    # No key usage: OpenSSL 1.1.1 trusts a self-signed certificate only if that, where present, allows to sign
    # certificates, and the strict mode of OpenSSL 3 only if it does not, where it is no authority's.
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_TO)
        .add_extension(alternative_names(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def key_and_request(names: list[str]) -> tuple[bytes, bytes]:
    """Make a P-256 key, and the request for a certificate for `names` (PKCS #10, RFC 2986); both PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    key = _new_key()
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject_of(names))
        .add_extension(alternative_names(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(key), request.public_bytes(serialization.Encoding.PEM)


def _new_key() -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
