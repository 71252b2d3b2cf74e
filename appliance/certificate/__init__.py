"""The device's own TLS certificate."""

from appliance.certificate.certificate import Certificate

__all__ = ["Certificate"]
