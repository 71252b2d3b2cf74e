"""Settings of publishing through MQTT."""

from appliance.settings.setting import Setting
from appliance.settings.types import Bool, Certificates, Port, Secret, Text, TopicPrefix

ENABLED = Setting(
    name="mqtt.enabled",
    type=Bool(),
    default=False,
    label="Publish",
    help="Send every reading to an MQTT broker. Readings wait on the device while the broker cannot be reached. "
    "Switched on, it begins with the next reading.",
)
HOST = Setting(
    name="mqtt.host",
    type=Text(
        0,
        253,
        pattern=r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
        r"|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*",
        allowed="a name such as broker.example or an IP address, or empty",
    ),
    default="",
    label="Broker",
    help="Name or IP address of the broker. With TLS it must be the name that the broker's certificate has.",
)
PORT = Setting(
    name="mqtt.port",
    type=Port(zero="the usual one"),
    default=0,
    label="Port",
    help="The broker's TCP port. 0 takes the usual one: 1883, and with TLS 8883.",
)
TLS = Setting(
    name="mqtt.tls",
    type=Bool(),
    default=False,
    label="TLS",
    help="Encrypt the connection. Without it user name, password and readings can be read on their way.",
)
VERIFY = Setting(
    name="mqtt.verify",
    type=Bool(),
    default=True,
    label="Verify certificate",
    help="Check with TLS that the broker is who it should be. Off, anybody in between can read the password: for tests "
    "alone.",
)
CA = Setting(
    name="mqtt.ca",
    type=Certificates(),
    default="",
    label="CA certificate",
    help="Certificate of the authority that signed the broker's, or a self-signed broker's own. Empty trusts the "
    "authorities that the system knows.",
)
USER = Setting(
    name="mqtt.user",
    type=Text(0, 256, allowed="at most 256 printable characters, or empty"),
    default="",
    label="User name",
    help="With which the device logs in at the broker. Empty sends neither name nor password.",
)
PASSWORD = Setting(
    name="mqtt.password",
    type=Secret(256),
    default="",
    label="Password",
    help="It goes with the user name. It is never shown; a field left empty keeps the one that is set. An exported "
    "configuration contains it.",
)
CLIENT_ID = Setting(
    name="mqtt.client_id",
    type=Text(0, 64, pattern=r"[0-9A-Za-z._-]+", allowed="at most 64 letters, digits, dots, hyphens or underscores"),
    default="",
    label="Client id",
    help="The name under which the broker remembers what was received; no other client may have it. Empty makes one of "
    "the serial number.",
)
PREFIX = Setting(
    name="mqtt.prefix",
    type=TopicPrefix(),
    default="cme3000",
    label="Topic prefix",
    help="What all topics begin with; the serial number of this device and the meter come behind it. Blank is the "
    "factory default.",
    blank_is_default=True,
)
RETAIN = Setting(
    name="mqtt.retain",
    type=Bool(),
    default=True,
    label="Retain",
    help="Have the broker keep each meter's last reading, so that who comes later gets values at once.",
)
HOME_ASSISTANT = Setting(
    name="mqtt.home_assistant",
    type=Bool(),
    default=False,
    label="Home Assistant",
    help="Announce the meters so that Home Assistant, from 2024.11 on, shows their values by itself. Off takes the "
    "announcements back.",
)
DISCOVERY_PREFIX = Setting(
    name="mqtt.discovery_prefix",
    type=TopicPrefix(),
    default="homeassistant",
    label="Discovery prefix",
    help="The topic on which Home Assistant waits for announcements. Blank is the factory default.",
    blank_is_default=True,
)
