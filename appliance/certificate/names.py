"""The names of a server in its certificate (RFC 5280, 4.2.1.6)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from appliance.errors import CertificateError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509

MOST_NAMES = 32

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*", re.ASCII)


def is_name(name: str) -> bool:
    """Say whether a certificate can be for `name`: a host name in ASCII or an address without zone."""
    try:
        return "%" not in name and bool(ipaddress.ip_address(name))
    except ValueError:
        return len(name) <= 253 and _DNS_NAME.fullmatch(name) is not None


def check_names(names: Iterable[str]) -> list[str]:
    """Give `names` without blanks around them and without doubles, the order kept.

    :raises CertificateError: when there is none, when there are too many, or one that no certificate can have.
    """
    found = list(dict.fromkeys(name for raw in names if (name := raw.strip())))
    for name in found:
        if not is_name(name):
            raise CertificateError(f"{quoted(name)} is neither a host name nor an IP address")
    if not 0 < len(found) <= MOST_NAMES:
        raise CertificateError(f"a certificate needs 1 to {MOST_NAMES} names, not {len(found)}")
    return found


def subject_of(names: list[str]) -> x509.Name:
    """Make the subject of a certificate for `names`, after the first of them."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])


def alternative_names(names: list[str]) -> x509.SubjectAlternativeName:
    """Make the extension that says what a server is called."""
    from cryptography import x509

    def general(name: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    return x509.SubjectAlternativeName([general(name) for name in names])
