"""The file: damaged, full, from another firmware, or killed in the middle."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from appliance.errors import SaveFailed
from appliance.meters.database import NAME
from appliance.meters.schema import SCHEMA
from tests.conftest import need
from tests.meters.rig import household

ROOT = Path(__file__).parents[2]


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with household(folder) as house:
        house.store(house.add(1), 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob(f"{NAME}*")}
        assert modes == dict.fromkeys((NAME, f"{NAME}-wal", f"{NAME}-shm"), 0o600)


def test_every_transaction_is_flushed(tmp_path: Path) -> None:
    with household(tmp_path) as house, house.meters.database.writing() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)


@pytest.mark.parametrize("contents", [b"", b"no database", b"SQLite format 3\x00" + bytes(5000), os.urandom(9000)])
def test_a_file_that_is_no_database_is_moved_aside(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / NAME).write_bytes(contents)
    with household(tmp_path) as house:
        assert house.meters.snapshot().meters == ()
        if contents:
            assert "were damaged" in house.meters.problem
            assert house.meters.snapshot().problem == house.meters.problem
            assert (tmp_path / f"{NAME}.damaged").read_bytes() == contents
        else:
            assert house.meters.problem == ""
        house.store(house.add(1), 1)
        assert len(house.again().readings()) == 1
        assert house.meters.problem == ""


def test_a_folder_in_its_place_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / NAME / "inside").mkdir(parents=True)
    with household(tmp_path) as house:
        house.store(house.add(1), 1)
        assert "were damaged" in house.meters.problem
    assert (tmp_path / f"{NAME}.damaged" / "inside").is_dir()


def test_a_file_of_newer_firmware_is_kept_aside(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        house.add(1)
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with household(tmp_path) as house:
        assert "newer than this firmware" in house.meters.problem
    with closing(sqlite3.connect(tmp_path / f"{NAME}.damaged")) as connection:
        assert connection.execute("SELECT count(*) FROM meter").fetchone() == (1,)


def _garble_readings(folder: Path) -> None:
    """Overwrite the pages of the readings, and leave the list whole."""
    with closing(sqlite3.connect(folder / NAME)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        pages = [
            row[0]
            for row in connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name IN ('reading', 'value', 'series', 'reading_of_meter')"
            )
        ]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (folder / NAME).open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(os.urandom(size))


@pytest.mark.parametrize("is_reading", [True, False])
def test_damage_is_found_in_operation_and_the_list_stays(tmp_path: Path, is_reading: bool) -> None:
    with household(tmp_path) as house:
        keys = [house.add(1, name="kitchen"), house.add(2)]
        last = [house.store(key, 1) for key in keys][-1]
        _garble_readings(tmp_path)
        for connection in (house.meters.database._writer, house.meters.database._reader):
            assert connection is not None
            connection.execute("PRAGMA shrink_memory")
        if is_reading:
            assert house.meters.readings() == ()
        else:
            with pytest.raises(SaveFailed):
                house.store(keys[0], 2)
        assert "were damaged" in house.meters.problem
        assert house.meters.readings() == ()
        assert house.meters.find(keys[0]).name == "kitchen"
        assert house.store(keys[0], 3) > last
        assert house.add(3) > max(keys)
        again = house.again()
        assert [*again.meters] == [*keys, max(keys) + 1]
        assert [one.meter for one in again.readings()] == keys[:1]


def test_damage_is_found_at_the_start(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        key = house.add(1, name="kitchen")
        last = house.store(key, 1)
    _garble_readings(tmp_path)
    with household(tmp_path) as house:
        house.meters.readings()
        assert "were damaged" in house.meters.problem
        assert house.meters.find(key).name == "kitchen"
        assert house.store(key, 3) > last


@pytest.mark.parametrize("is_readable", [True, False])
def test_the_list_outlasts_a_file_that_is_lost(tmp_path: Path, is_readable: bool) -> None:
    with household(tmp_path) as house:
        keys = [house.add(1, name="kitchen"), house.add(2), house.add(3)]
        house.meters.remove(keys.pop())
        number = house.store(keys[0], 1)
        before = dict(house.meters.meters)
    if is_readable:
        with closing(sqlite3.connect(tmp_path / NAME)) as connection:
            connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    else:
        (tmp_path / NAME).write_bytes(bytes(10_000))
    with household(tmp_path) as house:
        assert house.meters.meters == before
        assert house.store(keys[1], 1) > number
        assert house.add(4) == keys[-1] + 2


@pytest.mark.parametrize("copy", [b"", b"{}", b"\xff", b'{"last": 1, "meters": [{"colour": "blue"}]}'])
def test_a_damaged_copy_of_the_list_is_left(tmp_path: Path, copy: bytes) -> None:
    (tmp_path / NAME).write_bytes(b"no database")
    (tmp_path / "meters.json").write_bytes(copy)
    with household(tmp_path) as house:
        assert house.meters.meters == {}
        assert house.add(1) == 1


def test_numbers_go_on_when_the_former_ones_are_lost(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database")
    with household(tmp_path) as house:
        key = house.add(1)
        assert house.store(key, 1) == int(house.time.wall_now) + 1


def test_the_former_owners_readings_are_gone_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"former secret")
    with household(tmp_path) as house:
        key = house.add(1, name="Mrs Miller")
        number = house.store(key, 1)
        house.meters.search([2400], primary=True, secondary=False)
        house.meters.read_now([key])
        house.meters.forget_all()
        assert house.meters.snapshot().meters == ()
        assert (house.meters.snapshot().readings, house.meters.problem) == (0, "")
        assert house.meters.snapshot().search.began_at is None
        assert house.meters.orders.next_readout is None
        assert house.store(house.add(1), 1) > number
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Miller" not in left
    assert b"former secret" not in left


# The disk.

LIMITED = """
import resource, signal, sys
from pathlib import Path
from appliance.errors import SaveFailed
from tests.meters.rig import household

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with household(Path(sys.argv[1])) as house:
    key = house.add(1)
    house.store(key, 1)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What the log has now, and a little more.
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, unlimited[1]))
    stored, failed = 1, 0
    while failed < 3:
        try:
            house.store(key, 1)
            stored += 1
        except SaveFailed:
            failed += 1
            assert "cannot be stored" in house.meters.problem, house.meters.problem
            assert house.meters.snapshot().problem
    assert len(house.meters.readings(limit=1000)) == stored == house.meters.snapshot().readings
    try:
        house.add(2)
    except SaveFailed:
        print("refused")
    assert len(house.meters.meters) == 1
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    house.store(key, 1)
    assert house.meters.problem == "", house.meters.problem
    again = house.again()
    found = again.readings(limit=1000)
    assert len(found) == stored + 1
    (series,) = again.series(key)
    assert len(again.history(series.key, most=1000)) == stored + 1
    print("well")
"""


def test_a_full_disk_is_told_and_nothing_is_half_stored(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["refused", "well"], done.stdout + done.stderr


def test_a_folder_that_cannot_be_written_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with household(tmp_path / "settings") as house:
        house.meters.close()
        house.folder = tmp_path / "file"
        house.meters = house._new()
        assert "cannot be stored" in house.meters.problem
        assert house.meters.readings() == ()
        with pytest.raises(SaveFailed):
            house.add(1)


STORING = """
import sys
from pathlib import Path
from tests.meters.rig import household

with household(Path(sys.argv[1])) as house:
    key = next(iter(house.meters.meters), None) or house.add(1)
    count = 0
    while True:
        count += 1
        print(house.store(key, count, count + 1, count + 2), flush=True)
"""


def test_no_reading_that_was_stored_is_lost_when_the_program_is_killed(tmp_path: Path) -> None:
    need(hasattr(signal, "SIGKILL"), "no SIGKILL")
    reported: list[int] = []
    for burst in (5, 20, 40):
        with subprocess.Popen([sys.executable, "-c", STORING, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            reported += [int(program.stdout.readline()) for _ in range(burst)]
            program.kill()
            reported += [int(line) for line in program.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        with household(tmp_path) as house:
            stored = [one.key for one in house.meters.readings(limit=100_000)]
            assert len(set(stored)) == len(stored)
            assert set(reported) <= set(stored)
            assert len(set(stored) - set(reported)) <= len((5, 20, 40))  # stored, and killed before the report
            series = house.meters.series(1)
            assert len(series) == 3
            assert all(len(house.meters.history(one.key, most=10**6)) == len(stored) for one in series)
            assert house.meters.problem == ""
            assert house.meters.latest(1) == house.meters.readings(limit=100_000)[-1]


def test_a_transaction_that_fails_changes_nothing(tmp_path: Path) -> None:
    def delete() -> None:
        with house.meters.database.writing() as connection:
            connection.execute("DELETE FROM reading")
            raise RuntimeError

    with household(tmp_path) as house:
        key = house.add(1)
        house.store(key, 1)
        with pytest.raises(RuntimeError):
            delete()
        house.store(key, 1)
        assert len(house.again().readings()) == 2
