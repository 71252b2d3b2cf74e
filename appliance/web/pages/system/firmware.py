"""System > Firmware: what runs, and how another one gets onto the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, request, url_for

from appliance.errors import RebootError, UpdateBusy, UpdateError, UpdateRefused
from appliance.settings import update as declared
from appliance.supervision.restart import Kind
from appliance.update.rules import NAME
from appliance.update.shelf import LARGEST
from appliance.update.snapshot import Stage
from appliance.web import bundle_upload
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.system import firmware_state as words
from appliance.web.pages.system.place import place_after
from appliance.web.pages.system.reboot import who
from appliance.web.pages.system.section import UPLOAD, section
from appliance.web.update_words import update_text

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

BACK_IN = 60
"""Seconds after which a device with new firmware answers again, in most cases."""
UNDER_WAY = frozenset({Stage.RECEIVING, Stage.CHECKING, Stage.INSTALLING})
GOES_DOWN = frozenset({Stage.INSTALLING, Stage.INSTALLED})
"""Stages after which the device reboots."""

NO_FILE = N_("Choose a file first.")
NO_ADDRESS = N_("Type the address of a file first.")
RECEIVED = N_("The file is on the device and is checked now.")
FETCHES = N_("The device fetches the file.")
INSTALLS = N_("The installation has begun.")
DISCARDED = N_("The file is removed from the device; nothing has changed.")
LOOKS = N_("The device reads the index.")
REBOOTS = N_("The device starts its new firmware")
NOT_INSTALLED = N_("No new firmware is in place yet, so there is nothing to start.")


@section.get("/system/firmware")
@reads
def firmware() -> Response:
    """Show the state, and what can be done in it."""
    return _page()


@section.post(UPLOAD)
@changes(give_back=lambda sentence: _page(trouble=sentence), fields=bundle_upload.fields)
def upload_firmware() -> Response:
    """Take a bundle. A script sends it as it is, and wants no page in answer."""
    found = bundle_upload.bundle()
    if found is None:
        return _page(_(NO_FILE), status=400)
    try:
        context().device.updater.receive(found.name, found.stream, found.size)
    except UpdateError as error:
        return _refusal(error)
    if request.mimetype == bundle_upload.RAW:
        return make_response("", 204)
    return _done(RECEIVED)


@section.post("/system/firmware/fetch")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def fetch_firmware() -> Response:
    """Have a bundle fetched."""
    url = request.form.get("url", "").strip()
    if not url:
        return _page(_(NO_ADDRESS), status=400)
    try:
        context().device.updater.fetch(url)
    except UpdateError as error:
        return _refusal(error)
    return _done(FETCHES)


@section.post("/system/firmware/install")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def install_firmware() -> Response:
    """Install the bundle that was shown."""
    confirms = request.form.get("confirm_downgrade") == "yes"
    try:
        context().device.updater.install(version=request.form.get("version", ""), confirms_downgrade=confirms)
    except UpdateError as error:
        return _refusal(error)
    return _done(INSTALLS)


@section.post("/system/firmware/discard")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def discard_firmware() -> Response:
    """Remove what was uploaded, or end a download."""
    try:
        context().device.updater.discard()
    except UpdateError as error:
        return _refusal(error)
    return _done(DISCARDED)


@section.post("/system/firmware/check")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def check_for_firmware() -> Response:
    """Have the index read now."""
    try:
        context().device.updater.look_for_offer()
    except UpdateError as error:
        return _refusal(error)
    return _done(LOOKS)


@section.post("/system/firmware/reboot")
@changes(give_back=lambda sentence: _page(trouble=sentence))
def start_firmware() -> Response:
    """Reboot into what was installed, and show how that goes."""
    device = context().device
    state = device.updater.snapshot()
    if state.stage is not Stage.INSTALLED:
        return _page(_(NOT_INSTALLED), status=409)
    # Made before, for afterwards there may not be the time.
    page = render_template(
        "system/progress.html",
        title=_(REBOOTS),
        place=place_after(device.settings.after_reboot),
        seconds=BACK_IN,
        is_reset=False,
        warning="",
        back_to=url_for("system.firmware"),
    )
    try:
        device.reboot(Kind.UPDATE, f"asked for by {who()} on the web pages, to start new firmware")
    except RebootError as error:
        return _page(str(error), status=500)
    return make_response(page)


def status_of(error: UpdateError) -> int:
    """Give the HTTP status of a refusal: the request's fault, a matter of time, or the device's."""
    if isinstance(error, UpdateRefused):
        return 422
    if isinstance(error, UpdateBusy) or not context().device.updater.snapshot().is_available:
        return 409
    return 500


def _refusal(error: UpdateError) -> Response:
    return _page(update_text(str(error)), status=status_of(error))


def _done(sentence: str) -> Response:
    return redirect_with_notice(url_for("system.firmware"), _(sentence))


def _page(trouble: str = "", *, status: int = 200) -> Response:
    device = context().device
    state = device.updater.snapshot()
    settings = device.settings.in_force
    can_receive = state.is_available and state.stage in (Stage.IDLE, Stage.FAILED)
    page = render_template(
        "system/firmware.html",
        trouble=trouble,
        state=state,
        stage=state.stage.value,
        title=_(words.TITLES.get(state.stage, "")),
        why_not=update_text(state.why_not),
        error=update_text(state.error),
        rows=words.state_rows(state),
        slots=words.slot_rows(state),
        bundle_rows=words.bundle_rows(state.bundle) if state.bundle is not None else (),
        percent=words.percent_of(state),
        live={value.key: value.text for value in words.live_values()},
        is_under_way=state.stage in UNDER_WAY,
        goes_down=state.stage in GOES_DOWN,
        can_receive=can_receive,
        bundle_name=NAME,
        most=LARGEST,
        most_text=str(LARGEST // 1024**2),
        url=request.form.get("url", "") if request.path != UPLOAD else "",
        index=settings[declared.INDEX_URL],
        checked=words.checked_text(state),
        check_error=update_text(state.check_error),
        has_hawkbit=settings[declared.HAWKBIT_ENABLED],
        hawkbit=update_text(state.hawkbit),
        place=place_after(device.settings.after_reboot),
        seconds=BACK_IN,
        reboots=_(REBOOTS),
    )
    return make_response(page, status)
