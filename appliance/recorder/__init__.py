"""The recorder: what the counters of the device said over the last hour and the last week, in memory."""

from appliance.recorder.history import History
from appliance.recorder.recorder import Recorder
from appliance.recorder.recording import Recording, Span

__all__ = ["History", "Recorder", "Recording", "Span"]
