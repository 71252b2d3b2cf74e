"""What is published with the card: hashes, block map, bill of materials, the entry for Raspberry Pi Imager."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from imaging import bill
from imaging.__main__ import _compare, _publish
from imaging.archive import Package
from imaging.command import BuildError
from imaging.root import _drop_commands, settle_times
from imaging.source import Source, _settle_modes

from tests.conftest import need

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = 1_700_000_000
BLOCK = 4096


@pytest.fixture(name="release", scope="module")
def _release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a card of 8 MiB, most of it a hole, and what is published with it."""
    for tool in ("xz", "bmaptool"):
        need(shutil.which(tool), f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("release")
    with (folder / "card.img").open("wb") as card:
        card.write(b"\x01" * BLOCK)
        card.seek(4 << 20)
        card.write(b"\x02" * 3 * BLOCK)
        card.truncate(8 << 20)
    for name in ("manifest.txt", "sbom.cdx.json"):
        (folder / name).write_text("here\n", "utf-8")
    source = Source(folder, "0123", EPOCH)
    _publish(folder / "card.img", "1.2.3", source, folder, "http://one.example/files/")
    return folder


def test_the_hashes_are_those_of_the_files(release: Path) -> None:
    command = ["sha256sum", "--check", "SHA256SUMS"]
    done = subprocess.run(command, cwd=release, capture_output=True, check=False)
    assert done.returncode == 0
    names = {line.split()[1] for line in (release / "SHA256SUMS").read_text("utf-8").splitlines()}
    assert names == {path.name for path in release.iterdir()} - {"SHA256SUMS", "card.img"}


def test_the_compressed_card_unpacks_to_the_same_bytes(release: Path) -> None:
    assert lzma.decompress((release / "card.img.xz").read_bytes()) == (release / "card.img").read_bytes()


def test_what_the_block_map_leaves_out_is_zero_and_what_it_has_is_sound(release: Path) -> None:
    card = (release / "card.img").read_bytes()
    text = (release / "card.img.bmap").read_text("utf-8")
    root = ET.fromstring(text)  # noqa: S314 (made by this test)
    assert int(root.findtext("BlockSize", "").strip()) == BLOCK
    rest = bytearray(card)
    for element in root.iter("Range"):
        first, _, last = (element.text or "").strip().partition("-")
        start, end = int(first) * BLOCK, (int(last or first) + 1) * BLOCK
        assert hashlib.sha256(card[start:end]).hexdigest() == element.get("chksum")
        rest[start:end] = bytes(len(rest[start:end]))
    assert not any(rest)
    assert re.search(r"<BmapFileChecksum> \w{64} </BmapFileChecksum>", text)


def test_the_entry_for_imager_names_the_image_where_it_will_be(release: Path) -> None:
    (entry,) = json.loads((release / "imager.json").read_text("utf-8"))["os_list"]
    card, packed = (release / "card.img").read_bytes(), (release / "card.img.xz").read_bytes()
    assert entry["url"] == "http://one.example/files/card.img.xz"
    assert (entry["extract_size"], entry["image_download_size"]) == (len(card), len(packed))
    assert entry["extract_sha256"] == hashlib.sha256(card).hexdigest()
    assert entry["image_download_sha256"] == hashlib.sha256(packed).hexdigest()
    assert entry["release_date"] == "2023-11-14"


def test_the_bill_of_materials_names_every_package_with_its_hash(tmp_path: Path) -> None:
    package = Package("one", "1:2-3+b4", "arm64", "aa" * 32, "source 2-3", tmp_path / "one.deb")
    wheel = tmp_path / "two_three-4.5-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("two_three-4.5.dist-info/METADATA", "Name: two_three\nVersion: 4.5\nLicense-Expression: MIT\n")
    text = bill.bill_of_materials(version="1.2.3", epoch=EPOCH, packages=[package], wheels=[wheel])
    assert text == bill.bill_of_materials(version="1.2.3", epoch=EPOCH, packages=[package], wheels=[wheel])
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    deb, python = document["components"]
    assert deb["purl"] == "pkg:deb/debian/one@1:2-3%2Bb4?arch=arm64"
    assert deb["hashes"] == [{"alg": "SHA-256", "content": "aa" * 32}]
    assert python["purl"] == "pkg:pypi/two-three@4.5"
    assert python["licenses"] == [{"license": {"name": "MIT"}}]


def test_files_do_not_tell_when_the_cache_was_filled(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("older than the commit, or newer", "utf-8")
    (tmp_path / "link").symlink_to("nowhere")
    settle_times(tmp_path, EPOCH)
    times = {path.lstat().st_mtime for path in (tmp_path, *tmp_path.rglob("*"))}
    assert times == {EPOCH}


def test_modes_do_not_tell_whose_checkout_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    for name, mode in {"file": 0o664, "program": 0o700}.items():
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    _settle_modes(tmp_path)
    modes = [path.stat().st_mode & 0o7777 for path in (tmp_path, tmp_path / "file", tmp_path / "program")]
    assert modes == [0o755, 0o644, 0o755]


def test_commands_that_name_this_machines_python_leave_no_trace(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "one-1.dist-info").mkdir()
    record = tmp_path / "one-1.dist-info/RECORD"
    record.write_text("../../bin/one,sha256=here,9\none/__init__.py,sha256=same,0\n", "utf-8")
    _drop_commands(tmp_path)
    assert not (tmp_path / "bin").exists()
    assert record.read_text("utf-8") == "one/__init__.py,sha256=same,0\n"


def test_an_earlier_manifest_asks_for_the_same_packages(tmp_path: Path) -> None:
    package = Package("one", "1", "arm64", "aa" * 32, "one 1", tmp_path / "one.deb")
    other = Package("one", "2", "arm64", "bb" * 32, "one 2", tmp_path / "one.deb")

    def manifest(commit: str, package: Package) -> str:
        return bill.manifest(version="1", commit=commit, epoch=1, packages=[package], wheels=[], kernel="6")

    (tmp_path / "earlier").write_text(manifest("0123", package), "utf-8")
    _compare(tmp_path / "earlier", manifest("4567", package))
    with pytest.raises(BuildError, match="deb one 2"):
        _compare(tmp_path / "earlier", manifest("0123", other))
