"""What is recorded of a whole device is what went over its line and its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.recorder import Span
from tests.appliance_rig import running

if TYPE_CHECKING:
    from pathlib import Path


def test_the_numbers_of_a_device(tmp_path: Path) -> None:
    with running(tmp_path) as appliance:
        history = appliance.device.history
        appliance.wait_for(lambda: appliance.device.link.snapshot().has_carrier, "the link")
        history.sample()
        client = appliance.client()
        appliance.exchange(client)
        assert appliance.asks_for_login()
        appliance.wait_for(lambda: appliance.device.tunnel.counters.octets_from_serial, "the octet")
        web = appliance.device.http
        assert web is not None
        appliance.wait_for(lambda: web.counters.status_401, "the count")
        history.sample()
        recording = history.read(Span.HOUR)
        assert recording.ends
        grown = {
            name: sum(rate * seconds for rate, seconds in zip(rates, recording.seconds, strict=True) if rate)
            for name, rates in recording.rates.items()
        }
        assert round(grown["line_tx_bytes"]) == 5
        assert round(grown["line_rx_bytes"]) == 1
        assert round(grown["tunnel_octets_from_network"]) == 5
        assert round(grown["tunnel_octets_from_serial"]) == 1
        assert round(grown["tunnel_accepts"]) == 1
        assert round(grown["tunnel_dropped_accepts"]) == 0
        assert round(grown["line_errors"]) == 0
        assert round(grown["http_requests"]) == 1
        assert grown["network_frames"] > 0
        assert recording.rates["tunnel_clients"][-1] == 1.0
        assert recording.rates["link_up"][-1] == 1.0
