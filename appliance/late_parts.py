"""Parts of the device that are loaded and built when somebody first asks for one."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from appliance.supervision.ward import Ward

if TYPE_CHECKING:
    from appliance.latecomers import Latecomers
    from appliance.line.line import Line
    from appliance.meters.meters import Meters
    from appliance.meters.reader import MeterReader
    from appliance.publishing.publisher import Publisher
    from appliance.recorder import History, Recorder
    from appliance.update.updater import Updater
    from appliance.update.worker import UpdateWorker


class LateParts(ABC):
    """What the tunnel does without. Any thread may ask for a part; the first to ask builds all.

    The tunnel is what a power cut interrupts, and on a small board a second is spent on each of these.
    """

    def __init__(self, line: Line) -> None:
        """Prepare to read meters on `line`."""
        self.line = line
        self._latecomers: Latecomers | None = None
        self._building = threading.Lock()

    @abstractmethod
    def _new_latecomers(self) -> Latecomers:
        """Load and build them."""

    @property
    def _late(self) -> Latecomers:
        with self._building:
            if self._latecomers is None:
                self._latecomers = self._new_latecomers()
            return self._latecomers

    @property
    def meters(self) -> Meters:
        """The meters that the device reads by itself."""
        return self._late.meters

    @property
    def publisher(self) -> Publisher:
        """Who sends readings to an MQTT broker."""
        return self._late.publisher

    @property
    def updater(self) -> Updater:
        """Firmware updates."""
        return self._late.updater

    @property
    def history(self) -> History:
        """What the recorder has noted."""
        return self._late.history

    @property
    def late_faults(self) -> tuple[str, ...]:
        """What is wrong with them, a sentence each; nothing before they are there, for they are not built to tell."""
        late = self._latecomers
        return (late.meters.problem,) if late is not None and late.meters.problem else ()

    def late_wards(self) -> list[Ward]:
        """Give the services among them, for the supervisor."""
        return [
            Ward("recorder", self._build_recorder),
            Ward("meters", self._build_reader),
            Ward("mqtt", self._build_publisher),
            Ward("update", self._build_update_worker),
        ]

    def close_late_parts(self) -> None:
        """Give back what they hold; for when the services have stopped."""
        late = self._latecomers
        if late is None:
            return
        if late.publisher.thread.ident is None:  # it was never started, and holds descriptors all the same
            late.publisher.stop()
        late.meters.close()

    def _build_recorder(self) -> Recorder:
        from appliance.recorder import Recorder

        return Recorder(self.history)

    def _build_reader(self) -> MeterReader:
        from appliance.meters.reader import MeterReader

        return MeterReader(self.meters, self.line)

    def _build_publisher(self) -> Publisher:
        return self._late.unstarted_publisher()

    def _build_update_worker(self) -> UpdateWorker:
        from appliance.update.worker import UpdateWorker

        return UpdateWorker(self.updater)
