"""Which versions of TLS a port speaks."""

from __future__ import annotations

import ssl
from typing import NamedTuple


class TlsVersions(NamedTuple):
    """The lowest and the highest version of TLS that is offered; those before 1.2 never are (RFC 8996)."""

    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3


BOTH = TlsVersions()
"""All that is offered."""
