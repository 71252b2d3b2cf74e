"""Announces the device by multicast DNS, so that it is found without the log of a DHCP server (RFC 6762, RFC 6763)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.network.mortal_loop import MortalLoop
from appliance.service import PATIENCE, Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address

    from zeroconf import RecordUpdate, Zeroconf
    from zeroconf.asyncio import AsyncZeroconf

log = logging.getLogger(__name__)

HTTP = "_http._tcp.local."
TUNNEL = "_mbus._tcp.local."
"""Types of service (RFC 6763, 7). The tunnel's is our own; IANA has none for M-Bus."""

IMPORT_PATIENCE = 20.0
"""Seconds without a sign of life while zeroconf is imported, on a Pi whose slow card starts all else too."""

RETRY = 5.0
"""Seconds between two attempts after the first failed."""

MOST_NAMES = 15
"""Names that are tried in a row: hostname, hostname-2 and so on (RFC 6762, 8.1 and 9)."""

REST_AFTER_CONFLICTS = 60.0
"""Seconds before the first name is tried again when all of them are taken."""

QUESTION = 600.0
"""Milliseconds for other hosts to say that they have the name."""

DEFENCE = 10.0
"""Seconds within which a second conflict is not answered but avoided (RFC 6762, 9)."""

ECHO = 3.0
"""Seconds after a defence in which the other host may still show the name: it announces all services before it heeds
us, up to 2 s."""

TYPE_A = 1
"""RFC 1035, 3.2.2."""

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?", re.IGNORECASE)
"""A host name of one label, with room for a number (RFC 1123, 2.1)."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is to be announced."""

    hostname: str
    addresses: tuple[IPv4Address, ...]
    """The first one says on which interface."""
    tunnel_port: int | None = None
    http_port: int | None = None


@dataclass(frozen=True, slots=True)
class AnnouncerSnapshot:
    """What is announced now."""

    name: str = ""
    """The host name that others find, with ``.local``; empty while nothing is announced."""
    fault: str = ""
    """Why nothing is announced though it should be, a sentence."""


class NameTaken(Exception):  # noqa: N818 (called by what happened; caught here, seen nowhere else)
    """Another host has the name."""


class Announcer(Service):
    """Announces host name, web server and tunnel on one interface, and takes another name when the first is taken.

    All is done in its own thread by zeroconf (docs/decisions/mdns.md); whoever calls `announce` or `withdraw` never
    waits. Whatever fails is told as a fault and tried again.
    """

    def __init__(self) -> None:
        """Announce nothing yet."""
        super().__init__("mdns")
        self.on_change: Callable[[], None] = lambda: None
        """Called by the announcer's own thread when `snapshot` has changed: only take note."""
        self._wanted: Offer | None = None
        self._turn = 0
        """Grows with each change of what is wanted."""
        self._snapshot = AnnouncerSnapshot()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Event | None = None

    def announce(
        self,
        hostname: str,
        addresses: tuple[IPv4Address, ...],
        *,
        tunnel_port: int | None = None,
        http_port: int | None = None,
    ) -> None:
        """Announce this from now on, in place of what was announced before (any thread).

        The same again changes nothing. After a loss of carrier call `withdraw` first, for the network may be another
        one, and be asked for the name anew (RFC 6762, 8.3).

        :param addresses: at least one, all on the same interface, and already in use.
        """
        self._want(Offer(hostname, addresses, tunnel_port, http_port) if addresses else None)

    def withdraw(self) -> None:
        """Announce nothing any more, and say good-bye if the network is still there (any thread)."""
        self._want(None)

    def snapshot(self) -> AnnouncerSnapshot:
        """Tell what is announced now (any thread)."""
        return self._snapshot

    def wake(self) -> None:
        """Make it come round once (any thread)."""
        super().wake()
        with self._lock:
            if self._loop is not None and self._woken is not None:
                with contextlib.suppress(RuntimeError):  # closed by the way, when the thread was given up
                    self._loop.call_soon_threadsafe(self._woken.set)

    def run(self) -> None:
        """Announce until told to stop. Before the first `announce` nothing of zeroconf or asyncio is in use."""
        while not self.stopping.is_set() and self._wanted is None:
            self.beat()
            self.rest(None)
        if self.stopping.is_set():
            return
        self.patience = IMPORT_PATIENCE
        # Imported here, by the thread that needs it: 5 MB that a device without a network never needs.
        import zeroconf.asyncio  # noqa: F401

        self.patience = PATIENCE
        MortalLoop().run_to_the_end(self._main())

    def release(self) -> None:
        """Have a thread that was given up see it and close its sockets; nobody else may. Else they are closed."""
        self.wake()

    def _want(self, wanted: Offer | None) -> None:
        with self._lock:
            if wanted == self._wanted:
                return
            self._wanted = wanted
            self._turn += 1
        self.wake()

    async def _main(self) -> None:
        with self._lock:
            self._woken = asyncio.Event()
            self._loop = asyncio.get_running_loop()
        try:
            await self._serve()
        finally:
            with self._lock:
                self._loop = None

    async def _serve(self) -> None:
        number = 1
        turn = -1
        while not self.stopping.is_set():
            self.beat()
            if turn != self._turn:
                turn, number = self._turn, 1
            wanted = self._wanted
            if wanted is None:
                self._publish(AnnouncerSnapshot())
                await self._until(turn)
                continue
            name = wanted.hostname if number == 1 else f"{wanted.hostname}-{number}"
            try:
                await self._hold(wanted, name, turn)
            except NameTaken:
                log.warning("another host is called %s.local", name)
                number += 1
                if number > MOST_NAMES:
                    self._publish(AnnouncerSnapshot(fault=f"Other hosts have all names up to {name}.local."))
                    number = 1
                    await self._until(turn, REST_AFTER_CONFLICTS)
            except Exception as error:  # noqa: BLE001 (whatever it is, it must not end the announcer)
                reason = getattr(error, "strerror", None) or str(error) or repr(error)
                self._publish(AnnouncerSnapshot(fault=f"The device cannot be announced: {reason}."))
                await self._until(turn, RETRY)

    async def _until(self, turn: int, seconds: float | None = None, *, work: asyncio.Task[None] | None = None) -> None:
        """Wait for another turn, the stop, the end of `work`, or the time."""
        assert self._woken is not None  # noqa: S101 (set before the loop)
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        while self._turn == turn and not self.stopping.is_set() and not (work is not None and work.done()):
            waiter = loop.create_task(self._woken.wait())
            self.is_resting = True
            left = None if end is None else max(0.0, end - loop.time())
            await asyncio.wait(
                {waiter} if work is None else {waiter, work}, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            self.is_resting = False
            waiter.cancel()
            self._woken.clear()
            self.beat()
            if end is not None and loop.time() >= end:
                return

    async def _hold(self, wanted: Offer, name: str, turn: int) -> None:
        """Announce until something else is wanted.

        :raises NameTaken: when another host has the name.
        """
        from zeroconf import IPVersion
        from zeroconf.asyncio import AsyncZeroconf

        if not LABEL.fullmatch(wanted.hostname):
            raise ValueError("the host name is none that can be announced")
        zeroconf = AsyncZeroconf(interfaces=[str(wanted.addresses[0])], ip_version=IPVersion.V4Only)
        work = asyncio.get_running_loop().create_task(self._announce(zeroconf, wanted, name))
        try:
            await self._until(turn, work=work)
        finally:
            work.cancel()
            await asyncio.wait({work})
            if not work.cancelled() and work.exception() is not None:
                # No good-bye for a name that another host has: it would make everybody forget that host.
                _forget_services(zeroconf)
            try:
                # Good-byes, and all sockets closed: a quarter of a second.
                await zeroconf.async_close()
            except Exception:  # noqa: BLE001 (a good-bye that failed must not leave sockets and timers)
                _forget_services(zeroconf)
                await zeroconf.async_close()
            if self._snapshot.name:
                self._publish(AnnouncerSnapshot())
        if not work.cancelled():
            work.result()

    async def _announce(self, zeroconf: AsyncZeroconf, wanted: Offer, name: str) -> None:
        # The resolver is documented, and was forgotten in zeroconf's list of names.
        from zeroconf import (  # type: ignore[attr-defined]  # of its public module, but not in its __all__
            AddressResolverIPv4,
            NonUniqueNameException,
            ServiceInfo,
        )

        ours = {address.packed for address in wanted.addresses}
        host = f"{name}.local."
        await zeroconf.zeroconf.async_wait_for_start()
        if not zeroconf.zeroconf.engine.senders:  # it went in the moment between joining the group and binding
            raise OSError(f"{wanted.addresses[0]} is not in use")
        # zeroconf itself asks only for the names of services, and hosts of the same make have the same name.
        holder = AddressResolverIPv4(host)
        await holder.async_request(zeroconf.zeroconf, QUESTION)
        if set(holder.addresses) - ours:
            raise NameTaken
        watch = _watch(host.lower(), ours)
        zeroconf.zeroconf.async_add_listener(watch, None)
        services = [
            ServiceInfo(
                kind,
                f"{name}.{kind}",
                port=port,
                server=host,
                parsed_addresses=[str(address) for address in wanted.addresses],
                properties=properties,
            )
            for kind, port, properties in ((HTTP, wanted.http_port, {"path": "/"}), (TUNNEL, wanted.tunnel_port, {}))
            if port
        ]
        for service in services:
            # The result is the announcing, which goes on beside us and ends by itself.
            try:
                await zeroconf.async_register_service(service)
            except NonUniqueNameException as error:
                if service is services[0] or not b"" < watch.foreign < max(ours):
                    raise NameTaken from error
                # Both of us have announced already; that one will leave the name, and this answers it.
                await zeroconf.async_register_service(service, cooperating_responders=True)
        self._publish(AnnouncerSnapshot(name=host.removesuffix(".")))
        await self._defend(zeroconf, services, watch, max(ours))

    async def _defend(self, zeroconf: AsyncZeroconf, services: list[Any], watch: Any, our_best: bytes) -> None:
        """Stay until another host shows the name and does not leave it (RFC 6762, 8.2 and 9).

        Of two that took it at the same time the one with the greater address stays; what the other had under way
        before it could hear the defence is no second conflict, or both would leave the name.
        """
        loop = asyncio.get_running_loop()
        defended = -DEFENCE
        while True:
            foreign = await watch.next()
            since = loop.time() - defended
            if foreign > our_best:
                raise NameTaken
            if since < ECHO:
                continue
            if since < DEFENCE:
                raise NameTaken
            defended = loop.time()
            for service in services:
                await zeroconf.async_update_service(service)

    def _publish(self, snapshot: AnnouncerSnapshot) -> None:
        if snapshot == self._snapshot:
            return
        self._snapshot = snapshot
        if snapshot.fault:
            log.warning("%s", snapshot.fault)
        elif snapshot.name:
            log.info("announced as %s", snapshot.name)
        self.on_change()


def _forget_services(zeroconf: AsyncZeroconf) -> None:
    """Have nothing left to say good-bye for."""
    registry = zeroconf.zeroconf.registry
    registry.async_remove(registry.async_get_service_infos())


def _watch(host: str, ours: set[bytes]) -> Any:
    """Make a listener for addresses of `host` that are not ours. A function, for the import is put off."""
    from zeroconf import RecordUpdateListener

    class Watch(RecordUpdateListener):
        def __init__(self) -> None:
            super().__init__()
            self.foreign = b""
            """The greatest address of others since the last `next`."""
            self._seen = asyncio.Event()

        async def next(self) -> bytes:
            """Wait for the next conflict; give the address of the other host."""
            await self._seen.wait()
            self._seen.clear()
            found, self.foreign = self.foreign, b""
            return found

        def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:  # noqa: ARG002
            for record in (update.new for update in records):
                if record.type != TYPE_A or record.name.lower() != host or not record.ttl:
                    continue  # without time to live it is a farewell
                address: bytes = getattr(record, "address", b"")
                if address not in ours:
                    self.foreign = max(self.foreign, address)
                    self._seen.set()

    return Watch()
