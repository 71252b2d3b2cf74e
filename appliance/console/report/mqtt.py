"""How sending readings to the MQTT broker goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.display import table
from appliance.console.report.moment import moment

if TYPE_CHECKING:
    from appliance.publishing.snapshot import PublisherSnapshot


def mqtt_lines(publisher: PublisherSnapshot) -> list[str]:
    """Write state and counters of publishing."""
    state = "Off"
    if publisher.is_enabled:
        state = "Connected" if publisher.is_connected else "Not connected"
        if publisher.since is not None:
            state += f" since {moment(publisher.since)} UTC"
    rows = [
        ("State", state),
        ("Broker", publisher.broker or "none"),
        ("Readings published", str(publisher.published)),
        ("Readings waiting", str(publisher.waiting)),
        ("Readings skipped", str(publisher.skipped)),
    ]
    rows += [("Error", publisher.error)] if publisher.error else []
    rows += [("Note", publisher.note)] if publisher.note else []
    return table(rows)
