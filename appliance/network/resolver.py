"""The file that tells the system's resolver which name servers to ask (resolv.conf(5))."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import InvalidValue, quoted
from appliance.network import run_file
from appliance.settings.types import DomainName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address

RESOLV_CONF = Path("/run/cme3000/resolv.conf")
"""Where the image's /etc/resolv.conf leads to."""

MOST_SERVERS = 3
"""Name servers that a resolver reads (MAXNS of glibc and musl)."""

MOST_DOMAINS = 6
"""Domains of a search list that every glibc reads (MAXDNSRCH before 2.26)."""

LONGEST_SEARCH = 255
"""Characters of the line with the search list, its end included: musl skips a longer one whole."""

HEADER = "# Made by the CMe3000 gateway from its network settings; changes are lost.\n"

NAME = DomainName()


def resolv_conf(servers: Sequence[IPv4Address], search: Sequence[str] = (), domain: str = "") -> str:
    """Write the text of the file.

    :param servers: name servers, the first to be asked first; only as many as a resolver reads are written.
    :param search: domains in which a short name is looked for; those beyond a resolver's limits are left out.
    :param domain: the domain of the device; used when there is no search list.
    :raises InvalidValue: when a domain is none, so that nothing that a server sends can become a line of its own.
    """
    lines = [HEADER]
    domains = [_checked(name) for name in search] or ([_checked(domain)] if domain else [])
    line = "search"
    for name in list(dict.fromkeys(domains))[:MOST_DOMAINS]:
        if len(line) + 1 + len(name) + 1 > LONGEST_SEARCH:
            break
        line += f" {name}"
    if domains:
        lines.append(f"{line}\n")
    lines += [f"nameserver {server}\n" for server in list(dict.fromkeys(servers))[:MOST_SERVERS]]
    return "".join(lines)


def write(
    servers: Sequence[IPv4Address], search: Sequence[str] = (), domain: str = "", *, path: Path = RESOLV_CONF
) -> bool:
    """Write the file in one step, readable by everybody, unless it says the same already.

    :returns: whether it was written.
    :raises InvalidValue: as `resolv_conf` does; the file stays as it is.
    :raises NetworkError: when it cannot be written; the former file stays.
    """
    return run_file.write(path, resolv_conf(servers, search, domain).encode("ascii"))


def _checked(name: str) -> str:
    try:
        checked = NAME.parse(name.removesuffix("."))
    except InvalidValue as error:
        raise InvalidValue(f"{quoted(name)} is not the name of a domain") from error
    if not checked:
        raise InvalidValue("a domain without a name")
    return checked
