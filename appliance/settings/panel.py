"""Settings of the front panel."""

from appliance.settings.setting import Setting
from appliance.settings.types import Bool

RESET_IN_OPERATION = Setting(
    name="panel.reset_in_operation",
    type=Bool(),
    default=True,
    label="Reset button in operation",
    help="On: holding the button for 5 seconds while the device runs restores the factory defaults. Off: the button "
    "resets at power-on alone, held for 15 seconds or longer.",
)
