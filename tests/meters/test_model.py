"""The list against a model of it: any changes in any order, with restarts in between."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from appliance.errors import InvalidMeter, UnknownMeter
from tests.meters.rig import Household, address_of

NUMBERS = st.integers(1, 6)
NAMES = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=64)


class MeterList(RuleBasedStateMachine):
    """Meters that are told by their secondary addresses, as a dictionary has them."""

    keys: Bundle[int] = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.house = Household(self.folder)
        self.model: dict[int, tuple[str, int]] = {}
        self.readings: dict[int, list[int]] = {}
        self.highest = 0

    def teardown(self) -> None:
        self.house.meters.close()
        shutil.rmtree(self.folder)

    @rule(target=keys, number=NUMBERS, name=NAMES)
    def add(self, number: int, name: str) -> Any:
        try:
            key = self.house.add(number, name=name)
        except InvalidMeter:
            assert number in [known for _, known in self.model.values()]
            return multiple()
        assert number not in [known for _, known in self.model.values()]
        assert key > self.highest
        self.highest, self.model[key], self.readings[key] = key, (name, number), []
        return key

    @rule(key=keys, number=NUMBERS, name=NAMES)
    def change(self, key: int, number: int, name: str) -> None:
        taken = any(known == number for other, (_, known) in self.model.items() if other != key)
        try:
            self.house.meters.change(key, {"name": name, "secondary": address_of(number).text})
        except UnknownMeter:
            assert key not in self.model
        except InvalidMeter:
            assert taken
        else:
            assert not taken
            self.model[key] = (name, number)

    @rule(key=keys)
    def store(self, key: int) -> None:
        if key in self.model:
            self.readings[key].append(self.house.store(key, 1))

    @rule(key=consumes(keys))
    def remove(self, key: int) -> None:
        try:
            self.house.meters.remove(key)
        except UnknownMeter:
            assert key not in self.model
        else:
            del self.model[key], self.readings[key]

    @rule()
    def tidy(self) -> None:
        while self.house.meters.tidy():
            pass

    @precondition(lambda self: self.model)
    @rule()
    def forget(self) -> None:
        self.house.meters.forget_all()
        self.model.clear()
        self.readings.clear()

    @rule()
    def restart(self) -> None:
        self.house.again()

    @rule()
    def lose_the_file(self) -> None:
        self.house.meters.close()
        (self.folder / "meters.sqlite").write_bytes(b"no database")
        (self.folder / "meters.sqlite-wal").unlink(missing_ok=True)
        self.house.time.run(1_000_000)
        self.house.meters = self.house._new()
        self.readings = {key: [] for key in self.model}

    @invariant()
    def is_the_same(self) -> None:
        meters = self.house.meters
        assert {key: (meter.name, int(meter.identification)) for key, meter in meters.meters.items()} == self.model
        for key, numbers in self.readings.items():
            assert [one.key for one in meters.readings(key)] == numbers
        everything = sorted(number for numbers in self.readings.values() for number in numbers)
        assert [one.key for one in meters.readings(limit=1000)] == everything


MeterList.TestCase.settings = settings(
    max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestMeterList = MeterList.TestCase
