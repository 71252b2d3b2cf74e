"""What Home Assistant is told of a meter: its device-based MQTT discovery, one message a device (from 2024.11 on)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from appliance.publishing.topics import level_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.meters.meter import Meter
    from appliance.product import Product
    from appliance.publishing.broker import Broker
    from appliance.publishing.sensors import Sensor

Components = dict[str, dict[str, Any]]
"""Entities by name, without what follows from the meter itself."""

SHORTEST_EXPIRY = 300
"""Seconds after which values count as old at the earliest, however often a meter is read."""
_MISSED = 3
"""Readouts that may fail before a meter's values count as old."""


def components_of(sensors: Iterable[Sensor]) -> Components:
    """Make an entity of each sensor."""
    found: Components = {}
    for sensor in sensors:
        rule = sensor.rule
        found[sensor.slug] = {
            "platform": "sensor",
            "name": sensor.name,
            # A reading may lack a record that others have; then the state is unknown, and nothing complains.
            "value_template": f"{{{{ value_json.sensors.{sensor.slug} | default(None) }}}}"
            if sensor.slug[0].isalpha()
            else f"{{{{ value_json.sensors['{sensor.slug}'] | default(None) }}}}",
            **{
                key: value
                for key, value in (
                    ("device_class", rule.device_class),
                    ("unit_of_measurement", rule.unit),
                    ("state_class", rule.state_class),
                )
                if value
            },
            **({"entity_category": "diagnostic"} if rule.is_diagnostic else {}),
            **({"enabled_by_default": False} if sensor.is_hidden else {}),
        }
    return found


def gateway_id(broker: Broker) -> str:
    """Give the identifier of this device."""
    return f"cme3000_{level_of(broker.topics.device)}"


def meter_id(broker: Broker, meter: Meter) -> str:
    """Give the identifier of a meter: the same after it was removed and found again, where it tells who it is."""
    own = f"{meter.secondary}{f'_{meter.fabrication}' if meter.fabrication else ''}" or f"number_{meter.key}"
    return f"{gateway_id(broker)}_{level_of(own)}"


def topic_of(broker: Broker, identifier: str) -> str:
    """Give the topic on which Home Assistant waits for a device."""
    return f"{broker.discovery}/device/{level_of(identifier.replace('.', '_'))}/config"


def meter_announcement(broker: Broker, product: Product, meter: Meter, components: Components, *, topic: str) -> bytes:
    """Announce a meter with its entities, whose values come on `topic`."""
    identifier = meter_id(broker, meter)
    expiry = {"expire_after": max(SHORTEST_EXPIRY, _MISSED * meter.interval)} if meter.interval else {}
    device = {
        "identifiers": [identifier],
        "name": meter.name or meter.identification or f"Meter {meter.key}",
        "manufacturer": meter.manufacturer,
        "model": meter.medium,
        "serial_number": meter.identification,
        "hw_version": "" if meter.version is None else str(meter.version),
        "via_device": gateway_id(broker),
    }
    return _encode(
        {
            "device": {key: value for key, value in device.items() if value},
            "origin": _origin(product),
            "components": {
                slug: {**component, **expiry, "unique_id": f"{identifier}_{slug}"}
                for slug, component in components.items()
            },
            "state_topic": topic,
            "availability_topic": broker.topics.availability,
            "qos": 1,
        }
    )


def gateway_announcement(broker: Broker, product: Product) -> bytes:
    """Announce this device itself, so that its meters are shown behind it."""
    identifier = gateway_id(broker)
    device = {
        "identifiers": [identifier],
        "name": f"CMe3000 {broker.topics.device}",
        "manufacturer": "CMe3000",
        "model": product.type,
        "serial_number": product.serial_number,
        "sw_version": product.version,
        "hw_version": product.board,
    }
    return _encode(
        {
            "device": {key: value for key, value in device.items() if value},
            "origin": _origin(product),
            "components": {
                "connection": {
                    "platform": "binary_sensor",
                    "name": "Connection",
                    "unique_id": f"{identifier}_connection",
                    "device_class": "connectivity",
                    "entity_category": "diagnostic",
                    "payload_on": "online",
                    "payload_off": "offline",
                }
            },
            "state_topic": broker.topics.availability,
            "qos": 1,
        }
    )


def _origin(product: Product) -> dict[str, str]:
    return {"name": "CMe3000", "sw_version": product.version}


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
