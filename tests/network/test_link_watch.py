"""The link watch against a real kernel, in namespaces of the tests' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network.namespaces import Namespace, cable, namespace, need_namespaces
from tests.network.test_frame_counters import show
from tests.network.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.network.link_watch import LinkSnapshot


@pytest.fixture
def device() -> Iterator[Namespace]:
    need_namespaces()
    with namespace() as made:
        yield made


@pytest.fixture
def switch(device: Namespace) -> Iterator[Namespace]:
    """Where the other end of the device's cable is."""
    with namespace() as made:
        cable(device, "m0", made, "p0")
        yield made


def is_connected(snapshot: LinkSnapshot) -> bool:
    """Whether it has a carrier, and no more is to come: the kernel tells of the state a moment after the carrier."""
    return snapshot.has_carrier is True and snapshot.operational_state == "up"


def is_disconnected(snapshot: LinkSnapshot) -> bool:
    return snapshot.has_carrier is False


def is_missing(snapshot: LinkSnapshot) -> bool:
    return snapshot.interface is None


@pytest.mark.usefixtures("switch")
def test_the_first_look_tells_name_carrier_and_mac(device: Namespace) -> None:
    device.ip("link", "set", "m0", "address", "02:00:00:00:00:2a")
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the first look")
    found = watcher.latest
    assert (found.interface, found.is_enabled, found.mac, found.operational_state, found.fault) == (
        "m0",
        True,
        "02:00:00:00:00:2a",
        "up",
        "",
    )
    assert found.index == int(device.run("cat", "/sys/class/net/m0/ifindex"))


def test_a_lost_carrier_and_its_return_are_told_at_once(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    switch.ip("link", "set", "p0", "down")
    watcher.until(is_disconnected, "its loss")
    assert watcher.latest.is_enabled
    switch.ip("link", "set", "p0", "up")
    watcher.until(is_connected, "its return")
    assert watcher.ask("snapshot")["has_carrier"] is True


@pytest.mark.usefixtures("switch")
def test_an_interface_that_is_switched_off_has_no_carrier_and_says_so(device: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    device.ip("link", "set", "m0", "down")
    watcher.until(lambda found: not found.is_enabled, "the end of it")
    assert watcher.latest.interface == "m0"
    assert watcher.latest.has_carrier is False
    device.ip("link", "set", "m0", "up")
    watcher.until(is_connected, "its return")


def test_it_starts_without_its_interface_and_finds_it_when_it_comes(device: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(lambda found: found.fault, "the first look")
    assert watcher.latest.fault == "There is no interface m0."
    assert watcher.latest.has_carrier is None
    with namespace() as switch:
        cable(device, "m0", switch, "p0")
        watcher.until(is_connected, "the interface")
        assert watcher.latest.fault == ""


def test_an_interface_taken_away_comes_back_as_another_and_is_counted_on(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    first = watcher.latest.index
    switch.send_frames("p0", 3)
    assert watcher.ask("frames") == 3
    device.ip("link", "del", "m0")
    watcher.until(is_missing, "its end")
    assert watcher.latest.has_carrier is None
    assert watcher.ask("frames") == 3
    cable(device, "m0", switch, "p0")
    watcher.until(is_connected, "the new one")
    assert watcher.latest.index != first
    switch.send_frames("p0", 2)
    assert watcher.ask("frames") == 5


def test_an_interface_replaced_under_the_same_number_is_counted_on(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    index = watcher.latest.index
    switch.send_frames("p0", 3)
    assert watcher.ask("frames") == 3
    device.ip_batch("link del m0", f"link add m0 index {index} type veth peer name p0 netns {switch.pid}")
    device.ip("link", "set", "m0", "up")
    switch.ip("link", "set", "p0", "up")
    watcher.until(lambda found: is_connected(found) and len(watcher.changes) > 1, "the new one")
    assert watcher.latest.index == index
    switch.send_frames("p0", 2)
    assert watcher.ask("frames") == 5


def test_a_renamed_interface_is_another_and_back_is_found(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    device.ip("link", "set", "m0", "name", "other")
    watcher.until(is_missing, "the new name")
    device.ip("link", "set", "other", "name", "m0")
    watcher.until(is_connected, "the old name")
    switch.send_frames("p0", 2)
    assert watcher.ask("frames") == 2


def test_an_interface_moved_to_another_namespace_is_gone(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    device.ip("link", "set", "m0", "netns", str(switch.pid))
    watcher.until(is_missing, "the move")


@pytest.mark.usefixtures("switch")
def test_a_port_that_leaves_a_bridge_is_still_there(device: Namespace) -> None:
    device.ip_batch("link add b0 type bridge", "link set m0 master b0")
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    device.ip_batch("link set m0 nomaster", "link set m0 address 02:00:00:00:00:2b")
    watcher.until(lambda found: found.mac == "02:00:00:00:00:2b", "the last change")
    assert all(found.interface == "m0" for found, _ in watcher.changes)


@pytest.mark.usefixtures("switch")
def test_without_a_name_it_does_not_take_what_has_no_hardware(device: Namespace) -> None:
    watcher = Watcher(device)
    watcher.until(lambda found: found.fault, "the first look")
    assert watcher.latest.fault == "There is no Ethernet interface."


@pytest.mark.usefixtures("switch")
def test_a_stranger_with_an_unreadable_name_does_no_harm(device: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    device.run("sh", "-c", r"""ip link add name "$(printf 'x\377\376\201')" type veth peer name y""")
    device.ip("link", "set", "m0", "down")
    watcher.until(is_disconnected, "the next change")
    late = Watcher(device, "m0")
    late.until(is_disconnected, "the first look")


@pytest.mark.usefixtures("switch")
def test_without_a_name_a_better_port_takes_over_and_its_frames_count(device: Namespace, tmp_path: Path) -> None:
    # A pair in software has no hardware; folders like those of the kernel say that it has.
    for name in ("m0", "eth0"):
        (tmp_path / name / "device").mkdir(parents=True)
        (tmp_path / name / "type").write_text("1\n")
        show(tmp_path, name, 10, 10)
    watcher = Watcher(device, sys_class_net=tmp_path)
    watcher.until(is_connected, "the only port")
    assert watcher.latest.interface == "m0"
    device.ip("link", "add", "eth0", "type", "veth", "peer", "name", "far")
    watcher.until(lambda found: found.interface == "eth0", "the better port")
    assert watcher.latest.has_carrier is False
    show(tmp_path, "m0", 20, 20)
    assert watcher.ask("frames") == 0
    show(tmp_path, "eth0", 11, 12)
    assert watcher.ask("frames") == 3
    device.ip("link", "del", "eth0")
    watcher.until(lambda found: found.interface == "m0", "the other port again")


def test_frames_in_both_directions_are_counted(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    before = watcher.ask("frames")
    assert watcher.ask("frames") == before
    switch.send_frames("p0", 4)
    assert watcher.ask("frames") == before + 4
    device.send_frames("m0", 3)
    assert watcher.ask("frames") == before + 7


def test_after_many_flaps_it_shows_the_last_state(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    flaps = ["link set p0 down", "link set p0 up"] * 100
    switch.ip_batch(*flaps, "link set p0 down")
    device.ip("link", "set", "m0", "address", "02:00:00:00:00:2c")
    watcher.until(lambda found: is_disconnected(found) and found.mac.endswith("2c"), "the last state")
    switch.ip_batch(*flaps)
    device.ip("link", "set", "m0", "address", "02:00:00:00:00:2d")
    watcher.until(lambda found: is_connected(found) and found.mac.endswith("2d"), "the last state")
    assert watcher.ask("snapshot")["has_carrier"] is True


def overrun(watcher: Watcher, device: Namespace) -> None:
    """Have the watch stick in its listener, and more happen than the kernel keeps; `go_on` sets it free."""
    watcher.ask("hold")
    device.ip("link", "set", "m0", "address", "02:00:00:00:00:01")
    watcher.until(lambda found: found.mac.endswith("01"), "the change in which it sticks")
    device.ip_batch(*(f"link set m0 mtu {1400 + n}" for n in range(50)), "link set m0 address 02:00:00:00:00:2e")


@pytest.mark.parametrize("is_replaced", [False, True])
def test_after_an_overrun_it_asks_anew_and_shows_the_last_state(
    device: Namespace, switch: Namespace, is_replaced: bool
) -> None:
    watcher = Watcher(device, "m0", receive_buffer=1)  # the least that the kernel gives
    watcher.until(is_connected, "the carrier")
    index = watcher.latest.index
    overrun(watcher, device)
    if is_replaced:
        device.ip_batch("link del m0", f"link add m0 index {index} type veth peer name p0 netns {switch.pid}")
        device.ip_batch("link set m0 address 02:00:00:00:00:2f", "link set m0 up")
    switch.ip("link", "set", "p0", "up" if is_replaced else "down")
    watcher.ask("go_on")
    if is_replaced:
        watcher.until(lambda found: is_connected(found) and found.mac.endswith("2f"), "the last state")
    else:
        watcher.until(lambda found: is_disconnected(found) and found.mac.endswith("2e"), "the last state")
    assert watcher.ask("overruns") >= 1
    before = watcher.ask("frames")
    switch.ip("link", "set", "p0", "up")
    watcher.until(is_connected, "the next change")
    switch.send_frames("p0", 2)
    assert watcher.ask("frames") == before + 2


@pytest.mark.usefixtures("switch")
def test_a_kernel_that_gives_no_socket_is_a_fault_and_heals(device: Namespace) -> None:
    watcher = Watcher(device, "m0", receive_buffer=1)
    watcher.until(is_connected, "the carrier")
    overrun(watcher, device)
    watcher.ask("starve")
    watcher.ask("go_on")
    watcher.until(lambda found: found.fault, "the fault")
    assert watcher.latest.fault == "The link cannot be watched: Too many open files."
    assert watcher.latest.has_carrier is None
    assert watcher.ask("beat")
    watcher.ask("feed")
    watcher.until(is_connected, "the end of the fault")
    assert watcher.latest.fault == ""


@pytest.mark.usefixtures("switch")
def test_it_comes_round_when_woken_and_otherwise_sleeps(device: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    assert watcher.ask("beat")
    cpu, switches = watcher.ask("idle", 0.5)
    assert switches == 0
    assert cpu == 0
    assert watcher.ask("threads") == 2
    assert watcher.ask("stop")


@pytest.mark.parametrize("how", ["stop", "abandon", "break_it"])
def test_however_it_ends_it_keeps_no_descriptor(device: Namespace, switch: Namespace, how: str) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    switch.send_frames("p0", 3)
    assert watcher.ask("frames") == 3
    assert watcher.ask("is_resting")
    assert len(watcher.ask("descriptors")) == 4  # the kernel's messages, the wake, two counters
    if how == "break_it":
        watcher.ask("break_it")
        switch.ip("link", "set", "p0", "down")
        assert watcher.ask("has_died")
    else:
        assert watcher.ask(how)
    assert watcher.ask("descriptors") == []
    assert watcher.ask("late_use") == [3]


def test_a_watch_stuck_in_its_listener_is_given_up_without_a_trace(device: Namespace, switch: Namespace) -> None:
    watcher = Watcher(device, "m0")
    watcher.until(is_connected, "the carrier")
    watcher.ask("hold")
    switch.ip("link", "set", "p0", "down")
    watcher.until(is_disconnected, "the loss")
    watcher.ask("go_on")
    assert watcher.ask("abandon")
    assert watcher.ask("descriptors") == []
