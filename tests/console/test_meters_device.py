"""The main path on the whole device with simulated meters: search, take in, read, show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.simulator.bus import SimulatedBus
from tests.appliance_rig import running
from tests.console.rig import PASSWORD, Client
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0
"""Seconds that a search for one meter may take on a busy machine; it needs about one."""


def test_from_the_search_to_the_values(tmp_path: Path) -> None:
    (tmp_path / "bus").mkdir()
    bus = SimulatedBus(1, pace=20.0, optical=False, folder=tmp_path / "bus")
    bus.start()
    client = None
    try:
        with running(tmp_path, line__two_wire=bus.line_url) as appliance:
            assert appliance.device.console is not None
            port = appliance.device.console.snapshot().port
            assert port is not None
            client = Client(port)
            client.login()
            client.run("enable")
            client.run(f'password "{PASSWORD}"')
            client.run("meters")
            assert "begins" in client.run("search 2400 secondary")
            asking = client

            def shows(line: str, wanted: str) -> bool:
                return wanted in " ".join(asking.run(line).split())

            wait_until(lambda: shows("show search", "Search finished"), "the end of the search", PATIENCE)
            assert shows("show search", "Found 1")
            assert client.run("search add all").startswith("In the list: 1 (")
            assert "1 readout is asked for" in client.run("read all")
            wait_until(lambda: shows("show meters 1", "Reading 1 of "), "a reading", PATIENCE)
            assert shows("show meters 1", "instantaneous value")
            assert not shows("show meters", "never")
            assert shows("show search", f"1 {bus.meters[0].address.text}")
            assert shows("show monitor", "the device itself > meters: REQ_UD2")
            assert client.run("set 1 name Cellar") == ""
            assert client.run("set 1 interval 900") == ""
            assert shows("show meters 1", "interval 900 s")
            assert client.run("set 1 interval 5").startswith('% Interval (interval): "5" is not allowed')
            assert client.run("set 1 reads-by-primary on") == ""
            assert client.run("no set 1 primary").startswith("% Primary address (primary): ")
            assert client.run("add primary 100") == "In the list: 2 (meter 100)."
            assert client.run("add primary 100").startswith(
                '% Primary address (primary): "100" at 2400 bit/s is that of'
            )
            assert client.run("set-primary 1 100 force").startswith(
                "% Primary address (primary): 100 is the address of"
            )
            client.run("remove 1 force")
            assert client.run("show meters 1").startswith('% there is no meter "1"')
            assert client.run("remove all force") == ""
            assert "There are no meters in the list" in client.run("show meters")
            client.close()
    finally:
        if client is not None:
            client.close()
        bus.stop()
