"""The first levels of MQTT topics."""

from appliance.errors import InvalidValue
from appliance.settings.types.type import Type

LONGEST = 128


class TopicPrefix(Type[str]):
    """Levels of a topic with `/` between (MQTT 5.0, clause 4.7).

    No wildcards, for nobody can publish to them, and no `$` in front, which belongs to the broker. Empty levels are
    allowed by the standard, but are a slip of the finger wherever they are seen.
    """

    allowed = f"levels such as site/cellar, without +, #, a $ in front or a / at either end, at most {LONGEST} bytes"

    def _parse(self, text: str) -> str:
        length = len(text.encode("utf-8"))
        if length > LONGEST:
            raise InvalidValue(f"it has {length} bytes")
        if "+" in text or "#" in text or text.startswith("$") or not all(text.split("/")):
            raise InvalidValue
        return text

    def format(self, value: str) -> str:
        """Write it as it is."""
        return value
