"""Whether the appliance is connected to a live network."""

from __future__ import annotations

import errno
import logging
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import NetworkError
from appliance.network.frame_counters import FrameCounters
from appliance.network.interface import SYS_CLASS_NET, check_name, choose_interface
from appliance.network.link_socket import LinkSocket
from appliance.network.link_table import LinkTable
from appliance.service import PATIENCE, Service
from appliance.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between two attempts to hear from the kernel after it failed."""

LIST_DEADLINE = 2.0
"""Seconds for the next part of a list; the kernel gives it at once, so that more means that it was lost."""

IMPORT_PATIENCE = 20.0
"""Seconds without a sign of life while pyroute2 is imported, on a Pi whose slow card starts all else too."""


@dataclass(frozen=True, slots=True)
class LinkSnapshot:
    """State of the appliance's interface."""

    interface: str | None = None
    """Its present name; `None` while there is none."""
    index: int = 0
    """The kernel's number of it; 0 while there is none."""
    is_enabled: bool = False
    """Whether it is switched on. One that is off has no carrier, whatever cable is in it."""
    has_carrier: bool | None = None
    """Whether it is connected to something that is alive; `None` when that is not known."""
    mac: str = ""
    operational_state: str = ""
    """RFC 2863 ifOperStatus in small letters: up, down, lowerlayerdown, dormant, unknown..."""
    fault: str = ""
    """What is wrong, a sentence: no such interface, or the kernel does not tell. Empty before the first look."""


class LinkWatch(Service):
    """Follows the appliance's interface by the kernel's events; nothing ticks.

    The interface may be missing, be renamed, be taken away and come back: that is told by events too. Messages lost by
    an overrun make it ask for the whole state anew.
    """

    def __init__(self, interface: str | None = None, *, sys_class_net: Path = SYS_CLASS_NET) -> None:
        """Watch `interface`, or the first wired Ethernet port (`appliance.network.interface.find_interface`).

        :raises InvalidValue: when `interface` cannot be the name of an interface.
        """
        super().__init__("link")
        self.on_change: Callable[[], None] = lambda: None
        """Called by the watch's own thread when `snapshot` has changed: only take note."""
        self.overruns = 0
        """Times that the kernel had more to tell than it could keep."""
        self._wanted = check_name(interface) if interface is not None else None
        self._sys_class_net = sys_class_net
        self._snapshot = LinkSnapshot()
        self._counters = FrameCounters(sys_class_net)
        self._waker = Waker()
        self._links: LinkSocket | None = None

    def snapshot(self) -> LinkSnapshot:
        """State of the interface (any thread)."""
        return self._snapshot

    def frames(self) -> int:
        """Frames that the interface has received and sent since the watch began; never falls (any thread).

        Some microseconds: it may be asked ten times a second and more.
        """
        return self._counters.total()

    def wake(self) -> None:
        """Make the watch come round once (any thread)."""
        self._waker.wake()

    def run(self) -> None:
        """Watch until told to stop."""
        while not self.stopping.is_set():
            self.beat()
            try:
                self.patience = IMPORT_PATIENCE
                self._links = LinkSocket()
                self.patience = PATIENCE
                self._follow(self._links)
            except OSError as error:
                self._hang_up()
                if error.errno == errno.ENOBUFS:
                    self.overruns += 1
                    log.info("messages about interfaces were lost; asking for all anew")
                    continue
                self._publish(LinkSnapshot(fault=f"The link cannot be watched: {error.strerror or error}."))
                self._wait(None, RETRY)

    def release(self) -> None:
        """Free the descriptors. The counters stay where they were."""
        self._waker.close(self.thread)
        self._counters.close()
        self._hang_up()

    def _hang_up(self) -> None:
        links, self._links = self._links, None
        if links is not None:
            links.close()

    def _follow(self, links: LinkSocket) -> None:
        table = LinkTable()
        followed: tuple[str, int] | None = None
        while not self.stopping.is_set():
            has_news = self._wait(links, None if table.is_complete else LIST_DEADLINE)
            self.beat()
            if not has_news:
                continue
            for message in links.read():
                table.take(message)
            if not table.is_complete:
                continue
            link = table.by_name.get(choose_interface(table.by_name, self._wanted, self._sys_class_net) or "")
            if link is None:
                followed = None
                self._counters.follow(None)
                self._publish(LinkSnapshot(fault=self._missing))
                continue
            if followed != (link.name, link.index):
                followed = (link.name, link.index)
                self._counters.follow(link.name)
            self._publish(
                LinkSnapshot(
                    interface=link.name,
                    index=link.index,
                    is_enabled=link.is_enabled,
                    has_carrier=link.has_carrier,
                    mac=link.mac,
                    operational_state=link.operational_state,
                )
            )

    @property
    def _missing(self) -> str:
        return f"There is no interface {self._wanted}." if self._wanted else "There is no Ethernet interface."

    def _wait(self, links: LinkSocket | None, seconds: float | None) -> bool:
        """Wait for a message or for `wake`; say whether there is a message."""
        poll = select.poll()
        event = self._waker.fileno()
        poll.register(event, select.POLLIN)
        if links is not None:
            poll.register(links, select.POLLIN)
        self.is_resting = True
        try:
            ready = {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}
        finally:
            self.is_resting = False
        if event in ready:
            self._waker.clear()
            ready.discard(event)
        elif not ready and links is not None:
            raise NetworkError(errno.ETIMEDOUT, "the kernel does not answer")
        return bool(ready)

    def _publish(self, snapshot: LinkSnapshot) -> None:
        if snapshot == self._snapshot:
            return
        self._snapshot = snapshot
        if snapshot.fault:
            log.warning("%s", snapshot.fault)
        else:
            log.info(
                "interface %s: %s, %s",
                snapshot.interface,
                "switched on" if snapshot.is_enabled else "switched off",
                "carrier" if snapshot.has_carrier else "no carrier",
            )
        self.on_change()
