"""What became of the last update: whether the new firmware runs, on trial or proven, or the former one again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue, RebootError, UpdateError
from appliance.settings import update
from appliance.update.notes import Outcome, Pending, boot_id
from appliance.update.slots import slots_of
from appliance.update.snapshot import Stage
from appliance.update.trial import LIMIT, PERIOD, Trial, Verdict
from appliance.update.version import key_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from appliance.update.rauc import Rauc
    from appliance.update.snapshot import Slot
    from appliance.update.updater import Updater

log = logging.getLogger(__name__)

AGAIN = 60.0
"""Seconds until the boot loader is told again, when that failed."""


class Proving:
    """Follows the firmware that runs until it has proven itself. For the thread of one service."""

    def __init__(self, updater: Updater) -> None:
        """Tell `updater`; nothing is known before `begin`."""
        self._updater = updater
        self._pending: Pending | None = None
        self._trial: Trial | None = None
        self._due = float("inf")

    @property
    def due(self) -> float:
        """When `look` should be called next, on the updater's clock; infinity when nothing is on trial."""
        return self._due

    def begin(self, rauc: Rauc) -> bool:
        """Find out what runs, and how the last update ended; say whether a reboot is still to be made.

        :raises UpdateError: when RAUC does not tell.
        """
        updater = self._updater
        slots = slots_of(rauc.slots(), running=updater.product.version)
        pending, outcome = updater.notes.pending(), updater.notes.outcome()
        running = next((slot for slot in slots if slot.is_running), None)
        if running is None:
            raise UpdateError("RAUC does not know which slot runs.")
        if pending is not None and pending.boot == boot_id():  # the program was started again before the reboot
            updater.change(slots=slots, stage=Stage.INSTALLED)
            return True
        if pending is not None and pending.slot != running.name:
            outcome = self._fell_back(pending, slots)
            pending = None
        on_trial = running.is_good is False
        if pending is not None and not on_trial:
            outcome = self._proven(pending)
            pending = None
        self._pending = pending
        updater.change(slots=slots, on_trial=on_trial, last_update=outcome.text, last_failed=outcome.failed)
        self._trial = Trial(self._ailments, began_at=updater.began_at) if on_trial else None
        self._due = updater.clock() if on_trial else float("inf")
        return False

    def look(self, connect: Callable[[], AbstractContextManager[Rauc]]) -> None:
        """Look at the device, and decide. Call it when it is `due`.

        :param connect: connects to RAUC.
        """
        updater, trial = self._updater, self._trial
        if trial is None:
            return
        now, period = updater.clock(), float(updater.settings[update.TRIAL])
        verdict = trial.look(now, period)
        self._due = now + PERIOD
        updater.change(trial_ends=trial.ends(period))
        if verdict is Verdict.GOOD:
            self._keep(connect)
        elif verdict is Verdict.HOPELESS:
            self._give_up(trial)

    def _keep(self, connect: Callable[[], AbstractContextManager[Rauc]]) -> None:
        updater = self._updater
        try:
            with connect() as rauc:
                rauc.mark("good", "booted")
                slots = slots_of(rauc.slots(), running=updater.product.version)
        except UpdateError as error:
            log.error("the firmware has proven itself, but %s", error)  # noqa: TRY400 (the reason says all)
            self._due = updater.clock() + AGAIN
            return
        log.info("the firmware has proven itself")
        self._trial, self._due = None, float("inf")
        outcome = Outcome(updater.snapshot().last_update, updater.snapshot().last_failed)
        if self._pending is not None:
            outcome = self._proven(self._pending)
            self._pending = None
        updater.change(
            slots=slots, on_trial=False, trial_ends=None, last_update=outcome.text, last_failed=outcome.failed
        )

    def _give_up(self, trial: Trial) -> None:
        updater = self._updater
        if not any(slot.is_good for slot in updater.snapshot().slots if not slot.is_running):
            # Nothing to go back to: what works had better go on working.
            self._due = updater.clock() + AGAIN
            return
        why = f"the new firmware is not well after {LIMIT / 60:g} minutes: {trial.complaint}"
        log.critical("%s", why)
        self._due = updater.clock() + AGAIN
        try:
            updater.reboot(why)
        except RebootError as error:
            log.error("%s", error)  # noqa: TRY400 (the reason says all)

    def _fell_back(self, pending: Pending, slots: tuple[Slot, ...]) -> Outcome:
        tried = any(slot.name == pending.slot and slot.tries_left == 0 for slot in slots)
        text = f"Version {pending.version} did not come up{' (three tries)' if tried else ''}. "
        outcome = Outcome(text + f"The device runs {self._updater.product.version} again.", failed=True)
        log.error("%s", outcome.text)
        self._updater.notes.settle(outcome)
        return outcome

    def _proven(self, pending: Pending) -> Outcome:
        outcome = Outcome(f"Version {self._updater.product.version} was installed in place of {pending.former}.")
        self._updater.notes.settle(outcome)
        return outcome

    def _ailments(self) -> tuple[str, ...]:
        return (*self._updater.ailments(), *self._new_problems())

    def _new_problems(self) -> tuple[str, ...]:
        """Say what this firmware could not make of the settings, and the former could.

        An older one that somebody has chosen need not know all settings of the newer.
        """
        pending = self._pending
        if pending is None or _is_older(self._updater.product.version, pending.former):
            return ()
        return tuple(
            text
            for problem in self._updater.settings.problems
            if (text := str(problem)) not in pending.problems and not problem.reason.startswith("the original is kept")
        )


def _is_older(version: str, former: str) -> bool:
    try:
        return key_of(version) < key_of(former)
    except InvalidValue:
        return False
