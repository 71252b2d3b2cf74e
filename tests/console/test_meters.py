"""The meters on the console: the list, readings explained, the search, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from appliance.console.commands.metering import meter_commands
from appliance.console.meter_words import FIELDS
from appliance.console.report.moment import moment
from appliance.console.setting_words import words_of
from appliance.meters.snapshot import SearchPhase, SearchState
from appliance.publishing.snapshot import PublisherSnapshot
from appliance.settings import SECTIONS
from tests.console.meters_rig import READ_AT, VOLUME, WATER, found, telegram
from tests.console.rig import PASSWORD
from tests.monitor.rig import ANSWER, REQUEST, WALL, Recording

if TYPE_CHECKING:
    from tests.console.rig import Client, Rig

EVIL = "evil\x1b]0;title\x07\u202e\ud800 name"
CHANGES = [  # a field, what is typed, what the meter then has
    ("name", "Cellar, left  side", "Cellar, left  side"),
    ("name", '"a ? b"', "a ? b"),
    ("baud", "3", 300),
    ("primary", "17", 17),
    ("secondary", WATER.lower(), WATER),
    ("fabrication", "00001234", "00001234"),
    ("reads-by-primary", "on", True),
    ("high-first", "on", True),
    ("interval", "900", 900),
    ("on-battery", "on", True),
]


def at_meters(rig: Rig, *, terminal: bool = False) -> Client:
    client = rig.enabled(terminal=True, size=(200, 1000)) if terminal else rig.enabled()
    client.run("meters")
    assert client.prompt == "cme3000(config-meters)# "
    return client


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_field_is_set_and_shown(rig: Rig) -> None:
    rig.device.meters.put(name="x", primary=1)
    client = at_meters(rig)
    for word, typed, value in CHANGES:
        assert client.run(f"set 1 {word} {typed}") == ""
        assert getattr(rig.device.meters.find(1), word.replace("-", "_")) == value
        assert str(typed if isinstance(value, bool) else value) in client.run("show meters 1")
    assert {field.word for field in FIELDS} == {word for word, _, _ in CHANGES}


def test_every_field_that_can_be_empty_is_emptied(rig: Rig) -> None:
    rig.device.meters.put(
        name="x",
        primary=1,
        secondary=WATER,
        fabrication="00001234",
        reads_by_primary=True,
        high_first=True,
        interval=9,
        on_battery=True,
    )
    client = at_meters(rig)
    for field in FIELDS:
        before = getattr(rig.device.meters.find(1), field.name)
        answer = client.run(f"no set 1 {field.word}")
        after = getattr(rig.device.meters.find(1), field.name)
        assert (answer.startswith("% "), after == before) == ((field.nothing is None,) * 2), field.word
        assert after == before or not after


def test_a_wrong_value_is_pointed_at_and_named(rig: Rig) -> None:
    rig.device.meters.put(name="x", primary=1)
    client = at_meters(rig, terminal=True)
    for line, at, complaint in [
        ("set 1 primary 999", "999", 'Primary address (primary): "999" is not allowed'),
        ("set 9 primary 1", "9", 'there is no meter "9"; show meters lists them'),
        ("set all primary 1", "all", 'there is no meter "all"'),
        ("show meters \u0661", "\u0661", "there is no meter"),  # a digit, but not one of ours
        ("add primary 999", "999", "Primary address (primary)"),
        ("add primary 1 baud 9600", "9600", 'Speed (baud): "9600" is not allowed'),
        ("set-primary 1 251 force", "251", "Primary address (primary): 251 is not within 0 to 250"),
    ]:
        answer = client.run(line)
        place = len("cme3000(config-meters)# ") + line.index(at)
        assert f"\n{answer}".startswith(f"\n{' ' * place}^\n% "), answer
        assert complaint in words(answer)
    assert rig.device.meters.done == []
    answer = client.run("add primary 999 baud 9600")  # two at once: both are named
    assert "% Primary address (primary)" in answer
    assert "% Speed (baud)" in answer
    rig.device.meters.is_full = True
    assert client.run("add primary 7") == "% the list is full: 256 meters"


def test_the_list_tells_how_it_goes(rig: Rig) -> None:
    meters = rig.device.meters
    meters.put(name="Cellar", secondary=WATER, primary=5)
    meters.tell(1, telegram(VOLUME), at=READ_AT)
    meters.put(name="", primary=7, baud=300)
    meters.states[2] = replace(meters.states[2], error="no answer")
    meters.put(name="n" * 64, primary=8)
    meters.read_now([3])
    meters.bus_load, meters.activity = 0.34, "reading Cellar"
    meters.warnings, meters.problem = ("faster than the bus can answer",), "the disk is full"
    shown = rig.enabled().run("show meters").split("\n")
    assert [words(line) for line in shown] == [
        "no. name address bit/s last reading (UTC) error",
        f"1 Cellar {WATER} 2400 2026-09-21 14:13:20",
        "2 - 7 300 never no answer",
        f"3 {'n' * 21}... 8 2400 never is asked for",
        "Now: reading Cellar",
        "The schedule needs 34% of the bus time.",
        "Warning: faster than the bus can answer",
        "Fault: the disk is full",
    ]


def test_a_reading_is_shown_record_by_record(rig: Rig) -> None:
    meters = rig.device.meters
    meters.put(name="Cellar", secondary=WATER, primary=5, interval=900)
    assert "No reading is kept." in rig.enabled().run("show meters 1")
    more = "5413 01000000" + "8410 13 02000000" + "0F 0102"
    meters.tell(1, telegram(VOLUME, status=4), telegram(more), notes=("the answer came late",), seconds=1.5)
    shown = [words(line) for line in rig.enabled().run("show meters 1").split("\n")]
    assert shown[0] == "Meter 1 (Cellar)"
    assert "interval 900 s" in shown
    assert "readouts 1, 0 of them failed" in shown
    place = shown.index(f"Reading 1 of {moment(READ_AT + 1)} UTC, 2 telegrams in 1.500 s")
    assert shown[place + 1 :] == [
        "access number 42, status 04: low power",
        "quantity value unit function storage tariff subunit remark",
        "volume 123456.789 m³ instantaneous value 0 0 0",
        "volume 0.001 m³ maximum value 1 0 0",
        "volume 0.002 m³ instantaneous value 0 1 0",
        "manufacturer specific data: 01 02",
        "the answer came late",
    ]


def test_bytes_that_are_no_frame_cost_no_others(rig: Rig) -> None:
    rig.device.meters.put(name="x", primary=5)
    rig.device.meters.tell(1, telegram(VOLUME)[:-2] + b"\x00\x16", telegram("0413 01000000"))
    shown = rig.enabled().run("show meters 1")
    assert "0.001" in shown
    assert "123456" not in shown  # its checksum is wrong
    assert "a telegram that is kept is no frame: " in shown


def test_nothing_hostile_reaches_the_terminal(rig: Rig) -> None:
    meters = rig.device.meters
    meters.put(name=EVIL, secondary=WATER, primary=5)
    unit = "0D 7C 04 1B9B075C 05 1B5D303B07"  # a plain text unit and a text, both with control characters
    meters.tell(1, telegram(unit), notes=(EVIL,))
    meters.states[1] = replace(meters.states[1], error=EVIL, warning=EVIL)
    meters.warnings, meters.problem, meters.activity = (EVIL,), EVIL, EVIL
    meters.search_state = SearchState(
        SearchPhase.FAILED, 0.5, stage=EVIL, error=EVIL, diagnoses=(EVIL,), found=(found(),)
    )
    client = at_meters(rig, terminal=True)
    seen = "".join(client.run(f"show {what}") for what in ("meters", "meters 1", "search"))
    client.send("remove 1\r")
    seen += client.until("[yes/no] ")
    client.send("no\r")
    seen += client.answer("no") + client.run("search add all")
    assert seen.count("evil\\x1b]0;title\\x07") > 8
    assert all(c.isprintable() for c in seen.replace("\r", "").replace("\n", ""))


def test_the_search_is_shown_with_what_it_found(rig: Rig) -> None:
    meters = rig.device.meters
    meters.put(name="x", secondary=WATER)
    again, other = found(by_primary=True), found(None, 9, baud=300, by_primary=True)
    partly = found("11111111FFFFFFFF", 0)
    meters.search_state = SearchState(
        SearchPhase.WAITING,
        0.374,
        130.2,
        61.0,
        "secondary",
        (again, other, partly),
        ("two meters at 4",),
        began_at=READ_AT,
    )
    client = at_meters(rig)
    shown = [words(line) for line in client.run("show search").split("\n")]
    assert shown == [
        "Search waiting for a TCP client",
        "Progress 37%",
        "Remaining about 0 days 00:02:10",
        "Bus time 0 days 00:01:01",
        "Begun 2026-09-21 14:13:20 UTC",
        "Stage secondary",
        "Found 3",
        "",
        "no. address primary maker version medium bit/s answers at",
        f"1 {WATER} 5 BUT 1 water 2400 primary, secondary",
        "- 9 9 - - - 300 primary",
        "- 11111111FFFFFFFF 0 - - - 2400 secondary",
        "! two meters at 4",
    ]
    assert client.run("search add 10").startswith('% "10" is not what the search found')
    assert client.run("search add 9") == "In the list: 2 (9)."
    assert client.run("search add all").startswith("In the list: 3 ")
    meters.search_state = replace(meters.search_state, phase=SearchPhase.FAILED, error="the line is gone")
    assert "Search failed: the line is gone" in words(client.run("show search"))
    assert client.run("search cancel").startswith("The search ends")  # else it would go on when the line is back
    assert "goes on" in client.run("search resume")
    meters.search_state = replace(meters.search_state, phase=SearchPhase.FINISHED)
    assert client.run("search resume") == "% there is no search that could go on"


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("search", ("search", 2400, True, True)),
        ("search 300 secondary", ("search", 300, False, True)),
        ("sea 24 prim", ("search", 2400, True, False)),
        ("search both both", ("search", 2400, 300, True, True)),
        ("read 2", ("read", 2)),
        ("read all", ("read", 1, 2)),
        ("set-primary 2 017 force", ("set primary", 2, 17)),
    ],
)
def test_what_is_typed_is_what_is_asked_for(rig: Rig, line: str, asked: tuple[object, ...]) -> None:
    rig.device.meters.put(name="a", primary=1)
    rig.device.meters.put(name="b", primary=2)
    assert not at_meters(rig).run(line).startswith("%")
    assert rig.device.meters.done == [asked]


@pytest.mark.parametrize(
    ("line", "question", "done"),
    [
        ("remove 1", "Remove meter 1 (Cellar) with all its readings? [yes/no] ", lambda m: 1 not in m.states),
        ("remove all", "Remove all meters (2) with all their readings? [yes/no] ", lambda m: not m.states),
        (
            "set-primary 1 9",
            "Give meter 1 (Cellar) the primary address 9 in place of 5? [yes/no] ",
            lambda m: ("set primary", 1, 9) in m.done,
        ),
    ],
)
def test_a_person_is_asked_before_what_cannot_be_undone(rig: Rig, line: str, question: str, done: object) -> None:
    assert callable(done)
    meters = rig.device.meters
    meters.put(name="Cellar", primary=5)
    meters.put(name="Attic", primary=6)
    client = at_meters(rig, terminal=True)
    for answer, carried_out in (("no", False), ("", False), ("yes", True)):
        client.send(f"{line}\r")
        client.until(question)
        client.send(f"{answer}\r")
        assert ("% nothing was done" in client.answer(answer)) is not carried_out
        assert done(meters) is carried_out
    assert client.run(f"{line} force").startswith("%") is (line == "remove 1") or done(meters)


def test_the_factory_password_lets_look_and_read_but_change_nothing(strict: Rig) -> None:
    meters = strict.device.meters
    meters.put(name="x", primary=1)
    meters.search_state = SearchState(SearchPhase.FINISHED, found=(found(),))
    client = strict.enabled()
    client.run("meters")
    for line in ("add primary 2", "set 1 name y", "remove 1 force", "remove all force", "search add all"):
        assert "% the password is the one from the factory" in client.run(line)
    assert "% the password is the one from the factory" in client.run("set-primary 1 5 force")
    assert [state.meter.name for state in meters.states.values()] == ["x"]
    assert "asked for" in client.run("read 1")
    assert meters.done == [("read", 1)]
    client.run("end")
    client.run(f'password "{PASSWORD}"')
    client.run("meters")
    assert client.run("set 1 name y") == ""
    assert meters.find(1).name == "y"


def test_a_master_that_is_switched_off_is_told_of(rig: Rig) -> None:
    rig.device.meters.put(name="x", primary=1)
    client = at_meters(rig)
    assert "switched off" not in client.run("read 1")
    client.run("no master")
    for line in ("read 1", "read all", "search", "search resume", "set-primary 1 5 force"):
        assert client.run(line).endswith("\nThe device's own master is switched off: nothing is done before master on.")


def test_numbers_and_addresses_are_completed_and_explained(rig: Rig) -> None:
    meters = rig.device.meters
    for number in range(3):
        meters.put(name=f"m{number}", primary=number)
    meters.search_state = SearchState(SearchPhase.FINISHED, found=(found(),))
    client = at_meters(rig, terminal=True)
    client.send("sea\tadd 1\t\r")
    assert "In the list: 4" in client.answer(f"search add {WATER} ")
    client.send("set 2 ?")
    helped = client.until("# set 2 ")
    for field in FIELDS:
        assert f"  {field.word} " in helped
    client.send("\x15read ?")
    helped = client.until("# read ")
    assert "<number>" in helped
    assert "  all " in helped
    client.send("\x15search ?")
    helped = client.until("# search ")
    assert "At 300 bit/s." in helped
    assert "pause" in helped


def test_a_long_list_has_pages_on_a_terminal_and_none_for_scripts(rig: Rig) -> None:
    for number in range(256):
        rig.device.meters.put(name=f"meter {number}", primary=number % 251)
    assert len(rig.enabled().run("show meters").split("\n")) == 257
    client = rig.enabled(terminal=True, size=(80, 24))
    client.send("show meters\r")
    assert client.until("--more--").count("\r\n") == 24
    client.send("q")
    client.until("# ")


def test_both_ways_lead_to_the_same_level(rig: Rig) -> None:
    client = rig.enabled()
    for way in (("meters",), ("configure", "meters")):
        for line in way:
            client.run(line)
        assert client.prompt == "cme3000(config-meters)# "
        client.run("exit")
        assert client.prompt == ("cme3000# " if way == ("meters",) else "cme3000(config)# ")
    client.run("end")
    client.run("meters")
    client.run("begin")
    assert client.run("exit").startswith("% changes are collected")
    client.run("abort")


def test_the_monitor_shows_who_sent_what_and_what_it_is(rig: Rig) -> None:
    recording = Recording()
    rig.device.monitor = recording.monitor
    evil = telegram("0D 7C 04 1B9B075C 05 1B5D303B07")
    recording.exchange()
    recording.exchange(answer=evil)
    recording.send(b"\x10\x40")
    recording.rest(10)
    shown = [words(line) for line in rig.enabled().run("show monitor").split("\n")]
    first = moment(WALL + 1000)
    assert shown[0].startswith(f"{first}.000 192.0.2.7:51512 > meters: REQ_UD2 (request for data)")
    assert shown[1] == REQUEST.hex(" ")
    assert shown[2].startswith(f"{first}.")
    assert " two-wire > 192.0.2.7:51512, +0.0" in shown[2]
    assert "RSP_UD (data of the meter), primary address 5; answer with records" in shown[2]
    assert "".join(shown[3:5]).replace(" ", "") == ANSWER.hex()
    assert shown[-1] == "10 40"
    assert all(c.isprintable() for line in shown for c in line)
    for _ in range(30):
        recording.exchange()
    assert sum(" > " in line for line in rig.enabled().run("show monitor").split("\n")) == 40


def test_publishing_is_shown(rig: Rig) -> None:
    rig.device.publisher.value = PublisherSnapshot(
        is_enabled=True, broker=f"{EVIL}:1883", since=READ_AT, published=7, waiting=3, skipped=1, error=EVIL, note=EVIL
    )
    shown = [words(line) for line in rig.enabled().run("show mqtt").split("\n")]
    safely = "evil\\x1b]0;title\\x07\\u202e\\ud800 name"
    assert shown == [
        "State Not connected since 2026-09-21 14:13:20 UTC",
        f"Broker {safely}:1883",
        "Readings published 7",
        "Readings waiting 3",
        "Readings skipped 1",
        f"Error {safely}",
        f"Note {safely}",
    ]
    rig.device.publisher.value = PublisherSnapshot(is_enabled=True, is_connected=True)
    assert "State               Connected\n" in rig.enabled().run("show mqtt")


def test_no_setting_begins_like_a_command_of_the_meters() -> None:
    first_words = {str(command.words[0]) for command in meter_commands()}
    settings = [words_of(setting) for setting in SECTIONS.get("meters", ())]
    assert not [word for word in settings if word.split()[0] in first_words]


def test_moments() -> None:
    assert moment(None) == "never"
    assert moment(0.0) == "1970-01-01 00:00:00"
    assert moment(1e300).endswith("s since 1970")
