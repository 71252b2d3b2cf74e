"""Time servers, from what a DHCP server says to the file that the system's clock reads."""

from __future__ import annotations

import os
import shutil
from configparser import ConfigParser
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from appliance.errors import NetworkError
from appliance.network.time_servers import FILE_NAME, HEADER, timesyncd_conf, write
from tests.conftest import need
from tests.network.managed import dnsmasq, managed
from tests.network.namespaces import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
RANGE = "--dhcp-range=192.0.2.100,192.0.2.110,255.255.255.0,2m"
NAMED = "--dhcp-option=option:ntp-server"


def test_servers_stand_in_their_order_and_none_twice() -> None:
    assert timesyncd_conf([TWO, ONE, TWO]) == f"{HEADER}[Time]\nNTP=192.0.2.2 192.0.2.1\n"


def test_without_servers_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert not write([], path)
    assert not write([], tmp_path / "missing" / FILE_NAME)
    assert write([ONE], path)
    assert write([], path)
    assert list(tmp_path.iterdir()) == []


def test_the_same_servers_leave_the_file_alone_and_others_take_its_place(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    former = os.umask(0o077)
    try:
        assert write([ONE], path)
    finally:
        os.umask(former)
    assert path.stat().st_mode & 0o777 == 0o644, "the clock's service is another user"
    before = path.stat()
    assert not write([ONE], path)
    assert path.stat() == before
    assert write([ONE, TWO], path)
    assert path.stat().st_ino != before.st_ino
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_or_removed_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be written"):
        write([ONE], tmp_path / "missing" / FILE_NAME)
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(NetworkError, match="cannot be written"):
        write([ONE], tmp_path / FILE_NAME)
    with pytest.raises(NetworkError, match="cannot be removed"):
        write([], tmp_path / FILE_NAME)
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]


def test_the_image_watches_the_file_and_has_the_clock_read_it() -> None:
    lib = ROOT / "image" / "root" / "usr" / "lib"
    unit = ConfigParser()
    unit.read(lib / "systemd" / "system" / "cme3000-time.path")
    path = f"/run/cme3000/{FILE_NAME}"
    assert unit["Path"]["PathChanged"] == path
    # Written after timesyncd has read it and before it is watched, it would go unnoticed.
    assert unit["Unit"]["DefaultDependencies"] == "no"
    assert "systemd-timesyncd.service" in unit["Unit"]["Before"].split()
    entries = [line.split() for line in (lib / "tmpfiles.d" / "cme3000.conf").read_text("utf-8").splitlines()]
    (link,) = [words for words in entries if words[-1] == path]
    assert link[0] == "L+"
    assert link[1].startswith("/run/systemd/timesyncd.conf.d/")
    assert link[1].endswith(".conf")


def test_those_of_a_dhcp_server_reach_the_file_the_status_and_the_kept_lease(tmp_path: Path) -> None:
    need(shutil.which("dnsmasq"), "dnsmasq is not installed")
    with managed(tmp_path) as device:
        # Sent only to who asks for it; the loopback address can be nobody's.
        server = dnsmasq(device.there, tmp_path, RANGE, f"{NAMED},192.0.2.123,127.0.0.1,192.0.2.124")
        device.start()
        device.wait_for(lambda now: now.current.address.source == "DHCP", "an address")
        assert str(device.now.current.time_servers) == "192.0.2.123 192.0.2.124 (DHCP)"
        assert device.timesyncd_conf == f"{HEADER}[Time]\nNTP=192.0.2.123 192.0.2.124\n"
        assert device.now.troubles == ()
        (lease,) = (tmp_path / "state").glob("lease-*")
        assert "192.0.2.124" in lease.read_text()
        before = (tmp_path / FILE_NAME).stat()

        # Other settings of the network have the binding made anew.
        device.settings.set({"network.dns1": "192.0.2.53"}, save=False)
        device.wait_for(lambda now: now.current.primary_dns.value == "192.0.2.53", "the name server")
        assert (tmp_path / FILE_NAME).stat() == before

        server.kill()
        server.wait()
        dnsmasq(device.there, tmp_path, RANGE)
        device.stop()
        assert device.timesyncd_conf, "the address stays for the next start, and so do they"
        device.start()
        device.wait_for(lambda now: now.current.address.source == "DHCP", "an address again")
        assert str(device.now.current.time_servers) == "<None>"
        assert device.timesyncd_conf == ""


def test_a_file_that_cannot_be_written_is_told_and_the_address_used_all_the_same(tmp_path: Path) -> None:
    need(shutil.which("dnsmasq"), "dnsmasq is not installed")
    (tmp_path / FILE_NAME).mkdir()
    with managed(tmp_path) as device:
        dnsmasq(device.there, tmp_path, RANGE, f"{NAMED},192.0.2.123")
        device.start()
        device.wait_for(lambda now: now.current.address.source == "DHCP", "an address")
        assert [trouble for trouble in device.now.troubles if f"{FILE_NAME} cannot be written" in trouble]
        assert device.addresses()
