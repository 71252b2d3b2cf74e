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
