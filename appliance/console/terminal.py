"""What a command needs of whoever typed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Terminal(Protocol):
    """Where answers go and questions are asked."""

    @property
    def is_terminal(self) -> bool:
        """Whether a person sits there, with keys that come one by one; else it may be a script."""

    @property
    def columns(self) -> int:
        """Width of the window."""

    @property
    def peer(self) -> str:
        """Whose address it is."""

    def write(self, text: str) -> None:
        """Show text; each line ends with a newline character."""

    def page(self, lines: Iterable[str]) -> None:
        """Show lines, on a terminal one page after the other."""

    def ask(self, prompt: str, *, is_hidden: bool = False) -> str | None:
        """Ask for a line; None when the user gives up."""
