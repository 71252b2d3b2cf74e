"""The menu: an entry for each section that there is, and its tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Tab:
    """A page within a section."""

    endpoint: str
    """The view's name within the section's blueprint."""
    label: str
    """English; marked with `N_` where it is written."""
    group: str = ""
    """A heading over this tab and its neighbours of the same group, such as *Interface*."""


class Section(Blueprint):
    """A blueprint that stands in the main menu.

    The first tab is what the menu entry leads to. Sections stand in the order of `order`; the six of the reference
    device have 10, 20 ... 60, so that others fit between.
    """

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        label: str,
        order: int,
        tabs: tuple[Tab, ...],
        upload_limits: Mapping[str, int] | None = None,
    ) -> None:
        """Describe the section.

        :param label: English; marked with `N_` where it is written.
        :param upload_limits: paths whose requests may have a body of so many bytes, whatever *Max bytes* says.
        """
        super().__init__(name, import_name)
        self.label = label
        self.order = order
        self.tabs = tabs
        self.upload_limits = dict(upload_limits or {})

    def endpoint_of(self, tab: Tab) -> str:
        """Give the name by which `url_for` knows the page of a tab."""
        return f"{self.name}.{tab.endpoint}"
