"""What is submitted on the pages happens: on the whole device with a real line and real clients, and on a network."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.settings import line as line_settings
from appliance.settings import tunnel as tunnel_settings
from appliance.web.app import create_app
from tests.appliance_rig import running
from tests.network.managed import Managed, dnsmasq, managed
from tests.tunnel.rig import Client, FarEnd
from tests.web.rig import StandIn, Web, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.network.snapshot import NetworkSnapshot
    from appliance.web.device_view import DeviceView

ACCEPT, STATISTICS, SERIAL = "/tunnel/accept", "/tunnel/statistics", "/serial/configuration"


class Visitor(Web):
    """Somebody who has logged in to a device of the test's own."""

    def __init__(self, device: DeviceView) -> None:
        self.now = 0.0
        self.user = "admin"
        self.app = create_app(device, asks_new_password=False, clock=lambda: self.now)
        self.client = self.app.test_client()

    def submit(self, path: str, **texts: str) -> None:
        answer = self.post(path, {name.replace("__", "."): text for name, text in texts.items()})
        assert answer.status_code == 303, text_of(answer.text)

    def value(self, path: str, key: str) -> str:
        """Give what the page shows under a live key."""
        found = re.search(rf'data-live="{re.escape(key)}">(.*?)<', self.get(path).text)
        assert found is not None, key
        return text_of(found[1])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def is_closed(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def is_turned_away(port: int) -> bool:
    with contextlib.closing(Client(port)) as client:
        return client.ending() == "reset"


def test_a_new_port_is_served_at_once_and_the_open_connection_stays(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        visitor = Visitor(appliance.device)
        client = appliance.client()
        old, new = appliance.device.tunnel.snapshot().port, free_port()
        assert old is not None
        assert visitor.value(ACCEPT, "tunnel.port") == str(old)
        visitor.submit(ACCEPT, tunnel__port=str(new))
        assert visitor.value(ACCEPT, "tunnel.port") == str(new)
        appliance.exchange(client)
        assert is_closed(old)
        client.close()
        appliance.wait_for(lambda: visitor.value(STATISTICS, "tunnel.accept_state") == "Waiting", "the end")
        appliance.exchange(appliance.client())


def test_a_port_that_another_program_has_is_refused_and_the_old_one_serves_on(tmp_path: Path) -> None:
    with running(tmp_path) as appliance, socket.create_server(("127.0.0.1", 0)) as other:
        visitor = Visitor(appliance.device)
        before = appliance.device.tunnel.snapshot().port
        answer = visitor.post(ACCEPT, {"tunnel.port": str(other.getsockname()[1])})
        assert answer.status_code == 400
        at = answer.text.index('name="tunnel.port"')
        assert 'class="error"' in answer.text[at : answer.text.index("</small>", at)]
        assert appliance.settings.saved[tunnel_settings.PORT] == 10001
        assert appliance.device.tunnel.snapshot().port == before
        appliance.exchange(appliance.client())


def test_counters_policy_list_and_timeout_do_what_the_pages_say(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        visitor = Visitor(appliance.device)
        port = appliance.device.tunnel.snapshot().port
        assert port is not None

        def shows(name: str, value: str) -> None:
            appliance.wait_for(lambda: visitor.value(STATISTICS, f"tunnel.{name}") == value, f"{name} {value}")

        client = appliance.client()
        appliance.exchange(client)
        shows("completed_accepts", "1")
        shows("octets_from_network", "5")
        shows("octets_from_serial", "1")
        shows("accept_state", f"Connected {client.peer}")
        assert re.fullmatch(r"0 days 00:0\d:\d\d", visitor.value(STATISTICS, "tunnel.accept_connection_time"))

        assert is_turned_away(port)
        shows("dropped_accepts", "1")
        visitor.submit(ACCEPT, tunnel__policy="takeover")
        newcomer = appliance.client()
        assert client.ending() == "reset"
        shows("disconnects", "1")
        visitor.submit(ACCEPT, tunnel__allow="10.0.0.0/8")
        assert is_turned_away(port)
        shows("dropped_accepts", "2")
        visitor.submit("/tunnel/disconnect", tunnel__disconnect_timeout="50")
        assert newcomer.ending() == "fin"
        shows("disconnects", "2")

        visitor.submit(ACCEPT, tunnel__accept_mode="disabled")
        shows("accept_state", "Disabled")
        shows("port", "<None>")
        assert is_closed(port)


def test_the_line_takes_another_speed_and_another_port(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        visitor = Visitor(appliance.device)
        client = appliance.client()
        appliance.exchange(client)
        assert visitor.value("/serial/statistics", "serial.two_wire_transmitter_bytes") == "5"
        assert visitor.value("/serial/statistics", "serial.two_wire_receiver_bytes") == "1"
        visitor.submit(SERIAL, line__baud_rate="300")
        appliance.wait_for(lambda: visitor.value(SERIAL, "serial.baud_rate") == "300 bit/s", "the speed")
        assert appliance.settings.saved[line_settings.BAUD_RATE] == 300

        appliance.far.unplug()
        appliance.far = FarEnd(tmp_path / "another")
        visitor.submit(SERIAL, line__two_wire=str(appliance.far.link))
        appliance.wait_for(lambda: visitor.value(SERIAL, "serial.two_wire_state") == "in use", "the other port")
        appliance.exchange(appliance.client())


@dataclass
class OnTheNet(StandIn):
    """A stand-in with a network that is real."""

    managed: Managed | None = None

    def network_snapshot(self) -> NetworkSnapshot:
        assert self.managed is not None
        return self.managed.now

    def renew(self) -> None:
        assert self.managed is not None
        assert self.managed.manager is not None
        self.managed.manager.renew()


def test_gateway_names_and_servers_change_at_once_and_the_address_waits_for_the_reboot(tmp_path: Path) -> None:
    path = "/network/interface/configuration"
    with managed(tmp_path, network__dhcp="off", network__address="192.0.2.9/24") as device:
        device.start()
        device.wait_for(lambda now: now.current.address.value, "the address")
        visitor = Visitor(OnTheNet(device.settings, managed=device))
        assert visitor.value("/network/interface", "network.address") == "192.0.2.9 (Static)"
        visitor.submit(
            path,
            network__gateway="192.0.2.1",
            network__hostname="room-2",
            network__dns1="192.0.2.53",
            network__domain="meters.example",
        )
        device.wait_for(lambda _: device.gateway() == "192.0.2.1", "the route")
        device.wait_for(lambda _: "nameserver 192.0.2.53" in device.resolv_conf, "the resolver")
        device.wait_for(lambda now: now.current.hostname.value == "room-2", "the name")
        for key, value in {
            "network.gateway": "192.0.2.1 (Static)",
            "network.hostname": "room-2 (Static)",
            "network.domain": "meters.example (Static)",
            "network.primary_dns": "192.0.2.53 (Static)",
        }.items():
            assert visitor.value("/network/interface", key) == value

        # So far DHCP is off for this run of the program alone.
        device.settings.set({"network.dhcp": "off"}, save=True)
        visitor.submit(path, network__address="192.0.2.77/24", network__dhcp="off")
        page = visitor.get("/network/interface", base_url="http://192.0.2.9").text
        assert "192.0.2.9 (Static)</span></td>" in page
        assert ">192.0.2.77 (Static)</td>" in page
        assert '<a href="http://192.0.2.77/">' in page
        assert device.addresses() == ["192.0.2.9/24"]


def test_a_renewal_moves_the_end_of_the_lease(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        dnsmasq(device.there, tmp_path, "--dhcp-range=192.0.2.50,192.0.2.59,255.255.255.0,2m")
        device.start()
        device.wait_for(lambda now: now.lease_ends_at is not None, "a lease")
        visitor = Visitor(OnTheNet(device.settings, managed=device))
        end = device.now.lease_ends_at
        assert "UTC, in 0 days 00:0" in visitor.value("/network/interface", "network.lease_end")

        def is_renewed(now: NetworkSnapshot) -> bool:
            visitor.submit("/network/interface/renew")  # a wish right after an exchange is not followed
            return now.lease_ends_at is not None and now.lease_ends_at > (end or 0)

        device.wait_for(is_renewed, "a renewal")


def test_a_link_mode_that_the_port_does_not_have_is_told_on_the_page(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__address="192.0.2.9/24") as device:
        device.start()
        device.wait_for(lambda now: now.link_modes is not None, "the modes")
        visitor = Visitor(OnTheNet(device.settings, managed=device))
        assert visitor.value("/network/link", "network.link_speed") == "10000 Mbit/s"  # of a virtual cable
        visitor.submit("/network/link/configuration", link__speed="10")
        device.wait_for(lambda now: now.troubles, "the trouble")
        assert device.now.troubles[0] in text_of(visitor.get("/network/link/configuration").text)
