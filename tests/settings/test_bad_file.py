"""Whatever is found in the place of the settings file: the device starts, keeps what is good, and says what is not."""

import logging
import os
import random
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from appliance.settings import DECLARATIONS, FactoryVariant, Settings, find, http, line, network, tunnel
from appliance.settings.aside import COPIES
from appliance.settings.document import LARGEST
from appliance.settings.factory import factory_defaults
from appliance.settings.problem import MOST
from appliance.settings.store import Store
from tests.settings.custom import CUSTOM

DEFAULTS = factory_defaults(FactoryVariant.DHCP)


def start_with(folder: Path, content: bytes | str) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    return Settings(folder)


def problems_of(settings: Settings) -> str:
    return "\n".join(str(problem) for problem in settings.problems)


def lost(settings: Settings, wanted: Settings) -> list[str]:
    return [setting.name for setting in settings.saved.changes_from(wanted.saved)]


@pytest.fixture(scope="module")
def custom(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(tmp_path_factory.mktemp("custom"))
    settings.set(CUSTOM, save=True)
    assert set(CUSTOM) == {setting.name for setting in DECLARATIONS}
    assert not [setting for setting in DECLARATIONS if settings.saved[setting] == DEFAULTS[setting]]
    return settings


@pytest.fixture(scope="module")
def text(custom: Settings) -> str:
    return custom.export()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "nothing is in it"),
        (b"\n\n# a comment\n", "nothing is in it"),
        (bytes(4096), "damaged"),
        (b"\xff\xfe\x00[tunnel]\n", "not UTF-8"),
        (random.Random(3).randbytes(3000), ""),
        (b"tunnel = 5\n", "tunnel"),
        (b"[tunnel]\nport = [[[[[[[", "line 2, tunnel.port"),
        (b"x = " + b"[" * 100_000, "damaged"),
        (b"x." * 100_000 + b"y = 1", "damaged"),
        (b"[tunnel]\nport = " + b"9" * 5000, "tunnel.port"),
        (b"[[tunnel]]\nport = 5\n", "tunnel"),
        (b"x\n" * 200_000, "more problems are not listed"),
        (b"[tunnel]\n" + b"port = \n" * 100_000, "more problems are not listed"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_rubbish_gives_defaults_and_is_kept(content: bytes, named: str, folder: Path) -> None:
    settings = start_with(folder, content)
    assert settings.saved == settings.running == settings.in_force == DEFAULTS
    assert named in problems_of(settings)
    assert len(settings.problems) <= MOST + 2
    assert (folder / "settings.toml.aside").read_bytes() == content
    assert (folder / "settings.toml").read_bytes() == content

    settings.set({"tunnel.port": "10002"}, save=True)
    again = Settings(folder)
    assert again[tunnel.PORT] == 10002
    assert again.problems == ()
    assert (folder / "settings.toml.aside").read_bytes() == content


@pytest.mark.parametrize(
    ("entry", "name", "named"),
    [
        ("[tunnel]\nport = 70000", "tunnel.port", '"70000" is not allowed; a TCP port, 1 to 65535; the default 10001'),
        ("[tunnel]\nport = 10002.0", "tunnel.port", "wrong kind"),
        ("[tunnel]\nport = true", "tunnel.port", "wrong kind"),
        ("[tunnel]\nport = [1]", "tunnel.port", "wrong kind"),
        ("[tunnel]\nport = { a = 1 }", "tunnel.port", "wrong kind"),
        ("[tunnel]\nport = 1979-05-27T07:32:00Z", "tunnel.port", "wrong kind"),
        ("[tunnel.port]\nx = 1", "tunnel.port", "wrong kind"),
        ("[tunnel]\nprot = 10002", "tunnel.prot", "did you mean tunnel.port"),
        ("[nowhere]\nport = 10002", "nowhere.port", "no such setting"),
        ("[http]\nmax_timeout = -5", "http.max_timeout", '"-5" is not allowed'),
        ("[http]\nenabled = 7", "http.enabled", '"7" is not allowed; on or off'),
        ('[line]\nbaud_rate = "9600"', "line.baud_rate", '"9600" is not allowed; 300 or 2400 bit/s'),
        ("[http]\nport = 10001", "http.port", "need different ports; the default 80 is used"),
        ("[tunnel]\nport = 80", "tunnel.port", "need different ports; the default 10001 is used"),
        (
            '[network]\ndhcp = false\naddress = "10.1.2.3/24"\ngateway = "10.9.9.9"',
            "network.gateway",
            "must be another host in the network 10.1.2.0/24",
        ),
    ],
)
def test_one_bad_entry_costs_that_entry_alone(
    entry: str, name: str, named: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = f'schema = 1\n[link]\nspeed = "10"\n{entry}\n'
    with caplog.at_level(logging.WARNING):
        settings = start_with(folder, content)
    assert str(settings.saved[find("link.speed")]) == "10"
    at_fault = [problem for problem in settings.problems if problem.name == name]
    assert len(at_fault) == 1
    assert named in str(at_fault[0])
    assert "the original is kept as settings.toml.aside" in problems_of(settings)
    assert [record.message for record in caplog.records] == [str(problem) for problem in settings.problems]
    if entry.startswith("[network]"):
        assert settings.saved[network.GATEWAY] is None
        assert str(settings.saved[network.ADDRESS]) == "10.1.2.3/24"
    else:
        assert settings.saved == DEFAULTS.with_changes({find("link.speed"): settings.saved[find("link.speed")]})


def test_one_broken_line_loses_that_line_alone(custom: Settings, text: str, folder: Path) -> None:
    lines = text.split("\n")
    for index, whole in enumerate(lines):
        in_authentication = index >= text[: text.index("[[http")].count("\n")
        halved = whole[: len(whole) // 2] + '"'
        for broken in ("\x00\x01 rubbish", halved, f"{whole} \x07"):
            content = "\n".join([*lines[:index], broken, *lines[index + 1 :]])
            settings = start_with(folder, content)
            allowed = {f"{section}.{whole.partition(' ')[0]}" for section in ("network", "link", "tunnel", "line")}
            allowed |= {f"{section}.{whole.partition(' ')[0]}" for section in ("panel", "console", "http")}
            allowed |= {f"{section}.{whole.partition(' ')[0]}" for section in ("meters", "mqtt", "update")}
            if in_authentication:
                allowed = {"http.authentication"}
            assert len(lost(settings, custom)) <= 1, (broken, whole, problems_of(settings))
            assert set(lost(settings, custom)) <= allowed, (broken, whole)
            if broken != halved:  # half a text may still be a text
                assert settings.problems or not lost(settings, custom)


def test_no_flipped_bit_loses_more_than_its_line(custom: Settings, text: str, folder: Path) -> None:
    data = text.encode()
    store = Store(folder)
    for index in range(data.index(b"schema"), len(data)):
        flipped = data[:index] + bytes([data[index] ^ (1 << index % 7)]) + data[index + 1 :]
        values, problems = store._restore(flipped, DEFAULTS)  # without the disk, which is too slow for thousands
        # A line end that goes joins two lines.
        most = 2 if data[index : index + 1] == b"\n" else 1
        changed = values.changes_from(custom.saved)
        assert len(changed) <= most, (index, flipped[index - 20 : index + 20], problems)


def test_a_missing_heading_is_no_loss(custom: Settings, text: str, folder: Path) -> None:
    for heading in re.findall(r"(?m)^\[[a-z]+\]$", text):
        for damaged in ("#$%&", "[", heading[:-1], heading.upper(), heading.replace("n", "m").replace("i", "l")):
            settings = start_with(folder, text.replace(f"{heading}\n", f"{damaged}\n", 1))
            assert lost(settings, custom) == [], (damaged, problems_of(settings))
            assert settings.problems or damaged == heading


def test_what_could_be_two_sections_is_neither(folder: Path) -> None:
    settings = start_with(folder, "[link]\nspeed = '10'\n[c%nsole]\nenabled = false\nport = 5000\n")
    assert [setting.name for setting in settings.saved.changes_from(DEFAULTS)] == ["link.speed"]
    assert "line 3" in problems_of(settings)


def test_secrets_are_in_no_message(text: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    hashes = re.findall(r"[0-9a-f]{32,64}", text)
    assert len(hashes) == 6
    lines = text.split("\n")
    for index, whole in enumerate(lines):
        for broken in (whole.replace(" = ", " "), whole.replace("[", "("), whole[:-1], f'md5 = "{hashes[0]}', ""):
            content = "\n".join([*lines[:index], broken, *lines[index + 1 :]])
            values, problems = Store(folder)._restore(content.encode(), DEFAULTS)
            said = f"{values} {problems} {[str(problem) for problem in problems]}"
            assert not [secret for secret in hashes if secret[:12] in said], (broken, said)
    start_with(folder, text.replace('type = "basic"', "type = ").replace("md5", "md6"))
    assert not [secret for secret in hashes if secret[:12] in caplog.text]
    assert "http.authentication" in caplog.text


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategies.binary(max_size=400) | strategies.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_start(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        settings = start_with(Path(name), content)
        again = Settings(Path(name))
        assert again.saved == settings.saved
        assert again.problems == settings.problems
        kept = sorted(path.name for path in Path(name).iterdir())
        assert kept == (["settings.toml", "settings.toml.aside"] if settings.problems else ["settings.toml"])


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=strategies.data())
def test_any_damage_to_a_good_file_starts(data: strategies.DataObject, text: str) -> None:
    content = bytearray(text.encode())
    start = data.draw(strategies.integers(0, len(content)))
    end = data.draw(strategies.integers(start, min(start + 60, len(content))))
    content[start:end] = data.draw(strategies.binary(max_size=60))
    with tempfile.TemporaryDirectory() as name:
        settings = start_with(Path(name), bytes(content))
        assert len(settings.saved) == len(DECLARATIONS)
        settings.save()
        assert Settings(Path(name)).problems == ()
        assert Settings(Path(name)).saved == settings.saved


def test_a_folder_in_the_place_of_the_file(folder: Path) -> None:
    (folder / "settings.toml").mkdir(parents=True)
    (folder / "settings.toml" / "x").write_text("keep me")
    settings = Settings(folder)
    assert settings.saved == DEFAULTS
    assert "not a file" in problems_of(settings)
    assert "moved to settings.toml.aside" in problems_of(settings)
    assert (folder / "settings.toml.aside" / "x").read_text() == "keep me"
    settings.set({"tunnel.port": "10002"}, save=True)
    assert Settings(folder)[tunnel.PORT] == 10002
    assert Settings(folder).problems == ()


def test_a_pipe_in_the_place_of_the_file_does_not_block(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "settings.toml")
    settings = Settings(folder)
    assert "not a file" in problems_of(settings)
    settings.save()
    assert Settings(folder).problems == ()


def test_a_link_to_nowhere_and_one_to_itself(folder: Path) -> None:
    folder.mkdir()
    (folder / "settings.toml").symlink_to("nowhere")
    assert Settings(folder).problems == ()
    (folder / "settings.toml").unlink()
    (folder / "settings.toml").symlink_to("settings.toml")
    settings = Settings(folder)
    assert "cannot be read" in problems_of(settings)
    settings.set({"tunnel.port": "10002"}, save=True)
    assert Settings(folder)[tunnel.PORT] == 10002
    assert (folder / "settings.toml.aside").is_symlink()


def test_a_file_beyond_all_bounds_is_moved(folder: Path) -> None:
    folder.mkdir()
    with (folder / "settings.toml").open("wb") as file:
        file.truncate(LARGEST + 1)
    settings = Settings(folder)
    assert settings.saved == DEFAULTS
    assert "larger than" in problems_of(settings)
    assert (folder / "settings.toml.aside").stat().st_size == LARGEST + 1
    assert not (folder / "settings.toml").exists()


def test_asides_are_kept_apart_and_bounded(folder: Path) -> None:
    for number in range(COPIES + 3):
        for _ in range(3):  # each start finds the same file again
            start_with(folder, f"[tunnel]\nport = {70000 + number}\n")
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == ["settings.toml", "settings.toml.aside", *(f"settings.toml.aside.{age}" for age in range(1, COPIES))]
    for age, name in enumerate(kept[1:]):
        assert f"{70000 + COPIES + 2 - age}" in (folder / name).read_text()


def test_leftovers_of_a_killed_save_go_at_the_next_start(folder: Path) -> None:
    start_with(folder, "[tunnel]\nport = 10002\n")
    leftover = folder / ".settings.toml.0123456789abcdef.tmp"
    stranger = folder / ".settings.toml.notes.tmp"
    leftover.write_text("half a fi")
    stranger.write_text("mine")
    assert Settings(folder)[tunnel.PORT] == 10002
    assert not leftover.exists()
    assert stranger.exists()


def test_a_byte_order_mark_and_foreign_line_ends_are_no_harm(custom: Settings, text: str, folder: Path) -> None:
    for content in (f"\ufeff{text}", text.replace("\n", "\r\n")):
        settings = start_with(folder, content)
        assert settings.problems == ()
        assert settings.saved == custom.saved
    broken = f"\ufeff{text}".replace("\n", "\r\n").replace("port = 10005", "port = ")
    assert lost(start_with(folder, broken), custom) == ["tunnel.port"]


def test_a_line_that_stands_twice(folder: Path) -> None:
    settings = start_with(folder, "[tunnel]\nport = 10002\nport = 10003\n[line]\nbaud_rate = 300\n")
    assert settings[tunnel.PORT] == 10002
    assert settings[line.BAUD_RATE] == 300
    assert "a second time" in problems_of(settings)


def test_half_a_directive_lets_nobody_in(folder: Path, text: str) -> None:
    for line_number, whole in enumerate(text.split("\n")):
        if whole.startswith(("md5", "sha256", "name", "realm", "type", "uri")):
            lines = text.split("\n")
            del lines[line_number]
            settings = start_with(folder, "\n".join(lines))
            assert settings[http.AUTHENTICATION] == DEFAULTS[http.AUTHENTICATION]
            assert "http.authentication" in problems_of(settings)
