"""What all connections of one web server share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.httpd.configuration import WebConfiguration
from appliance.httpd.crowd import Crowd

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from appliance.httpd.access_log import AccessLog
    from appliance.httpd.exchange import Application, Exchange
    from appliance.httpd.limits import Limits
    from appliance.httpd.statistics import HttpCounters
    from appliance.httpd.workers import Workers
    from appliance.settings import Settings


class Shared:
    """For the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        *,
        settings: Settings,
        limits: Limits,
        application: Application,
        counters: HttpCounters,
        access_log: AccessLog | None,
        spool: Path,
    ) -> None:
        """Begin with no connections."""
        self.loop = loop
        self.workers = workers
        self.settings = settings
        self.limits = limits
        self.application = application
        self.counters = counters
        self.spool = spool
        self.crowd = Crowd(limits)
        self.is_closing = False
        """Whether the server stops: answers under way are the last."""
        self.has_upload = False
        """Whether a large upload is on its way to the disk; there is room for one."""
        self._access_log = access_log
        self._values = settings.in_force
        self._configuration = WebConfiguration.of(self._values)

    @property
    def configuration(self) -> WebConfiguration:
        """What the settings say now."""
        values = self.settings.in_force
        if values is not self._values:
            self._values, self._configuration = values, WebConfiguration.of(values)
        return self._configuration

    def note(self, exchange: Exchange) -> None:
        """Count and log an exchange that has ended."""
        self.counters.count(exchange.status)
        if self._access_log is not None:
            self._access_log.add(exchange)
