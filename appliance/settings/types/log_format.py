"""The form of a line in the web server's log."""

import re

from appliance.errors import InvalidValue, quoted
from appliance.settings.types.type import Type

LONGEST = 512
# With each of them at its longest a thousand lines take 8 MB; without this limit it would be 50.
MOST_DIRECTIVES = 32
DIRECTIVES = "abBhmpqtuUrs"
# A request header in braces, its name a token of RFC 9110 section 5.6.2; the i after it may be left out.
HEADER = r"\{[!#$%&'*+.^_`|~0-9A-Za-z-]+\}i?"
DIRECTIVE = re.compile(rf"%(?:[{DIRECTIVES}]|{HEADER})", re.ASCII)


class LogFormat(Type[str]):
    """A text with directives: `%` and a letter, or `%{name}i` for a request header. Every one must be known."""

    allowed = (
        f"1 to {LONGEST} characters with at most {MOST_DIRECTIVES} of the directives %{' %'.join(DIRECTIVES)} and "
        "%{header}i, no other % among them"
    )

    def _parse(self, text: str) -> str:
        if not 1 <= len(text) <= LONGEST:
            raise InvalidValue(f"it has {len(text)} characters")
        unknown, count = DIRECTIVE.subn(" ", text)
        if "%" in unknown:
            raise InvalidValue(f"no directive begins {quoted(unknown[unknown.index('%') :][:8])}")
        if count > MOST_DIRECTIVES:
            raise InvalidValue(f"it has {count} directives")
        return text

    def format(self, value: str) -> str:
        """Write it as it is."""
        return value
