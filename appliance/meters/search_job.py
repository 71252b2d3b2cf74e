"""The one search that there is: begun, rested, resumed and ended by anybody, carried out by the reader."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import InvalidMeter, SaveFailed
from appliance.meters.fields import BAUDS
from appliance.meters.snapshot import SearchPhase, SearchState
from appliance.readout.discovery.search import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.meters.database import Database
    from appliance.readout.discovery.found import FoundMeter
    from appliance.readout.master import Master

log = logging.getLogger(__name__)

SAVE_EVERY = 5.0
"""Seconds of a search that a power cut may cost."""
_SHOW_EVERY = 0.5
"""Seconds after which the state that others see is made anew."""
_SHOW_SHARE = 0.02
"""Part of the time that this may take: with 250 meters found it is 10 ms each time, and more on a small board."""
_CUT_OFF = "the device began anew in the middle of the search"


class SearchJob:
    """Keeps the search, its state for others to see, and its copy in the database.

    `step` and `save` belong to the reader's thread, or to nobody's while there is none; the rest to any.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        """Begin without a search; `load` gets the one that is stored."""
        self._database = database
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._search: Search | None = None
        self._state = SearchState()
        self._mends_itself = False
        """Whether it failed for want of a line, and goes on when that is back."""
        self._is_changed = False
        self._saved_at = self._show_at = float("-inf")

    @property
    def state(self) -> SearchState:
        """State now."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether there is a step to do."""
        return self._state.phase is SearchPhase.RUNNING

    @property
    def waits_for_line(self) -> bool:
        """Whether it goes on by itself when there is a line again."""
        return self._mends_itself and self._state.phase is SearchPhase.FAILED

    @property
    def found(self) -> tuple[FoundMeter, ...]:
        """What it has found so far."""
        return self._state.found

    def load(self) -> None:
        """Take over the stored search; one that was cut off rests until somebody resumes it."""
        try:
            with self._database.reading() as connection:
                row = connection.execute("SELECT state FROM search").fetchone()
            if row is None:
                return
            item = json.loads(row[0])
            search = Search.from_object(item["search"])
            phase, error = SearchPhase(item["phase"]), str(item["error"])
            if phase is SearchPhase.RUNNING:
                phase, error = SearchPhase.PAUSED, _CUT_OFF
            state = SearchState(phase, error=error, began_at=item["began_at"])
            with self._lock:
                self._search, self._state = search, _shown(search, state)
        except SaveFailed:
            return
        except Exception:
            # Whatever an older or a newer firmware wrote there: a search can be begun again.
            log.exception("the stored search cannot be used")

    def begin(self, bauds: Sequence[int], *, primary: bool, secondary: bool) -> None:
        """Begin a search in place of the one before.

        :raises InvalidMeter: when there is nothing to search by, or a speed that is none.
        """
        errors = {}
        if not bauds or any(baud not in BAUDS for baud in bauds):
            shown = ", ".join(str(baud) for baud in bauds) or "none"
            errors["bauds"] = f"{shown} is not allowed; {' or '.join(map(str, BAUDS))} bit/s, or both"
        if not primary and not secondary:
            errors["ways"] = "neither primary nor secondary addresses are to be searched"
        if errors:
            raise InvalidMeter(errors)
        search = Search.plan(tuple(dict.fromkeys(bauds)), primary=primary, secondary=secondary)
        with self._lock:
            self._search, self._mends_itself, self._is_changed = search, False, True
            self._state = _shown(search, SearchState(SearchPhase.RUNNING, began_at=self._wall()))

    def drop(self) -> None:
        """Forget the search and what it found."""
        with self._lock:
            self._search, self._state, self._mends_itself, self._is_changed = None, SearchState(), False, False

    def pause(self) -> None:
        """Let it rest after its present step."""
        self._turn(SearchPhase.PAUSED, {SearchPhase.RUNNING, SearchPhase.FAILED})

    def cancel(self) -> None:
        """End it; what it found stays."""
        self._turn(SearchPhase.CANCELLED, {SearchPhase.RUNNING, SearchPhase.PAUSED, SearchPhase.FAILED})

    def resume(self) -> None:
        """Go on, unless it is finished."""
        self._turn(SearchPhase.RUNNING, {SearchPhase.PAUSED, SearchPhase.CANCELLED, SearchPhase.FAILED})

    def fail(self, error: str, *, mends_itself: bool) -> None:
        """Note that it cannot go on; with `mends_itself` it does when the line is back."""
        self._turn(SearchPhase.FAILED, {SearchPhase.RUNNING}, error=error, mends_itself=mends_itself)

    def line_is_back(self) -> None:
        """Go on if the want of a line was what held it up."""
        if self.waits_for_line:
            self.resume()

    def _turn(
        self, phase: SearchPhase, where: set[SearchPhase], *, error: str = "", mends_itself: bool = False
    ) -> None:
        with self._lock:
            if self._search is None or self._state.phase not in where:
                return
            self._state = replace(self._state, phase=phase, error=error)
            self._mends_itself, self._is_changed = mends_itself, True

    def step(self, master: Master) -> None:
        """Do one step on the bus; `save` belongs behind it.

        :raises LineError: when the line is gone; the step can be repeated later.
        """
        search = self._search
        if search is None:
            return
        more = search.step(master)
        now = self._clock()
        with self._lock:
            if self._search is not search:
                return  # another one was begun meanwhile
            if not more:
                # Whatever somebody wanted of it meanwhile: there is nothing left to do.
                self._state = replace(self._state, phase=SearchPhase.FINISHED, error="")
                self._is_changed = True
            if not more or self._is_changed or now >= self._show_at:
                self._state = _shown(search, self._state)
                done = self._clock()
                self._show_at = done + max(_SHOW_EVERY, (done - now) / _SHOW_SHARE)
            self._is_changed = self._is_changed or now - self._saved_at >= SAVE_EVERY

    def save(self) -> None:
        """Store it if there is something new; when the disk fails, a later one may succeed."""
        with self._lock:
            search, state, is_changed = self._search, self._state, self._is_changed
            self._is_changed = False
        if search is None or not is_changed:
            return
        self._saved_at = self._clock()
        item = {
            "phase": state.phase,
            "error": state.error,
            "began_at": state.began_at,
            "search": search.as_object(),
        }
        try:
            with self._database.writing() as connection:
                connection.execute("INSERT OR REPLACE INTO search (key, state) VALUES (1, ?)", (json.dumps(item),))
        except SaveFailed:
            with self._lock:
                self._is_changed = True

    def note_progress(self) -> None:
        """Have the next `save` store how far it has come, at the end of the reader."""
        with self._lock:
            self._is_changed = self._is_changed or self._state.phase is SearchPhase.RUNNING


def _shown(search: Search, state: SearchState) -> SearchState:
    """Give `state` with how far `search` has come."""
    seen = search.snapshot()
    return replace(
        state,
        progress=seen.progress,
        remaining=seen.remaining,
        elapsed=search.elapsed,
        stage=seen.stage,
        found=seen.found,
        diagnoses=seen.diagnoses,
    )
