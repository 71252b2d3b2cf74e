"""What the network manager does to the system, and hears from the wire, on one interface."""

from __future__ import annotations

import contextlib
from math import inf
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue
from appliance.network import resolver, time_servers
from appliance.network.arp.arp_socket import ArpSocket
from appliance.network.arp.packet import mac_octets
from appliance.network.configuration import Method, NetworkConfiguration
from appliance.network.dhcp.bootp import BootpClient
from appliance.network.dhcp.client import DhcpClient
from appliance.network.dhcp.events import DhcpConfiguration
from appliance.network.dhcp.lease_file import LeaseFile
from appliance.network.dhcp.packet_socket import DhcpSocket
from appliance.network.kernel.ethtool import LinkModeControl
from appliance.network.kernel.interface_control import InterfaceControl
from appliance.network.kernel.wanted import LARGEST_MTU, Wanted, WantedAddress

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address
    from pathlib import Path
    from random import Random

    from appliance.network.binding import Binding
    from appliance.network.dhcp.events import Destination
    from appliance.network.dhcp.lease import Lease
    from appliance.network.kernel.link_modes import LinkModes
    from appliance.network.server_client import ServerClient
    from appliance.settings.link import Duplex, Speed


class Hands:
    """Sockets and netlink for one interface. For the manager's thread."""

    def __init__(self, interface: str, index: int, mac: str, *, state: Path) -> None:
        """Take the interface in hand; its lease is kept in the folder `state`.

        :raises OSError: when a socket cannot be had.
        :raises InvalidValue: when there is no such interface or MAC address.
        """
        self.link_modes: LinkModes | None = None
        """What the port does, as last read."""
        self._mac = mac
        self._lease_file = LeaseFile(state, interface, mac)
        self._watched: frozenset[IPv4Address] = frozenset()
        with contextlib.ExitStack() as opened:
            self._control = InterfaceControl(interface)
            opened.callback(self._control.close)
            self._modes = LinkModeControl(interface)
            opened.callback(self._modes.close)
            self._arp = ArpSocket(index, mac)
            opened.callback(self._arp.close)
            self._server = DhcpSocket(index)
            opened.callback(self._server.close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Free the descriptors; the interface stays as it is."""
        self._opened.close()

    def descriptors(self) -> tuple[int, ...]:
        """Give what to wait for."""
        return self._arp.fileno(), self._server.fileno()

    def arp_frames(self) -> list[bytes]:
        """Take the ARP frames that have come in."""
        return self._arp.read()

    def server_payloads(self) -> list[bytes]:
        """Take what has come to the DHCP client's port."""
        return [datagram.payload for datagram in self._server.read()]

    def send_arp(self, frame: bytes) -> None:
        """Send an ARP frame."""
        self._arp.send(frame)

    def _send_to_server(self, payload: bytes, destination: Destination) -> None:
        self._server.send(payload, destination)

    def watch(self, addresses: frozenset[IPv4Address]) -> None:
        """Hear ARP frames about these addresses alone."""
        if addresses != self._watched:
            self._watched = addresses
            self._arp.watch(*sorted(addresses))

    def client_for(
        self, configuration: NetworkConfiguration, *, random: Random, wall_clock: Callable[[], float]
    ) -> Callable[[Callable[[object], None]], ServerClient] | None:
        """Give what makes the client for the configured method; None when no server is asked."""

        def new_dhcp(on_event: Callable[[object], None]) -> ServerClient:
            return DhcpClient(
                mac=mac_octets(self._mac),
                configuration=DhcpConfiguration(client_id=configuration.client_id, hostname=configuration.hostname),
                send=self._send_to_server,
                on_event=on_event,
                random=random,
                remembered=self._lease_file.load(),
                wall_clock=wall_clock,
            )

        def new_bootp(on_event: Callable[[object], None]) -> ServerClient:
            return BootpClient(
                mac=mac_octets(self._mac),
                send=self._send_to_server,
                on_event=on_event,
                random=random,
                wall_clock=wall_clock,
            )

        makers = {Method.DHCP: new_dhcp, Method.BOOTP: new_bootp}
        return makers.get(configuration.method)

    def remember(self, lease: Lease) -> None:
        """Keep a lease for the next start."""
        self._lease_file.store(lease)

    def forget_lease(self) -> None:
        """Keep no lease for the next start."""
        self._lease_file.forget()

    def switch_on(self) -> None:
        """Switch the interface on, without an address of ours unless it has one from before a restart.

        :raises NetworkError: when the kernel refuses.
        """
        self._control.switch_on()

    def give(self, binding: Binding | None, now: float) -> None:
        """Give the interface the address of `binding` and what belongs to it; none takes all of it away.

        :raises NetworkError: naming what the kernel refused.
        """
        self._control.apply(_wanted(binding, now))

    def set_link_mode(self, speed: Speed, duplex: Duplex) -> None:
        """Set speed and duplex, and read back.

        :raises NetworkError: naming the mode and the reason.
        """
        self.link_modes = self._modes.set(speed, duplex)

    def read_link_mode(self) -> None:
        """Read what the port does now.

        :raises NetworkError: when the kernel does not tell.
        """
        self.link_modes = self._modes.read()

    def resolve(self, binding: Binding | None, domain: str, path: Path) -> None:
        """Write the resolver's configuration.

        :raises NetworkError: when it cannot be written.
        :raises InvalidValue: when a name in it is none.
        """
        if binding is None:
            resolver.write((), (), domain, path=path)
        else:
            resolver.write(binding.name_servers, binding.search, binding.domain or domain, path=path)

    def name_time_servers(self, binding: Binding | None, path: Path) -> None:
        """Tell the system's clock which time servers to ask.

        :raises NetworkError: when the file cannot be written or removed.
        """
        time_servers.write(binding.time_servers if binding is not None else (), path)


def _wanted(binding: Binding | None, now: float) -> Wanted:
    if binding is None:
        return Wanted()
    valid = None if binding.expires_at == inf else max(1, round(binding.expires_at - now))
    address = WantedAddress(binding.address, valid=valid)
    mtu = min(binding.mtu, LARGEST_MTU) if binding.mtu is not None else None
    try:
        return Wanted((address,), gateway=binding.gateway, mtu=mtu)
    except InvalidValue:  # a gateway that cannot be one: the address is worth more than the way out
        return Wanted((address,), mtu=mtu)
