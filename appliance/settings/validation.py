"""Entries of a form, a file or a command line, made into values: strictly, or as far as they are good."""

from collections.abc import Collection, Mapping
from typing import Any

from appliance.errors import SettingError
from appliance.settings.declarations import find
from appliance.settings.problem import Problem
from appliance.settings.rules import violations
from appliance.settings.setting import Setting, raw_text
from appliance.settings.values import Values

Changes = dict[Setting[Any], Any]


def read(
    entries: Mapping[str, object], defaults: Values, present: Values, *, at_start: bool = False
) -> tuple[Changes, list[SettingError]]:
    """Read every entry, each by its declaration. What stands there at `present`, or by default, is always allowed.

    `at_start` allows what only the command line may give.
    """
    changes: Changes = {}
    errors: list[SettingError] = []
    for name, raw in entries.items():
        try:
            setting = find(name)
            for known in (present[setting], defaults[setting]):
                if raw_text(raw).strip(" ") == setting.type.format(known):
                    changes[setting] = known
                    break
            else:
                changes[setting] = setting.read(raw, defaults[setting], at_start=at_start)
        except SettingError as error:
            errors.append(error)
    return changes, errors


def rule_errors(values: Values, changed: Collection[Setting[Any]], where: str = "") -> list[SettingError]:
    """Check the rules between settings; the errors name those that were `changed`, for there the form shows them."""
    errors = []
    for violation in violations(values):
        at_fault = [setting for setting in violation.settings if setting in changed] or violation.settings[:1]
        errors += [
            SettingError(setting.name, setting.describe(values[setting]), violation.allowed + where)
            for setting in at_fault
        ]
    return errors


def restore(entries: Mapping[str, object], defaults: Values) -> tuple[Values, list[Problem]]:
    """Take every good entry, and the default for the others."""
    changes, errors = read(entries, defaults, defaults)
    values = defaults.with_changes(changes)
    problems = []
    for error in errors:
        try:
            consequence = f"the default {find(error.name).describe(defaults[find(error.name)]) or 'none'} is used"
        except SettingError:
            consequence = "it is left out"
        problems.append(Problem.from_error(error, consequence))
    while broken := violations(values):
        # One at a time: putting the first back may settle the rest. The defaults themselves go together, so that this
        # ends at the latest when everything is default.
        setting = next(setting for setting in broken[0].settings if values[setting] != defaults[setting])
        error = SettingError(setting.name, setting.describe(values[setting]), broken[0].allowed)
        consequence = f"the default {setting.describe(defaults[setting])} is used"
        problems.append(Problem.from_error(error, consequence))
        values = values.with_changes({setting: defaults[setting]})
    return values, problems
