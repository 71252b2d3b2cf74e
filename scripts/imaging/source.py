"""The project's files that an image is made from: those of a commit, or of the working tree."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imaging.command import run, say

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """A copy of the project."""

    folder: Path
    commit: str
    """With `+` behind it when there was more than that."""
    epoch: int
    """When it was committed: no file of the image is newer."""


def take(repository: Path, target: Path, reference: str | None) -> Source:
    """Copy what belongs to the project.

    :param reference: a commit; None is the working tree as it is, without what git ignores.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    git = ("git", "-c", f"safe.directory={repository}", "-C", str(repository))
    commit, epoch = run([*git, "log", "-1", "--format=%H %ct", reference or "HEAD"]).split()
    changed = bool(run([*git, "status", "--porcelain"]).strip())
    if reference is None:
        names = run([*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")
        for name in names:
            if name and (repository / name).exists():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(repository / name, target / name, follow_symlinks=False)
        _settle_modes(target)
        return Source(target, f"{commit}+" if changed else commit, int(epoch))
    if changed:
        say(f"the working tree differs from {reference}; what is not committed is left out (--worktree takes it)")
    with subprocess.Popen([*git, "archive", reference], stdout=subprocess.PIPE) as archive:  # noqa: S603
        subprocess.run(["tar", "-x", "-C", target], stdin=archive.stdout, check=True)  # noqa: S603, S607
    _settle_modes(target)
    return Source(target, commit, int(epoch))


def _settle_modes(folder: Path) -> None:
    """Let only root write, whatever git's or the owner's mask was: the modes go into the image."""
    run(["chmod", "-R", "u=rwX,go=rX", folder])
