"""What a request asks for: its target taken apart, and decoded exactly once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.httpd.refusal import Refusal

_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{0,5}))?", re.ASCII)
_ABSOLUTE = re.compile(r"https?://([^/?]*)(.*)", re.ASCII | re.IGNORECASE)
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", re.ASCII)
"""Nothing to decode, and no segment is empty or begins with a dot."""
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a request (RFC 9112, 3.2)."""

    sent: str
    """Path and query as they came, without scheme and authority."""
    path: str
    """Decoded; `*` for a question about the server itself."""
    query: str
    """Without the question mark, not decoded."""
    authority: str | None
    """Host and port of an absolute form."""

    @property
    def is_asterisk(self) -> bool:
        """Whether it means the whole server."""
        return self.path == "*"


def read_target(text: str, method: str) -> Target:
    """Take `text` apart.

    :raises Refusal: with 400, where two readers could understand different things.
    """
    authority = None
    if text == "*" and method == "OPTIONS":
        return Target("*", "*", "", None)
    if not text.startswith("/"):
        match = _ABSOLUTE.fullmatch(text)
        if match is None:
            raise Refusal(400, "The target of the request is neither a path nor an http address.")
        authority, text = match.groups()
        check_host(authority)
        if not text.startswith("/"):
            text = "/" + text
    if "#" in text:
        raise Refusal(400, "The target of the request has a fragment.")
    path, _, query = text.partition("?")
    return Target(text, decode_path(path), query, authority)


def decode_path(path: str) -> str:
    """Decode percent coding and UTF-8.

    :raises Refusal: with 400 for a path that has an encoded slash or backslash, a control character, invalid coding,
        an empty segment or a dot segment: so no page has two names.
    """
    if _PLAIN_PATH.fullmatch(path):
        return path
    raw = path.encode("ascii")
    if raw.count(b"%") != len(_ESCAPE.findall(raw)):
        raise Refusal(400, "The path is not well percent-coded.")
    octets = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), raw)
    try:
        decoded = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(400, "The path is not UTF-8.") from None
    if "\\" in decoded or decoded.count("/") != path.count("/"):
        raise Refusal(400, "The path has a backslash or an encoded slash.")
    if _CONTROL.search(decoded):
        raise Refusal(400, "The path has a control character.")
    segments = decoded.split("/")[1:]
    if any(segment in (".", "..") for segment in segments) or "" in segments[:-1]:
        raise Refusal(400, "The path has an empty segment or a dot segment.")
    return decoded


def check_host(value: str) -> None:
    """Check a Host header or the authority of a target (RFC 9110, 7.2): a name or address, and maybe a port.

    :raises Refusal: with 400.
    """
    match = _HOST.fullmatch(value)
    if match is None or int(match[1] or "0") > 65535:
        raise Refusal(400, "The host that the request names is malformed.")


def host_without_port(value: str) -> str:
    """Give the name or address of a Host header; an IPv6 address keeps its brackets."""
    return value if value.endswith("]") else re.sub(r":[0-9]*$", "", value)
