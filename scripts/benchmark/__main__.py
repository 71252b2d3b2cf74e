"""The command line of the benchmark; scripts/bench starts it."""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import discovery, footprint, latency, network, pacing, panel, reconnects, throughput, web
from benchmark.gateways import PEERS, Gateway, Ours
from benchmark.stand import Stand
from benchmark.table import OURS, Row, as_json, as_text
from benchmark.web_stand import PEER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEASURES: dict[str, Callable[[Stand], list[Row]]] = {
    "transactions": latency.transactions,
    "busy": latency.beside_a_busy_thread,
    "to-client": throughput.to_client,
    "to-line": throughput.to_line,
    "pace-2400": pacing.at_2400,
    "pace-300": pacing.at_300,
    "start": footprint.start_time,
    "memory": footprint.memory_and_growth,
    "idle": footprint.idle,
    "reconnects": reconnects.reconnects,
    "panel": panel.panel,
    "network": network.network,
    "discovery": discovery.discovery,
}

WEB_MEASURES: dict[str, Callable[[Stand], list[Row]]] = {
    "web": web.web,
    "web-tunnel": web.web_tunnel,
    "web-attacks": web.web_attacks,
    "web-upload": web.web_upload,
}
"""These have a peer of their own, and a table of their own."""

_EVERYONE: tuple[type[Gateway], ...] = (Ours, *PEERS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and give the exit code."""
    options = _parser().parse_args(arguments)
    if options.cme3000:
        Ours.program = options.cme3000.absolute()
    kinds = [kind for kind in _EVERYONE if not options.gateways or kind.name in options.gateways]
    for kind in list(kinds):
        if missing := kind.missing():
            print(f"scripts/bench: {kind.name} is left out, for this is missing: {missing}", file=sys.stderr)  # noqa: T201 (a command line speaks)
            kinds.remove(kind)
    if not kinds:
        return 2
    # An orderly end, so that no gateway is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows: list[Row] = []
    web_rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stand = Stand(kinds, Path(folder), options.quick)
        for name in options.only or [*MEASURES, *WEB_MEASURES]:
            began = time.monotonic()
            if name in WEB_MEASURES:
                web_rows += WEB_MEASURES[name](stand)
            else:
                measured = MEASURES[name](stand)
                rows += measured if Ours in kinds else [replace(row, target=None) for row in measured]
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201 (a command line speaks)
    if rows:
        print(as_text(rows, [kind.name for kind in kinds]))  # noqa: T201 (a command line speaks)
    if web_rows:
        print(as_text(web_rows, [OURS, PEER]))  # noqa: T201 (likewise)
    rows += web_rows
    if options.json:
        machine = {"system": platform.platform(), "python": platform.python_version()}
        report = {"machine": machine, "quick": options.quick, "rows": as_json(rows)}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    missed = [row.name for row in rows if row.verdict is False]
    return 1 if options.check and missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures our tunnel beside ser2net and socat on pseudo-terminals over loopback TCP, and our web "
        "server beside waitress.",
        epilog="Ratios are ours divided by the peer's; those with a target are judged against ser2net or waitress.",
    )
    parser.add_argument("--quick", action="store_true", help="smaller counts: a few minutes, and less exact")
    parser.add_argument(
        "--only", action="append", choices=[*MEASURES, *WEB_MEASURES], help="this measure alone; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument(
        "--gateway",
        action="append",
        dest="gateways",
        choices=[kind.name for kind in _EVERYONE],
        help="this gateway alone; may be repeated",
    )
    parser.add_argument(
        "--cme3000", type=Path, metavar="FILE", help="measure this one, of another working copy perhaps"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
