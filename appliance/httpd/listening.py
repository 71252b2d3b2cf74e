"""The ports that the web server is to have (device.md 5.5)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from appliance.certificate import BOTH, TlsVersions
from appliance.ports import Wanted
from appliance.settings import http as declared

if TYPE_CHECKING:
    from appliance.settings import Values

_VERSIONS = ((declared.TLS_1_2, ssl.TLSVersion.TLSv1_2), (declared.TLS_1_3, ssl.TLSVersion.TLSv1_3))


def tls_versions(values: Values) -> TlsVersions | None:
    """Give the protocol versions that are on; None when none is, and then there is no HTTPS port."""
    offered = [version for setting, version in _VERSIONS if values[setting]]
    return TlsVersions(offered[0], offered[-1]) if offered else None


def wants(values: Values) -> Wanted:
    """Say which ports the web server is to have. HTTPS waits for a certificate and never makes one."""
    is_enabled, versions = values[declared.ENABLED], tls_versions(values)
    return Wanted(
        plain=values[declared.PORT] if is_enabled else None,
        secure=values[declared.HTTPS_PORT] if is_enabled and versions is not None else None,
        plain_setting=declared.PORT,
        secure_setting=declared.HTTPS_PORT,
        versions=versions or BOTH,
    )
