"""Updates that a hawkBit server assigns to this device: they are fetched, installed and reported."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import ActionGone, UpdateBusy, UpdateError, UpdateRefused
from appliance.settings import update
from appliance.update.ddi import DdiServer, Verified
from appliance.update.deployment import artifact_of
from appliance.update.notes import Assignment
from appliance.update.shelf import CUT
from appliance.update.snapshot import Stage

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from appliance.settings import Values
    from appliance.update.deployment import Deployment
    from appliance.update.fetching import Download
    from appliance.update.updater import Updater

log = logging.getLogger(__name__)

FIRST = (1.0, 20.0)
"""Seconds after the start, between which the server is asked first."""
SPREAD = 0.1
"""Part of an interval by which it is made shorter or longer, so that not all devices come at once."""
RETRIES = (60.0, 3600.0)
"""Seconds after an exchange that failed, the first time and at most."""
WAIT = 60.0
"""Seconds between two polls while something has to be waited for, at most."""
TRIES = 5
"""Downloads that may break off before the update is given up."""
NEVER = float("inf")

NOT_ASKED = "The hawkBit server is asked soon."
INCOMPLETE = "For hawkBit an address, a token and a device id are needed; something of it is missing."
NOTHING = "The hawkBit server has assigned nothing new."
FETCHING = "An update that hawkBit assigned is being fetched."
INSTALLING = "An update that hawkBit assigned is being installed."
AWAITS_SERVER = "An update is assigned; hawkBit says when it begins."
AWAITS_WINDOW = "An update is assigned; hawkBit waits for its maintenance window."
AWAITS_TRIAL = "An update is assigned; it waits until the firmware that runs has proven itself."
AWAITS_PERSON = "An update is assigned; it waits until other firmware on the device is installed or discarded."
DOWNLOADED = "Firmware that hawkBit assigned is on the device; it is installed when somebody says so."
REFUSED = "The last update that hawkBit assigned was not installed. {}"
ENDED_HERE = "The download was ended by somebody at the device."
DISCARDED = "The firmware was discarded by somebody at the device."
CUT_OFF = "The installation was cut off by a restart of the device."
UNDER_WAY = (Stage.RECEIVING, Stage.CHECKING, Stage.INSTALLING)


class Hawkbit:
    """Does what the server wants, within the rules of the house. For the thread of one service; `work` blocks."""

    def __init__(
        self,
        updater: Updater,
        *,
        stopping: threading.Event,
        on_begin: Callable[[Download], None],
        on_progress: Callable[[], None],
    ) -> None:
        """Work for `updater` until `stopping`; nobody is asked before `work`. See `Download` for the rest."""
        self._updater = updater
        self._stopping = stopping
        self._on_begin, self._on_progress = on_begin, on_progress
        self._due = updater.clock() + random.uniform(*FIRST)  # noqa: S311 (spreads load, hides nothing)
        self._retry = RETRIES[0]
        self._tries = ("", 0)
        self._seen = ""
        """The action that the server has shown last."""
        self._told_downloaded = ""
        """The action whose firmware is here and waits for a person, as the server knows."""
        updater.change(hawkbit=NOT_ASKED)

    @property
    def due(self) -> float:
        """When `work` has to be called next, on the updater's clock."""
        return self._due

    def work(self) -> None:
        """See what has become of an update, and ask the server when that is due."""
        updater = self._updater
        values = updater.settings.in_force
        who = _identity(values, updater.product.serial_number)
        if not who:
            self._due = NEVER
            updater.change(hawkbit=INCOMPLETE)
            return
        note = updater.notes.assignment()
        if note is not None and note.server == who:
            self._take_stock(note)
        if updater.clock() < self._due:
            return
        try:
            self._talk(values, who)
        except UpdateError as error:
            if not self._stopping.is_set():
                self.put_off(str(error))

    def settings_changed(self) -> None:
        """Ask the server soon: it may be another."""
        self._due = min(self._due, self._updater.clock() + FIRST[0])
        self._retry = RETRIES[0]

    # What became of it.

    def _take_stock(self, note: Assignment) -> None:
        """Follow an installation, over the reboot and the trial."""
        now = self._updater.snapshot()
        if note.state == "closed" or now.stage in UNDER_WAY:
            return
        if now.stage is Stage.INSTALLED:
            if note.state != "installed":
                self._updater.notes.assign(replace(note, state="installed"))
                self._due = self._updater.clock()  # to say so before the reboot
        elif note.state == "installing" and now.stage is Stage.FAILED:
            self._close(note, now.error)
        elif not now.on_trial:
            self._close(note, self._fault(note))

    def _fault(self, note: Assignment) -> str:
        """Say what went wrong before the last start; nothing when the right version runs."""
        now, version = self._updater.snapshot(), self._updater.product.version
        is_of_this = now.last_update.startswith(f"Version {note.version} ")
        if now.last_failed and is_of_this:
            return now.last_update
        if version == note.version and (note.state == "installed" or is_of_this):
            return ""
        return CUT_OFF if note.state == "installing" else f"The device runs {version} again."

    def _close(self, note: Assignment, fault: str) -> None:
        text = fault or f"Version {note.version} runs and has proven itself."
        log.log(logging.WARNING if fault else logging.INFO, "hawkBit's action %s: %s", note.action, text)
        self._updater.notes.assign(replace(note, state="closed", text=text, failed=bool(fault), is_told=False))
        self._due = min(self._due, self._updater.clock())

    # The server.

    def _talk(self, values: Values, who: str) -> None:
        updater = self._updater
        server = DdiServer(
            values[update.HAWKBIT_URL],
            values[update.HAWKBIT_TENANT],
            values[update.HAWKBIT_DEVICE] or updater.product.serial_number,
            values[update.HAWKBIT_TOKEN],
            on_begin=self._on_begin,
            on_progress=self._on_progress,
        )
        note = updater.notes.assignment()
        note = note if note is not None and note.server == who else None
        if note is not None and note.state == "installed" and updater.snapshot().stage is Stage.INSTALLED:
            self._due = NEVER  # once; then it reboots
            self._say(server, note.action, f"Version {note.version} is installed; the device reboots.")
            return
        if note is not None and note.state == "closed" and not note.is_told:
            self._report_end(server, note)
        poll = server.poll()
        self._due = updater.clock() + poll.interval * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 (as above)
        if poll.wants_data:
            server.describe(self._attributes())
        state = self._idle_words(who)
        try:
            if poll.cancellation:
                self._cancel(server, poll.cancellation)
                self._due = min(self._due, updater.clock() + WAIT)
            elif poll.deployment:
                state = self._follow(server, poll.deployment, who)
            elif self._is_here and updater.fetched_for == self._seen != self._told_downloaded:
                updater.discard()  # what the server has thought better of
        except ActionGone as error:
            log.info("hawkBit's action is gone: %s", error)
        self._retry = RETRIES[0]
        updater.change(hawkbit=state)

    def put_off(self, reason: str) -> None:
        """Say why the server could not be served, and try again later."""
        updater = self._updater
        if updater.snapshot().hawkbit != reason:
            log.warning("hawkBit: %s", reason)
        updater.change(hawkbit=reason)
        self._due = updater.clock() + self._retry * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 (as above)
        self._retry = min(2 * self._retry, RETRIES[1])

    def _report_end(self, server: DdiServer, note: Assignment) -> None:
        try:
            server.report(note.action, "closed", "failure" if note.failed else "success", note.text)
        except ActionGone as error:
            log.info("hawkBit does not ask any more how action %s ended: %s", note.action, error)
        self._updater.notes.assign(replace(note, is_told=True))

    def _say(self, server: DdiServer, action: str, text: str) -> None:
        try:
            server.report(action, "proceeding", "none", text)
        except UpdateError as error:
            log.info("hawkBit was not told: %s", error)

    def _cancel(self, server: DdiServer, cancellation: str) -> None:
        updater = self._updater
        action = server.stopped(cancellation)
        note = updater.notes.assignment()
        if note is not None and note.action == action and note.state in {"installing", "installed"}:
            server.answer_cancellation(cancellation, is_done=False, detail="It is being installed already.")
            return
        server.answer_cancellation(cancellation, is_done=True, detail="Nothing of it was installed.")
        log.info("hawkBit has cancelled its action %s", action)
        if updater.fetched_for == action and self._is_here:
            updater.discard()

    def _attributes(self) -> dict[str, str]:
        product = self._updater.product
        running = next((slot.name for slot in self._updater.snapshot().slots if slot.is_running), "")
        return {
            "product": "CMe3000",
            "version": product.version,
            "serial_number": product.serial_number or "unknown",
            "board": product.board or "unknown",
            "slot": running or "unknown",
        }

    # An update.

    def _follow(self, server: DdiServer, action: str, who: str) -> str:
        """Go on with the update that is assigned, as far as that is possible now; say what it waits for."""
        updater = self._updater
        note = updater.notes.assignment()
        if note is not None and (note.server, note.action) == (who, action):
            if note.state == "closed":  # the server has not heard, or not understood
                self._report_end(server, note)
                return self._idle_words(who)
            return INSTALLING if note.state == "installing" else AWAITS_TRIAL
        deployment = server.deployment(action)
        self._seen = action
        now = updater.snapshot()
        is_free = now.stage in {Stage.IDLE, Stage.FAILED} or self._is_here
        if now.on_trial or not is_free:
            self._due = min(self._due, updater.clock() + WAIT)
            return AWAITS_TRIAL if now.on_trial else AWAITS_PERSON
        new = Assignment(action=action, server=who)
        try:
            if updater.fetched_for != action:
                return self._fetch(server, deployment)
            return self._install(server, deployment, new)
        except UpdateBusy:
            self._due = min(self._due, updater.clock() + WAIT)
            return AWAITS_PERSON
        except UpdateRefused as error:
            updater.fetched_for = ""
            self._close(new, str(error))
            return self._idle_words(who)

    @property
    def _is_here(self) -> bool:
        """Whether what is ready to be installed was fetched here, and is nobody's upload."""
        return bool(self._updater.fetched_for) and self._updater.snapshot().stage is Stage.READY

    def _idle_words(self, who: str) -> str:
        note = self._updater.notes.assignment()
        return REFUSED.format(note.text) if note is not None and note.server == who and note.failed else NOTHING

    def _fetch(self, server: DdiServer, deployment: Deployment) -> str:
        updater, action = self._updater, deployment.action
        if not deployment.may_download:
            return AWAITS_SERVER
        artifact = artifact_of(deployment.chunks, base=server.base)
        updater.shelf.check_size(artifact.size)
        server.report(action, "proceeding", "none", "The download begins.")
        updater.change(hawkbit=FETCHING)
        updater.begin_order(artifact.url, artifact.size, action)
        try:
            with server.open(artifact) as download:
                updater.take(Verified(download, artifact), artifact.size)
        except UpdateError as error:
            updater.fetched_for = ""
            if updater.is_cancelled:
                updater.fail("")
                updater.change(stage=Stage.IDLE)
                raise UpdateRefused(ENDED_HERE) from error
            updater.fail(str(error))
            self._count_try(action, error)
            raise
        except BaseException:
            updater.fetched_for = ""
            updater.fail(CUT)
            raise
        finally:
            updater.url, updater.is_cancelled = "", False
        self._due = updater.clock()  # once it is checked
        return FETCHING

    def _count_try(self, action: str, error: UpdateError) -> None:
        """Let a download be tried again, but not for ever."""
        if self._stopping.is_set():
            return
        tries = self._tries[1] + 1 if self._tries[0] == action else 1
        self._tries = (action, tries)
        if tries >= TRIES:
            raise UpdateRefused(str(error)) from error

    def _install(self, server: DdiServer, deployment: Deployment, new: Assignment) -> str:
        updater = self._updater
        now = updater.snapshot()
        bundle = now.bundle
        if now.stage is not Stage.READY or bundle is None:
            raise UpdateRefused(now.error if now.stage is Stage.FAILED else DISCARDED)
        if bundle.is_older and not deployment.is_forced and deployment.may_install:
            updater.discard()
            raise UpdateRefused(
                f"Version {bundle.version} is older than the one that runs, and hawkBit does not force it."
            )
        if not deployment.may_install:
            if not deployment.waits_for_window and self._told_downloaded != new.action:
                server.report(new.action, "downloaded", "success", f"Version {bundle.version} is on the device.")
                self._told_downloaded = new.action
            return AWAITS_WINDOW if deployment.waits_for_window else DOWNLOADED
        server.report(new.action, "proceeding", "none", f"Version {bundle.version} is being installed.")
        updater.notes.assign(replace(new, version=bundle.version, state="installing"))
        try:
            updater.install(version=bundle.version, confirms_downgrade=deployment.is_forced)
        except UpdateError:
            updater.notes.assign(None)
            raise
        updater.fetched_for = ""
        return INSTALLING


def _identity(values: Values, serial_number: str) -> str:
    """Name the server, and the device there; nothing when something is missing."""
    url, token = values[update.HAWKBIT_URL], values[update.HAWKBIT_TOKEN]
    device = values[update.HAWKBIT_DEVICE] or serial_number
    return f"{url}/{values[update.HAWKBIT_TENANT]}/{device}" if url and token and device else ""
