"""PEM texts taken apart (RFC 7468)."""

from __future__ import annotations

from typing import NamedTuple

from appliance.errors import CertificateError

LARGEST = 65_536
"""Bytes of certificates and key together."""

_BEGIN, _DASHES = b"-----BEGIN ", b"-----"


class Block(NamedTuple):
    """What stands between a BEGIN and its END, with both lines."""

    label: str
    text: bytes

    @property
    def is_certificate(self) -> bool:
        """Whether it holds a certificate."""
        return self.label == "CERTIFICATE"

    @property
    def is_key(self) -> bool:
        """Whether it holds a private key, of whatever kind."""
        return self.label.endswith("PRIVATE KEY")

    @property
    def is_encrypted(self) -> bool:
        """Whether it cannot be read without a passphrase (RFC 5958; the second form is OpenSSL's own)."""
        return self.label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in self.text


def blocks_of(data: bytes) -> list[Block]:
    """Find the blocks in `data`, each once; what stands between them is for people.

    :raises CertificateError: when it is too large, or a block does not end.
    """
    if len(data) > LARGEST:
        raise CertificateError(f"{len(data)} bytes of certificates and key are too many, at most {LARGEST} are taken")
    found: dict[Block, None] = {}
    position = data.find(_BEGIN)
    while position >= 0:
        label_at = position + len(_BEGIN)
        label = data[label_at : data.find(_DASHES, label_at, label_at + 64)]
        end = b"-----END " + label + _DASHES
        end_at = data.find(end, label_at)
        if not label.isascii() or end_at < 0:
            raise CertificateError("the PEM text is cut off: a block that begins does not end")
        past = end_at + len(end)
        found[Block(label.decode("ascii"), data[position:past] + b"\n")] = None
        position = data.find(_BEGIN, past)
    return list(found)
