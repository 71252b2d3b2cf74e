"""Which firmware the device has, and how an update goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.display import safe, table
from appliance.console.report.moment import moment
from appliance.update.snapshot import Stage

if TYPE_CHECKING:
    from appliance.product import Product
    from appliance.update.snapshot import BundleInfo, Slot, UpdateSnapshot

_STAGES = {
    Stage.IDLE: "None",
    Stage.RECEIVING: "A file is being received",
    Stage.CHECKING: "A file is being checked",
    Stage.READY: "Ready to be installed, on the web pages",
    Stage.INSTALLING: "Being installed",
    Stage.INSTALLED: "Installed; the device is about to reboot",
    Stage.FAILED: "Failed",
}


def firmware_lines(product: Product, updates: UpdateSnapshot) -> list[str]:
    """Write what runs, what is in the slots, and how the present and the last update went."""
    rows = [("Firmware", product.version)]
    if not updates.is_available:
        return table([*rows, ("Update", updates.why_not)])
    if updates.on_trial:
        rows.append(("", "on trial: it has not proven itself yet"))
    rows += [(f"Slot {slot.name}", _slot_words(slot)) for slot in updates.slots]
    rows.append(("Update", _stage_words(updates)))
    rows += [("Error", updates.error)] if updates.error else []
    rows += [("In the file", _bundle_words(updates.bundle))] if updates.bundle is not None else []
    rows += [("Last update", updates.last_update)] if updates.last_update else []
    if updates.offer is not None:
        rows.append(("Offered", updates.offer.version + ("" if updates.offer.is_newer else ", which is not newer")))
    rows += [("Index", f"{updates.check_error} ({moment(updates.checked_at)} UTC)")] if updates.check_error else []
    rows += [("hawkBit", updates.hawkbit)] if updates.hawkbit else []
    lines = table(rows)
    if updates.bundle is not None and updates.bundle.notes:
        lines += ["", *(f"  {safe(line)}" for line in updates.bundle.notes.splitlines())]
    return lines


def _slot_words(slot: Slot) -> str:
    words = [slot.version or slot.holds]
    words += ["running"] if slot.is_running else []
    words += ["not proven"] if slot.is_good is False and slot.version else []
    words += [f"{slot.tries_left} tries left"] if slot.tries_left else []
    words += [f"installed {slot.installed_at:%Y-%m-%d %H:%M} UTC"] if slot.installed_at is not None else []
    return ", ".join(words)


def _stage_words(updates: UpdateSnapshot) -> str:
    words = _STAGES[updates.stage]
    if updates.stage is Stage.RECEIVING:
        size = f" of {updates.size}" if updates.size is not None else ""
        return f"{words}: {updates.received}{size} bytes"
    if updates.stage is Stage.INSTALLING and updates.percent is not None:
        return f"{words}: {updates.percent} %" + (f", {updates.message}" if updates.message else "")
    return words


def _bundle_words(bundle: BundleInfo) -> str:
    words = [f"version {bundle.version}"]
    words += [f"of {bundle.build_date}"] if bundle.build_date is not None else []
    words += ["older than what runs"] if bundle.is_older else ["the same as what runs"] if bundle.is_same else []
    words += [f"signed by {bundle.signer}"] if bundle.signer else []
    return ", ".join(words)
