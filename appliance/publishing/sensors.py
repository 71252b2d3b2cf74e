"""What a reading's records are to Home Assistant: class, unit and state class of each, and the value in that unit.

The classes and the units that each may have are those of Home Assistant's sensor platform. A unit that it does not
know is converted where that is exact, and else the value goes without a class.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from appliance.mbus.frame import parse
from appliance.mbus.medium import Medium, medium_name
from appliance.mbus.record import Function
from appliance.mbus.telegram import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from appliance.mbus.data_record import DataRecord

LONGEST_TEXT = 255
"""Characters that a state of Home Assistant has room for."""
MOST = 200
"""Sensors of one meter; further records are in the reading all the same."""

_NOT_IN_NAME = re.compile(r"[^a-z0-9]+", re.ASCII)


class Rule(NamedTuple):
    """What becomes of values of one quantity in one unit."""

    device_class: str = ""
    unit: str = ""
    """After the conversion."""
    state_class: str = ""
    """Of the present value; past, greatest and least ones have none."""
    factor: Decimal = Decimal(1)
    is_diagnostic: bool = False


_COUNTER = "total_increasing"
_MEASURED = "measurement"

_WATER = frozenset(
    medium_name(medium)
    for medium in (
        Medium.WATER,
        Medium.WARM_WATER,
        Medium.HOT_WATER,
        Medium.COLD_WATER,
        Medium.DUAL_WATER,
        Medium.WASTE_WATER,
    )
)
_GAS = medium_name(Medium.GAS)
_TEMPERATURES = ("flow temperature", "return temperature", "external temperature", "cold / warm temperature limit")

RULES: dict[tuple[str, str], Rule] = {
    ("energy", "Wh"): Rule("energy", "kWh", _COUNTER, Decimal("0.001")),
    ("energy", "J"): Rule("energy", "GJ", _COUNTER, Decimal("0.000000001")),
    ("energy", "cal"): Rule("energy", "Gcal", _COUNTER, Decimal("0.000000001")),
    ("reactive energy", "varh"): Rule("", "varh", _COUNTER),
    ("apparent energy", "VAh"): Rule("", "VAh", _COUNTER),
    ("volume", "m³"): Rule("volume", "m³", _COUNTER),
    ("volume", "ft³"): Rule("volume", "ft³", _COUNTER),
    ("volume", "US gal"): Rule("volume", "gal", _COUNTER),
    ("mass", "kg"): Rule("weight", "kg", _COUNTER),
    ("units for H.C.A.", ""): Rule("", "", _COUNTER),
    ("power", "W"): Rule("power", "W", _MEASURED),
    ("power", "J/h"): Rule("", "J/h", _MEASURED),
    ("reactive power", "var"): Rule("reactive_power", "var", _MEASURED),
    ("apparent power", "VA"): Rule("apparent_power", "VA", _MEASURED),
    ("volume flow", "m³/h"): Rule("volume_flow_rate", "m³/h", _MEASURED),
    ("volume flow ext.", "m³/min"): Rule("volume_flow_rate", "m³/h", _MEASURED, Decimal(60)),
    ("volume flow ext.", "m³/s"): Rule("volume_flow_rate", "m³/h", _MEASURED, Decimal(3600)),
    ("volume flow", "US gal/min"): Rule("volume_flow_rate", "gal/min", _MEASURED),
    ("volume flow", "US gal/h"): Rule("", "gal/h", _MEASURED),
    ("mass flow", "kg/h"): Rule("", "kg/h", _MEASURED),
    **{(name, unit): Rule("temperature", unit, _MEASURED) for name in _TEMPERATURES for unit in ("°C", "°F")},
    # A difference is no temperature: Home Assistant would add 273 or 32 to it when it converts.
    ("temperature difference", "K"): Rule("", "K", _MEASURED),
    ("temperature difference", "°F"): Rule("", "°F", _MEASURED),
    ("pressure", "bar"): Rule("pressure", "bar", _MEASURED),
    ("relative humidity", "%"): Rule("humidity", "%", _MEASURED),
    ("voltage", "V"): Rule("voltage", "V", _MEASURED),
    ("current", "A"): Rule("current", "A", _MEASURED),
    ("frequency", "Hz"): Rule("frequency", "Hz", _MEASURED),
    ("phase U-U", "°"): Rule("", "°", _MEASURED),
    ("phase U-I", "°"): Rule("", "°", _MEASURED),
    ("RF level", "dBm"): Rule("signal_strength", "dBm", _MEASURED, is_diagnostic=True),
    **{
        (name, unit): Rule("duration", unit, _COUNTER, is_diagnostic=True)
        for name in ("on time", "operating time")
        for unit in ("s", "min", "h", "d")
    },
    ("remaining battery life time", "d"): Rule("duration", "d", _MEASURED, is_diagnostic=True),
}
"""By quantity and unit as `appliance.mbus` tells them."""

_SAME_QUANTITY = (
    "accumulation only if positive contributions",
    "accumulation of abs value only if negative contributions",
    "at phase L1",
    "at phase L2",
    "at phase L3",
    "between phase L1 and L2",
    "between phase L2 and L3",
    "between phase L3 and L1",
    "value at base conditions",
    "uncorrected unit or value at metering conditions",
    "data presented with type C",
    "standard conform data content",
)
"""Qualifiers with which a counter is still a counter and a measured value a measured one."""

_ALWAYS = {"metrology (firmware) version number", "model / version", "error flags"}
"""Shown although nobody measures them; everything else that is no measured value is hidden until somebody asks."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One record as a value that Home Assistant can show."""

    slug: str
    """Its name in the reading; the same record has the same one in every reading."""
    name: str
    value: Decimal | str
    rule: Rule
    is_hidden: bool

    @property
    def text(self) -> str:
        """The value in plain text."""
        return format(self.value, "f") if isinstance(self.value, Decimal) else self.value


def sensors_of(telegrams: Iterable[bytes], medium: str) -> tuple[Sensor, ...]:
    """Give the sensors that the records of a reading make; records without a value make none.

    :param medium: what the meter measures, in the words of `appliance.mbus.medium`.
    """
    found: list[Sensor] = []
    seen: dict[str, int] = {}
    for record in _records(telegrams):
        value = record.value
        if value is None or (isinstance(value, Decimal) and not value.is_finite()):
            continue
        words = _words(record)
        slug = _NOT_IN_NAME.sub("_", words.lower()).strip("_") or "value"
        repetition = seen[slug] = seen.get(slug, 0) + 1
        if repetition > 1:
            slug, words = f"{slug}__{repetition}", f"{words} ({repetition})"
        rule = rule_of(record, medium)
        value = _scaled(value, rule.factor) if isinstance(value, Decimal) else value[:LONGEST_TEXT]
        found.append(Sensor(slug, words[:1].upper() + words[1:], value, rule, _is_hidden(record, rule)))
        if len(found) == MOST:
            break
    return tuple(found)


def rule_of(record: DataRecord, medium: str) -> Rule:
    """Find what a record is to Home Assistant."""
    if not isinstance(record.value, Decimal):
        return Rule(is_diagnostic=True)
    quantity, *qualifiers = record.quantity.split(", ")
    rule = RULES.get((quantity, record.unit))
    if rule is None or any(words not in _SAME_QUANTITY for words in qualifiers):
        return Rule("", record.unit, is_diagnostic=True)
    if quantity == "volume":
        rule = rule._replace(device_class=_volume_class(rule.unit, medium))
    if record.function is not Function.INSTANTANEOUS or record.storage:
        rule = rule._replace(state_class="")
    return rule


def _volume_class(unit: str, medium: str) -> str:
    if medium in _WATER:
        return "water"
    return "gas" if medium == _GAS and unit != "gal" else "volume"


def _records(telegrams: Iterable[bytes]) -> Iterator[DataRecord]:
    for telegram in telegrams:
        yield from decode(parse(telegram)).records


def _words(record: DataRecord) -> str:
    parts = [record.quantity]
    if record.function is not Function.INSTANTANEOUS:
        parts.append(record.function_words)
    parts += [
        f"{name} {number}"
        for name, number in (("storage", record.storage), ("tariff", record.tariff), ("subunit", record.subunit))
        if number
    ]
    return ", ".join(parts)


def _scaled(value: Decimal, factor: Decimal) -> Decimal:
    """Multiply without rounding, however many digits there are."""
    if factor == 1:
        return value
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 (it is finite)
    of_factor = factor.as_tuple()
    assert isinstance(of_factor.exponent, int)  # noqa: S101 (likewise)
    product = int("".join(map(str, digits))) * int("".join(map(str, of_factor.digits)))
    return Decimal((sign, tuple(map(int, str(product))), exponent + of_factor.exponent))


def _is_hidden(record: DataRecord, rule: Rule) -> bool:
    return not rule.state_class and record.quantity not in _ALWAYS
