"""Whatever a contact does, it takes a real hold to reset the device."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from appliance.panel.button import Button, Outcome
from appliance.panel.contact import BOUNCE

RUNS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 8) | st.integers(60, 400), st.integers(10, 100)), min_size=1, max_size=60
)
"""Runs of equal samples: pressed or not, how many, and milliseconds between two."""


def samples(runs: list[tuple[bool, int, int]], start: float) -> list[tuple[float, bool]]:
    now, found = start, []
    for pressed, count, step in runs:
        for _ in range(count):
            found.append((now, pressed))
            now += step / 1000
    return found


def longest_open(history: list[tuple[float, bool]], since: float, until: float) -> float:
    longest, begin = 0.0, None
    for time, pressed in history:
        if not since <= time < until:
            continue
        begin = None if pressed else time if begin is None else begin
        longest = max(longest, 0.0 if begin is None else time - begin)
    return longest


def play(button: Button, history: list[tuple[float, bool]]) -> list[tuple[float, Outcome]]:
    outcomes = [(time, button.update(pressed, time)) for time, pressed in history]
    return [(time, outcome) for time, outcome in outcomes if outcome is not None]


@given(RUNS, st.booleans())
def test_no_reset_without_a_hold_of_five_seconds(runs: list[tuple[bool, int, int]], after_reset: bool) -> None:
    history = [(0.0, False), *samples(runs, 0.1)]
    for seen, outcome in play(Button(0.0, after_button_reset=after_reset), history):
        if outcome.variant is None:
            continue
        assert outcome.held >= 5 - 1e-5
        assert outcome.held <= 60 + 0.2
        # The hold ended with the last press before it was seen; between its ends the contact never rested open.
        ends = [time for (_, before), (time, pressed) in pairwise(history) if before and not pressed and time < seen]
        assert any(longest_open(history, end - outcome.held - 1e-6, end) < BOUNCE for end in ends)


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(10, 45)), min_size=60, max_size=150), st.booleans())
def test_noise_that_never_rests_is_no_hold_and_ends_one(noise: list[tuple[int, int]], is_power_on: bool) -> None:
    runs = [(index % 2 == 0, count, step) for index, (count, step) in enumerate(noise)]
    for pressed_before in (0, 10):
        history = [*samples([(True, pressed_before, 100)], 0.0), *samples(runs, 1.0), (60.0, False), (60.1, False)]
        outcomes = play(Button(0.0, is_power_on=is_power_on), history)
        assert all(outcome.variant is None and outcome.held < 2 for _, outcome in outcomes)


@given(st.booleans(), st.booleans(), st.floats(61, 5000), st.lists(st.integers(1, 49), max_size=20))
def test_a_stuck_button_never_resets(is_power_on: bool, after_reset: bool, held: float, bounces: list[int]) -> None:
    button = Button(0.0, is_power_on=is_power_on, after_button_reset=after_reset)
    history = [(0.0, True)]
    while history[-1][0] < min(held, 130):
        history.append((history[-1][0] + 0.1, True))
    pressed = False
    for gap in bounces:
        history.append((history[-1][0] + gap / 1000, pressed))
        pressed = not pressed
    history += [(history[-1][0] + 0.1, False), (history[-1][0] + 0.2, False)]
    assert all(outcome.variant is None for _, outcome in play(button, history))
