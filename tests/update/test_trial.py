"""After the reboot: the trial of new firmware, the way back, and what is told of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UpdateBusy
from appliance.update.snapshot import Stage
from appliance.update.trial import LIMIT, PERIOD, Trial, Verdict
from appliance.update.worker import REBOOT_DELAY
from tests.update.fake import FakeRauc
from tests.update.rig import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PENDING = {"version": "1.2.0", "slot": "B", "former": "1.1.0", "boot": "another", "when": 1.0, "problems": []}


@pytest.fixture
def rauc() -> FakeRauc:
    """Give one that has started new firmware in slot B."""
    rauc = FakeRauc()
    rauc.booted = rauc.primary = "B"
    rauc.version["B"] = "1.2.0"
    return rauc


@pytest.fixture
def address(rauc: FakeRauc, tmp_path: Path) -> Iterator[str]:
    with rauc.running(tmp_path / "bus") as address:
        yield address


def with_note(folder: Path, **changes: object) -> Path:
    (folder / "state/update").mkdir(parents=True)
    (folder / "state/update/pending.json").write_text(json.dumps({**PENDING, **changes}))
    return folder


def advance_until(bench: Bench, condition: object, what: str) -> None:
    """Let the trial look again and again."""
    assert callable(condition)

    def stepped() -> bool:
        bench.advance(PERIOD)
        return bool(condition())

    bench.wait_for(stepped, what)


def test_firmware_that_is_well_for_long_enough_is_kept(rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    bench = Bench(with_note(tmp_path), address, version="1.2.0")
    with bench.working():
        assert bench.now.on_trial
        bench.wait_for(lambda: bench.now.trial_ends is not None, "a first look")
        with pytest.raises(UpdateBusy, match="on trial"):
            bench.updater.install(version="1.3.0")
        with pytest.raises(UpdateBusy, match="on trial"):
            bench.updater.fetch("http://a.example/cme3000.romz")
        bench.advance(59)
        assert rauc.marks == []
        advance_until(bench, lambda: not bench.now.on_trial, "the end of the trial")
        assert rauc.marks == [("good", "booted")]
        assert (bench.now.last_update, bench.now.last_failed) == (
            "Version 1.2.0 was installed in place of 1.1.0.",
            False,
        )
        assert bench.reboots == []
        assert [(slot.name, slot.is_running, slot.is_good) for slot in bench.now.slots] == [
            ("A", False, True),
            ("B", True, True),
        ]
    again = Bench(tmp_path, address, version="1.2.0")
    with again.working():
        assert again.now.last_update == "Version 1.2.0 was installed in place of 1.1.0."
        assert not again.now.on_trial


def test_firmware_that_does_not_get_well_makes_way_for_the_former(rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    bench = Bench(with_note(tmp_path), address, version="1.2.0")
    bench.ailments = ("the web server does not answer",)
    with bench.working():
        bench.advance(LIMIT - 60)
        assert bench.now.trial_ends is None
        advance_until(bench, lambda: bench.reboots, "the reboot")
        assert "the web server does not answer" in bench.reboots[0]
        assert rauc.marks == []
        assert bench.now.on_trial


def test_it_goes_on_where_there_is_nothing_to_go_back_to(rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    rauc.good["A"] = False
    bench = Bench(tmp_path, address, version="1.2.0")
    bench.ailments = ("the web server does not answer",)
    with bench.working():
        bench.advance(LIMIT + 1)
        bench.wait_for(lambda: bench.worker._proving.due > bench.updater.clock() + PERIOD, "a decision")
        assert bench.reboots == []
        bench.ailments = ()
        bench.advance(120)
        advance_until(bench, lambda: not bench.now.on_trial, "the end of the trial")


def test_settings_that_only_the_former_firmware_understood_count(address: str, tmp_path: Path) -> None:
    folder = with_note(tmp_path, problems=["line.warp: no such setting; there is none of this name; it is left out"])
    (folder / "state/settings.toml").write_text("schema = 1\n[tunnel]\nport = 'much'\n")
    bench = Bench(folder, address, version="1.2.0")
    assert bench.settings.problems
    with bench.working():
        bench.advance(LIMIT)
        advance_until(bench, lambda: bench.reboots, "the reboot")
        assert "tunnel.port" in bench.reboots[0]


@pytest.mark.parametrize("is_older", [False, True])
def test_settings_that_were_wrong_before_do_not_count_nor_those_after_a_downgrade(
    address: str, tmp_path: Path, is_older: bool
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/settings.toml").write_text("schema = 1\n[tunnel]\nport = 'much'\n")
    problems = [str(problem) for problem in Bench(tmp_path, "").settings.problems]
    (tmp_path / "state/update").mkdir()
    note = {**PENDING, "former": "1.3.0"} if is_older else {**PENDING, "problems": problems}
    (tmp_path / "state/update/pending.json").write_text(json.dumps(note))
    bench = Bench(tmp_path, address, version="1.2.0")
    with bench.working():
        bench.advance(1)
        advance_until(bench, lambda: not bench.now.on_trial, "the end of the trial")


def test_a_fallback_is_told_and_kept(rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    rauc.booted = rauc.primary = "A"
    for folder in (with_note(tmp_path), tmp_path):
        bench = Bench(folder, address)
        with bench.working():
            assert bench.now.last_failed
            assert bench.now.last_update == "Version 1.2.0 did not come up. The device runs 1.1.0 again."
            assert not bench.now.on_trial
            assert bench.reboots == []
        assert not (tmp_path / "state/update/pending.json").exists()


def test_a_program_that_starts_again_before_the_reboot_makes_it(rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    from appliance.update.notes import boot_id

    rauc.booted = "A"
    bench = Bench(with_note(tmp_path, boot=boot_id()), address)
    with bench.working():
        assert bench.now.stage is Stage.INSTALLED
        assert not bench.now.last_failed
        bench.advance(REBOOT_DELAY)
        bench.wait_for(lambda: bench.reboots, "the reboot")


def test_a_boot_loader_that_cannot_be_told_is_told_again(rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    rauc.refusals["Mark"] = "failed to write"
    bench = Bench(tmp_path, address, version="1.2.0")
    with bench.working():
        bench.wait_for(lambda: bench.now.trial_ends is not None, "a first look")
        bench.advance(61)
        bench.wait_for(lambda: bench.worker._proving.due > bench.updater.clock() + PERIOD, "the refusal")
        assert bench.now.on_trial
        rauc.refusals.clear()
        bench.advance(61)
        bench.wait_for(lambda: not bench.now.on_trial, "the end of the trial")


@pytest.mark.parametrize("note", ["", "{", "[]", '{"version": 7}', "null", "x" * 70_000])
def test_a_broken_note_is_none(rauc: FakeRauc, address: str, tmp_path: Path, note: str) -> None:
    rauc.good["B"] = True
    (tmp_path / "state/update").mkdir(parents=True)
    for name in ("pending", "outcome"):
        (tmp_path / f"state/update/{name}.json").write_text(note)
    with Bench(tmp_path, address).working() as bench:
        assert (bench.now.last_update, bench.now.on_trial, bench.reboots) == ("", False, [])


def test_a_break_begins_the_time_anew() -> None:
    ailments: list[str] = []
    trial = Trial(lambda: tuple(ailments), began_at=0.0)
    assert [trial.look(now, 60.0) for now in (0.0, 30.0, 59.0)] == [Verdict.WAIT] * 3
    assert trial.ends(60.0) == 60.0
    ailments.append("the tunnel does not listen")
    assert trial.look(60.0, 60.0) is Verdict.WAIT
    assert trial.ends(60.0) is None
    ailments.clear()
    assert trial.look(65.0, 60.0) is Verdict.WAIT
    assert trial.look(124.0, 60.0) is Verdict.WAIT
    assert trial.look(125.0, 60.0) is Verdict.GOOD


def test_one_that_is_well_at_the_last_moment_is_not_cut_off() -> None:
    ailments = ["the tunnel does not listen"]
    trial = Trial(lambda: tuple(ailments), began_at=0.0)
    assert trial.look(LIMIT - 1, 60.0) is Verdict.WAIT
    ailments.clear()
    assert trial.look(LIMIT - 0.5, 60.0) is Verdict.WAIT
    assert trial.look(LIMIT + 10, 60.0) is Verdict.WAIT
    ailments.append("it again")
    assert trial.look(LIMIT + 11, 60.0) is Verdict.HOPELESS
