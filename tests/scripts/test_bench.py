from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from benchmark import web
from benchmark.gateways import Ours
from benchmark.stand import Stand
from benchmark.table import Row, Target, as_text, ratios_by_batch
from benchmark.web_attacks import ATTACKS
from benchmark.wire import first_difference

from tests.conftest import need
from tests.network.namespaces import need_namespaces
from tests.scripts.newcomer import REPOSITORY

# A gateway that loses one byte of every block that it reads from the line.
LOSSY = """
import os, select, socket, sys
fd = os.open(sys.argv[sys.argv.index("--line") + 1], os.O_RDWR | os.O_NOCTTY)
port = int(sys.argv[sys.argv.index("--tunnel-port") + 1])
with socket.create_server(("127.0.0.1", port)) as listener:
    while True:
        client, _ = listener.accept()
        with client:
            while True:
                ready = select.select([fd, client], [], [])[0]
                if fd in ready:
                    data = os.read(fd, 4096)
                    client.sendall(data if len(data) == 1 else data[1:] + b"x")
                if client in ready:
                    data = client.recv(4096)
                    if not data:
                        break
                    os.write(fd, data)
"""


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmark", "--quick", *arguments],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("peer", ["ser2net", "socat"])
def test_a_peer_is_measured(peer: str, tmp_path: Path) -> None:
    need(shutil.which(peer, path=f"{os.environ['PATH']}:/usr/sbin"), f"{peer} is not installed")
    done = bench("--gateway", peer, "--only", "transactions", "--only", "to-client", "--json", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "out").read_text())["rows"]}
    assert rows["transaction 5 -> 60 bytes, p50"]["values"][peer] > 0
    assert rows["line to client, runs with loss in 4 MiB"]["values"] == {peer: 0}
    assert "transaction 5 -> 60 bytes, p50" in done.stdout


def test_loss_is_seen_and_fails_the_check(tmp_path: Path) -> None:
    program = tmp_path / "lossy"
    (tmp_path / "lossy.py").write_text(LOSSY)
    # A Python in a folder with a space in its name cannot stand in a script's first line.
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$0.py" "$@"\n')
    program.chmod(0o755)
    done = bench("--cme3000", program, "--gateway", "cme3000", "--only", "to-client", "--check")
    assert done.returncode == 1, done.stderr
    assert "first wrong byte at 0" in done.stdout
    assert "MISSED" in done.stdout


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("x", "", {"cme3000": 1}), None),
        (Row("x", "", {"cme3000": 1}, Target("<=", 1)), True),
        (Row("x", "", {"cme3000": 1}, Target("<", 1)), False),
        (Row("x", "", {}, Target("<", 1)), False),
        (Row("x", "", {"cme3000": 3, "ser2net": 2}, Target(">=", 1.5, is_ratio=True)), True),
        (Row("x", "", {"cme3000": 3, "ser2net": 2}, Target("<=", 1, is_ratio=True)), False),
        (Row("x", "", {"ser2net": 2}, Target("<=", 1, is_ratio=True)), False),
        (Row("x", "", {"cme3000": 2, "socat": 1}, Target("<=", 1, is_ratio=True)), None),
        (Row("x", "", {"cme3000": 2, "socat": 1}, Target("<=", 1, is_ratio=True, judge="socat")), False),
    ],
)
def test_the_verdict_on_a_target(row: Row, verdict: bool | None) -> None:
    assert row.verdict is verdict


def test_batches_are_compared_each_with_its_neighbour() -> None:
    assert ratios_by_batch({"cme3000": [1, 20, 3], "ser2net": [2, 20, 2]}) == {"ser2net": 1.0}


def test_the_table_is_aligned() -> None:
    rows = [
        Row("a", "ms", {"cme3000": 0.5, "socat": 12345.6}, Target("<=", 1)),
        Row("longer", "", {"socat": 1}, notes=("why",)),
    ]
    assert as_text(rows, ["cme3000", "socat"]).splitlines() == [
        "        unit  cme3000  socat  / socat  target",
        "a       ms        0.5  12346     0.00  <= 1    ok",
        "longer              -      1        -",
        "",
        "longer: why",
    ]


@pytest.mark.parametrize(
    ("received", "expected", "position"), [(b"abc", b"abc", None), (b"axc", b"abc", 1), (b"ab", b"abc", 2)]
)
def test_the_first_difference(received: bytes, expected: bytes, position: int | None) -> None:
    assert first_difference(received, expected) == position


@pytest.mark.parametrize(
    ("measure", "rows"),
    [
        (
            "panel",
            ["panel, CPU", "byte on the line to ACT, worst", "link lost to LINK off, worst", "service that hangs"],
        ),
        ("network", ["start to leased address, unchecked", "start to leased address, full", "network manager, CPU"]),
    ],
)
def test_what_no_peer_has_is_measured_too(measure: str, rows: list[str], tmp_path: Path) -> None:
    need_namespaces()
    need(shutil.which("dnsmasq"), "dnsmasq is not installed")
    _are_measured(measure, rows, tmp_path)


@pytest.mark.parametrize(
    ("measure", "rows"),
    [
        (
            "web",
            [
                "web: import and start, CPU",
                "web: kept connections, 8 clients, rate",
                "web: new connection each, 8 clients, rate",
                "web: page beside a page that sleeps, p99 to",
                "web: page beside a page that computes, p99 to",
                "Status page, p50",
            ],
        ),
        ("web-tunnel", ["transaction, beside page load, p99"]),
        ("web-upload", ["upload of 30 MB: RSS", "upload of 30 MB: other requests, median"]),
    ],
)
def test_the_web_server_is_measured_beside_its_own_peer(measure: str, rows: list[str], tmp_path: Path) -> None:
    found = _are_measured(measure, rows, tmp_path)
    for name in ("web: kept connections, 8 clients, rate", "web: new connection each, 8 clients, rate"):
        if measure == "web":
            assert found[name]["values"]["waitress"] > 0
            assert found[name]["target"] == ">= 1 x waitress"


def _are_measured(measure: str, rows: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    done = bench("--gateway", "cme3000", "--only", measure, "--json", folder / "out")
    assert done.returncode == 0, done.stderr
    found = {row["name"]: row for row in json.loads((folder / "out").read_text())["rows"]}
    for name in rows:
        row = next(row for full, row in found.items() if full.startswith(name))
        assert row["notes"] == []
        assert row["values"]["cme3000"] >= 0
    return found


def test_every_attack_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(web, "ATTACKERS", 20)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "scripts"))
    monkeypatch.setattr(web, "QUICK_ATTACK", 0.3)
    rows = web.web_attacks(Stand([Ours], tmp_path, quick=True))
    assert len(rows) == 5 * len(ATTACKS)
    for row in rows:
        assert row.values["cme3000"] >= 0
        assert not row.name.endswith("failed") or row.values["cme3000"] == 0


def test_nothing_is_left_of_a_benchmark_that_is_killed() -> None:
    words = [sys.executable, "-m", "benchmark", "--quick", "--gateway", "cme3000", "--only", "transactions"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "scripts")}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        try:
            children = _wait_for_children(program.pid)
        finally:
            program.kill()
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline, f"still there: {children}"
        time.sleep(0.02)


def test_a_process_whose_parent_ended_before_it_could_ask_ends_too() -> None:
    code = "import os; from benchmark.wire import end_with_parent; end_with_parent(os.getpid()); print('goes on')"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env=environment, stdout=subprocess.PIPE, timeout=30
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def _wait_for_children(pid: int) -> list[int]:
    """Give the children of `pid`, once there is one for each processor and the gateway."""
    deadline = time.monotonic() + 60
    while True:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if len(children) > len(os.sched_getaffinity(0)):
            return [int(child) for child in children]
        assert time.monotonic() < deadline, "it has no children"
        time.sleep(0.02)
