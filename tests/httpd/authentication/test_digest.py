"""Digest: what is let in, and everything that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.httpd.authentication.nonces import IDLE_LIFE, UNUSED_LIFE, WINDOW, Nonces
from appliance.httpd.authentication.throttle import FREE, SPACING, Throttle
from appliance.settings import DirectiveType, User
from tests.httpd.authentication.rig import NAME, PASSWORD, REALM, Digester, Rig, basic, digester, directive

if TYPE_CHECKING:
    from tests.httpd.authentication.rig import Changes

ALGORITHMS = ("SHA-256", "MD5")


def test_two_algorithms_are_offered_the_better_first(rig: Rig) -> None:
    answer = rig.ask()
    assert answer.status == 401
    offers = answer.values("WWW-Authenticate")
    assert [offer.partition("algorithm=")[2].partition(",")[0] for offer in offers] == list(ALGORITHMS)
    for offer in offers:
        assert offer.startswith(f'Digest realm="{REALM}", nonce="')
        assert 'qop="auth"' in offer
        assert "charset=UTF-8" in offer
        assert "opaque=" in offer
        assert "stale" not in offer


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_right_answer_is_let_in(rig: Rig, algorithm: str) -> None:
    client = digester(rig, algorithm=algorithm)
    for target in ("/", "/http?x=1&y=%20", "/a/b"):
        answer = rig.ask(target, client.answer(target))
        assert answer.status == 200
        assert answer.environ["REMOTE_USER"] == NAME
        assert answer.environ["cme3000.admitted"] is True
        assert answer.environ["cme3000.directive"].uri == "/"
        assert "HTTP_AUTHORIZATION" not in answer.environ
    assert rig.logins == [NAME]


CHANGES: tuple[Changes, ...] = (
    *(dict.fromkeys([name]) for name in ("username", "realm", "nonce", "uri", "response")),
    *(dict.fromkeys([name]) for name in ("algorithm", "opaque", "qop", "nc", "cnonce")),
    {"qop": "auth-int"},
    {"qop": '""'},
    {"qop": None, "nc": None, "cnonce": None},
    {"nc": "1"},
    {"nc": "00000000"},
    {"nc": "0000000g"},
    {"nc": "-0000001"},
    {"cnonce": '""'},
    {"cnonce": '"other"'},
    {"realm": '"other"'},
    {"uri": '"/other"'},
    {"computed_uri": "/other"},
    {"computed_uri": "http://elsewhere.example/"},
    {"computed_uri": "https://device.example/"},
    {"computed_uri": "http://device.example.org/"},
    {"computed_method": "POST"},
    {"nonce": '"' + Nonces().make(REALM, 1000) + '"'},
    {"nonce": '"x"'},
    {"opaque": '"x"'},
    {"algorithm": "SHA-512-256"},
    {"algorithm": "SHA-256-sess"},
    {"algorithm": "MD5-sess"},
    {"response": '"' + "0" * 64 + '"'},
    {"response": '"' + "0" * 32 + '"'},
    {"response": '""'},
    {"username": '"bert"'},
    {"username": '""'},
    {"username": '"\xff"'},
    {"username*": f"UTF-8''{NAME}"},  # both
    {"username": None, "username*": f"UTF-16''{NAME}"},
    {"username": None, "username*": "UTF-8''%ff"},
    {"userhash": "true"},
)


def test_anything_else_is_refused(rig: Rig) -> None:
    for changes in CHANGES:
        rig.gate._desk.throttle = Throttle()
        for algorithm in ALGORITHMS:
            answer = rig.ask("/", digester(rig, algorithm=algorithm).answer("/", changes=changes))
            assert answer.status == 401, changes
            assert not answer.is_stale, changes
    assert rig.logins == []


@pytest.mark.parametrize(("offered", "claimed"), [ALGORITHMS, ALGORITHMS[::-1]])
def test_the_algorithm_cannot_be_swapped(rig: Rig, offered: str, claimed: str) -> None:
    assert rig.ask("/", digester(rig, algorithm=offered).answer(changes={"algorithm": claimed})).status == 401


def test_a_parameter_that_comes_twice_is_refused(rig: Rig) -> None:
    for again in ('uri="/other"', 'uri="/"', "qop=auth", "URI=/"):
        assert rig.ask("/", f"{digester(rig).answer()}, {again}").status == 401


def test_nothing_is_let_in_by_a_header_of_another_page_or_method(rig: Rig) -> None:
    header = digester(rig).answer("/status")
    assert rig.ask("/http", header).status == 401
    assert rig.ask("/status?x", header).status == 401
    assert rig.ask("/status/", header).status == 401
    assert rig.ask("/status", header, method="POST").status == 401
    assert rig.ask("/status", header).status == 200


def test_a_replay_is_refused_and_the_browser_goes_on_silently(rig: Rig) -> None:
    client = digester(rig)
    header = client.answer()
    assert rig.ask("/", header).status == 200
    replay = rig.ask("/", header)
    assert replay.status == 401
    assert replay.is_stale
    assert rig.ask("/", Digester(replay.challenge()).answer()).status == 200


def test_there_is_no_count_of_zero(rig: Rig) -> None:
    assert rig.ask("/", digester(rig).answer(count=0)).status == 401


def test_counts_may_overtake_each_other_within_the_window(rig: Rig) -> None:
    client = digester(rig)
    assert rig.ask("/", client.answer(count=WINDOW + 10)).status == 200
    for nc in range(WINDOW + 9, 10, -1):
        assert rig.ask("/", client.answer(count=nc)).status == 200
    outside = rig.ask("/", client.answer(count=10))
    assert (outside.status, outside.is_stale) == (401, True)
    assert rig.ask("/", client.answer(count=WINDOW + 11)).status == 200


@pytest.mark.parametrize("used", [True, False])
def test_an_old_nonce_is_stale_for_who_knows_the_password_and_for_nobody_else(rig: Rig, used: bool) -> None:
    client = digester(rig)
    if used:
        assert rig.ask("/", client.answer()).status == 200
    rig.now += max(IDLE_LIFE, UNUSED_LIFE) + 1
    stale = rig.ask("/", client.answer())
    assert (stale.status, stale.is_stale) == (401, True)
    assert rig.ask("/", Digester(stale.challenge()).answer()).status == 200
    client.typed = "wrong"
    wrong = rig.ask("/", client.answer())
    assert (wrong.status, wrong.is_stale) == (401, False)


def test_after_a_restart_open_pages_go_on_silently(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> None:
    client = digester(rig)
    assert rig.ask("/", client.answer()).status == 200
    restarted = Rig(tmp_path_factory.mktemp("restarted"))
    stale = restarted.ask("/", client.answer())
    assert (stale.status, stale.is_stale) == (401, True)
    assert restarted.ask("/", Digester(stale.challenge()).answer()).status == 200


def test_the_uri_may_be_absolute_when_it_names_this_device(rig: Rig) -> None:
    client = digester(rig)
    assert rig.ask("/a?b", client.answer("/a?b", changes={"computed_uri": "http://device.example/a?b"})).status == 200
    assert rig.ask("/a?b", client.answer("/a?b", changes={"computed_uri": "HTTP://Device.Example/a?b"})).status == 200
    assert rig.ask("/", client.answer("/", changes={"computed_uri": "http://device.example"})).status == 200
    assert rig.ask("/a", client.answer("/a", changes={"computed_uri": "http://device.example/b"})).status == 401


def test_fields_may_be_quoted_or_not_and_names_are_in_any_case(rig: Rig) -> None:
    client = digester(rig)
    header = client.answer(changes={"qop": '"auth"', "algorithm": '"sha-256"', "userhash": "false"})
    assert rig.ask("/", header.replace("Digest ", "dIGEST  ").replace("uri=", "URI = ")).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"username": None, "username*": "UTF-8''J%C3%BCrg"},
        {"username": None, "username*": "utf-8'de'Ju%CC%88rg"},
    ],
)
def test_names_and_passwords_are_utf_8(rig: Rig, changes: dict[str, str | None]) -> None:
    rig.set(directive(users={"J\u00fcrg": "Z\u00fcrich\u20ac1"}))
    client = digester(rig, name="J\u00fcrg", typed="Z\u00fcrich\u20ac1")
    answer = rig.ask("/", client.answer(changes=changes))
    assert answer.status == 200
    assert answer.environ["REMOTE_USER"] == "J\u00fcrg"


def test_two_realms_do_not_share_nonces(rig: Rig) -> None:
    rig.set(directive(), directive("/http", realm="web"))
    client = digester(rig)
    assert rig.ask("/http", client.answer("/http", changes={"realm": '"web"'})).status == 401
    assert rig.ask("/http", client.answer("/http")).status == 401
    assert rig.ask("/httpx", client.answer("/httpx")).status == 200


def test_a_changed_password_holds_from_the_next_request(rig: Rig) -> None:
    client = digester(rig)
    assert rig.ask("/", client.answer()).status == 200
    rig.set(directive(users={NAME: "another"}))
    refused = rig.ask("/", client.answer())
    assert (refused.status, refused.is_stale) == (401, False)
    assert rig.ask("/", digester(rig, typed="another").answer()).status == 200


def test_a_deleted_user_is_out_and_the_others_go_on_silently(rig: Rig) -> None:
    rig.set(directive(users={NAME: PASSWORD, "bert": "battery"}))
    anna, bert = digester(rig), digester(rig, name="bert", typed="battery")
    assert rig.ask("/", anna.answer()).status == rig.ask("/", bert.answer()).status == 200
    rig.set(directive(users={NAME: PASSWORD}))
    assert not rig.ask("/", bert.answer()).is_stale
    stale = rig.ask("/", anna.answer())
    assert (stale.status, stale.is_stale) == (401, True)


def test_guesses_are_spaced_and_the_owner_at_the_same_address_is_not_disturbed(rig: Rig) -> None:
    owner = digester(rig)
    assert rig.ask("/", owner.answer()).status == 200
    looked_at = 0
    for n in range(20_000):  # a second at 10 a second, over the lives of several nonces
        rig.now += 0.1
        if n % 10 == 0:
            guesser = digester(rig, typed=f"guess {n}")
            answer = rig.ask("/", guesser.answer())
            assert answer.status in (401, 429)
            looked_at += answer.status == 401
            if answer.status == 429:
                assert 1 <= int(answer.value("Retry-After")) <= SPACING
                assert not answer.values("WWW-Authenticate")
        if n % 25 == 0:
            answer = rig.ask("/", owner.answer())
            if answer.is_stale:
                owner = Digester(answer.challenge())
                answer = rig.ask("/", owner.answer())
            assert answer.status == 200
    assert 600 < looked_at <= 2000 / SPACING + FREE
    assert rig.logins == [NAME]


def flood(rig: Rig) -> None:
    """Guess until no try from the address is looked at."""
    guesser = digester(rig, typed="guess")
    while rig.ask("/", guesser.answer()).status == 401:
        pass


def test_an_old_nonce_is_followed_by_another_in_the_middle_of_a_flood(rig: Rig) -> None:
    owner = digester(rig)
    assert rig.ask("/", owner.answer()).status == 200
    for _ in range(3):
        rig.now += IDLE_LIFE + 1
        flood(rig)
        stale = rig.ask("/", owner.answer())
        assert stale.is_stale
        assert rig.ask("/", digester(rig).answer()).status == 429
        owner = Digester(stale.challenge())
        assert rig.ask("/", owner.answer()).status == 200


def test_a_login_pardons_its_address_and_a_proven_nonce_does_not(rig: Rig) -> None:
    owner = digester(rig)
    assert rig.ask("/", owner.answer()).status == 200
    flood(rig)
    assert rig.ask("/", owner.answer()).status == 200
    assert rig.ask("/", digester(rig).answer()).status == 429
    rig.now += SPACING
    assert rig.ask("/", digester(rig).answer()).status == 200
    assert rig.ask("/", digester(rig, typed="wrong").answer()).status == 401
    assert rig.ask("/", digester(rig).answer()).status == 200


def test_the_owner_without_a_login_is_back_when_the_guessing_ends(rig: Rig) -> None:
    for n in range(1000):
        rig.ask("/", digester(rig, typed=f"guess {n}").answer())
        rig.now += 0.05
    rig.now += SPACING
    assert rig.ask("/", digester(rig).answer()).status == 200
    assert rig.ask("/", digester(rig, typed="wrong").answer()).status == 401


def test_a_proven_nonce_is_no_oracle(rig: Rig) -> None:
    rig.set(directive(users={NAME: PASSWORD, "bert": "battery"}))
    bert = digester(rig, name="bert", typed="battery")
    assert rig.ask("/", bert.answer()).status == 200
    looked_at = 0
    for n in range(200):  # bert guesses anna's password with the nonce of his own login
        bert.name, bert.typed = NAME, f"guess {n}"
        looked_at += rig.ask("/", bert.answer()).status == 401
    assert looked_at == FREE


def test_a_nonce_given_for_a_stale_one_is_no_oracle(rig: Rig) -> None:
    """Whoever has caught one right answer can have fresh nonces for it, but not guess faster with them."""
    caught = digester(rig).answer()
    assert rig.ask("/", caught).status == 200
    looked_at = 0
    for n in range(100):
        fresh = rig.ask("/", caught, address="192.0.2.66")
        if fresh.status == 401:
            assert fresh.is_stale
            guesser = Digester(fresh.challenge(), "bert", f"guess {n}")
            looked_at += rig.ask("/", guesser.answer(), address="192.0.2.66").status == 401
    assert looked_at == FREE


def test_wrong_answers_to_a_proven_nonce_count_and_end_it(rig: Rig) -> None:
    client = digester(rig)
    assert rig.ask("/", client.answer()).status == 200
    client.typed = "wrong"
    statuses = [rig.ask("/", client.answer()).status for _ in range(20)]
    assert statuses == [401] * FREE + [429] * (20 - FREE)
    client.typed = PASSWORD
    assert rig.ask("/", client.answer()).status == 429
    rig.now += SPACING
    assert rig.ask("/", client.answer()).is_stale


def test_what_is_no_wrong_password_does_not_count(rig: Rig) -> None:
    client = digester(rig)
    right = client.answer()
    assert rig.ask("/", right).status == 200
    for _ in range(50):
        assert rig.ask().status == 401  # no credentials
        assert rig.ask("/", right).status == 401  # a replay
        assert rig.ask("/x", right).status == 401  # another page
        assert rig.ask("/", basic()).status == 401  # another scheme
        assert rig.ask("/", "Digest nonsense").status == 401
        stranger = Digester(client.challenge | {"nonce": "foreign"})
        assert rig.ask("/", stranger.answer()).is_stale
    assert rig.ask("/", digester(rig, typed="wrong").answer()).status == 401
    assert rig.ask("/", digester(rig).answer()).status == 200


def test_an_unknown_user_gets_the_same_answer_after_the_same_work(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    for name in ("is_trusted", "use", "_sign"):
        original = getattr(Nonces, name)

        def counted(self: Nonces, *args: object, _name: str = name, _original: object = original) -> object:
            work.append(_name)
            return _original(self, *args)  # type: ignore[operator]

        monkeypatch.setattr(Nonces, name, counted)
    seen = []
    for name in (NAME, "nobody"):
        client = digester(rig, name=name, typed="wrong")
        work.clear()
        answer = rig.ask("/", client.answer())
        seen.append((answer.status, answer.body, len(answer.headers), list(work)))
    assert seen[0] == seen[1]


def test_who_stands_for_unknown_users_is_never_let_in(rig: Rig) -> None:
    rig.gate._desk.nobody = User.with_password("nobody", REALM, "known")
    assert rig.ask("/", digester(rig, name="nobody", typed="known").answer()).status == 401
    rig.set(directive(type=DirectiveType.BASIC))
    assert rig.ask("/", basic("nobody", "known")).status == 401
