"""The types of settings: what each can hold, and how it is read and written. No I/O."""

from appliance.settings.types.address import HostAddress, InterfaceAddress
from appliance.settings.types.bool import Bool
from appliance.settings.types.certificates import Certificates
from appliance.settings.types.choice import Choice
from appliance.settings.types.client_id import ClientId, DhcpClientId
from appliance.settings.types.directives import Directives
from appliance.settings.types.host_names import HostNames
from appliance.settings.types.line_url import LineUrl
from appliance.settings.types.log_format import LogFormat
from appliance.settings.types.networks import Network, NetworkList
from appliance.settings.types.number import Int, Port
from appliance.settings.types.optional import Optional
from appliance.settings.types.secret import Secret
from appliance.settings.types.text import DomainName, Hostname, Text, UriPath
from appliance.settings.types.topic import TopicPrefix
from appliance.settings.types.type import Type
from appliance.settings.types.web_address import WebAddress

__all__ = [
    "Bool",
    "Certificates",
    "Choice",
    "ClientId",
    "DhcpClientId",
    "Directives",
    "DomainName",
    "HostAddress",
    "HostNames",
    "Hostname",
    "Int",
    "InterfaceAddress",
    "LineUrl",
    "LogFormat",
    "Network",
    "NetworkList",
    "Optional",
    "Port",
    "Secret",
    "Text",
    "TopicPrefix",
    "Type",
    "UriPath",
    "WebAddress",
]
