"""Whether meters answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.web.checks.finding import Finding, Message, Result, message
from appliance.web.languages import N_

if TYPE_CHECKING:
    from appliance.web.checks.observations import Observations


def answers(seen: Observations) -> Finding:
    """Judge by the bytes that have passed lately (device.md 8: bus voltage, addresses, baud rate)."""
    name, title = "meters", N_("Meters answer")
    lately = seen.lately
    evidence = message(
        N_("In the last %(minutes)d min: %(sent)d bytes sent, %(received)d bytes received."),
        minutes=max(round(seen.lately_seconds / 60), 1),
        sent=lately.sent,
        received=lately.received,
    )
    if not lately.sent:
        return Finding(
            name,
            title,
            Result.UNKNOWN,
            (evidence, message(N_("Nobody has asked a meter, so none could answer."))),
            (message(N_("Have the reading software ask a meter, then load this page again.")),),
        )
    if not lately.received:
        return Finding(name, title, Result.BAD, (evidence,), _advice(seen))
    return Finding(name, title, Result.GOOD, (evidence,))


def _advice(seen: Observations) -> tuple[Message, ...]:
    return (
        message(N_("Measure the voltage at the meter: 24 to 30 V. With none, look for a broken wire.")),
        message(
            N_("Compare the primary or secondary address that is asked for with that of the meter; each is unique.")
        ),
        message(
            N_("Compare the baud rate of the meter: 300 or 2400 bit/s; the device has %(baud)d."), baud=seen.line.baud
        ),
    )
