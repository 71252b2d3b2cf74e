"""What a new configuration would change."""

from typing import NamedTuple

from appliance.settings.values import Values


class Difference(NamedTuple):
    """One setting with its text before and after, secrets left out."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.name}: {self.old or 'none'} -> {self.new or 'none'}"


def differences(old: Values, new: Values) -> list[Difference]:
    """List the settings that `new` changes. Where only a secret changes, the new text says so."""
    found = []
    for setting in new.changes_from(old):
        before, after = setting.describe(old[setting]), setting.describe(new[setting])
        found.append(Difference(setting.name, before, f"{after} (new passwords)" if before == after else after))
    return found
