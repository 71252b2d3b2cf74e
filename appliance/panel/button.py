"""What the button does: factory defaults after a long hold (reference device, button table). Pure; time is given."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.panel.contact import ROUNDING, Contact
from appliance.panel.rhythm import Rhythm
from appliance.settings import FactoryVariant

STUCK = 60.0
"""Seconds after which nobody holds the button any more."""

REST = 10.0
"""Seconds for which a button that is not trusted must be released in a row before it works again."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a hold of `threshold` seconds or more shows on ACT, and does on release."""

    threshold: float
    feedback: Rhythm
    variant: FactoryVariant | None = None
    on_release: str = ""


NOTHING_YET = Stage(0.0, Rhythm.SLOW)
DHCP = "factory defaults with DHCP, then reboot"
STATIC = "factory defaults with static address 192.168.0.10, then reboot"

AT_POWER_ON: tuple[Stage, ...] = (
    NOTHING_YET,
    Stage(15.0, Rhythm.FAST, FactoryVariant.DHCP, DHCP),
    Stage(20.0, Rhythm.FASTER, FactoryVariant.STATIC, STATIC),
)
IN_OPERATION: tuple[Stage, ...] = (NOTHING_YET, Stage(5.0, Rhythm.FAST, FactoryVariant.DHCP, DHCP))
WITHOUT_RESET: tuple[Stage, ...] = (NOTHING_YET,)
"""In operation, with the reset switched off."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A release: how long the button was held, and the factory defaults that were asked for, if any."""

    held: float
    variant: FactoryVariant | None


class Button:
    """Follows the button from sample to sample.

    A hold at power-on is one that the first sample finds; its time counts from `started`. After a restart that the
    button itself caused (`after_button_reset`), or one of the panel alone (not `is_power_on`), a button found pressed
    is ignored, as one is that was stuck: it must be released for `REST` before it is trusted again. So a stuck button
    never leads the device through resets.
    """

    def __init__(self, started: float, *, is_power_on: bool = True, after_button_reset: bool = False) -> None:
        """Begin with a button that nobody has looked at."""
        self.reset_in_operation = True
        """Whether a hold in operation may reset the device; ask anew before each sample."""
        self.is_stuck = False
        self._started = started
        self._trusts_first = is_power_on and not after_button_reset
        self._contact = Contact()
        self._first: float | None = None
        self._is_pressed = False
        self._released_since: float | None = None
        self._must_rest = False
        self._hold: float | None = None
        """When the present hold began; it may be one that is ignored."""
        self._is_at_power_on = False
        self._is_ignored = False

    @property
    def is_held(self) -> bool:
        """Whether the button is pressed, bounces aside."""
        return self._hold is not None

    @property
    def is_idle(self) -> bool:
        """Whether a sample of a released button would change nothing."""
        return not (self._is_pressed or self._must_rest or self.is_held or self._contact.is_moving)

    @property
    def needs_watching(self) -> bool:
        """Whether the next samples should come soon."""
        return (self._is_pressed and not self.is_stuck) or self._contact.is_moving

    @property
    def fault(self) -> str:
        """What is wrong with the button; empty when nothing."""
        return f"button held for over {STUCK:g} s: stuck?" if self.is_stuck else ""

    def held(self, now: float) -> float:
        """Count the seconds of the present hold; 0 without one."""
        return 0.0 if self._hold is None else max(0.0, self._contact.until(now) - self._hold)

    def stage(self, now: float) -> Stage | None:
        """Give the stage that the present hold has reached; None without one, or when it is ignored."""
        if self._hold is None or self._is_ignored or self.is_stuck:
            return None
        return self._stage_after(self.held(now))

    def update(self, pressed_raw: bool, now: float) -> Outcome | None:
        """Take a sample of the bouncing contact, every 10 to 150 ms.

        :returns: the outcome, when a release has become certain.
        """
        if self._first is None:
            self._first = now
            self._must_rest = pressed_raw and not self._trusts_first
        self._is_pressed = pressed_raw
        self._note_rest(now)
        released = self._contact.update(pressed_raw, now)
        if released is not None and self._hold is not None:
            return self._end(self._hold, released)
        closed = self._contact.closed_at
        if closed is None:
            return None
        if self._hold is None:
            self._is_ignored = self._must_rest
            self._is_at_power_on = closed == self._first and self._trusts_first
            self._hold = self._started if self._is_at_power_on else closed
        if pressed_raw and now - self._hold > STUCK + ROUNDING:
            self.is_stuck = self._must_rest = True
        return None

    def _note_rest(self, now: float) -> None:
        if self._is_pressed:
            self._released_since = None
        elif self._released_since is None:
            self._released_since = now
        elif now - self._released_since >= REST - ROUNDING:
            self._must_rest = False

    def _end(self, pressed: float, released: float) -> Outcome:
        held = max(0.0, released - pressed)
        trusted = not (self._is_ignored or self.is_stuck)
        variant = self._stage_after(held).variant if trusted else None
        self._hold = None
        self._is_ignored = self.is_stuck = False
        return Outcome(held, variant)

    def _stage_after(self, held: float) -> Stage:
        in_operation = IN_OPERATION if self.reset_in_operation else WITHOUT_RESET
        stages = AT_POWER_ON if self._is_at_power_on else in_operation
        return next(stage for stage in reversed(stages) if held + ROUNDING >= stage.threshold)
