"""The network manager on a virtual cable, with real servers at the other end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from ipaddress import IPv4Interface
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.network.link_watch import LinkSnapshot
from appliance.network.manager import NetworkManager
from appliance.settings import Settings, network
from tests.conftest import need
from tests.network.managed import Managed, dnsmasq, managed
from tests.network.namespaces import ROOT
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from appliance.network.snapshot import NetworkSnapshot
    from tests.network.namespaces import Namespace

RANGE = "--dhcp-range=192.0.2.100,192.0.2.110,255.255.255.0,2m"


@pytest.fixture(autouse=True)
def _tools() -> None:
    need(shutil.which("dnsmasq"), "dnsmasq is not installed")


def has_address(device: Managed, source: str) -> None:
    device.wait_for(lambda now: now.current.address.source == source, f"an address by {source}")


def test_a_dhcp_server_gives_all_that_belongs_to_the_address(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        words = ("--dhcp-option=option:dns-server,192.0.2.53,192.0.2.54", "--domain=meters.example")
        dnsmasq(device.there, tmp_path, RANGE, *words, "--dhcp-option=option:domain-search,a.example,b.example")
        device.start()
        has_address(device, "DHCP")
        current = device.now.current
        assert str(current.address).startswith("192.0.2.1")
        assert str(current.mask) == "255.255.255.0 (DHCP)"
        assert str(current.gateway) == "192.0.2.1 (DHCP)"
        assert str(current.domain) == "meters.example (DHCP)"
        assert str(current.primary_dns) == "192.0.2.53 (DHCP)"
        assert str(current.secondary_dns) == "192.0.2.54 (DHCP)"
        assert str(current.search) == "a.example b.example (DHCP)"
        assert device.addresses() == [f"{current.address.value}/24"]
        assert device.gateway() == "192.0.2.1"
        assert "nameserver 192.0.2.53\nnameserver 192.0.2.54\n" in device.resolv_conf
        assert "search a.example b.example" in device.resolv_conf
        assert device.now.lease_ends_at is not None
        assert device.now.troubles == ()


def test_the_same_address_is_had_again_after_a_restart(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        dnsmasq(device.there, tmp_path, RANGE)
        device.start()
        has_address(device, "DHCP")
        first = device.now.current.address
        device.stop()
        assert device.addresses() == [f"{first.value}/24"]
        device.start()
        has_address(device, "DHCP")
        assert device.now.current.address == first


def test_a_lease_is_given_back_when_that_is_asked_for(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        server = dnsmasq(device.there, tmp_path, RANGE, "--log-dhcp", "--log-facility=-", stderr=subprocess.PIPE)
        device.start()
        has_address(device, "DHCP")
        assert device.manager is not None
        device.manager.releases_lease = True
        device.stop()
        assert device.addresses() == []
        assert not list((tmp_path / "state").glob("lease-*"))
        assert server.stderr is not None
        heard = b""
        end = time.monotonic() + 10
        while b"DHCPRELEASE" not in heard:
            assert time.monotonic() < end, heard
            if select.select([server.stderr], [], [], 0.1)[0]:
                heard += os.read(server.stderr.fileno(), 65536)


def test_a_static_address_is_used_when_nobody_has_it(tmp_path: Path) -> None:
    texts = {"network__dhcp": "off", "network__address": "10.1.0.5/24", "network__gateway": "10.1.0.1"}
    with managed(tmp_path, **texts, network__dns1="10.1.0.53") as device:
        device.start()
        has_address(device, "Static")
        assert device.addresses() == ["10.1.0.5/24"]
        assert device.gateway() == "10.1.0.1"
        assert str(device.now.current.primary_dns) == "10.1.0.53 (Static)"
        device.settings.set({"network.gateway": "10.1.0.2", "network.dns1": "10.1.0.54"}, save=False)
        device.wait_for(lambda now: now.current.gateway.value == "10.1.0.2", "the new gateway")
        device.wait_for(lambda _: device.gateway() == "10.1.0.2", "the new route")
        assert "10.1.0.54" in device.resolv_conf


def test_a_static_address_of_another_host_is_left_to_it_and_its_mac_is_told(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__address="10.1.0.5/24") as device:
        device.there.ip("address", "add", "10.1.0.5/24", "dev", "far")
        mac = device.there.ip("-o", "link", "show", "far").split("link/ether ")[1].split()[0]
        device.start()
        device.wait_for(lambda now: any(mac in trouble for trouble in now.troubles), "the conflict")
        has_address(device, "AutoIP")
        (address,) = device.addresses()
        assert address.startswith("169.254.")


def test_without_dhcp_bootp_and_address_it_chooses_one_itself_and_keeps_it(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off") as device:
        device.start()
        has_address(device, "AutoIP")
        first = device.now.current.address
        device.stop()
        device.here.ip("address", "flush", "dev", "near")
        device.start()
        has_address(device, "AutoIP")
        assert device.now.current.address == first


def test_a_silent_network_leads_to_autoip_and_a_server_that_comes_takes_over(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        device.start()
        device.wait_for(lambda now: now.current.address.source == "AutoIP", "AutoIP", 45)
        assert any("no DHCP server" in trouble for trouble in device.now.troubles)
        dnsmasq(device.there, tmp_path, RANGE)
        assert device.manager is not None
        device.manager.renew()
        has_address(device, "DHCP")
        assert device.addresses() == [f"{device.now.current.address.value}/24"]
        assert device.now.troubles == ()


def test_a_bootp_server_is_asked_when_that_is_wanted(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__bootp="on") as device:
        mac = device.here.ip("-o", "link", "show", "near").split("link/ether ")[1].split()[0]
        words = ("--bootp-dynamic", f"--dhcp-host={mac},192.0.2.77", "--dhcp-range=192.0.2.0,static")
        dnsmasq(device.there, tmp_path, *words)
        device.start()
        has_address(device, "BOOTP")
        assert device.addresses() == ["192.0.2.77/24"]
        assert device.now.lease_ends_at is None


def test_a_connection_lives_through_renewals_and_a_pulled_cable(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        dnsmasq(device.there, tmp_path, RANGE)
        device.start()
        has_address(device, "DHCP")
        address = device.now.current.address.value
        with device.here.entered():
            listener = socket.create_server((address, 0))
        with device.there.entered():
            client = socket.create_connection(listener.getsockname(), timeout=20)
        server, _ = listener.accept()
        with listener, client, server:
            ends = device.now.lease_ends_at
            manager = device.manager
            assert manager is not None

            def is_renewed(now: NetworkSnapshot) -> bool:
                manager.renew()  # a second wish right after an exchange is not followed
                return now.lease_ends_at != ends

            device.wait_for(is_renewed, "the renewal")
            device.there.ip("link", "set", "far", "down")
            device.wait_for(lambda now: now.has_carrier is False, "the loss")
            assert device.addresses() == [f"{address}/24"]
            device.there.ip("link", "set", "far", "up")
            device.wait_for(lambda now: now.has_carrier, "the carrier")
            client.sendall(b"still there")
            server.settimeout(20)
            assert server.recv(64) == b"still there"
            assert device.now.current.address.value == address


def test_an_interface_that_goes_and_comes_is_managed_again(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__address="10.1.0.5/24") as device:
        device.start()
        has_address(device, "Static")
        device.here.ip("link", "delete", "near")
        device.wait_for(lambda now: now.interface is None, "the loss")
        device.here.ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(device.there.pid))
        device.there.ip("link", "set", "far", "up")
        has_address(device, "Static")
        assert device.addresses() == ["10.1.0.5/24"]


def test_a_route_that_went_with_the_interface_is_put_back(tmp_path: Path) -> None:
    texts = {"network__dhcp": "off", "network__address": "10.1.0.5/24", "network__gateway": "10.1.0.1"}
    with managed(tmp_path, **texts) as device:
        device.start()
        has_address(device, "Static")
        device.wait_for(lambda _: device.gateway() == "10.1.0.1", "the route")
        device.here.ip("link", "set", "near", "down")
        device.wait_for(lambda now: now.has_carrier is False, "the loss")
        device.here.ip("link", "set", "near", "up")
        device.wait_for(lambda _: device.gateway() == "10.1.0.1", "the route again")


def test_settings_that_nobody_confirms_are_taken_back(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        device.settings.set(
            {"network.dhcp": "off", "network.address": "10.1.0.5/24", "network.confirm_minutes": "1"}, save=True
        )
        former = {"network.address": "10.1.0.9/24", "network.dhcp": "off"}
        (tmp_path / "state" / "network-confirmed.json").write_text(json.dumps(former))
        device.start(has_confirmation=True)
        assert device.manager is not None
        confirmation = device.manager._confirmation
        assert confirmation is not None
        device.wait_for(lambda _: confirmation.until != inf, "the trial")
        confirmation.until = confirmation.due = 0.0  # a minute later
        device.manager.wake()
        device.wait_for(lambda _: device.reverts, "the reboot")
        assert Settings(tmp_path / "state").saved[network.ADDRESS] == IPv4Interface("10.1.0.9/24")


# $1 is a folder that is closed to ordinary users, the others are folders below it that shall be reached.
LAY_OPEN = """
closed=$1
shift
mount -t tmpfs none /mnt
for folder in "$@"; do
    mkdir -p "/mnt$folder"
    mount --rbind "$folder" "/mnt$folder"
done
mount -t tmpfs -o mode=755 none "$closed"
for folder in "$@"; do
    mkdir -p "$folder"
    mount --move "/mnt$folder" "$folder"
done
umount /mnt
"""


def lay_open(host: Namespace, *folders: Path) -> None:
    """Have ordinary users reach these folders, in this namespace alone, though they may be in the home of root."""
    below: dict[Path, list[Path]] = {}
    for folder in sorted({folder.resolve() for folder in folders}):  # a folder comes before those in it
        closed = [parent for parent in reversed(folder.parents) if not parent.stat().st_mode & stat.S_IXOTH]
        if closed and not any(folder.is_relative_to(other) for other in below.get(closed[0], ())):
            below.setdefault(closed[0], []).append(folder)
    for closed_folder, wanted in below.items():
        host.run("sh", "-euc", LAY_OPEN, "sh", str(closed_folder), *map(str, wanted))


def test_the_whole_program_manages_its_interface_with_two_capabilities_and_no_root(tmp_path: Path) -> None:
    # The test's own folder is for root alone.
    with tempfile.TemporaryDirectory(prefix="cme3000-") as folder, managed(tmp_path) as device:
        Path(folder).chmod(0o755)
        state = Path(folder) / "own"
        state.mkdir()
        os.chown(state, 65534, 65534)
        dnsmasq(device.there, tmp_path, RANGE)
        rights = "+net_admin,+net_raw"
        privileges = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        privileges += [f"--inh-caps=-all,{rights}", f"--ambient-caps=-all,{rights}", f"--bounding-set=-all,{rights}"]
        lay_open(device.here, Path(sys.base_prefix), Path(sys.prefix), ROOT)
        words = device.here._inside((*privileges, "--", sys.executable, "-c", ""))
        tried = subprocess.run(words, capture_output=True, text=True, check=False)
        need(tried.returncode == 0, f"needs a Python that an ordinary user can run: {tried.stderr}")
        program = [sys.executable, "-m", "appliance", "run", "--network", "managed", "--interface", "near"]
        options = ["--board", "none", "--line", "/nowhere/tty", "--state", str(state)]
        process = device.here.start(
            *privileges,
            "--",
            *program,
            *options,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(state), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        end = time.monotonic() + 30
        while not any(address.startswith("192.0.2.") for address in device.addresses()):
            assert process.poll() is None
            assert time.monotonic() < end, "no address"
            time.sleep(0.05)
        address = device.addresses()[0].split("/")[0]
        with (
            device.there.entered(),
            contextlib.suppress(ConnectionResetError),  # there is no line; it may come before connect has returned
            socket.create_connection((address, 10001), timeout=10) as client,
        ):
            assert client.recv(1) == b""
        process.terminate()
        assert process.wait(15) == 0
        assert (state / "resolv.conf").exists()


def test_two_hundred_changes_leave_no_descriptor_and_no_thread(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__address="10.1.0.5/24") as device:
        device.start()
        has_address(device, "Static")
        threads = threading.active_count()
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        for number in range(200):
            gateway = f"10.1.0.{100 + number % 100}"
            device.settings.set({"network.gateway": gateway, "network.dns1": gateway}, save=False)
        device.wait_for(lambda _: device.gateway() == "10.1.0.199", "the last gateway")
        device.wait_for(lambda _: "10.1.0.199" in device.resolv_conf, "the last name server")
        assert threading.active_count() == threads
        assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_a_watch_that_has_not_looked_yet_is_no_loss_of_the_interface(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__address="10.1.0.5/24") as device:
        device.start()
        has_address(device, "Static")
        manager = device.manager
        assert manager is not None
        before, beats = manager._acquisition, manager.beats
        manager._link = LinkSnapshot  # what a new watch tells
        manager.wake()
        device.wait_for(lambda _: manager.beats > beats and manager.is_resting, "a round")
        assert manager._acquisition is before
        assert device.now.current.address.value == "10.1.0.5"


def test_an_interface_that_cannot_be_had_is_tried_again_without_hurry(tmp_path: Path) -> None:
    state = [LinkSnapshot(interface="nowhere0", index=9999, mac="02:00:00:00:00:01", has_carrier=True)]
    manager = NetworkManager(
        Settings(tmp_path), link=lambda: state[0], state=tmp_path, resolv_conf=tmp_path / "resolv.conf"
    )
    manager.start()
    try:
        wait_until(lambda: manager.snapshot().troubles, "the trouble")
        assert "nowhere0 cannot be managed" in manager.snapshot().troubles[0]
        state[0] = LinkSnapshot(fault="There is no interface nowhere0.")
        manager._retry_at = 0.0  # as if five seconds had passed
        manager.wake()
        wait_until(lambda: manager._retry_at == inf and manager.is_resting, "rest")
        beats = manager.beats
        assert not manager.stopping.wait(0.3)
        assert manager.beats - beats <= 1
    finally:
        manager.stop()


def test_it_sleeps_when_there_is_nothing_to_do(tmp_path: Path) -> None:
    with managed(tmp_path, network__dhcp="off", network__address="10.1.0.5/24") as device:
        device.start()
        has_address(device, "Static")
        manager = device.manager
        assert manager is not None
        # The announcements end after two seconds; from then on only a wake brings it round.
        device.wait_for(lambda _: manager._acquisition is not None and manager._acquisition.due == inf, "silence")
        device.wait_for(lambda _: manager.is_resting, "rest")
        beats = manager.beats
        assert not manager.stopping.wait(0.5)
        assert manager.beats == beats
        manager.wake()
        device.wait_for(lambda _: manager.beats > beats, "another round")
