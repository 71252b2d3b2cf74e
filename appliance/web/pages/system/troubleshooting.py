"""System > Troubleshooting: the checks that the device makes of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import current_app, render_template

from appliance.web.access import reads
from appliance.web.checks import LineMemory, Quote, Result, findings, observe
from appliance.web.context import context
from appliance.web.languages import N_, _
from appliance.web.pages.system.section import section
from appliance.web.trouble_words import trouble_text

if TYPE_CHECKING:
    from flask.blueprints import BlueprintSetupState

    from appliance.web.checks import Finding, Message

MEMORY = "cme3000.line_memory"
"""Where an app keeps what earlier looks at the line have seen."""

WORDS = {
    Result.BAD: N_("Fault"),
    Result.ATTENTION: N_("Look at this"),
    Result.UNKNOWN: N_("Not known"),
    Result.GOOD: N_("Good"),
}
LOOKS = {Result.BAD: "error", Result.ATTENTION: "warning", Result.UNKNOWN: "info", Result.GOOD: "good"}
"""How the style sheet calls them."""


class Shown(NamedTuple):
    """A finding in the visitor's language."""

    name: str
    title: str
    word: str
    look: str
    evidence: list[str]
    advice: list[str]


def _remember(state: BlueprintSetupState) -> None:
    state.app.extensions[MEMORY] = LineMemory()


section.record(_remember)


@section.get("/system/troubleshooting")
@reads
def troubleshooting() -> str:
    """Make every check and show the worst first."""
    found = check()
    to_do = [finding for finding in found if finding.result in (Result.BAD, Result.ATTENTION)]
    return render_template(
        "system/troubleshooting.html",
        to_do=[shown(finding) for finding in to_do],
        rest=[shown(finding) for finding in found if finding not in to_do],
    )


def check() -> tuple[Finding, ...]:
    """Make every check now, for this page and whatever else tells of it."""
    here = context()
    memory: LineMemory = current_app.extensions[MEMORY]
    return findings(observe(here.device, here.network(), memory))


def shown(finding: Finding) -> Shown:
    """Translate a finding."""
    return Shown(
        finding.name,
        _(finding.title),
        _(WORDS[finding.result]),
        LOOKS[finding.result],
        [text_of(message) for message in finding.evidence],
        [text_of(message) for message in finding.advice],
    )


def text_of(message: Message) -> str:
    """Translate a message, and what other rooms say in it."""
    if not message.values:
        return _(message.text)
    values = {
        name: trouble_text(value.text) if isinstance(value, Quote) else value for name, value in message.values.items()
    }
    return _(message.text) % values
