"""Every declared setting is reached by its words, and `show configuration` brings all of them back."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, strategies
from hypothesis import settings as hypothesis_settings

from appliance.console.baseline import Baselines
from appliance.console.history import History
from appliance.console.line_editor import LONGEST
from appliance.console.report.configuration import configuration_lines
from appliance.console.setting_words import is_one_command, level_of, nothing_of, words_of
from appliance.console.shell import Shell
from appliance.errors import InvalidSettings, InvalidValue
from appliance.settings import DECLARATIONS, FactoryVariant, Settings, User, http, mqtt, update
from appliance.settings.directive import LONGEST_NAME, LONGEST_REALM
from appliance.settings.directive import DirectiveType as Type
from appliance.settings.types import Directives
from tests.console.rig import PASSWORD, Rig, StandIn
from tests.settings.custom import CUSTOM
from tests.settings.test_texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.settings import Setting, Values


class Script:
    """Whoever types, when there is no socket."""

    is_terminal = False
    columns = 80
    peer = "192.0.2.1"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def page(self, lines: Iterable[str]) -> None:
        self.text += "".join(f"{line}\n" for line in lines)

    def ask(self, prompt: str, *, is_hidden: bool = False) -> str | None:
        raise AssertionError(prompt, is_hidden)


class Typist:
    """Types commands into a shell of a device of its own."""

    def __init__(self, folder: Path, *, asks_new_password: bool = False) -> None:
        self.device = StandIn(folder)
        self.settings = self.device.settings
        self.script = Script()
        self.shell = Shell(
            self.device,
            self.script,
            user="admin",
            history=History(),
            baselines=Baselines(),
            asks_new_password=asks_new_password,
        )

    def type(self, *lines: str) -> str:
        self.script.text = ""
        for line in lines:
            assert len(line) <= LONGEST
            self.shell.carry_out(line)
        return self.script.text

    def go_to(self, setting: Setting[Any]) -> None:
        self.type("enable", "end")
        self.shell.step_down()
        assert self.type("enable", "configure", *level_of(setting)) == ""

    def configuration(self) -> list[str]:
        return configuration_lines(self.settings, title="x")


SECRETS = {mqtt.PASSWORD.name, update.HAWKBIT_TOKEN.name}


def is_same(values: Values, others: Values) -> bool:
    """Say whether settings agree but for what is told to nobody, whatever it is."""
    return {setting.name for setting in values.changes_from(others)} <= SECRETS


@pytest.fixture
def typist(tmp_path: Path) -> Typist:
    return Typist(tmp_path)


def test_every_setting_has_words_of_its_own() -> None:
    ways = [(*level_of(setting), words_of(setting)) for setting in DECLARATIONS]
    assert len(set(ways)) == len(DECLARATIONS)
    for first, second in itertools.permutations(ways, 2):
        # One may begin like another (`dhcp client`, `dhcp client id`), but no value may then be the other's next word.
        if first[:-1] == second[:-1] and second[-1].startswith(f"{first[-1]} "):
            next_word = second[-1].removeprefix(f"{first[-1]} ").split()[0]
            with pytest.raises(InvalidValue):
                next(s for s in DECLARATIONS if (*level_of(s), words_of(s)) == first).type.parse(next_word)


def test_every_setting_is_set_emptied_and_reset(tmp_path: Path) -> None:
    for setting in DECLARATIONS:
        if is_one_command(setting):
            _walk(Typist(tmp_path / setting.name), setting)


def _walk(typist: Typist, setting: Setting[Any]) -> None:
    settings, words = typist.settings, words_of(setting)
    if setting.name == "network.gateway":
        settings.set({"network.address": "10.1.2.3/24"}, save=False)
    typist.go_to(setting)
    assert words in typist.type("show")
    value = CUSTOM[setting.name]
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    before = settings.running
    assert "%" not in typist.type(f'{words} "{quoted}"')
    assert [s.name for s in settings.running.changes_from(before)] == [setting.name]
    assert setting.type.format(settings.running[setting]) == value
    assert f"  {setting.describe(settings.running[setting])}" in typist.type("show")
    assert "%" not in typist.type(f"default {words}")
    assert settings.running[setting] == settings.defaults[setting]
    as_it_stands = value if value.count('"') % 2 == 0 else f'"{quoted}"'
    assert "%" not in typist.type(f"{words} {as_it_stands}")
    assert setting.type.format(settings.running[setting]) == value
    nothing = nothing_of(setting)
    answer = typist.type(f"no {words}")
    if nothing is None:
        assert answer.startswith("% ")
        assert setting.type.format(settings.running[setting]) == value
    else:
        assert "%" not in answer
        assert setting.type.format(settings.running[setting]) == nothing
    assert settings.saved == settings.defaults
    choices = typist.shell.help(f"{words} ")
    assert any("<value>" in line for line in choices)


def test_what_no_means() -> None:
    found = {setting.name: nothing_of(setting) for setting in DECLARATIONS if is_one_command(setting)}
    assert found["network.hostname"] is None
    assert (found["network.domain"], found["network.gateway"], found["tunnel.allow"]) == ("", "", "")
    assert (found["tunnel.keep_alive"], found["tunnel.disconnect_timeout"], found["tunnel.tls_port"]) == ("0", "0", "0")
    assert (found["tunnel.port"], found["line.baud_rate"], found["http.log_format"]) == (None, None, None)
    assert (found["tunnel.accept_mode"], found["network.address_check"]) == ("disabled", "off")
    assert {found[f"http.{key}"] for key in ("enabled", "logging", "tls_1_2")} == {"off"}


def test_a_changed_device_comes_back_by_pasting(tmp_path: Path) -> None:
    changed, fresh = Typist(tmp_path / "a"), Typist(tmp_path / "b", asks_new_password=True)
    changed.settings.set(CUSTOM, save=True)
    lines = changed.configuration()
    assert not [line for line in lines if "s3cret" in line or "4f7c" in line]
    assert "  ! password is set, and not shown" in lines
    assert "%" not in fresh.type(*lines)
    assert is_same(fresh.settings.running, changed.settings.running)
    assert fresh.settings.saved == fresh.settings.defaults
    fresh.settings.set({name: CUSTOM[name] for name in SECRETS}, save=False)
    assert fresh.configuration() == lines
    assert fresh.shell.level.prompt == "#"


def test_round_trip_through_the_socket(rig: Rig) -> None:
    custom = {**CUSTOM, "console.enabled": "on", "console.port": "23"}
    rig.settings.set({name: text for name, text in custom.items() if name != "console.port"}, save=False)
    wanted = rig.settings.running
    client = rig.client()
    client.login("anna", "correct horse")
    client.run("enable")
    lines = client.run("show configuration").split("\n")
    rig.settings.set({s.name: s.type.format(rig.settings.defaults[s]) for s in DECLARATIONS}, save=False)
    rig.settings.override({"console.port": "0"})
    assert rig.settings.running.changes_from(wanted)
    pasted = "\n".join(line for line in lines if "console port" not in line)
    terminal = rig.terminal()
    terminal.login()
    terminal.run("enable")
    terminal.send(pasted.replace("\n", "\r") + "\rshow version\r")
    seen = terminal.until("Permanent config")
    assert "\r\n%" not in seen
    assert is_same(rig.settings.running, wanted)


def test_a_value_of_this_run_alone_is_left_out(typist: Typist) -> None:
    typist.settings.override({"tunnel.port": "0"})
    lines = [line.strip() for line in typist.configuration()]
    assert "local port 10001" in lines
    assert typist.shell.prompt == "cme3000> "


def test_a_configuration_with_the_factory_password_is_refused(tmp_path: Path) -> None:
    typist = Typist(tmp_path, asks_new_password=True)
    lines = typist.configuration()
    lines[lines.index("  speed auto")] = "  speed 10"
    assert "% the password is the one from the factory" in typist.type(*lines)
    assert typist.settings.running == typist.settings.defaults


ACCEPTED = {name: [text for text, _ in table.good] for name, table in TEXTS.items()}
PRINTABLE = strategies.characters(categories=("L", "N", "P", "S"), include_characters=" ")
NAMES = strategies.text(PRINTABLE, min_size=1, max_size=LONGEST_NAME).filter(lambda n: n == n.strip() and ":" not in n)
REALMS = strategies.text(
    strategies.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'),
    min_size=1,
    max_size=LONGEST_REALM,
)
URIS = strategies.lists(
    strategies.text(PRINTABLE.filter(lambda c: c not in ' /?#%"\\<>' and not c.isspace()), min_size=1, max_size=20),
    max_size=3,
).map(lambda parts: "/" + "/".join(parts))
FORMATS = strategies.text(PRINTABLE.filter(lambda c: c != "%"), min_size=1, max_size=512).filter(str.strip)


@strategies.composite
def directive_texts(draw: strategies.DrawFn) -> str:
    raw = []
    for uri in dict.fromkeys(["/", *draw(strategies.lists(URIS, max_size=3))]):
        realm, kind = draw(REALMS), draw(strategies.sampled_from(Type))
        names = draw(strategies.lists(NAMES, min_size=1, max_size=3, unique=True))
        users = [User.with_password(name, realm, PASSWORD) for name in names]
        raw.append(
            {
                "uri": uri,
                "realm": realm,
                "type": str(kind),
                "users": [{"name": u.name, "md5": u.md5, "sha256": u.sha256} for u in users],
            }
        )
    return json.dumps(raw)


@strategies.composite
def texts(draw: strategies.DrawFn) -> dict[str, str]:
    found = {
        name: draw(strategies.sampled_from(accepted))
        for name, accepted in ACCEPTED.items()
        if draw(strategies.booleans()) and accepted
    }
    if draw(strategies.booleans()):
        found["http.log_format"] = draw(FORMATS)
    if draw(strategies.booleans()):
        found["http.authentication"] = draw(directive_texts())
    return found


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=texts(), before=texts())
def test_any_settings_come_back_on_any_device(texts: dict[str, str], before: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        source = Settings(Path(name) / "source")
        target = Typist(Path(name) / "target")
        for settings, changes in ((source, texts), (target.settings, before)):
            try:
                settings.set(changes, save=False)
            except InvalidSettings:  # texts that are right by themselves may break a rule together
                for one, text in changes.items():
                    try:
                        settings.set({one: text}, save=False)
                    except InvalidSettings:
                        continue
        assume(source.running != source.defaults)
        answer = target.type(*configuration_lines(source, title="x"))
        assert "%" not in answer
        assert is_same(target.settings.running, source.running)
        target.settings.reset(FactoryVariant.STATIC)
        target.type(*configuration_lines(source, title="x"))
        assert is_same(target.settings.running, source.running)


def test_the_longest_lines_can_be_pasted(typist: Typist) -> None:
    wide = ", ".join(f"fd00:{n:04x}:ffff:ffff:ffff:ffff:ffff:ffff" for n in range(64))
    typist.settings.set({"http.log_format": '"' * 512, "tunnel.allow": wide}, save=False)
    name = "\U0001f600" * LONGEST_NAME
    uri = "/" + "\U0001f600" * 254
    directives = Directives().parse('[{"uri": "/", "realm": "r", "type": "none"}]')
    user = User.with_password(name, "r" * LONGEST_REALM, PASSWORD)
    more = type(directives[0])(uri, "r" * LONGEST_REALM, Type.SSL_DIGEST, (user,))
    typist.settings.set({http.AUTHENTICATION.name: Directives().format((*directives, more))}, save=False)
    assert max(len(line.encode()) for line in typist.configuration()) <= LONGEST
