"""How long to listen for answers to a selection, by what was heard on this bus before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.readout.discovery.branching import AGAIN, SWEEP, fixed_digits
from appliance.readout.reception import Pace

if TYPE_CHECKING:
    from appliance.mbus.secondary import Selection
    from appliance.readout.answer import Answer
    from appliance.readout.discovery.state import SecondaryState

WORTH_LISTENING = 0.08
"""Chance of several meters from which on the answer window is waited for before anybody is asked for data.

Waiting costs some 60 ms at 2400 bit/s, an answer of several meters at once about ten times as much.
"""

_FULL_DIGITS = 1
"""Digits fixed up to which a selection gets the whole window of the standard: everybody is heard there twice."""
_LEAST_LISTENED = 3
"""Answers that were listened to the end of the window before a shorter one is believed."""
_LONGER, _SLACK = 1.25, 0.02
"""How much longer than the slowest answer it is listened: a quarter, and so many seconds."""
_SILENT_LONGER, _SILENT_SLACK = 1.1, 0.01
"""How much longer silence lasts until it is told. Who is slower is heard while the next selection is being sent."""


def is_worth_listening(state: SecondaryState, mask: Selection) -> bool:
    """Whether to wait for the end of the window although somebody has answered."""
    if state.stack[-1].by in (AGAIN, SWEEP) or fixed_digits(mask) <= _FULL_DIGITS:
        return True
    occupied, several = state.experience.get(fixed_digits(mask), (0, 0))
    return (several + 1) / (occupied + 2) > WORTH_LISTENING


def learnt_pace(state: SecondaryState, mask: Selection) -> Pace | None:
    """Give the time in which everybody on this bus answers; None for what the standard allows.

    Everybody answers to the first selection, and to one of the ten after it; those are listened to until the
    end of the window, so the slowest meter of the bus was heard twice.
    """
    is_early = fixed_digits(mask) <= _FULL_DIGITS and not state.verifications
    if is_early or state.patience or state.listened < _LEAST_LISTENED:
        return None
    return Pace(state.latest * _LONGER + _SLACK, state.latest * _SILENT_LONGER + _SILENT_SLACK)


def note_answer(state: SecondaryState, mask: Selection, answer: Answer) -> None:
    """Learn how late answers come."""
    if not answer.octets or answer.data is not None:
        return
    state.latest = max(state.latest, answer.lasted)
    state.listened += fixed_digits(mask) <= _FULL_DIGITS


def note_experience(state: SecondaryState, mask: Selection, *, several: bool) -> None:
    """Learn how often several answer to masks with so many digits."""
    counts = state.experience.setdefault(fixed_digits(mask), [0, 0])
    counts[0] += 1
    counts[1] += several
