"""What the certificate room says, in the visitor's language."""

from __future__ import annotations

import re

from appliance.web.languages import N_, _

_CLOCK = r"the clock of the device says (?P<now>[0-9: -]+) UTC"

_SENTENCES = (
    (
        r"(?P<name>\".*) is neither a host name nor an IP address",
        N_("%(name)s is neither a host name nor an IP address"),
    ),
    (
        r"a certificate needs 1 to (?P<most>\d+) names, not (?P<count>\d+)",
        N_("a certificate needs 1 to %(most)s names, not %(count)s"),
    ),
    (
        r"the certificate in (?P<file>\S+) cannot be used: (?P<reason>.*); it is kept as (?P<aside>\S+)",
        N_("the certificate in %(file)s cannot be used: %(reason)s; it is kept as %(aside)s"),
    ),
    (
        r"the certificate in (?P<file>\S+) cannot be used: (?P<reason>.*)",
        N_("the certificate in %(file)s cannot be used: %(reason)s"),
    ),
    (r"the certificate cannot be used: (?P<reason>.*)", N_("the certificate cannot be used: %(reason)s")),
    (r"the certificate cannot be read: (?P<reason>.*)", N_("the certificate cannot be read: %(reason)s")),
    (
        r"there are (?P<count>\d+) private keys, give the one that belongs to the certificate",
        N_("there are %(count)s private keys, give the one that belongs to the certificate"),
    ),
    (
        r"the private key is (?P<kind>.*?); RSA with .* is needed",
        N_("the private key is %(kind)s; RSA with 2048 to 4096 bits, EC P-256 or P-384, or Ed25519 is needed"),
    ),
    (
        r"certificate number (?P<number>\d+) cannot be read, it is damaged",
        N_("certificate number %(number)s cannot be read, it is damaged"),
    ),
    (r"there is no certificate, only (?P<label>.*)", N_("there is no certificate, only %(label)s")),
    (
        r"the private key has (?P<size>\d+) bytes, at most (?P<most>\d+) are taken",
        N_("the private key has %(size)s bytes, at most %(most)s are taken"),
    ),
    (
        r"the private key \((?P<label>.*)\) cannot be read, it is damaged",
        N_("the private key (%(label)s) cannot be read, it is damaged"),
    ),
    (
        r"(?P<size>\d+) bytes of certificates and key are too many, at most (?P<most>\d+) are taken",
        N_("%(size)s bytes of certificates and key are too many, at most %(most)s are taken"),
    ),
    (rf"expired on (?P<day>\S+); {_CLOCK}", N_("expired on %(day)s; the clock of the device says %(now)s UTC")),
    (
        rf"not valid before (?P<day>\S+); {_CLOCK}",
        N_("not valid before %(day)s; the clock of the device says %(now)s UTC"),
    ),
)
"""How a sentence is taken apart, and the text that a catalogue has for it."""

PLAIN = (
    N_("there is no certificate"),
    N_("there is no private key with the certificate, and no request is open"),
    N_("the private key does not belong to the certificate"),
    N_("a certificate is damaged, or its issuer has another key: the signature does not fit"),
    N_("a certificate is damaged: its own signature does not fit"),
    N_("this is a request, not a certificate; install what the authority makes of it"),
    N_("this is a binary file (DER or PKCS #12); PEM is needed, a text with -----BEGIN CERTIFICATE-----"),
    N_("there is no certificate; PEM is needed, a text with -----BEGIN CERTIFICATE-----"),
    N_("the private key is encrypted, its passphrase is needed"),
    N_("the private key cannot be decrypted: wrong passphrase, or damaged"),
    N_("the PEM text is cut off: a block that begins does not end"),
    N_("it is malformed"),
    N_("it names no host or address (subjectAltName), so browsers refuse it"),
    N_("most browsers cannot use an Ed25519 key"),
    N_("it is not meant for servers (extended key usage), so clients refuse it"),
)
"""Those that have no part of their own."""

_PATTERNS = tuple((re.compile(pattern, re.DOTALL), text) for pattern, text in _SENTENCES)


def certificate_text(text: str) -> str:
    """Translate what `CertificateError`, `CertificateFacts.warnings` or `Certificate.problem` says; else as it is."""
    for pattern, sentence in _PATTERNS:
        if parts := pattern.fullmatch(text):
            found = parts.groupdict()
            if "reason" in found:
                found["reason"] = certificate_text(found["reason"])
            return _(sentence) % found
    return _(text)


def sentence_of(text: str) -> str:
    """Write it as a sentence that stands alone."""
    shown = certificate_text(text)
    return f"{shown[:1].upper()}{shown[1:]}{'' if shown.endswith('.') else '.'}"
