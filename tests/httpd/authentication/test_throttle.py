"""How often passwords may be guessed, on a clock in the test's hands."""

from __future__ import annotations

from appliance.httpd.authentication.throttle import (
    BURST,
    FORGET,
    FREE,
    LOOKS,
    MOST_ADDRESSES,
    RATE,
    SPACING,
    Throttle,
    group,
)

EVIL, GOOD = "192.0.2.66", "192.0.2.7"


def guess(throttle: Throttle, address: str, now: float) -> bool:
    """Try a wrong password; say whether it was looked at."""
    if throttle.delay(address, now):
        return False
    throttle.wrong(address, now)
    return True


def guesses(throttle: Throttle, address: str, start: float, seconds: float, rate: int = 50) -> int:
    return sum(guess(throttle, address, start + n / rate) for n in range(int(seconds * rate)))


def test_five_wrong_passwords_are_free_and_then_one_in_two_seconds() -> None:
    throttle = Throttle()
    assert guesses(throttle, EVIL, 0, 1) == FREE
    assert guesses(throttle, EVIL, 1, 60) == 60 / SPACING
    assert throttle.delay(GOOD, 61) == 0


def test_the_wait_is_said_and_is_not_longer_for_who_does_not_wait() -> None:
    throttle = Throttle()
    for _ in range(FREE):
        assert guess(throttle, EVIL, 10)
    assert throttle.delay(EVIL, 10.5) == 1.5
    assert not guess(throttle, EVIL, 11.9)
    assert throttle.delay(EVIL, 12) == 0


def test_who_shares_the_address_is_back_two_seconds_after_a_day_of_guessing() -> None:
    throttle = Throttle()
    for hour in range(24):
        guesses(throttle, EVIL, hour * 3600, 3600, rate=2)
    end = 24 * 3600
    assert throttle.delay(EVIL, end + SPACING) == 0
    throttle.right(EVIL, end + SPACING)
    assert throttle.delay(EVIL, end + SPACING) == 0


def test_an_address_begins_anew_after_a_minute_of_peace() -> None:
    throttle = Throttle()
    guesses(throttle, EVIL, 0, 1)
    assert guesses(throttle, EVIL, 1 + FORGET, 1) == FREE
    assert len(throttle) == 1


def test_a_login_pardons_once_a_minute() -> None:
    throttle = Throttle()
    looked_at = 0
    for n in range(600):  # somebody with a login of his own guesses those of others between two of his
        now = 100 + n * 0.5
        looked_at += guess(throttle, EVIL, now)
        throttle.right(EVIL, now)
    assert looked_at <= 300 / SPACING + (300 / FORGET + 1) * FREE


def test_an_ipv6_network_is_one_address() -> None:
    throttle = Throttle()
    assert sum(guess(throttle, f"2001:db8:0:1::{n:x}", n / 50) for n in range(50)) == FREE
    assert throttle.delay("2001:db8:0:2::1", 1) == 0
    assert group("::ffff:192.0.2.7") == group("192.0.2.7") != group("192.0.2.8")
    assert group("fe80::1%eth0") == group("fe80::2%eth0")
    assert len(group("x" * 1000)) <= 64


def test_many_addresses_together_are_bounded_and_the_memory_too() -> None:
    throttle = Throttle()
    looked_at = sum(
        guess(throttle, f"10.{n >> 16}.{(n >> 8) & 255}.{n & 255}", 100 + n / 500) for n in range(50_000)
    )  # 500 new addresses a second, for 100 s
    assert looked_at <= BURST + RATE * 100 + 1
    assert len(throttle) <= MOST_ADDRESSES


def test_a_crowd_of_known_guessers_does_not_keep_out_who_was_never_wrong() -> None:
    throttle = Throttle()
    crowd = [f"10.0.0.{n}" for n in range(200)]
    for n, address in enumerate(crowd):
        throttle.wrong(address, 100 + n)  # over more than FORGET, so that the bucket for new ones is full
    now = 300.0
    looked_at = 0
    for n in range(5000):  # 500 a second, for 10 s
        looked_at += guess(throttle, crowd[n % 50 + 150], now + n / 500)
        assert throttle.delay(GOOD, now + n / 500) == 0
    assert looked_at <= BURST + RATE * 10 + 1


def test_new_addresses_do_not_push_out_one_that_is_spaced() -> None:
    throttle = Throttle()
    for n in range(FREE):
        throttle.wrong(EVIL, n)
    for n in range(3 * MOST_ADDRESSES):
        throttle.wrong(f"10.0.{n >> 8}.{n & 255}", FREE)
    assert len(throttle) == MOST_ADDRESSES
    assert throttle.delay(GOOD, FREE + 0.5) == 0
    assert throttle.delay(EVIL, FREE + 0.5) == 0.5


def test_looks_at_what_was_proven_are_bounded_too() -> None:
    throttle = Throttle()
    looks = 0
    for n in range(60_000):  # 100 a second for ten minutes
        now = n / 100
        if throttle.may_look(EVIL, now):
            looks += 1
            throttle.looked_in_vain(EVIL, now)
    assert looks <= LOOKS + 600 / SPACING + 1


def test_looks_do_not_come_back_by_a_pause() -> None:
    throttle = Throttle()
    for _ in range(int(LOOKS)):
        throttle.looked_in_vain(EVIL, 0)
    assert not throttle.may_look(EVIL, 1)
    looks = 0
    while throttle.may_look(EVIL, FORGET + 2):
        throttle.looked_in_vain(EVIL, FORGET + 2)
        looks += 1
    assert looks <= (FORGET + 2) / SPACING
