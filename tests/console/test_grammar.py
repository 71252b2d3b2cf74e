"""What a line means: abbreviations, errors that point, help and completion."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from appliance.console.complaint import Complaint
from appliance.console.display import columns_of, safe, table, width
from appliance.console.grammar import Argument, Grammar, command
from appliance.console.tokens import quote, tokenise

GRAMMAR = Grammar(
    [
        command(pattern, f"help of {pattern}", lambda _: None, **arguments)
        for pattern, arguments in [
            ("show status", {}),
            ("show statistics", {}),
            ("show statistics line", {}),
            ("exit", {}),
            ("http port <value>", {"value": Argument("value", "a port", is_rest=True)}),
            ("https port <value>", {"value": Argument("value", "a port", is_rest=True)}),
            ("dhcp client <value>", {"value": Argument("value", "a switch", lambda _: ("on", "off"), is_rest=True)}),
            ("dhcp client id <value>", {"value": Argument("value", "an id", is_rest=True)}),
            ("user <name> password <secret>", {"secret": Argument("secret", is_secret=True)}),
        ]
    ],
    {"show": "all that can be shown"},
)


MATCHES_TABLE: list[tuple[str, str, dict[str, str]]] = [
    ("exit", "exit", {}),
    ("  ex  ", "exit", {}),
    ("EXIT", "exit", {}),
    ("sh statu", "show status", {}),
    ("sh stati", "show statistics", {}),
    ("sh stati l", "show statistics line", {}),
    ("http port 80", "http port <value>", {"value": "80"}),  # whole words before beginnings
    ("https p 443", "https port <value>", {"value": "443"}),
    ("dhcp client on", "dhcp client <value>", {"value": "on"}),
    ("dhcp client id text:x", "dhcp client id <value>", {"value": "text:x"}),
    ("dhcp client i", "dhcp client <value>", {"value": "i"}),  # a value is never taken for a beginning
    ('dhcp client "id"', "dhcp client <value>", {"value": "id"}),
    ("http port a  b", "http port <value>", {"value": "a  b"}),  # a rest as it stands
    ('http port %h "%r" x', "http port <value>", {"value": '%h "%r" x'}),
    ('http port "a \\"b\\" \\\\"', "http port <value>", {"value": 'a "b" \\'}),
    ('http port ""', "http port <value>", {"value": ""}),
    ('user "a b" pass x', "user <name> password <secret>", {"name": "a b", "secret": "x"}),
]


def test_matches() -> None:
    for line, pattern, arguments in MATCHES_TABLE:
        match = GRAMMAR.match(line)
        assert match.command.text == pattern
        assert match.arguments == arguments


ERRORS_POINT_AT_THE_WORD_TABLE: list[tuple[str, int, list[str]]] = [
    ("frob", 0, ["unknown command", '"frob"', "show", "exit"]),
    ("show frob", 5, ["unknown word", '"frob"', "status or statistics"]),
    ("show stat", 5, ["ambiguous", "status or statistics"]),
    ("  show stat", 7, ["ambiguous"]),
    ("show", 5, ["goes on with", "status or statistics"]),
    ("exit now", 5, ['"now" is too much', "exit"]),
    ("http port", 10, ["goes on with <value>"]),
    ("user a", 7, ["goes on with password"]),
    ('http port "a', 10, ["not closed"]),
    ('http port "a"b', 13, ["a blank must follow"]),
    ('"show" status', 0, ["unknown command"]),
    ("user \x1b[2J xx", 10, ["xx"]),
]


def test_errors_point_at_the_word() -> None:
    for line, place, words in ERRORS_POINT_AT_THE_WORD_TABLE:
        with pytest.raises(Complaint) as caught:
            GRAMMAR.match(line)
        assert caught.value.place == place
        assert all(word in str(caught.value) for word in words)
        assert str(caught.value).isprintable()


HELP_TABLE: list[tuple[str, list[str]]] = [
    ("", ["show", "exit", "http", "https", "dhcp", "user"]),
    ("s", ["show"]),
    ("show", ["show"]),
    ("show ", ["status", "statistics"]),
    ("show st", ["status", "statistics"]),
    ("show statistics ", ["<Enter>", "line"]),
    ("http port ", ["<value>"]),
    ("dhcp client ", ["<value>", "on", "off", "id"]),
    ("exit ", ["<Enter>"]),
    ("user ", ["<name>"]),
]


def test_help() -> None:
    for line, words in HELP_TABLE:
        assert sorted(choice.word for choice in GRAMMAR.choices(line)) == sorted(words)


def test_help_explains() -> None:
    helps = {choice.word: choice.help for choice in GRAMMAR.choices("")}
    assert helps["show"] == "all that can be shown"
    assert helps["exit"] == "help of exit"
    assert helps["dhcp"] == "client <value>, client id <value>"


COMPLETION_TABLE: list[tuple[str, str, tuple[str, ...]]] = [
    ("sh", "ow ", ("show",)),
    ("show", " ", ("show",)),
    ("show s", "tat", ("status", "statistics")),
    ("show stati", "stics ", ("statistics",)),
    ("ht", "tp", ("http", "https")),
    ("dhcp client of", "f ", ("off",)),
    ("zz", "", ()),
    ("user ", "", ()),
]


def test_completion() -> None:
    for line, insertion, words in COMPLETION_TABLE:
        completion = GRAMMAR.complete(line)
        assert (completion.insertion, completion.words) == (insertion, words)


@given(strategies.text())
def test_a_quoted_text_is_one_word(text: str) -> None:
    (token,) = tokenise(quote(text)) if text else tokenise('""')
    assert token.text == text


@given(strategies.text(alphabet='show exit"\\?<>port ', max_size=40))
def test_any_line_is_a_command_or_a_complaint(line: str) -> None:
    for ask in (GRAMMAR.match, GRAMMAR.choices, GRAMMAR.complete):
        place: int | None = 0
        try:
            ask(line)
        except Complaint as complaint:
            place = complaint.place
        assert place is None or 0 <= place <= len(line) + 1


@given(strategies.text())
def test_no_control_character_is_ever_shown(text: str) -> None:
    assert safe(text).isprintable()
    assert safe(f"\x1b[2J{text}").startswith("\\x1b[2J")
    assert all(line.isprintable() for line in table([(text, "b"), ("a", text)]))


def test_columns() -> None:
    assert [columns_of(c) for c in "aä漢\u0301"] == [1, 1, 2, 0]
    assert width("漢字") == 4
    assert table([("漢", "x"), ("ab", "y")]) == ["漢  x", "ab  y"]
