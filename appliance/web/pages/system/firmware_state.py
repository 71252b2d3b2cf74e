"""What the page of the firmware says of slots, bundle and progress, in the visitor's language."""

from __future__ import annotations

import datetime as dt
import time
import zlib
from typing import TYPE_CHECKING, NamedTuple

from appliance.update.snapshot import Stage
from appliance.web.context import context
from appliance.web.languages import N_, _, ngettext
from appliance.web.live import LiveValue, register
from appliance.web.row import Row
from appliance.web.update_words import update_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.update.snapshot import BundleInfo, Slot, UpdateSnapshot

MEGA = 1_000_000
NONE = "\u2013"

TITLES = {
    Stage.RECEIVING: N_("A new firmware is on its way to the device"),
    Stage.CHECKING: N_("The new firmware is being checked"),
    Stage.READY: N_("Install this firmware?"),
    Stage.INSTALLING: N_("The new firmware is being installed"),
    Stage.INSTALLED: N_("The new firmware is in place"),
}
"""What is under way."""


class SlotRow(NamedTuple):
    """A slot, as the table has it."""

    name: str
    is_running: bool
    firmware: str
    state: str
    is_bad: bool
    when: str


def slot_rows(state: UpdateSnapshot) -> list[SlotRow]:
    """Say what is in each slot, that which runs first."""
    slots = sorted(state.slots, key=lambda slot: not slot.is_running)
    return [
        SlotRow(
            slot.name,
            slot.is_running,
            _firmware_of(slot),
            _slot_state(slot, state),
            _is_bad(slot, state),
            _moment(slot.installed_at),
        )
        for slot in slots
    ]


def _firmware_of(slot: Slot) -> str:
    if slot.version:
        return slot.version
    if slot.is_running:  # RAUC does not know what it has not installed itself
        return context().device.product.version
    return update_text(slot.holds) if slot.holds else NONE


def _is_bad(slot: Slot, state: UpdateSnapshot) -> bool:
    """Say whether what is there has been tried in vain; what is on trial is not good either."""
    if slot.is_running:
        return slot.is_good is False and not state.on_trial
    return slot.is_good is False and bool(slot.version) and not slot.tries_left


def _slot_state(slot: Slot, state: UpdateSnapshot) -> str:
    if slot.is_running and state.on_trial:
        text = _("on trial")
    elif slot.is_good is None or not (slot.version or slot.is_running):
        return NONE
    elif slot.tries_left:
        text = _("not proven yet")
    else:
        text = _("proven") if slot.is_good else _("does not start")
    if not slot.tries_left:
        return text
    tries = ngettext("%(num)d try left", "%(num)d tries left", slot.tries_left) % {"num": slot.tries_left}
    return f"{text}, {tries}"


def state_rows(state: UpdateSnapshot) -> list[Row]:
    """Say what runs, and how the last update ended."""
    product = context().device.product
    built = product.build_date.isoformat() if product.build_date is not None else NONE
    rows = [Row(_("Version"), product.version), Row(_("Build date"), built)]
    if state.on_trial:
        rows.append(Row(_("Trial"), trial_text(state), live="firmware.trial"))
    if state.last_update:
        rows.append(Row(_("Last update"), update_text(state.last_update), is_bad=state.last_failed))
    return rows


def trial_text(state: UpdateSnapshot) -> str:
    """Say how long the firmware that runs is still on trial."""
    if not state.on_trial:
        return _("passed")
    if state.trial_ends is None:
        return _("on trial; waits until all parts of the device are well")
    seconds = max(round(state.trial_ends - time.monotonic()), 0)
    text = ngettext(
        "on trial; passed in %(num)d second if nothing fails until then",
        "on trial; passed in %(num)d seconds if nothing fails until then",
        seconds,
    )
    return text % {"num": seconds}


def bundle_rows(bundle: BundleInfo) -> list[Row]:
    """Say what is in a bundle."""
    return [
        Row(_("Version"), bundle.version),
        Row(_("Build date"), bundle.build_date.isoformat() if bundle.build_date is not None else NONE),
        Row(_("For"), bundle.compatible),
        Row(_("Minimum version"), bundle.minimum_version or _("none"), note=_("The oldest to go back to from it.")),
        Row(_("Size"), size_text(bundle.size) if bundle.size else NONE),
        Row(_("Signed by"), bundle.signer or NONE),
    ]


def size_text(size: int) -> str:
    """Write a number of bytes."""
    return _("%(number)s MB") % {"number": f"{size / MEGA:.1f}"}


def percent_of(state: UpdateSnapshot) -> int | None:
    """Give how much of what is under way is done; None where nobody knows."""
    if state.stage is Stage.RECEIVING:
        return min(100 * state.received // state.size, 100) if state.size else None
    return state.percent if state.stage is Stage.INSTALLING else None


def progress_text(state: UpdateSnapshot) -> str:
    """Write how much is done."""
    percent = percent_of(state)
    if state.stage is Stage.RECEIVING:
        if state.size and percent is not None:
            parts = {"received": size_text(state.received), "size": size_text(state.size), "percent": percent}
            return _("%(received)s of %(size)s, %(percent)d %%") % parts
        return size_text(state.received)
    return "" if percent is None else f"{percent} %"


def checked_text(state: UpdateSnapshot) -> str:
    """Write when the index was last read."""
    if state.checked_at is None:
        return _("never")
    return _moment(dt.datetime.fromtimestamp(state.checked_at, dt.UTC))


def mark(state: UpdateSnapshot) -> str:
    """Give a short mark of all that the page says apart from progress; another one is a reason to fetch it anew."""
    told = (
        (state.is_available, state.why_not, state.stage, state.bundle, state.error, state.slots, state.on_trial),
        (state.last_update, state.last_failed, state.offer, state.checked_at, state.check_error, state.hawkbit),
    )
    return f"{zlib.crc32(repr(told).encode('utf-8', 'replace')):08x}"


def live_values() -> Iterator[LiveValue]:
    """Give what moves on the page."""
    state = context().device.updater.snapshot()
    percent = percent_of(state)
    yield LiveValue("firmware.mark", mark(state))
    yield LiveValue("firmware.percent", "" if percent is None else str(percent))
    yield LiveValue("firmware.progress", progress_text(state))
    yield LiveValue("firmware.message", update_text(state.message))
    yield LiveValue("firmware.trial", trial_text(state))


def _moment(when: dt.datetime | None) -> str:
    if when is None:
        return NONE
    return when.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


register("firmware", live_values)
