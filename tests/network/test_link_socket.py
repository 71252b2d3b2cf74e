"""What the kernel says at moments that a test cannot bring about: told by a stand-in for pyroute2's socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import NetworkError
from appliance.network.link_socket import (
    NLM_F_DUMP_INTR,
    NLM_F_MULTI,
    NLMSG_DONE,
    NLMSG_ERROR,
    RTM_DELLINK,
    RTM_NEWLINK,
    LinkSocket,
)
from appliance.network.link_table import Link, Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTRIBUTES = {"IFLA_IFNAME": "eth0", "IFLA_ADDRESS": "02:00:00:00:00:01", "IFLA_OPERSTATE": "LOWERLAYERDOWN"}
LINK = Link(2, "eth0", 0x1003, "02:00:00:00:00:01", "lowerlayerdown")


class Raw(dict[str, Any]):
    """A message as pyroute2 gives it."""

    def get_attr(self, name: str) -> str | None:
        found: str | None = self.get("attrs", {}).get(name)
        return found


def raw(kind: int, flags: int = 0, *, attrs: dict[str, str] = ATTRIBUTES, **fields: int) -> Raw:
    return Raw(
        header={"type": kind, "flags": flags}, attrs=attrs, **{"index": 2, "flags": 0x1003, "family": 0, **fields}
    )


class Kernel:
    """What LinkSocket needs of pyroute2's socket."""

    def __init__(self) -> None:
        self.answers: list[list[Raw]] = []
        self.questions = 0

    def put(self, *_words: object, **_more: object) -> None:
        self.questions += 1

    def get(self) -> list[Raw]:
        return self.answers.pop(0)


@pytest.fixture
def links() -> Iterator[tuple[LinkSocket, Kernel]]:
    made, kernel = LinkSocket(), Kernel()
    real, made._socket = made._socket, kernel
    yield made, kernel
    real.close()


def notices(links: LinkSocket) -> list[Notice]:
    return [message.notice for message in links.read()]


def test_an_entry_of_the_list_a_change_and_a_removal_are_told_apart(links: tuple[LinkSocket, Kernel]) -> None:
    made, kernel = links
    kernel.answers = [[raw(RTM_NEWLINK, NLM_F_MULTI), raw(RTM_NEWLINK), raw(RTM_DELLINK), raw(NLMSG_DONE, NLM_F_MULTI)]]
    messages = made.read()
    assert [message.notice for message in messages] == [
        Notice.LISTED,
        Notice.CHANGED,
        Notice.REMOVED,
        Notice.LIST_ENDS,
    ]
    assert [message.link for message in messages] == [LINK, LINK, LINK, None]


@pytest.mark.parametrize("spoilt", [0, 1, 2])
def test_a_list_that_was_disturbed_anywhere_is_asked_for_again(links: tuple[LinkSocket, Kernel], spoilt: int) -> None:
    made, kernel = links
    whole = [raw(RTM_NEWLINK, NLM_F_MULTI), raw(RTM_NEWLINK, NLM_F_MULTI), raw(NLMSG_DONE, NLM_F_MULTI)]
    kernel.answers = [[raw(one["header"]["type"], NLM_F_MULTI) for one in whole], whole]
    kernel.answers[0][spoilt]["header"]["flags"] |= NLM_F_DUMP_INTR
    assert Notice.LIST_ENDS not in notices(made)
    assert kernel.questions == 1
    assert notices(made)[-1] is Notice.LIST_ENDS
    assert kernel.questions == 1


def test_asides_say_nothing_about_the_interface(links: tuple[LinkSocket, Kernel]) -> None:
    made, kernel = links
    of_a_bridge = raw(RTM_DELLINK, family=7)
    of_a_wlan_driver = raw(RTM_NEWLINK, attrs={"IFLA_IFNAME": "eth0"})
    of_an_address = raw(20)
    acknowledgement = raw(NLMSG_ERROR, error=0)
    kernel.answers = [[of_a_bridge, of_a_wlan_driver, of_an_address, acknowledgement]]
    assert made.read() == []


def test_a_refusal_names_its_reason(links: tuple[LinkSocket, Kernel]) -> None:
    made, kernel = links
    kernel.answers = [[raw(NLMSG_ERROR, error=-1)]]
    with pytest.raises(NetworkError, match="Operation not permitted"):
        made.read()
