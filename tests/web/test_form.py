"""A form made of declared settings: the right control, typed text kept, errors beside their fields, and saved."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import render_template_string

from appliance.errors import InvalidSettings, SettingError
from appliance.settings import Transition, Values, http, line, link, network, tunnel
from appliance.web.access import changes, reads
from appliance.web.form import SettingsForm
from appliance.web.menu import Section, Tab
from appliance.web.notice import redirect_with_notice
from appliance.web.pages import SECTIONS
from tests.web.rig import HOSTILE, Web

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = (
    network.DHCP,
    network.ADDRESS,
    network.GATEWAY,
    network.HOSTNAME,
    line.BAUD_RATE,
    link.DUPLEX,
    tunnel.KEEP_ALIVE,
    tunnel.PORT,
    http.AUTHENTICATION,
)
PAGE = """{% extends "base.html" %}{% from "forms.html" import settings_form, help_of %}
{% block heading %}Trial{% endblock %}
{% block content %}{{ settings_form(form, "/trial") }}{% endblock %}{% block help %}{{ help_of(form) }}{% endblock %}"""


@pytest.fixture
def trial(tmp_path: Path) -> Web:
    section = Section("trial", __name__, label="Trial", order=5, tabs=(Tab("show", "Trial"),))

    def page(form: SettingsForm) -> Any:
        return render_template_string(PAGE, form=form), form.status

    def show() -> Any:
        return page(SettingsForm(SETTINGS))

    def submit() -> Any:
        form = SettingsForm.posted(SETTINGS)
        return redirect_with_notice("/trial", "Saved.") if form.save() else page(form)

    give_back = changes(give_back=lambda sentence: page(SettingsForm.posted(SETTINGS, trouble=sentence)))
    section.add_url_rule("/trial", "show", reads(show))
    section.add_url_rule("/trial", "submit", give_back(submit), methods=["POST"])
    web = Web(tmp_path, sections=(*SECTIONS, section))
    web.set_password()
    return web


def row(page: str, name: str) -> str:
    """Give the row of a setting."""
    start = page.index(f'name="{name}"')
    return page[page.rindex('class="row', 0, start) : page.index("</small>", start)]


def test_each_type_has_its_control(trial: Web) -> None:
    page = trial.get("/trial").text
    assert re.search(r'type="radio" name="network.dhcp" value="on" checked', page)
    assert re.search(r'type="radio" name="network.dhcp" value="off">', page)
    assert '<option value="2400" selected>2400</option>' in page
    assert '<option value="half">Half</option>' in page
    assert 'name="tunnel.keep_alive" value="45000" inputmode="numeric"' in page
    assert "<span>ms</span>" in row(page, "tunnel.keep_alive")
    assert "1000 to 7200000, or 0 for off" in row(page, "tunnel.keep_alive")
    assert 'type="text" id="network-hostname" name="network.hostname" value="cme3000"' in page
    assert 'type="password" id="http-authentication" name="http.authentication" value=""' in page
    assert "Takes effect after a reboot." in row(page, "network.address")
    for setting in SETTINGS:
        assert f"<dt>{setting.label}</dt><dd>{html.escape(setting.help)}</dd>" in page


def test_what_is_right_is_saved_and_told(trial: Web) -> None:
    answer = trial.post("/trial", {"tunnel.port": "10005", "network.hostname": "pump", "network.dhcp": "on"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/trial")
    assert trial.device.settings.saved[tunnel.PORT] == 10005
    assert trial.device.settings[network.HOSTNAME] == "pump"
    assert '"banner good"' in trial.get("/trial").text


def test_what_is_wrong_comes_back_as_typed_each_with_its_reason_and_nothing_is_changed(trial: Web) -> None:
    typed = {"tunnel.port": "99999", "network.hostname": "-x-", "tunnel.keep_alive": "60000", "line.baud_rate": "9600"}
    answer = trial.post("/trial", typed)
    assert answer.status_code == 400
    page = answer.text
    assert 'role="alert"' in page
    for name, text in typed.items():
        assert f'value="{text}"' in row(page, name)
        assert ("Not possible" in row(page, name)) is (name != "tunnel.keep_alive")
    assert 'aria-describedby="tunnel-port-hint tunnel-port-error" aria-invalid="true"' in page
    assert 'id="tunnel-port-error"' in page
    assert trial.device.settings.is_saved
    assert trial.device.settings[tunnel.PORT] == 10001
    assert trial.device.settings[tunnel.KEEP_ALIVE] == 45_000


def test_a_rule_between_settings_is_told_at_the_field_or_above_the_form(trial: Web) -> None:
    page = trial.post("/trial", {"tunnel.port": "80"}).text
    assert "tunnel.port" in row(page, "tunnel.port")
    assert "need different ports" in row(page, "tunnel.port")


def test_an_error_of_a_setting_that_the_form_has_not_is_told_above_it(trial: Web) -> None:
    def refuse(_: Values, __: Values) -> Transition | None:
        raise InvalidSettings((SettingError("http.port", "80", "another port"),))

    end = trial.device.settings.subscribe(refuse)
    answer = trial.post("/trial", {"tunnel.port": "10007"})
    end()
    assert answer.status_code == 400
    assert "http.port: Not possible. Allowed: another port." in answer.text
    assert 'value="10007"' in row(answer.text, "tunnel.port")


def test_a_secret_is_never_shown_and_an_empty_one_changes_nothing(trial: Web) -> None:
    before = trial.device.settings[http.AUTHENTICATION]
    assert trial.post("/trial", {"http.authentication": "", "tunnel.port": "10006"}).status_code == 303
    assert trial.device.settings[http.AUTHENTICATION] == before
    answer = trial.post("/trial", {"http.authentication": "hush hush"})
    assert answer.status_code == 400
    assert "hush" not in answer.text
    assert before[0].users[0].md5 not in answer.text


def test_a_blank_stands_for_the_default_or_for_none(trial: Web) -> None:
    trial.post("/trial", {"tunnel.port": "10005"})
    trial.post("/trial", {"tunnel.port": " ", "network.gateway": ""})
    assert trial.device.settings[tunnel.PORT] == 10001
    assert trial.device.settings[network.GATEWAY] is None


def test_a_setting_that_waits_for_a_reboot_shows_what_is_in_force(trial: Web) -> None:
    trial.post("/trial", {"network.dhcp": "off", "network.address": "10.0.0.5/8"})
    page = trial.get("/trial").text
    assert re.search(r'name="network.dhcp" value="off" checked', page)
    assert "In force until the reboot: on." in page
    assert 'name="network.address" value="10.0.0.5/8"' in page
    assert "In force until the reboot: none." in row(page, "network.address")


def test_settings_that_the_form_has_not_cannot_be_smuggled_in(trial: Web) -> None:
    assert trial.post("/trial", {"http.enabled": "off", "console.enabled": "off"}).status_code == 303
    assert trial.device.settings[http.ENABLED] is True


def test_a_form_that_was_open_for_too_long_keeps_what_was_typed(trial: Web) -> None:
    token = trial.token()
    trial.now += 13 * 3600
    data = {"form_token": token, "tunnel.port": "10009"}
    answer = trial.client.post("/trial", data=data, environ_overrides=trial.environ())
    assert answer.status_code == 403
    assert "open for so long" in answer.text
    assert 'value="10009"' in row(answer.text, "tunnel.port")
    assert trial.device.settings[tunnel.PORT] == 10001


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_hostile_text_in_any_field_is_refused_and_shown_as_text(trial: Web, setting: Any) -> None:
    answer = trial.post("/trial", {setting.name: HOSTILE})
    assert answer.status_code == 400
    assert "<script>" not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert trial.device.settings.is_saved


def test_in_french(trial: Web) -> None:
    french = {"Accept-Language": "fr"}
    page = trial.post("/trial", {"tunnel.port": "x"}, headers=french).text
    assert "Impossible. Autorisé" in page
    assert "un port TCP, de 1 à 65535" in page
    assert '<option value="half">Semi</option>' in page
    assert "<dt>Nom d&#39;hôte</dt>" in page


def test_what_the_command_line_asked_for_is_not_saved_with_the_rest(web: Web) -> None:
    web.set_password()
    web.device.settings.override({"tunnel.port": "0", "line.two_wire": "/dev/ttyTEST"})
    answer = web.post("/tunnel/accept", {"tunnel.port": "0", "tunnel.keep_alive": "50000"})
    assert answer.status_code == 303, answer.text
    answer = web.post("/serial/configuration", {"line.two_wire": "/dev/ttyTEST", "line.baud_rate": "300"})
    assert answer.status_code == 303, answer.text
    saved = web.device.settings.saved
    assert (saved[tunnel.PORT], saved[tunnel.KEEP_ALIVE], saved[line.BAUD_RATE]) == (10001, 50000, 300)
    assert saved[line.TWO_WIRE] == web.device.settings.defaults[line.TWO_WIRE]
