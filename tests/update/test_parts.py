"""The parts that do no I/O of their own, or little: versions, sentences, slots."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidValue, UpdateRefused
from appliance.product import Product
from appliance.update import container, refusals
from appliance.update.inspection import Inspection
from appliance.update.rules import admit, check_floor
from appliance.update.slots import slots_of
from appliance.update.version import key_of

if TYPE_CHECKING:
    from pathlib import Path


def test_versions_in_order() -> None:
    ordered = [
        "0.9",
        "1.0.dev1",
        "1.0.0-alpha.1",
        "1.0a2",
        "1.0b1",
        "1.0.0-rc.1",
        "1.0rc2",
        "1.0",
        "1.0.1",
        "1.2",
        "1.10",
    ]
    keys = [key_of(version) for version in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert key_of("1.0") == key_of("1.0.0") == key_of("1.0.0+build.7")
    assert key_of("0") < key_of("0.0.1")


@pytest.mark.parametrize(
    "version", ["", "latest", "1.", "v1", "1.0-", "1,0", "1.0 ", "\u0661.0", "1" * 10, "1.0\n", "1.0.0.0.0.0.1"]
)
def test_what_is_no_version(version: str) -> None:
    with pytest.raises(InvalidValue):
        key_of(version)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        # Of RAUC 1.13, as its source has them; those of 1.8 are seen with a real one.
        ("Compatible mismatch: Expected 'cme3000-rpi' but bundle manifest has 'x'", refusals.COMPATIBLE),
        ("Version mismatch: Expected at least '1.0' but bundle manifest has '0.9'", refusals.TOO_OLD),
        ("Bundle format 'plain' not allowed", refusals.PLAIN),
        ("Bundle format 'crypt' not allowed", refusals.ENCRYPTED),
        ("signature verification failed: Verify error: certificate has expired", refusals.EXPIRED),
        ("signature verification failed: Verify error: certificate is not yet valid", refusals.NOT_YET_VALID),
        ("signature verification failed: Verify error: unable to get local issuer certificate", refusals.UNTRUSTED),
        ("signature verification failed: Verify error: self-signed certificate", refusals.UNTRUSTED),
        (
            "signature verification failed: Verify error: self signed certificate in certificate chain",
            refusals.UNTRUSTED,
        ),
        ("signature verification failed: Verify error: unsuitable certificate purpose", refusals.PURPOSE),
        ("signature verification failed: Verify error: certificate revoked", refusals.REVOKED),
        ("signature verification failed: digest failure", refusals.TAMPERED),
        ("bundle payload is corrupted", refusals.TAMPERED),
        ("Invalid bundle format: Signature data is no valid CMS", refusals.JUNK),
        ("Signature size (9) exceeds bundle size", refusals.JUNK),
        ("Already processing a different method", refusals.BUSY),
        ("failed to load CA file '/etc/rauc/keyring.pem' and/or directory '(null)'", refusals.NO_KEYRING),
        ("No keyring file or directory provided", refusals.NO_KEYRING),
        ("Installation error: Failed updating slot rootfs.1: write error: No space left on device", refusals.NO_ROOM),
        (
            "Installation error: Failed updating slot rootfs.1: failed to write: Input/output error",
            refusals.WRITE_ERROR,
        ),
        ("Installation error: Failed updating slot rootfs.1: Error reading: Input/output error", refusals.READ_ERROR),
        ("Failed to mount bundle: failed to load dm table: Invalid argument, check DM_VERITY", refusals.NO_VERITY),
        ("Failed mounting bundle: failed to resolve 'nbd' netlink family", refusals.NO_STREAM),
        ("No installable image found", refusals.MANIFEST),
        ("a  new\nmessage", "The firmware could not be used: a new message."),
        ("", "The firmware could not be used."),
    ],
)
def test_sentences(message: str, sentence: str) -> None:
    assert refusals.sentence_for(message) == sentence


def test_a_server_that_breaks_off_is_not_taken_for_a_forgery() -> None:
    message = "Installation error: Failed updating slot rootfs.1: Error reading: Input/output error"
    assert refusals.sentence_for(message, is_remote=True) == refusals.STREAM_ERROR


def test_what_a_manifest_lacks() -> None:
    assert Inspection.of({}) == Inspection("", "")
    assert Inspection.of({"update": 7, "meta": {"cme3000": []}}) == Inspection("", "")
    found = Inspection.of({"update": {"description": "A\nminimum version: 1.0\n", "build": "yesterday"}})
    assert (found.notes, found.minimum_version, found.build_date) == ("A", "1.0", None)
    assert Inspection.of({"update": {"description": "Minimum version: 1.0 and more"}}).minimum_version == ""
    assert Inspection.of({"update": {"version": "1\x1b[31m"}}).version == "1[31m"


def test_a_floor_that_cannot_be_read_lets_nothing_pass() -> None:
    with pytest.raises(UpdateRefused):
        check_floor("9.0", Product(minimum_version="the first"))
    check_floor("9.0", Product(minimum_version=""))


def test_over_a_build_with_an_odd_name_everything_is_newer() -> None:
    found = Inspection("cme3000-rpi", "0.1")
    bundle = admit(found, product=Product(version="mine"), compatible="cme3000-rpi", size=1, signer="")
    assert not bundle.is_older


def test_slots_in_words(tmp_path: Path) -> None:
    published = tmp_path / "slots.json"
    status = {
        "rootfs.1": {
            "bootname": "B",
            "state": "inactive",
            "boot-status": "bad",
            "status": "failed",
            "bundle.version": "2",
        },
        "rootfs.0": {
            "bootname": "A",
            "state": "booted",
            "boot-status": "good",
            "installed.timestamp": "2026-11-20T18:36:08Z",
        },
        "data.0": {"state": "active"},
    }
    for left, tries in (({"A": 9, "B": 2}, 2), ({"A": 9, "B": 0}, 0), ({"A": 9, "B": 9}, None), (None, None)):
        published.write_text(json.dumps({"left": left}))
        first, second = slots_of(status, running="1.1.0", published=published)
        assert (first.name, first.is_running, first.is_good, first.version) == ("A", True, True, "1.1.0")
        assert (first.tries_left, second.tries_left) == (None, tries)
        assert first.installed_at == dt.datetime(2026, 11, 20, 18, 36, 8, tzinfo=dt.UTC)
        assert (second.version, second.holds, second.installed_at) == ("", "an unfinished installation", None)
    for rubbish in ("", "[", "[]", '{"left": 7}', '{"left": {"A": "x"}}'):
        published.write_text(rubbish)
        assert slots_of(status, running="1", published=published)[1].tries_left is None


def test_the_signer_of_what_has_no_signature(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data in (b"x" * 8, b"x" * 9000, b"x" * 9000 + b"\x30" * 20 + (20).to_bytes(8, "big")):
        path.write_bytes(data)
        assert container.signer_of(path) == ""
