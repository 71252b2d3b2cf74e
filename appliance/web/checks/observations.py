"""What the checks look at, all of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from appliance.certificate import CertificateFacts
    from appliance.httpd.statistics import HttpSnapshot
    from appliance.line.line import LineSnapshot
    from appliance.network.snapshot import NetworkSnapshot
    from appliance.panel.snapshot import PanelSnapshot
    from appliance.settings import Values
    from appliance.supervision.restart import Restart
    from appliance.supervision.ward import WardSnapshot
    from appliance.tunnel.statistics import TunnelSnapshot


@dataclass(frozen=True, slots=True)
class LineTotals:
    """What all serial ports together have counted."""

    sent: int = 0
    received: int = 0
    errors: int | None = None
    """Parity, framing and overrun errors and breaks; None where no port counts them."""

    @classmethod
    def of(cls, line: LineSnapshot) -> LineTotals:
        """Add the ports up."""
        counts = [
            count
            for port in line.branches
            for count in (
                port.statistics.rx_parity_errors,
                port.statistics.rx_framing_errors,
                port.statistics.rx_overrun_errors,
                port.statistics.rx_breaks,
            )
            if count is not None
        ]
        return cls(
            # A request goes out on every port, so that the sum would count it twice.
            sent=max((port.statistics.tx_bytes for port in line.branches), default=0),
            received=sum(port.statistics.rx_bytes for port in line.branches),
            errors=sum(counts) if counts else None,
        )

    def since(self, former: LineTotals) -> LineTotals:
        """Give what was counted since `former`; never less than nothing, for a port may have been changed."""
        errors = None if self.errors is None else max(self.errors - (former.errors or 0), 0)
        return LineTotals(max(self.sent - former.sent, 0), max(self.received - former.received, 0), errors)


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the settings are kept."""

    is_writable: bool
    free_bytes: int | None
    """None where the system does not say."""


@dataclass(frozen=True, slots=True)
class Observations:
    """Snapshots of everything that a check judges by."""

    now: dt.datetime
    """The wall clock, with its time zone."""
    uptime: float
    """Seconds."""
    build_date: dt.date | None
    settings: Values
    """Those in force."""
    is_saved: bool
    settings_problems: tuple[str, ...]
    faults: tuple[str, ...]
    """Of the device itself, those of the settings and of the certificate among them."""
    network: NetworkSnapshot
    line: LineSnapshot
    lately: LineTotals
    """What the line has counted in the last `lately_seconds`."""
    lately_seconds: float
    tunnel: TunnelSnapshot
    http: HttpSnapshot | None
    panel: PanelSnapshot | None
    services: tuple[WardSnapshot, ...]
    last_restart: Restart | None
    disk: Disk | None
    """None where nobody could look."""
    certificate: CertificateFacts | None
    certificate_problem: str | None
    has_factory_password: bool
