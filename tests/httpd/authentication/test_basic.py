"""Basic: who is let in, and how guesses are spaced."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from appliance.httpd.authentication.throttle import FREE, LOOKS, SPACING, Throttle
from appliance.settings import DirectiveType
from tests.httpd.authentication.rig import NAME, PASSWORD, REALM, Rig, basic, directive

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, directive(type=DirectiveType.BASIC))


def test_the_challenge_names_realm_and_charset(rig: Rig) -> None:
    answer = rig.ask()
    assert answer.status == 401
    assert answer.values("WWW-Authenticate") == [f'Basic realm="{REALM}", charset="UTF-8"']


def test_a_right_password_is_let_in_and_told_once(rig: Rig) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = rig.ask("/x", basic(), method=method)
        assert answer.status == 200
        assert answer.environ["REMOTE_USER"] == NAME
    assert rig.ask("/x", basic().replace("Basic", "bASIC ")).status == 200
    assert rig.logins == [NAME]


def test_umlauts_in_utf_8_of_either_form_and_in_latin_1(rig: Rig) -> None:
    rig.set(directive(type=DirectiveType.BASIC, users={"J\u00fcrg": "Z\u00fcrich-8"}))
    for header in (
        basic("J\u00fcrg", "Z\u00fcrich-8"),
        basic("Ju\u0308rg", "Zu\u0308rich-8"),
        basic("J\u00fcrg", "Z\u00fcrich-8", encoding="latin-1"),
    ):
        answer = rig.ask("/", header)
        assert answer.status == 200
        assert answer.environ["REMOTE_USER"] == "J\u00fcrg"


WRONG = (
    "",
    "Basic",
    "Basic ",
    "Basic !!!",
    "Basic \xff\xfe",
    "Basic \u20ac",
    "Basic " + base64.b64encode(b"no colon").decode(),
    "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
    "Basic " + base64.b64encode(b"anna:\x00").decode(),
    "Basic " + base64.b64encode(b":").decode(),
    "Basic " + base64.b64encode(b"anna:" + b"x" * 4000).decode(),
    basic() + ", " + basic(),
    basic()[:-1],
    basic("ANNA"),
    basic(NAME, PASSWORD + " "),
    basic(NAME, ""),
    basic("", PASSWORD),
    "Bearer " + basic()[6:],
    "Digest username=anna",
    "Basic" + basic()[6:],
)


def test_anything_else_is_refused(rig: Rig) -> None:
    for header in WRONG:
        rig.gate._desk.throttle = Throttle()
        assert rig.ask("/", header).status == 401, header


def test_guesses_are_spaced_and_the_owner_at_the_same_address_goes_on(rig: Rig) -> None:
    assert rig.ask("/", basic()).status == 200
    looked_at = 0
    for n in range(200):
        rig.now += 0.1
        answer = rig.ask("/", basic(NAME, f"guess {n}"))
        looked_at += answer.status == 401
        assert answer.status == 401 or answer.value("Retry-After") in ("1", "2")
        assert rig.ask("/", basic()).status == 200
    assert 0 < looked_at <= 20 / SPACING + FREE
    # Who has not been proven from there waits for a turn.
    assert rig.ask("/", basic(), address="192.0.2.99").status == 200


def test_what_was_proven_is_no_oracle(rig: Rig) -> None:
    """A flood of guesses learns no more of a proven password than the spacing lets through."""
    assert rig.ask("/", basic()).status == 200
    for n in range(FREE):
        assert rig.ask("/", basic(NAME, f"guess {n}")).status == 401
    for n in range(int(LOOKS) + 10):
        assert rig.ask("/", basic(NAME, f"more {n}")).status == 429
    assert rig.ask("/", basic()).status == 429  # not looked at, so it says nothing
    rig.now += SPACING
    assert rig.ask("/", basic()).status == 200


def test_an_address_where_nothing_was_proven_learns_nothing_of_other_addresses(rig: Rig) -> None:
    assert rig.ask("/", basic()).status == 200
    for n in range(FREE):
        assert rig.ask("/", basic(NAME, f"guess {n}"), address="192.0.2.66").status == 401
    assert rig.ask("/", basic(), address="192.0.2.66").status == 429


def test_a_password_can_be_proven_from_several_addresses(rig: Rig) -> None:
    addresses = ("192.0.2.7", "192.0.2.8")
    for address in addresses:
        assert rig.ask("/", basic(), address=address).status == 200
    for address in addresses:
        for n in range(FREE + 1):
            rig.ask("/", basic(NAME, f"guess {n}"), address=address)
        assert rig.ask("/", basic(), address=address).status == 200


def test_the_brake_for_all_does_not_hold_up_who_is_proven(rig: Rig) -> None:
    assert rig.ask("/", basic()).status == 200
    statuses = [rig.ask("/", basic(NAME, "x"), address=f"10.0.{n >> 8}.{n & 255}").status for n in range(500)]
    assert statuses.count(401) < 50
    assert rig.ask("/", basic()).status == 200
    assert rig.ask("/", basic(), address="192.0.2.99").status == 429
    rig.now += 1
    assert rig.ask("/", basic(), address="192.0.2.99").status == 200


def test_a_changed_password_and_a_deleted_user_hold_from_the_next_request(rig: Rig) -> None:
    assert rig.ask("/", basic()).status == 200
    rig.set(directive(type=DirectiveType.BASIC, users={NAME: "another"}))
    assert rig.ask("/", basic()).status == 401
    assert rig.ask("/", basic(NAME, "another")).status == 200
    rig.set(directive(type=DirectiveType.BASIC, users={"bert": "battery"}))
    assert rig.ask("/", basic(NAME, "another")).status == 401


def test_an_unknown_user_gets_the_same_answer(rig: Rig) -> None:
    known, unknown = rig.ask("/", basic(NAME, "wrong")), rig.ask("/", basic("nobody", "wrong"))
    assert (known.status, known.headers, known.body) == (unknown.status, unknown.headers, unknown.body)
