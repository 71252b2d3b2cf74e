"""What the tunnel makes of a listening port."""

from __future__ import annotations

import socket

import pytest

from appliance.ports import Listener
from appliance.tunnel.admission import LISTENING
from appliance.tunnel.connection import peer_name


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (("192.0.2.7", 51512), "192.0.2.7:51512"),
        (("::ffff:192.0.2.7", 51512, 0, 0), "192.0.2.7:51512"),
        (("fe80::1%eth0", 51512, 0, 2), "[fe80::1%eth0]:51512"),
        (("2001:db8::7", 1, 0, 0), "[2001:db8::7]:1"),
    ],
)
def test_a_peer_is_named_as_people_write_it(address: tuple[str, int], name: str) -> None:
    assert peer_name(address) == name


def test_a_client_cannot_park_much_in_the_kernel() -> None:
    listener = Listener("127.0.0.1", 0, options=LISTENING)
    try:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as client:
            accepted = listener.accept()
            assert accepted is not None
            with accepted[0] as server:
                assert server.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * 2048
                assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 1024
    finally:
        listener.close()
