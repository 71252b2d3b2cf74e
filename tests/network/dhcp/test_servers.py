"""The client against real servers: dnsmasq and ISC dhcpd."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from appliance.network.dhcp.bootp import BootpAnswered, BootpClient
from appliance.network.dhcp.client import DhcpClient
from appliance.network.dhcp.events import AddressOffered, Bound, DhcpConfiguration, Lost, Refused, Renewed
from appliance.network.dhcp.lease import Lease
from appliance.network.dhcp.option import Option
from appliance.network.dhcp.state import State
from tests.network.dhcp.lan import Lan, lan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RANGE = "--dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,120"
OTHER_RANGE = "--dhcp-range=198.51.100.100,198.51.100.150,255.255.255.0,120"

SUBNET = """
default-lease-time 60; max-lease-time 60; min-lease-time 20; authoritative;
subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.100 192.0.2.150; option routers 192.0.2.1; %s }
"""


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Lan]:
    with lan(tmp_path) as made:
        yield made


def start(net: Lan, *, remembered: Lease | None = None, **configuration: Any) -> DhcpClient:
    client: DhcpClient = net.adopt(
        DhcpClient, configuration=DhcpConfiguration(**configuration), remembered=remembered, wall_clock=lambda: net.now
    )
    client.start(net.now)
    return client


def serve(net: Lan, server: str) -> Any:
    return net.dnsmasq(RANGE, "--dhcp-authoritative") if server == "dnsmasq" else net.dhcpd(SUBNET % "")


both = pytest.mark.parametrize("server", ["dnsmasq", "dhcpd"])


@both
def test_the_full_exchange_and_renewals(net: Lan, server: str) -> None:
    serve(net, server)
    client = start(net)
    lease = net.wait_for(Bound).lease
    assert IPv4Address("192.0.2.100") <= lease.address <= IPv4Address("192.0.2.150")
    assert lease.prefix_length == 24
    assert lease.server == IPv4Address("192.0.2.1")
    assert lease.routers == (IPv4Address("192.0.2.1"),)
    assert lease.duration in {60, 120}
    for _ in range(2):
        renewed = net.wait_for(Renewed).lease
        assert renewed.address == lease.address
        assert renewed.obtained > lease.obtained
        lease = renewed
    assert client.state is State.BOUND
    assert set(client.ignored) <= {"not asked for"}  # one that is slow is asked again, and answers twice


@both
def test_the_users_renewal_goes_to_the_server_alone(net: Lan, server: str) -> None:
    serve(net, server)
    client = start(net)
    net.speed = 1.0
    net.wait_for(Bound)
    net.leap(5)
    client.renew(net.now)
    assert client.state is State.RENEWING
    net.wait_for(Renewed)


@both
def test_a_server_that_cannot_be_reached_alone_is_when_all_are_asked(net: Lan, server: str) -> None:
    if server == "dhcpd":
        net.dhcpd(SUBNET % "server-identifier 192.0.2.9;")  # where nobody is
    else:
        serve(net, server)
        nobody = ("lladdr", "02:00:00:00:00:99", "dev", "near", "nud", "permanent")
        net.here.ip("neighbour", "replace", "192.0.2.1", *nobody)
    client = start(net)
    lease = net.wait_for(Bound).lease
    net.wait_for(Renewed)
    assert client.lease is not None
    assert client.lease.address == lease.address
    assert lease.t2 is not None
    assert client.lease.obtained - lease.obtained >= lease.t2 * 0.95


def test_another_server_takes_over_at_the_rebinding_time(net: Lan) -> None:
    first = net.dnsmasq(RANGE, "--dhcp-authoritative")
    client = start(net)
    lease = net.wait_for(Bound).lease
    net.stop(first)
    net.there.ip("address", "flush", "dev", "far")
    net.dnsmasq(RANGE, "--dhcp-authoritative", address="192.0.2.2/24")
    renewed = net.wait_for(Renewed).lease
    assert renewed.address == lease.address
    assert renewed.server == IPv4Address("192.0.2.2")
    assert client.state is State.BOUND


def test_a_lease_expires_when_the_server_is_gone_and_comes_back_with_it(net: Lan) -> None:
    first = net.dhcpd(SUBNET % "")
    client = start(net)
    lease = net.wait_for(Bound).lease
    net.stop(first)
    lost = net.wait_for(Lost)
    assert "expired" in lost.reason
    assert client.lease is None
    net.dhcpd(SUBNET % "")
    assert net.wait_for(Bound).lease.address == lease.address


@both
def test_a_server_of_another_network_refuses_and_lends_another_address(net: Lan, server: str) -> None:
    if server == "dnsmasq":
        net.dnsmasq(OTHER_RANGE, "--dhcp-authoritative", address="198.51.100.1/24")
    else:
        net.dhcpd((SUBNET % "").replace("192.0.2.", "198.51.100."), address="198.51.100.1/24")
    old = Lease(IPv4Address("192.0.2.100"), 24, IPv4Address("192.0.2.1"), obtained=990, duration=3600, t1=1800, t2=3150)
    start(net, remembered=old)
    refused = net.wait_for(Refused)
    assert refused.server == IPv4Address("198.51.100.1")
    assert str(net.wait_for(Bound).lease.address).startswith("198.51.100.")


@both
def test_a_lease_is_confirmed_after_a_restart(net: Lan, server: str) -> None:
    serve(net, server)
    first = start(net)
    lease = net.wait_for(Bound).lease
    first.stop()
    again = start(net, remembered=lease)
    assert again.state is State.REBOOTING
    assert net.wait_for(Bound).lease.address == lease.address


@both
def test_a_declined_address_is_not_lent_again(net: Lan, server: str) -> None:
    net.accepts = False
    serve(net, server)
    client = start(net)
    first = net.wait_for(AddressOffered).lease
    client.decline(net.now, "another host has it")
    net.accepts = True
    assert net.wait_for(Bound).lease.address != first.address
    assert "DHCPDECLINE" in net.log()


@both
def test_a_released_address_is_given_back(net: Lan, server: str) -> None:
    serve(net, server)
    client = start(net)
    lease = net.wait_for(Bound).lease
    client.release(net.now)
    net.wait_until(lambda: "DHCPRELEASE" in net.log(), "the server to hear of it")
    assert str(lease.address) in net.log().split("DHCPRELEASE", 1)[1]


def test_a_cable_that_was_out_has_the_lease_confirmed(net: Lan) -> None:
    net.dnsmasq(RANGE, "--dhcp-authoritative")
    client = start(net)
    lease = net.wait_for(Bound).lease
    client.carrier_lost(net.now)
    net.there.ip("link", "set", "far", "down")
    net.leap(3)
    assert client.lease == lease
    net.there.ip("link", "set", "far", "up")
    client.carrier_back(net.now)
    assert net.wait_for(Renewed).lease.address == lease.address


SEARCH = ", ".join(f'"a-long-label-number-{number}.department-{number}.example.net"' for number in range(9))


@pytest.mark.parametrize(("size", "is_overloaded"), [(1472, False), (576, True)])
def test_all_options_of_dhcpd_are_read_joined_and_overloaded(net: Lan, size: int, is_overloaded: bool) -> None:
    options = f"""
        option domain-name-servers 192.0.2.53, 192.0.2.54; option host-name "gate-1"; option domain-name "example.net";
        option domain-search {SEARCH}; option interface-mtu 1400;
        option ntp-servers 192.0.2.123, 192.0.2.124; option dhcp-renewal-time 20; option dhcp-rebinding-time 40;
    """
    net.dhcpd(SUBNET % options)
    start(net, message_size=size)
    offered = net.wait_for(AddressOffered)
    lease = offered.lease
    assert lease.dns == (IPv4Address("192.0.2.53"), IPv4Address("192.0.2.54"))
    assert lease.time_servers == (IPv4Address("192.0.2.123"), IPv4Address("192.0.2.124"))
    assert (lease.hostname, lease.domain, lease.mtu) == ("gate-1", "example.net", 1400)
    assert (lease.t1, lease.t2, lease.duration) == (20, 40, 60)
    assert offered.remarks == ()
    assert lease.search == tuple(f"a-long-label-number-{number}.department-{number}.example.net" for number in range(9))
    # Over 255 octets, so it comes in parts: after each other, or in different fields.
    assert (bytes((Option.DOMAIN_SEARCH, 255)) in net.received[0]) == (not is_overloaded)
    assert (bytes((Option.OVERLOAD, 1)) in net.received[0]) == is_overloaded


def test_all_options_of_dnsmasq_are_read(net: Lan) -> None:
    net.dnsmasq(
        RANGE,
        "--dhcp-authoritative",
        "--domain=example.net",
        f"--dhcp-host={net.mac.hex(':')},192.0.2.77,gate-1,120",
        "--dhcp-option=option:dns-server,192.0.2.53,192.0.2.54",
        "--dhcp-option=option:domain-search,a.example.net,b.example.net",
        "--dhcp-option=option:mtu,1400",
        "--dhcp-option=option:ntp-server,192.0.2.123,192.0.2.124",
        "--dhcp-option=121,10.0.0.0/8,192.0.2.9,0.0.0.0/0,192.0.2.8",
    )
    start(net)
    lease = net.wait_for(Bound).lease
    assert lease.address == IPv4Address("192.0.2.77")
    assert lease.dns == (IPv4Address("192.0.2.53"), IPv4Address("192.0.2.54"))
    assert (lease.hostname, lease.domain, lease.mtu) == ("gate-1", "example.net", 1400)
    assert lease.search == ("a.example.net", "b.example.net")
    assert lease.time_servers == (IPv4Address("192.0.2.123"), IPv4Address("192.0.2.124"))
    assert lease.routers == (IPv4Address("192.0.2.8"),)


def test_the_client_id_and_the_hostname_reach_the_server(net: Lan) -> None:
    net.dnsmasq(RANGE, "--dhcp-authoritative", "--dhcp-host=id:00:67:61:74:65,192.0.2.88")
    start(net, client_id=b"\0gate", hostname="gate-7")
    assert net.wait_for(Bound).lease.address == IPv4Address("192.0.2.88")
    assert "client provides name: gate-7" in net.log()


# BOOTP

BOOTP_HOST = """
authoritative; subnet 192.0.2.0 netmask 255.255.255.0 { option routers 192.0.2.1; option domain-name "example.net";
option domain-name-servers 192.0.2.53; option ntp-servers 192.0.2.123; range dynamic-bootp 192.0.2.100 192.0.2.110; }
"""


def ask_bootp(net: Lan) -> BootpAnswered:
    client: BootpClient = net.adopt(BootpClient, wall_clock=lambda: net.now)
    client.start(net.now)
    answered = net.wait_for(BootpAnswered)
    assert set(client.ignored) <= {"not asked for"}  # a slow server is asked again, and answers twice
    return answered


def test_dhcpd_answers_bootp_with_an_address_of_its_range(net: Lan) -> None:
    net.dhcpd(BOOTP_HOST)
    lease = ask_bootp(net).lease
    assert str(lease.address).startswith("192.0.2.1")
    assert (lease.prefix_length, lease.domain, lease.duration) == (24, "example.net", None)
    assert lease.routers == lease.routers[:1] == (IPv4Address("192.0.2.1"),)
    assert lease.dns == (IPv4Address("192.0.2.53"),)
    # Nobody asked: BOOTP has no list of wishes.
    assert lease.time_servers == (IPv4Address("192.0.2.123"),)


def test_dhcpd_answers_bootp_for_a_host_that_it_knows(net: Lan) -> None:
    net.dhcpd(BOOTP_HOST + f"host gate {{ hardware ethernet {net.mac.hex(':')}; fixed-address 192.0.2.77; }}\n")
    lease = ask_bootp(net).lease
    assert lease.address == IPv4Address("192.0.2.77")
    assert lease.server == IPv4Address("192.0.2.1")


def test_dnsmasq_answers_bootp(net: Lan) -> None:
    net.dnsmasq(
        "--dhcp-range=192.0.2.0,static",
        "--bootp-dynamic",
        f"--dhcp-host={net.mac.hex(':')},192.0.2.77,gate-1",
        "--domain=example.net",
        "--dhcp-option=option:ntp-server,192.0.2.123",
    )
    lease = ask_bootp(net).lease
    assert lease.time_servers == (IPv4Address("192.0.2.123"),)
    assert (str(lease.address), lease.prefix_length) == ("192.0.2.77", 24)
    assert (lease.hostname, lease.domain) == ("gate-1", "example.net")
    assert lease.routers == (IPv4Address("192.0.2.1"),)
