"""What an image was made of: manifest, bill of materials, and the files that go with a release."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
import zipfile
from email.parser import HeaderParser
from typing import TYPE_CHECKING
from urllib.parse import quote

from imaging.ext4 import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imaging.archive import Package


def sha256(path: Path) -> str:
    """Give the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(
    *,
    version: str,
    commit: str,
    epoch: int,
    packages: Sequence[Package],
    wheels: Sequence[Path],
    kernel: str,
    rules: Sequence[str] = (),
) -> str:
    """Say which inputs gave the image: the same ones give the same bytes.

    :param rules: lines about the updates that it takes.
    """
    lines = [
        f"product cme3000 {version}",
        f"commit {commit}",
        f"epoch {epoch}",
        f"kernel {kernel}",
        *rules,
        *(f"deb {each.name} {each.version} {each.architecture} {each.sha256}" for each in sorted(packages)),
        *(f"wheel {each.name} {sha256(each)}" for each in sorted(wheels)),
    ]
    return "\n".join(lines) + "\n"


def bill_of_materials(*, version: str, epoch: int, packages: Sequence[Package], wheels: Sequence[Path]) -> str:
    """Give it as CycloneDX 1.6 JSON."""
    components: list[dict[str, object]] = [
        {
            "type": "library",
            "bom-ref": f"deb:{package.name}",
            "name": package.name,
            "version": package.version,
            "purl": f"pkg:deb/debian/{package.name}@{quote(package.version, safe=':')}?arch={package.architecture}",
            "hashes": [{"alg": "SHA-256", "content": package.sha256}],
            "properties": [{"name": "debian:source", "value": package.source}],
        }
        for package in sorted(packages)
    ]
    for wheel in sorted(wheels):
        facts = _metadata(wheel)
        name = facts["name"]
        component: dict[str, object] = {
            "type": "library",
            "bom-ref": f"pypi:{name}",
            "name": name,
            "version": facts["version"],
            "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{facts['version']}",
            "hashes": [{"alg": "SHA-256", "content": sha256(wheel)}],
        }
        if facts["licence"]:
            component["licenses"] = [{"license": {"name": facts["licence"]}}]
        components.append(component)
    stamp = dt.datetime.fromtimestamp(epoch, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = json.dumps(components, sort_keys=True)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, named)}",
        "version": 1,
        "metadata": {
            "timestamp": stamp,
            "component": {"type": "firmware", "bom-ref": "cme3000", "name": "cme3000", "version": version},
        },
        "components": components,
    }
    return json.dumps(document, indent=1) + "\n"


def _metadata(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    licence = headers.get("License-Expression") or (headers.get("License") or "").strip().split("\n")[0]
    return {"name": headers["Name"], "version": headers["Version"], "licence": licence[:100]}


def imager_entry(*, version: str, date: dt.date, image: Path, compressed: Path, address: str) -> str:
    """Give a repository for Raspberry Pi Imager (`rpi-imager --repo FILE`).

    :param address: of the folder where the compressed image is; Imager does not find one that is named without.
    """
    return (
        json.dumps(
            {
                "os_list": [
                    {
                        "name": f"CMe3000 {version}",
                        "description": "M-Bus over TCP/IP gateway for Raspberry Pi 3, 3B+, Zero 2 W and 4",
                        "icon": "",
                        "url": f"{address.rstrip('/')}/{compressed.name}" if address else compressed.name,
                        "extract_size": image.stat().st_size,
                        "extract_sha256": sha256(image),
                        "image_download_size": compressed.stat().st_size,
                        "image_download_sha256": sha256(compressed),
                        "release_date": date.isoformat(),
                        "devices": ["pi3-64bit", "pi4-64bit"],
                        "init_format": "none",
                    }
                ]
            },
            indent=1,
        )
        + "\n"
    )
