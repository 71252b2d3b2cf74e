"""LED patterns over time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.panel.rhythm import Rhythm


@pytest.mark.parametrize(
    ("rhythm", "lit", "dark"),
    [
        (Rhythm.OFF, [], [0.0, 1.0, 99.0]),
        (Rhythm.STEADY, [0.0, 1.0, 99.0], []),
        (Rhythm.SLOW, [0.0, 0.49, 1.0], [0.5, 0.99, 1.5]),
        (Rhythm.FAST, [0.0, 0.12, 0.25], [0.125, 0.24]),
        (Rhythm.FASTER, [0.0, 0.04, 0.1], [0.05, 0.09]),
        (Rhythm.SHORT_BLINK, [0.0, 0.09, 5.0], [0.1, 0.99]),
        (Rhythm.IDENTIFY, [0.0, 0.25, 1.05], [0.15, 0.35, 0.95]),
    ],
)
def test_each_rhythm_is_lit_and_dark_when_it_says(rhythm: Rhythm, lit: list[float], dark: list[float]) -> None:
    assert all(rhythm.is_lit(time) for time in lit)
    assert not any(rhythm.is_lit(time) for time in dark)


@pytest.mark.parametrize("rhythm", [Rhythm.OFF, Rhythm.STEADY])
def test_what_does_not_blink_never_changes(rhythm: Rhythm) -> None:
    assert rhythm.until_change(0.3) == float("inf")


@given(st.sampled_from([rhythm for rhythm in Rhythm if rhythm.until_change(0) < 9]), st.floats(0, 1e6))
def test_who_sleeps_until_the_next_change_finds_one(rhythm: Rhythm, elapsed: float) -> None:
    wait = rhythm.until_change(elapsed)
    assert 0 < wait <= 1
    assert rhythm.is_lit(elapsed + wait) is not rhythm.is_lit(elapsed)
