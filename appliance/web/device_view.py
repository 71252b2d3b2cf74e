"""What the pages see of the running device besides what the console sees too; nothing that they could break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from appliance.device_view import DeviceView as CommonView

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.certificate import Certificate
    from appliance.device_view import Observable
    from appliance.network.announcer import AnnouncerSnapshot
    from appliance.recorder import History
    from appliance.supervision.ward import WardSnapshot


class Trial(Protocol):
    """New network settings that somebody has to confirm after the reboot."""

    @property
    def until(self) -> float:
        """When the former settings come back, in monotonic seconds; infinity while nothing is on trial."""


class DeviceView(CommonView, Protocol):
    """The device as the pages need it. Services may be built anew: each is asked for when it is wanted."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of every TLS port; one of the few things besides settings that pages change."""

    @property
    def announcer(self) -> Observable[AnnouncerSnapshot] | None:
        """Who tells the network our name; None where somebody else does."""

    @property
    def history(self) -> History:
        """What the counters said over the last hour and the last week."""

    @property
    def confirmation(self) -> Trial:
        """Whether new network settings wait to be confirmed."""

    @property
    def state_folder(self) -> Path:
        """Where the device keeps its settings."""

    def log_lines(self) -> tuple[str, ...]:
        """Give the last lines of the program's own log, the oldest first."""

    def services(self) -> tuple[WardSnapshot, ...]:
        """State of every service under supervision."""
