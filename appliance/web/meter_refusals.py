"""What the meters' room objects to, warns of and does, in the visitor's language; what is not known here stays."""

from __future__ import annotations

import re

from appliance.web.languages import N_, _, current

ENGLISH = "en"

_ALWAYS = (
    N_("a meter needs a name of 1 to 64 characters"),
    N_("it has a control character or one that cannot be printed"),
    N_("a secondary address has 16 digits, or the 8 of the identification number"),
    N_("it stands for every meter"),
    N_("a fabrication number has 8 decimal digits"),
    N_("a meter needs a primary or a secondary address; both are blank"),
    N_("it is to be read at its primary address, which is blank"),
    N_("neither primary nor secondary addresses are to be searched"),
    N_("TCP clients leave the bus too little time for the device's own readouts"),
    N_("the clock is not set: readings get their time when it is"),
    N_("the device's own work on the bus is switched off"),
    N_("the device began anew in the middle of the search"),
    N_("waits for the serial line"),
)
"""Sentences without a part of their own."""

_SENTENCES = (
    N_("it has %(count)s characters; 64 are allowed"),
    N_("%(value)s needs a secondary address beside it"),
    N_("%(value)s at %(baud)s bit/s is that of %(name)s, number %(number)s of the list"),
    N_("%(value)s is the address of %(name)s, number %(number)s"),
    N_("%(value)s is not allowed; an address from 0 to 250"),
    N_("%(more)s more do not fit: the list has %(there)s meters and room for %(most)s"),
    N_("the search found nobody at %(addresses)s"),
    N_("it runs on a battery: read every %(long)s s in place of %(short)s s, as the battery guard wants"),
    N_("a readout takes %(time)s s, too long for one every %(interval)s s"),
    N_("the schedule needs %(part)s of the bus' time; longer intervals are needed"),
    N_("reads %(name)s"),
    N_("sets the primary address of %(name)s"),
    N_("the line was lost: %(reason)s"),
    N_("it cannot go on: %(reason)s"),
    N_("meters and readings cannot be stored: %(reason)s"),
    N_("primary addresses at %(baud)s bit/s"),
    N_("secondary addresses at %(baud)s bit/s"),
    N_("secondary addresses at %(baud)s bit/s, silent ones again"),
    N_("meter %(address)s: no answer"),
    N_("meter %(address)s: no answer, so its primary address stays"),
    N_("no meter answers to the selection %(address)s"),
    N_("several meters match %(address)s: more digits are needed"),
    N_("at the primary address %(address)s answers another meter: %(other)s"),
    N_("somebody answers at the primary address %(address)s already"),
    N_("the meter did not acknowledge the primary address %(address)s"),
    N_("the answer has the primary address %(address)s"),
    N_("the answer comes from another meter than %(address)s"),
    N_("primary address %(address)s: several meters answer"),
    N_("primary address %(address)s: two meters or more answer"),
    N_("primary address %(address)s: a meter acknowledges but tells no data"),
    N_("primary address %(address)s: what answers cannot be read: two meters alike, or a damaged one"),
    N_("primary address %(address)s: the answer has the address %(other)s"),
    N_("meter %(address)s: the answer is damaged, or several answer: %(bytes)s"),
    N_("%(count)s meters have the identification %(number)s"),
    N_("%(count)s meters have the primary address %(number)s: %(words)s"),
)
"""Those with one; the same in the room that says them."""

_PART = re.compile(r"%\((\w+)\)s")


def _pattern(text: str) -> re.Pattern[str]:
    """Make what takes a sentence apart, of the text that a catalogue has for it."""
    pieces = _PART.split(text)
    pattern = "".join(f"(?P<{piece}>.+)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
    return re.compile(pattern, re.DOTALL)


# The one with the most words of its own first: "reads %(name)s" fits many.
_PATTERNS = tuple((_pattern(text), text) for text in sorted(_SENTENCES, key=lambda text: -len(_PART.sub("", text))))
_NOT_ALLOWED = re.compile(r"\".*\" is not allowed: (?P<reason>.*)", re.DOTALL)


def refusal_text(text: str) -> str:
    """Translate a sentence of an error, of a warning or of a diagnosis."""
    known = _(text)
    if known != text or current().code == ENGLISH:
        return known
    for pattern, sentence in _PATTERNS:
        if parts := pattern.fullmatch(text):
            return _(sentence) % parts.groupdict()
    return text


def field_refusal(text: str, hint: str) -> str:
    """Say beside a field what is wrong with what stands in it; the field itself shows the text.

    :param hint: what may be typed, in English.
    """
    parts = _NOT_ALLOWED.fullmatch(text)
    if parts is None:
        return refusal_text(text)
    reason = refusal_text(parts["reason"])
    if reason == parts["reason"] and current().code != ENGLISH and hint:  # nobody has translated it
        return _("Not possible. Allowed: %(allowed)s.") % {"allowed": _(hint)}
    return _("Not possible: %(reason)s.") % {"reason": reason}
