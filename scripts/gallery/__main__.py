"""Takes the pictures: starts a device, gives it something to show, and visits every page that the menu leads to."""

from __future__ import annotations

import argparse
import contextlib
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from gallery.crawl import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "three water meters"  # noqa: S105 (of a device that lives for a minute)
START = 60.0
"""Seconds for the device to start."""
LOOKS: tuple[tuple[int, Any, str], ...] = (
    (1280, "light", "en"),
    (1280, "dark", "en"),
    (1280, "light", "fr"),
    (390, "light", "en"),
    (390, "dark", "fr"),
)
REQUESTS = 12
"""Transactions with a meter, so that the counters have something to count."""


@contextlib.contextmanager
def device(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a simulated device; gives the ports of its pages and of its tunnel."""
    ports = [word for name in ("tunnel.port", "http.port", "console.port") for word in ("--set", f"{name}=0")]
    with subprocess.Popen(  # noqa: S603 (this very Python)
        [sys.executable, "-m", "appliance", "simulate", "--state", str(folder), "--accelerated", *ports],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield _ports(process)
        finally:
            process.terminate()


def _ports(process: subprocess.Popen[str]) -> tuple[int, int]:
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    said = ""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if not select.select([process.stdout], [], [], deadline - time.monotonic())[0]:
            break
        line = process.stdout.readline()
        if not line:
            break
        said += line
        web, tunnel = re.search(r"web +http://[^:]+:(\d+)/", said), re.search(r"tunnel +\S+ port (\d+)", said)
        if web and tunnel:
            return int(web[1]), int(tunnel[1])
    raise SystemExit(f"the device did not start:\n{said}")


def talk(port: int) -> None:
    """Read a meter a few times."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for _ in range(REQUESTS):
            client.sendall(bytes.fromhex("10 5b 01 5c 16"))
            client.recv(4096)


def set_up(page: Any, origin: str) -> None:
    """Replace the factory password, as an engineer would."""
    page.goto(f"{origin}/password")
    page.locator("[name=new]").fill(PASSWORD)
    page.locator("[name=again]").fill(PASSWORD)
    page.locator("main form button").last.click()
    page.wait_for_url(f"{origin}/")


def main() -> None:
    """Take all pictures that are asked for."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description="Pictures of every page of the device.")
    parser.add_argument("--folder", type=Path, default=Path(".screenshots"), help="where they go (default %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only pages whose path contains this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state, device(Path(state)) as (web, tunnel), sync_playwright() as playwright:
        talk(tunnel)
        origin = f"http://127.0.0.1:{web}"
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        factory = browser.new_context(http_credentials={"username": "admin", "password": "admin"}, locale="en")
        set_up(factory.new_page(), origin)
        for width, scheme, language in LOOKS:
            context = browser.new_context(
                http_credentials={"username": "admin", "password": PASSWORD},
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
                locale=language,
            )
            page = context.new_page()
            folder = options.folder / f"{language}-{width}-{scheme}"
            folder.mkdir(parents=True, exist_ok=True)
            for path in paths(page, origin):
                if options.only not in path:
                    continue
                page.goto(origin + path)
                page.wait_for_load_state("load")
                name = re.sub(r"[^A-Za-z0-9]+", "-", path.strip("/")) or "status"
                file = folder / f"{name}.png"
                page.screenshot(path=str(file), full_page=True)
                sys.stdout.write(f"{file}\n")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
