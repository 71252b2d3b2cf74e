"""Each change of the interface, against a real kernel and with iproute2 as the witness."""

from __future__ import annotations

import errno
import socket
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.errors import NetworkError
from appliance.network.kernel import port
from appliance.network.kernel.addresses import RTM_DELADDR, RTM_NEWADDR
from appliance.network.kernel.interface_control import InterfaceControl
from appliance.network.kernel.routes import METRIC, PROTOCOL
from appliance.network.kernel.wanted import FOREVER, Wanted
from tests.network.kernel.rig import FAR, PORT, Recorder, Witness, want

if TYPE_CHECKING:
    from tests.network.namespaces import Namespace

DEADLINE = 5.0


def test_address_route_and_mtu_are_set_and_read_back(control: InterfaceControl, witness: Witness) -> None:
    state = control.apply(want("10.0.0.5/24", gateway="10.0.0.1", mtu=1400, valid=600, preferred=300))
    link = witness.link()
    (entry,) = witness.entries()
    (route,) = witness.routes()
    assert "UP" in link["flags"]
    assert link["mtu"] == state.port.mtu == 1400
    assert entry["broadcast"] == "10.0.0.255"
    assert entry["scope"] == "global"
    assert 595 <= entry["valid_life_time"] <= 600
    assert 295 <= entry["preferred_life_time"] <= 300
    assert (route["gateway"], route["dev"], route["protocol"], route["metric"]) == (
        "10.0.0.1",
        PORT,
        str(PROTOCOL),
        METRIC,
    )
    (held,) = state.addresses
    assert held.is_ours
    assert held.valid in range(595, 601)
    assert state.our_route is not None
    assert state.our_route.gateway == IPv4Address("10.0.0.1")
    assert state.port.is_up
    assert state.port.mac == link["address"]


def test_an_address_without_end_has_none(control: InterfaceControl, witness: Witness) -> None:
    (held,) = control.apply(want("10.0.0.5/24")).addresses
    assert (held.valid, held.preferred) == (None, None)
    assert witness.entries()[0]["valid_life_time"] == FOREVER
    control.apply(want("10.0.0.5/24", valid=100))
    assert witness.entries()[0]["valid_life_time"] <= 100
    control.apply(want("10.0.0.5/24"))
    assert witness.entries()[0]["valid_life_time"] == FOREVER


def test_an_expired_address_is_removed_by_the_kernel(control: InterfaceControl, witness: Witness) -> None:
    control.apply(want("10.0.0.5/24", gateway="10.0.0.1", valid=1))
    end = time.monotonic() + DEADLINE
    while witness.addresses():
        assert time.monotonic() < end
    assert control.state().routes == ()


def test_a_link_local_address_has_the_scope_of_the_link(control: InterfaceControl, witness: Witness) -> None:
    control.apply(want("169.254.7.9/16"))
    (entry,) = witness.entries()
    assert (entry["scope"], entry["broadcast"]) == ("link", "169.254.255.255")


def test_a_broadcast_address_of_the_servers_choice_replaces_the_usual_one(
    control: InterfaceControl, witness: Witness
) -> None:
    control.apply(want("10.0.0.5/24", gateway="10.0.0.1"))
    state = control.apply(want("10.0.0.5/24", gateway="10.0.0.1", broadcast=IPv4Address("10.0.0.0")))
    assert witness.entries()[0]["broadcast"] == "10.0.0.0"
    assert state.our_route is not None


def test_a_point_to_point_network_has_no_broadcast_address(control: InterfaceControl, witness: Witness) -> None:
    control.apply(want("10.0.0.5/31"))
    assert "broadcast" not in witness.entries()[0]


def test_what_is_there_is_left_alone(control: InterfaceControl) -> None:
    wanted = want("10.0.0.5/24", gateway="10.0.0.1", valid=600)
    control.apply(wanted)
    recorder = Recorder()
    with InterfaceControl(PORT, netlink=recorder) as other:
        other.apply(wanted)
        assert recorder.changes() == []
        other.apply(want("10.0.0.5/24", gateway="10.0.0.1", valid=900))
    assert recorder.changes() == [RTM_NEWADDR]


def test_a_connection_goes_on_through_renewals_and_through_changes_beside_it(
    control: InterfaceControl, far: Namespace
) -> None:
    control.apply(want("10.0.0.5/24", gateway="10.0.0.1", valid=600))
    with socket.create_server(("10.0.0.5", 0)) as listener:
        listener.settimeout(DEADLINE)
        with far.entered():
            client = socket.create_connection(listener.getsockname(), DEADLINE)
        server, _ = listener.accept()
    with client, server:
        server.settimeout(DEADLINE)

        def is_alive() -> bool:
            client.sendall(b"?")
            server.sendall(server.recv(1) + b"!")
            return client.recv(1, socket.MSG_WAITALL) + client.recv(1, socket.MSG_WAITALL) == b"?!"

        for wanted in (
            want("10.0.0.5/24", gateway="10.0.0.1", valid=900),
            want("10.0.0.5/24", gateway="10.0.0.9", valid=900),
            want("10.0.0.5/24", "10.0.0.6/24", valid=900),
            want("10.0.0.5/24"),
            want("10.0.0.5/16"),
        ):
            control.apply(wanted)
            assert is_alive()


def test_the_new_address_comes_before_the_old_one_goes(control: InterfaceControl) -> None:
    recorder = Recorder()
    control.apply(want("10.0.0.5/24"))
    with InterfaceControl(PORT, netlink=recorder) as other:
        other.apply(want("10.1.0.6/24"))
    assert recorder.changes() == [RTM_NEWADDR, RTM_DELADDR]


@pytest.mark.parametrize("can_promote", [True, False])
def test_a_new_address_in_the_same_network_is_not_lost_with_the_old_one(
    control: InterfaceControl, witness: Witness, monkeypatch: pytest.MonkeyPatch, can_promote: bool
) -> None:
    if not can_promote:
        refusal = NetworkError(errno.EPERM, "no")
        monkeypatch.setattr(port, "set_ipv4_settings", lambda *_words: (_ for _ in ()).throw(refusal))
    control.apply(want("10.0.0.5/24", gateway="10.0.0.1"))
    assert witness.setting("promote_secondaries") == int(can_promote)
    state = control.apply(want("10.0.0.6/24", gateway="10.0.0.1"))
    assert witness.addresses() == [str(held.interface) for held in state.addresses] == ["10.0.0.6/24"]
    assert witness.routes()[0]["gateway"] == "10.0.0.1"
    assert not state.addresses[0].is_secondary


def test_without_anything_wanted_all_that_is_ours_goes(control: InterfaceControl, witness: Witness) -> None:
    control.apply(want("10.0.0.5/24", "10.0.0.6/24", "169.254.1.2/16", gateway="10.0.0.1", mtu=1300))
    state = control.apply(Wanted())
    assert (witness.addresses(), witness.routes(), witness.link()["mtu"]) == ([], [], 1500)
    assert state.port.is_up


def test_after_a_restart_our_address_is_known(control: InterfaceControl, witness: Witness) -> None:
    control.apply(want("10.0.0.5/24", gateway="10.0.0.1"))
    with InterfaceControl(PORT) as successor:
        successor.apply(want("10.1.0.5/24"))
    assert (witness.addresses(), witness.routes()) == (["10.1.0.5/24"], [])


def test_what_others_have_set_stays(control: InterfaceControl, witness: Witness, device: Namespace) -> None:
    device.ip("link", "set", PORT, "up")
    device.ip("addr", "add", "10.7.0.5/24", "dev", PORT)
    device.ip("route", "add", "default", "via", "10.7.0.1", "metric", "50")
    state = control.apply(want("10.0.0.5/24", gateway="10.0.0.1"))
    assert [held.is_ours for held in state.addresses] == [False, True]
    assert state.default_route is not None
    assert not state.default_route.is_ours
    control.apply(Wanted())
    assert witness.addresses() == ["10.7.0.5/24"]
    assert [route["gateway"] for route in witness.routes()] == ["10.7.0.1"]


def test_a_route_of_others_with_our_rank_is_not_overwritten(
    control: InterfaceControl, witness: Witness, device: Namespace
) -> None:
    device.ip("link", "set", PORT, "up")
    device.ip("addr", "add", "10.7.0.5/24", "dev", PORT)
    device.ip("route", "add", "default", "via", "10.7.0.1", "metric", str(METRIC))
    with pytest.raises(NetworkError, match=r"default route by 10\.0\.0\.1: File exists"):
        control.apply(want("10.0.0.5/24", gateway="10.0.0.1"))
    assert [route["gateway"] for route in witness.routes()] == ["10.7.0.1"]
    assert "10.0.0.5/24" in witness.addresses()


@pytest.mark.parametrize("valid", [600, None])
def test_a_foreign_address_that_is_wanted_becomes_ours(
    control: InterfaceControl, witness: Witness, device: Namespace, valid: int | None
) -> None:
    device.ip("addr", "add", "10.0.0.5/24", "brd", "+", "dev", PORT)
    control.apply(want("10.0.0.5/24", valid=valid))
    assert witness.entries()[0]["valid_life_time"] <= (valid or FOREVER)
    control.apply(Wanted())
    assert witness.addresses() == []


def test_a_gateway_outside_of_the_network_is_taken_to_be_on_the_link(
    control: InterfaceControl, witness: Witness, far: Namespace
) -> None:
    far.ip("addr", "add", "10.9.9.9/32", "dev", FAR)
    far.ip("route", "add", "10.0.0.5/32", "dev", FAR)
    state = control.apply(want("10.0.0.5/32", gateway="10.9.9.9"))
    assert witness.routes()[0]["flags"] == ["onlink"]
    assert state.our_route is not None
    assert state.our_route.is_onlink
    with far.entered(), socket.create_server(("10.9.9.9", 0)) as listener:
        where = listener.getsockname()
    # Nobody listens any more: that it says so means that it was reached.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, DEADLINE)


def test_the_default_route_follows_the_gateway_and_ends_with_it(control: InterfaceControl, witness: Witness) -> None:
    for gateway in ("10.0.0.1", "10.0.0.2", "10.9.9.9", "10.0.0.3"):
        control.apply(want("10.0.0.5/24", gateway=gateway))
        assert [route["gateway"] for route in witness.routes()] == [gateway]
    control.apply(want("10.0.0.5/24"))
    assert witness.routes() == []


def test_a_route_that_was_flushed_comes_back(control: InterfaceControl, witness: Witness, device: Namespace) -> None:
    wanted = want("10.0.0.5/24", gateway="10.0.0.1")
    control.apply(wanted)
    device.ip("link", "set", PORT, "down")
    assert witness.routes() == []
    control.apply(wanted)
    assert [route["gateway"] for route in witness.routes()] == ["10.0.0.1"]


def test_a_small_mtu_is_kept_on_the_route_so_that_ipv6_stays(control: InterfaceControl, witness: Witness) -> None:
    control.apply(want("10.0.0.5/24"))
    before = [entry["local"] for entry in witness.entries("inet6")]
    assert len(before) == 1
    state = control.apply(want("10.0.0.5/24", gateway="10.0.0.1", mtu=576))
    assert witness.link()["mtu"] == 1280
    assert witness.routes()[0]["metrics"] == [{"mtu": 576}]
    assert [entry["local"] for entry in witness.entries("inet6")] == before
    assert state.our_route is not None
    assert state.our_route.mtu == 576


def test_ipv6_keeps_its_addresses_and_hears_no_routers(control: InterfaceControl, witness: Witness) -> None:
    state = control.apply(want("10.0.0.5/24"))
    before = witness.entries("inet6")[0]["local"]
    assert before.startswith("fe80::")
    assert (state.port.has_ipv6, state.port.accepts_advertisements) == (True, False)
    assert witness.setting("accept_ra", "ipv6") == 0
    control.apply(want("10.0.0.6/24"))
    control.apply(Wanted())
    assert [entry["local"] for entry in witness.entries("inet6")] == [before]


def test_ipv6_that_is_off_is_switched_on(control: InterfaceControl, witness: Witness) -> None:
    Path(f"/proc/sys/net/ipv6/conf/{PORT}/disable_ipv6").write_text("1")
    assert not control.state().port.has_ipv6
    assert control.apply(want("10.0.0.5/24")).port.has_ipv6
    assert witness.entries("inet6")


def test_arp_is_asked_and_answered_for_the_right_network(control: InterfaceControl, witness: Witness) -> None:
    state = control.apply(Wanted())
    assert (witness.setting("arp_announce"), witness.setting("arp_ignore")) == (2, 1)
    assert (state.port.arp_announce, state.port.arp_ignore, state.port.promotes_secondaries) == (2, 1, True)
