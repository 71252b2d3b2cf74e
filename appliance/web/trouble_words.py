"""What the network room says of its troubles, in the visitor's language."""

from __future__ import annotations

import re

from appliance.web.languages import N_, _

_SENTENCES = (
    (
        r"(?P<address>[0-9.]+) is used by another device, (?P<mac>[0-9a-f:]+)",
        N_("%(address)s is used by another device, %(mac)s"),
    ),
    (
        r"(?P<address>[0-9.]+) is used by another device too, (?P<mac>[0-9a-f:]+)",
        N_("%(address)s is used by another device too, %(mac)s"),
    ),
    (r"no (?P<method>DHCP|BOOTP) server has answered", N_("no %(method)s server has answered")),
    (
        r"the (?P<method>DHCP|BOOTP) server (?P<server>[0-9.]+) does not answer; the lease goes on",
        N_("the %(method)s server %(server)s does not answer; the lease goes on"),
    ),
    (
        r"the (?P<method>DHCP|BOOTP) server (?P<server>[0-9.]+) is of no use: (?P<reason>.*)",
        N_("the %(method)s server %(server)s is of no use: %(reason)s"),
    ),
    (
        r"a (?P<method>DHCP|BOOTP) server is of no use: (?P<reason>.*)",
        N_("a %(method)s server is of no use: %(reason)s"),
    ),
    (r"the server refuses: (?P<words>.*)", N_("the server refuses: %(words)s")),
    (r"(?P<interface>\S+) cannot be managed: (?P<reason>.*)", N_("%(interface)s cannot be managed: %(reason)s")),
)
"""How a sentence is taken apart, and the text that a catalogue has for it."""

_PATTERNS = tuple((re.compile(pattern, re.DOTALL), text) for pattern, text in _SENTENCES)


def trouble_text(trouble: str) -> str:
    """Translate a sentence of `NetworkSnapshot.troubles`; one that is not known here stays as it is."""
    for pattern, text in _PATTERNS:
        if parts := pattern.fullmatch(trouble):
            found = parts.groupdict()
            if "reason" in found:
                found["reason"] = trouble_text(found["reason"])
            return _(text) % found
    return _(trouble)
