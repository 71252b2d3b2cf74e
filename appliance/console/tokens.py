"""A command line taken apart into words, and values written so that they come back as one word. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from appliance.console.complaint import Complaint

_PLAIN = re.compile(r'[^\s"\\?]+')


class Token(NamedTuple):
    """One word and where it stands in the line."""

    text: str
    start: int
    end: int
    is_quoted: bool


def tokenise(line: str) -> list[Token]:
    """Take `line` apart at its blanks. Within double quotes blanks count, and a backslash takes what follows as it is.

    Quotes count at the beginning of a word alone: `a"b` is a word of three characters.

    :raises Complaint: when a quote is not closed, or something follows right after it.
    """
    tokens = []
    place = 0
    while place < len(line):
        if line[place] == " ":
            place += 1
        elif line[place] == '"':
            token = _quoted(line, place)
            tokens.append(token)
            place = token.end
            if place < len(line) and line[place] != " ":
                raise Complaint("a blank must follow after a closing quote", place)
        else:
            end = line.find(" ", place)
            end = len(line) if end < 0 else end
            tokens.append(Token(line[place:end], place, end, is_quoted=False))
            place = end
    return tokens


def _quoted(line: str, start: int) -> Token:
    text = ""
    place = start + 1
    while place < len(line):
        character = line[place]
        if character == '"':
            return Token(text, start, place + 1, is_quoted=True)
        if character == "\\" and place + 1 < len(line):
            place += 1
            character = line[place]
        text += character
        place += 1
    raise Complaint("this quote is not closed", start)


def quote(text: str) -> str:
    """Write `text` as one word, in quotes where it needs them."""
    if _PLAIN.fullmatch(text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
