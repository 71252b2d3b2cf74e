"""What the publisher says of its troubles, in the visitor's language."""

from __future__ import annotations

import re

from appliance.web.languages import N_, _

_SENTENCES = (
    N_("no broker is set"),
    N_("the name of the broker is not known"),
    N_("the name of the broker cannot be looked up: no answer"),
    N_("the broker has no address"),
    N_("nobody answers on the broker's port"),
    N_("the broker does not answer (TCP)"),
    N_("the broker does not answer (TLS)"),
    N_("the broker does not answer (MQTT)"),
    N_("the broker's host cannot be reached"),
    N_("there is no way to the broker's network"),
    N_("the broker closes the connection"),
    N_("the broker closes the connection without a word"),
    N_("the broker closes the connection during the TLS handshake"),
    N_("the CA certificate cannot be used"),
    N_("the broker refuses user name or password"),
    N_("the broker does not allow that to this user"),
    N_("the broker does not like the client id"),
    N_("the broker is not ready"),
    N_("the broker is busy"),
    N_("the broker has banned this client"),
    N_("another client has taken the client id"),
    N_("the broker shuts down"),
    N_("the broker did not hear from this device in time"),
    N_("a message is too large for the broker"),
    N_("the broker's quota is used up"),
    N_("the broker does not know this version of MQTT"),
    N_("the broker confirms nothing (QoS 0), so no reading could be known to have arrived"),
    N_("the broker was away for too long"),
    N_("the broker sends more than it may"),
    N_("the broker sends what is no MQTT"),
)
"""Every sentence that stands by itself."""

_PATTERNS = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (r"the broker cannot be reached: (?P<reason>.*)", N_("the broker cannot be reached: %(reason)s")),
        (r"the broker's certificate is refused: (?P<reason>.*)", N_("the broker's certificate is refused: %(reason)s")),
        (r"TLS with the broker fails: (?P<reason>.*)", N_("TLS with the broker fails: %(reason)s")),
        (r"the broker sends what is no MQTT \((?P<reason>.*)\)", N_("the broker sends what is no MQTT (%(reason)s)")),
        (r"the broker refuses the connection: (?P<reason>.*)", N_("the broker refuses the connection: %(reason)s")),
        (r"the broker ends the connection: (?P<reason>.*)", N_("the broker ends the connection: %(reason)s")),
        (r"the broker refuses a message: (?P<reason>.*)", N_("the broker refuses a message: %(reason)s")),
        (r"readings were skipped: (?P<reason>.*)", N_("readings were skipped: %(reason)s")),
    )
)


def mqtt_text(words: str) -> str:
    """Translate `PublisherSnapshot.error` or `note`; what is not known here stays as it is."""
    if "; " in words:
        return "; ".join(mqtt_text(part) for part in words.split("; "))
    if words in _SENTENCES:
        return _(words)
    for pattern, text in _PATTERNS:
        if parts := pattern.fullmatch(words):
            return _(text) % {"reason": mqtt_text(parts["reason"])}
    return words
