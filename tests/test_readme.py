"""What the README tells a newcomer to type works, and prints what the README shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.free_ports import ANY_PORTS
from tests.test_command_line import DEADLINE, PORT, running

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_reads_a_meter(tmp_path: Path) -> None:
    program = re.search(r"<<'EOF'\n(.*?)EOF\n", README, re.DOTALL)
    shown = re.search(r"EOF\n```\n\n```\n(.*?)```", README, re.DOTALL)
    assert program
    assert shown
    with running("simulate", "--state", str(tmp_path), *ANY_PORTS) as command:
        port = command.wait_for(PORT)[1]
        result = subprocess.run(
            [sys.executable, "-"],
            input=program[1].replace("10001", port),
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    assert result.returncode == 0, result.stderr
    printed, expected = result.stdout.splitlines(), shown[1].splitlines()
    assert printed[0] == expected[0]
    assert [line.split()[0] for line in printed] == [line.split()[0] for line in expected]
    assert [line.split()[-1] for line in printed if "DATE" not in line] == [
        line.split()[-1] for line in expected if "DATE" not in line
    ]


def test_the_flags_of_the_readme_exist() -> None:
    told = "".join(
        subprocess.run(
            [sys.executable, "-m", "appliance", command, "--help"],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=True,
        ).stdout
        for command in ("run", "decode")
    )
    flags = re.findall(r"`(--[a-z-]+)", README)
    assert flags
    for flag in set(flags) - {"--quick", "--help", "--bus-only"}:
        assert flag in told


def test_the_links_of_the_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
