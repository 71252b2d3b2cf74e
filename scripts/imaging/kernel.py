"""Kernel, modules, initramfs and device trees: everything in a slot's /boot and /usr/lib/modules."""

from __future__ import annotations

import gzip
import lzma
import shutil
from pathlib import Path

from imaging.command import BuildError, listed, run


def add_kernel(root: Path, kernel: Path, modules: str | None) -> str:
    """Put the kernel and those of its modules that are wanted into the root; give its release.

    :param kernel: the kernel's package, unpacked.
    :param modules: the list of what is kept; None keeps all.
    """
    every = next((kernel / "usr/lib/modules").iterdir())
    release = every.name
    target = root / "usr/lib/modules" / release
    shutil.copytree(every, target)
    # Native: the host's depmod reads the modules of any architecture.
    run(["depmod", "-b", root, release])
    if modules is not None:
        _keep(target, listed(modules))
        run(["depmod", "-b", root, release])
    boot = root / "boot"
    boot.mkdir(exist_ok=True)
    # Packed: reading takes a boot loader longer than unpacking.
    (boot / "vmlinuz").write_bytes(gzip.compress((kernel / f"boot/vmlinuz-{release}").read_bytes(), mtime=0))
    return release


def _keep(target: Path, wanted: list[str]) -> None:
    """Keep the wanted modules and what they need; a line that begins with "-" takes one away again."""
    needs = _dependencies(target)
    unwanted = {line.removeprefix("-") for line in wanted if line.startswith("-")}
    wanted = [line for line in wanted if not line.startswith("-")]
    stems = {name: name.split(".ko")[0].removeprefix("kernel/") for name in needs}
    if missing := sorted(unwanted - set(stems.values())):
        raise BuildError(f"modules.list: the kernel has no {missing[0]}")
    kept: set[str] = set()
    for name, stem in stems.items():
        if stem not in unwanted and any(stem == want or stem.startswith(f"{want}/") for want in wanted):
            kept |= {name, *needs[name]}
    had = [*kept, *(target / "modules.builtin").read_text("utf-8").split()]
    for want in wanted:
        if not any(name.removeprefix("kernel/").startswith((f"{want}.ko", f"{want}/")) for name in had):
            raise BuildError(f"modules.list: the kernel has no {want}")
    for name in needs:
        if name not in kept:
            (target / name).unlink()
    for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _dependencies(modules: Path) -> dict[str, list[str]]:
    lines = (modules / "modules.dep").read_text("utf-8").splitlines()
    return {name: needs.split() for name, _, needs in (line.partition(":") for line in lines)}


def make_initramfs(root: Path, release: str, busybox: Path, source: Path, epoch: int) -> None:
    """Write /boot/initrd.img: busybox, some modules that the kernel need not decompress, and the first program."""
    modules = root / "usr/lib/modules" / release
    needs = _dependencies(modules)
    by_name = {Path(name).name.split(".ko")[0].replace("-", "_"): name for name in needs}
    order: list[str] = []
    for wanted in listed((source / "modules.list").read_text("utf-8")):
        name = by_name.get(wanted.replace("-", "_"))
        if name is None:
            raise BuildError(f"initramfs/modules.list: {wanted} is not in modules.list")
        for each in (*reversed(needs[name]), name):
            if each not in order:
                order.append(each)
    archive = _Cpio(epoch)
    for folder in ("bin", "dev", "proc", "sys", "run", "root", "modules"):
        archive.add(folder, 0o040755)
    archive.add("init", 0o100755, (source / "init").read_bytes())
    archive.add("bin/busybox", 0o100755, busybox.read_bytes())
    for applet in (
        "cat",
        "cut",
        "dd",
        "hexdump",
        "insmod",
        "mkdir",
        "mount",
        "sh",
        "sha256sum",
        "sleep",
        "switch_root",
        "tr",
        "umount",
        "chmod",
    ):
        archive.add(f"bin/{applet}", 0o120777, b"busybox")
    for each in order:
        data = (modules / each).read_bytes()
        archive.add(
            f"modules/{Path(each).name.removesuffix('.xz')}",
            0o100644,
            lzma.decompress(data) if each.endswith(".xz") else data,
        )
    archive.add(
        "modules/order", 0o100644, "".join(f"{Path(each).name.removesuffix('.xz')}\n" for each in order).encode()
    )
    plain = root / "boot/initrd.cpio"
    plain.write_bytes(archive.end())
    run(["zstd", "-q", "-19", "--rm", "-f", plain, "-o", root / "boot/initrd.img"])


class _Cpio:
    """An archive in the kernel's format, newc (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._data = bytearray()
        self._count = 0

    def add(self, name: str, mode: int, data: bytes = b"") -> None:
        self._count += 1
        encoded = name.encode() + b"\0"
        fields = (self._count, mode, 0, 0, 1, self._epoch, len(data), 0, 0, 0, 0, len(encoded), 0)
        self._data += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._pad()
        self._data += data
        self._pad()

    def end(self) -> bytes:
        self.add("TRAILER!!!", 0)
        return bytes(self._data)

    def _pad(self) -> None:
        self._data += bytes(-len(self._data) % 4)


def merge_device_trees(root: Path, kernel: Path, release: str, overlays: Path, work: Path) -> list[Path]:
    """Write /boot/dtb, merged as overlays/merges.list says; give the kernel's own trees that went into it."""
    trees = kernel / "usr/lib" / f"linux-image-{release}"
    used = []
    for line in listed((overlays / "merges.list").read_text("utf-8")):
        name, plain, overlay = line.split()
        compiled = work / f"{overlay}.dtbo"
        run(["dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", compiled, overlays / f"{overlay}.dts"])
        merged = root / "boot/dtb" / name
        merged.parent.mkdir(parents=True, exist_ok=True)
        run(["fdtoverlay", "-i", trees / plain, "-o", merged, compiled])
        if trees / plain not in used:
            used.append(trees / plain)
    return used
