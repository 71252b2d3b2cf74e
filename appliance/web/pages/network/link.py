"""Network > Link: what was negotiated, and what may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import make_response, render_template, url_for

from appliance.network.facts import NONE
from appliance.network.kernel.link_modes import HALF_DUPLEX, SPEEDS, is_forced, warning
from appliance.settings import link as declared
from appliance.settings.link import Duplex, Speed
from appliance.web.access import changes, reads
from appliance.web.context import context
from appliance.web.form import SettingsForm
from appliance.web.languages import N_, _, option_text
from appliance.web.notice import redirect_with_notice
from appliance.web.pages.network.section import section
from appliance.web.row import Row

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from werkzeug.wrappers import Response

    from appliance.network.kernel.link_modes import LinkModes
    from appliance.network.snapshot import NetworkSnapshot

FIELDS = (declared.SPEED, declared.DUPLEX)

SAVED = N_("The link settings are saved. The link comes up anew, which takes a few seconds.")


@section.get("/network/link")
@reads
def link_status() -> str:
    """Show what port and driver say."""
    network = context().network()
    return render_template(
        "network/link_status.html",
        link=[*outcome_rows(network), *ability_rows(network.link_modes)],
        is_managed=network.is_managed,
    )


@section.get("/network/link/configuration")
@reads
def link_configuration() -> Response:
    """Show the form."""
    return _page(SettingsForm(FIELDS))


@section.post("/network/link/configuration")
@changes(give_back=lambda sentence: _page(SettingsForm.posted(FIELDS, trouble=sentence)))
def change_link() -> Response:
    """Save the form; the network manager sets the port up anew."""
    form = SettingsForm.posted(FIELDS)
    if not form.save():
        return _page(form)
    return redirect_with_notice(url_for("network.link_configuration"), _(SAVED))


def outcome_rows(network: NetworkSnapshot) -> list[Row]:
    """Say what became of the settings."""
    modes = network.link_modes
    has_link = modes.has_link if modes is not None and modes.has_link is not None else network.has_carrier
    speed = modes.speed if modes is not None else None
    duplex = modes.duplex if modes is not None else None
    driver = modes.configured if modes is not None else None
    wanted = context().device.settings[declared.SPEED], context().device.settings[declared.DUPLEX]
    return [
        Row(_("Interface"), network.interface or NONE),
        Row(_("MAC address"), network.mac or NONE),
        Row(_("State"), _link_word(has_link), live="network.link_state"),
        Row(_("Speed"), _mbit(str(speed)) if speed is not None else _("unknown"), live="network.link_speed"),
        Row(_("Duplex"), _duplex_word(duplex), live="network.link_duplex"),
        Row(
            _("Negotiation"), _switch(modes.negotiates if modes is not None else None), live="network.link_negotiation"
        ),
        Row(_("Configured"), setting_text(*wanted)),
        Row(
            _("The driver has"),
            setting_text(*driver) if driver is not None else _("unknown"),
            live="network.link_driver",
            is_bad=driver is not None and driver != wanted,
        ),
    ]


def ability_rows(modes: LinkModes | None) -> list[Row]:
    """Say what the port could do, and what each end offers to the other."""
    return [
        Row(_("This port can"), modes_text(modes.offers if modes is not None else frozenset())),
        Row(_("This port offers"), modes_text(modes.advertised if modes is not None else frozenset())),
        Row(
            _("The other end offers"),
            modes_text(modes.partner if modes is not None else frozenset()),
            live="network.link_partner",
        ),
    ]


def modes_text(bits: AbstractSet[int]) -> str:
    """List the modes among the bits of ethtool that have a name here: ``10 half, 10 full, 100 half Mbit/s``."""
    known = sorted({(SPEEDS[bit], bit not in HALF_DUPLEX) for bit in bits if bit in SPEEDS})
    if not known:
        return _("unknown")
    words = [
        f"{speed} {option_text(declared.DUPLEX, Duplex.FULL if is_full else Duplex.HALF)}" for speed, is_full in known
    ]
    return _mbit(", ".join(words))


def setting_text(speed: Speed, duplex: Duplex) -> str:
    """Write a setting of the link."""
    shown = option_text(declared.SPEED, speed) if speed is Speed.AUTO else _mbit(speed)
    return f"{shown} / {option_text(declared.DUPLEX, duplex)}"


def _page(form: SettingsForm) -> Response:
    here = context()
    network = here.network()
    speed, duplex = here.device.settings[declared.SPEED], here.device.settings[declared.DUPLEX]
    # The manager tells this as a trouble, which is shown already.
    is_told = not is_forced(speed, duplex) or warning(speed, duplex) in network.troubles
    page = render_template(
        "network/link_configuration.html",
        form=form,
        outcome=outcome_rows(network)[2:],
        warning="" if is_told else _(warning(speed, duplex)),
        is_managed=network.is_managed,
    )
    return make_response(page, form.status)


def _link_word(has_link: bool | None) -> str:
    if has_link is None:
        return _("unknown")
    return _("connected") if has_link else _("no link")


def _duplex_word(duplex: Duplex | None) -> str:
    if duplex is None:
        return _("unknown")
    return _("half duplex") if duplex is Duplex.HALF else _("full duplex")


def _switch(value: bool | None) -> str:
    if value is None:
        return _("unknown")
    return _("On") if value else _("Off")


def _mbit(speed: str) -> str:
    return _("%(speed)s Mbit/s") % {"speed": speed}
