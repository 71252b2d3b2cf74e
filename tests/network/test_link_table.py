"""A list and changes that come in between, in every order that a kernel may choose."""

from __future__ import annotations

from appliance.network.link_table import IFF_LOWER_UP, IFF_UP, Link, LinkMessage, LinkTable, Notice

CONNECTED, DISCONNECTED = IFF_UP | IFF_LOWER_UP, IFF_UP


def message(notice: Notice, index: int = 2, name: str = "eth0", flags: int = CONNECTED) -> LinkMessage:
    return LinkMessage(notice, Link(index, name, flags, "02:00:00:00:00:01", "up"))


def table_after(*messages: LinkMessage) -> LinkTable:
    table = LinkTable()
    for one in messages:
        table.take(one)
    return table


END = LinkMessage(Notice.LIST_ENDS)


def test_the_list_alone_is_the_state() -> None:
    table = table_after(message(Notice.LISTED), message(Notice.LISTED, 3, "eth1", DISCONNECTED), END)
    assert table.is_complete
    assert {name: link.has_carrier for name, link in table.by_name.items()} == {"eth0": True, "eth1": False}


def test_a_change_read_before_its_list_entry_stands() -> None:
    table = table_after(message(Notice.CHANGED, flags=DISCONNECTED), message(Notice.LISTED), END)
    assert not table.by_name["eth0"].has_carrier


def test_an_interface_removed_before_its_list_entry_stays_away() -> None:
    assert not table_after(message(Notice.REMOVED), message(Notice.LISTED), END).by_name


def test_after_the_list_changes_follow_one_another() -> None:
    table = table_after(message(Notice.LISTED), END, message(Notice.CHANGED, flags=0))
    assert not table.by_name["eth0"].is_enabled
    table.take(message(Notice.CHANGED, name="end0"))
    assert list(table.by_name) == ["end0"]
    table.take(message(Notice.REMOVED))
    assert not table.by_name


def test_a_list_given_twice_ends_once_and_changes_in_between_stand() -> None:
    twice = (message(Notice.LISTED), message(Notice.CHANGED, flags=DISCONNECTED), message(Notice.LISTED))
    assert not table_after(*twice).is_complete
    table = table_after(*twice, END)
    assert table.is_complete
    assert not table.by_name["eth0"].has_carrier


def test_one_that_is_removed_and_comes_again_while_the_list_is_made_is_the_new_one() -> None:
    table = table_after(
        message(Notice.LISTED), message(Notice.REMOVED), message(Notice.CHANGED, 5), message(Notice.LISTED), END
    )
    assert table.by_name["eth0"].index == 5
