"""What the kernel has told about its interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

IFF_UP = 0x1
IFF_LOWER_UP = 0x10000
"""The port is switched on and its hardware has a carrier (Linux, `netdevice(7)`); without IFF_UP it is never set."""


@dataclass(frozen=True, slots=True)
class Link:
    """One interface at one moment."""

    index: int
    """The kernel's number of it, for as long as it exists; renaming does not change it."""
    name: str
    flags: int
    """``IFF_...`` bits."""
    mac: str
    operational_state: str
    """RFC 2863 ifOperStatus in small letters: up, down, lowerlayerdown, dormant, unknown..."""

    @property
    def is_enabled(self) -> bool:
        """Whether it is switched on (by the administrator, not by a cable)."""
        return bool(self.flags & IFF_UP)

    @property
    def has_carrier(self) -> bool:
        """Whether it is switched on and connected to something that is alive."""
        return bool(self.flags & IFF_LOWER_UP)


class Notice(Enum):
    """What a message about interfaces is."""

    LISTED = "an interface, as part of the list that was asked for"
    CHANGED = "an interface that is new or has changed"
    REMOVED = "an interface that is gone"
    LIST_ENDS = "the list is complete"


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """One message of the kernel; `link` is `None` at the end of a list alone."""

    notice: Notice
    link: Link | None = None


class LinkTable:
    """All interfaces, by index: first a list, then the changes.

    Changes may arrive in the middle of the list, and a list entry be older than a change read before it. Every change
    since the subscription is told, so a change is right always, and a list entry where there was none.
    """

    def __init__(self) -> None:
        """Know nothing and expect a list."""
        self._links: dict[int, Link] = {}
        self._changed: set[int] = set()
        self.is_complete = False
        """Whether the list has been read to its end; before that the table must not be used."""

    @property
    def by_name(self) -> dict[str, Link]:
        """The interfaces by their present names."""
        return {link.name: link for link in self._links.values()}

    def take(self, message: LinkMessage) -> None:
        """Note what the kernel says."""
        if message.link is None:
            self.is_complete = True
            return
        index = message.link.index
        if message.notice is Notice.LISTED:
            if index not in self._changed:
                self._links[index] = message.link
            return
        if not self.is_complete:
            self._changed.add(index)
        if message.notice is Notice.REMOVED:
            self._links.pop(index, None)
        else:
            self._links[index] = message.link
