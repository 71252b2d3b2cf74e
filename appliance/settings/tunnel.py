"""Settings of the tunnel: TCP on one side, the M-Bus line on the other."""

from enum import StrEnum

from appliance.settings.setting import Setting
from appliance.settings.types import Choice, Int, NetworkList, Port


class AcceptMode(StrEnum):
    """Whether the tunnel listens."""

    ALWAYS = "always"
    DISABLED = "disabled"


class AcceptPolicy(StrEnum):
    """What becomes of a client that comes while another is connected."""

    REFUSE = "refuse"
    TAKEOVER = "takeover"
    SHARED = "shared"


ACCEPT_MODE = Setting(
    name="tunnel.accept_mode",
    type=Choice(AcceptMode),
    default=AcceptMode.ALWAYS,
    label="Mode",
    help="Always: clients may connect to the M-Bus over TCP. Disabled: the port is closed.",
)
PORT = Setting(
    name="tunnel.port",
    type=Port(),
    default=10001,
    label="Local port",
    help="The TCP port on which the M-Bus answers. A new port is opened at once; a connection that is open stays. "
    "Leave it blank for the factory default.",
    blank_is_default=True,
)
KEEP_ALIVE = Setting(
    name="tunnel.keep_alive",
    type=Int(1000, 7_200_000, unit="ms", zero="off"),
    default=45_000,
    label="TCP keep alive",
    help="After this time of silence the client is asked whether it is still there, so that one that vanished does not "
    "keep the port. 0 asks never; blank is the factory default.",
    blank_is_default=True,
)
POLICY = Setting(
    name="tunnel.policy",
    type=Choice(AcceptPolicy),
    default=AcceptPolicy.REFUSE,
    label="Accept policy",
    help="What a second client meets. Refuse: it is turned away. Takeover: it replaces the first. Shared: both stay "
    "connected and get the bus in turn.",
)
LEASE_QUIET = Setting(
    name="tunnel.lease_quiet",
    type=Int(1, 60_000, unit="ms", zero="automatic"),
    default=0,
    label="Quiet time",
    help="With the policy Shared, a client that has been quiet for this long hands the bus on. 0 takes the time within "
    "which a meter must answer, and a little more.",
)
ALLOW = Setting(
    name="tunnel.allow",
    type=NetworkList(),
    default=(),
    label="Allowed clients",
    help="Addresses and networks from which clients may connect, separated by commas. Empty lets everybody in.",
)
TLS_PORT = Setting(
    name="tunnel.tls_port",
    type=Port(zero="off"),
    default=0,
    label="TLS port",
    help="A second TCP port on which the M-Bus answers through TLS, with the certificate of the web server. 0 is off.",
)
DISCONNECT_TIMEOUT = Setting(
    name="tunnel.disconnect_timeout",
    type=Int(1, 86_400_000, unit="ms", zero="never"),
    default=10_000,
    label="Timeout",
    help="A connection is closed when no byte has passed the M-Bus line in either direction for this long. 0 never "
    "closes it.",
)
