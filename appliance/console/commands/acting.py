"""Commands that do something: save, reboot, clear, renew, identify, and the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.complaint import Complaint
from appliance.console.grammar import Argument, Call, Command, command
from appliance.console.report import statistics
from appliance.settings import FactoryVariant, network
from appliance.supervision.restart import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

FORCE = "Do not ask; scripts need this."


def write_command() -> Command:
    """Give the command that saves."""
    return command("write", "Save the settings, so that they outlast a reboot.", _write)


def act_commands() -> list[Command]:
    """Give the commands of the level of enable."""
    factory, static = "Restore the factory defaults, and reboot.", "The same, with the address 192.168.0.10."
    reset, reset_static = _reset(FactoryVariant.DHCP), _reset(FactoryVariant.STATIC)
    new = Argument("new", "The new password.", is_secret=True)
    old = Argument("old", "The present password.", is_secret=True)
    return [
        command("reload", "Reboot the device.", _reload),
        command("reload force", FORCE, _reload),
        command("reload factory defaults", factory, reset),
        command("reload factory defaults force", FORCE, reset),
        command("reload factory defaults static", static, reset_static),
        command("reload factory defaults static force", FORCE, reset_static),
        command("clear counters", "Count from zero on this console; pages go on counting.", _clear_counters),
        command("clear http log", "Empty the log of requests of the web server.", _clear_http_log),
        command("renew", "Ask the DHCP or BOOTP server now.", _renew),
        command("identify", "Let all LEDs flash, to find the device.", _identify),
        command("password", "Change your password.", _password),
        command("password <new>", "Replace the factory password.", _new_password, new=new),
        command("password <old> <new>", "Change your password in one line.", _changed_password, old=old, new=new),
    ]


def _write(call: Call) -> None:
    call.shell.write()


def _confirm(call: Call, question: str) -> None:
    if not call.is_forced and not call.shell.confirm(question):
        raise Complaint("nothing was done")


def _reload(call: Call) -> None:
    shell = call.shell
    question = "Reboot the device?"
    if shell.is_unsaved:
        question = "Changes are not saved and would be lost. Reboot the device?"
    _confirm(call, question)
    shell.device.reboot(Kind.REBOOT, f"asked for by {shell.who} on the console")
    shell.terminal.write("The device reboots. Changes that were not saved are gone.\n")
    shell.is_over = True


def _reset(variant: FactoryVariant) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        shell = call.shell
        _confirm(call, f"Restore the factory defaults ({variant.value}) and reboot?")
        shell.device.restore_factory_defaults(
            variant,
            kind=Kind.FACTORY_RESET,
            why=f"factory defaults ({variant.value}) asked for by {shell.who} on the console",
        )
        shell.terminal.write("The factory defaults are restored. The device reboots.\n")
        shell.is_over = True

    return run


def _clear_counters(call: Call) -> None:
    statistics.clear(call.shell.device, call.shell.baselines)


def _clear_http_log(call: Call) -> None:
    call.shell.device.access_log.clear()


def _renew(call: Call) -> None:
    device = call.shell.device
    if not (device.settings[network.DHCP] or device.settings[network.BOOTP]):
        raise Complaint("neither DHCP nor BOOTP is on: there is no server to ask")
    device.renew()
    call.shell.terminal.write("The server is asked; show interface tells the outcome.\n")


def _identify(call: Call) -> None:
    if call.shell.device.panel is None:
        raise Complaint("this device has no LEDs")
    call.shell.device.identify()
    call.shell.terminal.write("All LEDs flash for a while.\n")


def _password(call: Call) -> None:
    shell = call.shell
    if shell.has_factory_password:
        shell.ask_new_password()
        return
    old = shell.ask("Present password: ", "password OLD NEW")
    shell.replace_password(shell.ask_twice(), old=old)


def _new_password(call: Call) -> None:
    if not call.shell.has_factory_password:
        raise Complaint("the present password is needed too: password OLD NEW")
    call.shell.replace_password(call.arguments["new"])


def _changed_password(call: Call) -> None:
    call.shell.replace_password(call.arguments["new"], old=call.arguments["old"])
