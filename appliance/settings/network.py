"""Settings of the network interface: how it gets its address, and its name."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface

from appliance.settings.setting import Setting
from appliance.settings.types import (
    Bool,
    Choice,
    ClientId,
    DhcpClientId,
    DomainName,
    HostAddress,
    Hostname,
    Int,
    InterfaceAddress,
    Optional,
)


class AddressCheck(StrEnum):
    """How long the network is asked whether another host has an address, before it is used."""

    FULL = "full"
    QUICK = "quick"
    OFF = "off"


BOOTP = Setting(
    name="network.bootp",
    type=Bool(),
    default=False,
    label="BOOTP client",
    help="Ask a BOOTP server for the address at the next start. With DHCP on as well, DHCP is used and BOOTP is not.",
    needs_reboot=True,
)
DHCP = Setting(
    name="network.dhcp",
    type=Bool(),
    default=True,
    static=False,
    label="DHCP client",
    help="Get address, mask, gateway, host name, domain and name servers from a DHCP server. While this or BOOTP is "
    "on, what is configured below for them is not used.",
    needs_reboot=True,
)
ADDRESS = Setting[IPv4Interface | None](
    name="network.address",
    type=Optional(InterfaceAddress()),
    default=None,
    static=IPv4Interface("192.168.0.10/24"),
    label="IP address",
    help="The fixed address, with the length of its network mask (192.168.0.10/24), with the mask itself "
    "(192.168.0.10 255.255.255.0), or alone for the mask of its class. Used when DHCP and BOOTP are off; with none, "
    "the device picks a link-local address.",
    needs_reboot=True,
)
GATEWAY = Setting[IPv4Address | None](
    name="network.gateway",
    type=Optional(HostAddress()),
    default=None,
    static=IPv4Address("192.168.0.1"),
    label="Default gateway",
    help="The router to other networks; it must be in the network of the fixed address. Empty for none.",
)
HOSTNAME = Setting(
    name="network.hostname",
    type=Hostname(),
    default="cme3000",
    label="Hostname",
    help="The name of this device in the network, also told to the DHCP server.",
)
DOMAIN = Setting(
    name="network.domain",
    type=DomainName(),
    default="",
    label="Domain",
    help="The domain in which the host name stands, such as meters.example. Empty for none.",
)
DHCP_CLIENT_ID = Setting[ClientId | None](
    name="network.dhcp_client_id",
    type=Optional(DhcpClientId()),
    default=None,
    label="DHCP client ID",
    help="How the DHCP server shall recognise this device: text:meter-room-2, or hex:01:02:0a for any octets. Empty "
    "uses the hardware address.",
    needs_reboot=True,
)
DNS1 = Setting[IPv4Address | None](
    name="network.dns1",
    type=Optional(HostAddress()),
    default=None,
    label="Primary DNS",
    help="The name server to ask first. Empty for none, or for that of the DHCP server.",
)
DNS2 = Setting[IPv4Address | None](
    name="network.dns2",
    type=Optional(HostAddress()),
    default=None,
    label="Secondary DNS",
    help="The name server to ask when the first does not answer. Empty for none.",
)
ADDRESS_CHECK = Setting(
    name="network.address_check",
    type=Choice(AddressCheck),
    default=AddressCheck.FULL,
    label="Address check",
    help="Before an address is used, ask whether another device has it. Full takes up to 7 seconds, as the standard "
    "asks; quick a third of a second, which may miss a device that is slow to answer; off trusts the configuration and "
    "the server.",
)
CONFIRM_MINUTES = Setting(
    name="network.confirm_minutes",
    type=Int(1, 1440, unit="minutes", zero="off"),
    default=0,
    label="Revert unless confirmed",
    help="After a reboot with new network settings, go back to the former ones unless somebody has logged in or used "
    "the tunnel within this time. 0 is off.",
)
