"""The log of requests: its directives, what it makes of hostile ones, and the ring of lines."""

from __future__ import annotations

import re
import string
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from appliance.httpd.access_log import AccessLog
from appliance.httpd.exchange import Exchange
from appliance.httpd.headers import Headers
from appliance.httpd.log_format import LONGEST_VALUE, LineFormat, written
from appliance.settings import Settings, http
from appliance.settings.types.log_format import DIRECTIVES, LONGEST, MOST_DIRECTIVES

if TYPE_CHECKING:
    from pathlib import Path

NOON = time.strptime("2024-05-17 12:03:04", "%Y-%m-%d %H:%M:%S")
LONGEST_LINE = 4 * LONGEST + MOST_DIRECTIVES * (3 * LONGEST_VALUE + 2)
"""Bytes: a format's own text, and every directive the longest one."""


def exchange(**changes: Any) -> Exchange:
    values: dict[str, Any] = {
        "peer": "192.0.2.7",
        "port": 8080,
        "method": "GET",
        "target": "/http/log?page=2&all",
        "version": "HTTP/1.1",
        "headers": Headers({"Referer": "http://cme3000.local/", "User-Agent": "curl/8.5", "X-Empty": ""}.items()),
        "user": "admin",
        "status": 200,
        "body_bytes": 5063,
    }
    return Exchange(**(values | changes))


def line(text: str, **changes: Any) -> str:
    return LineFormat(text).line(exchange(**changes), NOON)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path)


@pytest.fixture
def log(settings: Settings) -> AccessLog:
    return AccessLog(settings, now=lambda: NOON)


def test_the_factory_format(log: AccessLog) -> None:
    log.add(exchange())
    log.add(exchange(headers=Headers(), status=401, body_bytes=0))
    first, second = log.lines()
    assert first == (
        '192.0.2.7 12:03:04 "GET /http/log?page=2&all HTTP/1.1" 200 5063 "http://cme3000.local/" "curl/8.5"'
    )
    assert second == '192.0.2.7 12:03:04 "GET /http/log?page=2&all HTTP/1.1" 401 - "-" "-"'


@pytest.mark.parametrize(
    ("directive", "shown"),
    [
        ("%a", "192.0.2.7"),
        ("%b", "5063"),
        ("%B", "5063"),
        ("%h", "192.0.2.7"),
        ("%{Referer}i", "http://cme3000.local/"),
        ("%{Referer}", "http://cme3000.local/"),
        ("%{rEFERER}is", "http://cme3000.local/s"),
        ("%{X-Empty}i", "-"),
        ("%{X-None}i", "-"),
        ("%m", "GET"),
        ("%p", "8080"),
        ("%q", "?page=2&all"),
        ("%r", "GET /http/log?page=2&all HTTP/1.1"),
        ("%s", "200"),
        ("%t", "12:03:04"),
        ("%u", "admin"),
        ("%U", "/http/log"),
    ],
)
def test_each_directive(directive: str, shown: str) -> None:
    assert line(directive) == shown
    assert line(f"a{directive} b") == f"a{shown} b"


def test_every_directive_that_can_be_saved_is_known() -> None:
    for letter in DIRECTIVES:
        assert line(f"%{letter}") != f"%{letter}"


def test_the_two_byte_counts_write_zero_differently() -> None:
    assert line("%b %B", body_bytes=0) == "0 -"


@pytest.mark.parametrize(("target", "shown"), [("/", "/ "), ("/?", "/ ?"), ("/a?b?c", "/a ?b?c"), ("*", "* ")])
def test_path_and_query_are_as_sent(target: str, shown: str) -> None:
    assert line("%U %q", target=target) == shown


def test_what_is_missing_is_a_hyphen() -> None:
    nothing = LineFormat("%a %h %m %U %r %s %u %{Host}i").line(Exchange("", 80), NOON)
    assert nothing == "- - - - - - - -"
    assert line("%r", version="") == "GET /http/log?page=2&all -"


def test_a_header_that_would_let_the_reader_in_is_not_shown() -> None:
    headers = Headers({"Authorization": "Basic YWRtaW46YWRtaW4=", "Cookie": "a=b"}.items())
    assert line("%{authorization}i %{Cookie} %{Host}i", headers=headers) == "... ... -"
    assert line("%{Authorization}i") == "-"


# As a server hands it over: one character for each byte.
RAW = {
    'a"b\\c': r"a\"b\\c",
    "a\r\nb\t\x00\x7f": r"a\x0d\x0ab\x09\x00\x7f",
    "\x1b[31m": r"\x1b[31m",
    "\xff\xc3": r"\xff\xc3",
    "\xc3\xa9\xe2\x82\xac": "é€",
    "\xc2\x85": r"\xc2\x85",
    "\xe2\x80\xae": r"\xe2\x80\xae",  # U+202E, right-to-left override
    "\xe2\x80\xa8": r"\xe2\x80\xa8",  # U+2028, line separator
    "\xd7\x90": r"\xd7\x90",  # alef: the number after it would be shown before it
    "a\xcc\x81": r"a\xcc\x81",  # an accent that would stand on the quote before
    "\xc2\xa0": r"\xc2\xa0",  # no-break space
    "\xe3\x85\xa4": r"\xe3\x85\xa4",  # Hangul filler
    "\xf3\xa0\x81\x81": r"\xf3\xa0\x81\x81",  # U+E0041, a tag
    "\xed\xa0\x80": r"\xed\xa0\x80",  # a surrogate
    "\u20ac": "€",  # decoded by somebody before
    "\ud800\udcff": r"\xed\xa0\x80\xed\xb3\xbf",
}


@pytest.mark.parametrize("raw", RAW, ids=ascii)
def test_what_a_client_sends_stays_text(raw: str) -> None:
    assert line("%{X}i", headers={"X": raw}) == RAW[raw]


def test_a_user_is_text_already() -> None:
    assert line("%u", user="J\xfcrgen\udcff\u202e") == r"Jürgen\xff\xe2\x80\xae"


def test_a_request_line_has_three_elements_whatever_was_sent() -> None:
    shown = line("%r|%m|%U|%q", method="GE T", target='/a "b?c d', version="HTTP/1.1 200")
    assert shown == r"GE\x20T /a\x20\"b?c\x20d HTTP/1.1\x20200|GE\x20T|/a\x20\"b|?c\x20d"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64),
        ("x" * 300_000, "x" * 64),
        ("x" * 63 + "\xc3\xa9", "x" * 63),
        ("x" * 62 + "\xc3\xa9", "x" * 62 + "é"),
        ("x" * 62 + "\xf0\x9f\x98\x80", "x" * 62),
        ("\xf0\x9f\x98\x80" * 17, "\U0001f600" * 16),
        ("x" * 63 + '"', "x" * 63),
        ("x" * 62 + '"', "x" * 62 + r"\""),
        ("x" * 61 + "\n", "x" * 61),
        ("x" * 60 + "\n", "x" * 60 + r"\x0a"),
        ("x" * 55 + "\xe2\x80\xae", "x" * 55),
        ("x" * 52 + "\xe2\x80\xae", "x" * 52 + r"\xe2\x80\xae"),
    ],
)
def test_a_value_is_cut_at_64_bytes_but_never_inside_something(raw: str, shown: str) -> None:
    assert line("%{X}i", headers={"X": raw}) == shown


def test_in_the_request_line_each_element_is_cut() -> None:
    shown = line("%r %m %U %q %u", method="M" * 99, target="/" * 70 + "?" * 70, version="V" * 99, user="u" * 99)
    assert shown == " ".join(["M" * 64, "/" * 64, "V" * 64, "M" * 64, "/" * 64, "?" * 64, "u" * 64])


def test_a_line_is_in_local_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.set({"http.log_format": "%t"}, save=False)
    try:
        with monkeypatch.context() as changed:
            changed.setenv("TZ", "XYZ-3")  # three hours east
            time.tzset()
            before = int(time.time())
            log = AccessLog(settings)
            log.add(exchange())
            seconds = range(before, int(time.time()) + 1)
    finally:
        time.tzset()
    assert log.lines()[0] in [time.strftime("%H:%M:%S", time.gmtime(second + 3 * 3600)) for second in seconds]


def test_without_logging_nothing_new_is_kept(settings: Settings, log: AccessLog) -> None:
    log.add(exchange())
    settings.set({"http.logging": "off"}, save=False)
    log.add(exchange())
    assert log.size[0] == 1
    settings.set({"http.logging": "on"}, save=False)
    log.add(exchange())
    assert log.size[0] == 2


def test_the_last_lines_are_kept_and_another_limit_holds_at_once(settings: Settings, log: AccessLog) -> None:
    settings.set({"http.max_log_entries": "5", "http.log_format": "%p"}, save=False)
    for number in range(1, 8):
        log.add(exchange(port=number))
    assert log.lines() == ("3", "4", "5", "6", "7")
    settings.set({"http.max_log_entries": "2"}, save=False)
    assert log.size == (2, 2)
    settings.set({"http.max_log_entries": "5"}, save=False)
    assert log.lines() == ("6", "7")


def test_a_new_format_holds_for_new_lines(settings: Settings, log: AccessLog) -> None:
    settings.set({"http.log_format": "old %s"}, save=False)
    log.add(exchange())
    settings.set({"http.log_format": "new %s"}, save=False)
    log.add(exchange())
    assert log.lines() == ("old 200", "new 200")


def test_the_size_is_in_bytes_and_clear_forgets_all(settings: Settings, log: AccessLog) -> None:
    settings.set({"http.log_format": "ä %u"}, save=False)
    log.add(exchange(user="€"))
    assert log.size == (1, 6)
    log.clear()
    assert log.size == (0, 0)
    assert log.lines() == ()


def test_many_threads_lose_no_line_and_mix_none(settings: Settings, log: AccessLog) -> None:
    settings.set({"http.max_log_entries": "1000", "http.log_format": "%p %U %p"}, save=False)
    barrier = threading.Barrier(6)
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            barrier.wait(10)
            for number in range(200):
                log.add(exchange(port=writer, target=f"/{number}"))
        except BaseException as error:  # noqa: BLE001 (a thread has no other way to tell)
            failures.append(error)

    def read() -> None:
        try:
            barrier.wait(10)
            while any(thread.is_alive() for thread in writers):
                assert log.size[0] <= 1000
                log.lines()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in (*writers, reader):
        thread.join(30)
    assert not failures
    seen: dict[str, list[int]] = {}
    for found in log.lines():
        writer, path, again = found.split(" ")
        assert writer == again
        seen.setdefault(writer, []).append(int(path[1:]))
    assert sorted(seen) == ["0", "1", "2", "3", "4"]
    assert all(numbers == list(range(200)) for numbers in seen.values())


# From a socket: one character a byte; and whatever text somebody may put there.
ANY = st.one_of(
    st.binary(max_size=90).map(lambda octets: octets.decode("latin-1")),
    st.text(max_size=90).map(lambda text: text.encode("utf-8", "surrogatepass").decode("latin-1")),
    st.text(st.characters(categories=None), max_size=90),
    st.text('"\\ \n\r\t\u202e\u2028-x\xc3\xa9', max_size=90),
)
EXCHANGES = st.builds(
    Exchange,
    peer=ANY,
    port=st.integers(0, 65535),
    method=ANY,
    target=ANY,
    version=ANY,
    headers=st.dictionaries(st.sampled_from(["Referer", "User-Agent"]), ANY),
    user=ANY,
    status=st.integers(0, 999),
    body_bytes=st.integers(0, 10**12),
)
LITERAL = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="%"), min_size=1, max_size=80)
DIRECTIVE = st.sampled_from([*(f"%{letter}" for letter in DIRECTIVES), "%{Referer}i", "%{User-Agent}"])
VALUE = r'((?:[^"\\]|\\["\\]|\\x[0-9a-f]{2})*)'
"""Between quotes: no quote, and no backslash that is not an escape."""


@tries(max_examples=300, deadline=None)
@given(
    format_text=st.lists(LITERAL | DIRECTIVE, min_size=1, max_size=12)
    .map("".join)
    .filter(lambda text: len(text) <= LONGEST),
    exchanged=EXCHANGES,
)
def test_any_exchange_in_any_format_makes_one_printable_line(format_text: str, exchanged: Exchange) -> None:
    text = http.LOG_FORMAT.type.parse(format_text)
    found = LineFormat(text).line(exchanged, NOON)
    assert found.isprintable()
    assert found.splitlines() in ([found], [])
    assert len(found.encode()) <= LONGEST_LINE


@tries(max_examples=300, deadline=None)
@given(exchanged=EXCHANGES)
def test_a_line_can_be_taken_apart_whatever_the_exchange(exchanged: Exchange) -> None:
    found = LineFormat(f'"%a" "%r" {http.LOG_FORMAT.default} "%u" "%m%U%q"').line(exchanged, NOON)
    directives = [VALUE] * 8
    apart = re.fullmatch(
        r'"{}" "{}" .* \d\d:\d\d:\d\d "{}" (?:-|\d+) (?:-|\d+) "{}" "{}" "{}" "{}"'.format(*directives), found
    )
    assert apart
    request = apart[2].split(" ")
    assert request == ["-"] or len(request) == 3
    assert all(len(element.encode()) <= LONGEST_VALUE for element in request)


@tries(max_examples=300, deadline=None)
@given(text=LITERAL | st.text(string.printable[:95].replace("%", ""), min_size=1, max_size=80).filter(str.strip))
def test_text_without_directives_stands_for_itself(text: str) -> None:
    assert line(http.LOG_FORMAT.type.parse(text)) == text.strip(" ")


@tries(max_examples=300, deadline=None)
@given(text=st.text(st.characters(categories=None), min_size=1, max_size=80))
def test_what_is_written_can_be_read_back_up_to_the_cut(text: str) -> None:
    found = written(text)
    octets = re.sub(
        rb"\\(?:x([0-9a-f]{2})|([\"\\]))",
        lambda match: bytes.fromhex(match[1].decode()) if match[1] else match[2],
        found.encode(),
    )
    # PEP 383: such a surrogate is a byte.
    expected = [
        one.encode("utf-8", "surrogateescape" if "\udc80" <= one <= "\udcff" else "surrogatepass") for one in text
    ]
    assert b"".join(expected).startswith(octets)
    longest = len(r"\xf0\x90\x80\x80")
    assert octets == b"".join(expected) or LONGEST_VALUE - longest < len(found.encode()) <= LONGEST_VALUE


def test_what_the_pages_ask_for_by_themselves_is_not_logged_while_it_is_answered(settings: Settings) -> None:
    log = AccessLog(settings, unlogged=("/live",), now=lambda: NOON)
    log.add(exchange(target="/live?keys=a"))
    for target, status in (("/live", 401), ("/live/else", 200), ("/", 200)):
        log.add(exchange(target=target, status=status))
    assert [line.split()[3] for line in log.lines()] == ["/live", "/live/else", "/"]
