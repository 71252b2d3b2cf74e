"""Which commands there are on a level, and what a line means: abbreviations, completion, help. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from appliance.console.complaint import Complaint
from appliance.console.tokens import Token, tokenise
from appliance.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from appliance.console.shell import Shell

MOST_LISTED = 12
"""Words that an error message lists."""


@dataclass(frozen=True)
class Argument:
    """A word of a command that the user chooses, or with `is_rest` all that is left of the line."""

    name: str
    help: str = ""
    choices: Callable[[Shell | None], Iterable[str]] = field(default=lambda _: ())
    is_rest: bool = False
    is_secret: bool = False


class Call(NamedTuple):
    """A command as it was typed."""

    shell: Shell
    arguments: Mapping[str, str]
    """By name. Of a rest it is the one word if there is one, else the line from there on, blanks and quotes and all."""
    places: Mapping[str, int]
    """Where each begins in the line."""
    is_forced: bool = False
    """Whether the command ends with the word ``force``."""


@dataclass(frozen=True)
class Command:
    """A command: its words, what it does, in words and in deed."""

    words: tuple[str | Argument, ...]
    help: str
    run: Callable[[Call], None]

    @property
    def has_secret(self) -> bool:
        """Whether a line with it must not be kept."""
        return any(isinstance(word, Argument) and word.is_secret for word in self.words)

    @property
    def text(self) -> str:
        """How it is typed."""
        return " ".join(word if isinstance(word, str) else f"<{word.name}>" for word in self.words)


def command(pattern: str, help_: str, run: Callable[[Call], None], **arguments: Argument) -> Command:
    """Make a command of a pattern such as ``user <name>``; a name in brackets stands for one of `arguments`."""
    words = [
        arguments.get(word[1:-1].replace("-", "_"), Argument(word[1:-1])) if word.startswith("<") else word
        for word in pattern.split()
    ]
    return Command(tuple(words), help_, run)


class Match(NamedTuple):
    """A line that is a command."""

    command: Command
    arguments: Mapping[str, str]
    places: Mapping[str, int]


class Choice(NamedTuple):
    """What may stand at some place of a line."""

    word: str
    help: str
    is_keyword: bool


class Completion(NamedTuple):
    """What a tab does: text to put in, and all the words that would be possible."""

    insertion: str
    words: tuple[str, ...]


class Grammar:
    """The commands of one level."""

    def __init__(self, commands: Sequence[Command], topics: Mapping[str, str]) -> None:
        """Hold `commands`; `topics` explain words with which several begin, such as ``show``."""
        self.commands = tuple(commands)
        self._topics = topics

    def match(self, line: str) -> Match:
        """Find the command that `line` is.

        :raises Complaint: pointing at the word that is unknown, ambiguous, missing or too many.
        """
        tokens = tokenise(line)
        candidates = self.commands
        for index in range(len(tokens)):
            found = self._narrow(candidates, tokens, index)
            if found and all(_is_rest(c, index) for c in found):
                return _match(found[0], tokens, line)
            candidates = found
        whole = [c for c in candidates if len(c.words) == len(tokens)]
        if not whole:
            choices = self._choices_of(candidates, len(tokens), None)
            raise Complaint(f"this command goes on with {_listed(choices)}", len(line.rstrip()) + 1)
        return _match(whole[0], tokens, line)

    def choices(self, line: str, shell: Shell | None = None) -> tuple[Choice, ...]:
        """List what may stand where `line` ends: the words that the last one begins, or that may follow a blank.

        :raises Complaint: when what stands before is wrong already.
        """
        tokens, partial = _split(line)
        candidates = self.commands
        for index in range(len(tokens)):
            candidates = self._narrow(candidates, tokens, index)
            if any(_is_rest(c, index) for c in candidates):
                return ()
        choices = self._choices_of(candidates, len(tokens), shell)
        if not partial and any(len(c.words) == len(tokens) for c in candidates) and tokens:
            choices = (Choice("<Enter>", "carry out", is_keyword=False), *choices)
        return tuple(
            choice for choice in choices if not choice.is_keyword or choice.word.startswith(partial.casefold())
        )

    def complete(self, line: str, shell: Shell | None = None) -> Completion:
        """Tell what a tab at the end of `line` puts in: what all possible words have in common.

        :raises Complaint: when what stands before is wrong already.
        """
        _, partial = _split(line)
        words = tuple(dict.fromkeys(c.word for c in self.choices(line, shell) if c.is_keyword))
        if not words:
            return Completion("", ())
        common = os.path.commonprefix(words)  # noqa: RUF071 (characters are what is wanted)
        insertion = common[len(partial) :] + (" " if len(words) == 1 else "")
        return Completion(insertion, words)

    def _narrow(self, candidates: Sequence[Command], tokens: Sequence[Token], index: int) -> tuple[Command, ...]:
        """Keep the commands that `tokens` up to `index` can be the beginning of."""
        token = tokens[index]
        word = token.text.casefold()
        longer = [c for c in candidates if len(c.words) > index]
        if not longer and candidates:
            whole = " ".join(w if isinstance(w, str) else f"<{w.name}>" for w in candidates[0].words)
            raise Complaint(f"{quoted(token.text)} is too much: the command is {whole}", token.start)
        taking_any = tuple(c for c in longer if isinstance(c.words[index], Argument))
        keywords = dict.fromkeys(str(c.words[index]) for c in longer if isinstance(c.words[index], str))
        fitting: list[str] = []
        if not token.is_quoted:
            fitting = [k for k in keywords if k == word]
            # Where any value may stand, a value that happens to begin like a keyword must not be taken for it.
            if not fitting and not taking_any:
                fitting = [k for k in keywords if k.startswith(word)]
        if len(fitting) == 1:
            return tuple(c for c in longer if c.words[index] == fitting[0])
        if len(fitting) > 1:
            raise Complaint(f"{quoted(token.text)} is ambiguous: {_either(fitting)}", token.start)
        if not taking_any:
            choices = self._choices_of(longer, index, None)
            what = "unknown command" if index == 0 else "unknown word"
            raise Complaint(f"{what} {quoted(token.text)}; expected {_listed(choices)}", token.start)
        return taking_any

    def _choices_of(self, candidates: Sequence[Command], index: int, shell: Shell | None) -> tuple[Choice, ...]:
        helps: dict[str, list[Command]] = {}
        arguments: dict[str, Argument] = {}
        for candidate in candidates:
            if len(candidate.words) > index:
                word = candidate.words[index]
                if isinstance(word, Argument):
                    arguments.setdefault(word.name, word)
                else:
                    helps.setdefault(word, []).append(candidate)
        choices = [Choice(word, self._help_of(word, index, commands), True) for word, commands in helps.items()]
        for argument in arguments.values():
            choices.append(Choice(f"<{argument.name}>", argument.help, is_keyword=False))
            choices += [Choice(choice, "", is_keyword=True) for choice in argument.choices(shell)]
        return tuple(choices)

    def _help_of(self, word: str, index: int, commands: Sequence[Command]) -> str:
        path = " ".join([*(str(w) for w in commands[0].words[:index] if isinstance(w, str)), word])
        if path in self._topics:
            return self._topics[path]
        helps = dict.fromkeys(c.help for c in commands)
        if len(helps) == 1:
            return next(iter(helps))
        rests = [" ".join(c.text.split()[index + 1 :]) for c in commands]
        return ", ".join(rest for rest in rests if rest)


def _is_rest(candidate: Command, index: int) -> bool:
    if len(candidate.words) <= index:
        return False
    word = candidate.words[index]
    return isinstance(word, Argument) and word.is_rest


def _match(found: Command, tokens: Sequence[Token], line: str) -> Match:
    arguments, places = {}, {}
    for index, word in enumerate(found.words):
        if isinstance(word, Argument):
            text = tokens[index].text
            if word.is_rest and len(tokens) > index + 1:
                text = line[tokens[index].start :].strip(" ")
            arguments[word.name], places[word.name] = text, tokens[index].start
    return Match(found, arguments, places)


def _split(line: str) -> tuple[list[Token], str]:
    """Part the whole words from the one that is being typed."""
    tokens = tokenise(line)
    if not tokens or line.endswith(" ") or tokens[-1].is_quoted:
        return tokens, ""
    return tokens[:-1], tokens[-1].text


def _either(words: Sequence[str]) -> str:
    *firsts, last = words
    return f"{', '.join(firsts)} or {last}" if firsts else last


def _listed(choices: Sequence[Choice]) -> str:
    words = list(dict.fromkeys(choice.word for choice in choices))
    if len(words) > MOST_LISTED:
        return f"{', '.join(words[:MOST_LISTED])}... (? lists all)"
    return _either(words)
