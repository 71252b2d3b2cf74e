"""What Prometheus is told of the meters: their values in base units, how reading them goes, and the search."""

from __future__ import annotations

import math
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from appliance.errors import FrameError
from appliance.mbus.telegram import decode
from appliance.meters.snapshot import SearchPhase
from appliance.web.measure import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.mbus.data_record import DataRecord
    from appliance.meters.readings import StoredReading
    from appliance.meters.snapshot import MetersSnapshot, MeterState
    from appliance.meters.view import MetersView
    from appliance.publishing.snapshot import PublisherSnapshot
    from appliance.web.measure import Measure

MOST_VALUES = 128
"""Values of one meter that are told; those behind them are left out. Meters have 5 to 40."""
LONGEST_LABEL = 128
"""Characters of a label; what a meter or its owner writes may be longer."""

_HOUR, _DAY = Decimal(3600), Decimal(86_400)


class Scale(NamedTuple):
    """Where values of a unit go, and what makes base units of them."""

    family: str
    factor: Decimal = Decimal(1)
    divisor: Decimal = Decimal(1)


SCALES = {
    "Wh": Scale("energy_joules", _HOUR),
    "J": Scale("energy_joules"),
    "m³": Scale("volume_cubic_meters"),
    "kg": Scale("mass_grams", Decimal(1000)),
    "W": Scale("power_watts"),
    "J/h": Scale("power_watts", divisor=_HOUR),
    "m³/h": Scale("volume_flow_cubic_meters_per_second", divisor=_HOUR),
    "m³/min": Scale("volume_flow_cubic_meters_per_second", divisor=Decimal(60)),
    "m³/s": Scale("volume_flow_cubic_meters_per_second"),
    "kg/h": Scale("mass_flow_grams_per_second", Decimal(1000), _HOUR),
    "°C": Scale("temperature_celsius"),
    "K": Scale("temperature_difference_kelvin"),
    "bar": Scale("pressure_pascals", Decimal(100_000)),
    "s": Scale("duration_seconds"),
    "min": Scale("duration_seconds", Decimal(60)),
    "h": Scale("duration_seconds", _HOUR),
    "d": Scale("duration_seconds", _DAY),
    "V": Scale("voltage_volts"),
    "A": Scale("current_amperes"),
    "Hz": Scale("frequency_hertz"),
    "%": Scale("ratio", divisor=Decimal(100)),
}
"""By the codec's units. Only exact factors: a calorie, a month and a gallon are not the same everywhere."""

FAMILIES = {
    "energy_joules": "Energy that a meter told.",
    "volume_cubic_meters": "Volume that a meter told.",
    "mass_grams": "Mass that a meter told.",
    "power_watts": "Power that a meter told.",
    "volume_flow_cubic_meters_per_second": "Volume flow that a meter told.",
    "mass_flow_grams_per_second": "Mass flow that a meter told.",
    "temperature_celsius": "Temperature that a meter told.",
    "temperature_difference_kelvin": "Temperature difference that a meter told.",
    "pressure_pascals": "Pressure that a meter told.",
    "duration_seconds": "Time that a meter told, such as its operating time.",
    "voltage_volts": "Voltage that a meter told.",
    "current_amperes": "Current that a meter told.",
    "frequency_hertz": "Frequency that a meter told.",
    "ratio": "What a meter told in per cent, such as humidity; 1 is 100 %.",
}
OTHER = "value"
OTHER_HELP = "Every other number that a meter told, in the unit that its label names."

_METER = ("meter", "name")
_RECORD = ("quantity", "function", "storage", "tariff", "subunit", "repeat")


class Value(NamedTuple):
    """A number of a reading."""

    family: str
    labels: tuple[str, ...]
    value: float


def label(text: str) -> str:
    """Make a label of text that strangers wrote: printable UTF-8 of a length that does no harm.

    A control character or a lone surrogate, which would make the whole scrape unreadable, becomes U+FFFD.
    """
    if text.isprintable() and len(text) <= LONGEST_LABEL:
        return text
    return "".join("\ufffd" if c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c < "\ue000" else c for c in text)[
        :LONGEST_LABEL
    ]


def values_of(reading: StoredReading) -> tuple[Value, ...]:
    """Take the numbers of a reading, each with labels that no other one of its family has."""
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    found: list[Value] = []
    for record in _records(reading):
        family, value = _scaled(record)
        if value is None:
            continue
        unit = (label(record.unit),) if family == OTHER else ()
        place = (str(record.storage), str(record.tariff), str(record.subunit))
        labels = (label(record.quantity), record.function_words, *place)
        # A meter may tell the same twice, such as a volume in two resolutions. Two samples with the same labels would
        # make Prometheus drop the scrape as a whole, so later ones are numbered; an empty label is as good as none.
        times = seen[family, (*labels, *unit)] = seen.get((family, (*labels, *unit)), 0) + 1
        found.append(Value(family, (*labels, "" if times == 1 else str(times), *unit), value))
        if len(found) == MOST_VALUES:
            break
    return tuple(found)


def _records(reading: StoredReading) -> Iterator[DataRecord]:
    for octets in reading.telegrams:
        try:
            yield from decode(octets).records
        except FrameError:  # a disk that has lost bits: what else there is can still be told
            continue


def _scaled(record: DataRecord) -> tuple[str, float | None]:
    if not isinstance(record.value, Decimal):
        return OTHER, None
    scale = SCALES.get(record.unit)
    value = float(record.value if scale is None else record.value * scale.factor / scale.divisor)
    return (scale.family if scale is not None else OTHER), (value if math.isfinite(value) else None)


class MeterValues:
    """Keeps the values of each meter's last reading: to decode all of them anew for each scrape takes a while."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[float, int], int, tuple[Value, ...]]] = {}
        """By meter: its last reading and its tries then, the number of the reading, and its values."""
        self._lock = threading.Lock()

    def of(self, meters: MetersView, state: MeterState) -> tuple[Value, ...]:
        """Give the values of a meter's last reading; nothing before the first (any thread)."""
        key = state.meter.key
        if state.last_reading is None:
            return ()
        stamp = (state.last_reading, state.tries)
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] == stamp:
            return known[2]
        reading = meters.latest(key)
        if reading is None:
            return ()
        values = known[2] if known is not None and known[1] == reading.key else values_of(reading)
        with self._lock:
            self._known[key] = (stamp, reading.key, values)
        return values

    def keep_only(self, keys: set[int]) -> None:
        """Forget meters that are no longer in the list (any thread)."""
        with self._lock:
            for key in self._known.keys() - keys:
                del self._known[key]


def meter_measures(meters: MetersView, values: MeterValues) -> Iterator[Measure]:
    """Look at the meters once; `values` is what was known before."""
    snapshot = meters.snapshot()
    yield from _bus(snapshot)
    yield from _search(snapshot)
    yield from _meters(snapshot.meters)
    yield from _values(meters, snapshot.meters, values)


def _bus(snapshot: MetersSnapshot) -> Iterator[Measure]:
    yield gauge("meters", "Meters in the list.").add(len(snapshot.meters))
    yield gauge("meter_readings", "Readings that are kept on the device.").add(snapshot.readings)
    yield gauge("bus_load_ratio", "Part of the bus time that the schedule needs; above 1 it cannot be kept.").add(
        snapshot.bus_load
    )
    yield gauge("bus_used_by_device", "Whether the device itself has the bus now.").add(snapshot.is_busy)


def _search(snapshot: MetersSnapshot) -> Iterator[Measure]:
    search = snapshot.search
    under_way = (SearchPhase.RUNNING, SearchPhase.WAITING, SearchPhase.PAUSED)
    yield gauge("search_under_way", "Whether a search for meters runs, waits or rests.").add(search.phase in under_way)
    if search.phase is not SearchPhase.NONE:
        yield gauge("search_progress_ratio", "Part of the last search that is done.").add(search.progress)
        yield gauge("search_found_meters", "Meters that the last search found.").add(len(search.found))


def _meters(states: tuple[MeterState, ...]) -> Iterator[Measure]:
    info = gauge(
        "meter_info",
        "A meter of the list; always 1.",
        *(*_METER, "address", "identification", "manufacturer", "version", "medium", "speed"),
    )
    answers = gauge("meter_up", "Whether the last readout of a meter succeeded.", *_METER)
    last = gauge("meter_last_reading_timestamp_seconds", "When a meter last answered.", *_METER)
    response = gauge("meter_response_seconds", "Time from a request to the answer, on average.", *_METER)
    whole = gauge("meter_readout_seconds", "Time of a whole readout, on average.", *_METER)
    tries = counter("meter_readouts", "Readouts of a meter.", *_METER)
    failures = counter("meter_failed_readouts", "Readouts of a meter that failed.", *_METER)
    for state in states:
        meter, who = state.meter, _who(state)
        version = "" if meter.version is None else str(meter.version)
        identity = (meter.identification, label(meter.manufacturer), version, meter.medium, str(meter.baud))
        info.add(1, *who, meter.address_text, *identity)
        answers.add(None if state.last_try is None else not state.error, *who)
        last.add(state.last_reading, *who)
        response.add(state.response_time, *who)
        whole.add(state.readout_time, *who)
        tries.add(state.tries, *who)
        failures.add(state.failures, *who)
    yield from (info, answers, last, response, whole, tries, failures)


def publisher_measures(publisher: PublisherSnapshot) -> Iterator[Measure]:
    """Tell how sending readings to the MQTT broker goes; nothing while it is switched off."""
    if not publisher.is_enabled:
        return
    yield gauge("mqtt_connected", "Whether there is a connection to the MQTT broker.").add(publisher.is_connected)
    yield gauge("mqtt_waiting_readings", "Readings that wait for the broker.").add(publisher.waiting)
    yield counter("mqtt_published_readings", "Readings that the broker has confirmed.").add(publisher.published)
    yield counter("mqtt_skipped_readings", "Readings that the broker will never get.").add(publisher.skipped)


def _values(meters: MetersView, states: tuple[MeterState, ...], known: MeterValues) -> Iterator[Measure]:
    families = {name: gauge(f"meter_{name}", text, *_METER, *_RECORD) for name, text in FAMILIES.items()}
    families[OTHER] = gauge(f"meter_{OTHER}", OTHER_HELP, *_METER, *_RECORD, "unit")
    known.keep_only({state.meter.key for state in states})
    for state in states:
        who = _who(state)
        for value in known.of(meters, state):
            families[value.family].samples.append(((*who, *value.labels), value.value))
    yield from families.values()


def _who(state: MeterState) -> tuple[str, str]:
    return str(state.meter.key), label(state.meter.name)
