"""Which interface is the appliance's, shown with folders like those of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidValue
from appliance.network.interface import check_name, find_interface
from appliance.network.link_watch import LinkWatch

if TYPE_CHECKING:
    from pathlib import Path

ETHERNET, LOOPBACK, NONE = "1", "772", "65534"


def add(folder: Path, name: str, kind: str = ETHERNET, *, has_device: bool = True, beside: str = "") -> None:
    """Show an interface as sysfs does."""
    target = folder / "devices" / name
    target.mkdir(parents=True)
    (target / "type").write_text(kind + "\n")
    if has_device:
        (target / "device").symlink_to(folder / "devices")
    if beside:
        (target / beside).mkdir()
    (folder / "net").mkdir(exist_ok=True)
    (folder / "net" / name).symlink_to(target)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("enx02", "end0", "eth0"), "eth0"),
        (("enx02", "end0"), "end0"),
        (("eth1", "enx02"), "enx02"),
        (("eth10", "eth1"), "eth1"),
    ],
)
def test_the_built_in_port_comes_first_then_the_name_decides(
    tmp_path: Path, names: tuple[str, ...], chosen: str
) -> None:
    for name in names:
        add(tmp_path, name)
    assert find_interface(None, tmp_path / "net") == chosen


def test_only_wired_ethernet_with_hardware_is_taken(tmp_path: Path) -> None:
    add(tmp_path, "lo", LOOPBACK, has_device=False)
    add(tmp_path, "eth0", has_device=False)
    add(tmp_path, "end0", NONE)
    for name, beside in (("wlan0", "wireless"), ("wlan1", "phy80211"), ("br0", "bridge"), ("tap0", "tun_flags")):
        add(tmp_path, name, beside=beside)
    (tmp_path / "net" / "bonding_masters").write_text("")  # a file among the folders
    assert find_interface(None, tmp_path / "net") is None
    add(tmp_path, "zzz")
    assert find_interface(None, tmp_path / "net") == "zzz"


def test_a_name_that_is_given_is_taken_whatever_it_is_if_it_is_there(tmp_path: Path) -> None:
    add(tmp_path, "eth0")
    add(tmp_path, "veth7", has_device=False)
    assert find_interface("veth7", tmp_path / "net") == "veth7"
    assert find_interface("eth7", tmp_path / "net") is None


def test_without_sysfs_there_is_none(tmp_path: Path) -> None:
    assert find_interface(None, tmp_path / "net") is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../eth0", "a b", "eth0\n", "a:b", "a\0", "x" * 16, "ü" * 8])
def test_a_name_that_the_kernel_would_refuse_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue):
        find_interface(name, tmp_path)
    with pytest.raises(InvalidValue):
        LinkWatch(name)


@pytest.mark.parametrize("name", ["eth0", "x" * 15, "enxb827eb000001", "eth0.7", "..."])
def test_a_name_that_the_kernel_takes_is_taken(name: str) -> None:
    assert check_name(name) == name
