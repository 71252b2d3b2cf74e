"""Whether the contents of a telegram are encrypted: the configuration field (EN 13757-7:2018, 7.5.8 and 7.7).

The same two bytes were the signature of the older editions, and meters of that time put 0000, FFFF or a value of
their own there. So a mode is believed only where it is defined and the rest of the field agrees with it.
"""

from __future__ import annotations

from dataclasses import dataclass

MODES = {
    1: "manufacturer specific",
    2: "DES-CBC, zero initialization vector",
    3: "DES-CBC",
    4: "AES-128-CBC, zero initialization vector",
    5: "AES-128-CBC",
    7: "AES-128-CBC with an ephemeral key",
    8: "AES-128-CTR with CMAC",
    9: "AES-128-GCM",
    10: "AES-128-CCM",
    13: "TLS 1.2",
}
"""Security modes that there are; the others are reserved."""

DOUBTFUL = frozenset({1, 2, 3, 8, 9, 10, 13})
"""Modes that wired meters hardly have: the field is as likely the signature of an old meter, whose records are plain.

Encrypted bytes that read as three or more good records occur in one of some hundred telegrams of such a mode.
"""

CHECK = b"\x2f\x2f"
"""Two idle fillers, with which the contents begin before they are encrypted, and again after they were decrypted."""

_DES_BLOCK = 8
_AES_BLOCK = 16


@dataclass(frozen=True)
class Encryption:
    """What hides the contents."""

    mode: int
    name: str
    length: int
    """Bytes that are encrypted, from the first behind the header on; what follows is plain."""


def encryption_of(configuration: int, contents: bytes) -> Encryption | None:
    """Tell how `contents` are encrypted, or None where they can be read."""
    mode = configuration >> 8 & 0x1F
    if mode not in MODES or contents[:2] == CHECK or not contents:
        return None
    if mode in (2, 3):
        length, block = configuration & 0xFF, _DES_BLOCK
    elif mode in (4, 5):
        length, block = (configuration >> 4 & 0x0F) * _AES_BLOCK, _AES_BLOCK
    elif mode == 7:
        # One more byte of configuration stands before the blocks.
        blocks = (configuration >> 4 & 0x0F) * _AES_BLOCK
        length, block = len(contents) if 0 < blocks < len(contents) else 0, 1
    else:
        length, block = len(contents), 1
    if length == 0 or length % block or length > len(contents):
        return None
    return Encryption(mode, MODES[mode], length)
