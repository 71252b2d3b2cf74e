"""Which directive rules which path."""

from __future__ import annotations

from appliance.httpd.authentication.rule import rule_for
from appliance.settings import Directive, DirectiveType

URIS = ("/", "/http", "/http/log", "/a/b", "/M-Bus")
ALL = tuple(Directive(uri, "config", DirectiveType.NONE) for uri in URIS)


RULES = (
    ("/", "/"),
    ("/http", "/http"),
    ("/http/", "/http"),
    ("/http/log", "/http/log"),
    ("/http/log/", "/http/log"),
    ("/http/log/view", "/http/log"),
    ("/http/logs", "/http"),
    ("/httpx", "/"),
    ("/HTTP", "/"),
    ("/m-bus", "/"),
    ("/a", "/"),
    ("/a/b/c/d", "/a/b"),
    ("/x/http", "/"),
    ("/http log", "/"),
)


def test_the_longest_parent_by_whole_segments_rules() -> None:
    for path, uri in RULES:
        for directives in (ALL, ALL[::-1]):
            rule = rule_for(directives, path)
            assert rule is not None, path
            assert rule.uri == uri, path


STRANGE = ("", "http", "*", "//", "//http", "/x//http", "/./http", "/x/../http", "/..", "/x//")


def test_a_path_that_may_be_another_spelling_has_no_rule() -> None:
    for path in STRANGE:
        assert rule_for(ALL, path) is None, path


def test_without_a_directive_above_it_a_path_has_no_rule() -> None:
    assert rule_for(ALL[1:], "/status") is None
    assert rule_for((), "/") is None
