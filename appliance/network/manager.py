"""The network manager: one thread that gives the interface its address, its names and its link mode."""

from __future__ import annotations

import logging
import select
import time
from collections import deque
from functools import partial
from math import ceil, inf
from random import SystemRandom
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue, NetworkError
from appliance.network import time_servers
from appliance.network.acquisition import Acquisition
from appliance.network.configuration import NetworkConfiguration
from appliance.network.facts import Source, facts_of
from appliance.network.hands import Hands
from appliance.network.kernel.link_modes import warning
from appliance.network.remembered_address import RememberedAddress
from appliance.network.snapshot import NetworkSnapshot
from appliance.service import PATIENCE, Service
from appliance.settings import Settings, Transition, Values
from appliance.settings import network as declared
from appliance.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.network.binding import Binding
    from appliance.network.confirmation import Confirmation
    from appliance.network.link_watch import LinkSnapshot

log = logging.getLogger(__name__)

RETRY = 5.0
"""Seconds until what the kernel refused is tried again."""

KERNEL_PATIENCE = 10.0
"""Seconds that a change may take in the kernel: its network lock may be held, and some drivers are slow."""

IMPORT_PATIENCE = 20.0
"""Seconds that the first use of netlink may take, on a Pi that starts: it loads pyroute2."""


class NetworkManager(Service):
    """Manages the interface that the link watch follows.

    What it decides is in `Acquisition`, what it does to the system in `Hands`; here are the thread, its waiting, and
    the state for others. Nothing ticks: with an address that does not expire it sleeps until something happens.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        link: Callable[[], LinkSnapshot],
        state: Path,
        resolv_conf: Path,
        confirmation: Confirmation | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Manage the interface of `link`, which must be followed by a `wake` whenever it changes.

        :param state: folder for the lease and the AutoIP address.
        :param resolv_conf: where the resolver's configuration goes; that of the clock is put beside it.
        """
        super().__init__("network")
        self.on_change: Callable[[], None] = lambda: None
        """Called by the manager's own thread when `snapshot` has changed: only take note."""
        self.releases_lease = False
        """Whether a lease is given back at the end, and with it the address; else it is asked for again at the next
        start."""
        self._settings = settings
        self._link = link
        self._state = state
        self._resolv_conf = resolv_conf
        self._timesyncd_conf = resolv_conf.with_name(time_servers.FILE_NAME)
        self._confirmation = confirmation
        self._clock = clock
        self._wall_clock = wall_clock
        self._random = SystemRandom()
        self._remembered = RememberedAddress(state / "autoip-address")
        self._hands: Hands | None = None
        self._acquisition: Acquisition | None = None
        self._followed: LinkSnapshot | None = None
        self._is_started = False
        self._retry_at = inf
        self._refusals: dict[str, str] = {}
        self._commands: deque[Callable[[float], None]] = deque()
        self._snapshot = NetworkSnapshot()
        self._expiry_shown = inf
        """`Binding.expires_at` that the snapshot tells by the wall clock, reckoned once: the two clocks drift."""
        self._waker = Waker()
        self._unsubscribe = settings.subscribe(self._prepare)

    # Any thread.

    def snapshot(self) -> NetworkSnapshot:
        """State of the network."""
        return self._snapshot

    def renew(self) -> None:
        """Ask the server now, as the user wants."""
        self._command(self._renew)

    def wake(self) -> None:
        """Make the manager come round now."""
        self._waker.wake()

    def _command(self, command: Callable[[float], None]) -> None:
        self._commands.append(command)
        self.wake()

    def _prepare(self, old: Values, new: Values) -> Transition | None:
        if NetworkConfiguration.of(old) == NetworkConfiguration.of(new):
            return None
        apply = partial(self._command, partial(self._reconfigure, NetworkConfiguration.of(new)))
        return Transition(apply=apply, abandon=lambda: None)

    # The manager's thread.

    def run(self) -> None:
        """Manage until told to stop."""
        self.patience = IMPORT_PATIENCE
        if self._confirmation is not None:
            self._confirmation.start(self._clock())
        while not self.stopping.is_set():
            self.beat()
            self._round()
            self.patience = PATIENCE
            self._wait()
        if self.releases_lease and self._acquisition is not None and self._hands is not None:
            self._acquisition.stop(release=True)
            self._hands.forget_lease()
            self._give(None)

    def release(self) -> None:
        """Free the descriptors. The interface keeps its address: connections on it outlive a restart of the manager."""
        self._unsubscribe()
        self._waker.close(self.thread)
        if self._hands is not None:
            self._hands.close()

    def _round(self) -> None:
        now = self._clock()
        is_time_to_retry = self._retry_at <= now
        if is_time_to_retry:
            self._retry_at = inf
        self._follow(self._link(), now)
        while self._commands:
            self._commands.popleft()(now)
        if self._confirmation is not None and self._confirmation.due <= now:
            self._confirmation.check(now)
        acquisition, hands = self._acquisition, self._hands
        if acquisition is not None and hands is not None:
            for frame in hands.arp_frames():
                acquisition.receive_arp(frame, now)
            for payload in hands.server_payloads():
                acquisition.receive_from_server(payload, now)
            acquisition.check(now)
            if is_time_to_retry:
                self._give(acquisition.binding)
                self._set_link_mode()
            hands.watch(acquisition.watched)
        self._publish()

    def _wait(self) -> None:
        now = self._clock()
        due = self._retry_at
        if self._acquisition is not None:
            due = min(due, self._acquisition.due)
        if self._confirmation is not None:
            due = min(due, self._confirmation.due)
        poll = select.poll()
        poll.register(self._waker, select.POLLIN)
        for descriptor in self._hands.descriptors() if self._hands is not None else ():
            poll.register(descriptor, select.POLLIN)
        self.is_resting = True
        # Poll counts in milliseconds; rounded up, so that nothing is looked at too early again and again.
        poll.poll(None if due == inf else max(0, ceil((due - now) * 1000)))
        self.is_resting = False
        self._waker.clear()

    def _follow(self, link: LinkSnapshot, now: float) -> None:
        """Take note of another interface, or of its carrier."""
        followed = self._followed
        if link is followed or (link.interface is None and not link.fault):
            return  # nothing new, or a watch that has not looked yet
        if followed is None or (link.index, link.mac, link.interface) != (
            followed.index,
            followed.mac,
            followed.interface,
        ):
            self._leave()
            if link.interface is None or not link.mac:
                self._followed = link
                return
            try:
                self._take(link)
            except (NetworkError, OSError, InvalidValue) as error:
                self._refuse("interface", f"{link.interface} cannot be managed: {error}")
                self._leave()
                self._retry_at = now + RETRY
                return  # and follow it again at the next round
            self._refuse("interface", "")
        had_carrier = followed is not None and bool(followed.has_carrier) and self._is_started
        self._followed = link
        acquisition = self._acquisition
        if acquisition is None:
            return
        if self._hands is not None and link.has_carrier is not (followed.has_carrier if followed is not None else None):
            try:
                self._hands.read_link_mode()  # what was negotiated with the other end
            except NetworkError as error:
                log.info("the link's mode is not known: %s", error)
        if link.is_enabled and followed is not None and not followed.is_enabled and acquisition.binding is not None:
            self._give(acquisition.binding)  # being switched off took the routes away
        if link.has_carrier and not self._is_started:
            self._is_started = True
            acquisition.start(now)
        elif link.has_carrier and not had_carrier:
            acquisition.carrier_back(now)
        elif had_carrier and not link.has_carrier:
            acquisition.carrier_lost(now)

    def _take(self, link: LinkSnapshot) -> None:
        """Begin with an interface."""
        assert link.interface is not None  # noqa: S101 (the caller has looked)
        hands = self._hands = Hands(link.interface, link.index, link.mac, state=self._state)
        configuration = NetworkConfiguration.of(self._settings.in_force)
        self._set_link_mode(configuration)
        self._acquisition = Acquisition(
            configuration,
            link.mac,
            thoroughness=self._settings[declared.ADDRESS_CHECK],
            new_client=hands.client_for(configuration, random=self._random, wall_clock=self._wall_clock),
            send_arp=self._send_arp,
            on_binding=self._give,
            on_lease=hands.remember,
            random=self._random,
            remembered_autoip=self._remembered.load(),
        )
        hands.switch_on()
        self._is_started = False

    def _send_arp(self, frame: bytes) -> None:
        """Send an ARP frame, after having made sure that an answer to it is heard."""
        if self._hands is not None and self._acquisition is not None:
            self._hands.watch(self._acquisition.watched)
            self._hands.send_arp(frame)

    def _leave(self) -> None:
        if self._acquisition is not None:
            self._acquisition.stop()
        if self._hands is not None:
            self._hands.close()
        self._acquisition = self._hands = None
        self._followed = None
        self._is_started = False

    def _give(self, binding: Binding | None) -> None:
        """Give the interface what was come by."""
        hands = self._hands
        if hands is None:
            return
        self.patience = KERNEL_PATIENCE
        try:
            hands.give(binding, self._clock())
        except NetworkError as error:
            self._refuse("address", str(error.strerror or error))
            self._retry_at = self._clock() + RETRY
        else:
            self._refuse("address", "")
        if binding is not None and binding.source is Source.AUTOIP:
            self._remembered.store(binding.address.ip)
        try:
            hands.resolve(binding, self._settings[declared.DOMAIN], self._resolv_conf)
        except (NetworkError, InvalidValue) as error:
            self._refuse("resolver", str(error))
        else:
            self._refuse("resolver", "")
        try:
            hands.name_time_servers(binding, self._timesyncd_conf)
        except NetworkError as error:
            self._refuse("time servers", str(error))
        else:
            self._refuse("time servers", "")

    def _set_link_mode(self, configuration: NetworkConfiguration | None = None) -> None:
        hands = self._hands
        if hands is None:
            return
        wanted = configuration or NetworkConfiguration.of(self._settings.in_force)
        self.patience = KERNEL_PATIENCE
        try:
            hands.set_link_mode(wanted.speed, wanted.duplex)
        except NetworkError as error:
            self._refuse("link", str(error.strerror or error))
        else:
            self._refuse("link", warning(wanted.speed, wanted.duplex))

    def _reconfigure(self, configuration: NetworkConfiguration, now: float) -> None:
        if self._acquisition is None:
            return
        former = self._acquisition.configuration
        self._acquisition.reconfigure(configuration, now)
        if (former.speed, former.duplex) != (configuration.speed, configuration.duplex):
            self._set_link_mode(configuration)

    def _renew(self, now: float) -> None:
        if self._acquisition is not None:
            self._acquisition.renew(now)

    def _refuse(self, what: str, trouble: str) -> None:
        """Take note of a trouble, or that it is over."""
        if not trouble:
            self._refusals.pop(what, None)
        elif self._refusals.get(what) != trouble:
            log.warning("%s", trouble)
            self._refusals[what] = trouble

    def _publish(self) -> None:
        link, acquisition = self._followed, self._acquisition
        binding = acquisition.binding if acquisition is not None else None
        troubles = [self._refusals[what] for what in sorted(self._refusals)]
        if acquisition is not None and acquisition.trouble:
            troubles.insert(0, acquisition.trouble)
        ends_at = None
        if binding is not None and binding.expires_at != inf:
            ends_at = self._snapshot.lease_ends_at
            if ends_at is None or binding.expires_at != self._expiry_shown:
                ends_at = self._wall_clock() + binding.expires_at - self._clock()
                self._expiry_shown = binding.expires_at
        snapshot = NetworkSnapshot(
            interface=link.interface if link is not None else None,
            mac=link.mac if link is not None else "",
            has_carrier=link.has_carrier if link is not None else None,
            link_modes=self._hands.link_modes if self._hands is not None else None,
            current=facts_of(self._settings.in_force, binding),
            troubles=tuple(troubles),
            lease_ends_at=ends_at,
        )
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self.on_change()
