"""What the server says by itself: small pages about requests that it cannot or will not pass on."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from html import escape
from http import HTTPStatus

SERVER = "CMe3000"


class Refusal(Exception):  # noqa: N818 (called by what happened)
    """A request that the server answers itself, after which it closes the connection."""

    def __init__(self, status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer with `status` and a page that says `sentence`."""
        super().__init__()
        self.status = status
        self.sentence = sentence
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status} {self.sentence}"


def http_date() -> str:
    """Write the time of now as HTTP has it (RFC 9110, 5.6.7)."""
    return _date_of(int(time.time()))


@lru_cache(1)
def _date_of(second: int) -> str:
    return formatdate(second, usegmt=True)


def error_page(status: int, sentence: str) -> bytes:
    """Write the page's HTML."""
    title = f"{status} {HTTPStatus(status).phrase}"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{escape(sentence)}</p></body></html>\n"
    ).encode()


def error_headers(body: bytes, more: tuple[tuple[str, str], ...] = ()) -> list[tuple[str, str]]:
    """Give the headers that belong to such a page."""
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        *more,
    ]


def farewell(refusal: Refusal, *, with_body: bool) -> tuple[bytes, int]:
    """Write the whole answer, and count the bytes of its body."""
    body = error_page(refusal.status, refusal.sentence)
    lines = [
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
        f"Server: {SERVER}",
        f"Date: {http_date()}",
        *(f"{name}: {value}" for name, value in error_headers(body, refusal.headers)),
        "Connection: close",
    ]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return (head + body, len(body)) if with_body else (head, 0)
