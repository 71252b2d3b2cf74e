"""What waits is bounded, counted, and starts where publishing was switched on."""

from __future__ import annotations

import sqlite3
import tracemalloc
from typing import TYPE_CHECKING

from appliance.errors import SaveFailed
from appliance.publishing.progress import NAME, Flight, Progress
from appliance.settings import FactoryVariant
from tests.publishing.rig import broker_in, connect_to, connect_to_port, housed, listening, publishing, until
from tests.tunnel.rig import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_too_many_lose_the_oldest_and_say_so(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path, **connect_to(broker)) as house:
        meter = house.add()
        broker.stop()
        with publishing(house, most_waiting=10) as publisher:
            until(publisher, lambda s: s.error, "the broker to be missed")
            numbers = [house.store(meter, value) for value in range(300)]
            until(publisher, lambda s: s.waiting == 300, "300 that wait")
            listener.leave()
            broker.start()
            until(publisher, lambda s: (s.published, s.waiting, s.skipped) == (10, 0, 290), "the last ten")
            assert publisher.snapshot().note == ""
        listener.arrive(subscribes=False)
        wait_until(lambda: len(listener.numbers()) == 10, "the last ten")
        assert sorted(listener.numbers()) == numbers[-10:]


def test_a_huge_backlog_is_not_loaded_into_memory(tmp_path: Path) -> None:
    with housed(tmp_path, **{name.replace(".", "__"): text for name, text in connect_to_port(1).items()}) as house:
        meter = house.add()
        with publishing(house) as publisher:
            until(publisher, lambda s: s.error, "the broker to be missed")
        number = house.store(meter, 1, 2, 3)
        telegrams = house.meters.readings(after=number - 1)[0].telegrams
        with sqlite3.connect(house.folder / "meters.sqlite") as connection:
            connection.executemany(
                "INSERT INTO reading (meter, at, seconds, telegrams, notes) VALUES (?, 0, 0, ?, '')",
                ((meter.key, b"".join(telegrams)) for _ in range(20_000)),
            )
        connection.close()
        tracemalloc.start()
        try:
            with publishing(house) as publisher:
                until(publisher, lambda s: s.waiting == 20_001, "all to be counted", 30)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2_000_000


def test_it_begins_with_the_next_reading_and_owes_nothing_for_the_time_when_it_was_off(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path) as house:
        meter = house.add()
        house.store(meter, 1)
        with publishing(house) as publisher:
            assert not publisher.snapshot().is_enabled
            house.settings.set(connect_to_port(broker.port), save=True)
            until(publisher, lambda s: s.is_connected, "the connection")
            wanted = [house.store(meter, 2)]
            until(publisher, lambda s: s.published == 1, "the first")
            house.settings.set({"mqtt.enabled": "off"}, save=True)
            until(publisher, lambda s: not s.is_enabled and not s.is_connected, "the end")
            house.store(meter, 3)
            house.settings.set({"mqtt.enabled": "on"}, save=True)
            until(publisher, lambda s: s.is_connected, "the connection")
            wanted.append(house.store(meter, 4))
            listener.await_numbers(wanted)


def test_readings_that_are_gone_are_counted(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path, **connect_to(broker)) as house:
        stays, goes = house.add(), house.add(87654321, "Attic")
        with publishing(house) as publisher:
            until(publisher, lambda s: s.is_connected, "the connection")
            first = house.store(stays, 1)
            until(publisher, lambda s: s.published == 1, "the first")
        for value in range(3):
            house.store(goes, value)
        house.meters.remove(goes.key)
        while house.meters.tidy():
            pass
        last = house.store(stays, 2)
        with publishing(house) as publisher:
            until(publisher, lambda s: (s.published, s.skipped, s.waiting) == (2, 3, 0), "the last")
            listener.await_numbers([first, last])


def test_readings_numbered_anew_are_published(tmp_path: Path) -> None:
    now = [0.0]
    with broker_in(tmp_path) as broker, listening(broker) as listener:
        with housed(tmp_path, **connect_to(broker)) as house:
            meter = house.add()
            with publishing(house) as publisher:
                until(publisher, lambda s: s.is_connected, "the connection")
                for value in range(5):
                    house.store(meter, value)
                until(publisher, lambda s: s.published == 5, "five")
        for path in house.folder.glob("meters.sqlite*"):  # somebody puts another card's settings together
            path.unlink()
        with housed(tmp_path) as house:
            meter = house.add()
            house.store(meter, 7)
            with publishing(house, clock=lambda: now[0]) as publisher:
                until(publisher, lambda s: s.is_connected, "the connection")
                now[0] += 100.0
                publisher.wake()
                listener.await_numbers([1, 2, 3, 4, 5, 1])


def test_a_damaged_file_is_kept_aside(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path, **connect_to(broker)) as house:
        meter = house.add()
        house.store(meter, 1)
        (house.folder / NAME).write_bytes(b"no database, and long enough to be read as one " * 100)
        with publishing(house) as publisher:
            until(publisher, lambda s: s.is_connected, "the connection")
            listener.await_numbers([house.store(meter, 2)])
        assert (house.folder / f"{NAME}.damaged").exists()
        assert (house.folder / NAME).stat().st_mode & 0o777 == 0o600


def test_a_disk_that_fails_is_told_and_nothing_is_sent_that_was_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Progress.depart
    fails = [True]

    def depart(progress: Progress, flight: Flight) -> None:
        if fails[0]:
            raise SaveFailed("mqtt.sqlite cannot be written: disk full")
        original(progress, flight)

    monkeypatch.setattr(Progress, "depart", depart)
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path, **connect_to(broker)) as house:
        meter = house.add()
        with publishing(house) as publisher:
            until(publisher, lambda s: s.is_connected, "the connection")
            number = house.store(meter, 1)
            until(publisher, lambda s: "disk full" in s.error, "the error")
            assert listener.numbers() == []
            fails[0] = False
            listener.await_numbers([number])
            until(publisher, lambda s: not s.error, "the end of the error")


def test_the_factory_defaults_leave_nothing_of_the_meters(tmp_path: Path) -> None:
    with broker_in(tmp_path) as broker, listening(broker) as listener, housed(tmp_path, **connect_to(broker)) as house:
        meter = house.add()
        with publishing(house) as publisher:
            until(publisher, lambda s: s.is_connected, "the connection")
            listener.await_numbers([house.store(meter, 1)])
            assert (house.folder / NAME).exists()
            house.settings.reset(FactoryVariant.DHCP)
            wait_until(lambda: not list(house.folder.glob(f"{NAME}*")), "the end of the file")
            until(publisher, lambda s: not s.is_enabled, "the end")
