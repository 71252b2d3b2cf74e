"""HTTP authentication: which path of the web server asks for what, and who may enter."""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from appliance.errors import InvalidValue

LONGEST_NAME = 64
LONGEST_REALM = 64
LONGEST_PASSWORD = 128
MD5 = re.compile(r"[0-9a-f]{32}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class DirectiveType(StrEnum):
    """What a path asks for, from the least secure to the most."""

    NONE = "none"
    BASIC = "basic"
    DIGEST = "digest"
    SSL = "ssl"
    SSL_BASIC = "ssl/basic"
    SSL_DIGEST = "ssl/digest"

    @property
    def asks_password(self) -> bool:
        """Whether a user must log in."""
        return self not in (DirectiveType.NONE, DirectiveType.SSL)

    @property
    def asks_tls(self) -> bool:
        """Whether only HTTPS will do."""
        return self.value.startswith("ssl")


def _ha1(name: str, realm: str, password: str) -> tuple[str, str]:
    # NFC, so that one password typed on two keyboards is one (RFC 7616 section 4, charset UTF-8).
    parts = (unicodedata.normalize("NFC", part) for part in (name, realm, password))
    secret = ":".join(parts).encode()
    # MD5 because many clients know nothing else (RFC 7616 section 3.4.2); a browser that knows SHA-256 uses that.
    return hashlib.md5(secret, usedforsecurity=False).hexdigest(), hashlib.sha256(secret).hexdigest()


@dataclass(frozen=True)
class User:
    """Somebody with a password, kept only as the two hashes H(user:realm:password) that Digest needs.

    They are RFC 7616's H(A1) (section 3.4.2) for MD5 and for SHA-256, in lower-case hexadecimal. They hold for one
    realm: in a directive whose realm changes, every password must be set anew.
    """

    name: str
    md5: str = field(repr=False)
    sha256: str = field(repr=False)

    def __post_init__(self) -> None:
        """Check name and hashes.

        :raises InvalidValue: when the name is empty, too long, has a colon or a control character; or a hash is none.
        """
        if not 1 <= len(self.name) <= LONGEST_NAME:
            raise InvalidValue(f"a user name has 1 to {LONGEST_NAME} characters")
        # Not left to the type's own check of the text: JSON can hide a control character behind an escape.
        if ":" in self.name or not self.name.isprintable() or self.name != self.name.strip():
            raise InvalidValue("a user name has no colon, no control characters and no space at its ends")
        if not MD5.fullmatch(self.md5) or not SHA256.fullmatch(self.sha256):
            raise InvalidValue("the hashes of a password are 32 and 64 hexadecimal digits")

    @classmethod
    def with_password(cls, name: str, realm: str, password: str) -> Self:
        """Make the user `name` of `realm` with `password`, which is not kept.

        :raises InvalidValue: when one of them cannot be used.
        """
        check_realm(realm)
        if not 1 <= len(password) <= LONGEST_PASSWORD or not password.isprintable():
            raise InvalidValue(f"a password has 1 to {LONGEST_PASSWORD} printable characters")
        if not name.isprintable():  # before a lone surrogate meets the encoder
            raise InvalidValue("a user name has no control characters")
        return cls(name, *_ha1(name, realm, password))

    def has_password(self, realm: str, password: str) -> bool:
        """Say whether this is the user's password in `realm`, in a time that does not depend on how near it is."""
        if not password.isprintable() or not realm.isprintable():
            return False
        return hmac.compare_digest(self.sha256, _ha1(self.name, realm, password)[1])


def check_realm(realm: str) -> None:
    """Check that `realm` can stand in a header as it is.

    :raises InvalidValue: when it is empty, too long, or has a quote, a backslash or anything but printable ASCII.
    """
    if not 1 <= len(realm) <= LONGEST_REALM or not (realm.isascii() and realm.isprintable()) or set(realm) & set('"\\'):
        raise InvalidValue(f"a realm has 1 to {LONGEST_REALM} ASCII characters, no quote and no backslash")


@dataclass(frozen=True)
class Directive:
    """Rules the paths at and below `uri`: the realm that the browser shows, what is asked for, and who may enter.

    Of the directives whose `uri` is a parent of a path, the one with the longest rules it.
    """

    uri: str
    realm: str
    type: DirectiveType
    users: tuple[User, ...] = ()

    def __post_init__(self) -> None:
        """Check what a directive alone must keep to; its `uri` is checked where it is read.

        :raises InvalidValue: for a bad realm, two users of one name, or nobody who could log in.
        """
        check_realm(self.realm)
        names = [user.name for user in self.users]
        for name in names:
            if names.count(name) > 1:
                raise InvalidValue(f"two users are called {name}")
        if self.type.asks_password and not self.users:
            raise InvalidValue(f"type {self.type} needs at least one user")
