"""Reads a catalogue of translations (GNU gettext's `.po`), so that a language is one file that a person can write."""

from __future__ import annotations

import ast
import gettext
import io
import re
import struct
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?("(?:[^"\\]|\\.)*")')
_MAGIC = 0x950412DE
_CONTEXT_END = "\x04"


def read_catalogue(path: Path) -> gettext.GNUTranslations:
    """Read a `.po` file, UTF-8, with its plural forms and contexts.

    :raises InvalidValue: naming the line that cannot be read.
    """
    messages: dict[str, str] = {}
    entry: dict[str, str] = {}
    key = ""

    def finish() -> None:
        if "msgid" in entry:
            plurals = [text for name, text in sorted(entry.items()) if name.startswith("msgstr[")]
            context = f"{entry['msgctxt']}{_CONTEXT_END}" if "msgctxt" in entry else ""
            plural = f"\0{entry['msgid_plural']}" if "msgid_plural" in entry else ""
            if text := "\0".join(plurals) or entry.get("msgstr", ""):
                messages[f"{context}{entry['msgid']}{plural}"] = text
        entry.clear()

    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = _LINE.fullmatch(line.strip())
        if parts is None or not (parts[1] or key):
            raise InvalidValue(f"{path.name}, line {number}: no line of a catalogue")
        key = parts[1] or key
        if parts[1] in ("msgctxt", "msgid") and (key in entry or "msgstr" in entry or "msgstr[0]" in entry):
            finish()
        entry[key] = entry.get(key, "") + ast.literal_eval(parts[2])
    finish()
    return gettext.GNUTranslations(io.BytesIO(_binary(messages)))


def _binary(messages: dict[str, str]) -> bytes:
    """Write the messages as the compiled form that the standard library reads (GNU gettext manual, 10.3)."""
    pairs = sorted((name.encode(), text.encode()) for name, text in messages.items())
    count, header = len(pairs), 28
    names: list[int] = []
    texts: list[int] = []
    content = b""
    at = header + 16 * count
    for index, table in ((0, names), (1, texts)):
        for pair in pairs:
            table += [len(pair[index]), at + len(content)]
            content += pair[index] + b"\0"
    return (
        struct.pack("<7I", _MAGIC, 0, count, header, header + 8 * count, 0, 0)
        + struct.pack(f"<{4 * count}I", *names, *texts)
        + content
    )
