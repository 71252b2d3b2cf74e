"""What the console shows of firmware and updates."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from appliance.console.report.firmware import firmware_lines
from appliance.product import Product
from appliance.update.snapshot import BundleInfo, Offer, Slot, Stage, UpdateSnapshot

if TYPE_CHECKING:
    from tests.console.rig import Rig

PRODUCT = Product(version="1.1.0")
SLOTS = (
    Slot("A", True, True, "1.1.0", None, None, ""),
    Slot("B", False, False, "1.2.0", dt.datetime(2026, 11, 20, 18, 36, tzinfo=dt.UTC), 3, ""),
)
BUNDLE = BundleInfo(
    "1.0.0", dt.date(2026, 1, 31), "cme3000-rpi", "", "Slower.\nevil \x1b[2J", 7, "Release", True, False
)


def test_a_device_without_slots_says_why(rig: Rig) -> None:
    assert "no slots for firmware" in rig.enabled().run("show firmware")


def test_slots_and_an_update() -> None:
    updates = UpdateSnapshot(
        is_available=True,
        stage=Stage.READY,
        bundle=BUNDLE,
        slots=SLOTS,
        on_trial=True,
        last_update="Version 1.2.0 did not come up.",
        offer=Offer("1.3.0", "http://a/cme3000.romz", "", None, is_newer=True),
        check_error="a.example does not answer",
        checked_at=1_790_000_000.0,
        hawkbit="The hawkBit server has assigned nothing new.",
    )
    assert firmware_lines(PRODUCT, updates) == [
        "Firmware     1.1.0",
        "             on trial: it has not proven itself yet",
        "Slot A       1.1.0, running",
        "Slot B       1.2.0, not proven, 3 tries left, installed 2026-11-20 18:36 UTC",
        "Update       Ready to be installed, on the web pages",
        "In the file  version 1.0.0, of 2026-01-31, older than what runs, signed by Release",
        "Last update  Version 1.2.0 did not come up.",
        "Offered      1.3.0",
        "Index        a.example does not answer (2026-09-21 14:13:20 UTC)",
        "hawkBit      The hawkBit server has assigned nothing new.",
        "",
        "  Slower.",
        "  evil \\x1b[2J",
    ]


def test_how_far_it_is() -> None:
    def update(**changes: object) -> str:
        snapshot = UpdateSnapshot(is_available=True, **changes)  # type: ignore[arg-type] # any field
        return firmware_lines(PRODUCT, snapshot)[1].partition("  ")[2].strip()

    assert update() == "None"
    assert update(stage=Stage.RECEIVING, received=5, size=10) == "A file is being received: 5 of 10 bytes"
    assert update(stage=Stage.RECEIVING, received=5) == "A file is being received: 5 bytes"
    assert update(stage=Stage.INSTALLING, percent=40, message="Copying") == "Being installed: 40 %, Copying"
