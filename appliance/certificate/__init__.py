"""The device's own TLS certificate."""

from appliance.certificate.certificate import Certificate
from appliance.certificate.facts import CertificateFacts
from appliance.certificate.versions import BOTH, TlsVersions

__all__ = ["BOTH", "Certificate", "CertificateFacts", "TlsVersions"]
