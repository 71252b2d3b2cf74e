"""Each change of the interface, against a real kernel and with iproute2 as the witness."""

from __future__ import annotations

import errno
import gc
import json
import resource
import socket
import threading
import time
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import InvalidValue, NetworkError
from appliance.network.kernel import port
from appliance.network.kernel.addresses import RTM_DELADDR, RTM_NEWADDR
from appliance.network.kernel.interface_control import InterfaceControl
from appliance.network.kernel.netlink import Netlink
from appliance.network.kernel.routes import METRIC, PROTOCOL
from appliance.network.kernel.wanted import FOREVER, Wanted
from tests.network.kernel.rig import FAR, PORT, Witness, want

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.namespaces import Namespace

DEADLINE = 5.0


class Recorder(Netlink):
    """Notes what is asked, and does something before each question."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[int] = []
        self.before: Callable[[int], object] = lambda _kind: None

    def ask(self, message: Any, kind: int, flags: int = 0, *, attributes: bytes = b"") -> list[Any]:
        self.before(kind)
        self.kinds.append(kind)
        return super().ask(message, kind, flags, attributes=attributes)

    def changes(self) -> list[int]:
        return [kind for kind in self.kinds if kind % 4 != 2]


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


def test_what_the_kernel_refuses_is_named_and_the_rest_is_done(
    control: InterfaceControl, witness: Witness, device: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.network.kernel.interface_control.LARGEST_MTU", 70000)
    with pytest.raises(NetworkError, match=f"{PORT} was refused an MTU of 70000: Invalid argument \\(mtu greater"):
        control.apply(want("10.0.0.5/24", gateway="10.0.0.1"))
    assert witness.addresses() == ["10.0.0.5/24"]
    assert len(witness.routes()) == 1
    assert device.pid


def test_an_interface_that_is_not_there_is_named(control: InterfaceControl, device: Namespace) -> None:
    device.ip("link", "del", PORT)
    with pytest.raises(NetworkError, match=f"there is no interface {PORT}") as caught:
        control.apply(Wanted())
    assert caught.value.errno == errno.ENODEV


def test_an_interface_that_comes_back_is_set_again(control: InterfaceControl, device: Namespace) -> None:
    control.apply(want("10.0.0.5/24"))
    device.ip("link", "del", PORT)
    device.ip("link", "add", PORT, "type", "veth", "peer", "name", "x0")
    assert [str(held.interface) for held in control.apply(want("10.0.0.5/24")).addresses] == ["10.0.0.5/24"]


@pytest.mark.usefixtures("control")
@pytest.mark.parametrize("question", range(1, 10))
def test_an_interface_that_vanishes_in_the_middle_is_an_error_at_once(device: Namespace, question: int) -> None:
    recorder = Recorder()

    def vanish(_kind: int) -> None:
        if len(recorder.kinds) == question:
            device.ip("link", "del", PORT)

    recorder.before = vanish
    start = time.monotonic()
    with InterfaceControl(PORT, netlink=recorder) as control, pytest.raises(NetworkError) as caught:
        control.apply(want("10.0.0.5/24", gateway="10.0.0.1", mtu=1400))
    assert caught.value.errno == errno.ENODEV
    assert PORT in str(caught.value)
    assert time.monotonic() - start < 1.0


def test_somebody_who_takes_everything_away_again_is_found_out(device: Namespace, control: InterfaceControl) -> None:
    assert control.state().port.name == PORT
    recorder = Recorder()

    def take_away(kind: int) -> None:
        if kind == port.RTM_GETLINK and recorder.changes():
            device.ip("addr", "flush", "dev", PORT)

    recorder.before = take_away
    with InterfaceControl(PORT, netlink=recorder) as other, pytest.raises(NetworkError, match="does not keep"):
        other.apply(want("10.0.0.5/24"))


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_200_reconfigurations_leave_nothing_behind(control: InterfaceControl) -> None:
    changes = [
        want("10.0.0.5/24", gateway="10.0.0.1", valid=600),
        want("10.0.0.6/24", gateway="10.0.0.1", mtu=1400),
        want("10.1.0.6/16", "169.254.3.4/16"),
        Wanted(),
    ]
    for number in range(60):
        control.apply(changes[number % 4])
    before = descriptors(), threading.active_count()
    memory = resident()
    for number in range(200):
        control.apply(changes[number % 4])
    assert (descriptors(), threading.active_count()) == before
    assert resident() - memory < 1 << 20


def run_unprivileged(device: Namespace, rights: int) -> Any:
    device.ip("tuntap", "add", "t0", "mode", "tap")
    process = device.start_python("tests.network.kernel.unprivileged", str(rights), stdout=-1)
    told, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    return json.loads(told)


NET_ADMIN_AND_RAW = 1 << 12 | 1 << 13


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("proc_is_writable", [True, False])
def test_the_two_capabilities_of_the_service_are_enough(device: Namespace, proc_is_writable: bool) -> None:
    if not proc_is_writable:  # as systemd's ProtectKernelTunables= has it
        device.run("mount", "--bind", "/proc/sys", "/proc/sys")
        device.run("mount", "-o", "remount,bind,ro", "/proc/sys")
    told = run_unprivileged(device, NET_ADMIN_AND_RAW)
    assert told["capabilities"] == ["0000000000003000"]
    assert told["addresses"] == ["10.0.0.6/24"]
    assert told["modes"] == ["10", "half"]
    assert told["port"]["mtu"] == 1400
    assert told["port"]["promotes_secondaries"]
    # The settings of IPv6 are the only ones that need /proc/sys.
    assert told["port"]["accepts_advertisements"] is not proc_is_writable
    assert told["ipv4 setting"] is told["ipv6 setting"] is proc_is_writable


@pytest.mark.usefixtures("far")
def test_without_the_capability_the_kernel_refuses_and_that_is_said(device: Namespace) -> None:
    assert "refused the address 10.0.0.5/24: Operation not permitted" in run_unprivileged(device, 0)["error"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"mtu": 67}, "MTU of 67"),
        ({"mtu": 1501}, "MTU of 1501"),
        ({"gateway": "10.0.0.5"}, "cannot be the gateway"),
        ({"gateway": "10.0.0.255"}, "broadcast address"),
        ({"gateway": "224.0.0.1"}, "cannot be the gateway"),
        ({"valid": 0}, "valid for 0 s"),
        ({"valid": 10, "preferred": 11}, "preferred for 11 s"),
    ],
)
def test_what_cannot_be_is_refused_before_the_kernel_is_asked(words: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        want("10.0.0.5/24", **words)


@pytest.mark.parametrize("address", ["0.0.0.0/8", "127.0.0.1/8", "224.0.0.1/24", "255.255.255.255/24", "10.0.0.1/0"])
def test_an_address_that_no_host_can_have_is_refused(address: str) -> None:
    with pytest.raises(InvalidValue):
        want(address)


def test_a_gateway_needs_an_address_and_an_address_is_named_once() -> None:
    with pytest.raises(InvalidValue, match="without an address"):
        want(gateway="10.0.0.1")
    with pytest.raises(InvalidValue, match="twice"):
        want("10.0.0.5/24", "10.0.0.5/16")


def test_a_lease_without_end_is_written_as_the_kernel_does() -> None:
    assert want("10.0.0.5/24", valid=1 << 40).addresses[0].lifetime == (FOREVER, FOREVER)
    assert want("10.0.0.5/24", valid=50).addresses[0].lifetime == (50, 50)
    assert want("10.0.0.5/24").addresses[0].interface == IPv4Interface("10.0.0.5/24")
