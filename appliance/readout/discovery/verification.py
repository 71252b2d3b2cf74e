"""Which masks to ask once more, because an answer may have got lost there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.readout.discovery.branching import AGAIN, DIGITS, SWEEP, fixed_digits
from appliance.readout.discovery.sweeping import sweep_masks

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.mbus.secondary import Selection
    from appliance.readout.discovery.branching import Branching
    from appliance.readout.discovery.state import SecondaryState

MISSING_LIMIT = 0.003
"""Meters that may be missing by chance, at the most, at the end of a search."""
_SUSPECTED_LOSS = 0.02
"""Part of the answers that get lost on a poor bus, as is supposed of every bus until it has shown to be better."""
_TWICE_LOST = 0.03
"""Chance that of a meter beside another one, whose answer got lost, nothing comes when data is asked for."""
_OVERHEARD = 0.05
"""Part of the masks that sound as if there were one meter more than there is: noise, a character in two pieces."""
_MOST_ROUNDS = 16
_HEARD_IN_SWEEP = 0.7
"""Part of those missed that a sweep is expected to find."""
_FEW = 4
"""Meters up to which the voices under a mask tell how often two of them merge."""


def masks_to_ask_again(state: SecondaryState, known: Callable[[Selection], int]) -> tuple[str, list[Selection]]:
    """Give the masks where meters would have most room, until few can be missing; nothing when that is so already.

    `known` tells how many meters were found under a mask. Counts in `state.asked` that they are asked.

    :returns: also in which way they are to be asked: again one by one, or all at once in a sweep where that finds more
        in the same time.
    """
    if state.verifications >= _MOST_ROUNDS:
        return AGAIN, []
    weight, rate = _loss(state.lost, state.expected)
    counts = [(branching, known(branching.mask)) for branching in state.closed]
    merging = _merging(counts)
    total = len(state.found)
    risks: list[tuple[float, Selection]] = []
    for branching, count in counts:
        factor = _unheard(branching, count, merging, rate)
        parts = [(mask, factor) for mask in branching.silent]
        parts += [(mask, factor * _TWICE_LOST) for mask in branching.single]
        risks += [
            (
                weight * state.unheard * rate ** state.asked.get(mask, 1) * total / 10 ** fixed_digits(mask) * factor,
                mask,
            )
            for mask, factor in parts
        ]
    risks.sort(key=lambda pair: -pair[0])
    missing = sum(risk for risk, _ in risks)
    again: list[Selection] = []
    sweep = sweep_masks(state)
    for risk, mask in risks:
        if missing <= MISSING_LIMIT:
            break
        if sweep and risk < missing * _HEARD_IN_SWEEP / len(sweep) and len(risks) > len(sweep):
            return (AGAIN, again) if again else (SWEEP, sweep)
        again.append(mask)
        missing -= risk * (1 - rate)
        state.asked[mask] = state.asked.get(mask, 1) + 1
    return AGAIN, again


def note_sweep(state: SecondaryState, known: Callable[[Selection], int]) -> None:
    """Judge what a sweep was worth that is done."""
    _, rate = _loss(state.lost, state.expected)
    merging = _merging([(branching, known(branching.mask)) for branching in state.closed])
    if state.sounds:
        # Whoever was heard and not known was looked for at once.
        factors = [_likeness(voices, max(voices, count), merging, rate) for voices, count in state.sounds]
        state.unheard *= min(1.0, sum(factors) / len(factors))
    state.sounds = []
    state.sweeps += 1


def _merging(counts: list[tuple[Branching, int]]) -> float:
    """Judge how often two meters that answer at once are heard as one."""
    pairs, merged = 10.0, 0.5
    for branching, count in counts:
        if branching.by == DIGITS and branching.voices and 2 <= count <= _FEW:
            pairs += count * (count - 1) / 2
            merged += max(0, count - branching.voices)
    return merged / pairs


def _unheard(branching: Branching, count: int, merging: float, rate: float) -> float:
    """Judge how much likelier the mask would have sounded as it did with one meter more than the `count` known."""
    return _likeness(branching.voices, count, merging, rate) if branching.by == DIGITS else 1.0


def _likeness(voices: int, count: int, merging: float, rate: float) -> float:
    if voices < count:
        return 1.0
    if voices > count:
        return 1 / _OVERHEARD
    return min(1.0, merging * count * (count + 1) / 2 + rate * (count + 1))


def _loss(lost: int, expected: int) -> tuple[float, float]:
    """Judge how poor the bus is.

    :returns: the chance that it loses answers at all, and the part that it loses then.
    """
    if lost:
        return 1.0, (lost + 1) / (expected + 50)
    chance = (1 - _SUSPECTED_LOSS) ** expected
    return chance / (1 + chance), _SUSPECTED_LOSS
