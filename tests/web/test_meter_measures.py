"""What Prometheus is told of the meters: base units, no label set twice, hostile names, and nothing decoded twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from appliance.mbus.telegram import decode
from appliance.meters.snapshot import SearchPhase, SearchState
from appliance.publishing.snapshot import PublisherSnapshot
from appliance.web.meter_measures import FAMILIES, MOST_VALUES, OTHER, SCALES, MeterValues, publisher_measures
from appliance.web.meter_measures import meter_measures as measures_of
from appliance.web.pages.metrics import family_of
from tests.console.meters_rig import READ_AT, VOLUME, WATER, ListedMeters, found, telegram
from tests.web.rig import HOSTILE, Showing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from tests.web.rig import Web

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Collected:
    def __init__(self, meters: ListedMeters, values: MeterValues) -> None:
        self.meters, self.values = meters, values

    def collect(self) -> Iterator[Metric]:
        for measure in measures_of(self.meters, self.values):
            if measure.samples:
                yield family_of(measure)


def scrape(meters: ListedMeters, values: MeterValues | None = None, accept: str = "") -> str:
    encode, _ = choose_encoder(accept)
    text: bytes = encode(Collected(meters, values or MeterValues()))
    return text.decode()


def samples(families: Iterable[Metric]) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Give the samples by name; a set of labels that is there twice, as Prometheus refuses it, fails."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    seen = set()
    for family in families:
        for sample in family.samples:
            # An empty label is the same as none (Prometheus, data model).
            labels = {name: value for name, value in sample.labels.items() if value}
            key = (sample.name, tuple(sorted(labels.items())))
            assert key not in seen, key
            seen.add(key)
            found.setdefault(sample.name, []).append((labels, sample.value))
    return found


def parsed(meters: ListedMeters, values: MeterValues | None = None) -> dict[str, list[tuple[dict[str, str], float]]]:
    modern = scrape(meters, values, OPENMETRICS)
    assert modern.endswith("# EOF\n")
    theirs = samples(openmetrics_parser.text_string_to_metric_families(modern))  # type: ignore[no-untyped-call]
    ours = samples(parse_text(scrape(meters, values)))
    assert theirs == ours
    return ours


def one(records: str, **fields: Any) -> ListedMeters:
    meters = ListedMeters()
    meters.put(name="Cellar", secondary=WATER, primary=5)
    meters.tell(1, telegram(records), **fields)
    return meters


@pytest.mark.parametrize(
    ("records", "family", "value"),
    [
        ("0403 01000000", "energy_joules", 3600.0),  # 1 Wh
        ("0406 01000000", "energy_joules", 3.6e6),  # 1 kWh
        ("0408 07000000", "energy_joules", 7.0),
        (VOLUME, "volume_cubic_meters", 123456.789),
        ("041B 02000000", "mass_grams", 2000.0),
        ("042B 05000000", "power_watts", 5.0),
        ("0430 08070000", "power_watts", 0.5),  # 1800 J/h
        ("043E 10000000", "volume_flow_cubic_meters_per_second", 16 / 3600),
        ("0446 3C000000", "volume_flow_cubic_meters_per_second", 0.1),  # 0.1 * 60 m³/min
        ("044F 03000000", "volume_flow_cubic_meters_per_second", 0.03),
        ("0453 10000000", "mass_flow_grams_per_second", 16000 / 3600),
        ("025B EC FF", "temperature_celsius", -20.0),
        ("0261 C8 00", "temperature_difference_kelvin", 2.0),
        ("026A 0F 00", "pressure_pascals", 150_000.0),
        ("0423 02000000", "duration_seconds", 172_800.0),
        ("0420 02000000", "duration_seconds", 2.0),
        ("0421 02000000", "duration_seconds", 120.0),
        ("0422 02000000", "duration_seconds", 7200.0),
        ("02FD49 E600", "voltage_volts", 230.0),
        ("02FD5C E600", "current_amperes", 230.0),
        ("02FB2F 3200", "frequency_hertz", 50.0),
        ("02FB1B 3700", "ratio", 0.55),
        ("026E 1100", OTHER, 17.0),
        ("02FB82 00 0100", OTHER, 1000.0),
    ],
)
def test_values_are_in_base_units(records: str, family: str, value: float) -> None:
    shown = parsed(one(records))
    ((labels, told),) = shown[f"cme3000_meter_{family}"]
    assert told == pytest.approx(value, rel=1e-15)
    assert labels["meter"] == "1"
    assert labels["name"] == "Cellar"
    assert ("unit" in labels) is (family == OTHER and records.startswith("02FB"))
    assert not [name for name in shown if name.removeprefix("cme3000_meter_") in set(FAMILIES) - {family}]


def test_every_scale_has_a_family() -> None:
    assert {scale.family for scale in SCALES.values()} == set(FAMILIES)


def test_a_value_has_its_place_in_the_meter_as_labels() -> None:
    shown = parsed(one("C48020 13 02000000" + "5413 03000000"))
    (second, first) = sorted(shown["cme3000_meter_volume_cubic_meters"], key=lambda sample: sample[1])
    assert second[0] == {
        "meter": "1",
        "name": "Cellar",
        "quantity": "volume",
        "function": "instantaneous value",
        "storage": "1",
        "tariff": "8",
        "subunit": "0",
    }
    assert first[0]["function"] == "maximum value"


def test_the_same_quantity_twice_is_numbered() -> None:
    records = "0413 01000000" + "0414 02000000" + "0413 03000000" + "0406 01000000" + "0408 01000000"
    shown = parsed(one(records))
    assert [(labels.get("repeat"), value) for labels, value in shown["cme3000_meter_volume_cubic_meters"]] == [
        (None, 0.001),
        ("2", 0.02),
        ("3", 0.003),
    ]
    assert [labels.get("repeat") for labels, _ in shown["cme3000_meter_energy_joules"]] == [None, "2"]


def test_what_is_no_number_is_left_out() -> None:
    records = "0C78 78563412" + "046D 00000000" + "0504 0000807F" + "0413 00000080"  # id, date, infinity, invalid
    assert not [name for name in parsed(one(records)) if name.removeprefix("cme3000_meter_") in (*FAMILIES, OTHER)]


def test_how_it_goes_with_a_meter() -> None:
    meters = one(VOLUME, at=READ_AT)
    state = meters.states[1]
    meters.states[1] = replace(state, response_time=0.25, readout_time=1.5, tries=9, failures=2, error="no answer")
    meters.put(name="new", primary=9, baud=300)
    meters.bus_load, meters.activity = 1.25, "reading"
    shown = parsed(meters)
    assert shown["cme3000_meters"] == [({}, 2)]
    assert shown["cme3000_meter_readings"] == [({}, 1)]
    assert shown["cme3000_bus_load_ratio"] == [({}, 1.25)]
    assert shown["cme3000_bus_used_by_device"] == [({}, 1)]
    who = {"meter": "1", "name": "Cellar"}
    assert shown["cme3000_meter_up"] == [(who, 0)]
    assert shown["cme3000_meter_last_reading_timestamp_seconds"] == [(who, READ_AT)]
    assert shown["cme3000_meter_response_seconds"] == [(who, 0.25)]
    assert shown["cme3000_meter_readout_seconds"] == [(who, 1.5)]
    assert shown["cme3000_meter_readouts_total"] == [(who, 9), ({"meter": "2", "name": "new"}, 0)]
    assert shown["cme3000_meter_failed_readouts_total"][:1] == [(who, 2)]
    assert shown["cme3000_meter_info"] == [
        (
            {
                **who,
                "address": WATER,
                "identification": "12345678",
                "manufacturer": "BUT",
                "version": "1",
                "medium": "water",
                "speed": "2400",
            },
            1,
        ),
        ({"meter": "2", "name": "new", "address": "9", "speed": "300"}, 1),
    ]


def test_the_search() -> None:
    meters = ListedMeters()
    assert "cme3000_search_progress_ratio" not in parsed(meters)
    meters.search_state = SearchState(SearchPhase.PAUSED, 0.5, found=(found(),))
    shown = parsed(meters)
    assert shown["cme3000_search_under_way"] == [({}, 1)]
    assert shown["cme3000_search_progress_ratio"] == [({}, 0.5)]
    assert shown["cme3000_search_found_meters"] == [({}, 1)]
    meters.search_state = replace(meters.search_state, phase=SearchPhase.FINISHED)
    assert parsed(meters)["cme3000_search_under_way"] == [({}, 0)]


def test_publishing_is_told_while_it_is_switched_on() -> None:
    assert list(publisher_measures(PublisherSnapshot(waiting=3))) == []
    state = PublisherSnapshot(is_enabled=True, is_connected=True, published=7, waiting=3, skipped=1)
    told = {measure.name: (measure.is_counter, measure.samples) for measure in publisher_measures(state)}
    assert told == {
        "cme3000_mqtt_connected": (False, [((), 1)]),
        "cme3000_mqtt_waiting_readings": (False, [((), 3)]),
        "cme3000_mqtt_published_readings": (True, [((), 7)]),
        "cme3000_mqtt_skipped_readings": (True, [((), 1)]),
    }


def test_meters_and_publishing_are_on_the_page(web: Web) -> None:
    meters = one(VOLUME)
    web.device.meters = meters
    web.device.publisher = Showing(PublisherSnapshot(is_enabled=True, waiting=3))
    for _ in range(2):
        shown = samples(parse_text(web.get("/metrics").text))
    assert shown["cme3000_meter_volume_cubic_meters"][0][1] == 123456.789
    assert shown["cme3000_mqtt_waiting_readings"] == [({}, 3)]
    assert meters.done == [("latest", 1)]  # what was known is kept from one scrape to the next


def test_256_meters_with_hostile_names_give_a_scrape_that_parses() -> None:
    meters = ListedMeters()
    names = [HOSTILE, 'a"b\\c\nd\\', "\ud800lone", "\x00\x1b[2J\x85\u2028", "{}=,#", "same", "same", "\U0001f600" * 99]
    unit = "047C 0A" + b'"\\\n{}\r\x00\x85=,'[::-1].hex() + "01000000"
    for number in range(256):
        meters.put(name=names[number % len(names)], secondary=f"{number:08}B40A0107", primary=number % 251)
        meters.tell(number + 1, telegram(VOLUME + unit * 2, secondary=f"{number:08}B40A0107"))
    shown = parsed(meters)
    assert len(shown["cme3000_meter_volume_cubic_meters"]) == 256
    assert len(shown["cme3000_meter_value"]) == 512
    assert max(len(labels["name"]) for labels, _ in shown["cme3000_meter_info"]) <= 128


def test_a_meter_that_tells_no_end_of_values_is_cut() -> None:
    meters = ListedMeters()
    meters.put(name="x", primary=1)
    meters.tell(1, *[telegram("0113 01" * 50)] * 64)
    assert len(parsed(meters)["cme3000_meter_volume_cubic_meters"]) == MOST_VALUES


def test_a_stored_telegram_that_is_no_frame_costs_no_others() -> None:
    meters = ListedMeters()
    meters.put(name="x", primary=1)
    meters.tell(1, b"\x68\x00", telegram(VOLUME))
    assert len(parsed(meters)["cme3000_meter_volume_cubic_meters"]) == 1


def test_a_reading_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def counting(frame: bytes) -> Any:
        decoded.append(frame)
        return decode(frame)

    monkeypatch.setattr("appliance.web.meter_measures.decode", counting)
    meters, values = one(VOLUME), MeterValues()
    for _ in range(3):
        scrape(meters, values)
    assert (len(decoded), meters.done) == (1, [("latest", 1)])
    meters.states[1] = replace(meters.states[1], tries=2, failures=1)  # a try that failed: the reading is the same
    scrape(meters, values)
    assert (len(decoded), len(meters.done)) == (1, 2)
    meters.tell(1, telegram("0413 01000000"))
    assert "} 0.001" in scrape(meters, values)
    assert len(decoded) == 2
    meters.states[1] = replace(meters.states[1], meter=replace(meters.find(1), name="Attic"))
    assert 'name="Attic"' in scrape(meters, values)
    assert len(decoded) == 2
    meters.remove(1)
    assert "} 0.001" not in scrape(meters, values)
    assert values._known == {}
