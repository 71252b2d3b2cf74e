"""What the pages show of the network: now, and after a reboot."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

import pytest

from appliance.network.binding import Binding
from appliance.network.configuration import Method, method_of
from appliance.network.facts import NONE, NetworkFacts, Source, facts_after_reboot, facts_of
from appliance.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from appliance.settings import Values


def values(folder: Path, **texts: str) -> Values:
    settings = Settings(folder)
    settings.override({f"network.{name}": text for name, text in texts.items()})
    return settings.in_force


def shown(facts: NetworkFacts) -> dict[str, str]:
    return {name: str(getattr(facts, name)) for name in NetworkFacts.__slots__}


@pytest.mark.parametrize(
    ("texts", "method"),
    [
        ({}, Method.DHCP),
        ({"bootp": "on"}, Method.DHCP),
        ({"bootp": "on", "dhcp": "off"}, Method.BOOTP),
        ({"dhcp": "off", "address": "10.0.0.5"}, Method.STATIC),
        ({"dhcp": "off"}, Method.AUTOIP),
    ],
)
def test_dhcp_wins_over_bootp_and_both_over_the_address(tmp_path: Path, texts: dict[str, str], method: Method) -> None:
    assert method_of(values(tmp_path, **texts)) is method


def test_after_a_reboot_what_a_server_supplies_is_named_by_its_kind(tmp_path: Path) -> None:
    facts = shown(facts_after_reboot(values(tmp_path, address="10.0.0.5/24", domain="own.example", dns1="10.0.0.53")))
    for name in ("address", "mask", "gateway", "hostname", "domain", "search", "time_servers"):
        assert facts[name] == "<DHCP>"
    assert facts["dhcp_client"] == "On"
    assert facts["bootp_client"] == "Off"
    assert facts["primary_dns"] == "10.0.0.53 (Static)"
    assert facts["secondary_dns"] == "<DHCP>"
    assert facts["dhcp_client_id"] == NONE
    assert shown(facts_after_reboot(values(tmp_path, dhcp="off", bootp="on")))["address"] == "<BOOTP>"


def test_after_a_reboot_with_a_fixed_address_all_is_as_configured(tmp_path: Path) -> None:
    texts = {"dhcp": "off", "address": "172.16.0.5", "gateway": "172.16.0.1", "dns2": "172.16.0.53"}
    facts = shown(facts_after_reboot(values(tmp_path, **texts)))
    assert facts["address"] == "172.16.0.5 (Static)"
    assert facts["mask"] == "255.255.0.0 (Static)"
    assert facts["gateway"] == "172.16.0.1 (Static)"
    assert facts["hostname"] == "cme3000 (Static)"
    assert facts["primary_dns"] == "172.16.0.53 (Static)"
    assert facts["secondary_dns"] == NONE
    assert facts["domain"] == NONE
    assert facts["time_servers"] == NONE


def test_without_any_address_autoip_chooses_one(tmp_path: Path) -> None:
    facts = shown(facts_after_reboot(values(tmp_path, dhcp="off", gateway="")))
    assert facts["address"] == "<AutoIP>"
    assert facts["gateway"] == NONE


def test_now_each_value_says_where_it_came_from(tmp_path: Path) -> None:
    binding = Binding(
        Source.DHCP,
        IPv4Interface("192.0.2.7/25"),
        gateway=IPv4Address("192.0.2.1"),
        name_servers=(IPv4Address("10.0.0.53"), IPv4Address("192.0.2.53")),
        time_servers=(IPv4Address("192.0.2.123"), IPv4Address("192.0.2.124")),
        hostname="by-server",
        domain="meters.example",
        search=("a.example", "b.example"),
    )
    facts = shown(facts_of(values(tmp_path, dns1="10.0.0.53"), binding))
    assert facts["address"] == "192.0.2.7 (DHCP)"
    assert facts["mask"] == "255.255.255.128 (DHCP)"
    assert facts["hostname"] == "by-server (DHCP)"
    assert facts["search"] == "a.example b.example (DHCP)"
    assert facts["primary_dns"] == "10.0.0.53 (Static)"
    assert facts["secondary_dns"] == "192.0.2.53 (DHCP)"
    assert facts["time_servers"] == "192.0.2.123 192.0.2.124 (DHCP)"


def test_now_without_an_address_only_names_are_known(tmp_path: Path) -> None:
    facts = shown(facts_of(values(tmp_path, domain="own.example"), None))
    assert facts["address"] == facts["gateway"] == facts["primary_dns"] == facts["time_servers"] == NONE
    assert facts["hostname"] == "cme3000 (Static)"
    assert facts["domain"] == "own.example (Static)"
