"""Which names of a server are let in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidValue
from appliance.network.dhcp.names import MOST_NAMES, check_domain, check_hostname, decode_search_list

HOSTILE = [
    "",
    ".",
    "a..b",
    "-a",
    "a-",
    "a_b",
    "a b",
    "a\nb",
    "a\0b",
    "a\x1b[2J",
    "$(reboot)",
    "`reboot`",
    "a;reboot",
    "../../etc",
    "<script>",
    "&amp;",
    "a\u00e4",
    "a" * 64,
    ".".join(["a" * 60] * 5),
    "192.0.2.1",
    "a.\u0661",
    "nameserver 192.0.2.66",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_name_is_refused_and_shown_escaped(name: str) -> None:
    for check in (check_domain, check_hostname):
        with pytest.raises(InvalidValue) as refused:
            check(name)
        assert str(refused.value).isprintable()


def test_a_name_loses_the_dot_at_its_end_and_a_hostname_its_domain() -> None:
    assert check_domain("Example.net.") == "Example.net"
    assert check_hostname("gate-1.example.net") == "gate-1"
    assert check_domain("3com.example") == "3com.example"


@pytest.mark.parametrize("name", ["localhost", "LocalHost.localdomain", "42.example"])
def test_a_hostname_that_names_nobody_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        check_hostname(name)


def test_a_search_list_is_read_with_its_pointers() -> None:
    value = b"\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04"  # the example of RFC 3397
    assert decode_search_list(value) == (("eng.apple.com", "marketing.apple.com"), ())


DAMAGED = {
    "itself": b"\xc0\x00",
    "itself after a label": b"\x01a\xc0\x00",
    "each other": b"\xc0\x02\xc0\x00",
    "forward": b"\xc0\x02\x01a\x00",
    "into nothing": b"\x01a\xc0\xff",
    "a pointer cut off": b"\x01a\xc0",
    "a label cut off": b"\x05ab",
    "no end": b"\x01a",
    "a reserved label": b"\x41a\x00",
    "too long": b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 4 + b"\x00",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_search_list_gives_the_names_before_the_damage(name: str) -> None:
    good = b"\x02ok\x04test\x00"
    names, complaints = decode_search_list(DAMAGED[name])
    assert names == ()
    assert len(complaints) == 1
    if name not in {"each other", "itself", "itself after a label"}:  # there, what they point at is now another
        assert decode_search_list(good + DAMAGED[name])[0][0] == "ok.test"


def test_names_are_kept_once_and_not_without_end() -> None:
    assert decode_search_list(b"\x01a\x00\x01A\x00")[0] == ("a",)
    many = b"".join(b"\x03" + f"n{number:02}".encode() + b"\x00" for number in range(40))
    names, complaints = decode_search_list(many)
    assert len(names) == MOST_NAMES
    assert complaints == (f"search list: only the first {MOST_NAMES} names are kept",)


def test_an_invalid_name_in_the_list_costs_only_itself() -> None:
    names, complaints = decode_search_list(b"\x04a;ls\x00\x02ok\x00")
    assert names == ("ok",)
    assert len(complaints) == 1


@given(st.binary(max_size=600))
def test_no_search_list_makes_it_fail(value: bytes) -> None:
    names, complaints = decode_search_list(value)
    assert len(names) <= MOST_NAMES
    assert len(complaints) <= MOST_NAMES + 1
    for name in names:
        assert check_domain(name) == name
