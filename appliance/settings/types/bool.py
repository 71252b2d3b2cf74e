"""On and off."""

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

ON = ("on", "yes", "true", "enabled", "1")
OFF = ("off", "no", "false", "disabled", "0")


class Bool(Type[bool]):
    """A switch; the usual words for either side are understood, in any case."""

    allowed = "on or off"

    def _parse(self, text: str) -> bool:
        word = text.lower()
        if word in ON:
            return True
        if word in OFF:
            return False
        raise InvalidValue

    def format(self, value: bool) -> str:
        """Write `on` or `off`."""
        return "on" if value else "off"

    def from_file(self, raw: object) -> bool:
        """Read a TOML boolean, or one of the words."""
        return raw if isinstance(raw, bool) else super().from_file(raw)

    def to_file(self, value: bool) -> bool:
        """Give the TOML boolean."""
        return value
