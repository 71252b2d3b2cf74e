"""Keys, bundles and RAUC's configuration, each judged by the real RAUC of this machine."""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from imaging import bundle, updates
from imaging.command import BuildError

from tests.conftest import need
from tests.image.machine import REPOSITORY

EPOCH = 1_700_000_000
SOFT_TOKENS = [Path("/usr/lib/softhsm/libsofthsm2.so"), *Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")]
CONFIGURATION = REPOSITORY / "image/root/etc/rauc/system.conf"


def _make_keys(folder: Path, *options: str) -> None:
    need(shutil.which("openssl") is not None, "openssl is needed")
    script = REPOSITORY / "scripts/make-keys"
    subprocess.run([script, *options, folder], check=True, capture_output=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    _make_keys(folder)
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "slot.ext4").write_bytes(random.Random(1).randbytes(1 << 20))
    (folder / "manifest.txt").write_text(
        f"product cme3000 1.2.3\ncommit abc\nepoch {EPOCH}\nminimum-version 1.1\n", "ascii"
    )
    return folder


def _options(image: Path, keys: Path, **other: object) -> argparse.Namespace:
    options: dict[str, object] = {
        "image": image,
        "output": None,
        "key": str(keys / "signer.key"),
        "certificate": str(keys / "signer.pem"),
        "intermediate": [],
        "keyring": keys / "root.pem",
        "notes": None,
        "slot": None,
        "version": None,
        "minimum_version": None,
        "whole": False,
        "level": 1,
    }
    return argparse.Namespace(**(options | other))


def _info(path: Path, keyring: Path) -> str:
    words = ["rauc", "info", f"--keyring={keyring}", str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.fixture(autouse=True)
def _rauc() -> None:
    need(
        shutil.which("rauc") is not None and shutil.which("mksquashfs") is not None,
        "rauc and squashfs-tools are needed",
    )


def _read_by_rauc(text: str, work: Path) -> str:
    configuration = work / "system.conf"
    configuration.write_text(text, "utf-8")
    words = ["rauc", f"--conf={configuration}", "status"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_rauc_takes_the_configuration(tmp_path: Path) -> None:
    said = _read_by_rauc(CONFIGURATION.read_text("utf-8"), tmp_path)
    assert "via D-Bus" in said, "it has read it, and asks a service that is not there"
    assert "/data/rauc" in said


@pytest.mark.parametrize("line", ["nonsense=1", "bundle-formats=-nonsense"])
def test_rauc_would_tell_a_mistake_in_it(tmp_path: Path, line: str) -> None:
    name = line.partition("=")[0]
    text = re.sub(rf"^{name}=.*\n", "", CONFIGURATION.read_text("utf-8"), flags=re.MULTILINE)
    assert "via D-Bus" not in _read_by_rauc(text.replace("[system]\n", f"[system]\n{line}\n"), tmp_path)


@pytest.mark.parametrize("is_readable", [True, False])
def test_an_update_that_cannot_be_read_is_refused_before_it_is_installed(tmp_path: Path, is_readable: bool) -> None:
    device = tmp_path / "device"
    if is_readable:
        device.write_bytes(b"x")
    else:
        device.mkdir()  # reading it fails, as a bad block does
    mounts = tmp_path / "findmnt"
    mounts.write_text(f'#!/bin/sh\n[ "$4" = /mnt/bundle ] && echo {device}\n', "ascii")
    mounts.chmod(0o755)
    program = REPOSITORY / "image/root/usr/lib/cme3000/check-bundle"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RAUC_BUNDLE_MOUNT_POINT": "/mnt/bundle"}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is is_readable
    assert ("damaged" in done.stderr) is not is_readable
    assert f"pre-install=/{program.relative_to(REPOSITORY / 'image/root')}\n" in CONFIGURATION.read_text("utf-8")


def test_the_configuration_names_the_slots_of_the_card() -> None:
    text = CONFIGURATION.read_text("utf-8")
    label = tomllib.loads((REPOSITORY / "image/layout.toml").read_text("utf-8"))["label"]
    assert re.findall(r"^device=.*/(\S+)$", text, re.MULTILINE) == [f"{label:08x}-02", f"{label:08x}-03"]
    assert re.findall(r"^bootname=(\S+)$", text, re.MULTILINE) == ["A", "B"]
    assert f"compatible={bundle.COMPATIBLE}\n" in text


def test_a_bundle_says_what_is_in_it(image: Path, keys: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text('# New\n\n- Ümlaute; "quotes" \\ and\ttabs\n', "utf-8")
    made = bundle.make_bundle(_options(image, keys, notes=notes))
    assert made == image / "cme3000.romz"
    said = _info(made, keys / "root.pem")
    assert "'cme3000-rpi'" in said
    assert "'1.2.3'" in said
    assert "'2023-11-14'" in said
    assert '# New\n\n- Ümlaute; "quotes" \\ and\ttabs\n\nMinimum version: 1.1\'' in said
    assert re.search(r"Bundle Format:\s+verity", said)
    assert re.search(r"Adaptive:\s+block-hash-index", said)
    assert sorted(path.name for path in image.iterdir()) == ["cme3000.romz", "manifest.txt", "slot.ext4"]


def test_the_slot_in_a_bundle_is_the_one_that_was_built(image: Path, keys: Path, tmp_path: Path) -> None:
    made = bundle.make_bundle(_options(image, keys))
    words = ["rauc", "extract", f"--keyring={keys / 'root.pem'}", str(made), str(tmp_path / "out")]
    subprocess.run(words, check=True, capture_output=True)
    assert (tmp_path / "out/slot.ext4").read_bytes() == (image / "slot.ext4").read_bytes()


def test_without_a_minimum_there_is_none(image: Path, keys: Path) -> None:
    made = bundle.make_bundle(_options(image, keys, minimum_version="", version="2.0"))
    said = _info(made, keys / "root.pem")
    assert "Minimum version" not in said
    assert "'2.0'" in said


def test_only_one_name_is_made(image: Path, keys: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"cme3000\.romz"):
        bundle.make_bundle(_options(image, keys, output=tmp_path / "update.romz"))


def test_a_bundle_that_the_devices_would_refuse_is_not_made(image: Path, keys: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    _make_keys(other)
    with pytest.raises(BuildError):
        bundle.make_bundle(_options(image, keys, keyring=other / "root.pem"))
    assert sorted(path.name for path in image.iterdir()) == ["manifest.txt", "slot.ext4"]


def test_a_key_without_the_roots_that_the_devices_know_is_not_used() -> None:
    options = _options(REPOSITORY, REPOSITORY, keyring=None)
    with pytest.raises(BuildError, match="--keyring"):
        bundle._choose_keys(options)
    options.certificate = None
    with pytest.raises(BuildError, match="--certificate"):
        bundle._choose_keys(options)


def test_a_new_signing_certificate_is_taken_by_devices_that_know_the_root(image: Path, tmp_path: Path) -> None:
    _make_keys(tmp_path / "keys")
    before = (tmp_path / "keys/signer.pem").read_bytes()
    _make_keys(tmp_path / "keys")
    assert (tmp_path / "keys/signer.pem").read_bytes() == before, "what is there is left alone"
    _make_keys(tmp_path / "keys", "--new-signer")
    assert (tmp_path / "keys/signer.pem").read_bytes() != before
    _info(bundle.make_bundle(_options(image, tmp_path / "keys")), tmp_path / "keys/root.pem")


def test_a_root_can_be_changed_by_a_keyring_of_two(image: Path, keys: Path, tmp_path: Path) -> None:
    _make_keys(tmp_path / "new")
    both = tmp_path / "both.pem"
    both.write_text((keys / "root.pem").read_text("ascii") + (tmp_path / "new/root.pem").read_text("ascii"), "ascii")
    for signer in (keys, tmp_path / "new"):
        _info(bundle.make_bundle(_options(image, signer, keyring=both)), both)


def test_private_keys_are_their_owners(keys: Path) -> None:
    for path in keys.iterdir():
        assert path.stat().st_mode & 0o077 == (0o044 if path.suffix == ".pem" else 0)
    assert sorted(path.name for path in keys.iterdir()) == ["root.key", "root.pem", "signer.key", "signer.pem"]


def test_the_certificate_signs_updates_and_nothing_else(keys: Path) -> None:
    words = ["openssl", "x509", "-noout", "-text", "-in", str(keys / "signer.pem")]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "CA:FALSE" in text
    assert "Digital Signature" in text
    assert "Extended Key Usage" not in text


def test_a_key_in_a_token_signs(image: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = [path for path in SOFT_TOKENS if path.exists()]
    engines = list(Path("/usr/lib").glob("*/engines-*/pkcs11.so"))
    has_tools = bool(modules and engines) and shutil.which("softhsm2-util") is not None
    need(has_tools, "softhsm2 and libengine-pkcs11-openssl are needed")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n", "ascii")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    monkeypatch.setenv("RAUC_PKCS11_MODULE", str(modules[0]))
    monkeypatch.setenv("RAUC_PKCS11_PIN", "1234")

    def call(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True)

    call("softhsm2-util", "--init-token", "--free", "--label", "release", "--pin", "1234", "--so-pin", "5678")
    plain = tmp_path / "signer.p8"
    call("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", str(keys / "signer.key"), "-out", str(plain))
    call(
        "softhsm2-util",
        "--import",
        str(plain),
        "--token",
        "release",
        "--label",
        "signer",
        "--id",
        "01",
        "--pin",
        "1234",
    )
    made = bundle.make_bundle(_options(image, keys, key="pkcs11:token=release;object=signer"))
    _info(made, keys / "root.pem")


def test_notes_are_those_of_the_version() -> None:
    text = "# Changelog\n\n## Unreleased\n\nsoon\n\n## 1.2.10 - 2026-02-01\n\nten\n\n## [1.2.1]\n\n### Added\n\n- one\n"
    assert bundle.find_notes(text, "1.2.1") == "### Added\n\n- one"
    assert bundle.find_notes(text, "1.2.10") == "ten"
    assert bundle.find_notes(text, "1.2") == "soon"
    assert bundle.find_notes("", "1.2") == ""


def test_notes_that_rauc_would_not_take_are_told() -> None:
    with pytest.raises(BuildError, match="16384"):
        bundle.manifest(version="1", minimum="", epoch=EPOCH, notes="x" * 16385)


def _pyproject(folder: Path, version: str, minimum: str) -> Path:
    (folder / "pyproject.toml").write_text(
        f'[project]\nversion = "{version}"\n[tool.cme3000]\nminimum-version = "{minimum}"\n', "utf-8"
    )
    return folder


def test_the_minimum_version_is_the_projects_or_the_one_asked_for(tmp_path: Path) -> None:
    assert updates.minimum_version(_pyproject(tmp_path, "1.10", "1.9"), None) == "1.9"
    assert updates.minimum_version(_pyproject(tmp_path, "1.10", ""), None) == ""
    assert updates.minimum_version(_pyproject(tmp_path, "1.10", "1.9"), "1.2") == "1.2"
    with pytest.raises(BuildError, match="above"):
        updates.minimum_version(_pyproject(tmp_path, "1.10", "1.11"), None)
    with pytest.raises(BuildError, match="no version that can be compared"):
        updates.minimum_version(_pyproject(tmp_path, "1.10", "1.0rc1"), None)
    assert updates.minimum_version(REPOSITORY, None) == ""


def test_the_image_gets_certificates_minimum_and_date(tmp_path: Path, keys: Path) -> None:
    for folder in ("etc/rauc", "etc/cme3000"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(CONFIGURATION, tmp_path / "etc/rauc/system.conf")
    trust = updates.find_trust(REPOSITORY, keys / "root.pem")
    updates.add_update_files(tmp_path, trust, "1.9", "2026-01-31")
    assert "PRIVATE" not in (tmp_path / "etc/rauc/keyring.pem").read_text("ascii")
    build = tomllib.loads((tmp_path / "etc/cme3000/build.toml").read_text("utf-8"))
    assert build["minimum_version"] == "1.9"
    assert build["date"].isoformat() == "2026-01-31"
    assert "development_key" not in build
    system = (tmp_path / "etc/rauc/system.conf").read_text("utf-8").partition("[keyring]")[0]
    assert "\nmin-bundle-version=1.9\n" in system


def test_a_development_key_is_told_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".build/keys").mkdir(parents=True)
    (tmp_path / updates.DEVELOPMENT_ROOT).write_text("x", "ascii")
    trust = updates.find_trust(tmp_path, None)
    updates.warn(trust)
    assert "DEVELOPMENT KEY" in capsys.readouterr().err
    assert trust.listed.endswith(" development")


def test_a_private_key_never_comes_into_an_image(tmp_path: Path, keys: Path) -> None:
    mixed = tmp_path / "mixed.pem"
    mixed.write_text((keys / "root.pem").read_text("ascii") + (keys / "root.key").read_text("ascii"), "ascii")
    with pytest.raises(BuildError, match="private key"):
        updates.find_trust(REPOSITORY, mixed)
    with pytest.raises(BuildError, match="no certificate"):
        updates.find_trust(REPOSITORY, CONFIGURATION)
    with pytest.raises(BuildError, match="No such file"):
        updates.find_trust(REPOSITORY, tmp_path / "none.pem")
