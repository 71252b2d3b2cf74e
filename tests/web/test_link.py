"""Network > Link: what was negotiated, and its form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from appliance.network.kernel.link_modes import FORCED_WARNING, LinkModes
from appliance.settings import find
from appliance.settings.link import Duplex
from tests.web.rig import HOSTILE, banners, network, row_of, text_of

if TYPE_CHECKING:
    from tests.web.rig import Web

LINK, LINK_CONFIGURATION = "/network/link", "/network/link/configuration"


@pytest.fixture
def web(web: Web) -> Web:
    web.set_password()
    return web


def facts(page: str) -> dict[str, str]:
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td[^>]*>(.*?)</td></tr>', page)
    return {text_of(label): text_of(value) for label, value in rows}


BITS = frozenset({0, 1, 2, 3, 5, 6, 7, 13})


def modes(**changes: object) -> LinkModes:
    found = LinkModes(
        supported=BITS, advertised=BITS, partner=frozenset({2, 3, 6}), negotiates=True, speed=100, duplex=Duplex.FULL,
        has_link=True,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def test_the_link_shows_what_was_negotiated_and_what_each_end_can(web: Web) -> None:
    web.device.network = network(link_modes=modes())
    assert facts(web.get(LINK).text) == {
        "Interface": "eth0",
        "MAC address": "b8:27:eb:01:02:03",
        "State": "connected",
        "Speed": "100 Mbit/s",
        "Duplex": "full duplex",
        "Negotiation": "On",
        "Configured": "auto / auto",
        "The driver has": "auto / auto",
        "This port can": "10 half, 10 full, 100 half, 100 full, 1000 full Mbit/s",
        "This port offers": "10 half, 10 full, 100 half, 100 full, 1000 full Mbit/s",
        "The other end offers": "100 half, 100 full Mbit/s",
    }


@pytest.mark.parametrize(
    ("state", "rows"),
    [
        ({"link_modes": None, "has_carrier": None}, {"State": "unknown", "Speed": "unknown", "Duplex": "unknown"}),
        ({"link_modes": None, "has_carrier": True}, {"State": "connected", "The driver has": "unknown"}),
        ({"link_modes": modes(has_link=False, speed=None, duplex=None)}, {"State": "no link", "Speed": "unknown"}),
        ({"link_modes": modes(negotiates=False, speed=10, duplex=Duplex.HALF)},
         {"Negotiation": "Off", "Duplex": "half duplex", "The driver has": "10 Mbit/s / half"}),
    ],
)  # fmt: skip
def test_a_link_that_is_down_forced_or_not_known_is_shown_so(
    web: Web, state: dict[str, Any], rows: dict[str, str]
) -> None:
    web.device.network = network(**state)
    found = facts(web.get(LINK).text)
    assert {label: found[label] for label in rows} == rows


def test_a_driver_that_did_something_else_is_marked(web: Web) -> None:
    web.device.network = network(link_modes=modes())
    assert 'class="bad"' not in web.get(LINK_CONFIGURATION).text
    web.post(LINK_CONFIGURATION, {"link.speed": "10"})
    page = web.get(LINK_CONFIGURATION).text
    assert re.search(r'The driver has</th><td class="bad"><span[^>]*>auto / auto', page)
    assert facts(page)["Configured"] == "10 Mbit/s / auto"


def test_the_link_takes_its_settings_at_once_and_refuses_others(web: Web) -> None:
    for speed in ("auto", "10", "100"):
        for duplex in ("auto", "half", "full"):
            answer = web.post(LINK_CONFIGURATION, {"link.speed": speed, "link.duplex": duplex})
            assert answer.status_code == 303
            in_force = web.device.settings.in_force
            assert (in_force[find("link.speed")], in_force[find("link.duplex")]) == (speed, duplex)
            page = web.get(LINK_CONFIGURATION).text
            assert ("the switch must be set to the same values" in banners(page)) is ("auto" not in (speed, duplex))
    for name, typed in (("link.speed", "1000"), ("link.speed", ""), ("link.duplex", "both"), ("link.duplex", HOSTILE)):
        answer = web.post(LINK_CONFIGURATION, {name: typed})
        assert (answer.status_code, 'class="error"' in row_of(answer.text, name)) == (400, True), (name, typed)
        assert "<script>alert" not in answer.text


def test_a_warning_that_the_network_room_tells_already_is_not_told_twice(web: Web) -> None:
    web.device.settings.set({"link.speed": "100", "link.duplex": "full"}, save=True)
    web.device.network = network(troubles=(FORCED_WARNING,))
    assert web.get(LINK_CONFIGURATION).text.count(FORCED_WARNING) == 1
