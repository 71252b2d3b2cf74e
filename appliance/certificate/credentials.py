"""A private key and its certificates as somebody brings them, checked before the device shows them to anyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.certificate.pem import Block, blocks_of
from appliance.errors import CertificateError, quoted

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

LARGEST_KEY = 8192
"""Bytes of a private key as PEM text; one of RSA 4096 has 3300."""

WEAKEST_RSA, STRONGEST_RSA = 2048, 4096
"""Bits (RFC 9325, 4.5). With more a handshake would keep a small Raspberry Pi busy for a second."""

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384"}

_NOT_PEM = "PEM is needed, a text with -----BEGIN CERTIFICATE-----"


def check(text: bytes, *, pending: bytes = b"", passphrase: str | None = None) -> tuple[bytes, bool]:
    """Find key and certificates in `text`, and write them as a server needs them: the key in clear, leaf, chain.

    :param pending: PEM of a key to which the certificate may belong if `text` has no key.
    :return: the PEM, and whether it was made with the pending key.
    :raises CertificateError: when they are malformed, too weak, or do not belong together; the text says what.
    """
    blocks = blocks_of(text)
    certificates = [block for block in blocks if block.is_certificate]
    keys = [block for block in blocks if block.is_key]
    if not certificates:
        raise CertificateError(_no_certificate(text, blocks))
    if len(keys) > 1:
        raise CertificateError(f"there are {len(keys)} private keys, give the one that belongs to the certificate")
    uses_pending = not keys and bool(pending)
    if uses_pending:
        keys = [block for block in blocks_of(pending) if block.is_key]
    if not keys:
        raise CertificateError("there is no private key with the certificate, and no request is open")
    key = _load_key(keys[0], passphrase)
    _check_key(key)
    chain = _chain([_load_certificate(block, number) for number, block in enumerate(certificates, 1)], key)
    return _written(key, chain), uses_pending


def kind_of(key: object) -> str:
    """Name the kind and size of a public or private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return f"EC {CURVES.get(key.curve.name, key.curve.name)}"
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "Ed25519"
    return type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey").removeprefix("_")


def _no_certificate(text: bytes, blocks: list[Block]) -> str:
    if any("REQUEST" in block.label for block in blocks):
        return "this is a request, not a certificate; install what the authority makes of it"
    if text[:1] == b"\x30":
        return f"this is a binary file (DER or PKCS #12); {_NOT_PEM}"
    if blocks:
        return f"there is no certificate, only {quoted(blocks[0].label)}"
    return f"there is no certificate; {_NOT_PEM}"


def _load_key(block: Block, passphrase: str | None) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if len(block.text) > LARGEST_KEY:
        raise CertificateError(f"the private key has {len(block.text)} bytes, at most {LARGEST_KEY} are taken")
    if block.is_encrypted and not passphrase:
        raise CertificateError("the private key is encrypted, its passphrase is needed")
    password = passphrase.encode(errors="surrogatepass") if block.is_encrypted and passphrase else None
    try:
        return load_pem_private_key(block.text, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if block.is_encrypted:
            raise CertificateError("the private key cannot be decrypted: wrong passphrase, or damaged") from error
        raise CertificateError(f"the private key ({quoted(block.label)}) cannot be read, it is damaged") from error


def _check_key(key: PrivateKeyTypes) -> None:
    kind = kind_of(key)
    fits = kind == "Ed25519" or kind.removeprefix("EC ") in CURVES.values()
    if kind.startswith("RSA "):
        fits = WEAKEST_RSA <= int(kind.removeprefix("RSA ")) <= STRONGEST_RSA
    if not fits:
        raise CertificateError(
            f"the private key is {kind}; RSA with {WEAKEST_RSA} to {STRONGEST_RSA} bits, EC P-256 or P-384, or Ed25519 "
            "is needed"
        )


def _load_certificate(block: Block, number: int) -> x509.Certificate:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(block.text)
        _ = certificate.subject, certificate.issuer  # taken apart no earlier than here
    except (ValueError, x509.InvalidVersion) as error:
        raise CertificateError(f"certificate number {number} cannot be read, it is damaged") from error
    return certificate


def _chain(certificates: list[x509.Certificate], key: PrivateKeyTypes) -> list[x509.Certificate]:
    """Put the key's certificate first, then whoever signed which, as far as they are here (RFC 8446, 4.4.2)."""
    own = _public_bytes(key.public_key())
    chain = [certificate for certificate in certificates if _public_bytes(_public_key(certificate)) == own][:1]
    if not chain:
        raise CertificateError("the private key does not belong to the certificate")
    rest = [certificate for certificate in certificates if certificate is not chain[0]]
    while rest:
        issuers = [other for other in rest if other.subject == chain[-1].issuer]
        signer = next((issuer for issuer in issuers if _has_signed(issuer, chain[-1])), None)
        if issuers and signer is None:
            raise CertificateError(
                "a certificate is damaged, or its issuer has another key: the signature does not fit"
            )
        chain.append(signer or rest[0])
        rest.remove(chain[-1])
    last = chain[-1]
    if last.issuer == last.subject and not _has_signed(last, last):
        raise CertificateError("a certificate is damaged: its own signature does not fit")
    return chain


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    except UnsupportedAlgorithm:
        return True  # of an authority; nobody here can tell
    return True


def _public_key(certificate: x509.Certificate) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _public_bytes(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if key is None:
        return b""
    written: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]  # all public keys have it, and share no type
    return written


def _written(key: PrivateKeyTypes, chain: list[x509.Certificate]) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    clear = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return clear + b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
