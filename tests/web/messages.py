"""Every text that the pages show and a catalogue must have: of templates, of the code, of the settings, of the gate."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment

import appliance.web
from appliance.httpd.authentication.refusal import Refusal, english
from appliance.settings import DECLARATIONS
from appliance.settings.types import Choice
from appliance.web import words

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB = Path(appliance.web.__file__).parent
FUNCTIONS = {"_", "N_", "gettext", "ngettext", "pgettext"}


class Message(NamedTuple):
    context: str | None
    text: str
    plural: str | None
    place: str


def messages() -> set[Message]:
    switches = {Message(context, text, None, "words.py") for context, text in words.SWITCH}
    return {*of_templates(), *of_code(), *of_settings(), *of_gate(), *switches}


def of_templates() -> Iterator[Message]:
    environment: Any = Environment(extensions=["jinja2.ext.i18n"])  # noqa: S701 (renders nothing)
    for path in sorted((WEB / "templates").rglob("*.html")):
        for line, function, found in environment.extract_translations(path.read_text()):
            place = f"{path.name}:{line}"
            # Jinja takes the result for markup: anything but a literal would let a stranger write on our pages.
            texts = found if isinstance(found, tuple) else (found,)
            assert isinstance(texts[0], str), f"{place}: not a literal"
            if function == "ngettext":
                yield Message(None, texts[0], texts[1], place)
            elif function == "pgettext":
                yield Message(texts[0], texts[1], None, place)
            else:
                yield Message(None, texts[0], None, place)


def of_code() -> Iterator[Message]:
    for path in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
                continue
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            place = f"{path.name}:{node.lineno}"
            if node.func.id == "ngettext" and len(texts) == 2:
                yield Message(None, texts[0], texts[1], place)
            elif node.func.id == "pgettext" and len(texts) == 2:
                yield Message(texts[0], texts[1], None, place)
            elif node.func.id in ("_", "N_", "gettext") and texts:
                yield Message(None, texts[0], None, place)


def of_settings() -> Iterator[Message]:
    for setting in DECLARATIONS:
        for text in (setting.label, setting.help, setting.unit):
            if text:
                yield Message(None, text, None, setting.name)
        if not isinstance(setting.type, Choice):
            yield Message(None, setting.type.allowed, None, setting.name)
        else:
            for option in setting.type.options:
                if not str(option).isdecimal():
                    yield Message(setting.name, str(option), None, setting.name)


def of_gate() -> Iterator[Message]:
    for refusal in Refusal:
        text = english(refusal, {})
        yield Message(None, text.title, None, "gate")
        yield Message(None, text.paragraph, None, "gate")
