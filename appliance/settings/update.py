"""Settings of firmware updates."""

from appliance.settings.setting import Setting
from appliance.settings.types import Bool, Int, Secret, Text, WebAddress

TRIAL = Setting(
    name="update.trial",
    type=Int(10, 300, unit="s"),
    default=60,
    label="Trial",
    help="After an update all must be well for this long without a break before the new firmware is kept. If that does "
    "not come about within ten minutes, three times over, the device goes back to the former firmware by itself.",
)
CHECK = Setting(
    name="update.check",
    type=Bool(),
    default=False,
    label="Check daily",
    help="Read the index below once a day, and say when it has a newer version. Nothing is installed by itself.",
)
INDEX_URL = Setting(
    name="update.index_url",
    type=WebAddress(),
    default="",
    label="Index",
    help="Address of a file that lists the versions that there are.",
)
HAWKBIT_ENABLED = Setting(
    name="update.hawkbit_enabled",
    type=Bool(),
    default=False,
    label="Managed by hawkBit",
    help="Have a hawkBit server update this device. Whoever rules that server decides when, and may force an older "
    "version; the rules for signatures and the oldest version hold all the same.",
)
HAWKBIT_URL = Setting(
    name="update.hawkbit_url",
    type=WebAddress(has_path=False),
    default="",
    label="Server",
    help="Address of the hawkBit server without a path. With http:// the token can be read on its way.",
)
HAWKBIT_TENANT = Setting(
    name="update.hawkbit_tenant",
    type=Text(1, 40, pattern=r"[0-9A-Za-z_.-]+", allowed="1 to 40 letters, digits, dots, hyphens or underscores"),
    default="DEFAULT",
    label="Tenant",
    help="The tenant on the server to which this device belongs. Blank is the factory default.",
    blank_is_default=True,
)
HAWKBIT_DEVICE = Setting(
    name="update.hawkbit_device",
    type=Text(
        0,
        128,
        pattern=r"[0-9A-Za-z_.:-]+",
        allowed="at most 128 letters, digits, dots, colons, hyphens or underscores, or empty",
    ),
    default="",
    label="Device id",
    help="The controller id of this device on the server. Empty takes the serial number.",
)
HAWKBIT_TOKEN = Setting(
    name="update.hawkbit_token",
    type=Secret(256),
    default="",
    label="Token",
    help="The security token that the server has for this device. It is never shown; a field left empty keeps the one "
    "that is set. An exported configuration contains it.",
)
