"""Addresses from which a file can be fetched."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from appliance.errors import InvalidValue, UpdateRefused, quoted
from appliance.settings.types import WebAddress
from appliance.update.rules import NAME, check_name


def bundle_address(url: str) -> str:
    """Take the URL of a bundle, or refuse it.

    :raises UpdateRefused: when it is none that can be fetched, or its file has another name.
    """
    url = web_address(url)
    if not url:
        raise UpdateRefused(f"An address is needed, such as https://host/{NAME}.")
    check_name(unquote(urlsplit(url).path).rpartition("/")[2])
    return url


def web_address(url: str) -> str:
    """Take any http or https URL, or refuse it.

    :raises UpdateRefused: when it is none that can be fetched.
    """
    try:
        return WebAddress().parse(url)
    except InvalidValue as error:
        reason = f" ({error})" if str(error) else ""
        raise UpdateRefused(f"{quoted(url)} is not an address that can be fetched{reason}.") from None
