"""Each setting is declared once, with the default of the reference device and words for a field engineer."""

import re
from dataclasses import FrozenInstanceError

import pytest

from appliance.errors import UnknownSetting
from appliance.settings import DECLARATIONS, SECTIONS, FactoryVariant, find
from appliance.settings.factory import factory_defaults
from appliance.settings.rules import violations

DEFAULTS = {
    "network.bootp": "off",
    "network.dhcp": "on",
    "network.address": "",
    "network.gateway": "",
    "network.hostname": "cme3000",
    "network.domain": "",
    "network.dhcp_client_id": "",
    "network.dns1": "",
    "network.dns2": "",
    "network.address_check": "full",
    "network.confirm_minutes": "0",
    "link.speed": "auto",
    "link.duplex": "auto",
    "tunnel.accept_mode": "always",
    "tunnel.port": "10001",
    "tunnel.keep_alive": "45000",
    "tunnel.policy": "refuse",
    "tunnel.lease_quiet": "0",
    "tunnel.allow": "",
    "tunnel.tls_port": "0",
    "tunnel.disconnect_timeout": "10000",
    "line.baud_rate": "2400",
    "line.two_wire": "/dev/ttyAMA0",
    "line.optical": "",
    "panel.reset_in_operation": "on",
    "meters.enabled": "on",
    "meters.default_interval": "3600",
    "meters.battery_interval": "3600",
    "meters.keep_days": "400",
    "meters.keep_size": "256",
    "mqtt.enabled": "off",
    "mqtt.host": "",
    "mqtt.port": "0",
    "mqtt.tls": "off",
    "mqtt.verify": "on",
    "mqtt.ca": "",
    "mqtt.user": "",
    "mqtt.password": "",
    "mqtt.client_id": "",
    "mqtt.prefix": "cme3000",
    "mqtt.retain": "on",
    "mqtt.home_assistant": "off",
    "mqtt.discovery_prefix": "homeassistant",
    "update.trial": "60",
    "update.check": "off",
    "update.index_url": "",
    "update.hawkbit_enabled": "off",
    "update.hawkbit_url": "",
    "update.hawkbit_tenant": "DEFAULT",
    "update.hawkbit_device": "",
    "update.hawkbit_token": "",
    "console.enabled": "on",
    "console.port": "23",
    "console.idle_timeout": "900",
    "http.enabled": "on",
    "http.port": "80",
    "http.https_port": "443",
    "http.tls_1_2": "on",
    "http.tls_1_3": "on",
    "http.max_timeout": "10",
    "http.max_bytes": "40960",
    "http.logging": "on",
    "http.max_log_entries": "50",
    "http.log_format": '%h %t "%r" %s %B "%{Referer}i" "%{User-Agent}i"',
    "http.host_names": "",
}
STATIC = {"network.dhcp": "off", "network.address": "192.168.0.10/24", "network.gateway": "192.168.0.1"}
REBOOT = {"network.bootp", "network.dhcp", "network.address", "network.dhcp_client_id"}
BLANK_IS_DEFAULT = {
    "tunnel.port",
    "tunnel.keep_alive",
    "http.port",
    "http.https_port",
    "http.log_format",
    "console.port",
    "mqtt.prefix",
    "mqtt.discovery_prefix",
    "update.hawkbit_tenant",
}
UNITS = {
    "tunnel.keep_alive": "ms",
    "tunnel.lease_quiet": "ms",
    "tunnel.disconnect_timeout": "ms",
    "line.baud_rate": "bit/s",
    "console.idle_timeout": "s",
    "meters.default_interval": "s",
    "meters.battery_interval": "s",
    "meters.keep_days": "days",
    "meters.keep_size": "MB",
    "http.max_timeout": "s",
    "http.max_bytes": "bytes",
    "http.max_log_entries": "entries",
    "network.confirm_minutes": "minutes",
    "update.trial": "s",
}


def test_factory_defaults() -> None:
    values = factory_defaults(FactoryVariant.DHCP)
    found = {setting.name: setting.type.format(value) for setting, value in values.items() if setting.name in DEFAULTS}
    assert found == DEFAULTS


def test_the_factory_login() -> None:
    (directive,) = factory_defaults(FactoryVariant.DHCP)[find("http.authentication")]
    assert (directive.uri, directive.realm, directive.type) == ("/", "config", "digest")
    (user,) = directive.users
    assert user.name == "admin"
    assert user.has_password("config", "admin")
    assert not user.has_password("config", "Admin")
    # As `printf admin:config:admin | md5sum` and `sha256sum` say.
    assert user.md5 == "3d34f894867d18e8c3bbc8f3f37fbecb"
    assert user.sha256 == "abba48ef622cc1f48733efbd1d34540cf48e0338400e928604734530abb79a40"


def test_the_static_variant() -> None:
    dynamic, static = factory_defaults(FactoryVariant.DHCP), factory_defaults(FactoryVariant.STATIC)
    changed = {setting.name: setting.type.format(static[setting]) for setting in static.changes_from(dynamic)}
    assert changed == STATIC


@pytest.mark.parametrize("variant", FactoryVariant)
def test_factory_defaults_keep_the_rules_and_can_be_saved(variant: FactoryVariant) -> None:
    values = factory_defaults(variant)
    assert violations(values) == ()
    assert all(setting.can_be_saved(value) for setting, value in values.items())


def test_names_and_order() -> None:
    names = [setting.name for setting in DECLARATIONS]
    assert names == [*DEFAULTS, "http.authentication"]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+\.[a-z][a-z0-9_]*", name) for name in names)
    sections = ["network", "link", "tunnel", "line", "panel", "meters", "mqtt", "update", "console", "http"]
    assert list(SECTIONS) == sections
    assert [setting for settings in SECTIONS.values() for setting in settings] == list(DECLARATIONS)
    assert all(setting.name == f"{setting.section}.{setting.key}" for setting in DECLARATIONS)


def test_what_waits_for_a_reboot_what_a_blank_means_and_units() -> None:
    assert {setting.name for setting in DECLARATIONS if setting.needs_reboot} == REBOOT
    assert {setting.name for setting in DECLARATIONS if setting.blank_is_default} == BLANK_IS_DEFAULT
    assert {setting.name: setting.unit for setting in DECLARATIONS if setting.unit} == UNITS
    assert {setting.name for setting in DECLARATIONS if setting.is_secret} == {
        "http.authentication",
        "mqtt.password",
        "update.hawkbit_token",
    }


def test_words_for_a_person() -> None:
    for setting in DECLARATIONS:
        assert setting.label[0].isupper()
        assert not setting.label.endswith(".")
        assert setting.help.endswith(".")
        assert 20 < len(setting.help) < 300
        assert "  " not in setting.help
        assert setting.type.allowed
        assert setting.type.allowed.isprintable()


def test_a_declaration_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        find("tunnel.port").default = 1  # type: ignore[misc] # frozen: that is what is tested


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tunnel.prot", "tunnel.port"),
        ("http.tls_1_1", "http.tls_1_2"),
        ("hostname", "network.hostname"),
        ("zzz", ""),
        ("", ""),
        ("x" * 100_000, ""),
        ("tunnel.port\n", "tunnel.port"),
    ],
)
def test_a_strange_name_suggests_near_ones(name: str, near: str) -> None:
    with pytest.raises(UnknownSetting, match="no such setting") as caught:
        find(name)
    assert near in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
