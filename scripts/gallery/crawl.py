"""Finds the pages of a device as a visitor would: by following links."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error


def paths(page: Any, origin: str) -> list[str]:
    """Follow every link of menu, tabs and content within the device; gives the pages, the home page first."""
    found: list[str] = []
    seen, waiting = {"/"}, ["/"]
    while waiting:
        path = waiting.pop(0)
        try:
            answer = page.goto(origin + path)
        except Error as error:
            if "Download is starting" in str(error):
                continue
            raise
        if answer is None or answer.status != 200 or "html" not in answer.headers.get("content-type", ""):
            continue
        found.append(path)
        for url in page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
            parts = urlsplit(url)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            if f"{parts.scheme}://{parts.netloc}" == origin and target not in seen:
                seen.add(target)
                waiting.append(target)
    return found
