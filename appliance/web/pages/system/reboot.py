"""System > Reboot and defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, make_response, render_template, request

from appliance.errors import RebootError, SaveFailed
from appliance.settings import DECLARATIONS, FactoryVariant
from appliance.supervision.restart import Kind
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.pages.network.next_address import next_address
from appliance.web.pages.system.place import place_after
from appliance.web.pages.system.section import section

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from appliance.settings import Values
    from appliance.web.pages.system.place import Place

BACK_IN = 12
"""Seconds after which the device answers again, in most cases."""

REBOOTS = N_("The device reboots")
RESETS = N_("The device goes back to factory defaults")
ONLY_REBOOT_FAILED = N_("The factory defaults are written, but the reboot failed: switch the power off and on.")


@section.get("/system/reboot")
@reads
def overview() -> str:
    """Offer what can be done."""
    return render_template("system/overview.html", variants=FactoryVariant)


@section.get("/system/reboot/confirmation")
@reads
def ask_reboot() -> Response:
    """Say what a reboot means now, and ask."""
    return _reboot_question()


@section.post("/system/reboot/confirmation")
@changes(give_back=lambda sentence: _reboot_question(sentence, status=403))
def do_reboot() -> Response:
    """Reboot, and show how that goes."""
    device = context().device
    # Made before, for afterwards there may not be the time.
    page = _progress(_(REBOOTS), place_after(device.settings.after_reboot), warning=_warning())
    try:
        device.reboot(Kind.REBOOT, f"asked for by {who()} on the web pages")
    except RebootError as error:
        return _reboot_question(str(error), status=500)
    return page


@section.get("/system/defaults/<variant>")
@reads
def ask_defaults(variant: str) -> Response:
    """Say what the factory defaults would take away, and ask."""
    return _defaults_question(_variant(variant))


@section.post("/system/defaults/<variant>")
@changes(give_back=lambda sentence: _defaults_question(_variant(_of_path()), sentence, status=403))
def do_defaults(variant: str) -> Response:
    """Restore the factory defaults and reboot."""
    chosen = _variant(variant)
    page = _progress(_(RESETS), place_after(defaults_of(chosen), keeps_certificate=False), is_reset=True)
    try:
        context().device.restore_factory_defaults(
            chosen,
            kind=Kind.FACTORY_RESET,
            why=f"factory defaults ({chosen.value}) asked for by {who()} on the web pages",
        )
    except RebootError as error:
        return _defaults_question(chosen, f"{_(ONLY_REBOOT_FAILED)} {error}", status=500)
    except SaveFailed as error:
        return _defaults_question(chosen, str(error), status=500)
    return page


def defaults_of(variant: FactoryVariant) -> Values:
    """Give the settings that this device would have after a reset."""
    defaults = context().device.settings.defaults
    if variant is FactoryVariant.DHCP:
        return defaults
    return defaults.with_changes({setting: setting.static for setting in DECLARATIONS if setting.static is not None})


def who() -> str:
    """Name the visitor, for journal and log."""
    return request.environ.get("REMOTE_USER") or "somebody"


def _warning() -> str:
    """Say what happens to new network settings that nobody confirms; empty for nothing."""
    found = next_address()
    return found.warning if found is not None else ""


def _variant(text: str) -> FactoryVariant:
    try:
        return FactoryVariant(text)
    except ValueError:
        abort(404)


def _of_path() -> str:
    return str((request.view_args or {}).get("variant", ""))


def _reboot_question(trouble: str = "", *, status: int = 200) -> Response:
    device = context().device
    page = render_template(
        "system/ask_reboot.html",
        trouble=trouble,
        seconds=BACK_IN,
        clients=device.tunnel.snapshot().clients,
        place=place_after(device.settings.after_reboot),
        warning=_warning(),
    )
    return make_response(page, status)


def _defaults_question(variant: FactoryVariant, trouble: str = "", *, status: int = 200) -> Response:
    page = render_template(
        "system/ask_defaults.html",
        trouble=trouble,
        variant=variant.value,
        is_static=variant is FactoryVariant.STATIC,
        is_managed=context().network().is_managed,
        clients=context().device.tunnel.snapshot().clients,
        has_certificate=context().device.certificate.exists,
        place=place_after(defaults_of(variant), keeps_certificate=False),
    )
    return make_response(page, status)


def _progress(title: str, place: Place, *, is_reset: bool = False, warning: str = "") -> Response:
    page = render_template(
        "system/progress.html", title=title, place=place, seconds=BACK_IN, is_reset=is_reset, warning=warning
    )
    return make_response(page)
