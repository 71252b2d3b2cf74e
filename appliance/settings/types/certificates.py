"""Certificates of authorities, as a setting."""

import base64
import binascii
import hashlib
import re

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

MOST = 4
LONGEST = 3600
"""Characters in all: a line of the console has room for them. An authority's certificate has 700 to 2200."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_BLOCK = re.compile(rf"{_BEGIN}([A-Za-z0-9+/=\s]+){_END}", re.ASCII)


class Certificates(Type[str]):
    """X.509 certificates in PEM (RFC 7468), one after the other, or nothing.

    The value is kept in one line, blanks in place of line ends, so that it fits wherever a setting does; `pem` gives
    it the lines back. Text around the certificates, which many files have, is dropped.
    """

    allowed = f"certificates in PEM, at most {MOST} and {LONGEST} characters, or empty for those that the system trusts"

    def parse(self, text: str) -> str:
        """Read certificates from text of one line or many.

        :raises InvalidValue: when there is anything else than certificates, or a private key among them.
        """
        if len(text) > 100 * LONGEST:
            raise InvalidValue("far too long")
        return self._parse(text)

    def _parse(self, text: str) -> str:
        if not text.strip(" "):
            return ""
        if "PRIVATE KEY-----" in text:
            raise InvalidValue("there is a private key in it, which belongs to the authority alone")
        blocks = ["".join(block.split()) for block in _BLOCK.findall(text)]
        if not blocks:
            raise InvalidValue("no certificate")
        if len(blocks) > MOST:
            raise InvalidValue(f"{len(blocks)} certificates")
        value = " ".join(f"{_BEGIN} {block} {_END}" for block in blocks)
        if len(value) > LONGEST:
            raise InvalidValue(f"it has {len(value)} characters")
        for block in blocks:
            _check(block)
        return value

    def format(self, value: str) -> str:
        """Write it in one line."""
        return value

    def describe(self, value: str) -> str:
        """Name each certificate by the beginning of its SHA-256 fingerprint."""
        return ", ".join(
            "SHA-256 " + hashlib.sha256(base64.b64decode(block)).digest()[:8].hex(":").upper()
            for block in _BLOCK.findall(value)
        )


def pem(value: str) -> str:
    """Write a value of the setting in lines, as OpenSSL reads them."""
    lines = []
    for block in _BLOCK.findall(value):
        digits = "".join(block.split())
        lines += [_BEGIN, *(digits[place : place + 64] for place in range(0, len(digits), 64)), _END]
    return "\n".join(lines) + "\n" if lines else ""


def _check(block: str) -> None:
    # Not loaded by a device that has no such setting; it reads the memory that it is given and nothing else.
    import ssl

    try:
        der = base64.b64decode(block, validate=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=der)
    except (binascii.Error, ValueError, ssl.SSLError):
        raise InvalidValue("a certificate is damaged") from None
