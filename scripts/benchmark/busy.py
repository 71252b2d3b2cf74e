"""Runs our command line beside a thread that computes without end: `python busy.py run --line ...`."""

from __future__ import annotations

import sys
import threading

from appliance.__main__ import main


def _render_for_ever() -> None:
    """Do what a page does, in pure Python, so that the interpreter lock is asked for and never given up freely."""
    while True:
        "".join(f"<tr><td>{number}</td><td>{number * 3 % 7:>8}</td></tr>" for number in range(200))


if __name__ == "__main__":
    threading.Thread(target=_render_for_ever, name="busy", daemon=True).start()
    sys.exit(main(sys.argv[1:]))
