"""The words of the command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from appliance import __version__
from appliance.errors import InvalidValue
from appliance.logbook import LEVELS
from appliance.network.interface import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = """\
CMe3000 TCP/IP M-Bus master.

AMR software connects to the tunnel's TCP port and talks through it to the meters on a two-wire M-Bus,
as if it had the bus on a serial port of its own.
"""

_EPILOG = """\
examples:
  cme3000 simulate                          everything on this machine, nothing to plug in
  cme3000 simulate --bus-only               only the meters, for other software: a serial port and a TCP port
  cme3000 run --line /dev/ttyUSB0           a USB M-Bus master on this machine
  cme3000 run --set line.baud_rate=300      start at 300 bit/s, without saving it
  cme3000 decode 68 03 03 68 08 01 71 7a 16 what an M-Bus telegram says
  cme3000 search --line /dev/ttyUSB0        which meters are on a bus
  cme3000 read 12345678 --line socket://192.0.2.7:10001   read one through any gateway
"""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the words after `cme3000`; ends the program with a message where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="cme3000", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"cme3000 {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="the appliance on real hardware", description="The appliance on real hardware."
    )
    _add_common(run, state=Path("/var/lib/cme3000"), board="pi", bind="")

    simulate = commands.add_parser(
        "simulate",
        help="the whole appliance without hardware: simulated board, bus and meters",
        description="The whole appliance without hardware. Listens on this machine alone, and needs no root.",
    )
    _add_common(simulate, state=_user_state(), board="simulated", bind="127.0.0.1")
    bus = simulate.add_argument_group("simulated bus")
    bus.add_argument("--meters", type=_count(0, 250), default=8, metavar="N", help="number of meters (default 8)")
    bus.add_argument("--seed", type=int, default=0, metavar="N", help="another seed makes other meters (default 0)")
    bus.add_argument(
        "--accelerated",
        dest="pace",
        action="store_const",
        const=None,
        default=1.0,
        help="answer at once instead of at the speed of the wire",
    )
    bus.add_argument("--bus-only", action="store_true", help="only the bus with its meters, on a pty and on TCP")
    bus.add_argument(
        "--bus-port",
        type=_count(0, 65535),
        default=10002,
        metavar="PORT",
        help="TCP port of --bus-only (default 10002)",
    )
    _add_decode(commands)
    _add_search(commands)
    _add_read(commands)
    return parser.parse_args(arguments)


def _add_decode(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    decode = commands.add_parser(
        "decode",
        help="what M-Bus telegrams say",
        description="Take M-Bus telegrams apart. Several may stand in a row, with noise between them.",
        epilog="Ends with 1 when something could not be read; all the rest is told nevertheless.",
    )
    decode.add_argument(
        "sources",
        nargs="+",
        metavar="HEX|FILE",
        help="hexadecimal digits, with or without blanks; a file of such digits, or of the bytes; - for a pipe",
    )
    form = decode.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON object for each telegram, one a line")
    form.add_argument("--bytes", action="store_true", help="explain each telegram byte by byte too")


def _add_search(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    search = commands.add_parser(
        "search",
        help="which meters are on a bus",
        description="Find the meters of a bus by their primary and secondary addresses. Ctrl-C ends it and shows what "
        "was found so far.",
        epilog="Nobody else may talk on the bus meanwhile. Ends with 1 when no meter was found.",
    )
    _add_bus(search, several=True)
    way = search.add_mutually_exclusive_group()
    way.add_argument("--primary", dest="ways", action="store_const", const=("primary",), help="only primary addresses")
    way.add_argument(
        "--secondary", dest="ways", action="store_const", const=("secondary",), help="only secondary addresses"
    )
    way.add_argument(
        "--both", dest="ways", action="store_const", const=("primary", "secondary"), help="both (the default)"
    )
    search.set_defaults(ways=("primary", "secondary"))
    search.add_argument("--json", action="store_true", help="a JSON object with meters and diagnoses")


def _add_read(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    read = commands.add_parser(
        "read",
        help="what one meter says",
        description="Read all telegrams of one meter.",
        epilog="Ends with 1 when the meter does not answer or cannot be understood.",
    )
    read.add_argument(
        "address",
        metavar="ADDRESS",
        help="primary address 0 to 250, or secondary address of 8 or 16 digits, F for any",
    )
    _add_bus(read, several=False)
    read.add_argument("--json", action="store_true", help="a JSON object for each telegram, one a line")


def _add_bus(parser: argparse.ArgumentParser, *, several: bool) -> None:
    parser.add_argument(
        "--line",
        required=True,
        metavar="URL",
        help="serial device of an M-Bus master, or a gateway: socket://host:port, rfc2217://host:port",
    )
    parser.add_argument(
        "--baud",
        type=_speeds if several else _speed,
        default=(2400,) if several else 2400,
        metavar="BAUD[,BAUD]" if several else "BAUD",
        help="bit/s, default 2400" + ("; 2400,300 searches at both" if several else ""),
    )
    parser.add_argument(
        "--margin",
        type=_milliseconds,
        metavar="MS",
        help="milliseconds that answers may be on their way from the bus (default 10, through a network 150)",
    )


def _add_common(parser: argparse.ArgumentParser, *, state: Path, board: str, bind: str) -> None:
    parser.add_argument(
        "--state",
        type=Path,
        default=state,
        metavar="DIR",
        help=f"folder for settings and everything else that is kept (default {state})",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        type=_assignment,
        metavar="NAME=VALUE",
        help="run with this setting without saving it, for example line.baud_rate=300; may be repeated",
    )
    line = parser.add_argument_group("M-Bus line")
    line.add_argument(
        "--line",
        metavar="URL",
        help="serial device of the two-wire M-Bus master, or a URL: socket://host:port, rfc2217://host:port, loop://",
    )
    line.add_argument("--optical", metavar="URL", help="serial device of an optical head on the same logical bus")
    ports = parser.add_argument_group("ports (0 is off)")
    for service in ("http", "https", "tunnel", "console"):
        ports.add_argument(f"--{service}-port", type=_count(0, 65535), metavar="PORT", help=_PORT_HELP[service])
    ports.add_argument(
        "--bind",
        default=bind,
        metavar="ADDRESS",
        help=f"address to listen on (default {bind or 'every one, IPv4 and IPv6'})",
    )
    hardware = parser.add_argument_group("hardware")
    boards = ("simulated", "none") if board == "simulated" else ("pi", "simulated", "none")
    hardware.add_argument("--board", choices=boards, help=f"LEDs and button (default {board})")
    if board == "pi":
        hardware.add_argument(
            "--board-file",
            type=Path,
            default=Path("/etc/cme3000/board.toml"),
            metavar="FILE",
            help="which pin does what (default %(default)s)",
        )
        hardware.add_argument(
            "--interface",
            type=_interface,
            metavar="NAME",
            help="the network interface (default: the first wired Ethernet)",
        )
    hardware.add_argument(
        "--network",
        # By hand the machine's own network is never touched unless that is asked for; the unit asks for it.
        choices=("managed", "observe") if board == "pi" else ("observe",),
        default="observe",
        help="manage the network interface, or only show it (default %(default)s)",
    )
    parser.add_argument(
        "--keep-factory-password",
        action="store_true",
        help="let admin with the factory password change settings, as the reference device does; without this flag a "
        "new password is asked for first",
    )
    parser.add_argument(
        "--log-level", choices=LEVELS, default="info", help="least weight of what is logged to stderr (default info)"
    )


_PORT_HELP = {
    "http": "web interface (default 80, simulated 8080)",
    "https": "web interface over TLS (default 443, simulated 8443)",
    "tunnel": "transparent M-Bus (default 10001)",
    "console": "configuration console (default 23, simulated 2323)",
}


def _user_state() -> Path:
    """Give the user's folder for state (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return folder / "cme3000"


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, for example line.baud_rate=300")
    return name.strip(), value


def _speed(text: str) -> int:
    if text not in ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400"):
        raise argparse.ArgumentTypeError(f"{text!r} is no speed of M-Bus: 300, 2400, or another one up to 38400")
    return int(text)


def _speeds(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_speed(word) for word in text.split(",")))


def _milliseconds(text: str) -> float:
    return _count(0, 10_000)(text) / 1000


def _interface(text: str) -> str:
    try:
        return check_name(text)
    except InvalidValue as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class _count:  # noqa: N801 (used as a function that argparse shows nothing of)
    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not self._least <= int(text[:9]) <= self._most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {self._least} to {self._most}")
        return int(text)
