"""What the settings say about requests, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from appliance.settings import http as declared

if TYPE_CHECKING:
    from appliance.settings import Values


@dataclass(frozen=True, slots=True)
class WebConfiguration:
    """The web server's settings in force for one request."""

    is_enabled: bool
    max_timeout: float
    """Seconds for a request to arrive whole."""
    max_bytes: int
    """Of request line, headers and body together."""

    @classmethod
    def of(cls, values: Values) -> Self:
        """Gather the settings from `values`."""
        return cls(
            is_enabled=values[declared.ENABLED],
            max_timeout=float(values[declared.MAX_TIMEOUT]),
            max_bytes=values[declared.MAX_BYTES],
        )
