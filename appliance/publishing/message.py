"""A reading as the message that is published."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING

from appliance.mbus.telegram import decode
from appliance.mbus.telegram_object import as_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.meters.meter import Meter
    from appliance.meters.readings import StoredReading
    from appliance.publishing.sensors import Sensor


def message_of(reading: StoredReading, meter: Meter, sensors: Sequence[Sensor], *, store: str) -> bytes:
    """Write a reading as JSON in UTF-8.

    :param store: names the store in which the reading's number is unique; both together name the reading for ever.
    """
    telegrams = [as_object(decode(telegram)) for telegram in reading.telegrams]
    content = {
        "reading": reading.key,
        "store": store,
        "time": time_text(reading.at),
        "meter": {
            "number": meter.key,
            "name": meter.name,
            "identification": meter.identification,
            "manufacturer": meter.manufacturer,
            "version": meter.version,
            "medium": meter.medium,
            "primary": meter.primary,
            "secondary": meter.secondary,
        },
        "header": next((found["header"] for found in telegrams if found["header"]), None),
        "records": [record for found in telegrams for record in _list(found["records"])],
        "notes": list(reading.notes),
        "errors": [error for found in telegrams for error in _list(found["errors"])],
    }
    # The numbers of `sensors` are written by hand: json would make floats of them, which are not exact.
    numbers = ",".join(f"{json.dumps(sensor.slug)}:{_json(sensor)}" for sensor in sensors)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"sensors":{{{numbers}}}}}'.encode("utf-8", "backslashreplace")


def time_text(seconds: float) -> str:
    """Write a moment, given in seconds since 1970, as ISO 8601 has it, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(sensor: Sensor) -> str:
    return sensor.text if isinstance(sensor.value, Decimal) else json.dumps(sensor.value, ensure_ascii=False)


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
