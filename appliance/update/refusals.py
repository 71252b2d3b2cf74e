"""What RAUC and OpenSSL say when they refuse a bundle, in words for the person who uploaded it."""

from __future__ import annotations

import re

UNSIGNED = "The firmware is not signed."
TRUNCATED = "The file is not whole: its end is missing. Transfer it again."
JUNK = "The file is not firmware for this device: it has another form."
EMPTY = "The file is empty."
UNTRUSTED = "The firmware is signed by somebody whom this device does not trust."
EXPIRED = "The certificate of whoever signed the firmware had run out."
NOT_YET_VALID = "The certificate of whoever signed the firmware is not valid yet; is the clock of this device right?"
PURPOSE = "The certificate with which the firmware is signed is not one for firmware."
REVOKED = "The certificate with which the firmware is signed was revoked."
TAMPERED = "The firmware was changed after it had been signed, or damaged on its way."
COMPATIBLE = "The firmware is for another kind of device."
PLAIN = 'The firmware is in the old form "plain", which this device does not take.'
ENCRYPTED = "The firmware is encrypted, which this device does not take."
TOO_OLD = "The firmware is older than the oldest to which this device can go back."
MANIFEST = "The firmware is signed, but its description of itself is wrong."
NO_ROOM = "The firmware is larger than the place for it."
READ_ERROR = "The firmware is damaged: a part of it does not match its signature."
STREAM_ERROR = "The firmware could not be read to its end from its server, or it is damaged."
NO_STREAM = "This device cannot install firmware right from a web server: its kernel lacks nbd."
WRITE_ERROR = "The firmware could not be written: the memory card may be failing."
BUSY = "Another update is being installed."
NO_VERITY = "This device cannot check firmware while it installs it: its kernel lacks what that needs."
NO_KEYRING = "This device has no certificate to check firmware with."

_SENTENCES = (
    ("already processing", BUSY),
    ("failed to load ca file|no keyring file", NO_KEYRING),
    ("compatible mismatch", COMPATIBLE),
    ("version mismatch", TOO_OLD),
    ("format 'plain' not (allowed|supported)", PLAIN),
    ("format 'crypt' not allowed|encrypted bundle|unencrypted crypt", ENCRYPTED),
    ("certificate has expired", EXPIRED),
    ("certificate is not yet valid", NOT_YET_VALID),
    ("certificate revoked", REVOKED),
    ("purpose|key usage", PURPOSE),
    ("issuer certificate|self.?signed certificate|unable to verify the first certificate", UNTRUSTED),
    ("digest failure|content verify error|payload is corrupted|checksum|hash mismatch|signature failure", TAMPERED),
    ("signature size|no valid cms|parse signature|signature content type|bundle format|too small", JUNK),
    ("signature|certificate|verify error", TAMPERED),
    ("no space left|too (small|large|big)|exceeds slot|slot .* is not large enough", NO_ROOM),
    ("manifest|no installable image|no install image|hook|handler", MANIFEST),
    ("(write|writing|fsync|flush|copy|mkfs|open(ing)? slot|slot device).*(input/output|i/o) error", WRITE_ERROR),
    ("dm_verity|load dm table|/dev/mapper", NO_VERITY),
    ("nbd", NO_STREAM),
    ("input/output error|i/o error|verity|squashfs|mount", READ_ERROR),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), sentence) for pattern, sentence in _SENTENCES)


def sentence_for(message: str, *, is_remote: bool = False) -> str:
    """Say in one sentence what `message`, an error of RAUC 1.8 or later, means; one that is not known is repeated.

    :param is_remote: whether RAUC reads the bundle from a web server.
    """
    for pattern, sentence in _PATTERNS:
        if pattern.search(message):
            return STREAM_ERROR if is_remote and sentence is READ_ERROR else sentence
    shown = " ".join(message.split())[:300]
    return f"The firmware could not be used: {shown}." if shown else "The firmware could not be used."
