"""What the kernel refuses, what vanishes, and what is left behind."""

from __future__ import annotations

import errno
import gc
import json
import resource
import threading
import time
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import InvalidValue, NetworkError
from appliance.network.kernel import port
from appliance.network.kernel.interface_control import InterfaceControl
from appliance.network.kernel.wanted import FOREVER, Wanted
from tests.network.kernel.rig import PORT, Recorder, Witness, want

if TYPE_CHECKING:
    from tests.network.namespaces import Namespace

DEADLINE = 5.0


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
