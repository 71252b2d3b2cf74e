"""For every setting a text that is not its default."""

from appliance.settings import Directive, DirectiveType, User
from appliance.settings.types import Directives

DIRECTIVES = Directives().format(
    (
        Directive("/", "site", DirectiveType.BASIC, (User.with_password("anna", "site", "correct horse"),)),
        Directive(
            "/http",
            "web",
            DirectiveType.SSL_DIGEST,
            (User.with_password("anna", "web", "battery"), User.with_password("bert", "web", "staple")),
        ),
    )
)

AUTHORITY = (
    "-----BEGIN CERTIFICATE----- "
    "MIIBoTCCAUegAwIBAgIUajgTfHagfubfRa11QjIcj8u+0aAwCgYIKoZIzj0EAwIwJTEOMAwGA1UECgwFUGxhbnQxEzARBgNVBAMM"
    "ClBsYW50IHJvb3QwIBcNMjYxMTIzMDgzMzAzWhgPMjEyNjEwMzAwODMzMDNaMCUxDjAMBgNVBAoMBVBsYW50MRMwEQYDVQQDDApQ"
    "bGFudCByb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5MzNVQDXrFBtl84vYBQQ0pDqpKwT5MyOMcEn5WIVH298jTztA6GF"
    "Aexfc0zrB5itc72cCcDJ9NuhHtyiOnkbvaNTMFEwHQYDVR0OBBYEFNdMKk0QVxFMDYGjOY7CfHmA1KYTMB8GA1UdIwQYMBaAFNdM"
    "Kk0QVxFMDYGjOY7CfHmA1KYTMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPSkWc4IxPUOcvOvMCmPV1Tbh3ti"
    "6HbNbm2Ko3FiV2GYAiA/KaUlJsNEg0fgMz4oSx7Dg5eEfGeqgQF68Ffexyk2Yw=="
    " -----END CERTIFICATE-----"
)
"""Of an authority, as the setting has it."""

CUSTOM = {
    "network.bootp": "on",
    "network.dhcp": "off",
    "network.address": "10.1.2.3/24",
    "network.gateway": "10.1.2.1",
    "network.hostname": "pump-house",
    "network.domain": "meters.example",
    "network.dhcp_client_id": "text:pump",
    "network.dns1": "10.1.2.4",
    "network.dns2": "10.1.2.5",
    "network.address_check": "quick",
    "network.confirm_minutes": "5",
    "link.speed": "100",
    "link.duplex": "full",
    "tunnel.accept_mode": "disabled",
    "tunnel.port": "10005",
    "tunnel.keep_alive": "60000",
    "tunnel.policy": "shared",
    "tunnel.lease_quiet": "500",
    "tunnel.allow": "10.0.0.0/8, fd00::/8",
    "tunnel.tls_port": "10006",
    "tunnel.disconnect_timeout": "20000",
    "line.baud_rate": "300",
    "line.two_wire": "/dev/ttyUSB0",
    "line.optical": "socket://10.1.2.9:4000",
    "console.enabled": "off",
    "panel.reset_in_operation": "off",
    "meters.enabled": "off",
    "meters.default_interval": "900",
    "meters.battery_interval": "86400",
    "meters.keep_days": "30",
    "meters.keep_size": "64",
    "mqtt.enabled": "on",
    "mqtt.host": "broker.plant.example",
    "mqtt.port": "18883",
    "mqtt.tls": "on",
    "mqtt.verify": "off",
    "mqtt.ca": AUTHORITY,
    "mqtt.user": "gateway",
    "mqtt.password": 's3cret \\ of " us',
    "mqtt.client_id": "gateway-7",
    "mqtt.prefix": "plant/cellar",
    "mqtt.retain": "off",
    "mqtt.home_assistant": "on",
    "mqtt.discovery_prefix": "ha",
    "update.trial": "90",
    "update.check": "on",
    "update.index_url": "https://releases.example/cme3000.json",
    "update.hawkbit_enabled": "on",
    "update.hawkbit_url": "https://fleet.example:8443",
    "update.hawkbit_tenant": "PLANT",
    "update.hawkbit_device": "gateway-7",
    "update.hawkbit_token": '4f7c \\ of " the fleet',
    "console.port": "2323",
    "console.idle_timeout": "300",
    "http.enabled": "off",
    "http.port": "8080",
    "http.https_port": "8443",
    "http.tls_1_2": "off",
    "http.tls_1_3": "off",
    "http.max_timeout": "20",
    "http.max_bytes": "65536",
    "http.logging": "off",
    "http.max_log_entries": "100",
    "http.log_format": '%h "%r" %s',
    "http.host_names": "gateway.plant.example, m-bus.example",
    "http.authentication": DIRECTIVES,
}
