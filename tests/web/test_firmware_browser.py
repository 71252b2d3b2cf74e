"""Chromium uploads firmware, with a script and without, follows the installation, and finds the device again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import UpdateRefused
from appliance.update.rules import NAME
from appliance.update.snapshot import Stage
from tests.web.firmware_rig import CONTENT, Updates, bundle, slot
from tests.web.test_browser import browser, served
from tests.web.test_system_browser import HOST, Machine, found_nobody

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from tests.web.rig import Web

__all__ = ["browser"]

PAGE = "/system/firmware"
LARGE = 20_000_000
"""More than the system keeps for a receiver that does not read."""
WIDTHS = ((1280, "light", "en"), (390, "dark", "fr"), (320, "light", "fr"))


class SlowUpdates(Updates):
    """Reads nothing before it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_read = threading.Event()

    def receive(self, name: str, stream: BinaryIO, size: int | None) -> None:
        assert self.may_read.wait(30)
        super().receive(name, stream, size)
        self.be(Stage.READY)


@pytest.fixture
def owned(web: Web) -> Web:
    web.set_password()
    web.device.updater.be()
    return web


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(CONTENT)
    return path


def opened(browser: Any, port: int, **options: Any) -> Any:
    page = browser.new_context(locale="en", **options).new_page()
    page.goto(f"http://{HOST}:{port}{PAGE}")
    return page


def choose(page: Any, file: Path) -> None:
    page.get_by_label("File", exact=True).set_input_files(file)


def send(page: Any, file: Path) -> None:
    choose(page, file)
    page.get_by_role("button", name="Upload and check").click()


def test_the_script_sends_the_file_and_leads_to_what_is_in_it(owned: Web, browser: Any, file: Path) -> None:
    with file.open("wb") as large:
        large.truncate(LARGE)
    owned.device.updater = updates = SlowUpdates()
    updates.be()
    with served(owned) as port:
        page = opened(browser, port)
        send(page, file)
        page.get_by_text(" of 20.0 MB, ").wait_for()
        assert 0 < page.locator("#firmware-sending progress").evaluate("bar => bar.value") < 100
        updates.may_read.set()
        page.get_by_role("heading", name="Install this firmware?").wait_for()
        assert updates.done == [("receive", NAME, LARGE)]
        assert len(updates.content) == LARGE
        page.context.close()


def test_an_upload_can_be_cancelled(owned: Web, browser: Any, file: Path) -> None:
    with file.open("wb") as large:
        large.truncate(LARGE)
    owned.device.updater = updates = SlowUpdates()
    updates.be()
    with served(owned) as port:
        page = opened(browser, port)
        send(page, file)
        page.get_by_text(" of 20.0 MB, ").wait_for()
        page.locator("#firmware-sending").get_by_role("button", name="Cancel").click()
        page.get_by_text("The upload was cancelled").wait_for()
        page.get_by_role("button", name="Upload and check").wait_for()
        page.context.close()
        updates.may_read.set()
    assert len(updates.content) < LARGE
    assert updates.state.stage is Stage.IDLE


def test_a_wrong_file_is_not_even_sent(owned: Web, browser: Any, tmp_path: Path) -> None:
    other = tmp_path / "holiday.jpg"
    other.write_bytes(b"x")
    with served(owned) as port:
        page = opened(browser, port)
        send(page, other)
        page.get_by_text("The file is called “holiday.jpg”.").wait_for()
        assert page.get_by_label("File", exact=True).get_attribute("aria-invalid") == "true"
        page.context.close()
    assert owned.device.updater.done == []


def test_a_refusal_is_told_beside_the_file(owned: Web, browser: Any, file: Path) -> None:
    owned.device.updater.trouble = UpdateRefused("There is not enough room on the device for this file.")
    with served(owned) as port:
        page = opened(browser, port)
        send(page, file)
        page.locator("#file-error").get_by_text("There is not enough room").wait_for()
        owned.device.updater.trouble = None
        page.get_by_role("button", name="Upload and check").click()
        page.get_by_text("There is not enough room").wait_for(state="hidden")
        page.context.close()


def test_all_of_it_without_a_script(owned: Web, browser: Any, file: Path) -> None:
    updates = owned.device.updater
    with served(owned) as port:
        page = opened(browser, port, java_script_enabled=False)
        send(page, file)
        page.get_by_text("The file is on the device and is checked now.").wait_for()
        assert updates.content == CONTENT
        updates.be(Stage.READY, bundle=bundle(is_older=True, version="1.0.0"))
        page.reload()
        page.get_by_label("Install the older version all the same").check()
        with page.expect_navigation():
            page.get_by_role("button", name="Install and reboot").click()
        assert updates.done[1:] == [("install", "1.0.0", True)]
        with page.expect_navigation():
            page.get_by_role("button", name="Discard").click()
        assert updates.done[2:] == [("discard",)]
        updates.be(Stage.INSTALLED)
        page.reload()
        page.get_by_role("button", name="Reboot into the new version now").click()
        page.locator("#place").wait_for()
        assert len(owned.device.reboots) == 1
        page.context.close()


def test_a_second_visitor_sees_what_goes_on_and_how_it_ends(owned: Web, browser: Any) -> None:
    """From an upload by somebody else through the reboot to the trial, without a click."""
    updates = owned.device.updater
    machine = Machine(owned)
    try:
        page = opened(browser, machine.port)
        updates.be(Stage.RECEIVING, received=50_000_000, size=200_000_000)
        page.locator("#firmware").get_by_text("50.0 MB of 200.0 MB, 25 %").wait_for()
        updates.be(Stage.READY)
        page.get_by_role("heading", name="Install this firmware?").wait_for()
        updates.be(Stage.INSTALLING, percent=30, message="Copying")
        page.locator("#firmware").get_by_text("30 %").wait_for()
        updates.change(percent=70)
        page.locator("#firmware").get_by_text("70 %").wait_for()
        assert page.locator("#firmware progress").evaluate("bar => bar.value") == 70
        machine.off()
        page.locator("#reboot").wait_for(timeout=30_000)
        assert page.get_by_role("heading", name="The device starts its new firmware").is_visible()
        new = slot("B", is_running=True, version="1.2.0", is_good=None, tries_left=2)
        updates.be(on_trial=True, slots=(slot("A"), new), last_update="Version 1.2.0 runs on trial.")
        machine.on()
        page.get_by_text("Version 1.2.0 runs on trial.").wait_for()
        page.context.close()
    finally:
        machine.off()


def test_the_reboot_button_waits_and_comes_back(owned: Web, browser: Any) -> None:
    owned.device.updater.be(Stage.INSTALLED)
    machine = Machine(owned)
    try:
        page = opened(browser, machine.port)
        page.get_by_role("button", name="Reboot into the new version now").click()
        page.get_by_text("Back in ").wait_for()
        machine.off()
        for _ in range(2):
            page.wait_for_event("requestfailed", found_nobody, timeout=40_000)
        owned.device.updater.be()
        machine.on()
        page.get_by_role("heading", name="Firmware", exact=True).wait_for()
        assert page.url == f"http://{HOST}:{machine.port}{PAGE}"
        assert len(owned.device.reboots) == 1
        page.context.close()
    finally:
        machine.off()


def test_a_small_screen_shows_the_tab_of_the_page(owned: Web, browser: Any) -> None:
    with served(owned) as port:
        context = browser.new_context(viewport={"width": 320, "height": 700}, locale="fr")
        page = context.new_page()
        page.goto(f"http://{HOST}:{port}{PAGE}")
        place = page.locator(".tabs [aria-current]").bounding_box()
        assert 0 <= place["x"] <= place["x"] + place["width"] <= 320
        assert page.evaluate("scrollY") == 0
        context.close()


def test_every_stage_fits_and_complains_of_nothing(owned: Web, browser: Any) -> None:
    owned.device.settings.set({"update.index_url": "https://h.example/index.json"}, save=True)
    with served(owned) as port:
        for width, scheme, locale in WIDTHS:
            context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme, locale=locale)
            page = context.new_page()
            complaints: list[str] = []
            page.on("console", lambda message, complaints=complaints: complaints.append(message.text))
            page.on("pageerror", lambda error, complaints=complaints: complaints.append(str(error)))
            for stage in Stage:
                long = "x" * 300
                owned.device.updater.be(
                    stage, bundle=bundle(notes=long, version=long, is_older=True), message=long, error=long
                )
                assert page.goto(f"http://{HOST}:{port}{PAGE}").status == 200
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (stage, width)
            page.goto(f"http://{HOST}:{port}{PAGE}/settings")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width
            assert complaints == []
            context.close()
