"""A lease on the disk: kept, and not believed."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidValue
from appliance.network.dhcp.lease import Lease
from appliance.network.dhcp.lease_file import LARGEST_FILE, LeaseFile
from tests.network.dhcp.rig import WALL

if TYPE_CHECKING:
    from pathlib import Path

MAC = "02:00:00:00:00:42"
LEASE = Lease(
    address=IPv4Address("192.0.2.100"),
    prefix_length=24,
    server=IPv4Address("192.0.2.1"),
    routers=(IPv4Address("192.0.2.1"),),
    dns=(IPv4Address("192.0.2.2"), IPv4Address("192.0.2.3")),
    time_servers=(IPv4Address("192.0.2.4"), IPv4Address("192.0.2.5")),
    domain="example.net",
    search=("a.test", "b.test"),
    hostname="gate-1",
    mtu=1400,
    obtained=WALL,
    duration=3600,
    t1=1800,
    t2=3150,
)
WITHOUT_END = replace(LEASE, duration=None, t1=None, t2=None, server=None, domain=None, hostname=None, mtu=None)


@pytest.mark.parametrize("lease", [LEASE, WITHOUT_END, Lease(IPv4Address("10.0.0.1"), 32)])
def test_a_lease_is_found_again(tmp_path: Path, lease: Lease) -> None:
    folder = tmp_path / "state"
    assert LeaseFile(folder, "eth0", MAC).load() is None
    assert LeaseFile(folder, "eth0", MAC).store(lease)
    assert LeaseFile(folder, "eth0", MAC.upper()).load() == lease
    assert LeaseFile(folder, "eth1", MAC).load() is None


def test_a_file_from_before_there_were_time_servers_is_a_lease_without_them(tmp_path: Path) -> None:
    file = LeaseFile(tmp_path, "eth0", MAC)
    file.store(LEASE)
    content = json.loads(file.path.read_bytes())
    assert content["lease"].pop("time_servers") == ["192.0.2.4", "192.0.2.5"]
    file.path.write_text(json.dumps(content))
    assert LeaseFile(tmp_path, "eth0", MAC).load() == replace(LEASE, time_servers=())


@pytest.mark.parametrize("value", [None, "192.0.2.4", ["::1"], ["127.0.0.1"], ["192.0.2.4\nX=1"], ["192.0.2.4"] * 17])
def test_a_lease_with_wrong_time_servers_is_none(value: object) -> None:
    with pytest.raises(InvalidValue):
        Lease.from_dict({**LEASE.to_dict(), "time_servers": value})


def test_a_lease_of_another_device_is_none(tmp_path: Path) -> None:
    LeaseFile(tmp_path, "eth0", MAC).store(LEASE)
    assert LeaseFile(tmp_path, "eth0", "02:00:00:00:00:43").load() is None
    (tmp_path / "lease-eth0.json").rename(tmp_path / "lease-eth1.json")
    assert LeaseFile(tmp_path, "eth1", MAC).load() is None


def test_a_renewal_that_changes_nothing_is_written_once_an_hour(tmp_path: Path) -> None:
    file = LeaseFile(tmp_path, "eth0", MAC)
    written = [file.store(replace(LEASE, obtained=WALL + 60 * minute)) for minute in range(121)]
    assert [minute for minute, was in enumerate(written) if was] == [0, 60, 120]
    assert file.store(replace(LEASE, obtained=WALL + 7201, mtu=1500))
    assert not file.store(replace(LEASE, obtained=WALL + 7201, mtu=1500))
    after_restart = LeaseFile(tmp_path, "eth0", MAC)
    after_restart.load()
    assert not after_restart.store(replace(LEASE, obtained=WALL + 7202, mtu=1500))
    assert after_restart.store(replace(LEASE, obtained=WALL - 9, mtu=1500)), "the clock was set back"


def test_a_forgotten_lease_is_gone_and_can_be_kept_again(tmp_path: Path) -> None:
    file = LeaseFile(tmp_path, "eth0", MAC)
    file.store(LEASE)
    file.forget()
    file.forget()
    assert file.load() is None
    assert file.store(LEASE)


def test_a_disk_that_refuses_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    file = LeaseFile(tmp_path / "state", "eth0", MAC)
    assert not file.store(LEASE)
    assert file.load() is None
    file.forget()


@pytest.mark.parametrize("name", ["../eth0", "", "a/b", ".."])
def test_what_is_no_interface_names_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue):
        LeaseFile(tmp_path, name, MAC)


DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "zeros": bytes(400),
    "half": json.dumps({"form": 1}).encode()[:5],
    "no table": b"[]",
    "a number": b"7",
    "no lease": json.dumps({"form": 1, "interface": "eth0", "mac": MAC}).encode(),
    "another form": json.dumps({"form": 2, "interface": "eth0", "mac": MAC, "lease": LEASE.to_dict()}).encode(),
    "deep": b"[" * 30_000,
    "large": json.dumps({"form": 1, "interface": "eth0", "mac": MAC, "lease": LEASE.to_dict()}).encode()
    + b" " * LARGEST_FILE,
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_no_lease(tmp_path: Path, name: str) -> None:
    (tmp_path / "lease-eth0.json").write_bytes(DAMAGED[name])
    assert LeaseFile(tmp_path, "eth0", MAC).load() is None


WRONG: list[tuple[str, Any]] = [
    ("address", "127.0.0.1"),
    ("address", "192.0.2.255"),
    ("address", 3221225985),
    ("address", "192.0.2.100; reboot"),
    ("prefix_length", 0),
    ("prefix_length", 33),
    ("prefix_length", True),
    ("server", "0.0.0.0"),  # noqa: S104
    ("routers", "192.0.2.1"),
    ("routers", ["192.0.2.1"] * 17),
    ("dns", ["::1"]),
    ("domain", "a\nb"),
    ("search", ["ok.test", "$(id)"]),
    ("search", [7]),
    ("hostname", "localhost"),
    ("mtu", 68),
    ("obtained", -1),
    ("obtained", float("nan")),
    ("obtained", "yesterday"),
    ("duration", 0),
    ("duration", None),
    ("duration", 1 << 32),
    ("t1", 3200),
    ("t2", None),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_lease_with_a_wrong_value_is_none(name: str, value: object) -> None:
    assert Lease.from_dict(LEASE.to_dict()) == LEASE
    with pytest.raises(InvalidValue):
        Lease.from_dict({**LEASE.to_dict(), name: value})
    with pytest.raises(InvalidValue):
        Lease.from_dict({key: kept for key, kept in LEASE.to_dict().items() if key != name})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(json_values, st.sampled_from(sorted(LEASE.to_dict())))
def test_whatever_json_holds_is_a_lease_or_refused(value: object, name: str) -> None:
    for content in (value, {**LEASE.to_dict(), name: value}):
        try:
            lease = Lease.from_dict(content)
        except InvalidValue:
            continue
        assert Lease.from_dict(lease.to_dict()) == lease
