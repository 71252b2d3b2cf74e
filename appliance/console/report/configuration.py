"""The settings in lines: for a person (`show`), and as commands that bring them back (`show configuration`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.console.changes import unsaved, waiting
from appliance.console.display import safe, table
from appliance.console.setting_words import command_settings, level_of, words_of
from appliance.console.tokens import quote
from appliance.settings import SECTIONS, http

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.settings import Directive, Setting, Settings, Values


def setting_lines(settings: Settings, shown: Sequence[Setting[Any]], *, indent: str = "") -> list[str]:
    """Write settings with their values, what is not saved, and what waits for a reboot."""
    not_saved, not_in_force = unsaved(settings), waiting(settings)
    running, in_force = settings.running, settings.in_force
    rows = []
    for setting in shown:
        value = setting.describe(running[setting]) or "none"
        notes = []
        if setting in not_in_force:
            notes.append(f"after reboot; now {setting.describe(in_force[setting]) or 'none'}")
        if setting in not_saved:
            notes.append("not saved")
        rows.append((words_of(setting), f"{value} {setting.unit}".strip(), f"[{'; '.join(notes)}]" if notes else ""))
    return table(rows, indent=indent) if rows else []


def all_lines(settings: Settings) -> list[str]:
    """Write every setting, by level."""
    lines: list[str] = []
    for section in SECTIONS:
        levels: dict[tuple[str, ...], list[Setting[Any]]] = {}
        for setting in SECTIONS[section]:
            levels.setdefault(level_of(setting), []).append(setting)
        for path, shown in levels.items():
            lines += [", ".join(path), *setting_lines(settings, shown, indent="  ")]
    return lines


def waiting_lines(settings: Settings) -> list[str]:
    """Write what a reboot would change, and what it would lose."""
    lines = []
    after, in_force = settings.after_reboot, settings.in_force
    changed = after.changes_from(in_force)
    rows = [
        (words_of(s), s.describe(in_force[s]) or "none", s.describe(after[s]) or "none")
        for s in changed
        if s.needs_reboot
    ]
    if rows:
        lines += ["A reboot changes:", *table([("", "now", "after reboot"), *rows], indent="  ")]
    lost = unsaved(settings)
    if lost:
        lines += ["A reboot loses, because it is not saved (write):", *setting_lines(settings, lost, indent="  ")]
    return lines or ["A reboot changes no setting."]


def directive_lines(directives: tuple[Directive, ...]) -> list[str]:
    """Write who may enter which pages, without passwords."""
    rows = [("URI", "realm", "type", "users")]
    rows += [(d.uri, d.realm, str(d.type), ", ".join(user.name for user in d.users) or "-") for d in directives]
    return table(rows)


def configuration_lines(settings: Settings, *, title: str) -> list[str]:
    """Write commands that set every setting to what it is now, password hashes included.

    A value that holds for this run of the program alone is left out in favour of the saved one, as in a backup.
    """
    running, saved = settings.running, settings.saved
    values = running.with_changes(
        {s: saved[s] for s in running if running[s] != settings.defaults[s] and not s.can_be_saved(running[s])}
    )
    lines = [f"! {safe(title)}", "! It holds what logins are checked against: keep it as safe as the passwords."]
    lines += ["enable", "configure", "begin"]
    for section in SECTIONS:
        levels: dict[tuple[str, ...], list[Setting[Any]]] = {}
        for setting in command_settings(section):
            levels.setdefault(level_of(setting), []).append(setting)
        entered: tuple[str, ...] = ()
        for path, shown in levels.items():
            lines += _way(entered, path)
            entered = path
            lines += ["  " * len(path) + _setting_command(setting, values) for setting in shown]
        if section == "http":
            lines += [f"  {line}" for line in _directive_commands(values[http.AUTHENTICATION])]
        lines += _way(entered, ())
    return [*lines, "commit", "exit"]


def _way(start: tuple[str, ...], end: tuple[str, ...]) -> list[str]:
    """Give the commands that lead from one level to another."""
    common = 0
    while common < min(len(start), len(end)) and start[common] == end[common]:
        common += 1
    up = ["  " * depth + "exit" for depth in range(len(start) - 1, common - 1, -1)]
    return [*up, *("  " * depth + end[depth] for depth in range(common, len(end)))]


def _setting_command(setting: Setting[Any], values: Values) -> str:
    text = setting.type.format(values[setting])
    if not text:
        return f"no {words_of(setting)}"
    if setting.is_secret:
        return f"! {words_of(setting)} is set, and not shown"
    return f"{words_of(setting)} {quote(text)}"


def _directive_commands(directives: tuple[Directive, ...]) -> list[str]:
    lines = ["no auth"]
    for directive in directives:
        start = f"auth uri {quote(directive.uri)}"
        lines.append(f"{start} realm {quote(directive.realm)} type {directive.type}")
        lines += [f"{start} user {quote(user.name)} hash {user.md5} {user.sha256}" for user in directive.users]
    return lines
