"""Settings of the web server."""

from appliance.settings.directive import Directive, DirectiveType, User
from appliance.settings.setting import Setting
from appliance.settings.types import Bool, Directives, HostNames, Int, LogFormat, Port

ENABLED = Setting(
    name="http.enabled",
    type=Bool(),
    default=True,
    label="Server",
    help="Off closes these pages at once; the console or the factory reset button brings them back.",
)
PORT = Setting(
    name="http.port",
    type=Port(),
    default=80,
    label="HTTP port",
    help="The TCP port of the web pages. Blank is the factory default.",
    blank_is_default=True,
)
HTTPS_PORT = Setting(
    name="http.https_port",
    type=Port(),
    default=443,
    label="HTTPS port",
    help="The TCP port of the web pages through TLS. It is open when there is a certificate and one of the protocol "
    "versions is on. Blank is the factory default.",
    blank_is_default=True,
)
TLS_1_2 = Setting(
    name="http.tls_1_2",
    type=Bool(),
    default=True,
    label="TLS 1.2",
    help="Offer this protocol version on the HTTPS port. Browsers before about 2020 may know no later one.",
)
TLS_1_3 = Setting(
    name="http.tls_1_3",
    type=Bool(),
    default=True,
    label="TLS 1.3",
    help="Offer this protocol version, the best there is, on the HTTPS port.",
)
MAX_TIMEOUT = Setting(
    name="http.max_timeout",
    type=Int(1, 600, unit="s"),
    default=10,
    label="Max timeout",
    help="How long the server waits for a request to arrive whole before it gives up with status 408. It keeps slow or "
    "hostile clients from holding connections.",
)
MAX_BYTES = Setting(
    name="http.max_bytes",
    type=Int(1024, 1_048_576, unit="bytes"),
    default=40_960,
    label="Max bytes",
    help="The largest request that is taken; a larger one gets status 413. The upload of firmware has a limit of its "
    "own.",
)
LOGGING = Setting(
    name="http.logging",
    type=Bool(),
    default=True,
    label="Logging",
    help="Keep a log line for each request.",
)
MAX_LOG_ENTRIES = Setting(
    name="http.max_log_entries",
    type=Int(1, 1000, unit="entries"),
    default=50,
    label="Max log entries",
    help="How many lines the log keeps; the oldest goes when a new one comes.",
)
LOG_FORMAT = Setting(
    name="http.log_format",
    type=LogFormat(),
    default='%h %t "%r" %s %B "%{Referer}i" "%{User-Agent}i"',
    label="Log format",
    help="What a log line says: %a address, %h host, %t time, %r request line, %s status, %b or %B bytes, %m method, "
    "%U path, %q query, %p port, %u user, %{name}i a request header. Blank is the factory default.",
    blank_is_default=True,
)
HOST_NAMES = Setting[tuple[str, ...]](
    name="http.host_names",
    type=HostNames(),
    default=(),
    label="Host names",
    help="Further names under which these pages may be opened, separated by commas. The address, the host name of this "
    "device in its own domain, and names without a dot always work; any other is refused, for it may be a trap.",
)
AUTHENTICATION = Setting(
    name="http.authentication",
    type=Directives(),
    default=(Directive("/", "config", DirectiveType.DIGEST, (User.with_password("admin", "config", "admin"),)),),
    label="Authentication",
    help="Which paths ask for a user name and password, and how. Of all directives above a page the one with the "
    "longest URI counts; there is always one for /.",
)
