"""The Authorization header, taken apart strictly: what is not exactly right is as good as none. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from appliance.settings import User

LONGEST = 4096
"""Characters of a header that are looked at."""

ALGORITHMS = {"SHA-256": 64, "MD5": 32}
"""What is offered, the better one first, with the length of a hash in hexadecimal."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (a part of the grammar, RFC 9110 section 5.6.2)
_PARAMETER = re.compile(
    rf"[ \t]*({_TOKEN})[ \t]*=[ \t]*(?:\"((?:[^\"\\\x00-\x1f\x7f]|\\[\t\x20-\x7e])*)\"|({_TOKEN}))[ \t]*(?:,|\Z)"
)
_ESCAPE = re.compile(r"\\(.)")
_COUNT = re.compile(r"[0-9a-f]{8}", re.ASCII | re.IGNORECASE)
_PLAIN = re.compile(r"[!#-\[\]-~ ]{1,256}")
_EXTENDED = re.compile(r"UTF-8'[A-Za-z0-9-]*'((?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-Fa-f]{2})+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """Name and password of a Basic login (RFC 7617)."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class DigestCredentials:
    """An answer to a Digest challenge with qop auth (RFC 7616 section 3.4). Only `username` is not as it was sent."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    opaque: str
    nc: str
    cnonce: str

    def expected(self, method: str, user: User) -> str:
        """Work out what `response` must be when `user` sent it (RFC 7616 section 3.4.1)."""
        is_md5 = self.algorithm == "MD5"

        def hashed(text: str) -> str:
            # MD5 for the clients that know nothing else.
            octets = text.encode("latin-1", "replace")
            return (hashlib.md5(octets, usedforsecurity=False) if is_md5 else hashlib.sha256(octets)).hexdigest()

        a1 = user.md5 if is_md5 else user.sha256
        return hashed(f"{a1}:{self.nonce}:{self.nc}:{self.cnonce}:auth:{hashed(f'{method}:{self.uri}')}")


def read_basic(header: str) -> BasicCredentials | None:
    """Read a header of the scheme Basic as WSGI gives it; UTF-8, or Latin-1 as old browsers send it."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST:
        return None
    try:
        raw = base64.b64decode(rest.strip(" \t"), validate=True)
    except ValueError:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    return BasicCredentials(unicodedata.normalize("NFC", name), password) if colon else None


def read_digest(header: str) -> DigestCredentials | None:
    """Read a header of the scheme Digest as WSGI gives it.

    Everything that qop auth needs must be there. An answer without qop, as RFC 2069 had it, protects from no replay.
    """
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest" or len(header) > LONGEST:
        return None
    fields = _parameters(rest)
    if fields is None or not {"realm", "nonce", "uri", "opaque", "cnonce"} <= fields.keys():
        return None
    name = _username(fields)
    algorithm = fields.get("algorithm", "").upper()
    response = fields.get("response", "")
    if (
        name is None
        or not re.fullmatch(rf"[0-9a-f]{{{ALGORITHMS.get(algorithm, 0)}}}", response)
        or not response
        or fields.get("qop") != "auth"
        or not _COUNT.fullmatch(fields.get("nc", ""))
        or int(fields["nc"], 16) == 0
        or not _PLAIN.fullmatch(fields["cnonce"])
        or fields.get("userhash", "false").lower() != "false"
    ):
        return None
    return DigestCredentials(
        username=name,
        realm=fields["realm"],
        nonce=fields["nonce"],
        uri=fields["uri"],
        response=response,
        algorithm=algorithm,
        opaque=fields["opaque"],
        nc=fields["nc"],
        cnonce=fields["cnonce"],
    )


def _parameters(text: str) -> dict[str, str] | None:
    """Read `name=value, name="value"`; a name that comes twice could mean two things to two readers."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None or match[1].lower() in found:
            return None
        found[match[1].lower()] = match[3] if match[2] is None else _ESCAPE.sub(r"\1", match[2])
        position = match.end()
    return found


def _username(fields: dict[str, str]) -> str | None:
    """Give the name, from the plain field or from the extended one (RFC 8187), not from both."""
    if ("username" in fields) == ("username*" in fields):
        return None
    try:
        if "username" in fields:
            name = fields["username"].encode("latin-1").decode()
        else:
            match = _EXTENDED.fullmatch(fields["username*"])
            if match is None:
                return None
            name = unquote_to_bytes(match[1]).decode()
    except UnicodeError:
        return None
    return unicodedata.normalize("NFC", name) or None
