"""The tunnel serves before anything is loaded that it does not need."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from appliance.device import Device
from tests.appliance_rig import Appliance

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from appliance.tunnel.tunnel import Tunnel

LATE = {
    *(f"appliance.{room}" for room in ("console", "latecomers", "meters", "publishing", "readout", "recorder", "web")),
    *("appliance.httpd.server", "appliance.network.manager", "appliance.update"),
    *("babel", "cryptography", "flask", "jeepney", "paho", "prometheus_client", "sqlite3", "zeroconf"),
}


def test_the_program_has_not_loaded_what_the_tunnel_does_without() -> None:
    program = f"import sys, appliance.operation, appliance.device; print(*({LATE!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == []


def test_the_tunnel_serves_before_the_rest_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    build = Device._build_tunnel

    def build_tunnel(device: Device) -> Tunnel:
        assert device.faults == ()  # the panel's thread asks from the first moment on
        seen.extend((device._latecomers, device.console, device.http))
        return build(device)

    monkeypatch.setattr(Device, "_build_tunnel", build_tunnel)
    appliance = Appliance(tmp_path)
    try:
        appliance.device.start(must_listen=False)
        assert seen == [None, None, None]
        assert appliance.device.meters.snapshot().meters == ()
        assert appliance.device.console is not None
        assert appliance.asks_for_login()
    finally:
        appliance.stop()


def test_the_network_comes_next_where_it_is_ours(tmp_path: Path) -> None:
    appliance = Appliance(tmp_path, manages_network=True)
    try:
        names = [service.name for service in appliance.device.services()]
        assert names[:6] == ["panel", "link", "line", "tunnel", "network", "web"]
    finally:
        appliance.stop()


def test_whoever_asks_first_has_the_rest_built_once(tmp_path: Path) -> None:
    appliance = Appliance(tmp_path)
    try:
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(appliance.device.meters)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(found) == len(threads)
        assert len(set(map(id, found))) == 1
    finally:
        appliance.stop()
