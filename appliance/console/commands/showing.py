"""The `show` commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.commands.metering import NUMBER, meter_of
from appliance.console.display import safe
from appliance.console.grammar import Call, Command, command
from appliance.console.report import configuration, firmware, meters, monitor, mqtt, statistics, status
from appliance.logbook import RECENT
from appliance.settings import http

if TYPE_CHECKING:
    from collections.abc import Callable


def show_commands() -> list[Command]:
    """Give what can be shown on every level."""
    return [
        command("show status", "Product, network, line, tunnel, panel and faults.", _paged(_status)),
        command("show version", "What this device is.", _paged(_version)),
        command("show firmware", "What is in the slots for firmware, and how an update goes.", _paged(_firmware)),
        command("show interface", "The network now and after a reboot.", _paged(_interface)),
        command("show statistics", "Counters of tunnel, line and web server.", _paged(_statistics)),
        command("show statistics tunnel", "Counters and state of the tunnel.", _paged(_tunnel)),
        command("show statistics line", "Counters of the serial line.", _paged(_line)),
        command("show statistics http", "Counters and state of the web server.", _paged(_http)),
        command("show meters", "The meters, and how it goes with them.", _paged(_meters)),
        command("show meters <number>", "One meter with its last reading.", _paged(_meter), number=NUMBER),
        command("show search", "How far the search for meters is, and what it found.", _paged(_search)),
        command("show monitor", "The last telegrams on the M-Bus, and what they are.", _paged(_monitor)),
        command("show mqtt", "How sending readings to the MQTT broker goes.", _paged(_mqtt)),
        command("show settings", "Every setting.", _paged(_settings)),
        command("show auth", "Who may enter which web pages.", _paged(_directives)),
        command("show reboot", "What a reboot changes, and what it loses.", _paged(_waiting)),
        command("show log", "The last lines of the device's log.", _paged(_log)),
        command("show http log", "The log of requests of the web server.", _paged(_http_log)),
        command("show history", "The last commands of this session.", _paged(_history)),
    ]


def show_here_command() -> Command:
    """Give `show` alone: the settings of the level, or of all where it has none."""
    return command("show", "The settings of this level.", _paged(_here))


def show_configuration_command() -> Command:
    """Give the one that shows what a password is checked against."""
    return command(
        "show configuration", "Commands that bring back all settings; hashes of passwords too.", _paged(_configuration)
    )


def _paged(lines: Callable[[Call], list[str]]) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        call.shell.terminal.page(lines(call))

    return run


def _here(call: Call) -> list[str]:
    shell = call.shell
    if shell.level.settings:
        return configuration.setting_lines(shell.device.settings, shell.level.settings)
    return configuration.all_lines(shell.device.settings)


def _settings(call: Call) -> list[str]:
    return configuration.all_lines(call.shell.device.settings)


def _status(call: Call) -> list[str]:
    return status.status_lines(call.shell.device)


def _version(call: Call) -> list[str]:
    return status.version_lines(call.shell.device)


def _firmware(call: Call) -> list[str]:
    return firmware.firmware_lines(call.shell.device.product, call.shell.device.updater.snapshot())


def _interface(call: Call) -> list[str]:
    return status.interface_lines(call.shell.device)


def _tunnel(call: Call) -> list[str]:
    return statistics.tunnel_lines(call.shell.device, call.shell.baselines)


def _line(call: Call) -> list[str]:
    return statistics.line_lines(call.shell.device, call.shell.baselines)


def _http(call: Call) -> list[str]:
    return statistics.http_lines(call.shell.device, call.shell.baselines)


def _statistics(call: Call) -> list[str]:
    return [*_tunnel(call), *_line(call), *_http(call)]


def _meters(call: Call) -> list[str]:
    return meters.list_lines(call.shell.device.meters)


def _meter(call: Call) -> list[str]:
    return meters.meter_lines(call.shell.device.meters, meter_of(call))


def _search(call: Call) -> list[str]:
    return meters.search_lines(call.shell.device.meters)


def _monitor(call: Call) -> list[str]:
    return monitor.monitor_lines(call.shell.device.monitor)


def _mqtt(call: Call) -> list[str]:
    return mqtt.mqtt_lines(call.shell.device.publisher.snapshot())


def _waiting(call: Call) -> list[str]:
    return configuration.waiting_lines(call.shell.device.settings)


def _directives(call: Call) -> list[str]:
    return configuration.directive_lines(call.shell.device.settings.running[http.AUTHENTICATION])


def _log(_: Call) -> list[str]:
    return [safe(line) for line in RECENT.lines()] or ["The log is empty."]


def _http_log(call: Call) -> list[str]:
    return [safe(line) for line in call.shell.device.access_log.lines()] or ["The log is empty."]


def _history(call: Call) -> list[str]:
    return [safe(line) for line in call.shell.history.lines]


def _configuration(call: Call) -> list[str]:
    device = call.shell.device
    return configuration.configuration_lines(
        device.settings, title=f"Configuration of {call.shell.hostname}, firmware {device.product.version}"
    )
