"""The TCP port itself."""

from __future__ import annotations

import socket

import pytest

from appliance.errors import ListenError
from appliance.ports import Listener


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_accepts_on_the_address_given(host: str) -> None:
    listener = Listener(host, 0)
    try:
        assert listener.accept() is None
        with socket.create_connection((host, listener.port), timeout=10):
            accepted = listener.accept()
            assert accepted is not None
            accepted[0].close()
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("host", "words"),
    [("192.0.2.1", "Cannot assign requested address"), ("nonsense.invalid", "nonsense|Name|resolution|known")],
)
def test_what_cannot_be_listened_on_is_named(host: str, words: str) -> None:
    with pytest.raises(ListenError, match=words) as caught:
        Listener(host, 4711)
    assert "4711" in str(caught.value)
