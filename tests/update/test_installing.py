"""Whole installations by a real RAUC. Bundles in the form verity need a kernel with device-mapper; these are plain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UpdateBusy, UpdateRefused
from appliance.update import refusals
from appliance.update.snapshot import Stage
from appliance.update.worker import REBOOT_DELAY
from tests.conftest import need
from tests.update.rig import Bench, Host, Works, needs_rauc

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    needs_rauc()
    need(Path("/dev/loop-control").exists(), "the kernel has no loop devices")
    return Works(tmp_path_factory.mktemp("works"))


@pytest.fixture
def host(works: Works, tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "host", works, formats="plain verity")
    with host.running():
        yield host


def bench_of(host: Host, folder: Path, *, minimum_version: str = "") -> Bench:
    return Bench(folder, host.address, program=host.program, minimum_version=minimum_version)


def test_a_good_bundle_is_installed_and_the_device_reboots(host: Host, works: Works, tmp_path: Path) -> None:
    bundle = works.bundle(form="plain", size=200_000)
    running = host.slot("A").read_bytes()
    with bench_of(host, tmp_path).working() as bench:
        assert [(slot.name, slot.is_running, slot.is_good, slot.version) for slot in bench.now.slots] == [
            ("A", True, True, "1.1.0"),
            ("B", False, False, ""),
        ]
        assert bench.upload(bundle).stage is Stage.READY
        bench.updater.install(version="1.2.0")
        now = bench.await_stage(Stage.INSTALLED, Stage.FAILED)
        assert (now.stage, now.error, now.percent) == (Stage.INSTALLED, "", 100)
        assert (now.slots[1].version, now.slots[1].holds) == ("1.2.0", "")
        assert now.slots[1].installed_at is not None
        assert bench.files == []
        assert bench.reboots == []
        with pytest.raises(UpdateBusy, match="about to reboot"):
            bench.updater.install(version="1.2.0")
        bench.advance(REBOOT_DELAY)
        bench.wait_for(lambda: bench.reboots, "the reboot")
        pending = json.loads((bench.state / "update/pending.json").read_text())
        assert (pending["version"], pending["slot"], pending["former"]) == ("1.2.0", "B", "1.1.0")
    assert host.slot("A").read_bytes() == running
    assert host.slot("B").read_bytes()[:4096] != b"B" * 4096
    assert (host.boot / "primary").read_text() == "B"


def test_only_what_was_seen_is_installed_and_a_downgrade_wants_to_be_confirmed(
    host: Host, works: Works, tmp_path: Path
) -> None:
    before = host.contents
    with bench_of(host, tmp_path).working() as bench:
        with pytest.raises(UpdateRefused, match="No firmware is ready"):
            bench.updater.install(version="1.0.0")
        now = bench.upload(works.bundle("1.0.0", form="plain"))
        assert now.bundle is not None
        assert now.bundle.is_older
        with pytest.raises(UpdateRefused, match=r"Version 1\.0\.0 is ready to be installed, not \"1\.2\.0\""):
            bench.updater.install(version="1.2.0", confirms_downgrade=True)
        with pytest.raises(UpdateRefused, match="has to be confirmed"):
            bench.updater.install(version="1.0.0")
        assert bench.now.stage is Stage.READY
        assert host.contents == before
        bench.updater.install(version="1.0.0", confirms_downgrade=True)
        bench.await_stage(Stage.INSTALLED)


def test_nothing_below_the_floor_is_taken_whoever_confirms(host: Host, works: Works, tmp_path: Path) -> None:
    before = host.contents
    with bench_of(host, tmp_path, minimum_version="1.0.5").working() as bench:
        now = bench.upload(works.bundle("1.0.4", form="plain"))
        assert now.error == "Version 1.0.4 is older than 1.0.5, the oldest to which this device can go back."
        assert bench.files == []
        assert bench.upload(works.bundle("1.0.5", form="plain")).stage is Stage.READY
    assert host.contents == before


def test_what_does_not_fit_into_the_slot_fails_and_the_device_stays_where_it_is(
    host: Host, works: Works, tmp_path: Path
) -> None:
    running = host.slot("A").read_bytes()
    host.slot("B").unlink()
    host.slot("B").symlink_to("/dev/full")
    with bench_of(host, tmp_path).working() as bench:
        assert bench.upload(works.bundle(form="plain")).stage is Stage.READY
        bench.updater.install(version="1.2.0")
        now = bench.await_stage(Stage.INSTALLED, Stage.FAILED)
        assert (now.stage, now.error) == (Stage.FAILED, refusals.NO_ROOM)
        assert (now.last_update, now.last_failed) == (
            f"Version 1.2.0 could not be installed. {refusals.NO_ROOM}",
            True,
        )
        assert bench.files == []
        assert bench.reboots == []
    assert host.slot("A").read_bytes() == running
    assert (host.boot / "primary").read_text() == "A"
    again = bench_of(host, tmp_path)
    with again.working():
        assert again.now.last_failed
        assert "could not be installed" in again.now.last_update


def test_a_bundle_that_is_exchanged_after_its_check_is_not_used(host: Host, works: Works, tmp_path: Path) -> None:
    with bench_of(host, tmp_path).working() as bench:
        assert bench.upload(works.bundle("1.2.0", form="plain")).stage is Stage.READY
        works.bundle("1.0.0", form="plain").replace(bench.state / "update/cme3000.romz")
        bench.updater.install(version="1.2.0")
        now = bench.await_stage(Stage.INSTALLED, Stage.FAILED)
        assert now.error == 'Version "1.0.0" was installed in place of 1.2.0: it is not used.'
        assert bench.reboots == []
    assert (host.boot / "primary").read_text() == "A"
    assert (host.boot / "B").read_text() == "bad"


def test_an_installation_that_was_under_way_before_ends_in_a_reboot(host: Host, works: Works, tmp_path: Path) -> None:
    from appliance.update.rauc import Rauc

    bundle = works.bundle(form="plain", size=200_000)
    with bench_of(host, tmp_path).working() as bench:
        # It is over before anybody looks here: as if the program had begun in its midst, it is followed from there.
        with Rauc(host.address) as rauc:
            rauc.install(str(bundle))
            bench.wait_for(lambda: rauc.operation.is_idle, "RAUC")
        bench.worker._follow_foreign()
        bench.worker.wake()
        bench.await_stage(Stage.INSTALLED)
        bench.advance(REBOOT_DELAY)
        bench.wait_for(lambda: bench.reboots, "the reboot")
