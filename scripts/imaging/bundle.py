"""Makes an update of a built image; `scripts/build-bundle --help`."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from imaging.command import BuildError, run

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "cme3000.romz"
COMPATIBLE = "cme3000-rpi"

LONGEST_NOTES = 16_384
"""Characters: RAUC takes a manifest with its signature up to 64 KiB."""

COMPRESSION = "-comp zstd -all-root -no-xattrs -no-progress"
"""zstd unpacks several times faster than xz on a Pi."""


def main() -> int:
    """Make the bundle that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="scripts/build-bundle", description=f"Make an update, {NAME}, of a built image, and sign it."
    )
    parser.add_argument(
        "--image",
        type=Path,
        default=REPOSITORY / ".build/image",
        help="folder of scripts/build-image (default: .build/image)",
    )
    parser.add_argument(
        "--output", type=Path, help=f"where it goes, a file or a folder (default: {NAME} beside the image)"
    )
    parser.add_argument(
        "--key", help="private key that signs: a file, or a PKCS#11 URI (default: scripts/make-keys', for development)"
    )
    parser.add_argument("--certificate", help="its certificate: a file, or a PKCS#11 URI; goes with --key")
    parser.add_argument(
        "--intermediate", type=Path, action="append", default=[], help="a certificate between that one and the root"
    )
    parser.add_argument(
        "--keyring", type=Path, help="the roots that the devices know; the result is checked against them"
    )
    parser.add_argument(
        "--notes", type=Path, help="release notes, plain text (default: the version's part of CHANGELOG.md)"
    )
    parser.add_argument("--slot", type=Path, help="another root file system than the folder's slot.ext4")
    parser.add_argument("--version", help="another version than the image's")
    parser.add_argument("--minimum-version", help="another than the image's")
    parser.add_argument(
        "--level", type=int, default=18, help="of zstd: 1 is made in seconds, 18 is smallest (default: %(default)s)"
    )
    parser.add_argument(
        "--whole",
        action="store_true",
        help="have all of it written, without a look at what is there already: faster where the card is fast",
    )
    options = parser.parse_args()
    began = time.monotonic()
    try:
        _choose_keys(options)
        made = make_bundle(options)
    except BuildError as error:
        _say(f"failed: {error}")
        return 1
    _say(f"{made}: {made.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.0f} s")
    return 0


def _choose_keys(options: argparse.Namespace) -> None:
    if (options.key is None) != (options.certificate is None):
        raise BuildError("--key and --certificate go together")
    if options.key is not None and options.keyring is None:
        raise BuildError("--key needs --keyring, the roots that the devices know: what they would refuse is not made")
    if options.key is None:
        run([REPOSITORY / "scripts/make-keys"])
        keys = REPOSITORY / ".build/keys"
        options.key, options.certificate = str(keys / "signer.key"), str(keys / "signer.pem")
        options.keyring = options.keyring or keys / "root.pem"


def make_bundle(options: argparse.Namespace) -> Path:
    """Make it; give the file.

    :raises BuildError: when that cannot be; then there is no file.
    """
    facts = _read_manifest(options.image / "manifest.txt")
    version = options.version or facts["product"].split()[1]
    minimum = facts.get("minimum-version", "") if options.minimum_version is None else options.minimum_version
    epoch = int(facts["epoch"])
    if options.notes:
        notes = options.notes.read_text("utf-8").strip()
    else:
        notes = find_notes((REPOSITORY / "CHANGELOG.md").read_text("utf-8"), version)
    slot = (options.slot or options.image / "slot.ext4").resolve()
    if not slot.exists():
        raise BuildError(f"there is no {slot}: build the image first")
    output = (options.output or options.image).resolve()
    target: Path = output / NAME if output.is_dir() else output
    if target.name != NAME:
        raise BuildError(f"the file's name must be {NAME}: devices take no other")
    making = target.with_suffix(".part.romz")
    making.unlink(missing_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="cme3000-bundle-", dir=target.parent) as name:
            folder = Path(name)
            # A link: RAUC puts its hashes beside the file, and must not change the file itself.
            try:
                os.link(slot, folder / "slot.ext4")
            except OSError:
                run(["cp", "--sparse=always", slot, folder / "slot.ext4"])
            text = manifest(version=version, minimum=minimum, epoch=epoch, notes=notes, adaptive=not options.whole)
            (folder / "manifest.raucm").write_text(text, "utf-8")
            command = ["rauc", "bundle", f"--cert={options.certificate}", f"--key={options.key}"]
            command += [f"--keyring={options.keyring}", *(f"--intermediate={path}" for path in options.intermediate)]
            squash = f"{COMPRESSION} -Xcompression-level {options.level} -all-time {epoch} -mkfs-time {epoch}"
            command.append(f"--mksquashfs-args={squash}")
            run([*command, folder, making])
        said = run(["rauc", "info", f"--keyring={options.keyring}", making])
        if f"'{version}'" not in said:
            raise BuildError(f"RAUC reads something else than what was written:\n{said}")
        making.replace(target)
    finally:
        making.unlink(missing_ok=True)
    return target


def manifest(*, version: str, minimum: str, epoch: int, notes: str, adaptive: bool = True) -> str:
    """Give RAUC's manifest (its reference, "Manifest").

    :param adaptive: with hashes of the blocks, by which RAUC finds those that the device has already.

    :raises BuildError: when the notes are too long.
    """
    if len(notes) > LONGEST_NOTES:
        raise BuildError(
            f"the release notes have {len(notes)} characters, at most {LONGEST_NOTES}: give others by --notes"
        )
    # Twice: RAUC before 1.9 does not keep sections of one's own.
    description = f"{notes}\n\nMinimum version: {minimum}" if minimum else notes
    lines = [
        "[update]",
        f"compatible={COMPATIBLE}",
        f"version={_escape(version)}",
        f"description={_escape(description)}",
        f"build={dt.datetime.fromtimestamp(epoch, dt.UTC).date().isoformat()}",
        "",
        "[bundle]",
        "format=verity",
        "",
        "[image.rootfs]",
        "filename=slot.ext4",
    ]
    if adaptive:
        lines.append("adaptive=block-hash-index")
    if minimum:
        lines += ["", "[meta.cme3000]", f"minimum-version={minimum}"]
    return "\n".join(lines) + "\n"


def find_notes(changelog: str, version: str) -> str:
    """Give what a changelog says about a version, or else about what is unreleased."""
    for wanted in (rf"\[?{re.escape(version)}\]?(?![\d.])[^\n]*", r"\[?Unreleased\]?[^\n]*"):
        found = re.search(rf"^## {wanted}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
        if found:
            return re.sub(r"\n{3,}", "\n\n", found[1]).strip()
    return ""


def _escape(text: str) -> str:
    """Write it as GLib's key files have it."""
    escaped = text.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n").replace("\t", "\\t")
    return f"\\s{escaped[1:]}" if escaped.startswith(" ") else escaped


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BuildError(f"{error}: build the image first") from None
    return dict(line.partition(" ")[::2] for line in lines)


def _say(message: str) -> None:
    sys.stderr.write(f"scripts/build-bundle: {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
