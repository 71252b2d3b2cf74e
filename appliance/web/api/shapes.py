"""What the resources of the API look like. The answers are built as these types, and described by them."""

# The types are looked at while the program runs, so nothing here may be imported for the type checker alone.
# ruff: noqa: TC001

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from appliance.httpd.statistics import HttpSnapshot
from appliance.supervision.ward import WardSnapshot


class Product(TypedDict):
    """What the device is; it does not change while the program runs."""

    type: str
    version: Annotated[str, "Of the firmware."]
    build_date: Annotated[str | None, "ISO 8601."]
    serial_number: Annotated[str, "Of the board; empty where it has none."]
    board: str


class LastRestart(TypedDict):
    """How the run before this one ended."""

    kind: str
    why: str
    when: Annotated[float | None, "Seconds since 1970."]
    uptime: Annotated[float | None, "Seconds that it had run."]


class Led(TypedDict):
    """A LED of the front panel."""

    name: Annotated[str, "PWR, ERR, LINK or ACT."]
    colour: str
    rhythm: Annotated[str, "off, steady, slow, fast, faster, flicker, short_blink or identify."]
    is_lit: Annotated[bool, "At this moment."]
    meaning: str


class Status(TypedDict):
    """What the device is and how it goes."""

    product: Product
    uptime: Annotated[float, "Seconds since the program began."]
    is_saved: Annotated[bool, "Whether a restart would lose no change of settings."]
    faults: list[str]
    last_restart: LastRestart | None
    leds: Annotated[list[Led] | None, "null on a device without a front panel."]


class Fact(TypedDict):
    """A value and where it came from."""

    value: Annotated[str, "Empty where there is none."]
    source: Annotated[str | None, "DHCP, BOOTP, Static, AutoIP or System."]


class Link(TypedDict):
    """The Ethernet port."""

    has_carrier: bool | None
    speed: Annotated[int | None, "Mbit/s."]
    duplex: str | None
    negotiates: bool | None


class Network(TypedDict):
    """How the device is reached."""

    interface: str | None
    mac: str
    is_managed: Annotated[bool, "Whether the interface is the device's to configure, and not only observed."]
    link: Link
    current: dict[str, Fact]
    after_reboot: dict[str, Fact]
    lease_ends_at: Annotated[float | None, "Seconds since 1970."]
    troubles: list[str]


class Certificate(TypedDict):
    """The certificate of the TLS ports."""

    subject: str
    issuer: str
    names: list[str]
    not_before: str
    not_after: str
    sha256: str
    is_self_signed: bool


class LogSize(TypedDict):
    """How long the log of requests is."""

    entries: int
    bytes: int


class Http(TypedDict):
    """The web server."""

    server: HttpSnapshot | None
    log_size: LogSize
    certificate: Certificate | None


class System(TypedDict):
    """The parts of the program under supervision."""

    services: list[WardSnapshot]


class SettingShape(TypedDict):
    """A setting, what may be written to it, and its values."""

    name: str
    section: str
    label: str
    help: str
    type: Annotated[str, "boolean, integer, choice, text or directives."]
    allowed: Annotated[str, "In words."]
    options: Annotated[list[str | int] | None, "Of a choice."]
    lowest: int | None
    highest: int | None
    unit: str
    needs_reboot: Annotated[bool, "Whether a change takes effect at the next reboot."]
    is_secret: Annotated[bool, "Whether passwords in it are left out; they can only be written."]
    default: Annotated[Any, "The factory's."]
    value: Annotated[Any, "As configured now."]
    saved: Annotated[Any, "As on the disk, and after a restart."]
    in_force: Annotated[Any, "What the device works with now."]


class Settings(TypedDict):
    """All settings, by name."""

    settings: dict[str, SettingShape]


class Written(TypedDict):
    """What became of a change of settings."""

    changed: Annotated[dict[str, Any], "The values that were sent, as they are configured now."]
    is_saved: Annotated[bool, "Whether a restart would lose no change."]
    needs_reboot: Annotated[list[str], "Settings that wait for a reboot."]


class Lines(TypedDict):
    """Lines of a log, the oldest first."""

    lines: list[str]


class History(TypedDict):
    """What was recorded: intervals, and for each counter its growth in a second, for each gauge its mean."""

    ends: Annotated[list[int], "When each interval ended, seconds since 1970."]
    seconds: Annotated[list[float], "How long each interval was."]
    rates: dict[str, list[float | None]]


class Done(TypedDict):
    """That something is done or under way."""

    done: str
