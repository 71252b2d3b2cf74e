"""Asking for a reboot; tests/image has the unit that hears it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.errors import RebootError
from appliance.supervision.reboot import REQUEST, RequestFile, RestartProgram, rebooter_for

if TYPE_CHECKING:
    from pathlib import Path


def test_a_request_is_a_file_with_the_reason_on_one_line(tmp_path: Path) -> None:
    RequestFile(tmp_path / "reboot").reboot("asked for\nby admin")
    assert (tmp_path / "reboot").read_text("utf-8") == "asked for\\nby admin\n"
    assert [path.name for path in tmp_path.iterdir()] == ["reboot"]


def test_a_second_request_takes_the_place_of_the_first(tmp_path: Path) -> None:
    rebooter = RequestFile(tmp_path / "reboot")
    rebooter.reboot("one")
    rebooter.reboot("two")
    assert (tmp_path / "reboot").read_text("utf-8") == "two\n"


def test_a_request_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(RebootError, match="cannot ask for a reboot: No such file") as caught:
        RequestFile(tmp_path / "gone" / "reboot").reboot("why")
    assert caught.value.filename == str(tmp_path / "gone" / "reboot")


def test_without_a_device_the_program_is_told_and_the_first_reason_stands() -> None:
    told: list[str] = []
    rebooter = RestartProgram(lambda: told.append("stop"))
    reasons = [rebooter.why]
    for why in ("one", "two"):
        rebooter.reboot(why)
        reasons.append(rebooter.why)
    assert reasons == [None, "one", "one"]
    assert told == ["stop", "stop"]


def test_the_unit_decides_which_it_is(tmp_path: Path) -> None:
    path = tmp_path / "reboot"
    rebooter_for({REQUEST: str(path)}).reboot("why")
    assert path.exists()
    not_ours = {"RUNTIME_DIRECTORY": str(tmp_path)}
    assert all(isinstance(rebooter_for(environ), RestartProgram) for environ in ({}, {REQUEST: ""}, not_ours))
