"""What the panel learns from the rest of the appliance."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to ask. All are called some times a second in the panel's thread, so they must be cheap and never wait."""

    octets: Callable[[], int]
    """A number that changes whenever bytes pass the line."""
    frames: Callable[[], int]
    """A number that changes whenever frames pass the network interface."""
    line_errors: Callable[[], int]
    """Collisions and line errors since boot; grows."""
    line_faults: Callable[[], tuple[str, ...]]
    """Why the serial line is not there, a sentence each; empty when it is."""
    has_link: Callable[[], bool | None]
    """Whether the network port has a carrier; None when nobody can tell."""
    device_faults: Callable[[], tuple[str, ...]]
    """What else is wrong with the device, a sentence each."""
    reset_in_operation: Callable[[], bool]
    """Whether holding the button in operation resets the device."""


class SourceReader:
    """Asks the sources and keeps when things last happened; a source that raises is a fault and no more."""

    def __init__(self, sources: Sources) -> None:
        """Prepare to ask; what the counters show at the first time is history and no event."""
        self.line_faults: tuple[str, ...] = ()
        self.device_faults: tuple[str, ...] = ()
        self.has_link: bool | None = None
        self.reset_in_operation = True
        self.traffic_at = self.line_error_at = float("-inf")
        self.faults: tuple[str, ...] = ()
        """A sentence for each source that failed the last time."""
        self._sources = sources
        self._octets: int | None = None
        self._frames: int | None = None
        self._line_errors: int | None = None
        self._turn = 0
        self._states: tuple[object, ...] | None = None
        self._failing: dict[str, str] = {}
        self._logged: set[str] = set()

    def read(self, now: float, *, all_of_them: bool = True) -> bool:
        """Ask every source; one that fails leaves what is harmless: no fault known, no link known, nothing new.

        Unless `all_of_them` are wanted, everything but the octets is asked at every third call only.

        :returns: whether any answer differs from the one before.
        """
        sources, states, frames = self._sources, self._states, self._frames
        self._turn += 1
        try:
            octets = sources.octets()
            if all_of_them or self._turn % 3 == 0:
                frames = sources.frames()
                states = (
                    sources.line_errors(),
                    sources.line_faults(),
                    sources.has_link(),
                    sources.device_faults(),
                    sources.reset_in_operation(),
                )
        except Exception:  # noqa: BLE001 (asked one by one below, each is logged)
            self._states = None
        else:
            if octets == self._octets and frames == self._frames and states == self._states:
                return False
            self._states = states
        self._read_each(now)
        return True

    def _read_each(self, now: float) -> None:
        sources = self._sources
        octets = self._ask("line traffic", sources.octets, self._octets)
        frames = self._ask("network traffic", sources.frames, self._frames)
        has_begun = self._octets is not None or self._frames is not None
        if has_begun and (octets, frames) != (self._octets, self._frames):
            self.traffic_at = now
        self._octets, self._frames = octets, frames
        errors = self._ask("line errors", sources.line_errors, self._line_errors)
        if errors != self._line_errors:
            if errors is not None and self._line_errors is not None and errors > self._line_errors:
                self.line_error_at = now
            self._line_errors = errors
        self.line_faults = self._ask("line", sources.line_faults, ())
        self.has_link = self._ask("link", sources.has_link, None)
        self.device_faults = self._ask("device", sources.device_faults, ())
        self.reset_in_operation = self._ask("settings", sources.reset_in_operation, self.reset_in_operation)

    def _ask(self, name: str, source: Callable[[], _Value], instead: _Value) -> _Value:
        try:
            value = source()
        except Exception as error:
            self._note(name, f"the panel cannot read the state of: {name} ({str(error) or type(error).__name__})")
            if name not in self._logged:
                self._logged.add(name)
                log.exception("the panel cannot read the state of: %s", name)
            return instead
        if self._failing and name in self._failing:
            self._note(name, "")
        return value

    def _note(self, name: str, fault: str) -> None:
        if fault:
            self._failing[name] = fault
        else:
            del self._failing[name]
        self.faults = tuple(self._failing.values())
