"""Settings of the meters: the device's own work on the bus, and what it keeps of it."""

from appliance.settings.setting import Setting
from appliance.settings.types import Bool, Int

_LONGEST = 31 * 86_400

ENABLED = Setting(
    name="meters.enabled",
    type=Bool(),
    default=True,
    label="Master",
    help="The device itself reads and searches meters, between the TCP clients. It sends nothing before a meter is in "
    "the list or somebody asks for a search. Off leaves the bus to the clients alone.",
)
DEFAULT_INTERVAL = Setting(
    name="meters.default_interval",
    type=Int(60, _LONGEST, unit="s", zero="on demand alone"),
    default=3600,
    label="Interval of new meters",
    help="How often a meter is read that is new in the list. Each meter has an interval of its own, which can be "
    "changed there.",
)
BATTERY_INTERVAL = Setting(
    name="meters.battery_interval",
    type=Int(60, _LONGEST, unit="s"),
    default=3600,
    label="Battery guard",
    help="Meters that run on a battery are not read more often than this by the schedule: every answer costs some of "
    "the battery's life.",
)
KEEP_DAYS = Setting(
    name="meters.keep_days",
    type=Int(1, 3650, unit="days", zero="no limit"),
    default=400,
    label="Keep readings",
    help="Readings that are older are deleted. 0 keeps them until there is no room.",
)
KEEP_SIZE = Setting(
    name="meters.keep_size",
    type=Int(8, 4096, unit="MB"),
    default=256,
    label="Room for readings",
    help="When the readings need more room than this on the memory card, the oldest are deleted. A reading takes about "
    "half a kilobyte.",
)
