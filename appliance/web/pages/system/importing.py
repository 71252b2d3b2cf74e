"""System > Configuration: taking over a file that was exported, in two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from flask import current_app, make_response, render_template, request, url_for

from appliance.errors import InvalidSettings, SaveFailed, UnknownSetting, UnreadableSettings, quoted
from appliance.settings import find, http
from appliance.settings.document import LARGEST
from appliance.web.access import changes
from appliance.web.context import context
from appliance.web.form import complaint
from appliance.web.languages import N_, _, option_text
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.system.pending import PendingImports
from appliance.web.pages.system.place import own_port, place_after
from appliance.web.pages.system.section import IMPORT, section

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState
    from werkzeug.wrappers import Response

    from appliance.errors import SettingError
    from appliance.settings import Difference, Setting

PENDING = "cme3000.pending_imports"
"""Where an app keeps what waits to be applied."""

NO_FILE = N_("Choose a file first.")
NOT_TEXT = N_("This is no configuration of this device: the file is not text in UTF-8.")
TOO_LARGE = N_("This is no configuration of this device: the file is too large.")
NOTHING_TO_DO = N_("The file says what the device is set to already, so there is nothing to apply.")
CANNOT_BE_TAKEN = N_("Nothing was changed: the file cannot be taken over as it is.")
GONE = N_("The uploaded file is no longer there, so nothing was changed. Upload it again.")
HAS_CHANGED = N_("The settings have been changed in the meantime. Look at the differences again before you apply them.")
APPLIED = N_("The configuration is applied and saved.")

LONGEST = 200
"""Characters of a name or reason that are shown."""
MOST = 50
"""Errors that are listed; a file full of rubbish may have thousands."""
NEW_PASSWORDS = " (new passwords)"
"""How `appliance.settings.difference` marks a change that only the secrets show."""
PLACE_SETTINGS: tuple[Setting[Any], ...] = (http.ENABLED, http.PORT, http.HTTPS_PORT, http.TLS_1_2, http.TLS_1_3)
"""Those that move these pages at once."""


class Problem(NamedTuple):
    """What is wrong with an entry."""

    name: str
    """As the file has it; empty for the file itself."""
    value: str
    """As the file has it; empty where it may be secret."""
    complaint: str


class Change(NamedTuple):
    """A difference in the visitor's language."""

    label: str
    old: str
    new: str
    needs_reboot: bool


def _remember(state: BlueprintSetupState) -> None:
    state.app.extensions[PENDING] = PendingImports()


section.record(_remember)


@section.post(IMPORT)
@changes(give_back=lambda sentence: _refuse(sentence, status=403))
def upload() -> Response:
    """Take a file, and show what it would change; nothing is changed yet."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return _refuse(_(NO_FILE))
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        return _refuse(_(TOO_LARGE))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _refuse(_(NOT_TEXT))
    return _show(text)


@section.post("/system/configuration/apply")
@changes
def apply() -> Response:
    """Carry out what was shown."""
    pending = _pending().take(_user(), request.form.get("import", ""))
    if pending is None:
        return _refuse(_(GONE))
    settings = context().device.settings
    before, port = settings.in_force, own_port()
    try:
        if tuple(settings.compare(pending.text)) != pending.differences:
            return _show(pending.text, _(HAS_CHANGED))
        settings.import_(pending.text)
    except InvalidSettings as error:
        return _refuse(_(CANNOT_BE_TAKEN), error.errors)
    except SaveFailed as error:
        return _refuse(str(error), status=500)
    if any(settings.in_force[setting] != before[setting] for setting in PLACE_SETTINGS):
        # These pages are going away; what is said now must be said in this answer.
        is_served = settings.in_force[http.ENABLED]
        now = before.with_changes({setting: settings.in_force[setting] for setting in PLACE_SETTINGS})
        place = place_after(now, own=port)
        return make_response(render_template("system/moved.html", place=place, is_served=is_served))
    return redirect_with_notice(url_for("system.configuration"), _(APPLIED))


def change_of(difference: Difference) -> Change:
    """Translate a difference, its setting by its label."""
    setting = find(difference.name)
    old, new = difference.old, difference.new
    if new.endswith(NEW_PASSWORDS):
        new = _("%(value)s (new passwords)") % {"value": new.removesuffix(NEW_PASSWORDS)}
    else:
        new = option_text(setting, new) if new else _("none")
    unit = f" {_(setting.unit)}" if setting.unit else ""
    return Change(
        f"{_(setting.label)}{f' ({unit.strip()})' if unit else ''}",
        option_text(setting, old) if old else _("none"),
        new,
        setting.needs_reboot,
    )


def problem_of(error: SettingError) -> Problem:
    """Say by name what is wrong with an entry of the file."""
    if isinstance(error, UnreadableSettings):
        return Problem("", "", _("The file cannot be read (%(reason)s).") % {"reason": error.reason[:LONGEST]})
    name = error.name[:LONGEST]
    if isinstance(error, UnknownSetting):
        if not error.near:
            return Problem(name, "", _("There is no such setting."))
        near = ", ".join(error.near)
        return Problem(name, "", _("There is no such setting. Similar names: %(names)s.") % {"names": near})
    return Problem(name, quoted(error.value) if error.value is not None else "", complaint(error))


def _show(text: str, notice: str = "") -> Response:
    """Show the differences, or that there are none."""
    try:
        differences = tuple(context().device.settings.compare(text))
    except InvalidSettings as error:
        return _refuse(_(CANNOT_BE_TAKEN), error.errors)
    if not differences:
        return redirect_with_notice(url_for("system.configuration"), _(NOTHING_TO_DO))
    page = render_template(
        "system/differences.html",
        changes=[change_of(difference) for difference in differences],
        token=_pending().put(_user(), text, differences),
        notice=notice,
    )
    return make_response(page)


def _refuse(trouble: str, errors: tuple[SettingError, ...] = (), *, status: int = 400) -> Response:
    page = render_template(
        "system/configuration.html",
        trouble=trouble,
        problems=[problem_of(error) for error in errors[:MOST]],
        more=max(len(errors) - MOST, 0),
    )
    return make_response(page, status)


def _pending() -> PendingImports:
    pending: PendingImports = current_app.extensions[PENDING]
    return pending


def _user() -> str:
    return request.environ.get("REMOTE_USER") or ""
