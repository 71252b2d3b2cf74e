from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scripts.newcomer import Newcomer, may_change_user

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer.arrive(tmp_path)


def test_the_first_run_sets_up_and_starts(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/run", "--meters", "two words")
    assert outcome.code == 0, outcome
    assert outcome.out == (
        f"ran {newcomer.folder}/.venv/bin/cme3000\n<simulate><--state><{newcomer.folder}/.state><--meters><two words>"
    )
    pinned, package = newcomer.calls()
    assert "--require-hashes" in pinned
    assert "requirements/run.lock" in pinned
    assert package.endswith(f"--no-deps --no-build-isolation --editable {newcomer.folder}")


def test_what_builds_the_package_is_pinned_too(newcomer: Newcomer) -> None:
    newcomer.run("scripts/run")
    lines = (newcomer.folder / ".venv/builder.txt").read_text().splitlines()
    assert lines[0].startswith("flit-core==")
    assert any("--hash=sha256:" in line for line in lines)
    assert not any(line.startswith("grimp") for line in lines)


def test_the_second_run_installs_nothing(newcomer: Newcomer) -> None:
    newcomer.run("scripts/run")
    before = newcomer.calls()
    outcome = newcomer.run("scripts/run")
    assert newcomer.calls() == before
    assert outcome.complaints == []


def test_it_works_through_a_link(newcomer: Newcomer, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(newcomer.folder / "scripts/run")
    assert newcomer.run(link).out.startswith(f"ran {newcomer.folder}/.venv/bin/cme3000\n")


def test_a_changed_lock_file_is_installed(newcomer: Newcomer) -> None:
    newcomer.run("scripts/run")
    with (newcomer.folder / "requirements/run.lock").open("a") as lock:
        lock.write("# changed\n")
    newcomer.run("scripts/run")
    assert len(newcomer.calls()) == 4


def test_what_was_interrupted_is_made_anew(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/run", PIP_FAILS="yes")
    assert outcome.code == 1
    assert outcome.complaints[-2] == "ERROR: no way out"
    assert "Is there a way to the Python package index" in outcome.complaints[-1]
    left = newcomer.folder / ".venv/left-behind"
    left.touch()
    assert newcomer.run("scripts/run").code == 0
    assert not left.exists()


def test_a_folder_that_was_moved_is_set_up_anew(newcomer: Newcomer) -> None:
    newcomer.run("scripts/run")
    newcomer.folder = newcomer.folder.rename(newcomer.folder.with_name("elsewhere"))
    assert newcomer.run("scripts/run").out.startswith(f"ran {newcomer.folder}/.venv/bin/cme3000\n")
    assert len(newcomer.calls()) == 4


def test_two_at_once_set_up_once(newcomer: Newcomer) -> None:
    both = [newcomer.start("scripts/run", PIP_TAKES="0.3") for _ in range(2)]
    for process in both:
        with process:
            out, _ = process.communicate(timeout=60)
            assert out.startswith("ran ")
    assert len(newcomer.calls()) == 2


def test_the_packages_for_the_tests_serve_to_run(newcomer: Newcomer) -> None:
    newcomer.run("scripts/test")
    before = newcomer.calls()
    assert newcomer.run("scripts/run").code == 0
    assert newcomer.calls() == before


def test_no_python_is_new_enough(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/run", TOO_OLD="yes")
    assert outcome.code == 1
    assert outcome.complaints == [
        (
            "scripts/run: no Python 3.11, 3.12 or 3.13 found (Python 3.12.9). "
            "Install one, for example on Debian 12 or later: apt-get install python3 python3-venv"
        )
    ]


def test_venv_is_missing_and_cannot_be_installed(newcomer: Newcomer) -> None:
    outcome = newcomer.run("scripts/run", NO_ENSUREPIP="yes")
    assert outcome.code == 1
    assert outcome.complaints == [
        (
            "scripts/run: python3 cannot make a virtual environment (ensurepip is not available). "
            "As root: apt-get install python3.12-venv"
        )
    ]


def test_venv_is_missing_and_root_installs_it(newcomer: Newcomer) -> None:
    newcomer.become_root()
    outcome = newcomer.run("scripts/run", NO_ENSUREPIP="yes")
    assert outcome.code == 0, outcome
    update, install = newcomer.calls()[:2]
    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert install.endswith(" python3.12-venv")


@pytest.fixture
def visitor() -> Iterator[Newcomer]:
    """One who may read the copy and not write it."""
    # Not tmp_path, whose parents are closed to others.
    parent = Path(tempfile.mkdtemp())
    newcomer = Newcomer.arrive(parent)
    folders = [parent, newcomer.folder]
    for folder in folders:
        folder.chmod(0o555)
    yield newcomer
    for folder in folders:
        folder.chmod(0o755)
    shutil.rmtree(parent)


def test_a_folder_that_cannot_be_written(visitor: Newcomer) -> None:
    outcome = visitor.run("scripts/run", user=NOBODY if may_change_user() else None)
    assert outcome.code == 1
    assert outcome.complaints == [
        (
            f"scripts/run: cannot write to {visitor.folder}, where the virtual environment belongs. "
            "Copy the folder to a place of your own, or run this as the user who owns it."
        )
    ]
