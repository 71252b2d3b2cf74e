"""The form of one meter: what is shown, what was typed, and what was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from flask import request

from appliance.errors import InvalidMeter, SaveFailed
from appliance.settings import line
from appliance.settings import meters as declared
from appliance.web.context import context
from appliance.web.form import CORRECT_IT
from appliance.web.languages import _
from appliance.web.meter_fields import FIELDS, INTERVAL, INTERVALS
from appliance.web.meter_refusals import field_refusal, refusal_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.meters.meter import Meter
    from appliance.web.meter_fields import Declared

CHOICE = "interval_choice"
"""The usual intervals, beside the field for any other."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field in the form, as the macros know it."""

    setting: Declared
    text: str
    error: str = ""
    in_force: str = ""

    @property
    def id(self) -> str:
        """Name of the element."""
        return f"meter-{self.setting.name}"

    @property
    def kind(self) -> str:
        """Which control it has."""
        return self.setting.kind

    @property
    def options(self) -> tuple[str, ...]:
        """The texts that a choice has."""
        return self.setting.options

    @property
    def hint(self) -> str:
        """What may be typed."""
        return _(self.setting.hint)


class MeterForm:
    """The fields of a meter that is there, or of one to be added."""

    def __init__(
        self, meter: Meter | None = None, texts: Mapping[str, str] | None = None, *, trouble: str = ""
    ) -> None:
        """Show `meter` as the list has it, or as `texts` has it."""
        self.meter = meter
        self.trouble = trouble
        """What is wrong as a whole, a sentence; empty for nothing."""
        self.status = 200
        self._texts = dict(texts or {})
        self._errors: dict[str, str] = {}

    @classmethod
    def posted(cls, meter: Meter | None = None, *, trouble: str = "") -> Self:
        """Take what this request has posted."""
        texts = {field.name: request.form[field.name] for field in FIELDS if field.name in request.form}
        if CHOICE in request.form:
            # Of the two controls of one value, that which somebody has changed.
            typed, chosen = texts.get(INTERVAL.name, "").strip(), request.form[CHOICE]
            is_new = typed != cls(meter).other_interval
            texts[INTERVAL.name] = typed if typed and (is_new or not chosen) else chosen
        return cls(meter, texts, trouble=trouble)

    def save(self) -> Meter | None:
        """Add or change the meter. When that is refused the form has the reasons, and nothing has changed."""
        meters = context().device.meters
        try:
            return meters.add(self._texts) if self.meter is None else meters.change(self.meter.key, self._texts)
        except InvalidMeter as error:
            self._refuse(error)
        except SaveFailed as error:
            self.status, self.trouble = 500, str(error)
        return None

    @property
    def fields(self) -> tuple[Field, ...]:
        """All of them, in order."""
        return tuple(self[field] for field in FIELDS)

    def __getitem__(self, field: Declared) -> Field:
        """Give one field, for a page that places it itself."""
        return Field(
            field, self._texts.get(field.name, texts_of(self.meter)[field.name]), self._errors.get(field.name, "")
        )

    @property
    def interval(self) -> Field:
        """The one with a choice beside it."""
        return self[INTERVAL]

    @property
    def choice(self) -> str:
        """The usual interval that is chosen; empty for another one."""
        text = self.interval.text
        return text if text in dict(INTERVALS) else ""

    @property
    def other_interval(self) -> str:
        """What stands in the field for any other interval."""
        return "" if self.choice else self.interval.text

    def _refuse(self, refusal: InvalidMeter) -> None:
        self.status, self.trouble = 400, _(CORRECT_IT)
        own = {field.name for field in FIELDS}
        self._errors = {
            field.name: field_refusal(refusal.errors[field.name], field.hint)
            for field in FIELDS
            if field.name in refusal.errors
        }
        elsewhere = [refusal_text(text) for name, text in refusal.errors.items() if name not in own]
        if elsewhere:
            self.trouble = " ".join(elsewhere)


def texts_of(meter: Meter | None) -> dict[str, str]:
    """Write the fields of a meter as somebody would type them; those of a new one as most will be."""
    if meter is None:
        settings = context().device.settings
        usual = {"baud": str(settings[line.BAUD_RATE]), "interval": str(settings[declared.DEFAULT_INTERVAL])}
        return {field.name: "off" if field.kind == "switch" else "" for field in FIELDS} | usual
    return {
        "name": meter.name,
        "baud": str(meter.baud),
        "primary": "" if meter.primary is None else str(meter.primary),
        "secondary": meter.secondary,
        "fabrication": meter.fabrication,
        "reads_by_primary": "on" if meter.reads_by_primary else "off",
        "high_first": "on" if meter.high_first else "off",
        "interval": str(meter.interval),
        "on_battery": "on" if meter.on_battery else "off",
    }
