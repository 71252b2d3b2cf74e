"""A process killed at any system call leaves the old settings or the new ones."""

from collections import Counter
from pathlib import Path

import pytest

from appliance.settings import FactoryVariant, Settings, Values
from appliance.settings.factory import factory_defaults
from tests.settings.conftest import put_old
from tests.settings.saver import NEW
from tests.settings.tracing import Ended, Saver

SIGKILL = 9


def imported_text(scratch: Path) -> str:
    other = Settings(scratch)
    other.set({"http.port": "8081", "tunnel.policy": "shared"}, save=True)
    return other.export()


def expected(action: str, old: Values, scratch: Path) -> Values:
    settings = Settings(scratch)
    if action == "reset":
        return factory_defaults(FactoryVariant.STATIC)
    if action == "import":
        settings.import_(imported_text(scratch))
        return settings.saved
    settings.import_(Settings(scratch.with_name("state")).export())
    assert settings.saved == old
    settings.set(NEW, save=True)
    return settings.saved


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kill_points(ended: Ended) -> list[tuple[str, int]]:
    """Every call by its name and how many of that name there were before."""
    assert ended.code == 0
    counts = Counter(call.name for call in ended.calls)
    return [(name, number) for name, count in counts.items() for number in range(1, count + 1)]


@pytest.mark.parametrize("action", ["save", "write", "reset", "import"])
def test_killed_at_any_call_of_a_save(action: str, saver: Saver, folder: Path, tmp_path: Path) -> None:
    old = put_old(folder)
    new = expected(action, old, tmp_path / "scratch")
    assert new != old
    text = imported_text(tmp_path / "text")
    points = kill_points(saver.run(action, folder, trace=True, text=text))
    assert Settings(folder).saved == new
    assert {"write", "fsync"} <= {name for name, _ in points}
    assert any(name.startswith("rename") for name, _ in points)

    seen = Counter[str]()
    for name, number in points:
        put_old(folder)
        ended = saver.run(action, folder, inject=[f"{name}:signal=SIGKILL:when={number}"], text=text)
        assert ended.code == -SIGKILL, (name, number)
        seen["leftover"] += len(names_in(folder)) > 1
        found = Settings(folder)
        where = f"killed at {name} number {number}"
        assert found.saved in (old, new), where
        assert found.problems == (), where
        assert names_in(folder) == ["settings.toml"], where
        if ended.report is not None:
            assert found.saved == new, where
        seen["new" if found.saved == new else "old"] += 1
    # Otherwise the kills did not hit the save at all.
    assert seen["old"]
    assert seen["new"]
    assert seen["leftover"]


def test_killed_at_any_call_of_a_first_save(saver: Saver, folder: Path, tmp_path: Path) -> None:
    defaults = factory_defaults(FactoryVariant.DHCP)
    scratch = Settings(tmp_path / "scratch")
    scratch.set(NEW, save=True)
    points = kill_points(saver.run("save", folder / "0", trace=True))
    for index, (name, number) in enumerate(points, 1):
        here = folder / str(index) / "below"
        ended = saver.run("save", here, inject=[f"{name}:signal=SIGKILL:when={number}"])
        assert ended.code in (0, -SIGKILL)
        found = Settings(here)
        assert found.saved in (defaults, scratch.saved), (name, number)
        assert found.problems == ()


def test_killed_at_any_call_of_a_start_with_a_damaged_file(saver: Saver, folder: Path) -> None:
    def damage() -> bytes:
        put_old(folder)
        damaged = (folder / "settings.toml").read_bytes().replace(b"port = 10005", b"port = 1\x000005")
        (folder / "settings.toml").write_bytes(damaged)
        return damaged

    damaged = damage()
    points = kill_points(saver.run("load", folder, trace=True))
    expected = Settings(folder)
    assert "pump-house" in expected.export()
    for name, number in points:
        damage()
        ended = saver.run("load", folder, inject=[f"{name}:signal=SIGKILL:when={number}"])
        assert ended.code == -SIGKILL
        found = Settings(folder)
        assert found.saved == expected.saved, (name, number)
        assert names_in(folder) == ["settings.toml", "settings.toml.aside"]
        assert (folder / "settings.toml.aside").read_bytes() == damaged
        assert (folder / "settings.toml").read_bytes() == damaged
