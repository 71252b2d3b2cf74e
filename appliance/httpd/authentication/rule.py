"""Which directive rules a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.settings import Directive


def rule_for(directives: Iterable[Directive], path: str) -> Directive | None:
    """Give the directive whose URI is the longest parent of `path`, which is decoded, by whole segments.

    Upper and lower case differ; a slash at the end of `path` does not matter. A path with an empty or a dot segment
    has no rule: it could be another spelling of one that has (RFC 3986 section 5.2.4), and the server takes none such.
    """
    segments = path.removesuffix("/").split("/")
    if not path.startswith("/") or any(segment in ("", ".", "..") for segment in segments[1:]):
        return None
    parents = [directive for directive in directives if _is_parent(directive.uri, segments)]
    return max(parents, key=lambda directive: len(_segments(directive.uri)), default=None)


def _segments(uri: str) -> list[str]:
    return uri.rstrip("/").split("/")


def _is_parent(uri: str, segments: list[str]) -> bool:
    of_uri = _segments(uri)
    return segments[: len(of_uri)] == of_uri
