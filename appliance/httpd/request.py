"""One request, its headers read and found to be sound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.httpd.refusal import Refusal
from appliance.httpd.target import Target, check_host, read_target

if TYPE_CHECKING:
    from appliance.httpd.head import HeadReader
    from appliance.httpd.headers import Headers

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
ALLOW = ", ".join(METHODS)


@dataclass(frozen=True, slots=True)
class Request:
    """What the head of a request says."""

    method: str
    target: Target
    version: str
    headers: Headers
    host: str
    """From the target where that names one, else from the header; empty for an old client without any."""
    content_length: int
    """Bytes that the body will have, as announced; 0 where it comes in chunks."""
    is_chunked: bool
    wants_close: bool
    """Whether the client keeps the connection no longer than for this."""
    expects_continue: bool
    """Whether the client wants to hear that it may send the body (RFC 9110, 10.1.1)."""

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the head."""
        return self.is_chunked or self.content_length > 0


def read_request(head: HeadReader) -> Request:
    """Check the head of a request as a whole.

    :raises Refusal: with 400, 417 or 501.
    """
    (method, target_text, version), headers = head.request_line, head.headers
    content_length = _content_length(headers)
    is_chunked = _is_chunked(headers, version)
    host = _host(headers, version)
    if method not in METHODS:
        raise Refusal(501, f"This server knows the methods {ALLOW}.", (("Allow", ALLOW),))
    target = read_target(target_text, method)
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    return Request(
        method=method,
        target=target,
        version=version,
        headers=headers,
        host=host if target.authority is None else target.authority,
        content_length=content_length or 0,
        is_chunked=is_chunked,
        expects_continue=_expects_continue(headers, version) and (is_chunked or bool(content_length)),
        wants_close="close" in options or (version == "HTTP/1.0" and "keep-alive" not in options),
    )


def _content_length(headers: Headers) -> int | None:
    values = headers.each("content-length")
    if not values:
        return None
    if "transfer-encoding" in headers:
        raise Refusal(400, "The request has both a length and a transfer coding.")
    # One value alone: RFC 9112 6.3 would let several equal ones pass, but no honest client sends them.
    if len(values) > 1 or not re.fullmatch("[0-9]{1,15}", values[0], re.ASCII):
        raise Refusal(400, "The length of the request's body is not one whole number.")
    return int(values[0])


def _is_chunked(headers: Headers, version: str) -> bool:
    values = headers.each("transfer-encoding")
    if not values:
        return False
    if version != "HTTP/1.1":
        raise Refusal(400, "A request of HTTP/1.0 has no transfer coding.")
    codings = [coding.strip().lower() for value in values for coding in value.split(",")]
    if codings == ["chunked"]:
        return True
    if codings[-1] != "chunked" or codings.count("chunked") > 1 or "" in codings:
        # The end of such a body cannot be known (RFC 9112, 6.3); a coding alone that we lack is our lack.
        if len(codings) == 1 and re.fullmatch("[a-z0-9-]+", codings[0]) and codings[0] != "identity":
            raise Refusal(501, "The only transfer coding that this server knows is chunked.")
        raise Refusal(400, "The transfer coding of the request does not end in one chunked.")
    raise Refusal(501, "The only transfer coding that this server knows is chunked.")


def _host(headers: Headers, version: str) -> str:
    values = headers.each("host")
    if len(values) > 1 or (not values and version == "HTTP/1.1"):
        raise Refusal(400, "A request names exactly one host.")
    if not values:
        return ""
    check_host(values[0])
    return values[0]


def _expects_continue(headers: Headers, version: str) -> bool:
    """Say whether the one expectation that there is (RFC 9110, 10.1.1) is asked for; it means nothing in HTTP/1.0."""
    values = headers.each("expect")
    if not values or version == "HTTP/1.0":
        return False
    if [value.lower() for value in values] != ["100-continue"]:
        raise Refusal(417, "The only expectation that this server meets is 100-continue.")
    return True
