"""The services of the network under supervision, killed and hung while a client talks through the tunnel."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.appliance_rig import Appliance
from tests.network.managed import managed
from tests.test_supervision import hang, is_well, kill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["network", "mdns", "link"])
@pytest.mark.parametrize("way", ["killed", "hung"])
def test_a_service_of_the_network_is_restarted_alone(tmp_path: Path, name: str, way: str) -> None:
    released = threading.Event()
    with managed(tmp_path) as cable, cable.here.entered():
        appliance = Appliance(
            tmp_path,
            {"network.dhcp": "off", "network.address": "10.1.0.5/24", "network.address_check": "quick"},
            interface="near",
            manages_network=True,
        )
        try:
            appliance.start()
            appliance.wait_for(lambda: cable.addresses() == ["10.1.0.5/24"], "the address")
            client = appliance.client()
            appliance.exchange(client)
            victim = appliance.service(name)
            before = appliance.device.network
            acquisition = before._acquisition if before is not None else None
            if way == "killed":
                kill(victim)
            else:
                hang(victim, released)
            appliance.exchange(client)
            appliance.wait_for(lambda: is_well(appliance, name, victim), f"another {name}")
            appliance.exchange(client)
            assert cable.addresses() == ["10.1.0.5/24"]
            network = appliance.device.network
            assert network is not None
            if name == "link":  # a watch that has to look anew is no reason to begin anew
                assert network._acquisition is acquisition
            appliance.wait_for(lambda: network.snapshot().current.address.value == "10.1.0.5", "its state")
            assert appliance.device.tunnel.counters.completed_accepts == 1
        finally:
            released.set()
            appliance.stop()
