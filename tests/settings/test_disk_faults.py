"""A disk that is full, read-only or broken: a save that fails says so, and changes nothing."""

from collections import Counter
from pathlib import Path

import pytest

from appliance.settings import SaveFailed, Settings, Transition, Values, tunnel
from tests.settings.conftest import put_old
from tests.settings.saver import texts
from tests.settings.test_kill import kill_points, names_in
from tests.settings.tracing import Saver

FULL = 'mount -t tmpfs -o size=8k none "$1" && cp -a "$2/." "$1" && head -c 4096 /dev/zero >"$1/filler"'
READ_ONLY = 'cp -a "$2/." "$1" && mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_any_one_call_of_a_save_fails(error: str, saver: Saver, folder: Path) -> None:
    old = put_old(folder)
    points = kill_points(saver.run("save", folder, trace=True))
    reports = sum(name == "write" for name, _ in points)  # the last is the saver's answer
    seen = Counter[bool]()
    for name, number in points:
        if (name, number) == ("write", reports):
            continue
        put_old(folder)
        ended = saver.run("save", folder, inject=[f"{name}:error={error}:when={number}"])
        report = ended.report
        assert report is not None, (name, number, ended.code)
        where = f"{name} number {number} failed"
        found = Settings(folder)
        assert texts(found.saved) == report["saved"], where
        assert names_in(folder) == ["settings.toml"], where
        has_failed = bool(report["problems"])
        assert has_failed == (report["running"] == texts(old)), where
        assert report["saved"] == report["running"], where
        if has_failed:
            assert "could not be saved" in report["problems"][0], where
        else:
            assert report["is_saved"], where
        seen[has_failed] += 1
    assert seen[True] > 5


def test_the_folder_is_not_confirmed(saver: Saver, folder: Path) -> None:
    old = put_old(folder)
    ended = saver.run("save", folder, inject=["fsync:error=EIO:when=2"])
    assert ended.report is not None
    # The former file is back in its place, but nobody knows what the disk would show after a power cut.
    assert ended.report["saved"] == ended.report["running"] == texts(old)
    assert not ended.report["is_saved"]
    assert Settings(folder).saved == old


def test_the_folder_is_not_confirmed_and_nothing_can_be_put_back(saver: Saver, folder: Path) -> None:
    old = put_old(folder)
    ended = saver.run("save", folder, inject=["fsync:error=EIO:when=2+"])
    assert ended.report is not None
    assert ended.report["running"] == texts(old)
    assert not ended.report["is_saved"]
    # What a restart finds is what is called saved.
    assert ended.report["saved"] == texts(Settings(folder).saved)
    assert ended.report["saved"] != texts(old)


def test_a_later_save_confirms_what_an_earlier_one_could_not(saver: Saver, folder: Path) -> None:
    put_old(folder)
    ended = saver.run("save twice", folder, inject=["fsync:error=EIO:when=2"])
    assert ended.report is not None
    assert ended.report["is_saved"]
    assert ended.report["problems"] == []
    assert ended.report["saved"] == texts(Settings(folder).saved)


def test_a_first_save_that_is_not_confirmed_leaves_no_file(saver: Saver, folder: Path) -> None:
    folder.mkdir()
    ended = saver.run("save", folder, inject=["fsync:error=EIO:when=2"])
    assert ended.report is not None
    assert "could not be saved" in ended.report["problems"][0]
    assert names_in(folder) == []


def test_a_disk_too_full_for_the_file(saver: Saver, folder: Path) -> None:
    old = put_old(folder)
    for largest in (0, 1, 100, 500):
        for action in ("save", "reset"):
            ended = saver.run(action, folder, largest_file=largest)
            assert ended.report is not None
            assert "could not be saved" in ended.report["problems"][0]
            assert ended.report["saved"] == ended.report["running"] == texts(old)
            assert names_in(folder) == ["settings.toml"]
            assert Settings(folder).saved == old


def test_a_full_disk(unshare: list[str], folder: Path, tmp_path: Path) -> None:
    old = put_old(tmp_path / "original")
    folder.mkdir()
    command = [*unshare, "sh", "-c", f'{FULL}; shift 2; exec "$@"', "sh", str(folder), str(tmp_path / "original")]
    with Saver(*command) as saver:
        ended = saver.run("save", folder)
        assert ended.report is not None
        assert "No space left on device" in ended.report["problems"][0]
        assert ended.report["saved"] == ended.report["running"] == texts(old)
        assert ended.report["is_saved"]
        again = saver.run("load", folder)
        assert again.report is not None
        assert again.report["saved"] == texts(old)
        assert again.report["problems"] == []


def test_a_read_only_disk(unshare: list[str], folder: Path, tmp_path: Path) -> None:
    original = tmp_path / "original"
    old = put_old(original)
    folder.mkdir()
    command = [*unshare, "sh", "-c", f'{READ_ONLY}; shift 2; exec "$@"', "sh", str(folder), str(original)]
    with Saver(*command) as saver:
        loaded = saver.run("load", folder)
        assert loaded.report is not None
        assert loaded.report["saved"] == texts(old)
        assert [problem for problem in loaded.report["problems"] if "read-only" in problem]
        ended = saver.run("save", folder)
        assert ended.report is not None
        assert [problem for problem in ended.report["problems"] if "Read-only file system" in problem]
        assert ended.report["saved"] == ended.report["running"] == texts(old)


def test_a_damaged_file_on_a_read_only_disk(unshare: list[str], folder: Path, tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.mkdir()
    (original / "settings.toml").write_text("[tunnel]\nport = 10002\nkeep_alive = \n")
    folder.mkdir()
    command = [*unshare, "sh", "-c", f'{READ_ONLY}; shift 2; exec "$@"', "sh", str(folder), str(original)]
    with Saver(*command) as saver:
        loaded = saver.run("load", folder)
    assert loaded.report is not None
    assert loaded.report["running"]["tunnel.port"] == "10002"
    assert "tunnel.keep_alive" in loaded.report["problems"][1]
    assert "could not be kept aside: Read-only file system" in loaded.report["problems"][2]


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("not a folder")
    abandoned: list[str] = []

    def prepare(_old: Values, _new: Values) -> Transition:
        return Transition(lambda: abandoned.append("applied"), lambda: abandoned.append("abandoned"))

    settings = Settings(folder)
    assert "cannot be read" in str(settings.problems[0])
    settings.subscribe(prepare)
    before = settings.running
    with pytest.raises(SaveFailed, match="could not be saved"):
        settings.set({"tunnel.port": "10002"}, save=True)
    with pytest.raises(SaveFailed, match="could not be saved"):
        settings.save()
    assert settings.running == settings.saved == settings.in_force == before
    assert abandoned == ["abandoned"]
    assert "could not be saved" in str(settings.problems[-1])
    settings.set({"tunnel.port": "10002"}, save=False)
    assert settings[tunnel.PORT] == 10002
    assert not settings.is_saved


def test_a_failed_save_is_a_problem_until_one_succeeds(folder: Path) -> None:
    folder.write_text("not a folder")
    settings = Settings(folder.with_name("state"))
    with pytest.raises(SaveFailed):
        settings.save()
    folder.unlink()
    settings.save()
    assert "could not be saved" not in "".join(map(str, settings.problems))


def test_the_file_is_for_its_owner_alone(folder: Path) -> None:
    settings = Settings(folder / "made" / "for" / "it")
    settings.save()
    assert (folder / "made" / "for" / "it" / "settings.toml").stat().st_mode & 0o777 == 0o600
    assert (folder / "made" / "for" / "it").stat().st_mode & 0o777 == 0o700
    (folder / "made" / "for" / "it" / "settings.toml").chmod(0o644)
    settings.save()
    assert (folder / "made" / "for" / "it" / "settings.toml").stat().st_mode & 0o777 == 0o600
