"""Nonces: what is signed, what is remembered, and what is given up."""

from __future__ import annotations

from random import Random

from appliance.httpd.authentication.nonces import (
    IDLE_LIFE,
    MOST_PROVEN,
    STRIKES,
    UNUSED_LIFE,
    WHOLE_LIFE,
    WINDOW,
    Account,
    Nonces,
)
from appliance.settings import User

ANNA = Account("config", User.with_password("anna", "config", "correct horse"), "192.0.2.7")
BERT = Account("config", User.with_password("bert", "config", "battery"), "192.0.2.7")
ELSEWHERE = ANNA._replace(address="192.0.2.8")


def test_a_nonce_needs_no_memory_until_it_is_used() -> None:
    nonces = Nonces()
    made = [nonces.make("config", 0) for _ in range(5000)]
    assert len(set(made)) == 5000
    assert len(nonces) == 0
    for nonce in made:
        assert nonces.use(nonce, ANNA, 1, 0)
    assert len(nonces) == MOST_PROVEN


def test_each_count_is_taken_once_in_any_order_within_the_window() -> None:
    nonces = Nonces()
    nonce = nonces.make("config", 0)
    counts = list(range(1, 1000))
    random = Random(7)
    for start in range(0, len(counts), 50):
        part = counts[start : start + 50]
        random.shuffle(part)
        counts[start : start + 50] = part
    assert all(nonces.use(nonce, ANNA, count, 0) for count in counts)
    assert not any(nonces.use(nonce, ANNA, count, 0) for count in counts)


def test_a_count_behind_the_window_is_taken_for_a_replay() -> None:
    nonces = Nonces()
    nonce = nonces.make("config", 0)
    assert nonces.use(nonce, ANNA, 1000, 0)
    assert nonces.use(nonce, ANNA, 1001 - WINDOW, 0)
    assert not nonces.use(nonce, ANNA, 1000 - WINDOW, 0)
    assert nonces.use(nonce, ANNA, 0xFFFFFFFF, 0)
    assert not nonces.use(nonce, ANNA, 1001, 0)


def test_what_is_given_up_cannot_be_replayed() -> None:
    nonces = Nonces()
    made = [nonces.make("config", 0) for _ in range(3 * MOST_PROVEN)]
    assert all(nonces.use(nonce, ANNA, 1, 0) for nonce in made)
    assert not any(nonces.use(nonce, ANNA, 1, 0) for nonce in made)


def test_one_in_use_outlives_others() -> None:
    nonces = Nonces()
    busy = nonces.make("config", 0)
    for count in range(1, 3 * MOST_PROVEN):
        assert nonces.use(busy, ANNA, count, 0)
        assert nonces.use(nonces.make("config", 0), ANNA, 1, 0)


def test_a_nonce_with_one_character_changed_is_not_ours() -> None:
    nonces = Nonces()
    nonce = nonces.make("config", 0)
    for position, character in enumerate(nonce):
        other = "A" if character != "A" else "B"
        assert not nonces.use(nonce[:position] + other + nonce[position + 1 :], ANNA, 1, 0)


def test_foreign_nonces_are_refused() -> None:
    nonces = Nonces()
    strange = (Nonces().make("config", 0), nonces.make("other", 0), "", "a", "=" * 48, "\u00fc" * 48, "!" * 48)
    spaced = nonces.make("config", 0)
    for nonce in (*strange, spaced + "\n", spaced[:24] + "\n" + spaced[24:], spaced + "===="):
        assert not nonces.use(nonce, ANNA, 1, 0)


def test_lives() -> None:
    nonces = Nonces()
    unused, used, idle = (nonces.make("config", 0) for _ in range(3))
    assert not nonces.use(unused, ANNA, 1, UNUSED_LIFE + 1)
    assert nonces.use(idle, ANNA, 1, 10)
    assert not nonces.use(idle, ANNA, 2, 11 + IDLE_LIFE)
    count = 0
    for now in range(0, int(WHOLE_LIFE), int(IDLE_LIFE) - 1):
        count += 1
        assert nonces.use(used, ANNA, count, now)
    assert not nonces.use(used, ANNA, count + 1, WHOLE_LIFE + 1)


def test_nothing_outlives_a_change_of_the_directives() -> None:
    nonces = Nonces()
    used, unused = nonces.make("config", 0), nonces.make("config", 0)
    assert nonces.use(used, ANNA, 1, 0)
    nonces.void()
    assert not nonces.use(used, ANNA, 2, 0)
    assert not nonces.use(unused, ANNA, 1, 0)
    assert nonces.use(nonces.make("config", 0), ANNA, 1, 0)


def test_a_nonce_is_of_one_user_and_trusted_from_one_address() -> None:
    nonces = Nonces()
    nonce = nonces.make("config", 0)
    assert not nonces.is_trusted(nonce, ANNA, 0)
    assert nonces.use(nonce, ANNA, 1, 0)
    assert nonces.is_trusted(nonce, ANNA, 0)
    assert not nonces.is_trusted(nonce, ELSEWHERE, 0)
    assert not nonces.is_trusted(nonce, BERT, 0)
    assert not nonces.use(nonce, BERT, 2, 0)
    assert nonces.use(nonce, ELSEWHERE, 2, 0)


def test_a_few_wrong_answers_end_the_trust_and_the_nonce() -> None:
    nonces = Nonces()
    used, vouched = nonces.make("config", 0), nonces.make("config", 0, voucher=ANNA)
    assert nonces.use(used, ANNA, 1, 0)
    for nonce in (used, vouched):
        for _ in range(STRIKES):
            assert nonces.is_trusted(nonce, ANNA, 0)
            nonces.wrong(nonce, ANNA, 0)
        assert not nonces.is_trusted(nonce, ANNA, 0)
        assert not nonces.use(nonce, ANNA, 2, 0)


def test_a_voucher_is_for_one_account() -> None:
    nonces = Nonces()
    nonce = nonces.make("config", 0, voucher=ANNA)
    assert nonces.is_trusted(nonce, ANNA, 0)
    assert not nonces.is_trusted(nonce, BERT, 0)
    assert not nonces.is_trusted(nonce, ELSEWHERE, 0)
    assert not nonces.is_trusted(nonce, ANNA, UNUSED_LIFE + 1)
    assert nonces.use(nonce, ELSEWHERE, 1, 0)
