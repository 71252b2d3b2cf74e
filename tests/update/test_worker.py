"""The updater and RAUC as it is in the image: progress, what it says of a bundle, and what happens when it is gone."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

import pytest

from appliance.errors import UpdateRefused
from appliance.update import refusals
from appliance.update.snapshot import Stage
from appliance.update.worker import REBOOT_DELAY, RETRIES
from tests.update.fake import FakeRauc
from tests.update.rig import Bench, bus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORM = b"hsqs".ljust(40, b"\0") + (5000).to_bytes(8, "little") + b"p" * 10_000 + b"\x30" + b"s" * 99
BUNDLE = FORM + (100).to_bytes(8, "big")
"""Has the outer form of a bundle, and nothing in it."""


@pytest.fixture
def rauc() -> FakeRauc:
    return FakeRauc()


@pytest.fixture
def bench(rauc: FakeRauc, tmp_path: Path) -> Iterator[Bench]:
    with rauc.running(tmp_path / "bus") as address, Bench(tmp_path, address).working() as bench:
        yield bench


def upload(bench: Bench) -> None:
    bench.updater.receive("cme3000.romz", io.BytesIO(BUNDLE), len(BUNDLE))
    bench.await_stage(Stage.READY, Stage.FAILED)


def test_what_rauc_says_of_a_bundle(bench: Bench, rauc: FakeRauc) -> None:
    upload(bench)
    bundle = bench.now.bundle
    assert bundle is not None
    assert (bundle.version, bundle.build_date, bundle.minimum_version) == ("1.2.0", dt.date(2026, 11, 20), "1.0.0")
    assert (bundle.compatible, bundle.notes, bundle.size) == ("cme3000-rpi", "Faster.", len(BUNDLE))
    assert rauc.inspected == [str(bench.state / "update/cme3000.romz")]


def test_progress_is_told_and_the_device_reboots_a_little_later(bench: Bench, rauc: FakeRauc) -> None:
    upload(bench)
    bench.updater.install(version="1.2.0")
    bench.wait_for(lambda: rauc.installed, "the installation")
    for percent in (20, 60):
        rauc.percent, rauc.message = percent, f"Copying {percent}"
        bench.wait_for(lambda percent=percent: bench.now.percent == percent, "the progress")  # type: ignore[misc] # binds the loop's value
        assert bench.now.message == f"Copying {percent}"
        assert bench.now.stage is Stage.INSTALLING
    rauc.finish()
    bench.await_stage(Stage.INSTALLED)
    assert bench.reboots == []
    bench.advance(REBOOT_DELAY)
    bench.wait_for(lambda: bench.reboots == ["new firmware was installed"], "the reboot")


def test_an_installation_that_fails_late_leaves_the_device_as_it_is(bench: Bench, rauc: FakeRauc) -> None:
    upload(bench)
    bench.updater.install(version="1.2.0")
    bench.wait_for(lambda: rauc.installed, "the installation")
    rauc.finish("Installation error: Failed updating slot rootfs.1: failed to read image: Input/output error")
    bench.await_stage(Stage.FAILED)
    assert bench.now.error == refusals.READ_ERROR
    assert bench.files == []
    assert (bench.reboots, rauc.marks) == ([], [])
    upload(bench)
    assert bench.now.stage is Stage.READY


def test_another_installation_is_under_way(bench: Bench, rauc: FakeRauc) -> None:
    rauc.refusals["InstallBundle"] = "Already processing a different method"
    upload(bench)
    bench.updater.install(version="1.2.0")
    bench.await_stage(Stage.FAILED)
    assert bench.now.error == refusals.BUSY


def test_what_was_under_way_before_is_held_to_the_floor(rauc: FakeRauc, tmp_path: Path) -> None:
    rauc.operation, rauc.update["version"] = "installing", "1.0.0"
    with (
        rauc.running(tmp_path / "bus") as address,
        Bench(tmp_path, address, minimum_version="1.1.0").working() as bench,
    ):
        bench.await_stage(Stage.INSTALLING)
        rauc.finish()
        bench.await_stage(Stage.FAILED)
        assert rauc.marks == [("active", "booted"), ("bad", "other")]
        assert bench.now.last_update.startswith("An update could not be installed. Version 1.0.0 is older than 1.1.0")


def test_a_device_that_starts_in_the_midst_of_an_installation_follows_it(rauc: FakeRauc, tmp_path: Path) -> None:
    rauc.operation = "installing"
    with rauc.running(tmp_path / "bus") as address, Bench(tmp_path, address).working() as bench:
        bench.await_stage(Stage.INSTALLING)
        rauc.finish()
        bench.await_stage(Stage.INSTALLED)
        assert rauc.installed == []


def test_rauc_may_come_late_and_leftovers_go_before(rauc: FakeRauc, tmp_path: Path) -> None:
    need_folder = tmp_path / "state/update"
    need_folder.mkdir(parents=True)
    for name in ("cme3000.romz", "cme3000.romz.part"):
        (need_folder / name).write_bytes(b"left by a power cut")
    (tmp_path / "bus").mkdir()
    with bus(tmp_path / "bus") as address:
        bench = Bench(tmp_path, address)
        bench.worker.start()
        try:
            bench.wait_for(lambda: "is not there" in bench.now.why_not, "the reason")
            assert not bench.now.is_available
            assert bench.files == []
            with rauc.on(address):
                bench.advance(RETRIES[0])
                bench.wait_for(lambda: bench.now.is_available, "RAUC")
        finally:
            bench.worker.stop(10)


def test_no_bus_at_all_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, f"unix:path={tmp_path}/nothing")
    bench.worker.start()
    try:
        bench.wait_for(lambda: "system bus does not answer" in bench.now.why_not, "the reason")
    finally:
        bench.worker.stop(10)


def test_rauc_that_dies_in_the_midst_is_told(rauc: FakeRauc, tmp_path: Path) -> None:
    (tmp_path / "bus").mkdir()
    with bus(tmp_path / "bus") as address:
        bench = Bench(tmp_path, address)
        bench.worker.start()
        try:
            with rauc.on(address):
                bench.wait_for(lambda: bench.now.is_available, "RAUC")
                upload(bench)
                bench.updater.install(version="1.2.0")
                rauc.message = "Copying image"  # known only once the answer to the call has come
                bench.wait_for(lambda: bench.now.message == "Copying image", "the progress of the installation")
            bench.await_stage(Stage.FAILED)
            assert "connection to RAUC was lost" in bench.now.error
            assert bench.now.last_failed
        finally:
            bench.worker.stop(10)


def test_a_worker_that_takes_over_does_not_install_twice(rauc: FakeRauc, tmp_path: Path) -> None:
    from appliance.update.worker import UpdateWorker

    with rauc.running(tmp_path / "bus") as address, Bench(tmp_path, address).working() as bench:
        upload(bench)
        bench.updater.install(version="1.2.0")
        bench.wait_for(lambda: rauc.installed, "the installation")
        bench.worker.stop(10)
        bench.worker = UpdateWorker(bench.updater)
        bench.worker.start()
        rauc.finish()
        bench.await_stage(Stage.INSTALLED)
        assert len(rauc.installed) == 1


def test_a_fault_of_ours_does_not_make_the_worker_try_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.update import worker

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "admit", broken)
    upload(bench)
    assert (bench.now.stage, bench.now.error) == (Stage.FAILED, worker.UNFORESEEN)
    assert bench.worker.is_alive


def test_stopping_does_not_wait_for_rauc(rauc: FakeRauc, tmp_path: Path) -> None:
    with rauc.running(tmp_path / "bus") as address:
        bench = Bench(tmp_path, address)
        bench.worker.start()
        bench.wait_for(lambda: bench.now.is_available, "RAUC")
        rauc.answers.clear()
        try:
            bench.updater.receive("cme3000.romz", io.BytesIO(BUNDLE), len(BUNDLE))
            bench.wait_for(rauc.is_asked.is_set, "the question")
            bench.worker.stop(5)
        finally:
            rauc.answers.set()


def test_requests_that_make_no_sense(bench: Bench) -> None:
    with pytest.raises(UpdateRefused, match="No index is set"):
        bench.updater.look_for_offer()
    bench.updater.discard()
    assert bench.now.stage is Stage.IDLE
