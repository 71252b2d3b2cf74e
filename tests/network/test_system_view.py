"""What the system has, seen by netifaces in a namespace, and by files of every quality."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidValue
from appliance.network.system_view import SystemView, read, read_resolv_conf
from appliance.settings.link import Duplex
from tests.network.namespaces import Namespace, cable, namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def device() -> Iterator[Namespace]:
    need_namespaces()
    with namespace() as made, namespace() as far:
        cable(made, "m0", far, "p0")
        made.ip_batch(
            "link set m0 address 02:00:00:00:00:2a",
            "addr add 10.0.0.5/24 brd + dev m0",
            "addr add 169.254.3.4/16 dev m0",
            "addr add 10.0.0.6/24 dev m0",
        )
        yield made


def view(device: Namespace, tmp_path: Path, interface: str = "m0") -> SystemView:
    with device.entered():
        return read(interface, sys_class_net=tmp_path, resolv_conf=tmp_path / "resolv.conf")


def test_mac_and_addresses_are_those_of_the_interface(device: Namespace, tmp_path: Path) -> None:
    found = view(device, tmp_path)
    assert found.is_present
    assert found.mac == "02:00:00:00:00:2a"
    assert set(found.addresses) == {IPv4Interface(each) for each in ("10.0.0.5/24", "10.0.0.6/24", "169.254.3.4/16")}
    assert found.addresses[0] == IPv4Interface("10.0.0.5/24")
    assert (found.gateway, found.speed, found.duplex, found.name_servers) == (None, None, None, ())


@pytest.mark.parametrize("metric", [(), ("metric", "103", "proto", "103")])
def test_the_gateway_is_that_of_the_interface(device: Namespace, tmp_path: Path, metric: tuple[str, ...]) -> None:
    device.ip("route", "add", "default", "via", "10.0.0.1", *metric)
    assert view(device, tmp_path).gateway == IPv4Address("10.0.0.1")
    assert view(device, tmp_path, "lo").gateway is None


def test_a_default_route_without_a_gateway_has_none(device: Namespace, tmp_path: Path) -> None:
    device.ip("route", "add", "default", "dev", "m0")
    assert view(device, tmp_path).gateway is None


def test_an_interface_that_is_not_there_is_empty(device: Namespace, tmp_path: Path) -> None:
    assert view(device, tmp_path, "e9") == SystemView("e9")


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidValue):
        read("../../etc")


@pytest.mark.parametrize(
    ("speed", "duplex", "expected"),
    [
        ("100\n", "full\n", (100, Duplex.FULL)),
        ("10\n", "half\n", (10, Duplex.HALF)),
        ("-1\n", "unknown\n", (None, None)),
        ("", "", (None, None)),
        ("9" * 5000, "auto", (None, None)),
        ("\N{SUPERSCRIPT TWO}", "\0", (None, None)),
    ],
)
def test_speed_and_duplex_of_sysfs(tmp_path: Path, speed: str, duplex: str, expected: tuple[object, object]) -> None:
    (tmp_path / "lo").mkdir()
    (tmp_path / "lo/speed").write_text(speed)
    (tmp_path / "lo/duplex").write_text(duplex)
    found = read("lo", sys_class_net=tmp_path, resolv_conf=tmp_path / "none")
    assert (found.speed, found.duplex) == expected


@pytest.mark.parametrize(
    ("text", "servers", "search"),
    [
        (b"", [], []),
        (b"nameserver 192.0.2.1\nnameserver 192.0.2.2", ["192.0.2.1", "192.0.2.2"], []),
        (b" nameserver\t192.0.2.1 # first\n;nameserver 192.0.2.9\r\n", ["192.0.2.1"], []),
        (b"nameserver ::1\nnameserver 192.0.2.1\nnameserver x\nnameserver 192.0.2.2\n", ["192.0.2.1"], []),
        (b"domain a.example\nsearch b.example c.example.\n", [], ["b.example", "c.example"]),
        (b"search b.example\ndomain a.example z.example\n", [], ["a.example"]),
        (b"search <script> ok.example \xff\xfe\n", [], ["ok.example"]),
        (b"nameserver\nsearch\noptions edns0\n\0\0\0", [], []),
        (b"nameserver 192.0.2.1\n" + b"x" * 200_000 + b"\nnameserver 192.0.2.2\n", ["192.0.2.1"], []),
    ],
)
def test_a_resolv_conf_of_any_kind_is_read(tmp_path: Path, text: bytes, servers: list[str], search: list[str]) -> None:
    path = tmp_path / "resolv.conf"
    path.write_bytes(text)
    assert read_resolv_conf(path) == (tuple(map(IPv4Address, servers)), tuple(search))


def test_a_resolv_conf_that_is_missing_or_a_folder_is_empty(tmp_path: Path) -> None:
    assert read_resolv_conf(tmp_path / "none") == read_resolv_conf(tmp_path) == ((), ())
