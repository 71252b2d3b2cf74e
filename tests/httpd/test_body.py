from __future__ import annotations

import pytest

from appliance.httpd.body import Body, ChunkedBody, PlainBody
from appliance.httpd.budget import Budget
from appliance.httpd.head import HeadReader
from appliance.httpd.headers import Headers
from appliance.httpd.refusal import Refusal

CHUNKS = b"5;a=b\r\nhello\r\n1 \r\n,\r\n00A\r\n the world\r\n0\r\nX-Sum: 1\r\n\r\n"
NEXT = b"GET / HT"


def _read(body: Body, pieces: list[bytes], budget: int = 1000) -> tuple[bytes, bytes]:
    inbox, said, left = bytearray(), b"", Budget(budget)
    for piece in pieces:
        inbox += piece
        said += body.take(inbox, left)
    assert body.is_over
    return said, bytes(inbox)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_body_is_the_same_however_it_is_cut_and_ends_where_the_next_request_begins(size: int) -> None:
    for body, data, said in ((ChunkedBody(), CHUNKS, b"hello, the world"), (PlainBody(5), b"hello", b"hello")):
        whole = data + NEXT
        pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
        assert _read(body, pieces) == (said, NEXT)


def test_all_that_comes_is_paid_for() -> None:
    for body, data in ((ChunkedBody(), CHUNKS), (PlainBody(5), b"hello")):
        budget = Budget(len(data))
        body.take(bytearray(data + NEXT), budget)
        assert budget.left == 0
    for poor, data in ((ChunkedBody(), CHUNKS), (PlainBody(5), b"hello")):
        with pytest.raises(Refusal) as refused:
            _read(poor, [bytes((byte,)) for byte in data], len(data) - 1)
        assert refused.value.status == 413


def test_headers_are_found_whatever_their_case() -> None:
    data = bytearray(b"GET / HTTP/1.1\r\nhOsT:x\r\nX-One: \t 1 \t\r\nx-one:2: 3\r\nX-None:\r\n\r\nbody")
    head = HeadReader(lambda: 1000)
    assert head.find_end(data) == len(data) - len(b"body")
    headers = head.headers
    assert (headers["Host"], headers["X-ONE"], headers.each("x-One")) == ("x", "1,2: 3", ("1", "2: 3"))
    assert (headers.get("x-none"), headers.get("x-two"), headers.get("x-two", "-")) == ("", None, "-")
    assert ("HOST" in headers, "x" in headers, list(headers)) == (True, False, ["host", "x-one", "x-none"])
    assert len(headers) == 3
    assert headers.each("none") == Headers().each("host") == ()
