"""The first moments of a connection on the port for TLS, before there is anything to read."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

TLS_HANDSHAKE = 0x16
"""The first byte of a client's part in TLS (RFC 8446, 5.1)."""


async def first_byte(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> int | None:
    """Look at the first byte without taking it; None when the client has gone."""
    while True:
        try:
            return (sock.recv(1, socket.MSG_PEEK) or [None])[0]
        except BlockingIOError:
            await _ready(loop, sock, for_reading=True)
        except OSError:
            return None


async def shake_hands(loop: asyncio.AbstractEventLoop, sock: ssl.SSLSocket) -> None:
    """Do the server's part of the handshake.

    :raises OSError: when it fails.
    """
    while True:
        try:
            return sock.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(loop, sock, for_reading=True)
        except ssl.SSLWantWriteError:
            await _ready(loop, sock, for_reading=False)


async def _ready(loop: asyncio.AbstractEventLoop, sock: socket.socket, *, for_reading: bool) -> None:
    ready: asyncio.Future[None] = loop.create_future()
    begin, end = (loop.add_reader, loop.remove_reader) if for_reading else (loop.add_writer, loop.remove_writer)
    fd = sock.fileno()

    def tell() -> None:
        end(fd)
        ready.set_result(None)

    begin(fd, tell)
    try:
        await ready
    finally:
        if not ready.done() or ready.cancelled():
            end(fd)
