"""What Prometheus is told of the firmware: slots, trial, and how the last update ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.update.snapshot import Stage
from appliance.web.measure import gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.update.snapshot import UpdateSnapshot
    from appliance.web.measure import Measure


def firmware_measures(state: UpdateSnapshot) -> Iterator[Measure]:
    """Look at the updates. A device that cannot be updated says nothing."""
    if not state.is_available:
        return
    running = gauge("firmware_slot_running", "Whether the device runs from a slot.", "slot")
    good = gauge("firmware_slot_good", "Whether the boot loader takes what is in a slot for sound.", "slot")
    contents = gauge("firmware_slot_info", "What is in a slot; always 1.", "slot", "version")
    for slot in state.slots:
        running.add(slot.is_running, slot.name)
        good.add(slot.is_good, slot.name)
        if slot.version:
            contents.add(1, slot.name, slot.version)
    yield from (running, good, contents)
    yield gauge("firmware_on_trial", "Whether the firmware that runs has not proven itself yet.").add(state.on_trial)
    yield gauge("firmware_last_update_failed", "Whether the last update failed.").add(state.last_failed)
    yield gauge("firmware_installing", "Whether new firmware is being installed.").add(state.stage is Stage.INSTALLING)
    if state.offer is not None:
        newer = gauge("firmware_newer_offered", "Whether the index offers a newer version than what runs.")
        yield newer.add(state.offer.is_newer)
