"""Brings the interface to what is wanted, and says what it really has."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, ParamSpec, Self

from appliance.errors import NetworkError
from appliance.network.interface import check_name
from appliance.network.kernel import addresses, port, router_advertisements, routes
from appliance.network.kernel.netlink import Netlink
from appliance.network.kernel.state import DefaultRoute, InterfaceState, PortState
from appliance.network.kernel.wanted import LARGEST_MTU, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Interface

    from appliance.network.kernel.state import HeldAddress
    from appliance.network.kernel.wanted import WantedAddress

log = logging.getLogger(__name__)

P = ParamSpec("P")

ROUNDS = 5
"""How often the interface is read back and brought nearer to what is wanted. Two are the rule: one that changes, one
that finds nothing to change. A change may take others along (the last address takes the routes), hence more."""

SMALLEST_IPV6_MTU = 1280
"""Octets (RFC 8200 section 5). Below it the kernel drops IPv6 from the interface, its link-local address too, so a
smaller MTU is kept on the default route alone."""

SAME_LIFETIME = 1
"""Seconds by which a lifetime may differ and not be set anew."""

FATAL = frozenset({errno.ETIMEDOUT, errno.EAGAIN, errno.EIO, errno.EBADMSG})
"""After these nothing else can be tried: the kernel does not answer."""


class InterfaceControl:
    """Sets addresses, default route, MTU and ARP behaviour of one interface, and reads them back.

    One thread uses it, in the network namespace where it was built. It holds one descriptor. Addresses and routes
    that somebody else has made stay untouched, an address that is wanted excepted: it becomes ours. IPv6 addresses
    are never touched.

    The first use imports pyroute2: 0.15 s here, more on a Pi.
    """

    def __init__(self, name: str, *, netlink: Netlink | None = None) -> None:
        """Control the interface `name`, which need not be there yet.

        :raises InvalidValue: when no interface can be called so.
        :raises NetworkError: when the kernel gives no netlink socket.
        """
        self.name = check_name(name)
        self._netlink = netlink or Netlink()
        self._ours: set[IPv4Interface] = set()
        """What was put there; a kernel before 5.18 keeps no mark."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the descriptor; the interface stays as it is."""
        self._netlink.close()

    def state(self) -> InterfaceState:
        """Read what the interface has.

        :raises NetworkError: ENODEV when it is not there, or what the kernel says.
        """
        found = port.read(self._netlink, self.name)
        try:
            held = addresses.read(self._netlink, found.index, self._ours)
            return InterfaceState(found, held, routes.read(self._netlink))
        except NetworkError as error:
            _stop_if_fatal(self.name, error)
            raise

    def switch_on(self) -> None:
        """Switch the interface on, with whatever addresses it has.

        :raises NetworkError: ENODEV when it is not there, or what the kernel says.
        """
        found = port.read(self._netlink, self.name)
        if not found.is_up:
            port.switch_on(self._netlink, found.index)

    def apply(self, wanted: Wanted) -> InterfaceState:
        """Bring the interface to `wanted`; with an empty one it is only switched on.

        New addresses come before old ones go, and one that stays is not touched but for its lifetime, so that
        connections on it go on. What the kernel refuses does not keep the rest from being done.

        :returns: what the interface has in the end, read back.
        :raises NetworkError: naming everything that the kernel refused, with the errno of the first. ENODEV when the
            interface is not there or vanished.
        """
        self._ours |= {address.interface for address in wanted.addresses}
        for number in range(ROUNDS):
            attempt = _Round(self._netlink, self.state(), wanted, is_first=number == 0)
            attempt.run()
            if attempt.changes:
                continue
            if attempt.refusals:
                raise NetworkError(attempt.refusals[0].errno, "; ".join(str(one.strerror) for one in attempt.refusals))
            self._ours = {address.interface for address in wanted.addresses}
            return attempt.state
        raise NetworkError(errno.EAGAIN, f"{self.name} does not keep what it is given: somebody else changes it too")


class _Round:
    """Compares what is with what is wanted, and changes each thing that differs once."""

    def __init__(self, netlink: Netlink, state: InterfaceState, wanted: Wanted, *, is_first: bool) -> None:
        self.state = state
        self.changes = 0
        self.refusals: list[NetworkError] = []
        self._netlink = netlink
        self._wanted = wanted
        self._is_first = is_first

    def run(self) -> None:
        self._bring_up_port(self.state.port)
        self._put_addresses()
        # Before the old addresses go: there is always a way out.
        self._put_route()
        self._remove_addresses()

    def _bring_up_port(self, found: PortState) -> None:
        if self._is_first:
            self._set_behaviour(found)
        mtu = max(LARGEST_MTU if self._wanted.mtu is None else self._wanted.mtu, SMALLEST_IPV6_MTU)
        if found.mtu != mtu:
            self._change(f"an MTU of {mtu}", port.set_mtu, self._netlink, found.index, mtu)
        if not found.is_up:
            self._change("to be switched on", port.switch_on, self._netlink, found.index)

    def _set_behaviour(self, found: PortState) -> None:
        if (found.arp_announce, found.arp_ignore, found.promotes_secondaries) != (2, 1, True):
            # Without it everything works still: what vanishes with an old address is put back in the next round.
            try:
                port.set_ipv4_settings(self._netlink, found.index)
            except NetworkError as error:
                _stop_if_fatal(found.name, error)
                log.warning("%s: ARP behaviour stays as it is: %s", found.name, error.strerror)
            else:
                self.changes += 1
        if not found.has_ipv6 or found.accepts_advertisements:
            router_advertisements.keep_link_local_alone(
                found.name, has_ipv6=found.has_ipv6, accepts_advertisements=found.accepts_advertisements
            )

    def _put_addresses(self) -> None:
        for wanted in self._wanted.addresses:
            held = self.state.address(wanted.interface)
            what = f"the address {wanted.interface}"
            if held is not None and not addresses.is_as_wanted(held, wanted):
                # Its broadcast address or scope can be set at its birth alone.
                self._change(what, self._renew, wanted)
            elif held is None or self._lifetime_differs(held, wanted):
                self._change(what, self._put, wanted)

    def _put(self, wanted: WantedAddress) -> None:
        addresses.put(self._netlink, self.state.port.index, wanted)

    def _renew(self, wanted: WantedAddress) -> None:
        addresses.remove(self._netlink, self.state.port.index, wanted.interface)
        self._put(wanted)

    def _lifetime_differs(self, held: HeldAddress, wanted: WantedAddress) -> bool:
        if (held.valid is None) != (wanted.valid is None):
            return True
        if not self._is_first or held.valid is None or held.preferred is None:
            # Later rounds leave it alone: a 32-bit kernel cuts what is longer than some months.
            return self._is_first and (held.preferred is None) != (wanted.preferred is None)
        valid, preferred = wanted.lifetime
        return abs(held.valid - valid) > SAME_LIFETIME or abs(held.preferred - preferred) > SAME_LIFETIME

    def _remove_addresses(self) -> None:
        wanted = {address.interface for address in self._wanted.addresses}
        for held in self.state.addresses:
            if held.is_ours and held.interface not in wanted:
                self._change(
                    f"the removal of {held.interface}",
                    addresses.remove,
                    self._netlink,
                    self.state.port.index,
                    held.interface,
                )

    def _put_route(self) -> None:
        ours = [route for route in self.state.routes if route.is_ours]
        wanted = self._route()
        for route in ours:
            if wanted is None:
                what = f"the removal of the route by {route.gateway}"
                self._change(what, routes.remove, self._netlink, route)
        if wanted is None or ours == [wanted]:
            return
        what = f"the default route by {wanted.gateway}"
        self._change(what, routes.put, self._netlink, wanted, replaces_ours=bool(ours))
        for route in ours[1:]:
            self._change(what, routes.remove, self._netlink, route)

    def _route(self) -> DefaultRoute | None:
        if self._wanted.gateway is None:
            return None
        mtu = self._wanted.mtu
        return DefaultRoute(
            gateway=self._wanted.gateway,
            index=self.state.port.index,
            metric=routes.METRIC,
            protocol=routes.PROTOCOL,
            is_onlink=not self._wanted.is_gateway_on_link,
            mtu=mtu if mtu is not None and mtu < SMALLEST_IPV6_MTU else None,
            is_ours=True,
        )

    def _change(self, what: str, change: Callable[P, None], *words: P.args, **more: P.kwargs) -> None:
        try:
            change(*words, **more)
        except NetworkError as error:
            _stop_if_fatal(self.state.port.name, error)
            text = f"{self.state.port.name} was refused {what}: {error.strerror}"
            self.refusals.append(NetworkError(error.errno, text))
        else:
            self.changes += 1


def _stop_if_fatal(name: str, error: NetworkError) -> None:
    if error.errno in {errno.ENODEV, errno.ENXIO}:
        raise NetworkError(errno.ENODEV, f"the interface {name} is gone") from error
    if error.errno in FATAL:
        raise error
