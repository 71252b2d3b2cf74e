"""What the pages see of the running device: snapshots, settings and names, and nothing that they could break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.certificate import Certificate
    from appliance.httpd.access_log import AccessLog
    from appliance.httpd.statistics import HttpSnapshot
    from appliance.line.line import LineSnapshot
    from appliance.network.announcer import AnnouncerSnapshot
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.panel.snapshot import PanelSnapshot
    from appliance.product import Product
    from appliance.recorder import History
    from appliance.settings import FactoryVariant, Settings
    from appliance.supervision.restart import Kind, Restart
    from appliance.supervision.ward import WardSnapshot
    from appliance.tunnel.statistics import TunnelSnapshot

T_co = TypeVar("T_co", covariant=True)


class Observable(Protocol[T_co]):
    """A service that publishes its state."""

    def snapshot(self) -> T_co:
        """State now, as a value that never changes (any thread)."""


class Journal(Protocol):
    """What is remembered of runs before."""

    @property
    def last(self) -> Restart | None:
        """How the run before this one ended."""


class Trial(Protocol):
    """New network settings that somebody has to confirm after the reboot."""

    @property
    def until(self) -> float:
        """When the former settings come back, in monotonic seconds; infinity while nothing is on trial."""


class DeviceView(Protocol):
    """The device as the pages need it. Services may be built anew: each is asked for when it is wanted."""

    @property
    def settings(self) -> Settings:
        """All settings; the one thing that pages change."""

    @property
    def product(self) -> Product:
        """What this device is."""

    @property
    def uptime(self) -> float:
        """Seconds since the program began."""

    @property
    def tunnel(self) -> Observable[TunnelSnapshot]:
        """The M-Bus over TCP."""

    @property
    def line(self) -> Observable[LineSnapshot]:
        """The serial line."""

    @property
    def panel(self) -> Observable[PanelSnapshot] | None:
        """LEDs and button; None on a device without."""

    @property
    def http(self) -> Observable[HttpSnapshot] | None:
        """The web server itself; None where something else serves the pages."""

    @property
    def access_log(self) -> AccessLog:
        """The log of requests."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of every TLS port; one of the few things besides settings that pages change."""

    @property
    def announcer(self) -> Observable[AnnouncerSnapshot] | None:
        """Who tells the network our name; None where somebody else does."""

    @property
    def journal(self) -> Journal:
        """What is remembered of runs before."""

    @property
    def history(self) -> History:
        """What the counters said over the last hour and the last week."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the device itself, a sentence each."""

    def network_snapshot(self) -> NetworkSnapshot:
        """State of the network."""

    @property
    def confirmation(self) -> Trial:
        """Whether new network settings wait to be confirmed."""

    def renew(self) -> None:
        """Ask the DHCP server to renew the lease now; nothing happens where the network is only observed."""

    @property
    def state_folder(self) -> Path:
        """Where the device keeps its settings."""

    def identify(self) -> None:
        """Let all LEDs flash for a while; nothing happens on a device without a panel."""

    def log_lines(self) -> tuple[str, ...]:
        """Give the last lines of the program's own log, the oldest first."""

    def services(self) -> tuple[WardSnapshot, ...]:
        """State of every service under supervision."""

    def reboot(self, kind: Kind, why: str) -> None:
        """Begin anew; an orderly stop follows.

        :raises RebootError: when it cannot be asked for.
        """

    def restore_factory_defaults(self, variant: FactoryVariant, *, kind: Kind, why: str) -> None:
        """Write the factory defaults, forget the certificate, and reboot.

        :raises SaveFailed: when the disk did; nothing has changed.
        :raises RebootError: when the reboot cannot be asked for.
        """
