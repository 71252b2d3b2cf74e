"""Having RAUC install a bundle, and looking at what it has installed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appliance.errors import InstallerGone, UpdateError, UpdateRefused, quoted
from appliance.update.notes import Outcome, Pending, boot_id
from appliance.update.refusals import sentence_for
from appliance.update.rules import check_floor
from appliance.update.slots import slots_of
from appliance.update.snapshot import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.update.rauc import Operation, Rauc
    from appliance.update.updater import Updater

log = logging.getLogger(__name__)

POLL = 0.5
"""Seconds between two questions how far it is."""

LOST = "The connection to RAUC was lost: what became of the installation is not known."


def carry_out(updater: Updater, rauc: Rauc, pause: Callable[[float], bool]) -> str:
    """Have what is ready installed, or follow an installation that has begun; `updater` is told how it goes.

    One that was under way already when the program began has no bundle (`updater.snapshot().bundle` is None).

    :param pause: rests for these seconds; gives False when it is time to stop.
    :returns: the version that starts with the next boot; nothing when it failed, or has not ended.
    """
    bundle = updater.snapshot().bundle
    wanted = bundle.version if bundle is not None else ""
    try:
        if not updater.is_launched:
            rauc.install(updater.source)
            updater.is_launched = True
        while not (operation := _told(updater, rauc)).is_idle:
            if not pause(POLL):
                return ""
        if not operation.last_error:
            return _accept(updater, rauc, wanted)
        log.error("RAUC: %s", operation.last_error)
        _fail(updater, wanted, sentence_for(operation.last_error, is_remote="://" in updater.source))
    except InstallerGone as error:
        if not pause(0):
            return ""
        _fail(updater, wanted, f"{LOST} ({error})" if updater.is_launched else str(error))
    except UpdateError as error:
        _fail(updater, wanted, str(error))
    return ""


def _told(updater: Updater, rauc: Rauc) -> Operation:
    operation = rauc.operation
    updater.change(percent=operation.percent, message=operation.message)
    return operation


def _accept(updater: Updater, rauc: Rauc, wanted: str) -> str:
    """Look at what is in the other slot now, and write down that it should start; refuse it if it must not.

    A bundle at a URL may have become another one since it was looked at; what was under way was never looked at here.
    """
    status = rauc.slots()
    name, other = next(
        ((name, each) for name, each in status.items() if each.get("bootname") and each.get("state") != "booted"),
        ("", {}),
    )
    version = str(other.get("bundle.version", ""))
    try:
        _check_installed(version, wanted, updater)
    except UpdateRefused:
        rauc.mark("active", "booted")
        rauc.mark("bad", "other")
        raise
    if rauc.primary() != name:
        raise UpdateError("The boot loader does not start the new firmware.")
    updater.notes.expect(
        Pending(
            version=version,
            slot=str(other["bootname"]),
            former=updater.product.version,
            boot=boot_id(),
            when=updater.wall(),
            problems=tuple(str(problem) for problem in updater.settings.problems),
        )
    )
    updater.shelf.clear()
    updater.change(
        stage=Stage.INSTALLED, percent=100, message="", slots=slots_of(status, running=updater.product.version)
    )
    log.info("version %s is installed in slot %s", version, other["bootname"])
    return version


def _check_installed(version: str, wanted: str, updater: Updater) -> None:
    if wanted and version != wanted:
        raise UpdateRefused(f"Version {quoted(version)} was installed in place of {wanted}: it is not used.")
    check_floor(version, updater.product)


def _fail(updater: Updater, wanted: str, error: str) -> None:
    what = f"Version {wanted}" if wanted else "An update"
    outcome = Outcome(f"{what} could not be installed. {error}", failed=True)
    log.error("%s", outcome.text)
    updater.notes.settle(outcome)
    updater.change(last_update=outcome.text, last_failed=True)
    updater.fail(error)
