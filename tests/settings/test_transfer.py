"""A whole configuration to one file and from one file."""

from pathlib import Path

import pytest

from appliance.settings import Difference, InvalidSettings, Settings, http, tunnel
from tests.settings.custom import CUSTOM


def test_round_trip(folder: Path, tmp_path: Path) -> None:
    source, target = Settings(folder), Settings(tmp_path / "target")
    source.set(CUSTOM, save=False)
    text = source.export()
    assert source.compare(text) == []
    differences = target.compare(text)
    assert {difference.name for difference in differences} == set(CUSTOM)
    assert target.running == target.defaults
    target.import_(text)
    assert target.running == target.saved == Settings(tmp_path / "target").saved == source.running
    assert target.compare(text) == []
    assert target.is_saved


def test_differences_name_from_and_to(folder: Path) -> None:
    settings = Settings(folder)
    text = settings.export().replace("port = 10001", "port = 10002").replace('gateway = ""', 'gateway = "10.0.0.1"')
    gateway, port = settings.compare(text)
    assert port == Difference("tunnel.port", "10001", "10002")
    assert str(port) == "tunnel.port: 10001 -> 10002"
    assert str(gateway) == "network.gateway: none -> 10.0.0.1"


def test_differences_show_no_secret(folder: Path, tmp_path: Path) -> None:
    settings, other = Settings(folder), Settings(tmp_path / "other")
    other.set({"http.authentication": CUSTOM["http.authentication"]}, save=False)
    (difference,) = settings.compare(other.export())
    assert str(difference) == (
        "http.authentication: / digest config (admin) -> / basic site (anna); /http ssl/digest web (anna, bert)"
    )
    (user,) = settings[http.AUTHENTICATION][0].users
    text = settings.export().replace(user.md5, "0" * 32)
    (difference,) = settings.compare(text)
    assert difference.new == "/ digest config (admin) (new passwords)"


def test_what_the_file_lacks_stays(folder: Path) -> None:
    settings = Settings(folder)
    settings.set({"line.baud_rate": "300"}, save=False)
    settings.import_("[tunnel]\nport = 10002\n")
    assert settings[tunnel.PORT] == Settings(folder)[tunnel.PORT] == 10002
    assert not settings.is_saved


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[tunnel]\nport = 70000\nprot = 5\n[line]\nbaud_rate = 300\n", ["tunnel.port", "tunnel.prot"]),
        ("[tunnel]\nport = 80\n", ["tunnel.port"]),
        ("[tunnel\nport = 80\n", ["settings"]),
        ("schema = 2\n", ["settings"]),
        ("schema = 'x'\n", ["settings"]),
        ("schema = 1\nport = 5\n", ["port"]),
        ("x = " + "[" * 10_000, ["settings"]),
        ("x." * 10_000 + "x = 1", ["settings"]),
        ("#" * 2_000_000, ["settings"]),
        ("a = '\ud800'", ["a"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_bad_file_changes_nothing(text: str, names: list[str], folder: Path) -> None:
    settings = Settings(folder)
    settings.set({"tunnel.port": "10005"}, save=True)
    before = (folder / "settings.toml").read_bytes()
    for attempt in (settings.compare, settings.import_):
        with pytest.raises(InvalidSettings) as caught:
            attempt(text)
        assert [error.name for error in caught.value.errors] == names
        assert str(caught.value).replace("\n", "").isprintable()
        assert len(str(caught.value)) < 600
    assert settings.running == settings.saved
    assert (folder / "settings.toml").read_bytes() == before


def test_a_value_of_this_run_is_not_exported(folder: Path) -> None:
    settings = Settings(folder)
    settings.override({"tunnel.port": "0", "http.port": "8081"})
    text = settings.export()
    assert "port = 10001" in text
    assert "port = 8081" in text


def test_an_import_ends_what_was_wrong_at_the_start(folder: Path) -> None:
    folder.mkdir()
    (folder / "settings.toml").write_text("rubbish")
    settings = Settings(folder)
    settings.import_(settings.export())
    assert settings.problems == ()
