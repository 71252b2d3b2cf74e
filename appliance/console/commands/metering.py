"""Commands for the meters: search, read, and keep the list. The list is saved at once, and knows no batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.complaint import Complaint
from appliance.console.display import safe
from appliance.console.grammar import Argument, Call, Command, command
from appliance.console.meter_words import FIELDS, SPEEDS, address_of, complaint_of, title_of
from appliance.errors import InvalidMeter, UnknownMeter, quoted
from appliance.meters.snapshot import SearchPhase
from appliance.settings import line as line_settings
from appliance.settings import meters as meter_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.console.meter_words import Field
    from appliance.console.shell import Shell
    from appliance.meters.meter import Meter

FORCE = "Do not ask; scripts need this."

MOST_DIGITS = 9
"""Of the number of a meter."""

MOST_NAMED = 8
"""Meters that an answer names one by one."""

_UNDER_WAY = (SearchPhase.RUNNING, SearchPhase.WAITING, SearchPhase.PAUSED)
_CAN_END = (*_UNDER_WAY, SearchPhase.FAILED)
"""One that failed for want of a line goes on by itself when that is back."""
_WAYS = {"primary": "primary addresses", "secondary": "secondary addresses", "both": "both kinds of addresses"}

TOPICS = {
    "search": "Search for meters, and take them into the list.",
    "search add": "Take what was found into the list.",
    **{f"search {speed}": f"At {speed} bit/s." for speed in SPEEDS},
    "search both": "At 300 and at 2400 bit/s.",
    "read": "Read meters as soon as the bus is free.",
    "add": "Take a meter into the list by hand.",
    "add primary": "By its primary address.",
    "add secondary": "By its secondary address.",
    "set": "Change a meter of the list.",
    "no set": "Empty a field of a meter, or switch it off.",
    "remove": "Take meters from the list, with their readings.",
    "set-primary": "Give a meter itself another primary address.",
}
"""What the words mean with which several commands begin."""


def _numbers(shell: Shell | None) -> Iterable[str]:
    return [] if shell is None else [str(state.meter.key) for state in shell.device.meters.snapshot().meters]


def _addresses_found(shell: Shell | None) -> Iterable[str]:
    return [] if shell is None else [address_of(found) for found in shell.device.meters.snapshot().search.found]


NUMBER = Argument("number", "The number of a meter in the list (show meters).", choices=_numbers)
_VALUES = {field.name: Argument("value", field.help, lambda _, f=field: f.choices, field.is_rest) for field in FIELDS}  # type: ignore[misc] # a default that binds the field
_BAUD = Argument("baud", "The speed at which it answers, in bit/s.", choices=lambda _: SPEEDS)
_NAME = Argument("name", "What you call the meter.", is_rest=True)
_PRIMARY = Argument("primary", "A primary address, 0 to 250.")
_SECONDARY = Argument("secondary", "A secondary address, 8 or 16 digits, as printed by show search.")


def meter_commands() -> list[Command]:
    """Give the commands of the level of the meters."""
    return [*_search_commands(), *_read_commands(), *_add_commands(), *_set_commands(), *_last_commands()]


def meter_of(call: Call) -> Meter:
    """Find the meter whose number was typed.

    :raises Complaint: pointing at it, when there is none.
    """
    text = call.arguments["number"]
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    try:
        return call.shell.device.meters.find(int(text) if is_number else 0)
    except UnknownMeter:
        raise Complaint(f"there is no meter {quoted(text)}; show meters lists them", call.places["number"]) from None


# Search.


def _search_commands() -> list[Command]:
    found = Argument("address", "The address of a meter that was found.", choices=_addresses_found)
    commands = [command("search", "Search at the speed of the line, by both kinds of addresses.", _search("", "both"))]
    for speed in (*SPEEDS, "both"):
        commands.append(command(f"search {speed}", "By both kinds of addresses.", _search(speed, "both")))
        commands += [
            command(f"search {speed} {way}", f"By {words}.", _search(speed, way)) for way, words in _WAYS.items()
        ]
    return [
        *commands,
        command("search pause", "Let the search rest after its present step.", _pause),
        command("search resume", "Go on with a search that rests, was cancelled, or was cut off.", _resume),
        command("search cancel", "End the search; what it found stays to be added.", _cancel),
        command("search add all", "Take all that was found into the list.", _add_found),
        command("search add <address>", "Take one that was found into the list.", _add_found, address=found),
    ]


def _search(speed: str, way: str) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        shell = call.shell
        state = shell.device.meters.snapshot().search
        if state.phase in _UNDER_WAY:
            raise Complaint(f"a search is under way ({state.progress:.0%}): search cancel ends it")
        wanted = {"": (shell.device.settings[line_settings.BAUD_RATE],), "both": (2400, 300)}
        bauds = wanted[speed] if speed in wanted else (int(speed),)
        shell.device.meters.search(bauds, primary=way != "secondary", secondary=way != "primary")
        speeds = " and ".join(str(baud) for baud in bauds)
        shell.terminal.write(f"The search at {speeds} bit/s by {_WAYS[way]} begins; show search tells how far it is.\n")
        _tell_switched_off(call)

    return run


def _pause(call: Call) -> None:
    if call.shell.device.meters.snapshot().search.phase not in _CAN_END:
        raise Complaint("no search is under way")
    call.shell.device.meters.pause_search()
    call.shell.terminal.write("The search rests after its present step; search resume goes on with it.\n")


def _resume(call: Call) -> None:
    phase = call.shell.device.meters.snapshot().search.phase
    if phase in (SearchPhase.NONE, SearchPhase.FINISHED):
        raise Complaint("there is no search that could go on")
    call.shell.device.meters.resume_search()
    call.shell.terminal.write("The search goes on; show search tells how far it is.\n")
    _tell_switched_off(call)


def _cancel(call: Call) -> None:
    if call.shell.device.meters.snapshot().search.phase not in _CAN_END:
        raise Complaint("no search is under way")
    call.shell.device.meters.cancel_search()
    call.shell.terminal.write("The search ends; search add takes what it found into the list.\n")


def _add_found(call: Call) -> None:
    meters = call.shell.device.meters
    found = [address_of(one) for one in meters.snapshot().search.found]
    if not found:
        raise Complaint("the search has found nothing")
    address = call.arguments.get("address")
    wanted = None if address is None else [address.upper()]
    if wanted is not None and wanted[0] not in found:
        raise Complaint(f"{quoted(address or '')} is not what the search found (show search)", call.places["address"])
    added: list[Meter] = []
    _change(call, lambda: added.extend(meters.add_found(wanted)))
    _tell_added(call, added)


def _tell_added(call: Call, added: list[Meter]) -> None:
    named = ", ".join(safe(title_of(meter)) for meter in added[:MOST_NAMED])
    more = f" and {len(added) - MOST_NAMED} more" if len(added) > MOST_NAMED else ""
    call.shell.terminal.write(f"In the list: {named}{more}.\n" if added else "Nothing is new.\n")


# Read.


def _read_commands() -> list[Command]:
    return [
        command("read all", "Read all meters of the list.", _read_all),
        command("read <number>", "Read one meter.", _read, number=NUMBER),
    ]


def _read_all(call: Call) -> None:
    keys = [state.meter.key for state in call.shell.device.meters.snapshot().meters]
    if not keys:
        raise Complaint("there is no meter in the list")
    call.shell.device.meters.read_now(keys)
    count = "1 readout is" if len(keys) == 1 else f"{len(keys)} readouts are"
    call.shell.terminal.write(f"{count} asked for; show meters tells the outcome.\n")
    _tell_switched_off(call)


def _read(call: Call) -> None:
    meter = meter_of(call)
    call.shell.device.meters.read_now([meter.key])
    call.shell.terminal.write(f"The readout is asked for; show meters {meter.key} tells the outcome.\n")
    _tell_switched_off(call)


# The list.


def _add_commands() -> list[Command]:
    commands = []
    for way, argument in (("primary", _PRIMARY), ("secondary", _SECONDARY)):
        words = {way: argument, "baud": _BAUD, "name": _NAME}
        start = f"add {way} <{way}>"
        commands += [
            command(start, "Take it in at the speed of the line.", _add, **words),
            command(f"{start} name <name>", "The same, with a name.", _add, **words),
            command(f"{start} baud <baud>", "Take it in at this speed.", _add, **words),
            command(f"{start} baud <baud> name <name>", "The same, with a name.", _add, **words),
        ]
    return commands


def _add(call: Call) -> None:
    baud = str(call.shell.device.settings[line_settings.BAUD_RATE])
    texts = {"baud": baud, **call.arguments}
    added: list[Meter] = []
    _change(call, lambda: added.append(call.shell.device.meters.add(texts)))
    _tell_added(call, added)


def _set_commands() -> list[Command]:
    commands = []
    for field in FIELDS:
        words = {"number": NUMBER, "value": _VALUES[field.name]}
        pattern = f"set <number> {field.word} <value>"
        commands.append(command(pattern, field.help, _set(field), **words))
        if field.nothing is not None:
            help_ = "Switch off." if field.choices else "Empty it."
            pattern = f"no set <number> {field.word}"
            commands.append(command(pattern, help_, _set(field), number=NUMBER))
    return commands


def _set(field: Field) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        meter = meter_of(call)
        text = call.arguments.get("value", field.nothing or "")
        fitting = [choice for choice in field.choices if text and choice.startswith(text.casefold())]
        text = fitting[0] if len(fitting) == 1 else text
        _change(call, lambda: call.shell.device.meters.change(meter.key, {field.name: text}), field.name)

    return run


def _last_commands() -> list[Command]:
    address = Argument("address", "The new primary address, 0 to 250.")
    told = "Give the meter itself another primary address."
    return [
        command("remove <number>", "Take a meter from the list, with its readings.", _remove, number=NUMBER),
        command("remove <number> force", FORCE, _remove, number=NUMBER),
        command("remove all", "Empty the list, and forget all readings.", _remove_all),
        command("remove all force", FORCE, _remove_all),
        command("set-primary <number> <address>", told, _set_primary, number=NUMBER, address=address),
        command("set-primary <number> <address> force", FORCE, _set_primary, number=NUMBER, address=address),
    ]


def _remove(call: Call) -> None:
    meter = meter_of(call)
    _confirm(call, f"Remove meter {safe(title_of(meter))} with all its readings?")
    _change(call, lambda: call.shell.device.meters.remove(meter.key))


def _remove_all(call: Call) -> None:
    count = len(call.shell.device.meters.snapshot().meters)
    _confirm(call, f"Remove all meters ({count}) with all their readings?")
    _change(call, call.shell.device.meters.forget_all)


def _set_primary(call: Call) -> None:
    meter, text = meter_of(call), call.arguments["address"]
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise Complaint(f"{quoted(text)} is no primary address; 0 to 250", call.places["address"])
    before = "" if meter.primary is None else f" in place of {meter.primary}"
    _confirm(call, f"Give meter {safe(title_of(meter))} the primary address {int(text)}{before}?")
    _change(call, lambda: call.shell.device.meters.set_primary(meter.key, int(text)), "primary", "address")
    call.shell.terminal.write(f"The meter is told when the bus is free; show meters {meter.key} tells the outcome.\n")
    _tell_switched_off(call)


def _tell_switched_off(call: Call) -> None:
    if not call.shell.device.settings[meter_settings.ENABLED]:
        call.shell.terminal.write("The device's own master is switched off: nothing is done before master on.\n")


def _confirm(call: Call, question: str) -> None:
    if not call.is_forced and not call.shell.confirm(question):
        raise Complaint("nothing was done")


def _change(call: Call, act: Callable[[], object], field: str = "", argument: str = "value") -> None:
    """Do what changes the list; what is wrong with the value of an argument is pointed at.

    :raises InvalidMeter: with what cannot be pointed at.
    """

    def checked() -> None:
        call.shell.changes.require_new_password()
        act()

    try:
        call.shell.change(checked)
    except InvalidMeter as error:
        (name, words), *others = error.errors.items()
        place = call.places.get(argument if name == field else name)
        if others or place is None:
            raise
        raise Complaint(complaint_of(name, words), place) from None
