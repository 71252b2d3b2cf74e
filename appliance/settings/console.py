"""Settings of the configuration console."""

from appliance.settings.setting import Setting
from appliance.settings.types import Bool, Int, Port

ENABLED = Setting(
    name="console.enabled",
    type=Bool(),
    default=True,
    label="Console",
    help="Offer the command line over TCP (telnet). It is not encrypted: switch it off where strangers share the "
    "network.",
)
PORT = Setting(
    name="console.port",
    type=Port(),
    default=23,
    label="Console port",
    help="The TCP port of the console. Blank is the factory default.",
    blank_is_default=True,
)
IDLE_TIMEOUT = Setting(
    name="console.idle_timeout",
    type=Int(10, 86_400, unit="s", zero="never"),
    default=900,
    label="Idle timeout",
    help="A session in which nothing is typed for this long is closed. 0 never closes it.",
)
