"""Readings reach a real broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.publishing.rig import BASE, broker_in, connect_to, housed, listening, publishing, until

if TYPE_CHECKING:
    from pathlib import Path


def test_readings_arrive_in_order_with_all_that_they_say(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, housed(tmp_path, **connect_to(broker)) as house, listening(broker) as listener:
        meter = house.add()
        with publishing(house) as publisher:
            until(publisher, lambda state: state.is_connected, "the connection")
            numbers = [house.store(meter, value, 1000 + value, 651) for value in range(30)]
            listener.await_numbers(numbers)
            until(publisher, lambda state: (state.published, state.waiting) == (30, 0), "the count")
            assert listener.payloads(f"{BASE}/availability") == [b"online"]
        first = listener.readings()[0]
        assert first["meter"]["name"] == "Cellar"
        assert first["meter"]["identification"] == "12345678"
        assert first["header"]["manufacturer"] == "KAM"
        assert [record["value"] for record in first["records"]] == ["0", "1.000", "65.1"]
        assert first["sensors"] == {"energy": 0, "volume": 1.0, "flow_temperature": 65.1}
        assert first["time"].endswith("Z")
        message = listener.messages[-1]
        assert (message.topic, bytes(message.payload)) == (f"{BASE}/availability", b"offline")
        assert {message.qos for message in listener.messages if message.topic.endswith("/reading")} == {2}
        json.loads(listener.payloads(f"{BASE}/meter/12345678/reading")[0])
