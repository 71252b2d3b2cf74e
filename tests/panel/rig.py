"""A panel on mock pins that is led through time without waiting for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.panel.mock_board import SimulatedBoard, simulated_board
from appliance.panel.panel import Panel
from appliance.panel.rhythm import Rhythm
from appliance.panel.snapshot import Led
from appliance.panel.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.settings import FactoryVariant


@dataclass
class World:
    """What the sources tell."""

    traffic: int = 0
    frames: int = 0
    line_errors: int = 0
    line_faults: tuple[str, ...] = ()
    has_link: bool | None = True
    device_faults: tuple[str, ...] = ()
    reset_in_operation: bool = True
    resets: list[FactoryVariant] = field(default_factory=list)

    def sources(self) -> Sources:
        return Sources(
            octets=lambda: self.traffic,
            frames=lambda: self.frames,
            line_errors=lambda: self.line_errors,
            line_faults=lambda: self.line_faults,
            has_link=lambda: self.has_link,
            device_faults=lambda: self.device_faults,
            reset_in_operation=lambda: self.reset_in_operation,
        )


class Bench:
    """Board, panel and clock; time passes in `run_to` alone."""

    def __init__(
        self,
        *,
        board: SimulatedBoard | None = None,
        world: World | None = None,
        after_button_reset: bool = False,
        is_power_on: bool = True,
        pressed: bool = False,
    ) -> None:
        self.now = 0.0
        self.world = world or World()
        self.board = board or simulated_board()
        if pressed:
            self.board.press()
        self.panel = Panel(
            self.board,
            sources=self.world.sources(),
            on_reset=self.world.resets.append,
            after_button_reset=after_button_reset,
            is_power_on=is_power_on,
            clock=lambda: self.now,
        )
        self.due = 0.0
        self.edges: dict[Led, list[tuple[float, bool]]] = {led: [] for led in Led}
        self.looks = 0

    def look(self) -> None:
        """Have the panel look now, as after a wake, and note which pins changed."""
        before = {led: self.board.is_lit(led) for led in Led}
        self.due = self.panel.look(self.now)
        self.looks += 1
        assert self.due > self.now or self.world.resets, "the panel would spin"
        for led, was_lit in before.items():
            if self.board.is_lit(led) is not was_lit:
                self.edges[led].append((self.now, not was_lit))

    def run_to(self, end: float) -> None:
        """Let time pass; the panel looks when it said that it would, and at `end`."""
        while self.due < end:
            self.now = max(self.now, self.due)
            self.look()
        self.now = end
        self.look()

    def do(self, time: float, action: Callable[[], None]) -> None:
        """Let time pass up to `time`, act, and have the panel look at that very moment."""
        self.run_to(time)
        action()
        self.look()

    def lit(self) -> set[Led]:
        return {led for led in Led if self.board.is_lit(led)}

    def pattern(self, led: Led, since: float, until: float) -> Rhythm | None:
        """Find the rhythm that the pin of `led` really had from `since` to `until`; None when it is no known one."""
        for rhythm in Rhythm:
            for begin in [since, *(time for time, on in self.edges[led] if on)]:
                if self._fits(led, rhythm, begin, since, until):
                    return rhythm
        return None

    def _fits(self, led: Led, rhythm: Rhythm, begin: float, since: float, until: float) -> bool:
        steps = int((until - since) / 0.005)
        return all(
            self._was_lit(led, time) is rhythm.is_lit(time - begin)
            for time in (since + 0.0025 + step * 0.005 for step in range(steps))
        )

    def _was_lit(self, led: Led, time: float) -> bool:
        return next((on for at, on in reversed(self.edges[led]) if at <= time), False)
