"""What the device finds out about its own troubles (device.md 8): values in, findings out."""

from appliance.web.checks.finding import Finding, Message, Quote, Result
from appliance.web.checks.look import LineMemory, observe
from appliance.web.checks.observations import Observations
from appliance.web.checks.round import findings

__all__ = ["Finding", "LineMemory", "Message", "Observations", "Quote", "Result", "findings", "observe"]
