"""Chromium as a test drives it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path("/usr/bin/chromium")


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """Start Chromium without a window, and end it."""
    need(PROGRAM.exists(), "there is no Chromium")
    with sync_playwright() as playwright:
        # As root it does not start with its sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=str(PROGRAM), args=["--no-sandbox", *arguments])
        try:
            yield browser
        finally:
            browser.close()
