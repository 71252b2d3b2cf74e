"""Requests as bytes, and what is to become of each: status, the counter that counts it, and the log line."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One request on a connection of its own."""

    name: str
    data: bytes
    status: int
    log: str
    """Without the peer and without the bytes sent."""
    counter: str = ""
    """As HttpCounters names it; empty is that of the status."""


H = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + H
POST = b"POST /echo HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
BIG = 4096
"""The *max bytes* of the table."""


def _get(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + H + b"\r\n"


def _page(target: str, status: int) -> Case:
    return Case(f"target {target}", _get(target.encode("latin-1")), status, f"GET {target} HTTP/1.1 {status}")


def _no_line(name: str, data: bytes) -> Case:
    return Case(name, data, 400, "- 400")


ECHO = "POST /echo HTTP/1.1"
HOME = "GET / HTTP/1.1"

CASES = [
    # Good ones.
    Case("get", GET + b"\r\n", 200, f"{HOME} 200"),
    Case("http 1.0 without a host", b"GET / HTTP/1.0\r\n\r\n", 200, "GET / HTTP/1.0 200"),
    Case("http 1.0 with a host", b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", 200, "GET / HTTP/1.0 200"),
    Case("head", b"HEAD / HTTP/1.1\r\n" + H + b"\r\n", 200, "HEAD / HTTP/1.1 200"),
    Case("options of a page", b"OPTIONS / HTTP/1.1\r\n" + H + b"\r\n", 200, "OPTIONS / HTTP/1.1 200"),
    Case("options of the server", b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n", 200, "OPTIONS * HTTP/1.1 200"),
    Case("post with a length", POST + b"Content-Length: 2\r\n\r\nhi", 200, f"{ECHO} 200"),
    Case("post of nothing", POST + b"Content-Length: 0\r\n\r\n", 200, f"{ECHO} 200"),
    Case("post without a length", POST + b"\r\n", 200, f"{ECHO} 200"),
    Case("chunks", CHUNKED + b"\r\n2\r\nhi\r\n0\r\n\r\n", 200, f"{ECHO} 200"),
    Case("chunk extension", CHUNKED + b"\r\n2;a=b\r\nhi\r\n0\r\n\r\n", 200, f"{ECHO} 200"),
    Case("trailer", CHUNKED + b"\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n", 200, f"{ECHO} 200"),
    Case("chunk size with zeros", CHUNKED + b"\r\n002\r\nhi\r\n00\r\n\r\n", 200, f"{ECHO} 200"),
    Case("body of a get", GET + b"Content-Length: 2\r\n\r\nhi", 200, f"{HOME} 200"),
    Case("absolute form", _get(b"http://y/page?a=b"), 200, "GET /page?a=b HTTP/1.1 200"),
    Case("absolute form without a path", _get(b"http://y"), 200, f"{HOME} 200"),
    Case("empty line before", b"\r\n" + GET + b"\r\n", 200, f"{HOME} 200"),
    Case("host with port", b"GET / HTTP/1.1\r\nHost: x:8080\r\n\r\n", 200, f"{HOME} 200"),
    Case("host is an ipv6 address", b"GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n\r\n", 200, f"{HOME} 200"),
    Case("header of 8 bits", GET + b"X: \xff\r\n\r\n", 200, f"{HOME} 200"),
    Case("header without a value", GET + b"X:\r\n\r\n", 200, f"{HOME} 200"),
    Case(
        "expectation in small letters", POST + b"Expect: 100-CONTINUE\r\nContent-Length: 0\r\n\r\n", 200, f"{ECHO} 200"
    ),
    _page("/page%20of%20%C3%BC", 200),
    _page("/page%2541", 200),
    _page("/page/", 200),
    _page("/page?a=/../", 200),
    _page("/none", 404),
    # Targets.
    _page("/page%2Fx", 400),
    _page("/page%2fx", 400),
    _page("/page%5Cx", 400),
    Case("backslash", _get(b"/page\\x"), 400, "GET /page\\\\x HTTP/1.1 400"),
    _page("/page/../x", 400),
    _page("/page/%2e%2e/x", 400),
    _page("/page/.%2E/x", 400),
    _page("/./page", 400),
    _page("/..", 400),
    _page("/page//x", 400),
    _page("//x/page", 400),
    _page("/page%00", 400),
    _page("/page%0d%0aX:%20y", 400),
    _page("/page%7F", 400),
    _page("/page%C2%85", 400),
    _page("/page%", 400),
    _page("/page%4", 400),
    _page("/page%zz", 400),
    _page("/page%FF", 400),
    _page("/page%C0%AF", 400),
    _page("/page%ED%A0%80", 400),
    _page("/page#there", 400),
    _page("page", 400),
    _page("*", 400),
    _page("x:443", 400),
    _page("ftp://x/page", 400),
    _page("http:///page", 400),
    _page("http://user@x/page", 400),
    _page("http://x/%2e%2e/page", 400),
    _no_line("target of 8 bits", _get(b"/page\xc3\xbc")),
    Case("options of another server", b"OPTIONS x:80 HTTP/1.1\r\n" + H + b"\r\n", 400, "OPTIONS x:80 HTTP/1.1 400"),
    # Methods and versions.
    *(
        Case(f"method {name}", f"{name} / HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 501, f"{name} / HTTP/1.1 501")
        for name in ("PUT", "DELETE", "TRACE", "PATCH", "CONNECT", "get", "PROPFIND")
    ),
    Case("connect", b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 501, "CONNECT x:443 HTTP/1.1 501"),
    _no_line("http 0.9", b"GET /\r\n\r\n"),
    _no_line("http 1.2", b"GET / HTTP/1.2\r\n" + H + b"\r\n"),
    _no_line("http 2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _no_line("http 11", b"GET / HTTP/11\r\n" + H + b"\r\n"),
    _no_line("version in small letters", b"GET / http/1.1\r\n" + H + b"\r\n"),
    _no_line("no version", b"GET / \r\n" + H + b"\r\n"),
    _no_line("two spaces", b"GET  / HTTP/1.1\r\n" + H + b"\r\n"),
    _no_line("tabulator", b"GET\t/ HTTP/1.1\r\n" + H + b"\r\n"),
    _no_line("space in the target", b"GET /a b HTTP/1.1\r\n" + H + b"\r\n"),
    _no_line("space at the end", b"GET / HTTP/1.1 \r\n" + H + b"\r\n"),
    _no_line("space before", b" GET / HTTP/1.1\r\n" + H + b"\r\n"),
    _no_line("method with a colon", b"G:T / HTTP/1.1\r\n" + H + b"\r\n"),
    _no_line("no request", b"hello\r\n"),
    _no_line("two empty lines before", b"\r\n\r\n" + GET + b"\r\n"),
    _no_line("tls on the plain port", b"\x16\x03\x01\x02\x00\x01\x00"),
    # Line ends and characters.
    _no_line("line feeds only", b"GET / HTTP/1.1\nHost: x\n\n"),
    Case("line feed after a header", GET + b"X: y\n\r\n", 400, f"{HOME} 400"),
    Case("line feed at the end", GET + b"\n", 400, f"{HOME} 400"),
    Case("carriage return in a header", GET + b"X: y\rz\r\n\r\n", 400, f"{HOME} 400"),
    Case("nul in a header", GET + b"X: y\0\r\n\r\n", 400, f"{HOME} 400"),
    Case("escape in a header", GET + b"X: \x1b[2J\r\n\r\n", 400, f"{HOME} 400"),
    Case("folded header", GET + b"X: y\r\n z\r\n\r\n", 400, f"{HOME} 400"),
    Case("folded first header", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, f"{HOME} 400"),
    Case("header without a colon", GET + b"X\r\n\r\n", 400, f"{HOME} 400"),
    Case("header without a name", GET + b": y\r\n\r\n", 400, f"{HOME} 400"),
    Case("space before the colon", GET + b"X : y\r\n\r\n", 400, f"{HOME} 400"),
    Case("space in a header's name", GET + b"X Y: z\r\n\r\n", 400, f"{HOME} 400"),
    Case("header's name of 8 bits", GET + b"\xff: z\r\n\r\n", 400, f"{HOME} 400"),
    # Hosts.
    Case("no host", b"GET / HTTP/1.1\r\n\r\n", 400, f"{HOME} 400"),
    Case("two hosts", GET + H + b"\r\n", 400, f"{HOME} 400"),
    Case("two hosts of old", b"GET / HTTP/1.0\r\n" + H + H + b"\r\n", 400, "GET / HTTP/1.0 400"),
    *(
        Case(f"host {host!r}", b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", 400, f"{HOME} 400")
        for host in (b"x:abc", b"", b"x:99999", b"x:80:80", b"a b", b"x/y", b"u@x", b"[::1", b"x,y", b"<script>")
    ),
    # Lengths.
    *(
        Case(f"length {text!r}", POST + b"Content-Length: " + text + b"\r\n\r\nhi", 400, f"{ECHO} 400")
        for text in (b"-1", b"+2", b"2,2", b"2, 3", b"0x2", b"2.0", b"", b"two", b"2 2", b"1" * 40, b"\xb2")
    ),
    Case("two lengths", POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", 400, f"{ECHO} 400"),
    Case("one length twice", POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 400, f"{ECHO} 400"),
    Case("length and chunks", CHUNKED + b"Content-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 400, f"{ECHO} 400"),
    Case(
        "chunks and length",
        POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        400,
        f"{ECHO} 400",
    ),
    # Codings.
    Case("gzip", POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, f"{ECHO} 501"),
    Case("gzip and chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, f"{ECHO} 501"),
    Case("chunked and gzip", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400, f"{ECHO} 400"),
    Case("chunked twice", CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n", 400, f"{ECHO} 400"),
    Case("identity", POST + b"Transfer-Encoding: identity\r\n\r\n", 400, f"{ECHO} 400"),
    Case("chunked with a control character", POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400, f"{ECHO} 400"),
    Case("empty coding", POST + b"Transfer-Encoding:\r\n\r\n", 400, f"{ECHO} 400"),
    Case(
        "chunks of old",
        b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "POST /echo HTTP/1.0 400",
    ),
    *(
        Case(f"chunk {text!r}", CHUNKED + b"\r\n" + text, 400, f"{ECHO} 400")
        for text in (
            b"-1\r\nhi\r\n",
            b"+2\r\nhi\r\n",
            b"0x2\r\nhi\r\n",
            b"2_0\r\nhi\r\n",
            b"g\r\nhi\r\n",
            b"\r\nhi\r\n",
            b" 2\r\nhi\r\n",
            b"2\nhi\r\n",
            b"2\r\nhi!\r\n0\r\n\r\n",
            b"2\r\nhi\n0\r\n\r\n",
            b"1" * 40 + b"\r\n",
            b"2;" + b"a" * 300,
            b"0\r\nno trailer\r\n\r\n",
            b"0\r\n X: folded\r\n\r\n",
        )
    ),
    # Expectations.
    Case("another expectation", POST + b"Expect: magic\r\n\r\n", 417, f"{ECHO} 417", "status_unknown"),
    # Too large.
    Case("large by announcement", POST + b"Content-Length: 4096\r\n\r\n", 413, f"{ECHO} 413"),
    Case("huge by announcement", POST + b"Content-Length: 99999999999999\r\n\r\n", 413, f"{ECHO} 413"),
    Case("large chunk", CHUNKED + b"\r\nFFFFFFFFFFFFFFFF\r\n", 413, f"{ECHO} 413"),
    Case("chunks that grow", CHUNKED + b"\r\n" + b"200\r\n" + (b"x" * 512 + b"\r\n200\r\n") * 8, 413, f"{ECHO} 413"),
    Case("small chunks that cost", CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 800, 413, f"{ECHO} 413"),
    Case("large trailers", CHUNKED + b"\r\n0\r\n" + b"X: yyyyyyyyyyyyyyyy\r\n" * 250, 413, f"{ECHO} 413"),
    Case("large header", GET + b"X: " + b"y" * BIG + b"\r\n\r\n", 413, f"{HOME} 413"),
    Case("many headers", GET + b"X: y\r\n" * 1000 + b"\r\n", 413, f"{HOME} 413"),
    Case("headers without end", GET + b"X: " + b"y" * BIG, 413, f"{HOME} 413"),
    Case("large request line", b"GET /" + b"y" * BIG, 413, "- 413"),
    Case("large line and all", _get(b"/" + b"y" * BIG), 413, "- 413"),
    # What the application does.
    Case("broken page", _get(b"/broken"), 500, "GET /broken HTTP/1.1 500", "status_unknown"),
    Case(
        "method not for this page", b"POST / HTTP/1.1\r\n" + H + b"\r\n", 405, "POST / HTTP/1.1 405", "status_unknown"
    ),
]
