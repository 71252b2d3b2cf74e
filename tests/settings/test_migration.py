"""Files of older and newer firmware."""

from pathlib import Path
from typing import Any

import pytest

from appliance.errors import MigrationError
from appliance.settings import FactoryVariant, Settings, line, tunnel
from appliance.settings.factory import factory_defaults
from appliance.settings.migration import SCHEMA, STEPS, migrate
from appliance.settings.store import Store

DEFAULTS = factory_defaults(FactoryVariant.DHCP)
OLD = "# by hand\nschema = 1\n[tunnel]\nlocal_port = 10002\n[line]\nbaud_rate = 300\n"


def rename_port(raw: dict[str, Any]) -> dict[str, Any]:
    raw["tunnel"]["harbour"] = raw["tunnel"].pop("local_port")
    return raw


def rename_again(raw: dict[str, Any]) -> dict[str, Any]:
    raw["tunnel"]["port"] = raw["tunnel"].pop("harbour")
    return raw


def put(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "settings.toml").write_text(text)


def test_step_by_step(folder: Path) -> None:
    put(folder, OLD)
    store = Store(folder, schema=3, steps={1: rename_port, 2: rename_again})
    for _ in range(2):  # nothing is written before a save: the next start migrates again
        values, problems = store.load(DEFAULTS)
        assert problems == ()
        assert values[tunnel.PORT] == 10002
        assert values[line.BAUD_RATE] == 300
        assert (folder / "settings.toml").read_text() == OLD
        assert (folder / "settings.toml.schema-1").read_text() == OLD
    store.save(values)
    assert "schema = 3" in (folder / "settings.toml").read_text()
    assert (folder / "settings.toml.schema-1").read_text() == OLD
    assert store.load(DEFAULTS) == (values, ())


def test_a_step_that_fails_keeps_what_it_can(folder: Path) -> None:
    put(folder, "schema = 1\n[line]\nbaud_rate = 300\n")
    values, problems = Store(folder, schema=2, steps={1: rename_port}).load(DEFAULTS)
    assert values[line.BAUD_RATE] == 300
    assert "the step from schema 1 to 2 failed" in str(problems[0])
    assert (folder / "settings.toml.aside").exists()
    assert (folder / "settings.toml.schema-1").exists()


def test_a_step_that_is_missing() -> None:
    with pytest.raises(MigrationError, match="no way is known from schema 2 to 3"):
        migrate({"tunnel": {"local_port": 1}}, 1, to_version=3, steps={1: rename_port})


def test_every_step_to_the_present_schema_is_there() -> None:
    assert set(STEPS) == set(range(1, SCHEMA))


def test_a_newer_file_after_a_downgrade(folder: Path) -> None:
    newer = "schema = 7\n[tunnel]\nport = 10002\nwarp = 9\n[engine]\nsteam = true\n"
    put(folder, newer)
    settings = Settings(folder)
    assert settings[tunnel.PORT] == 10002
    said = "\n".join(str(problem) for problem in settings.problems)
    assert "schema: 7 is that of a newer firmware" in said
    assert "tunnel.warp: no such setting" in said
    assert "engine.steam: no such setting" in said
    assert (folder / "settings.toml.aside").read_text() == newer
    settings.save()
    assert Settings(folder).problems == ()
    assert (folder / "settings.toml.aside").read_text() == newer


def test_older_firmware_finds_its_own_form_again(folder: Path) -> None:
    put(folder, OLD.replace("local_port", "port"))
    newer = Store(folder, schema=2, steps={1: lambda raw: raw})
    values, _ = newer.load(DEFAULTS)
    newer.save(values.with_changes({tunnel.PORT: 10003}))
    older = Store(folder, schema=1)
    values, problems = older.load(DEFAULTS)
    assert (values[tunnel.PORT], values[line.BAUD_RATE]) == (10002, 300)
    said = "\n".join(str(problem) for problem in problems)
    assert "2 is that of a newer firmware; the settings from before it are taken, settings.toml.schema-1" in said
    # What is changed there is what the newer firmware finds, and keeps, when it comes again.
    older.save(values.with_changes({tunnel.PORT: 10004}))
    assert newer.load(DEFAULTS).values[tunnel.PORT] == 10004
    newer.save(values)
    assert older.load(DEFAULTS).values[tunnel.PORT] == 10004


@pytest.mark.parametrize("kept", ["", "rubbish [", "schema = 2\n", "[tunnel]\nport = 'x'\n" * 2])
def test_an_old_form_that_is_none_is_not_taken(folder: Path, kept: str) -> None:
    put(folder, "schema = 2\n[tunnel]\nport = 10002\n")
    (folder / "settings.toml.schema-1").write_text(kept)
    values, problems = Store(folder, schema=1).load(DEFAULTS)
    assert values[tunnel.PORT] == 10002
    assert "the settings that this one knows are taken" in str(problems[0])


def test_a_factory_reset_forgets_what_is_kept_for_older_firmware(folder: Path) -> None:
    put(folder, "schema = 1\n")
    (folder / "settings.toml.schema-0").write_text(OLD)
    Settings(folder).reset(FactoryVariant.DHCP)
    assert not list(folder.glob("*.schema-*"))


@pytest.mark.parametrize("schema", ["'one'", "true", "-1", "0", "1.5", "[]", "99999999999999999999"])
def test_a_schema_that_is_none(schema: str, folder: Path) -> None:
    put(folder, f"schema = {schema}\n[tunnel]\nport = 10002\n")
    settings = Settings(folder)
    assert settings[tunnel.PORT] == 10002
    assert "schema" in str(settings.problems[0])


def test_no_schema_is_the_present_one(folder: Path) -> None:
    put(folder, "[tunnel]\nport = 10002\n")
    settings = Settings(folder)
    assert settings[tunnel.PORT] == 10002
    assert settings.problems == ()
