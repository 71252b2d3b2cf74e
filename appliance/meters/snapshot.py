"""State of the meters and of the work on them, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.meters.meter import Meter
    from appliance.readout.discovery.found import FoundMeter


@dataclass(frozen=True, slots=True)
class MeterState:
    """How it goes with one meter."""

    meter: Meter
    is_waiting: bool = False
    """Whether a readout was asked for and has not ended."""
    last_try: float | None = None
    """When it was last asked, seconds since 1970 (UTC); None before the first time."""
    last_reading: float | None = None
    """When it last answered."""
    error: str = ""
    """Why the last try failed; empty after a good one."""
    response_time: float | None = None
    """Seconds from a request to the answer, the mean of the last ones."""
    readout_time: float | None = None
    """Seconds that a whole readout takes, the mean of the last ones."""
    tries: int = 0
    """Readouts so far."""
    failures: int = 0
    """Those of them that failed."""
    due: float | None = None
    """When the schedule reads it next; None where it never does."""
    warning: str = ""
    """What is wrong with how it is read: faster than the bus can answer, or than its battery bears."""


class SearchPhase(StrEnum):
    """What a search does."""

    NONE = "none"
    """There was none yet."""
    RUNNING = "running"
    WAITING = "waiting"
    """It would run, but a TCP client has the bus."""
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The line was lost; it can be resumed."""


@dataclass(frozen=True, slots=True)
class SearchState:
    """The present search, or the last one."""

    phase: SearchPhase = SearchPhase.NONE
    progress: float = 0.0
    """Part that is done, 0 to 1."""
    remaining: float | None = None
    """Seconds that it will still take, as an estimate; None while there is nothing to estimate from."""
    elapsed: float = 0.0
    """Seconds of bus time that it took so far."""
    stage: str = ""
    """What it does now, in words."""
    found: tuple[FoundMeter, ...] = ()
    diagnoses: tuple[str, ...] = ()
    """What is wrong on the bus, a sentence each."""
    error: str = ""
    """Why it failed."""
    began_at: float | None = None
    """Seconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class MetersSnapshot:
    """Everything at one moment."""

    meters: tuple[MeterState, ...] = ()
    """In the order of the list."""
    search: SearchState = field(default_factory=SearchState)
    is_busy: bool = False
    """Whether the bus is in our hands now."""
    activity: str = ""
    """What is being done, in words; empty while nothing is."""
    bus_load: float = 0.0
    """Part of the bus time that the schedule needs, 0 to 1 and above where it cannot be kept."""
    warnings: tuple[str, ...] = ()
    """What concerns the bus as a whole, a sentence each."""
    readings: int = 0
    """Readings that are kept."""
    problem: str = ""
    """Why nothing can be stored; empty while all is well."""
