"""What stands around the content of every page: banner, menu, tabs, messages, footer."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from flask import current_app, g, request, url_for

from appliance.settings import find, http
from appliance.settings.difference import Difference, differences
from appliance.settings.password import has_factory_password
from appliance.web import languages
from appliance.web.access import rule_of
from appliance.web.context import context
from appliance.web.form_token import FIELD
from appliance.web.languages import N_, _
from appliance.web.trial import trial_banner
from appliance.web.trouble_words import trouble_text

if TYPE_CHECKING:
    from appliance.product import Product
    from appliance.settings import Settings
    from appliance.web.languages import Language
    from appliance.web.menu import Section

PASSWORD_PAGE = "password.show"  # noqa: S105 (the name of a view)
NO_DETAILS = 10
"""Differences or faults that a banner lists; the pages themselves have all."""


class MenuEntry(NamedTuple):
    """A link of the main menu or of the tabs."""

    label: str
    url: str
    is_current: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class Banner:
    """A message above the content."""

    kind: str
    """`good`, `info`, `warning` or `error`: how it looks."""
    text: str
    details: tuple[str, ...] = ()
    more: int = 0
    """Details that are left out."""
    url: str = ""
    """Where something can be done about it, and its words."""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """All that `base.html` needs."""

    product: Product
    hostname: str
    address: str
    uptime: str
    menu: tuple[MenuEntry, ...]
    tabs: tuple[MenuEntry, ...]
    banners: tuple[Banner, ...]
    languages: tuple[Language, ...]
    language: Language
    user: str
    token_field: str
    token: str
    here: str
    """The path of this page, for the language form to come back to."""
    mark: str
    """See `state_mark`."""


def frame() -> Frame:
    """Give the frame of the page that answers this request; the visitor has been admitted."""
    if "frame" not in g:
        g.frame = _build()
    return cast("Frame", g.frame)


def state_mark() -> str:
    """Give a short mark of what the banners say of the device; another one is a reason to load the page anew."""
    here = context()
    settings = here.device.settings
    told = (
        has_factory_password(settings[http.AUTHENTICATION]),
        here.device.confirmation.until,
        settings.is_saved,
        settings.running,
        here.device.faults,
        here.network().troubles,
    )
    return f"{zlib.crc32(repr(told).encode('utf-8', 'replace')):08x}"


def _build() -> Frame:
    here = context()
    network = here.network().current
    user = request.environ.get("REMOTE_USER") or ""
    section = next((section for section in here.sections if section.name == request.blueprint), None)
    return Frame(
        product=here.device.product,
        hostname=network.hostname.value,
        address=network.address.value,
        uptime=duration(here.device.uptime),
        menu=tuple(_entry(other, other is section) for other in here.sections),
        tabs=_tabs(section) if section is not None else (),
        banners=tuple(_banners()),
        languages=tuple(here.languages.all.values()),
        language=languages.current(),
        user=user,
        token_field=FIELD,
        token=here.tokens.token(user),
        here=_path_to_come_back_to(),
        mark=state_mark(),
    )


def duration(seconds: float) -> str:
    """Write a time as the reference device does: ``0 days 00:01:17``."""
    minutes, second = divmod(int(max(seconds, 0)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return _("%(days)d days %(time)s") % {"days": days, "time": f"{hour:02}:{minute:02}:{second:02}"}


def _entry(section: Section, is_current: bool) -> MenuEntry:
    return MenuEntry(_(section.label), url_for(section.endpoint_of(section.tabs[0])), is_current)


def _tabs(section: Section) -> tuple[MenuEntry, ...]:
    if len(section.tabs) == 1:
        return ()
    urls = {tab: url_for(section.endpoint_of(tab)) for tab in section.tabs}
    # A page below a tab belongs to it; of several above, to the nearest.
    above = [url for url in urls.values() if request.path == url or request.path.startswith(f"{url}/")]
    current = max(above, key=len, default="")
    return tuple(MenuEntry(_(tab.label), url, url == current, _(tab.group)) for tab, url in urls.items())


def _path_to_come_back_to() -> str:
    """Give this page's path if it can be asked for again by a link."""
    if request.routing_exception is not None or request.endpoint is None:
        return "/"
    rule = rule_of(current_app, request.endpoint)
    return request.path if rule is not None and not rule.changes else "/"


def _banners() -> list[Banner]:
    here = context()
    settings = here.device.settings
    found = []
    notice = here.notices.take(request)
    if notice:
        g.notice_was_shown = True
        found.append(Banner("good", notice))
    if has_factory_password(settings[http.AUTHENTICATION]) and request.blueprint != "password":
        text = (
            N_("The factory password is still in use: whoever finds this device can change it. Set a new one first.")
            if here.asks_new_password
            else N_("The factory password is still in use: whoever finds this device can change it.")
        )
        found.append(Banner("warning", _(text), url=url_for(PASSWORD_PAGE), link=_("Set a new password")))
    if trial := trial_banner(duration):
        found.append(Banner(*trial))
    found += _changes_that_wait(settings)
    if faults := here.device.faults:
        found.append(_listing("error", _("Something is wrong with the device:"), faults))
    if troubles := here.network().troubles:
        found.append(_listing("warning", _("The network needs attention:"), tuple(map(trouble_text, troubles))))
    return found


def _changes_that_wait(settings: Settings) -> list[Banner]:
    found = []
    if not settings.is_saved:
        found.append(
            _listing(
                "warning",
                _("There are changes that are not saved; a restart would lose them:"),
                tuple(_line(change) for change in settings.unsaved),
            )
        )
    if waiting := differences(settings.in_force, settings.running):
        found.append(
            _listing("info", _("These changes take effect after a reboot:"), tuple(_line(change) for change in waiting))
        )
    return found


def _line(change: Difference) -> str:
    setting = find(change.name)
    return f"{_(setting.label)}: {_word(setting, change.old)} → {_word(setting, change.new)}"


def _word(setting: Any, text: str) -> str:
    return languages.option_text(setting, text) if text else _("none")


def _listing(kind: str, text: str, details: tuple[str, ...]) -> Banner:
    banner = Banner(kind, text if details else text.rstrip(" :") + ".", details)
    if len(details) > NO_DETAILS:
        banner = replace(banner, details=details[:NO_DETAILS], more=len(details) - NO_DETAILS)
    return banner
