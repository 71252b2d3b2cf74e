"""A network that is only looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.network.link_watch import LinkSnapshot
from appliance.network.observed import observe
from tests.network.managed import managed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_the_system_has_is_shown_and_nothing_is_changed(tmp_path: Path) -> None:
    with managed(tmp_path) as device:
        device.here.ip("address", "add", "10.1.0.5/24", "dev", "near")
        device.here.ip("route", "add", "default", "via", "10.1.0.1")
        before = device.here.ip("address", "show")
        with device.here.entered():
            snapshot = observe(LinkSnapshot(interface="near", mac="02:00:00:00:00:01", has_carrier=True), "bench")
        assert str(snapshot.current.address) == "10.1.0.5 (System)"
        assert str(snapshot.current.mask) == "255.255.255.0 (System)"
        assert str(snapshot.current.gateway) == "10.1.0.1 (System)"
        assert str(snapshot.current.hostname) == "bench (System)"
        assert not snapshot.is_managed
        assert device.here.ip("address", "show") == before


def test_without_an_interface_there_is_only_the_name() -> None:
    snapshot = observe(LinkSnapshot(), "bench")
    assert snapshot.interface is None
    assert str(snapshot.current.address) == "<None>"
    assert str(snapshot.current.hostname) == "bench (System)"


def test_without_a_watch_the_first_ethernet_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with managed(tmp_path) as device:
        device.here.ip("address", "add", "10.1.0.5/24", "dev", "near")
        monkeypatch.setattr("appliance.network.observed.find_interface", lambda: "near")
        with device.here.entered():
            snapshot = observe(None, "bench")
        assert snapshot.interface == "near"
        assert snapshot.mac in device.here.ip("link", "show", "near")
        assert str(snapshot.current.address) == "10.1.0.5 (System)"
