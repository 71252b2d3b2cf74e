"""A password that the device has to know itself, for it must show it to another."""

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type


class Secret(Type[str]):
    """Printable characters, or nothing. It stands in the settings file as it is, and is shown nowhere else."""

    secret = True

    def __init__(self, longest: int) -> None:
        """Set the greatest length in characters."""
        self.longest = longest
        self.allowed = f"at most {longest} printable characters, or empty"

    def _parse(self, text: str) -> str:
        if len(text) > self.longest:
            raise InvalidValue(f"it has {len(text)} characters")
        return text

    def format(self, value: str) -> str:
        """Write it as it is, for the file."""
        return value

    def describe(self, value: str) -> str:
        """Say whether there is one."""
        return "set" if value else ""
