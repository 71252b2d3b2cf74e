"""The running device as pages and console see it: snapshots, settings, and the few things that they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from appliance.httpd.access_log import AccessLog
    from appliance.httpd.statistics import HttpSnapshot
    from appliance.line.line import LineSnapshot
    from appliance.meters.view import MetersView
    from appliance.monitor.line_monitor import LineMonitor
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.panel.snapshot import PanelSnapshot
    from appliance.product import Product
    from appliance.publishing.snapshot import PublisherSnapshot
    from appliance.settings import FactoryVariant, Settings
    from appliance.supervision.restart import Kind, Restart
    from appliance.tunnel.statistics import TunnelSnapshot
    from appliance.update.snapshot import UpdateView

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


class DeviceView(Protocol):
    """The device; anything may be called by any thread.

    Services may be built anew, so each is asked for when it is wanted.
    """

    @property
    def settings(self) -> Settings:
        """All settings."""

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
    def monitor(self) -> LineMonitor:
        """The last telegrams on the line."""

    @property
    def meters(self) -> MetersView:
        """The meters that the device reads by itself; people change their list, and ask for work on the bus."""

    @property
    def publisher(self) -> Observable[PublisherSnapshot]:
        """Who sends readings to an MQTT broker."""

    @property
    def updater(self) -> UpdateView:
        """Firmware updates."""

    @property
    def panel(self) -> Observable[PanelSnapshot] | None:
        """LEDs and button; None on a device without."""

    @property
    def http(self) -> Observable[HttpSnapshot] | None:
        """The web server; None while there is none, or where something else serves the pages."""

    @property
    def access_log(self) -> AccessLog:
        """The web server's log of requests."""

    @property
    def journal(self) -> Journal:
        """What is remembered of runs before."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the device itself, a sentence each."""

    def network_snapshot(self) -> NetworkSnapshot:
        """State of the network."""

    def renew(self) -> None:
        """Ask the DHCP or BOOTP server now. Nothing happens where none is asked."""

    def identify(self) -> None:
        """Let all LEDs flash for a while; nothing happens on a device without a panel."""

    def reboot(self, kind: Kind, why: str) -> None:
        """Begin anew; an orderly stop follows.

        :raises RebootError: when it cannot be asked for.
        """

    def restore_factory_defaults(self, variant: FactoryVariant, *, kind: Kind, why: str) -> None:
        """Write the factory defaults, forget what is the former owner's, and reboot.

        :raises SaveFailed: when the disk did; nothing has changed.
        :raises RebootError: when the reboot cannot be asked for.
        """
