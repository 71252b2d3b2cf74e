"""The reader's hold of the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.errors import LineError
from appliance.readout.line_transport import LineTransport
from appliance.readout.master import Master

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from appliance.line.line import Line
    from appliance.mbus.frame import Frame
    from appliance.mbus.secondary import Selection
    from appliance.readout.answer import Answer
    from appliance.readout.transport import Transport


class HeldLine(LineTransport):
    """The device's line as a transport whose waits all give a sign of life."""

    def __init__(
        self, line: Line, stopping: threading.Event, *, beat: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        """Use `line`; `beat` is called several times a second while anything is waited for."""
        super().__init__(line, stopping, clock)
        self._beat = beat
        self.is_held = False
        """Whether the bus is ours."""

    @property
    def is_wanted(self) -> bool:
        """Whether the bus should be given up soon: somebody waits for it, or the settings want another speed."""
        return super().is_wanted or self.must_change_speed

    @property
    def must_change_speed(self) -> bool:
        """Whether the settings want another speed, which is changed while the bus is nobody's."""
        return self._line.must_change_speed

    @property
    def is_there(self) -> bool:
        """Whether there is a serial port at all."""
        return bool(self._line.up)

    def take(self) -> None:
        """Wait for the bus; see `LineTransport.take`."""
        # While others had it the settings may have changed its speed.
        self._baud = self._line.baud
        super().take()
        self._baud = self._line.baud
        self.is_held = True

    def give_up(self) -> None:
        """Let others have the bus; harmless without it."""
        self.is_held = False
        if self._line.left_to is not self:
            self._baud = self._line.baud  # the ports are not in our hands
        try:
            super().give_up()
        except LineError:
            # A port that vanished under us is opened anew at the right speed; the bus must not stay ours.
            self._baud = self._line.baud
            super().give_up()

    def refresh(self) -> None:
        """Take into use a port that was opened while we have the bus, for nobody else does meanwhile."""
        baud = self._baud
        if self._line.refresh() and baud != self._line.baud:
            self.set_baud(baud)

    def _mind_end(self) -> None:
        self._beat()
        super()._mind_end()


class TimedMaster(Master):
    """A master that remembers how quickly answers came, and speaks to a meter as the list says."""

    def __init__(self, transport: Transport) -> None:
        """Talk over `transport`."""
        super().__init__(transport)
        self._delays: list[float] = []
        self._high_first = False
        self.told_at: float | None = None
        """When the first answer with data had come since `begin`, by the transport's clock; None before that."""

    def begin(self, *, high_first: bool = False) -> None:
        """Begin with another meter; `high_first` is one that understands only the selection of mode 2."""
        self._delays.clear()
        self._high_first = high_first
        self.told_at = None

    @property
    def response_time(self) -> float | None:
        """Mean of the seconds from a request to its answer since `begin`; None where none came."""
        return sum(self._delays) / len(self._delays) if self._delays else None

    def ask(self, frame: Frame, **how: Any) -> Answer:
        """Send `frame` and take what comes back; see `Master.ask`."""
        answer = super().ask(frame, **how)
        if answer.octets:
            self._delays.append(max(0.0, answer.delay))
        if self.told_at is None and answer.data is not None:
            self.told_at = self.transport.now()
        return answer

    def select(self, selection: Selection, **how: Any) -> Answer:
        """Select a meter; see `Master.select`."""
        return super().select(selection, **{**how, "high_first": how.get("high_first", False) or self._high_first})
