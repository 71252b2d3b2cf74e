"""Which masks to ask once more, because an answer may have got lost there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.readout.discovery.branching import fixed_digits

if TYPE_CHECKING:
    from appliance.mbus.secondary import Selection
    from appliance.readout.discovery.state import SecondaryState

MISSING_LIMIT = 0.02
"""Meters that may be missing by chance, at the most, at the end of a search in which no answer was seen to get lost."""
_LOSS_LIMIT = 0.003
_SUSPECTED_LOSS = 0.02
"""Part of the answers that get lost on a poor bus, as is supposed of every bus until it has shown to be better."""
_EXPLAINED = 0.1
"""Risk that is left in silent masks beside which as many meters were found as were heard before."""
_MOST_ROUNDS = 8
_THOROUGH = 3
"""Digits fixed from which on a silent mask commonly stands beside others under a mask where voices were counted."""


def masks_to_ask_again(state: SecondaryState) -> list[Selection]:
    """Give the masks where meters would have most room, until few can be missing; nothing when that is so already.

    Counts in `state.asked` that they are asked.
    """
    if state.verifications >= _MOST_ROUNDS:
        return []
    weight, rate, limit = _loss(state.lost, state.expected)
    # Where several were heard, it was looked whether as many were found; and two who collide are heard as such.
    factors = {mask: 1.0 if fixed_digits(mask) < _THOROUGH else _EXPLAINED for mask in state.silent}
    factors |= dict.fromkeys(state.leaves, _EXPLAINED)
    total = len(state.found)
    risks = [
        (weight * rate ** state.asked.get(mask, 1) * total / 10 ** fixed_digits(mask) * factor, mask)
        for mask, factor in factors.items()
    ]
    risks.sort(key=lambda pair: -pair[0])
    missing = sum(risk for risk, _ in risks)
    again: list[Selection] = []
    for risk, mask in risks:
        if missing <= limit:
            break
        again.append(mask)
        missing -= risk * (1 - rate)
        state.asked[mask] = state.asked.get(mask, 1) + 1
    return again


def _loss(lost: int, expected: int) -> tuple[float, float, float]:
    """Judge how poor the bus is.

    :returns: the chance that it loses answers at all, the part that it loses then, and how many meters may be
        missed for it.
    """
    if lost:
        return 1.0, (lost + 0.5) / (expected + 20), _LOSS_LIMIT
    chance = (1 - _SUSPECTED_LOSS) ** expected
    return chance / (1 + chance), _SUSPECTED_LOSS, MISSING_LIMIT
