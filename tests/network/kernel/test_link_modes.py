"""Which modes are offered for each setting, on ports of 10, 100 and 1000 Mbit/s."""

from __future__ import annotations

from itertools import product

import pytest

from appliance.errors import InvalidValue
from appliance.network.kernel.link_modes import (
    AUTONEG,
    FEATURES,
    FORCED_WARNING,
    LinkModes,
    describe,
    modes_to_offer,
    warning,
)
from appliance.settings.link import Duplex, Speed

H10, F10, H100, F100, H1000, F1000 = range(6)
TP, PAUSE = 7, 13

TEN = LinkModes(supported=frozenset({H10, F10, AUTONEG, TP}))
HUNDRED = LinkModes(supported=frozenset({H10, F10, H100, F100, AUTONEG, TP, PAUSE}))
GIGABIT = LinkModes(supported=frozenset({H10, F10, H100, F100, F1000, AUTONEG, TP, PAUSE}))
FIXED = LinkModes(supported=frozenset({F100, TP}))
SILENT = LinkModes()

CASES = [
    (TEN, "auto", "auto", {H10, F10}),
    (HUNDRED, "auto", "auto", {H10, F10, H100, F100}),
    (GIGABIT, "auto", "auto", {H10, F10, H100, F100, F1000}),
    (GIGABIT, "100", "auto", {H100, F100}),
    (GIGABIT, "10", "auto", {H10, F10}),
    (GIGABIT, "auto", "half", {H10, H100}),
    (GIGABIT, "auto", "full", {F10, F100, F1000}),
    (HUNDRED, "auto", "full", {F10, F100}),
    (GIGABIT, "100", "full", {F100}),
    (GIGABIT, "10", "half", {H10}),
    (FIXED, "auto", "auto", {F100}),
    (FIXED, "100", "full", {F100}),
    (SILENT, "auto", "auto", set[int]()),
    (SILENT, "10", "half", set[int]()),
]


@pytest.mark.parametrize(("port", "speed", "duplex", "offered"), CASES)
def test_the_modes_that_a_setting_offers(port: LinkModes, speed: str, duplex: str, offered: set[int]) -> None:
    assert modes_to_offer(port, Speed(speed), Duplex(duplex)) == offered


def test_a_mode_that_is_not_known_yet_is_offered_by_auto_alone() -> None:
    port = LinkModes(supported=GIGABIT.supported | {117})
    assert 117 in modes_to_offer(port, Speed.AUTO, Duplex.AUTO)
    assert 117 not in modes_to_offer(port, Speed.HUNDRED, Duplex.AUTO)


@pytest.mark.parametrize(
    ("port", "speed", "duplex", "message"),
    [
        (TEN, "100", "auto", "the port has only 10 full, 10 half"),
        (TEN, "100", "full", "the port has only 10 full, 10 half"),
        (FIXED, "auto", "half", "the port has only 100 full"),
        (FIXED, "100", "auto", "cannot negotiate"),
        (SILENT, "100", "auto", "does not say which modes"),
        (SILENT, "auto", "full", "does not say which modes"),
    ],
)
def test_a_setting_that_the_port_cannot_have_is_refused_with_the_reason(
    port: LinkModes, speed: str, duplex: str, message: str
) -> None:
    with pytest.raises(InvalidValue, match=message):
        modes_to_offer(port, Speed(speed), Duplex(duplex))


@pytest.mark.parametrize(("speed", "duplex"), list(product(Speed, Duplex)))
def test_what_was_set_is_recognised(speed: Speed, duplex: Duplex) -> None:
    offered = modes_to_offer(GIGABIT, speed, duplex)
    if speed is not Speed.AUTO and duplex is not Duplex.AUTO:
        port = LinkModes(supported=GIGABIT.supported, negotiates=False, speed=int(speed), duplex=duplex)
    else:
        port = LinkModes(supported=GIGABIT.supported, advertised=offered | FEATURES, negotiates=True)
    assert port.configured == (speed, duplex)


@pytest.mark.parametrize(
    "port",
    [
        SILENT,
        LinkModes(negotiates=False, speed=10000, duplex=Duplex.FULL),
        LinkModes(negotiates=False),
        LinkModes(supported=GIGABIT.supported, advertised=frozenset({H10, F1000}), negotiates=True),
    ],
)
def test_what_the_appliance_would_never_set_is_no_setting(port: LinkModes) -> None:
    assert port.configured is None


def test_a_forced_mode_asks_for_the_same_on_the_switch() -> None:
    assert warning(Speed.TEN, Duplex.HALF) == FORCED_WARNING
    assert not warning(Speed.TEN, Duplex.AUTO)
    assert not warning(Speed.AUTO, Duplex.FULL)


def test_a_setting_in_words() -> None:
    assert describe(Speed.HUNDRED, Duplex.HALF) == "100 Mbit/s, half duplex"
    assert describe(Speed.AUTO, Duplex.FULL) == "full duplex"
    assert describe(Speed.AUTO, Duplex.AUTO) == "negotiation of everything"
