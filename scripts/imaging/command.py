"""Other programs, run so that a failure says what they said."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class BuildError(Exception):
    """The image cannot be built; the message says why, to the person who asked for it."""


def say(message: str) -> None:
    """Tell what is being done."""
    sys.stderr.write(f"scripts/build-image: {message}\n")
    sys.stderr.flush()


def run(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    text: str | None = None,
) -> str:
    """Run a program and give what it writes.

    :param text: what it reads; without it nothing.
    :raises BuildError: when it fails, with the end of what it wrote.
    """
    done = subprocess.run(  # noqa: S603 (commands of this package, not of a user)
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        input=text if text is not None else "",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise BuildError("\n".join([f"{command[0]} ended with {done.returncode}:", *said]))
    return done.stdout


def listed(text: str) -> list[str]:
    """Give the lines of a list file: without comments and blank lines."""
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]
