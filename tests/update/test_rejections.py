"""What is refused, by a real RAUC: each for its own reason, the slots unchanged, and no file left."""

from __future__ import annotations

import datetime as dt
import shutil
from typing import TYPE_CHECKING

import pytest

from appliance.update import refusals
from appliance.update.snapshot import Stage
from tests.conftest import need
from tests.update.rig import Bench, Host, Works, needs_rauc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Works:
    needs_rauc()
    return Works(tmp_path_factory.mktemp("works"))


@pytest.fixture(scope="module")
def host(works: Works, tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(tmp_path_factory.mktemp("host"), works)


@pytest.fixture
def bench(host: Host, tmp_path: Path) -> Iterator[Bench]:
    before = host.contents
    with host.running(), Bench(tmp_path, host.address, program=host.program).working() as bench:
        yield bench
    assert host.contents == before


def refused(bench: Bench, path: Path) -> str:
    """Upload what must be refused; give the reason."""
    now = bench.upload(path)
    assert now.stage is Stage.FAILED, now
    assert now.bundle is None
    assert bench.files == []
    return now.error


def test_a_good_bundle_is_shown_before_it_is_installed(bench: Bench, works: Works) -> None:
    now = bench.upload(works.bundle(notes="Meters are read faster.\\n\\nMinimum version: 1.0.0"))
    assert (now.stage, now.error) == (Stage.READY, "")
    bundle = now.bundle
    assert bundle is not None
    assert (bundle.version, bundle.build_date, bundle.minimum_version) == ("1.2.0", dt.date(2026, 11, 20), "1.0.0")
    assert (bundle.notes, bundle.signer) == ("Meters are read faster.", "Release 2026")
    assert (bundle.is_older, bundle.is_same) == (False, False)
    assert bench.files == ["cme3000.romz"]
    assert bundle.size == (bench.state / "update/cme3000.romz").stat().st_size
    assert (bench.state / "update/cme3000.romz").stat().st_mode & 0o777 == 0o600
    bench.updater.discard()
    assert bench.files == []
    assert bench.now.stage is Stage.IDLE


def test_every_reason_is_told_apart(bench: Bench, works: Works, tmp_path: Path) -> None:
    data = works.bundle().read_bytes()
    length = int.from_bytes(data[-8:], "big")

    def changed(content: bytes) -> Path:
        path = tmp_path / "changed"
        path.write_bytes(content)
        return path

    in_manifest = data.rindex(b"version=1.2.0")  # the one in the signature counts
    assert refused(bench, changed(b"PK\x03\x04" + b"junk" * 20_000)) == refusals.JUNK
    assert refused(bench, changed(b"")) == refusals.EMPTY
    used = int.from_bytes(data[40:48], "little")
    assert refused(bench, changed(data[: -(-used // 4096) * 4096])) == refusals.UNSIGNED
    for end in (3, 100, used // 2, used + 5000, len(data) - 8 - length, len(data) - length // 2, len(data) - 8, -1):
        assert refused(bench, changed(data[:end])) == refusals.TRUNCATED, end
    assert (
        refused(bench, changed(data[:in_manifest] + b"version=1.9.0" + data[in_manifest + 13 :])) == refusals.TAMPERED
    )
    assert refused(bench, works.bundle(signer=works.stranger.signer("stranger"))) == refusals.UNTRUSTED
    assert refused(bench, works.bundle(form="plain")) == refusals.PLAIN
    assert refused(bench, works.bundle(compatible="fridge")) == (
        'The firmware is for "fridge"; this device is "cme3000-rpi".'
    )
    assert "cannot be compared" in refused(bench, works.bundle("latest"))
    assert refused(bench, works.bundle(signer=works.authority.signer("early", begins=DAY, ends=2 * DAY))) == (
        refusals.NOT_YET_VALID
    )
    assert refused(bench, works.bundle(signer=works.authority.signer("late", begins=-2 * DAY, ends=-DAY))) == (
        refusals.EXPIRED
    )


@pytest.mark.parametrize("uses_signing_time", [True, False])
@pytest.mark.parametrize(("clock", "is_set"), [("", True), ("@1970-01-02 00:00:00", False)])
def test_a_certificate_and_the_clock(
    works: Works, tmp_path: Path, clock: str, is_set: bool, uses_signing_time: bool
) -> None:
    need(shutil.which("faketime"), "faketime is not installed")
    # It has run out an hour ago, and was valid when the second of the bundles was signed.
    signer = works.authority.signer("Release 2025", begins=-2 * DAY, ends=-HOUR)
    late, in_time = works.bundle(signer=signer), works.bundle(signer=signer, at="-1d")
    host = Host(tmp_path / "host", works, uses_signing_time=uses_signing_time, clock=clock)
    with host.running(), Bench(tmp_path, host.address, program=host.program).working() as bench:
        if uses_signing_time:  # the product: the clock does not matter
            assert refused(bench, late) == refusals.EXPIRED
            assert bench.upload(in_time).stage is Stage.READY
        else:
            expected = refusals.EXPIRED if is_set else refusals.NOT_YET_VALID
            assert refused(bench, late) == expected
            assert refused(bench, in_time) == expected


def test_flipped_bits_all_over_a_plain_bundle(works: Works, tmp_path: Path) -> None:
    host = Host(tmp_path / "host", works, formats="plain verity")
    data = works.bundle(form="plain").read_bytes()
    before = host.contents
    with host.running(), Bench(tmp_path, host.address, program=host.program).working() as bench:
        for number in range(24):
            at = (len(data) - 1) * number // 23
            flipped = bytearray(data)
            flipped[at] ^= 1 << number % 8
            path = tmp_path / "flipped"
            path.write_bytes(flipped)
            reason = refused(bench, path)
            assert reason in {refusals.TAMPERED, refusals.TRUNCATED, refusals.JUNK}, (at, reason)
    assert host.contents == before


def test_flipped_bits_in_what_is_signed_of_a_verity_bundle(bench: Bench, works: Works, tmp_path: Path) -> None:
    """The rest is covered by the hashes in the manifest, and checked block by block while it is installed."""
    data = works.bundle().read_bytes()
    begin = len(data) - 8 - int.from_bytes(data[-8:], "big")
    unsigned = 0
    for number in range(24):
        at = begin + (len(data) - 1 - begin) * number // 23
        flipped = bytearray(data)
        flipped[at] ^= 1 << number % 8
        path = tmp_path / "flipped"
        path.write_bytes(flipped)
        now = bench.upload(path)
        # Some encodings around a signature may be read as the same all the same.
        if now.stage is Stage.READY:
            unsigned += 1
            assert now.bundle is not None
            assert now.bundle.version == "1.2.0"
        else:
            assert now.error
    assert unsigned < 6
