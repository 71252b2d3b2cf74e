"""Commands made from the declared settings: the value, `no`, and `default`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from appliance.console.grammar import Argument, Call, Command, command
from appliance.console.setting_words import choices_of, completed, help_of, nothing_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from appliance.console.shell import Shell
    from appliance.settings import Setting


def setting_commands(settings: Sequence[Setting[Any]]) -> list[Command]:
    """Make the commands of some settings."""
    commands = []
    for setting in settings:
        words = words_of(setting)
        value = Argument(
            "value", setting.type.allowed, choices=_choices(setting), is_rest=True, is_secret=setting.is_secret
        )
        commands += [
            command(f"{words} <value>", help_of(setting), _set(setting), value=value),
            command(f"default {words}", "Set the factory default.", _set_default(setting)),
        ]
        if nothing_of(setting) is not None:
            commands.append(command(f"no {words}", "Switch off, or set to none.", _set_nothing(setting)))
    return commands


def _choices(setting: Setting[Any]) -> Callable[[Shell | None], Sequence[str]]:
    return lambda _: choices_of(setting)


def _set(setting: Setting[Any]) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        call.shell.set(setting, completed(setting, call.arguments["value"]), call.places["value"])

    return run


def _set_default(setting: Setting[Any]) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        call.shell.set(setting, setting.type.format(call.shell.device.settings.defaults[setting]))

    return run


def _set_nothing(setting: Setting[Any]) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        call.shell.set(setting, nothing_of(setting) or "")

    return run
