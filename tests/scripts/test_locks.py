from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.scripts.newcomer import REPOSITORY

PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
RUN: list[str] = PROJECT["project"]["dependencies"]
DEV: list[str] = PROJECT["dependency-groups"]["dev"]


def pins(name: str) -> dict[str, str]:
    text = (REPOSITORY / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", text, re.MULTILINE))


@pytest.mark.parametrize(("lock", "wanted"), [("run.lock", RUN), ("dev.lock", [*RUN, *DEV])])
def test_what_the_project_asks_for_is_pinned(lock: str, wanted: list[str]) -> None:
    pinned = pins(lock)
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not in {lock}: run scripts/lock"
        assert requirement.specifier.contains(pinned[name]), f"{name} is outdated in {lock}: run scripts/lock"


def test_both_lock_files_agree() -> None:
    # scripts/run is content with the environment that scripts/test made.
    assert pins("run.lock").items() <= pins("dev.lock").items()


def test_the_set_up_accepts_the_pythons_that_the_project_names() -> None:
    wanted = SpecifierSet(PROJECT["project"]["requires-python"])
    text = (REPOSITORY / "scripts/environment.sh").read_text()
    (lowest, highest) = re.findall(r"\((3), (\d+)\) <= sys.version_info\[:2\] <= \((3), (\d+)\)", text)[0][1::2]
    accepted = [minor for minor in range(30) if int(lowest) <= minor <= int(highest)]
    assert accepted == [minor for minor in range(30) if wanted.contains(f"3.{minor}.5")]
