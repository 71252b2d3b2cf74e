"""A change is made by all or by nobody."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import ReentrantChange
from appliance.settings import (
    FactoryVariant,
    InvalidSettings,
    SaveFailed,
    SettingError,
    Settings,
    Transition,
    Values,
    console,
    http,
    line,
    network,
    tunnel,
)


class Subscriber:
    """Writes down what is asked of it, into a list that all subscribers of a test share."""

    def __init__(self, name: str, story: list[str]) -> None:
        self.name = name
        self.story = story
        self.refusal: Exception | None = None
        self.is_concerned = True
        self.apply_error: Exception | None = None
        self.seen: list[tuple[Values, Values]] = []

    def __call__(self, old: Values, new: Values) -> Transition | None:
        self.seen.append((old, new))
        self.story.append(f"{self.name} prepares")
        if self.refusal is not None:
            raise self.refusal
        return (
            Transition(self._apply, lambda: self.story.append(f"{self.name} abandons")) if self.is_concerned else None
        )

    def _apply(self) -> None:
        self.story.append(f"{self.name} applies")
        if self.apply_error is not None:
            raise self.apply_error


@pytest.fixture
def story() -> list[str]:
    return []


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(folder)


@pytest.fixture
def three(settings: Settings, story: list[str]) -> Iterator[list[Subscriber]]:
    subscribers = [Subscriber(name, story) for name in ("a", "b", "c")]
    ends = [settings.subscribe(subscriber) for subscriber in subscribers]
    yield subscribers
    for end in ends:
        end()


def test_all_prepare_before_one_applies(settings: Settings, three: list[Subscriber], story: list[str]) -> None:
    old = settings.in_force
    settings.set({"tunnel.port": "10002"}, save=True)
    assert story == ["a prepares", "b prepares", "c prepares", "a applies", "b applies", "c applies"]
    for subscriber in three:
        ((seen_old, seen_new),) = subscriber.seen
        assert (seen_old, seen_new) == (old, settings.in_force)
        assert seen_new[tunnel.PORT] == 10002


def test_one_refuses(settings: Settings, three: list[Subscriber], story: list[str], folder: Path) -> None:
    before = (settings.running, settings.saved, settings.in_force)
    three[2].refusal = InvalidSettings((SettingError("tunnel.port", "10002", "a free port", reason="taken"),))
    with pytest.raises(InvalidSettings, match=r'tunnel.port: "10002" is not allowed \(taken\); a free port'):
        settings.set({"tunnel.port": "10002"}, save=True)
    assert story == ["a prepares", "b prepares", "c prepares", "b abandons", "a abandons"]
    assert before == (settings.running, settings.saved, settings.in_force)
    assert not (folder / "settings.toml").exists()


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()])
def test_one_breaks_while_it_prepares(
    error: BaseException, settings: Settings, three: list[Subscriber], story: list[str]
) -> None:
    three[1].refusal = error  # type: ignore[assignment] # an error of another kind, on purpose
    before = settings.running
    with pytest.raises(type(error)):
        settings.set({"tunnel.port": "10002"}, save=True)
    assert story == ["a prepares", "b prepares", "a abandons"]
    assert settings.running == before
    three[1].refusal = None
    settings.set({"tunnel.port": "10003"}, save=True)
    assert settings[tunnel.PORT] == 10003


def test_the_save_fails(settings: Settings, three: list[Subscriber], story: list[str], folder: Path) -> None:
    folder.write_text("in the way")
    before = (settings.running, settings.saved, settings.in_force)
    with pytest.raises(SaveFailed):
        settings.set({"tunnel.port": "10002"}, save=True)
    assert len(three) == 3
    assert story[3:] == ["c abandons", "b abandons", "a abandons"]
    assert before == (settings.running, settings.saved, settings.in_force)


def test_the_file_is_written_between_prepare_and_apply(settings: Settings, folder: Path) -> None:
    seen: list[str] = []

    def look(when: str) -> None:
        seen.append(f"{when}: {(folder / 'settings.toml').exists()}, {settings[tunnel.PORT]}")

    def prepare(_old: Values, _new: Values) -> Transition:
        look("prepare")
        return Transition(lambda: look("apply"), lambda: look("abandon"))

    settings.subscribe(prepare)
    settings.set({"tunnel.port": "10002"}, save=True)
    assert seen == ["prepare: False, 10001", "apply: True, 10001"]
    assert settings[tunnel.PORT] == 10002


def test_one_breaks_while_it_applies(
    settings: Settings, three: list[Subscriber], story: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    three[0].apply_error = RuntimeError("boom")
    with caplog.at_level(logging.ERROR):
        settings.set({"tunnel.port": "10002"}, save=True)
    assert story[3:] == ["a applies", "b applies", "c applies"]
    assert settings[tunnel.PORT] == 10002
    assert "could not take over" in caplog.text


def test_who_is_not_concerned_is_not_asked_again(settings: Settings, three: list[Subscriber], story: list[str]) -> None:
    three[1].is_concerned = False
    settings.set({"tunnel.port": "10002"}, save=True)
    assert story[3:] == ["a applies", "c applies"]


def test_nobody_is_called_when_nothing_in_force_changes(
    settings: Settings, three: list[Subscriber], story: list[str]
) -> None:
    assert three
    settings.set({"tunnel.port": "10001", "network.dhcp": "off", "network.address": "10.1.2.3/24"}, save=True)
    settings.save()
    assert story == []
    assert settings.running[network.DHCP] is False
    assert settings[network.DHCP] is True


def test_unsubscribed(settings: Settings, story: list[str]) -> None:
    ends = [settings.subscribe(Subscriber(name, story)) for name in ("a", "b")]
    ends[0]()
    ends[0]()
    settings.set({"tunnel.port": "10002"}, save=False)
    assert story == ["b prepares", "b applies"]


def test_unsubscribed_in_the_middle_of_a_change(settings: Settings) -> None:
    def prepare(_old: Values, _new: Values) -> Transition:
        return Transition(end, end)

    end = settings.subscribe(prepare)
    settings.set({"tunnel.port": "10002"}, save=False)
    assert settings[tunnel.PORT] == 10002


def test_a_change_inside_a_change_is_refused(settings: Settings) -> None:
    seen: list[Exception] = []

    def prepare(_old: Values, _new: Values) -> None:
        for change in (
            lambda: settings.set({"tunnel.port": "10003"}, save=False),
            settings.save,
            lambda: settings.subscribe(prepare),
        ):
            with pytest.raises(ReentrantChange) as caught:
                change()
            seen.append(caught.value)

    settings.subscribe(prepare)
    settings.set({"tunnel.port": "10002"}, save=False)
    assert len(seen) == 3
    assert settings[tunnel.PORT] == 10002


def test_a_factory_reset_is_stopped_by_nobody(
    settings: Settings, three: list[Subscriber], story: list[str], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.set({"tunnel.port": "10002"}, save=True)
    story.clear()
    three[1].refusal = InvalidSettings((SettingError("tunnel.port", "10001", "a free port"),))
    settings.reset(FactoryVariant.STATIC)
    assert story == ["a prepares", "b prepares", "c prepares", "a applies", "c applies"]
    assert settings[tunnel.PORT] == Settings(folder)[tunnel.PORT] == 10001
    assert "cannot follow the factory reset" in caplog.text


def test_readers_see_all_of_a_change_or_nothing(settings: Settings) -> None:
    stop = threading.Event()
    torn: list[Values] = []
    reads = [0]

    def read() -> None:
        while not stop.is_set():
            values = settings.in_force
            if values[tunnel.PORT] - values[http.PORT] != 1000:
                torn.append(values)
            reads[0] += 1

    settings.set({"tunnel.port": "10000", "http.port": "9000"}, save=False)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for number in range(300):
            settings.set({"tunnel.port": str(10000 + number), "http.port": str(9000 + number)}, save=False)
    finally:
        stop.set()
        for reader in readers:
            reader.join(10)
    assert torn == []
    assert reads[0] > 0


def test_readers_do_not_wait_for_a_change(settings: Settings) -> None:
    entered, leave = threading.Event(), threading.Event()

    def prepare(_old: Values, _new: Values) -> None:
        entered.set()
        assert leave.wait(10)

    settings.subscribe(prepare)
    changer = threading.Thread(target=settings.set, args=({"tunnel.port": "10002"},), kwargs={"save": False})
    changer.start()
    try:
        assert entered.wait(10)
        assert settings[tunnel.PORT] == 10001
        assert settings.is_saved
        assert settings.export()
        assert settings.problems == ()
    finally:
        leave.set()
        changer.join(10)
    assert settings[tunnel.PORT] == 10002


def test_changes_of_many_threads_are_all_made(settings: Settings, folder: Path) -> None:
    names = ["tunnel.keep_alive", "tunnel.disconnect_timeout", "tunnel.lease_quiet", "http.max_bytes"]

    def change(name: str) -> None:
        for number in range(2000, 2020):
            settings.set({name: str(number)}, save=True)

    threads = [threading.Thread(target=change, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = Settings(folder)
    for values in (settings.running, settings.saved, found.saved):
        assert [values[tunnel.KEEP_ALIVE], values[tunnel.DISCONNECT_TIMEOUT]] == [2019, 2019]
        assert [values[tunnel.LEASE_QUIET], values[http.MAX_BYTES]] == [2019, 2019]
    assert settings.is_saved


def test_changes_are_logged_without_secrets(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        settings.set({"line.baud_rate": "300", "console.enabled": "off"}, save=False)
    assert [record.message for record in caplog.records] == [
        "setting line.baud_rate: 2400 -> 300",
        "setting console.enabled: on -> off",
    ]
    assert settings[line.BAUD_RATE] == 300
    assert settings[console.ENABLED] is False
