"""Running, saved and in force."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from appliance.settings import (
    DECLARATIONS,
    FactoryVariant,
    InvalidSettings,
    Settings,
    console,
    http,
    line,
    network,
    tunnel,
)
from appliance.settings.factory import factory_defaults
from tests.settings.custom import CUSTOM


def test_a_new_device_has_factory_defaults_and_writes_nothing(folder: Path) -> None:
    settings = Settings(folder)
    assert settings.saved == settings.running == settings.in_force == factory_defaults(FactoryVariant.DHCP)
    assert settings.problems == ()
    assert settings.is_saved
    assert not folder.exists()


def test_every_setting_is_saved_and_comes_back(folder: Path) -> None:
    settings = Settings(folder)
    settings.set(CUSTOM, save=True)
    again = Settings(folder)
    assert again.saved == again.running == settings.running
    assert {setting.name: setting.type.format(value) for setting, value in again.saved.items()} == CUSTOM
    assert again.problems == ()
    text = (folder / "settings.toml").read_text()
    assert text.startswith("# ")
    assert "\nschema = 1\n" in text
    assert "\n[tunnel]\n" in text
    assert "\nport = 10005\n" in text


def test_unsaved(folder: Path) -> None:
    settings = Settings(folder)
    settings.set({"tunnel.port": "10002"}, save=False)
    assert (settings[tunnel.PORT], settings.saved[tunnel.PORT]) == (10002, 10001)
    assert settings.after_reboot == settings.saved
    # Another one's submit saves its own fields alone.
    settings.set({"line.baud_rate": "300"}, save=True)
    assert settings.running != settings.saved
    assert Settings(folder)[tunnel.PORT] == 10001
    assert Settings(folder)[line.BAUD_RATE] == 300
    settings.save()
    assert settings.is_saved
    assert Settings(folder)[tunnel.PORT] == 10002


def test_what_needs_a_reboot_waits_for_it(folder: Path) -> None:
    settings = Settings(folder)
    settings.set({"network.dhcp": "off", "network.address": "10.1.2.3/24", "network.gateway": "10.1.2.1"}, save=True)
    assert settings[network.DHCP] is True
    assert settings[network.ADDRESS] is None
    assert settings[network.GATEWAY] == IPv4Address("10.1.2.1")
    assert settings.running[network.DHCP] is settings.after_reboot[network.DHCP] is False
    again = Settings(folder)
    assert again[network.DHCP] is False
    assert str(again[network.ADDRESS]) == "10.1.2.3/24"


def test_overrides_are_in_force_and_never_saved(folder: Path) -> None:
    settings = Settings(folder)
    settings.override({"tunnel.port": "0", "network.dhcp": "off", "http.port": "8081"})
    assert settings[tunnel.PORT] == 0
    assert settings[network.DHCP] is False
    assert settings.saved == factory_defaults(FactoryVariant.DHCP)
    assert settings.is_saved  # for the next start is asked for them again
    settings.set({"http.port": "8082"}, save=False)
    assert [change.name for change in settings.unsaved] == ["http.port"]
    settings.set({"http.port": "8081"}, save=False)
    settings.set({"line.baud_rate": "300"}, save=True)
    assert Settings(folder)[http.PORT] == 80
    # A page that sends all its fields back, the overridden ones too, is not refused.
    settings.set({"tunnel.port": "0", "tunnel.keep_alive": "50000"}, save=True)
    assert settings[tunnel.PORT] == 0
    assert Settings(folder)[tunnel.PORT] == 10001
    assert Settings(folder)[tunnel.KEEP_ALIVE] == 50000
    # What the console writes is what can be written.
    settings.save()
    again = Settings(folder)
    assert again.problems == ()
    assert (again[tunnel.PORT], again[http.PORT], again[network.DHCP]) == (10001, 8081, False)


def test_port_0_is_for_the_command_line_alone(folder: Path) -> None:
    settings = Settings(folder)
    with pytest.raises(InvalidSettings, match=r'tunnel\.port: "0" is not allowed'):
        settings.set({"tunnel.port": "0"}, save=False)
    settings.override(dict.fromkeys(("tunnel.port", "http.port", "http.https_port", "console.port"), "0"))
    assert settings[console.PORT] == 0


def test_a_bad_override_names_everything(folder: Path) -> None:
    settings = Settings(folder)
    with pytest.raises(InvalidSettings) as caught:
        settings.override({"tunnel.port": "x", "tunnel.prot": "1", "line.baud_rate": "9600"})
    assert [error.name for error in caught.value.errors] == ["tunnel.port", "tunnel.prot", "line.baud_rate"]
    assert len(str(caught.value).splitlines()) == 3
    assert settings.running == settings.defaults


def test_a_device_with_other_defaults(folder: Path) -> None:
    own = {http.PORT: 8080, console.PORT: 2323, tunnel.PORT: 0}
    settings = Settings(folder, defaults=own)
    assert (settings[http.PORT], settings[console.PORT], settings[tunnel.PORT]) == (8080, 2323, 0)
    settings.set({"http.port": "9090"}, save=True)
    again = Settings(folder, defaults=own)
    assert again.problems == ()
    assert (again[http.PORT], again[console.PORT], again[tunnel.PORT]) == (9090, 2323, 0)
    again.set({"http.port": ""}, save=True)
    assert again[http.PORT] == 8080
    again.set({"http.port": "9090"}, save=True)
    again.reset(FactoryVariant.STATIC)
    assert again[http.PORT] == 8080
    assert again.saved[network.DHCP] is False


def test_defaults_that_break_a_rule_are_a_programming_error(folder: Path) -> None:
    with pytest.raises(ValueError, match="need different ports"):
        Settings(folder, defaults={http.PORT: 23})


@pytest.mark.parametrize("variant", FactoryVariant)
def test_reset(variant: FactoryVariant, folder: Path) -> None:
    settings = Settings(folder)
    settings.set(CUSTOM, save=True)
    settings.reset(variant)
    expected = factory_defaults(variant)
    assert settings.saved == settings.running == Settings(folder).in_force == expected
    assert settings.is_saved
    if variant is FactoryVariant.STATIC:
        assert settings[network.DHCP] is False or settings.running[network.DHCP] is False
        assert str(Settings(folder)[network.ADDRESS]) == "192.168.0.10/24"


def test_reset_clears_what_was_wrong(folder: Path) -> None:
    folder.mkdir()
    (folder / "settings.toml").write_text("rubbish")
    settings = Settings(folder)
    assert settings.problems
    settings.set({"tunnel.port": "10002"}, save=True)
    assert settings.problems  # the page goes on saying what the device started with
    settings.reset(FactoryVariant.DHCP)
    assert settings.problems == ()


def test_all_errors_at_once(folder: Path) -> None:
    settings = Settings(folder)
    with pytest.raises(InvalidSettings) as caught:
        settings.set({"tunnel.port": "80", "http.max_bytes": "1", "x.y": "z", "line.baud_rate": "300"}, save=True)
    assert sorted(error.name for error in caught.value.errors) == ["http.max_bytes", "tunnel.port", "x.y"]
    assert settings.running == settings.defaults


PORT_CLASHES: list[tuple[dict[str, str], set[str]]] = [
    ({"tunnel.port": "80"}, {"tunnel.port"}),
    ({"tunnel.tls_port": "10001"}, {"tunnel.tls_port"}),
    ({"http.port": "443"}, {"http.port"}),
    ({"console.port": "443"}, {"console.port"}),
    ({"http.port": "9000", "console.port": "9000"}, {"http.port", "console.port"}),
    ({"tunnel.port": "80", "http.enabled": "off"}, set()),
    ({"console.port": "80", "http.enabled": "off"}, set()),
    ({"console.port": "443", "http.tls_1_2": "off", "http.tls_1_3": "off"}, set()),
    ({"console.port": "443", "http.tls_1_2": "off"}, {"console.port"}),
    ({"console.port": "10001", "tunnel.accept_mode": "disabled"}, set()),
    ({"console.port": "10001", "console.enabled": "off"}, set()),
    ({"tunnel.port": "80", "http.port": "10001"}, set()),
    ({"tunnel.tls_port": "0"}, set()),
]


@pytest.mark.parametrize(("texts", "named"), PORT_CLASHES, ids=lambda value: " ".join(sorted(value)))
def test_one_port_for_one_service(texts: dict[str, str], named: set[str], folder: Path) -> None:
    settings = Settings(folder)
    if not named:
        settings.set(texts, save=True)
        assert Settings(folder).problems == ()
        return
    with pytest.raises(InvalidSettings, match="need different ports") as caught:
        settings.set(texts, save=True)
    assert {error.name for error in caught.value.errors} == named
    assert settings.running == settings.defaults


def test_a_switch_that_wakes_a_clash_names_the_port(folder: Path) -> None:
    settings = Settings(folder)
    settings.set({"console.enabled": "off", "console.port": "80"}, save=True)
    with pytest.raises(InvalidSettings, match=r"console\.port.*need different ports"):
        settings.set({"console.enabled": "on"}, save=True)


GATEWAYS = [
    ("10.1.2.1", "off", "off", True),
    ("10.1.3.1", "off", "off", False),
    ("10.1.2.3", "off", "off", False),
    ("10.1.2.255", "off", "off", False),
    ("10.1.2.0", "off", "off", False),
    ("10.1.3.1", "on", "off", True),
    ("10.1.3.1", "off", "on", True),
    ("none", "off", "off", True),
]


@pytest.mark.parametrize(("gateway", "dhcp", "bootp", "is_good"), GATEWAYS)
def test_the_gateway_is_in_the_network(gateway: str, dhcp: str, bootp: str, is_good: bool, folder: Path) -> None:
    settings = Settings(folder)
    texts = {"network.dhcp": dhcp, "network.bootp": bootp, "network.address": "10.1.2.3/24", "network.gateway": gateway}
    if is_good:
        settings.set(texts, save=True)
        return
    with pytest.raises(InvalidSettings, match=r"network\.gateway.*in the network 10\.1\.2\.0/24"):
        settings.set(texts, save=True)


def test_what_is_saved_must_go_together_too(folder: Path) -> None:
    settings = Settings(folder)
    settings.set({"http.port": "8081"}, save=False)
    # Fine as it runs; but the disk still has http.port 80.
    with pytest.raises(InvalidSettings, match="in what is saved"):
        settings.set({"tunnel.port": "80"}, save=True)
    settings.set({"tunnel.port": "80", "http.port": "8081"}, save=True)
    assert Settings(folder).problems == ()


def test_what_cannot_be_saved_must_not_spoil_the_rest(folder: Path) -> None:
    settings = Settings(folder)
    settings.override({"http.port": "0"})
    settings.set({"tunnel.port": "80"}, save=False)
    with pytest.raises(InvalidSettings, match="need different ports"):
        settings.save()


def test_values_cannot_be_changed(folder: Path) -> None:
    values = Settings(folder).in_force
    with pytest.raises(TypeError):
        values[tunnel.PORT] = 5  # type: ignore[index] # immutable: likewise
    with pytest.raises(AttributeError):
        values.port = 5  # type: ignore[attr-defined] # likewise
    assert len(values) == len(DECLARATIONS)
    assert list(values) == list(DECLARATIONS)
    assert "tunnel.port=10001" in repr(values)
    assert "md5" not in repr(values)


def test_types_reach_the_caller(folder: Path) -> None:
    settings = Settings(folder)
    port: int = settings[tunnel.PORT]
    mode: tunnel.AcceptMode = settings[tunnel.ACCEPT_MODE]
    gateway: IPv4Address | None = settings.running[network.GATEWAY]
    name: str = settings[http.AUTHENTICATION][0].users[0].name
    assert (port, mode, gateway, name) == (10001, tunnel.AcceptMode.ALWAYS, None, "admin")
