"""System > Firmware: what is shown in each stage, and what is offered in it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from appliance.errors import UpdateError
from appliance.update.snapshot import Stage
from tests.web.firmware_rig import bundle, offer, slot, snapshot, uploaded
from tests.web.rig import HOSTILE, Web, banners, cells, text_of

PAGE = "/system/firmware"
FRENCH = {"Accept-Language": "fr"}


@pytest.fixture(autouse=True)
def _owned(web: Web) -> None:
    web.set_password()
    web.device.updater.be()


def shown(web: Web, **options: Any) -> str:
    answer = web.get(PAGE, **options)
    assert answer.status_code == 200
    return answer.text


def rows(page: str) -> list[list[str]]:
    """Give the table of the slots as text."""
    body = page[page.index('class="stack slots"') :].partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in body.split("</tr>") if row.strip()
    ]


def forms(page: str) -> set[str]:
    """Give what can be done on the page."""
    return {action.removeprefix(f"{PAGE}/") for action in re.findall(rf'action="({PAGE}/[a-z]+)"', page)}


def test_the_tab_stands_behind_the_configuration(web: Web) -> None:
    page = shown(web)
    assert page.index(">Configuration</a>") < page.index(f'<a href="{PAGE}" aria-current="page">Firmware</a>')


def test_what_runs_and_what_is_in_the_other_slot(web: Web) -> None:
    page = shown(web)
    assert list(cells(page))[:2] == [("Version", "0.1.0"), ("Build date", "2026-01-31")]
    moment = "2026-02-03 04:05 UTC"
    assert rows(page) == [["A runs", "1.1.0", "proven", moment], ["B", "nothing", "\u2013", "\u2013"]]


@pytest.mark.parametrize(
    ("changes", "firmware", "state"),
    [
        ({}, "1.1.0", "proven"),
        ({"is_good": False, "tries_left": 0}, "1.1.0", "does not start"),
        ({"is_good": False, "tries_left": 3}, "1.1.0", "not proven yet, 3 tries left"),
        ({"is_good": True, "tries_left": 1}, "1.1.0", "not proven yet, 1 try left"),
        ({"is_good": None}, "1.1.0", "\u2013"),
        ({"version": "", "holds": "an unfinished installation"}, "an unfinished installation", "\u2013"),
        ({"version": "", "holds": "", "is_good": False}, "\u2013", "\u2013"),
    ],
)
def test_the_other_slot(web: Web, changes: dict[str, Any], firmware: str, state: str) -> None:
    web.device.updater.be(slots=(slot("A", **changes), slot("B", is_running=True, version="", installed_at=None)))
    assert rows(shown(web))[0][:3] == ["B runs", "0.1.0", "proven"]
    assert rows(shown(web))[1][:3] == ["A", firmware, state]


def test_the_trial_says_how_long_it_lasts(web: Web) -> None:
    slots = (slot("A", is_running=True, is_good=None, tries_left=2), slot("B"))
    web.device.updater.be(on_trial=True, trial_ends=time.monotonic() + 42.4, slots=slots)
    page = shown(web)
    assert dict(cells(page))["Trial"] in {
        f"on trial; passed in {n} seconds if nothing fails until then" for n in (41, 42)
    }
    assert rows(page)[0][2] == "on trial, 2 tries left"
    web.device.updater.change(trial_ends=None)
    assert dict(cells(shown(web)))["Trial"] == "on trial; waits until all parts of the device are well"
    assert "firmware.trial" in shown(web)


def test_why_the_last_update_failed(web: Web) -> None:
    text = "Version 1.2.0 did not come up (three tries). The device runs 1.1.0 again."
    web.device.updater.be(last_update=text, last_failed=True)
    assert f'<td class="bad">{text}</td>' in shown(web)
    web.device.updater.change(last_failed=False)
    assert f"<td>{text}</td>" in shown(web)


def test_a_bundle_is_shown_before_it_is_installed(web: Web) -> None:
    web.device.updater.be(Stage.READY)
    page = shown(web)
    found = list(cells(page))
    for row in (
        ("Version", "1.2.0"), ("Build date", "2026-03-01"), ("For", "cme3000-rpi"), ("Minimum version", "1.0.0"),
        ("Size", "187.7 MB"), ("Signed by", "CMe3000 release 2026"),
    ):  # fmt: skip
        assert row in found
    assert "Faster readouts.\nFewer surprises." in page
    assert "older than the one" not in page
    assert "confirm_downgrade" not in page
    assert 'name="version" value="1.2.0"' in page
    assert f'formaction="{PAGE}/discard"' in page
    assert not {"upload", "fetch"} & forms(page)


def test_an_older_or_the_same_version_is_warned_of(web: Web) -> None:
    web.device.updater.be(
        Stage.READY, bundle=bundle(is_older=True, build_date=None, signer="", minimum_version="", size=0)
    )
    page = shown(web)
    assert "older than the one that runs" in page
    assert '<input type="checkbox" name="confirm_downgrade" value="yes">' in page
    assert {("Minimum version", "none"), ("Signed by", "\u2013"), ("Size", "\u2013")} <= set(cells(page))
    web.device.updater.be(Stage.READY, bundle=bundle(is_same=True))
    assert "the version that runs already" in shown(web)


@pytest.mark.parametrize(
    ("stage", "told", "there"),
    [
        (Stage.IDLE, "", {"upload", "fetch"}),
        (Stage.FAILED, "The firmware is not signed.", {"upload", "fetch", "discard"}),
        (Stage.RECEIVING, "30.0 MB of 120.0 MB, 25 %", {"discard"}),
        (Stage.CHECKING, "being checked", set()),
        (Stage.READY, "Install this firmware?", {"install", "discard"}),
        (Stage.INSTALLING, "Copying", set()),
        (Stage.INSTALLED, "about to reboot", {"reboot"}),
    ],
)
def test_every_stage_says_what_goes_on_and_offers_what_can_be_done(
    web: Web, stage: Stage, told: str, there: set[str]
) -> None:
    web.device.updater.be(
        stage, received=30_000_000, size=120_000_000, percent=60, message="Copying", error="The firmware is not signed."
    )
    page = shown(web)
    assert told in text_of(page)
    assert forms(page) == there
    assert ('http-equiv="refresh"' in page) is (stage in (Stage.RECEIVING, Stage.CHECKING, Stage.INSTALLING))
    assert ("The firmware is not signed." in page) is (stage in (Stage.FAILED, Stage.INSTALLED))
    bars = {
        Stage.RECEIVING: 'max="100" value="25"',
        Stage.INSTALLING: 'max="100" value="60"',
        Stage.CHECKING: 'max="100" aria',
    }
    assert bars.get(stage, "") in page
    assert ('id="firmware-waiting"' in page) is (stage in (Stage.INSTALLING, Stage.INSTALLED))


def test_progress_that_nobody_can_foretell(web: Web) -> None:
    web.device.updater.be(Stage.RECEIVING, received=1_500_000, size=None)
    page = shown(web)
    assert '<span data-shows="firmware.progress">1.5 MB</span>' in page
    assert '<progress max="100" aria-labelledby' in page


def test_the_script_is_told_what_moves_and_when_to_fetch_the_page_anew(web: Web) -> None:
    keys = "firmware.mark,firmware.percent,firmware.progress,firmware.message,firmware.trial"

    def live() -> dict[str, str]:
        values = web.get(f"/live?keys={keys}").get_json()["values"]
        assert set(values) == set(keys.split(","))
        return {key: value["text"] for key, value in values.items()}

    web.device.updater.be(Stage.INSTALLING, percent=10, message="a")
    before = live()
    web.device.updater.change(percent=20, message="b", received=7)
    after = live()
    assert (after["firmware.percent"], after["firmware.progress"], after["firmware.message"]) == ("20", "20 %", "b")
    assert after["firmware.mark"] == before["firmware.mark"]
    for change in (
        {"stage": Stage.INSTALLED}, {"error": "x"}, {"on_trial": True}, {"last_update": "x"}, {"offer": offer()},
        {"check_error": "x"}, {"slots": ()}, {"bundle": None},
    ):  # fmt: skip
        web.device.updater.be(Stage.INSTALLING, percent=20, message="b")
        web.device.updater.change(**change)
        assert live()["firmware.mark"] != before["firmware.mark"], change


def test_a_device_without_slots_says_so_and_takes_nothing(web: Web) -> None:
    why = "This device has no slots for firmware: it is simulated, or does not run from an image."
    web.device.updater.state = snapshot(is_available=False, why_not=why, slots=())
    page = shown(web)
    assert why in banners(page)
    assert forms(page) == set()
    assert dict(cells(page))["Version"] == "0.1.0"
    web.device.updater.trouble = UpdateError(why)
    answer = uploaded(web)
    assert (answer.status_code, why in banners(answer.text)) == (409, True)
    assert "il est simulé" in shown(web, headers=FRENCH)


def test_new_versions(web: Web) -> None:
    assert "No index of versions is set" in shown(web)
    web.device.settings.set({"update.index_url": "https://h.example/index.json"}, save=True)
    assert ("Index last read", "never") in list(cells(shown(web)))
    web.device.updater.change(offer=offer(), checked_at=1_790_000_000.0, check_error="h.example cannot be reached: x.")
    page = shown(web)
    assert "2026-09-21 14:13 UTC" in page
    assert "h.example cannot be reached: x." in page
    assert 'name="url" value="https://releases.example/cme3000.romz"' in page
    assert "Fetch version 1.3.0" in page
    assert "check" in forms(page)
    web.device.updater.change(offer=offer(is_newer=False))
    page = shown(web)
    assert "not newer" in page
    assert "Fetch version" not in page
    web.device.updater.be(Stage.READY, offer=offer())
    assert "Fetch version" not in shown(web)


@pytest.mark.parametrize("headers", [{}, FRENCH])
def test_hostile_text_is_text(web: Web, headers: dict[str, str]) -> None:
    web.device.settings.set({"update.index_url": "https://h.example/index.json"}, save=True)
    for stage in Stage:
        web.device.updater.be(
            stage,
            bundle=bundle(version=HOSTILE, notes=HOSTILE, signer=HOSTILE, compatible=HOSTILE, minimum_version=HOSTILE),
            slots=(slot("A", is_running=True, version=HOSTILE), slot("B", version="", holds=HOSTILE)),
            offer=offer(version=HOSTILE, url=HOSTILE, notes=HOSTILE),
            **dict.fromkeys(("message", "error", "last_update", "check_error"), HOSTILE),
        )
        answer = web.get(PAGE, headers=headers)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "Set-Cookie" not in answer.headers
    answer = web.post(f"{PAGE}/fetch", {"url": HOSTILE}, headers=headers)
    assert answer.status_code == 303
    assert web.get("/live?keys=firmware.message").get_json()["values"]["firmware.message"]["text"] == HOSTILE
