"""The outer form of a bundle: a squashfs, what verity adds, the signature and its length (RAUC's manual, "Bundle")."""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING

from appliance.errors import UpdateRefused
from appliance.update import refusals

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

log = logging.getLogger(__name__)

MAGIC = b"hsqs"
"""How a squashfs of either version 4 begins (Linux, Documentation/filesystems/squashfs.rst)."""
BLOCK = 4096
LARGEST_SIGNATURE = 65_536
"""Bytes that RAUC allows."""


def check(path: Path) -> None:
    """Take a file whose outer form is that of a signed bundle, or refuse it.

    RAUC only sees that there is no signature; what the rest of the file looks like tells why.

    :raises UpdateRefused: when it has another form.
    :raises OSError: when the file cannot be read.
    """
    complaint = _complaint(path)
    if complaint:
        raise UpdateRefused(complaint)


def _complaint(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(48)
        if not size:
            return refusals.EMPTY
        if len(head) < 48 or head[:4] != MAGIC:
            # A beginning of it is a bundle that was cut, however short.
            return refusals.TRUNCATED if MAGIC.startswith(head[:4]) else refusals.JUNK
        (used,) = struct.unpack_from("<Q", head, 40)
        if size < used:
            return refusals.TRUNCATED
        if size <= _whole_blocks(used):
            return refusals.UNSIGNED
        signature, at = _signature(file, size)
    if signature is None or at < used:
        return refusals.TRUNCATED
    return ""


def signer_of(path: Path) -> str:
    """Name whoever signed the bundle, by the certificate in the signature, which RAUC must have verified before."""
    # Loaded where it is needed: it takes a while.
    from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates
    from cryptography.x509 import NameOID

    try:
        with path.open("rb") as file:
            signature, _ = _signature(file, path.stat().st_size)
        certificates = load_der_pkcs7_certificates(signature or b"")
        issuers = {certificate.issuer for certificate in certificates if certificate.issuer != certificate.subject}
        leaves = [certificate for certificate in certificates if certificate.subject not in issuers]
        names = [
            str(name.value) for leaf in leaves for name in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]
    except (OSError, ValueError, ImportError) as error:
        log.info("the signer's name cannot be read: %s", error)
        return ""
    return "".join(character for character in names[0] if character.isprintable()) if len(names) == 1 else ""


def _signature(file: BinaryIO, size: int) -> tuple[bytes | None, int]:
    """Give the signature and where it begins; None where the last bytes do not tell its length."""
    file.seek(size - 8)
    (length,) = struct.unpack(">Q", file.read(8))
    at = size - 8 - length
    if not 0 < length <= LARGEST_SIGNATURE or at < BLOCK:
        return None, 0
    file.seek(at)
    data = file.read(length)
    return (data if data[:1] == b"\x30" else None), at  # a DER sequence, as every CMS message is (RFC 5652)


def _whole_blocks(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
