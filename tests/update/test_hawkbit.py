"""Updates that a hawkBit server assigns, from the first poll to what is told after the reboot."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from appliance.update.hawkbit import (
    AWAITS_PERSON,
    AWAITS_SERVER,
    AWAITS_WINDOW,
    DISCARDED,
    DOWNLOADED,
    INCOMPLETE,
    NOTHING,
    RETRIES,
)
from appliance.update.snapshot import Stage
from appliance.update.worker import REBOOT_DELAY
from tests.update.fake import FakeRauc
from tests.update.hawkbit_server import BASE, DEVICE, FILE, TOKEN, FakeHawkbit, hawkbit_server
from tests.update.rig import Bench
from tests.update.servers import web_server
from tests.update.test_trial import PENDING, advance_until
from tests.update.test_worker import BUNDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REFUSAL = "The last update that hawkBit assigned was not installed. "


@pytest.fixture
def server() -> Iterator[FakeHawkbit]:
    with hawkbit_server() as server:
        yield server


@pytest.fixture
def rauc() -> FakeRauc:
    return FakeRauc()


@pytest.fixture
def address(rauc: FakeRauc, tmp_path: Path) -> Iterator[str]:
    with rauc.running(tmp_path / "bus") as address:
        yield address


def managed(bench: Bench, server: FakeHawkbit, **changes: str) -> Bench:
    values = {"enabled": "on", "url": server.url, "token": TOKEN, **changes}
    bench.settings.set({f"update.hawkbit_{name}": value for name, value in values.items()}, save=False)
    return bench


@pytest.fixture
def bench(server: FakeHawkbit, address: str, tmp_path: Path) -> Iterator[Bench]:
    with managed(Bench(tmp_path, address), server).working() as bench:
        yield bench


def polled_until(bench: Bench, condition: Callable[[], object], what: str) -> None:
    """Let minutes pass until something has come about."""

    def stepped() -> bool:
        bench.advance(70)
        return bool(condition())

    bench.wait_for(stepped, f"{what}; hawkBit: {bench.now.hawkbit}")


def polls(server: FakeHawkbit) -> int:
    return sum(path == BASE for path, _ in server.asked)


def installed(bench: Bench, rauc: FakeRauc) -> None:
    polled_until(bench, lambda: rauc.installed, "the installation")
    rauc.finish()
    bench.await_stage(Stage.INSTALLED)


def test_a_device_that_nothing_is_assigned_to_asks_and_describes_itself(server: FakeHawkbit, bench: Bench) -> None:
    server.wants_data = True
    polled_until(bench, lambda: bench.now.hawkbit == NOTHING, "a poll")
    assert server.attributes == {
        "product": "CMe3000",
        "version": "1.1.0",
        "serial_number": DEVICE,
        "board": "unknown",
        "slot": "A",
    }
    assert {authorization for _, authorization in server.asked} == {f"TargetToken {TOKEN}"}
    before = polls(server)
    bench.worker.wake()
    bench.advance(20)
    polled_until(bench, lambda: polls(server) > before, "the next poll")


def test_an_assigned_update_is_installed_and_success_is_told_after_the_trial(
    server: FakeHawkbit, rauc: FakeRauc, address: str, tmp_path: Path
) -> None:
    server.assign()
    with managed(Bench(tmp_path, address), server).working() as bench:
        installed(bench, rauc)
        bench.wait_for(lambda: len(server.messages("proceeding")) == 3, "what is told")
        bench.advance(REBOOT_DELAY)
        bench.wait_for(lambda: bench.reboots, "the reboot")
    assert [message for _, message in server.messages("proceeding")] == [
        "The download begins.",
        "Version 1.2.0 is being installed.",
        "Version 1.2.0 is installed; the device reboots.",
    ]
    assert server.messages() == []
    rebooted(tmp_path)
    rauc.booted = "B"
    with managed(Bench(tmp_path, address, version="1.2.0"), server).working() as bench:
        assert bench.now.on_trial
        bench.advance(30)
        polled_until(bench, lambda: not bench.now.on_trial, "the end of the trial")
        polled_until(bench, server.messages, "the end")
        assert server.messages() == [("success", "Version 1.2.0 runs and has proven itself.")]
        polled_until(bench, lambda: bench.now.hawkbit == NOTHING, "rest")
        assert len(rauc.installed) == 1


def rebooted(folder: Path) -> None:
    """Make the note one of another boot."""
    path = folder / "state/update/pending.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "boot": PENDING["boot"]}))


def test_nothing_is_told_of_success_while_the_trial_lasts(
    server: FakeHawkbit, rauc: FakeRauc, address: str, tmp_path: Path
) -> None:
    server.assign()
    with managed(Bench(tmp_path, address), server).working() as bench:
        installed(bench, rauc)
        bench.wait_for(lambda: len(server.messages("proceeding")) == 3, "what is told")
    rebooted(tmp_path)
    rauc.booted = "B"
    bench = managed(Bench(tmp_path, address, version="1.2.0"), server)
    bench.ailments = ("the web server does not answer",)
    with bench.working():
        before = polls(server)
        advance_until(bench, lambda: polls(server) > before + 1, "two polls")
        server.is_cancelling = True
        advance_until(bench, lambda: not server.is_cancelling, "the answer to a cancellation")
        assert server.said[-1][:3] == ("cancelAction", "17", "rejected")
        assert server.messages() == []


def test_a_device_that_fell_back_says_so(server: FakeHawkbit, rauc: FakeRauc, address: str, tmp_path: Path) -> None:
    server.assign()
    with managed(Bench(tmp_path, address), server).working() as bench:
        installed(bench, rauc)
        bench.wait_for(lambda: len(server.messages("proceeding")) == 3, "what is told")
    rebooted(tmp_path)
    with managed(Bench(tmp_path, address), server).working() as bench:
        polled_until(bench, server.messages, "the end")
        assert server.messages() == [("failure", "Version 1.2.0 did not come up. The device runs 1.1.0 again.")]
        polled_until(bench, lambda: "did not come up" in bench.now.hawkbit, "the words")


def test_an_installation_that_was_cut_off_is_told(
    server: FakeHawkbit, rauc: FakeRauc, address: str, tmp_path: Path
) -> None:
    server.assign()
    with managed(Bench(tmp_path, address), server).working() as bench:
        polled_until(bench, lambda: rauc.installed, "the installation")
    rauc.operation = "idle"
    with managed(Bench(tmp_path, address), server).working() as bench:
        polled_until(bench, server.messages, "the end")
    assert server.messages() == [("failure", "The installation was cut off by a restart of the device.")]


def test_an_installation_that_fails_is_told_and_not_tried_again(
    server: FakeHawkbit, rauc: FakeRauc, bench: Bench
) -> None:
    server.assign()
    polled_until(bench, lambda: rauc.installed, "the installation")
    rauc.finish("Failed to write: No space left on device")
    polled_until(bench, server.messages, "the end")
    assert [finished for finished, _ in server.messages()] == ["failure"]
    before = polls(server)
    polled_until(bench, lambda: polls(server) > before + 2, "more polls")
    assert len(rauc.installed) == 1
    assert bench.reboots == []


@pytest.mark.parametrize(("update", "is_installed"), [("attempt", False), ("forced", True)])
def test_older_firmware_is_installed_when_that_is_forced(
    server: FakeHawkbit, rauc: FakeRauc, bench: Bench, update: str, is_installed: bool
) -> None:
    rauc.update["version"] = "1.0.0"
    server.assign(update=update)
    polled_until(bench, lambda: rauc.installed or server.messages(), "a decision")
    assert bool(rauc.installed) == is_installed
    if not is_installed:
        assert "is older than the one that runs" in server.messages()[0][1]
        assert bench.files == []


def test_nothing_below_the_floor_is_installed_even_when_forced(
    server: FakeHawkbit, rauc: FakeRauc, address: str, tmp_path: Path
) -> None:
    rauc.update["version"] = "1.0.0"
    server.assign(update="forced")
    with managed(Bench(tmp_path, address, minimum_version="1.1.0"), server).working() as bench:
        polled_until(bench, server.messages, "the end")
    assert server.messages()[0] == (
        "failure",
        "Version 1.0.0 is older than 1.1.0, the oldest to which this device can go back.",
    )
    assert rauc.installed == []


def test_what_rauc_refuses_is_refused(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    rauc.update["compatible"] = "toaster"
    server.assign()
    polled_until(bench, server.messages, "the end")
    assert "toaster" in server.messages()[0][1]
    polled_until(bench, lambda: bench.now.hawkbit.startswith(REFUSAL), "the words")
    assert bench.files == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hashes": {"sha256": "0" * 64}}, "size or hash differ"),
        ({"size": len(BUNDLE) - 1}, "size or hash differ"),
        ({"size": 1 << 40}, "larger than firmware can be"),
        ({"size": True}, "does not tell the size"),
        ({"hashes": {"sha1": "0" * 40}}, "does not tell the SHA-256"),
        ({"_links": {}}, "where the file is"),
        ({"_links": {"download": {"href": "file:///etc/passwd"}}}, "not an address"),
        ({"filename": "readme.txt"}, "must have one file cme3000.romz, and it has 0"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(
    server: FakeHawkbit, rauc: FakeRauc, bench: Bench, changes: dict[str, Any], message: str
) -> None:
    server.assign(**changes)
    polled_until(bench, server.messages, "the end")
    finished, told = server.messages()[0]
    assert finished == "failure"
    assert message in told
    assert rauc.inspected == []
    assert bench.files == []


def test_a_download_that_breaks_off_is_tried_again_but_not_for_ever(
    server: FakeHawkbit, rauc: FakeRauc, bench: Bench
) -> None:
    server.assign()
    server.answers[FILE] = (200, {"Content-Length": str(len(BUNDLE))}, BUNDLE[:-5])

    def gets() -> int:
        return sum(path == FILE for path, _ in server.asked)

    polled_until(bench, lambda: gets() == 1, "a first try")
    bench.wait_for(lambda: "lost" in bench.now.hawkbit, "the words")
    assert server.messages() == []
    bench.skew += RETRIES[1]
    polled_until(bench, server.messages, "the end")
    assert gets() == 5
    assert server.messages()[0][0] == "failure"
    server.answers.clear()
    server.assign("18")
    polled_until(bench, lambda: rauc.installed, "another action")


def test_the_token_goes_to_no_other_host(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    with web_server() as store, hawkbit_server() as other:
        store.answers["/17"] = (302, {"Location": f"{other.url}/file"}, b"")
        other.answers["/file"] = (200, {}, BUNDLE)
        server.answers[FILE] = (302, {"Location": f"{store.url}/17"}, b"")
        server.assign()
        polled_until(bench, lambda: rauc.installed, "the installation")
        assert other.asked == [("/file", "")]
    assert (FILE, f"TargetToken {TOKEN}") in server.asked


def test_a_poll_is_not_led_to_another_host(server: FakeHawkbit, bench: Bench) -> None:
    with hawkbit_server() as other:
        server.answers[BASE] = (302, {"Location": f"{other.url}{BASE}"}, b"")
        polled_until(bench, lambda: "answers 302" in bench.now.hawkbit, "the words")
        assert other.asked == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, b""), "does not let this device in (it answers 401)"),
        ((500, {}, b"oops"), "127.0.0.1 answers 500."),
        ((200, {}, b"<html>"), "does not answer as one does"),
        ((200, {}, b"[" * 100_000), "does not answer as one does"),
        ((200, {}, b'{"_links": {"deploymentBase": {"href": "/x/deploymentBase/../../etc"}}}'), "as one does"),
        ((200, {}, b"{}".ljust(300_000)), "larger than 256 kB"),
    ],
)
def test_bad_answers_are_told_and_asked_again_later(
    server: FakeHawkbit, bench: Bench, answer: tuple[int, dict[str, str], bytes], words: str
) -> None:
    server.answers[BASE] = answer
    polled_until(bench, lambda: words in bench.now.hawkbit, words)
    server.answers.clear()
    bench.skew += RETRIES[1]
    polled_until(bench, lambda: bench.now.hawkbit == NOTHING, "a good answer")


def test_a_wrong_token_and_missing_settings_are_told(server: FakeHawkbit, address: str, tmp_path: Path) -> None:
    wrong, unsendable = {"token": "wrong"}, {"token": "\u2713"}
    with managed(Bench(tmp_path, address), server, **wrong).working() as bench:
        polled_until(bench, lambda: "are tenant, device id and token right" in bench.now.hawkbit, "the refusal")
        managed(bench, server, **unsendable)
        polled_until(bench, lambda: "cannot be sent" in bench.now.hawkbit, "the bad token")
        managed(bench, server, token="")
        polled_until(bench, lambda: bench.now.hawkbit == INCOMPLETE, "what is missing")
        managed(bench, server)
        polled_until(bench, lambda: bench.now.hawkbit == NOTHING, "a good token")
        managed(bench, server, enabled="off")
        bench.wait_for(lambda: bench.now.hawkbit == "", "silence")


def test_a_cancellation_before_anything_began_is_confirmed(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    server.assign(download="skip", update="skip")
    polled_until(bench, lambda: bench.now.hawkbit == AWAITS_SERVER, "the server's word")
    server.is_cancelling = True
    polled_until(bench, lambda: not server.action, "the cancellation")
    assert server.said == [("cancelAction", "17", "closed", "success", "Nothing of it was installed.")]
    assert rauc.inspected == []


def test_a_maintenance_window_is_waited_for(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    server.assign(update="skip", maintenanceWindow="unavailable")
    polled_until(bench, lambda: bench.now.hawkbit == AWAITS_WINDOW, "the window")
    assert bench.files == ["cme3000.romz"]
    before = polls(server)
    polled_until(bench, lambda: polls(server) > before + 1, "more polls")
    assert rauc.installed == []
    server.deployment |= {"update": "attempt", "maintenanceWindow": "available"}
    polled_until(bench, lambda: rauc.installed, "the installation")
    assert sum(path == FILE for path, _ in server.asked) == 1


def test_what_is_cancelled_while_it_waits_is_removed(server: FakeHawkbit, bench: Bench) -> None:
    server.assign(update="skip", maintenanceWindow="unavailable")
    polled_until(bench, lambda: bench.now.hawkbit == AWAITS_WINDOW, "the window")
    server.is_cancelling = True
    polled_until(bench, lambda: not server.action, "the cancellation")
    bench.await_stage(Stage.IDLE)
    assert bench.files == []


def test_what_is_to_be_downloaded_only_waits_for_a_person(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    server.assign(update="skip")
    polled_until(bench, lambda: bench.now.hawkbit == DOWNLOADED, "the download")
    before = polls(server)
    polled_until(bench, lambda: polls(server) > before + 1, "more polls")
    assert server.messages("downloaded") == [("success", "Version 1.2.0 is on the device.")]
    assert rauc.installed == []
    bench.updater.discard()
    polled_until(bench, server.messages, "the end")
    assert server.messages() == [("failure", DISCARDED)]


def test_an_upload_of_somebody_here_is_not_disturbed(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    bench.updater.receive("cme3000.romz", io.BytesIO(BUNDLE), len(BUNDLE))
    bench.await_stage(Stage.READY)
    server.assign()
    polled_until(bench, lambda: bench.now.hawkbit == AWAITS_PERSON, "patience")
    assert bench.now.stage is Stage.READY
    assert all(path != FILE for path, _ in server.asked)
    bench.updater.discard()
    polled_until(bench, lambda: rauc.installed, "the installation")


def test_nothing_of_it_is_loaded_while_it_is_off() -> None:
    program = "import sys, appliance.update.worker, appliance.device; print('appliance.update.hawkbit' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
