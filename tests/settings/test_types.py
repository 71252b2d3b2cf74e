"""Properties that every type keeps, whatever the text or the value."""

import string
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Network
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from appliance.errors import InvalidValue
from appliance.settings import DECLARATIONS, ClientId, Directive, DirectiveType, Setting, User, find
from appliance.settings.types import LogFormat, UriPath
from tests.settings.custom import AUTHORITY

ASCII = string.ascii_letters + string.digits
label = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
host = st.ip_addresses(v=4).filter(
    lambda ip: not (ip.is_loopback or ip.is_multicast or ip.is_reserved or ip.packed[0] == 0)
)
printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@st.composite
def interface(draw: st.DrawFn) -> IPv4Interface:
    found = IPv4Interface((draw(host), draw(st.integers(8, 30))))
    assume(found.ip not in (found.network.network_address, found.network.broadcast_address))
    return found


@st.composite
def network(draw: st.DrawFn) -> IPv4Network | IPv6Network:
    if draw(st.booleans()):
        return IPv4Network((draw(st.ip_addresses(v=4)), draw(st.integers(0, 32))), strict=False)
    found = IPv6Network((draw(st.ip_addresses(v=6)), draw(st.integers(0, 128))), strict=False)
    assume(found.network_address.ipv4_mapped is None)
    return found


@st.composite
def directives(draw: st.DrawFn) -> tuple[Directive, ...]:
    uris = draw(st.lists(st.from_regex(r"(/[a-z0-9.]{1,9}){1,3}", fullmatch=True), max_size=4, unique=True))
    assume(not any(segment in (".", "..") for uri in uris for segment in uri.split("/")))
    found = []
    for uri in sorted(["/", *uris], key=lambda uri: (uri.count("/"), uri)):
        realm = draw(st.text(ASCII + " :;,'<>&", min_size=1, max_size=20))
        names = draw(st.lists(printable.filter(lambda name: ":" not in name), min_size=1, max_size=3, unique=True))
        users = tuple(User.with_password(name, realm, draw(printable)) for name in names)
        found.append(Directive(uri, realm, draw(st.sampled_from(DirectiveType)), users))
    return tuple(found)


log_format = st.lists(
    st.one_of(
        printable.filter(lambda text: "%" not in text), st.sampled_from(["%a", "%B", "%r", "%{Referer}i", "%{x-y}"])
    ),
    min_size=1,
    max_size=12,
).map("".join)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "network.bootp": st.booleans(),
    "network.address": st.none() | interface(),
    "network.gateway": st.none() | host,
    "network.hostname": label.filter(lambda text: text[0].isalpha()),
    "network.domain": st.lists(label, max_size=5).map(".".join),
    "network.dhcp_client_id": st.none()
    | st.builds(ClientId, st.binary(min_size=2, max_size=64))
    | st.builds(ClientId, st.text(ASCII + ":", min_size=2, max_size=64).map(str.encode), st.just(value=True)),
    "network.confirm_minutes": st.just(0) | st.integers(1, 1440),
    "link.speed": st.sampled_from(find("link.speed").type.options),  # type: ignore[attr-defined] # a choice
    "tunnel.allow": st.lists(network(), max_size=8, unique=True).map(tuple),
    "tunnel.port": st.integers(1, 65535),
    "tunnel.keep_alive": st.just(0) | st.integers(1000, 7_200_000),
    "line.baud_rate": st.sampled_from([300, 2400]),
    "line.two_wire": st.text(ASCII + "-._:", min_size=1, max_size=40)
    .filter(lambda text: text != "..")
    .map(lambda text: f"/dev/{text}"),
    "mqtt.user": st.text(ASCII, max_size=256),
    "mqtt.password": st.text(ASCII, max_size=256),
    "mqtt.ca": st.sampled_from(["", AUTHORITY]),
    "mqtt.prefix": st.lists(label, min_size=1, max_size=2).map("/".join),
    "update.index_url": st.sampled_from(["", "http://a", "https://releases.example/x?y=1", "http://[fd00::1]:81/"]),
    "http.log_format": log_format,
    "http.host_names": st.lists(label.map(str.lower), max_size=5, unique=True).map(tuple),
    "http.authentication": directives(),
}

# Not only any text: also those that nearly are something.
NEARLY = st.one_of(
    st.text(max_size=60),
    st.text(st.characters(codec="ascii"), max_size=40),
    st.text("0123456789./: -,", max_size=30),
    st.text("0123456789abcdef:./%", max_size=40),
    st.from_regex(r"(text|hex|socket|loop|rfc2217|alt)(://|:)[ -~]{0,20}", fullmatch=True),
    st.text("%{}iahbBrstuU ", max_size=20),
    st.text('[]{}"urialmtypsnoe:/, 1', max_size=60),
    st.text(st.characters(), max_size=10),
    st.integers().map(str),
    st.floats().map(str),
)


def test_every_type_has_values() -> None:
    assert {type(setting.type) for setting in DECLARATIONS} == {type(find(name).type) for name in VALUES}


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_value_comes_back_from_its_text_and_from_the_file(name: str, data: st.DataObject) -> None:
    setting = find(name)
    value = data.draw(VALUES[name])
    assert setting.type.parse(setting.type.format(value)) == value
    assert setting.type.from_file(setting.type.to_file(value)) == value
    assert setting.can_be_saved(value)
    assert setting.read(setting.type.format(value), setting.default) == value


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=120, deadline=None)
@given(text=NEARLY)
def test_any_text_is_a_value_or_refused(name: str, text: str) -> None:
    setting: Setting[Any] = find(name)
    try:
        value = setting.type.parse(text)
    except InvalidValue:
        return
    assert setting.type.parse(setting.type.format(value)) == value
    assert setting.type.format(value).isprintable()


@settings(max_examples=100, deadline=None)
@given(
    raw=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.dates() | st.times(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=6,
    )
)
def test_anything_in_a_file_is_a_value_or_refused(raw: object) -> None:
    for setting in DECLARATIONS:
        try:
            value = setting.read(raw, setting.default)
        except ValueError as error:
            assert setting.name in str(error)  # noqa: PT017 (a value is as good)
        else:
            assert setting.can_be_saved(value)


@settings(max_examples=200, deadline=None)
@given(text=st.text('/.a%? \\"é', max_size=12))
def test_a_path_has_one_spelling(text: str) -> None:
    try:
        path = UriPath().parse(text)
    except InvalidValue:
        return
    assert path.startswith("/")
    assert "//" not in path
    assert path == "/" or not path.endswith("/")
    assert not {".", ".."} & set(path.split("/"))


def test_a_log_format_names_the_directive_that_it_does_not_know() -> None:
    with pytest.raises(InvalidValue, match='"%x 99%"'):
        LogFormat().parse("%h %x 99%")


def test_a_log_format_has_no_more_directives_than_memory_allows() -> None:
    assert LogFormat().parse("%h" * 32)
    with pytest.raises(InvalidValue, match="33 directives"):
        LogFormat().parse("%{a}i" + "%h" * 32)


def test_a_text_without_end_is_not_looked_at() -> None:
    for setting in DECLARATIONS:
        with pytest.raises(InvalidValue, match="far too long"):
            setting.type.parse(" " * 400_000)


def test_addresses_of_every_kind() -> None:
    address = find("network.address").read("10.1.2.3 255.255.0.0", None)
    assert address == IPv4Interface("10.1.2.3/16")
    assert find("network.gateway").read("10.1.2.1", None) == IPv4Address("10.1.2.1")
