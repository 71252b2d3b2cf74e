"""What each setting takes from a form, the console or a command line, and what it refuses."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.settings import DECLARATIONS, InvalidSettings, Setting, Settings, find
from tests.settings.custom import AUTHORITY, CUSTOM, DIRECTIVES


class Table(NamedTuple):
    """Texts and how they are written back; texts that are refused."""

    good: list[tuple[str, str]]
    bad: list[str]


def unquoted(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text


def tables() -> dict[str, Table]:
    found: defaultdict[str, Table] = defaultdict(lambda: Table([], []))
    name = ""
    for line in Path(__file__).with_name("texts.txt").read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if re.fullmatch(r"\{.+\}|\[[a-z0-9._]+\]", line):
            name = line[1:-1]
        elif kind == "+":
            text, _, form = rest.rpartition(" => ")
            found[name].good.append((unquoted(text), unquoted(form)))
        elif kind == "-":
            found[name].bad.append(unquoted(rest))
        elif kind == "=":
            found[name].good.extend(found[rest].good)
            found[name].bad.extend(found[rest].bad)
        else:
            assert not line or kind == "#"
    return {name: table for name, table in found.items() if "." in name}


TEXTS = tables()
TEXTS["http.authentication"].good.append((DIRECTIVES, DIRECTIVES))
TEXTS["http.authentication"].bad.extend(
    DIRECTIVES.replace(good, bad)
    for good, bad in [
        ("anna", "an:na"),
        ("anna", ""),
        ("anna", " anna"),
        ("anna", "an\\u0007"),
        ("anna", "an\\ud800"),
        ("anna", "x" * 65),
        ("bert", "anna"),
        ('"md5": "', '"md5": "x'),
        ('"md5"', '"password"'),
        ("site", "x" * 65),
    ]
)
TEXTS["mqtt.ca"].good.append((AUTHORITY.replace(" MII", "\r\nMII").replace("= -", "=\n-"), AUTHORITY))
TEXTS["mqtt.ca"].bad.extend([" ".join([AUTHORITY] * 5), AUTHORITY + "-----BEGIN EC PRIVATE KEY-----"])
TEXTS["mqtt.password"].bad.append("x" * 257)
TEXTS["mqtt.prefix"].bad.append("ä" * 65)
TEXTS["tunnel.allow"].bad.append(",".join(f"10.0.0.{number}" for number in range(65)))
TEXTS["http.authentication"].bad.append("[" * 100_000)
TEXTS["http.log_format"].bad.append("x" * 513)
TEXTS["line.two_wire"].bad.append("/dev/" + "x" * 251)
TEXTS["network.domain"].bad.append(".".join(["x" * 63] * 4))
TEXTS["network.dhcp_client_id"].bad.extend(["text:" + "x" * 65, "hex:" + "00" * 65])

# What no setting takes, not even one for text.
UNPRINTABLE = [
    *("\x00", "a\x00b", "a\nb", "\r\n", "\t5", "5\n", "\x1b[31m", "\ud800", "\x7f", "\u202egnp", "\u2028"),
    "x" * 400_000,
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    folder = tmp_path_factory.mktemp("state")
    settings = Settings(folder)
    settings.set({**CUSTOM, "network.gateway": "none"}, save=True)
    return settings, folder / "settings.toml"


def test_every_setting_has_a_table() -> None:
    assert set(TEXTS) == {setting.name for setting in DECLARATIONS}
    assert all(table.good and table.bad for table in TEXTS.values())


@pytest.mark.parametrize("name", TEXTS)
def test_taken(name: str) -> None:
    setting = find(name)
    for text, form in TEXTS[name].good:
        # Alone: how settings go together is another test.
        value = setting.read(text, setting.default)
        assert setting.type.format(value) == form
        assert setting.type.from_file(setting.type.to_file(value)) == value
        assert setting.can_be_saved(value)
        assert setting.describe(value).isprintable()


@pytest.mark.parametrize("name", TEXTS)
def test_refused(name: str, saved: tuple[Settings, Path]) -> None:
    settings, file = saved
    setting = find(name)
    before = (settings.running, settings.saved, settings.in_force, file.stat().st_ino)
    other = "link.duplex" if name != "link.duplex" else "link.speed"
    for text in [*TEXTS[name].bad, *UNPRINTABLE]:
        with pytest.raises(InvalidSettings) as caught:
            settings.set({name: text, other: "auto"}, save=True)
        assert before == (settings.running, settings.saved, settings.in_force, file.stat().st_ino)
        (error,) = caught.value.errors
        assert (error.name, error.allowed) == (name, setting.type.allowed)
        said = str(caught.value)
        assert said.startswith(f"{name}: ")
        assert "is not allowed" in said
        assert said.endswith(setting.type.allowed)
        assert said.isprintable()
        assert len(said) < 700
        if setting.is_secret:
            assert error.value is None
            assert not re.search(r"[0-9a-f]{12}", said)
        else:
            assert error.value == text
            if text.isprintable() and len(text) < 50:
                assert f'"{text}"' in said


def test_a_blank_is_the_default_where_that_is_said(saved: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, _ = saved
    for setting in DECLARATIONS:
        if setting.blank_is_default:
            assert setting.read("", settings.defaults[setting]) == setting.default
            assert setting.read("  ", settings.defaults[setting]) == setting.default
    own = Settings(tmp_path, defaults={find("http.port"): 8080})
    own.set({"http.port": "9090"}, save=False)
    own.set({"http.port": " "}, save=False)
    assert own[find("http.port")] == 8080


def test_long_and_hostile_values_are_cut_and_escaped() -> None:
    with pytest.raises(ValueError, match="not allowed") as caught:
        find("network.hostname").read('a"b\\c\x1b[2J\u202e' + "x" * 1000, "cme3000")
    said = str(caught.value)
    assert r'"a\"b\\c\x1b[2J\u202e' in said
    assert "more characters" in said
    assert len(said) < 300


def test_a_messages_form() -> None:
    setting: Setting[int] = find("tunnel.port")
    with pytest.raises(ValueError, match="not allowed") as caught:
        setting.read("70000", 10001)
    assert str(caught.value) == 'tunnel.port: "70000" is not allowed; a TCP port, 1 to 65535'
