"""The resolver's file: what is written, what never is, and when."""

from __future__ import annotations

import os
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from appliance.errors import InvalidValue, NetworkError
from appliance.network.resolver import HEADER, LONGEST_SEARCH, resolv_conf, write
from appliance.network.system_view import read_resolv_conf

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO, THREE, FOUR = (IPv4Address(f"192.0.2.{number}") for number in range(1, 5))


def lines(text: str) -> list[str]:
    assert text.startswith(HEADER)
    assert text.endswith("\n")
    return text.removeprefix(HEADER).splitlines()


def test_servers_stand_in_their_order_behind_the_search_list() -> None:
    assert lines(resolv_conf([TWO, ONE], ["a.example", "b.example"], "c.example")) == [
        "search a.example b.example",
        "nameserver 192.0.2.2",
        "nameserver 192.0.2.1",
    ]


def test_the_domain_is_searched_when_there_is_no_list() -> None:
    assert lines(resolv_conf([ONE], domain="meters.example.")) == ["search meters.example", "nameserver 192.0.2.1"]


def test_no_more_servers_are_written_than_a_resolver_reads_and_none_twice() -> None:
    assert lines(resolv_conf([ONE, ONE, TWO, THREE, FOUR])) == [f"nameserver 192.0.2.{n}" for n in (1, 2, 3)]


def test_nothing_known_is_a_file_without_servers() -> None:
    assert lines(resolv_conf([])) == []


def test_the_search_list_is_cut_between_names() -> None:
    names = [f"{'x' * 60}{number}.example" for number in range(6)]
    (line,) = lines(resolv_conf([], names))
    assert line == f"search {' '.join(names[:3])}"
    assert len(line) < LONGEST_SEARCH
    assert lines(resolv_conf([], [f"a{number}.example" for number in range(9)]))[0].count("example") == 6


@pytest.mark.parametrize(
    "name", ["a\nnameserver 6.6.6.6", "a b", "", ".", "a..b", "-a", "a\0", "é.example", "x" * 64, "a\tb", "a#b", "a;b"]
)
def test_what_is_no_domain_is_never_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    with pytest.raises(InvalidValue):
        write([ONE], [name], path=path)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_readable_by_everybody_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    former = os.umask(0o077)
    try:
        assert write([ONE], path=path)
    finally:
        os.umask(former)
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    assert write([ONE], path=path)
    before = path.stat().st_ino
    assert not write([ONE], path=path)
    assert path.stat().st_ino == before
    assert write([TWO], path=path)
    assert path.stat().st_ino != before


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "resolv.conf", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    assert write([ONE], path=path)
    assert not elsewhere.exists()
    assert not path.is_symlink()


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be written"):
        write([ONE], path=tmp_path / "missing" / "resolv.conf")
    (tmp_path / "resolv.conf").mkdir()
    with pytest.raises(NetworkError, match="cannot be written"):
        write([ONE], path=tmp_path / "resolv.conf")
    assert [entry.name for entry in tmp_path.iterdir()] == ["resolv.conf"]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    write([ONE, TWO], ["a.example", "b.example"], path=path)
    assert read_resolv_conf(path) == ((ONE, TWO), ("a.example", "b.example"))
