"""A command that cannot be carried out."""

from __future__ import annotations

from appliance.errors import ApplianceError


class Complaint(ApplianceError, ValueError):  # noqa: N818 (called by what it is)
    """What is wrong with a command, for whoever typed it; `place` is the character of the line that is at fault."""

    def __init__(self, text: str, place: int | None = None) -> None:
        """Say what is wrong in `text`, and where."""
        super().__init__(text)
        self.place = place
