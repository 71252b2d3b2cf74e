"""What the meters look like in the API, as `shapes` has the rest of the device."""

# The types are looked at while the program runs, so nothing here may be imported for the type checker alone.

from __future__ import annotations

from typing import Annotated, Any, TypedDict


class Meter(TypedDict):
    """A meter of the list."""

    key: Annotated[int, "Its number, never given again to another meter."]
    name: str
    baud: Annotated[int, "Speed at which it answers, in bit/s."]
    primary: Annotated[int | None, "0 to 250; null where it is not known."]
    secondary: Annotated[str, "16 hexadecimal digits; empty where it tells none."]
    fabrication: Annotated[str, "Of an enhanced selection; empty where it is not needed."]
    reads_by_primary: bool
    high_first: Annotated[bool, "Whether it understands only the selection of mode 2."]
    interval: Annotated[int, "Seconds between two readouts; 0 for on demand alone."]
    on_battery: bool
    address: Annotated[str, "At which it is read."]
    identification: str
    manufacturer: Annotated[str, "Three letters."]
    version: int | None
    medium: str


class MeterState(TypedDict):
    """A meter and how it goes with it."""

    meter: Meter
    is_waiting: Annotated[bool, "Whether a readout was asked for and has not ended."]
    last_try: Annotated[float | None, "Seconds since 1970."]
    last_reading: Annotated[float | None, "Seconds since 1970."]
    error: Annotated[str, "Why the last try failed; empty after a good one."]
    response_time: Annotated[float | None, "Seconds, the mean of the last ones."]
    readout_time: Annotated[float | None, "Seconds, the mean of the last ones."]
    tries: int
    failures: int
    due: Annotated[float | None, "When the schedule reads it next, seconds since 1970."]
    warning: str


class Meters(TypedDict):
    """All meters, and the bus as a whole."""

    meters: list[MeterState]
    is_busy: Annotated[bool, "Whether the device itself has the bus now."]
    activity: str
    bus_load: Annotated[float, "Part of the bus time that the schedule needs; above 1 it cannot be kept."]
    warnings: list[str]
    readings: Annotated[int, "That are kept."]
    problem: Annotated[str, "Why nothing can be stored; empty while all is well."]


class Header(TypedDict):
    """Who answered, and in which state. A field that the kind of header does not have is null."""

    id: str | None
    manufacturer: str | None
    version: int | None
    medium: int | None
    medium_name: str | None
    access_number: int
    status: int
    status_words: list[str]
    configuration: int | None


class Record(TypedDict):
    """One value with its circumstances."""

    value: Annotated[str | None, "An exact decimal number in full, or a text; null where there is none."]
    unit: str
    quantity: str
    function: str
    storage: int
    tariff: int
    subunit: int
    raw: Annotated[str, "All bytes of the record, hexadecimal."]
    coding: str
    note: str
    error: str


class Reading(TypedDict):
    """One readout, decoded."""

    key: Annotated[int, "Its number; readings are numbered in the order in which they were stored."]
    meter: Annotated[int, "The meter's number."]
    at: Annotated[float, "Seconds since 1970."]
    seconds: Annotated[float, "How long the readout took."]
    header: Annotated[Header | None, "Of the first telegram."]
    records: Annotated[list[Record], "Of all telegrams."]
    telegrams: Annotated[list[str], "As they came, hexadecimal."]
    notes: list[str]
    errors: Annotated[list[str], "What could not be decoded."]


class Readings(TypedDict):
    """A page of readings."""

    readings: list[Reading]
    next: Annotated[int | None, "What to ask for as `after` for the next page; null when this one is not full."]


class Series(TypedDict):
    """A record that comes again with every reading."""

    key: int
    quantity: str
    unit: str
    function: str
    storage: int
    tariff: int
    subunit: int
    is_number: bool


class AllSeries(TypedDict):
    """The records that a meter has told so far."""

    series: list[Series]


class Value(TypedDict):
    """One value of a series."""

    at: Annotated[float, "Seconds since 1970."]
    value: Annotated[str, "As in a reading."]


class SeriesValues(TypedDict):
    """Values of one series, the oldest first."""

    series: Series
    values: list[Value]


class Duration(TypedDict):
    """How long one readout took."""

    at: Annotated[float, "Seconds since 1970."]
    seconds: float


class Health(TypedDict):
    """How long readouts took, one of each part of the period, the oldest first."""

    readouts: list[Duration]


class Found(TypedDict):
    """A meter that the search found."""

    address: Annotated[str, "What to add it by."]
    meter: Annotated[Meter, "As it would be added; its number is 0."]
    known: Annotated[int | None, "Number of the same meter in the list; null where it is not there."]


class Search(TypedDict):
    """The present search, or the last one."""

    phase: Annotated[str, "none, running, waiting, paused, finished, cancelled or failed."]
    progress: Annotated[float, "0 to 1."]
    remaining: Annotated[float | None, "Seconds, an estimate."]
    elapsed: Annotated[float, "Seconds of bus time."]
    stage: str
    found: list[Found]
    diagnoses: list[str]
    error: str
    began_at: Annotated[float | None, "Seconds since 1970."]


class Added(TypedDict):
    """What was put into the list."""

    meters: list[Meter]


MeterFields = dict[str, Any]
"""What is sent to add or change a meter."""
