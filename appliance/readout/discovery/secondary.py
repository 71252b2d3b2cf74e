"""The search by secondary address: a tree of selections with wildcards (EN 13757-3, secondary addressing)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.mbus.frame import Address, LongFrame
from appliance.mbus.secondary import ANY_MANUFACTURER, ANY_MEDIUM, ANY_VERSION, SecondaryAddress, Selection
from appliance.readout.answer import Answer, Outcome
from appliance.readout.discovery.branching import (
    AGAIN,
    DIGITS,
    FABRICATION,
    MAKERS,
    NUMBER,
    SWEEP,
    Branching,
    fixed_digits,
    split_digits,
    split_stage,
    stage_after,
)
from appliance.readout.discovery.found import FoundMeter
from appliance.readout.discovery.listening import (
    is_worth_listening,
    learnt_pace,
    note_answer,
    note_experience,
)
from appliance.readout.discovery.state import SecondaryState
from appliance.readout.discovery.sweeping import note_sound
from appliance.readout.discovery.verification import masks_to_ask_again, note_sweep
from appliance.readout.identity import Identity, agrees, identify
from appliance.readout.master import LATE_PATIENCE

if TYPE_CHECKING:
    from appliance.readout.master import Master

ATTEMPTS = 3
THIN = 0.1
"""Meters that would by chance be under a mask, at the most, for equal numbers to be suspected there.

Then a splitting that tells nobody apart makes it worth while to look whether the makers do.
"""

_MOST_DOUBTFUL = 60
_OTHER_DIGITS = 9
_FEW = 3
_ALL_DIGITS = 8
_LATE_BY = 3
"""Selections that can go by before a late answer comes: each takes some 190 ms where nobody answers."""


class SecondarySearch(SecondaryState):
    """A search at one speed. Its state is a value: it can be stored between two steps and gone on with later.

    Depth first: a mask that several meters answer to is split, its parts are asked one by one, and those that again
    several answer to are split in their turn. Nobody below a silent mask is ever asked.
    """

    def step(self, master: Master) -> bool:
        """Ask one mask, which takes a few transactions that belong together.

        :returns: whether there is more to do.
        :raises LineError: when the line is gone; the step can be repeated later.
        """
        while self.stack and self._is_to_go_on(self.stack[-1]):
            self._go_on(self.stack[-1])
        if not self.stack:
            self._verify()
            if not self.stack:
                self.is_finished = True
                self.progress = 1.0
                return False
        branching = self.stack[-1]
        mask = branching.todo[0]
        try:
            self._explore(master, branching, mask)
        except BaseException:
            # The line is gone, or somebody wants us to end: the mask will be asked when we go on.
            if mask not in branching.todo:
                branching.todo.insert(0, mask)
            raise
        return True

    # One mask.

    def _explore(self, master: Master, branching: Branching, mask: Selection) -> None:
        doubtful = mask in self.doubtful
        if doubtful:
            self.doubtful.remove(mask)
        answer = master.select(
            mask,
            high_first=self.high_first,
            listens_on=doubtful or is_worth_listening(self, mask),
            patience=max(self.patience, LATE_PATIENCE if doubtful else 0.0),
            # Who is asked for the last time is asked with all the time there is.
            overlaps=not doubtful and branching.by not in (AGAIN, SWEEP),
            pace=None if doubtful else learnt_pace(self, mask),
        )
        note_answer(self, mask, answer)
        if doubtful:
            self._learn_patience(master, answer)
        if isinstance(answer.frame, LongFrame) and not self.patience:
            # Data is no answer to a selection: it comes from somebody who was asked before, and is slower than allowed.
            self._note_found(branching, Selection(SecondaryAddress()), identify(answer.frame), answer.frame)
            self.patience = LATE_PATIENCE
            self._suspect_late(branching)
            return
        if master.stray:
            self._suspect_late(branching)
        if not answer.octets and not self.stack[0].voices and fixed_digits(mask) == 0:
            answer = self._try_again(master, mask)
        del branching.todo[branching.todo.index(mask)]
        is_news = branching.by != SWEEP or note_sound(self, answer.voices, self._known(mask))
        if not answer.octets:
            self._note_silence(branching, mask, doubtful=doubtful)
            return
        if not is_news:
            self.recent = []
            return
        if answer.voices == 1:
            if branching.by == AGAIN and self._is_single(mask):
                self.expected += 1
                return
            answer, reading = self._read(master, mask)
            if reading is not None and self._take(branching, mask, reading):
                return
            if not answer.octets:
                self._note_silence(branching, mask, doubtful=doubtful)
                return
        self.recent = []
        note_experience(self, mask, several=True)
        branching.several.append((mask, max(answer.voices, 1)))

    def _select(self, master: Master, mask: Selection, *, listens_on: bool) -> Answer:
        return master.select(mask, high_first=self.high_first, listens_on=listens_on, patience=self.patience)

    def _try_again(self, master: Master, mask: Selection) -> Answer:
        """Ask everybody once more: there may be one meter alone, and it may be slow."""
        answer = Answer(Outcome.SILENCE)
        for _ in range(ATTEMPTS - 1):
            answer = master.select(mask, high_first=self.high_first, patience=LATE_PATIENCE)
            if answer.octets:
                self._learn_patience(master, answer)
                break
        return answer

    def _learn_patience(self, master: Master, answer: Answer) -> None:
        late = answer.delay - master.transport.timing.window
        if late > 0:
            self.patience = max(self.patience, 1.2 * late)

    def _read(self, master: Master, mask: Selection) -> tuple[Answer, Answer | None]:
        """Ask the selected meter for data.

        :returns: the last answer to the selection, and to the request where there was a sound one.
        """
        selected = Answer(Outcome.ACKNOWLEDGED, b"\xe5")
        patience = self.patience
        for attempt in range(ATTEMPTS):
            reading = master.request_once(Address.NETWORK_LAYER, patience=patience)
            self.expected += 1
            if reading.data is not None:
                return selected, reading
            if reading.octets and reading.outcome is not Outcome.ACKNOWLEDGED and fixed_digits(mask) < _ALL_DIGITS:
                return replace(selected, octets=b"\xe5\xe5"), None
            if attempt + 1 == ATTEMPTS:
                break
            self.lost += not reading.octets
            patience = max(self.patience, LATE_PATIENCE)
            selected = self._select(master, mask, listens_on=True)
            if selected.voices != 1:
                if not selected.octets:
                    # Nobody is there who could have said E5: it was noise, or a late answer to the selection before.
                    self.lost -= not reading.octets
                    self._suspect_late(self.stack[-1])
                return selected, None
        return selected, None

    def _take(self, branching: Branching, mask: Selection, reading: Answer) -> bool:
        """Note who answered; tell whether it is whom the mask selects."""
        frame = reading.data
        assert frame is not None  # noqa: S101 (the caller has looked)
        identity = identify(frame)
        if not agrees(mask.mask, identity):
            words = identity.secondary.text if identity.secondary else ""
            self._diagnose(f"meter {words} answers to the selection {mask.mask.text}, which is not its address")
        self._note_found(branching, mask, identity, frame)
        note_experience(self, mask, several=False)
        self.recent = []
        self.progress += branching.share
        if branching.is_probe and self._known(branching.mask) >= max(2, branching.voices):
            self.progress += branching.share * len(branching.todo)
            branching.todo.clear()
        branching.single.append(mask)
        return True

    def _is_single(self, mask: Selection) -> bool:
        """Whether one meter answered to `mask` before."""
        return any(mask in branching.single for branching in self.closed)

    def _note_found(self, branching: Branching, mask: Selection, identity: Identity, frame: LongFrame) -> None:
        told = identity.secondary
        if told is not None:
            # What a meter of the fixed structure does not tell is known as far as the selection fixes it.
            told = replace(
                told,
                manufacturer=mask.mask.manufacturer if told.manufacturer == ANY_MANUFACTURER else told.manufacturer,
                version=mask.mask.version if told.version == ANY_VERSION else told.version,
                medium=mask.mask.medium if told.medium == ANY_MEDIUM else told.medium,
            )
        # With wildcards it still tells this meter from its like.
        fabrication = mask.fabrication if mask.fabrication.strip("F") else ""
        meter = FoundMeter(
            self.baud,
            identity.primary,
            told or mask.mask,
            fabrication,
            by_secondary=True,
            high_first=self.high_first,
            answer=bytes(frame),
        )
        if meter.key not in {other.key for other in self.found}:
            self.found.append(meter)
            if self.verifications or (branching.by == DIGITS and branching.rounds):
                self.lost += 1

    def _note_silence(self, branching: Branching, mask: Selection, *, doubtful: bool) -> None:
        self.recent = [] if doubtful else [*self.recent[1 - _LATE_BY :], mask]
        if branching.by == AGAIN and self._is_single(mask):
            self.expected += 1
            self.lost += 1
            return
        branching.silent.append(mask)
        self.progress += branching.share

    def _suspect_late(self, branching: Branching) -> None:
        """Ask the masks before once more, and wait longer: what came now may have been an answer to one of them."""
        suspects, self.recent = self.recent, []
        for mask in suspects:
            for owner in self.stack:
                if mask in owner.silent:
                    owner.silent.remove(mask)
                    self.progress -= owner.share
        branching.todo += suspects
        self.doubtful += suspects

    def _diagnose(self, words: str) -> None:
        if words not in self.diagnoses:
            self.diagnoses.append(words)

    # Between masks.

    def _known(self, mask: Selection) -> int:
        """Meters found so far that `mask` selects; what cannot be read may be two."""
        unreadable = sum(mask.mask.matches(other.mask) for other in self.unreadable)
        return sum(self._is_under(mask, meter) for meter in self.found) + 2 * unreadable

    @staticmethod
    def _is_under(mask: Selection, meter: FoundMeter) -> bool:
        return meter.secondary is not None and agrees(mask.mask, Identity(meter.primary, 0, meter.secondary))

    @staticmethod
    def _is_to_go_on(branching: Branching) -> bool:
        """Whether its parts were asked; who is heard when it is asked again is looked into at once."""
        return not branching.todo or (branching.by in (AGAIN, SWEEP) and bool(branching.several))

    def _go_on(self, branching: Branching) -> None:
        """Do what comes next when every part of `branching` was asked."""
        if branching.several:
            alone = branching.by == DIGITS and len(branching.several) == 1 and len(branching.silent) == _OTHER_DIGITS
            mask, voices = branching.several.pop(0)
            if alone and fixed_digits(mask) < _ALL_DIGITS:  # then all that were heard before are there
                voices = max(voices, branching.voices)
            self._split(branching, mask, voices, branching.vain + 1 if alone else 0)
            return
        known = self._known(branching.mask)
        is_short = known < max(2, branching.voices)
        if branching.by == DIGITS and branching.voices and is_short:
            self._ask_silent_again(branching, known)
            if branching.todo:
                return
        self.odd += branching.by == DIGITS and branching.voices > 0 and known == 1
        has_digits_left = fixed_digits(branching.mask) < _ALL_DIGITS
        if branching.by == MAKERS and known == 1 and branching.rounds == 0 and has_digits_left:
            # Perhaps the other one, whose maker was not among those seen, has the same number.
            branching.rounds += 1
            number = next(meter for meter in self.found if self._is_under(branching.mask, meter)).secondary
            assert number is not None  # noqa: S101 (it would not be known under a mask)
            full = Selection(SecondaryAddress(number.identification))
            self._push(full, NUMBER, [full], 0.0, branching.voices)
            return
        self.stack.pop()
        if branching.by == AGAIN:
            self._note_again(branching)
        elif branching.by == SWEEP:
            note_sweep(self, self._known)
        else:
            self.closed.append(branching)
            if branching.by == DIGITS and not is_short and known <= _FEW:
                # So few are heard one by one, and a loss among them would have shown.
                self.expected += len(branching.single)
        if branching.is_probe and branching.by != NUMBER and is_short:
            self._go_deeper(branching)

    def _ask_silent_again(self, branching: Branching, known: int) -> None:
        """Ask the silent parts of a mask under which fewer are found than were heard."""
        if branching.rounds < (2 if self.lost or known < 2 else 1):
            branching.rounds += 1
            branching.todo, branching.silent = branching.silent, []
            self.asked |= {mask: self.asked.get(mask, 1) + 1 for mask in branching.todo}
            self.progress -= branching.share * len(branching.todo)

    def _note_again(self, branching: Branching) -> None:
        """Put the parts of which more is known now where they belong."""
        found = {*branching.single, *(mask for mask, _ in branching.several)}
        for former in self.closed:
            if hit := [mask for mask in former.silent if mask in found]:
                former.silent = [mask for mask in former.silent if mask not in found]
                former.single += hit

    def _go_deeper(self, branching: Branching) -> None:
        """Try the next way with a mask under which one way has not found everybody."""
        mask, voices = branching.mask, branching.voices
        if fixed_digits(mask) == _ALL_DIGITS:
            self._push_stage(mask, branching.by, 0.0, voices)
        else:
            self._push(mask, DIGITS, split_digits(mask, self._numbers()), 0.0, voices)

    def _split(self, branching: Branching, mask: Selection, voices: int, vain: int) -> None:
        share = branching.share
        if fixed_digits(mask) == _ALL_DIGITS:
            if branching.by == FABRICATION and "F" in mask.fabrication:
                self._push(mask, FABRICATION, split_stage(mask, FABRICATION, self._seen()), share, voices)
            else:
                # Before it got to `NUMBER`, the makers were tried already.
                self._push_stage(mask, MAKERS if branching.by == NUMBER else None, share, voices)
            return
        makers = split_stage(mask, MAKERS, self._seen())
        if vain and makers and self._density(mask) <= THIN:
            self._push(mask, MAKERS, makers, share, voices)
        else:
            self._push(mask, DIGITS, split_digits(mask, self._numbers()), share, voices)
        self.stack[-1].vain = vain

    def _push_stage(self, mask: Selection, stage: str | None, share: float, voices: int) -> None:
        """Go on to the next way to tell meters of equal numbers apart.

        Where only one was heard, makers that were seen on this bus are tried and nothing else: most likely it is one
        meter whose answers are damaged.
        """
        following = stage_after(mask, stage)
        while following and (voices > 1 or following == MAKERS):
            parts = split_stage(mask, following, self._seen())
            if parts:
                self._push(mask, following, parts, share, voices)
                return
            following = stage_after(mask, following)
        self.progress += share
        if not self._known(mask):
            self.unreadable.append(mask)
            self._diagnose(f"what answers to {mask.mask.text} cannot be read: several meters alike, or a damaged one")

    def _push(self, mask: Selection, by: str, parts: list[Selection], share: float, voices: int) -> None:
        self.stack.append(Branching(mask, by, parts, share / len(parts), voices))

    def _density(self, mask: Selection) -> float:
        """Meters to be expected under `mask` if their numbers are random."""
        return float(len(self.found) / max(self.progress, 0.1) / 10 ** fixed_digits(mask))

    def _seen(self) -> list[SecondaryAddress]:
        return [meter.secondary for meter in self.found if meter.secondary is not None]

    def _numbers(self) -> list[str]:
        return [address.identification for address in self._seen()]

    def _verify(self) -> None:
        if self.odd and not self.lost and not self.verifications:
            # Where several seemed to answer there was but one: perhaps somebody talked who is slower than allowed.
            silent = [mask for branching in self.closed for mask in branching.silent]
            again = sorted(silent, key=fixed_digits)[:_MOST_DOUBTFUL]
            self.doubtful += again
            by = AGAIN
        else:
            by, again = masks_to_ask_again(self, self._known)
        if not again:
            return
        self.verifications += 1
        everybody = Selection(SecondaryAddress())
        self.stack.append(Branching(everybody, by, again, 0.0, voices=0))
