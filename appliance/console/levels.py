"""The tree of levels, built from the declared settings."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from appliance.console.commands.acting import act_commands, write_command
from appliance.console.commands.authentication import auth_commands
from appliance.console.commands.metering import TOPICS as METER_TOPICS
from appliance.console.commands.metering import meter_commands
from appliance.console.commands.moving import (
    batch_commands,
    configure_commands,
    disable_command,
    enter_command,
    exec_commands,
    stay_command,
)
from appliance.console.commands.setting import setting_commands
from appliance.console.commands.showing import show_commands, show_configuration_command, show_here_command
from appliance.console.grammar import Command, Grammar
from appliance.console.level import Level
from appliance.console.setting_words import is_one_command, level_of
from appliance.settings import DECLARATIONS

if TYPE_CHECKING:
    from appliance.settings import Setting

TOPICS = {
    "show": "Show settings, states and counters.",
    "show statistics": "Counters of tunnel, line and web server.",
    "show http": "The log of requests of the web server.",
    "clear": "Counters, or the log of the web server.",
    "clear http": "The log of requests of the web server.",
    "reload": "Reboot, or restore the factory defaults.",
    "reload factory": "Restore the factory defaults, and reboot.",
    "reload factory defaults": "Restore the factory defaults, and reboot.",
    "reload factory defaults static": "The same, with the address 192.168.0.10.",
    "password": "Change your password.",
    "no": "Switch something off, or set it to none.",
    "default": "Set something to its factory default.",
    "auth": "Who may enter which web pages.",
    "no auth": "Delete a directive or a user.",
    "tunnel": "M-Bus over TCP.",
    "line": "The serial line.",
    "if": "The network interface.",
    **METER_TOPICS,
}
"""What the words mean with which several commands begin."""

TITLES = {
    "if 1": "The network interface: addresses and names.",
    "link": "Speed and duplex of the Ethernet port.",
    "tunnel 1": "M-Bus over TCP.",
    "tunnel 1, accept": "Who may connect to the M-Bus, and where.",
    "tunnel 1, disconnect": "When a connection to the M-Bus is closed.",
    "line 1": "The serial line of the M-Bus.",
    "panel": "LEDs and button.",
    "console": "This console.",
    "http": "The web server, and who may enter its pages.",
    "meters": "Search, read and list the meters; settings of their schedule.",
    "mqtt": "Readings sent to an MQTT broker.",
    "update": "Firmware updates: the trial of new firmware, the index of versions, hawkBit.",
}

METERS = ("meters",)
"""What leads to the level that has commands of its own besides settings."""


@cache
def first_level() -> Level:
    """Build the levels, once; give the first one."""
    enabled = _enabled()
    return Level(
        "Look at everything.",
        ">",
        _grammar(
            [enter_command("enable", enabled), *exec_commands(), show_here_command(), *show_commands()],
        ),
    )


def _enabled() -> Level:
    return Level(
        "Change and control the device.",
        "#",
        _grammar(
            [
                stay_command("enable", "You are there."),
                disable_command(),
                enter_command("configure", _configuration()),
                enter_command("meters", _level(METERS)),
                write_command(),
                *act_commands(),
                *exec_commands(),
                show_here_command(),
                *show_commands(),
                show_configuration_command(),
            ]
        ),
    )


@cache
def _settings_by_path() -> dict[tuple[str, ...], list[Setting[Any]]]:
    paths: dict[tuple[str, ...], list[Setting[Any]]] = {}
    for setting in DECLARATIONS:
        path = level_of(setting)
        for depth in range(1, len(path) + 1):
            paths.setdefault(path[:depth], [])
        paths[path].append(setting)
    return paths


def _configuration() -> Level:
    return Level("Change settings.", "(config)#", _grammar([*_children(()), *_everywhere()]), is_configuration=True)


def _children(parent: tuple[str, ...]) -> list[Command]:
    return [enter_command(path[-1], _level(path)) for path in _settings_by_path() if path[:-1] == parent]


@cache
def _level(path: tuple[str, ...]) -> Level:
    """Build the level of some settings, once: that of the meters is reached in two ways."""
    settings = _settings_by_path().get(path, [])
    name = ", ".join(path)
    commands = [
        *_children(path),
        *(meter_commands() if path == METERS else ()),
        *setting_commands([setting for setting in settings if is_one_command(setting)]),
        *(() if all(is_one_command(setting) for setting in settings) else auth_commands()),
        *_everywhere(),
    ]
    return Level(
        TITLES.get(name, f"Settings of {name}."),
        f"(config-{path[-1].replace(' 1', '')})#",
        _grammar(commands),
        settings=tuple(settings),
        is_configuration=True,
    )


def _everywhere() -> list[Command]:
    return [
        *batch_commands(),
        write_command(),
        *configure_commands(),
        show_here_command(),
        *show_commands(),
        show_configuration_command(),
    ]


def _grammar(commands: list[Command]) -> Grammar:
    return Grammar(commands, TOPICS)
