"""Sweeps: everybody is counted once more in other groups, which is cheap where most are known already.

The groups are those of other digits than the tree's. Each is listened to and nobody is read: it has to sound like
the known meters in it, and whoever the tree has missed is one voice more.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from appliance.mbus.secondary import SecondaryAddress, Selection
from appliance.readout.discovery.branching import ALL_PLACES, variety

if TYPE_CHECKING:
    from appliance.readout.discovery.state import SecondaryState

_MOST_TOGETHER = 3.0
"""Meters in a group, on average, up to which one more is mostly heard."""
_MOST_DIGITS = 2
_VARIED = 0.8
"""Chance that two numbers differ at a place, from which on it makes groups of it."""


def sweep_masks(state: SecondaryState) -> list[Selection]:
    """Give the groups of the next sweep; none when there is no other way left to group the meters."""
    digits = 1
    while len(state.found) / 10**digits > _MOST_TOGETHER and digits < _MOST_DIGITS:
        digits += 1
    known = [meter.secondary.identification for meter in state.found if meter.secondary is not None]
    varied = [place for place in ALL_PLACES if variety(known, place) >= _VARIED]
    # The tree begins with the last of them.
    places = varied[:-digits][state.sweeps * digits :][:digits]
    if len(places) < digits:
        return []
    return [_group(dict(zip(places, values, strict=True))) for values in product("0123456789", repeat=digits)]


def _group(digits: dict[int, str]) -> Selection:
    return Selection(SecondaryAddress("".join(digits.get(place, "F") for place in ALL_PLACES)))


def note_sound(state: SecondaryState, voices: int, known: int) -> bool:
    """Take note of how a group with so many `known` meters sounded; tell whether somebody else is in it."""
    state.sounds.append([voices, known])
    if known == 1:
        state.expected += 1
        state.lost += not voices
    return voices > known
