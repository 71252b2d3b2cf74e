"""A newcomer's machine: a copy of the repository, and a PATH with little more in it than a fake Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

# What the scripts may take for granted on a bare Debian.
_ALWAYS_THERE = (
    *("bash", "sh", "env", "id", "sleep", "date", "flock", "dirname", "basename", "readlink", "find", "mktemp"),
    *("cat", "head", "tail", "cut", "sort", "grep", "awk", "tee", "xargs", "sha256sum", "rm", "mkdir", "cp", "chmod"),
)

# Answers the questions that the set-up asks of a Python, and makes environments that log what pip is told.
_FAKE_PYTHON = """#!/bin/bash
case "$*" in
    --version) echo Python 3.12.9 ;;
    "-m venv "*)
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python"
        printf '#!/bin/sh\\necho ran "$0"; printf "<%%s>" "$@"\\n' >"$3/bin/cme3000"
        for tool in ruff mypy lint-imports; do
            printf '#!/bin/sh\\n[ -z "$BROKEN" ] || [ "$BROKEN" != %s ]\\n' "$tool" >"$3/bin/$tool"
        done
        chmod +x "$3"/bin/*
        ;;
    "-m pip "*)
        echo "pip $*" >>"$CALLS"
        sleep "${PIP_TAKES:-0}"
        [ -z "$PIP_FAILS" ] || { echo "ERROR: no way out"; exit 1; }
        ;;
    "-m pytest "*) printf 'collecting\\n== 3 passed in 0.10s ==\\n' ;;
    *ensurepip*) [ -z "$NO_ENSUREPIP" ] || [ -e "$CALLS.installed" ] ;;
    *"import pip"*) [[ $0 == */.venv*/bin/python ]] && echo 3.12.9 "${0%/bin/python}" ;;
    *print*version_info*) echo 3.12 ;;
    *version_info*) [ -z "$TOO_OLD" ] ;;
esac
"""

_FAKE_APT = """#!/bin/bash
echo "apt-get $*" >>"$CALLS"
[[ " $* " != *" install "* ]] || : >"$CALLS.installed"
"""


@dataclass
class Newcomer:
    """One copy of the repository, and what the machine around it is like."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def arrive(cls, parent: Path) -> Newcomer:
        """Copy the repository as a fresh clone has it."""
        folder = parent / "a fresh copy"
        shutil.copytree(REPOSITORY / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(REPOSITORY / "requirements", folder / "requirements")
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        commands = parent / "commands"
        commands.mkdir()
        for name in _ALWAYS_THERE:
            (commands / name).symlink_to(shutil.which(name) or "/nowhere")
        newcomer = cls(folder, {"PATH": str(commands), "CALLS": str(parent / "calls"), "LC_ALL": "C"})
        newcomer.put("python3", _FAKE_PYTHON)
        # Never this machine's own apt-get, whoever runs the tests.
        newcomer.put("id", "#!/bin/bash\necho 1000\n")
        return newcomer

    def put(self, name: str, text: str) -> None:
        """Put a command into the PATH."""
        path = Path(self.environment["PATH"]) / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def become_root(self) -> None:
        """Be allowed to install what is missing."""
        self.put("id", "#!/bin/bash\necho 0\n")
        self.put("apt-get", _FAKE_APT)

    def calls(self) -> list[str]:
        """Give the calls of pip and apt-get so far."""
        path = Path(self.environment["CALLS"])
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *command: str | Path, user: int | None = None, **extra: str) -> subprocess.Popen[str]:
        """Start a script of the copy, or another command, from an unrelated folder."""
        first = self.folder / command[0]
        return subprocess.Popen(
            [first, *command[1:]],
            cwd="/",
            env=self.environment | extra,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str | Path, user: int | None = None, **extra: str) -> Outcome:
        """Run it to its end."""
        with self.start(*command, user=user, **extra) as process:
            out, err = process.communicate(timeout=60)
        return Outcome(process.returncode, out, err.splitlines())


@dataclass(frozen=True)
class Outcome:
    """How a script ended."""

    code: int
    out: str
    complaints: list[str]


def may_change_user() -> bool:
    """Whether this process can start others as nobody."""
    return os.geteuid() == 0
