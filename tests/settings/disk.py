"""A disk that loses power: what may be found on it after any of a program's system calls.

The rules are those that POSIX leaves a file system, which are harsher than those of ext4:

- what was written into a file and not flushed may be there, in part, as zeros, or not at all;
- a name that was made, moved or removed may be so or not until its folder is flushed, each independently of the others;
- a move of a name is one step: never neither, never half.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.settings.tracing import Call

STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
HARMLESS = {"newfstatat", "fstat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2", "getdents64", "read"}
HARMLESS |= {"lseek", "fcntl", "ioctl", "mmap", "readlink"}
FOLDER = -1


def strings(call: Call) -> list[bytes]:
    return [bytes.fromhex(found.replace("\\x", "")) for found in STRING.findall(call.arguments)]


def leading_number(arguments: str) -> int:
    found = re.match(r"-?\d+", arguments)
    return int(found[0]) if found else FOLDER


@dataclass
class Disk:
    """One folder. `names` is what the disk surely has; `pending` the changes of names that it may or may not have."""

    folder: str
    names: dict[str, int]
    possible: dict[int, set[bytes]]
    pending: list[dict[str, int | None]] = field(default_factory=list)
    current: dict[int, bytes] = field(default_factory=dict)
    descriptors: dict[int, int] = field(default_factory=dict)

    @classmethod
    def holding(cls, folder: str, files: dict[str, bytes]) -> "Disk":
        contents = list(files.values())
        return cls(
            folder,
            {name: inode for inode, name in enumerate(files)},
            {inode: {content} for inode, content in enumerate(contents)},
            current=dict(enumerate(contents)),
        )

    def view(self) -> dict[str, int]:
        """The names as a running program sees them."""
        return self._with(self.pending)

    def _with(self, changes: Iterable[dict[str, int | None]]) -> dict[str, int]:
        names: dict[str, int | None] = dict(self.names)
        for change in changes:
            names.update(change)
        return {name: inode for name, inode in names.items() if inode is not None}

    def crashes(self) -> Iterator[dict[str, bytes]]:
        """Every folder that may be found if the power fails now."""
        for count in range(len(self.pending) + 1):
            for changes in itertools.combinations(self.pending, count):
                names = self._with(changes)
                inodes = sorted(set(names.values()))
                for contents in itertools.product(*(self.possible[inode] for inode in inodes)):
                    found = dict(zip(inodes, contents, strict=True))
                    yield {name: found[inode] for name, inode in names.items()}

    def replay(self, call: Call) -> None:
        if call.name in HARMLESS or (call.result < 0 and call.name != "close"):
            return
        match call.name:
            case "open" | "openat":
                self._open(call)
            case "close":
                self.descriptors.pop(leading_number(call.arguments), None)
            case "write":
                self._write(leading_number(call.arguments), strings(call)[0][: call.result])
            case "fsync" | "fdatasync":
                self._flush(self.descriptors[leading_number(call.arguments)])
            case "rename" | "renameat" | "renameat2":
                source, target = (self._name(path) for path in strings(call))
                if source is not None and target is not None:
                    self.pending.append({source: None, target: self.view()[source]})
            case "unlink" | "unlinkat":
                name = self._name(strings(call)[0])
                if name is not None:
                    self.pending.append({name: None})
            case _:
                raise NotImplementedError(f"the model does not know {call.name}")

    def _name(self, path: bytes) -> str | None:
        text = path.decode()
        if "/" not in text:
            return text
        folder, _, name = text.rpartition("/")
        return name if folder == self.folder else None

    def _open(self, call: Call) -> None:
        path = strings(call)[0]
        if path.decode() == self.folder:
            self.descriptors[call.result] = FOLDER
            return
        name = self._name(path)
        if name is None:
            return
        inode = self.view().get(name)
        if inode is None:
            inode = len(self.possible)
            self.possible[inode] = {b""}
            self.current[inode] = b""
            self.pending.append({name: inode})
        elif "O_TRUNC" in call.arguments:
            self.current[inode] = b""
            self.possible[inode].add(b"")
        self.descriptors[call.result] = inode

    def _write(self, descriptor: int, data: bytes) -> None:
        inode = self.descriptors.get(descriptor)
        if inode is None:  # not a file of this folder: a pipe
            return
        before = self.current[inode]
        half = len(data) // 2
        for part in (b"", data[:1], data[:half], data[:-1], data):
            self.possible[inode].add(before + part)
            self.possible[inode].add(before + part + bytes(len(data) - len(part)))
        self.possible[inode].add(before + bytes(half) + data[half:])
        self.current[inode] = before + data

    def _flush(self, inode: int) -> None:
        if inode == FOLDER:
            self.names, self.pending = self.view(), []
        else:
            self.possible[inode] = {self.current[inode]}
