"""What is exported is what is stored, to the last digit; in bounded memory, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidValue, UnknownMeter
from appliance.mbus.telegram import decode
from appliance.mbus.telegram_object import as_object
from appliance.meters.readings import Series, StoredValue
from appliance.web.pages.meters.exports import AT_ONCE, COLUMNS, guarded
from appliance.web.period import Period, asked_period, moment_text
from tests.web.meters_rig import BEGINNING, NUMBERS, OTHER, MetersWeb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.meters.meter import Meter

TEXT = "0D78 05 3D3D312B31"
"""A fabrication number of which a spreadsheet would make something: `1+1==` from behind."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[MetersWeb]:
    made = MetersWeb(tmp_path)
    yield made
    made.close()


def table(web: MetersWeb, path: str) -> list[dict[str, str]]:
    answer = web.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.data.decode("utf-8")
    assert text.count("\r\n") == len(text.splitlines())  # RFC 4180 section 2
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(rows[0]) == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]


def stored(web: MetersWeb, meter: Meter) -> list[tuple[str, ...]]:
    return [
        (
            moment_text(one.at),
            str(meter.key),
            one.series.quantity,
            one.series.unit,
            one.series.function,
            str(one.series.storage),
            format(one.value, "f") if isinstance(one.value, Decimal) else one.value,
        )
        for one in web.meters.values(meter.key)
    ]


def parsed(rows: list[dict[str, str]]) -> list[tuple[str, ...]]:
    columns = ("time", "meter", "quantity", "unit", "function", "storage", "value")
    return [tuple(row[column].removeprefix("'") for column in columns) for row in rows]


def test_the_table_is_what_the_store_has(web: MetersWeb) -> None:
    one = web.put('Cellar, "left" é')
    two = web.put("Attic", secondary=OTHER, primary="")
    for _ in range(3):
        web.tell(one, NUMBERS + TEXT)
        web.tell(two, "0404 F6FFFFFF")  # -10 Wh
    rows = table(web, f"/meters/{one.key}/values.csv")
    assert parsed(rows) == stored(web, one)
    assert len(rows) == 3 * 5
    assert {row["name"] for row in rows} == {'Cellar, "left" é'}
    assert rows[0]["value"] == "123456.789"
    assert Decimal(rows[0]["value"]) == Decimal("123456.789")
    everything = table(web, "/meters/values.csv")
    assert parsed(everything) == stored(web, one) + stored(web, two)
    assert everything[-1]["value"] == "-100"  # a number, and no formula


def test_an_empty_list_gives_the_head_alone(web: MetersWeb) -> None:
    assert table(web, "/meters/values.csv") == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    assert guarded(text) == "'" + text


def test_texts_of_meters_are_guarded_and_others_left_alone(web: MetersWeb) -> None:
    assert guarded("Cellar =1") == "Cellar =1"
    assert guarded("") == ""
    meter = web.put("=HYPERLINK(1)")
    series = Series(1, meter.key, "@quantity", "+unit", "instantaneous value", is_number=False)
    told = (StoredValue(series, BEGINNING, "=cmd"), StoredValue(series, BEGINNING, Decimal("-1.50")))
    web.replace(values=lambda *_, **__: iter(told))
    first, second = table(web, f"/meters/{meter.key}/values.csv")
    assert (first["name"], first["quantity"], first["unit"], first["value"]) == (
        "'=HYPERLINK(1)",
        "'@quantity",
        "'+unit",
        "'=cmd",
    )
    assert second["value"] == "-1.50"


def test_a_hundred_thousand_values_never_stand_in_memory(web: MetersWeb) -> None:
    meter = web.put()
    series = Series(1, meter.key, "energy", "Wh", "instantaneous value")
    taken = 0

    def many(*_: object, **__: object) -> Iterator[StoredValue]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield StoredValue(series, BEGINNING + number, Decimal(number))

    web.replace(values=many)
    answer = web.client.get(f"/meters/{meter.key}/values.csv", environ_overrides=web.environ(), buffered=False)
    lines = 0
    for chunk in answer.response:
        lines += chunk.count(b"\r\n")  # type: ignore[arg-type]  # bytes they are
        assert len(chunk) < 64_000
        assert taken - lines < AT_ONCE
    answer.close()
    assert lines == 100_001


def test_a_meter_that_goes_while_it_is_sent_ends_the_table(web: MetersWeb) -> None:
    meter = web.put()
    series = Series(1, meter.key, "energy", "Wh", "instantaneous value")

    def some(*_: object, **__: object) -> Iterator[StoredValue]:
        for number in range(200):
            yield StoredValue(series, BEGINNING + number, Decimal(number))
        raise UnknownMeter("gone")

    web.replace(values=some)
    assert len(table(web, f"/meters/{meter.key}/values.csv")) == 200


def test_the_readings_are_all_there_decoded_and_raw(web: MetersWeb) -> None:
    meter = web.put()
    for number in range(45):
        web.tell(meter, NUMBERS + "|0F 30", notes=[f"note {number}"])
    answer = web.get(f"/meters/{meter.key}/readings.json")
    assert answer.mimetype == "application/json"
    found = json.loads(answer.data)
    assert found["meter"]["secondary"] == meter.secondary
    kept = web.meters.readings(meter.key, limit=100)
    assert [one["key"] for one in found["readings"]] == [one.key for one in kept]
    for one, reading in zip(found["readings"], kept, strict=True):
        objects = [as_object(decode(octets)) for octets in reading.telegrams]
        assert one["telegrams"] == [octets.hex() for octets in reading.telegrams]
        assert one["header"] == objects[0]["header"]
        assert one["records"] == [*objects[0]["records"], *objects[1]["records"]]  # type: ignore[misc]  # lists
        assert one["notes"][0] == reading.notes[0]
        assert (one["at"], one["seconds"]) == (reading.at, reading.seconds)


def test_no_reading_makes_an_empty_list(web: MetersWeb) -> None:
    meter = web.put()
    assert json.loads(web.get(f"/meters/{meter.key}/readings.json").data)["readings"] == []


def test_a_period_leaves_out_what_is_before_and_after(web: MetersWeb) -> None:
    meter = web.put()
    for _ in range(10):
        web.tell(meter, "0413 01000000")
    since, until = moment_text(BEGINNING + 103), moment_text(BEGINNING + 106)
    query = f"since={since}&until={until}"
    expected = [moment_text(BEGINNING + second) for second in (103, 104, 105)]
    for path in ("/meters/values.csv", f"/meters/{meter.key}/values.csv"):
        assert [row["time"] for row in table(web, f"{path}?{query}")] == expected
    found = json.loads(web.get(f"/meters/{meter.key}/readings.json?{query}").data)["readings"]
    assert [moment_text(one["at"]) for one in found] == expected


def test_a_period_that_is_none_is_refused_by_name_and_text(web: MetersWeb) -> None:
    meter = web.put()
    for query, told in (
        ("since=yesterday", "since=&#34;yesterday&#34; is not a day"),
        ("until=2026-13-01", "until=&#34;2026-13-01&#34;"),
        ("since=2026-02-01&until=2026-01-01", "is not behind since="),
        ("since=%3Cb%3E", "since=&#34;&lt;b&gt;&#34;"),
    ):
        for path in ("/meters/values.csv", f"/meters/{meter.key}/values.csv", f"/meters/{meter.key}/readings.json"):
            answer = web.get(f"{path}?{query}")
            assert answer.status_code == 400
            assert told in answer.text
    for bad in ("1", "9" * 400, "2026-01-01T00:00:00 01:00", "\x00"):
        with pytest.raises(InvalidValue, match="since="):
            asked_period({"since": bad})


def test_moments_as_people_write_them() -> None:
    assert asked_period({}) == Period(0.0, None)
    assert asked_period({"since": "1970-01-02"}).since == 86_400
    assert asked_period({"since": "1970-01-01T01:00:00+01:00"}).since == 0
    assert asked_period({"until": "1970-01-01T00:00:01.5Z"}).until == 1.5
    assert moment_text(0.25) == "1970-01-01T00:00:00.250Z"
    assert moment_text(1e30) == "1970-01-01T00:00:00Z"
