"""Which bundles this device takes, besides the signature, which is RAUC's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import InvalidValue, UpdateRefused, quoted
from appliance.update.snapshot import BundleInfo
from appliance.update.version import key_of

if TYPE_CHECKING:
    from appliance.product import Product
    from appliance.update.inspection import Inspection

NAME = "cme3000.romz"
"""What a file with firmware is called; no other name is taken."""


def check_name(name: str) -> None:
    """Take the name of a file, or refuse it.

    :raises UpdateRefused: when it is another than `NAME`.
    """
    if name != NAME:
        raise UpdateRefused(f"The file must be called {NAME}, not {quoted(name)}.")


def admit(found: Inspection, *, product: Product, compatible: str, size: int, signer: str) -> BundleInfo:
    """Say what a bundle is, whose signature is good.

    :param compatible: what this device is, for RAUC.
    :raises UpdateRefused: when it is for another device, has no version that can be compared, or is below the floor.
    """
    if found.compatible != compatible:
        raise UpdateRefused(f"The firmware is for {quoted(found.compatible)}; this device is {quoted(compatible)}.")
    try:
        version = key_of(found.version)
    except InvalidValue as error:
        raise UpdateRefused(f"The version of the firmware cannot be compared: {error}.") from None
    try:
        running = key_of(product.version)
    except InvalidValue:  # a build that somebody has given a name of his own: anything is an update of it
        running = key_of("0")
    check_floor(found.version, product)
    return BundleInfo(
        version=found.version,
        build_date=found.build_date,
        compatible=found.compatible,
        minimum_version=found.minimum_version,
        notes=found.notes,
        size=size,
        signer=signer,
        is_older=version < running,
        is_same=version == running,
    )


def check_floor(version: str, product: Product) -> None:
    """Take a version that this firmware may be replaced by, or refuse it.

    :raises UpdateRefused: when it is below the oldest that this firmware allows.
    """
    if not product.minimum_version:
        return
    try:
        is_below = key_of(version) < key_of(product.minimum_version)
    except InvalidValue:
        is_below = True  # a floor that nobody can read must not turn into none
    if is_below:
        raise UpdateRefused(
            f"Version {version} is older than {product.minimum_version}, the oldest to which this device can go back."
        )


def check_wish(bundle: BundleInfo | None, version: str, *, confirms_downgrade: bool) -> None:
    """Take what somebody wants to have installed, or refuse it.

    :param bundle: the one that is ready.
    :raises UpdateRefused: when it is another one, or older than what runs and that was not confirmed.
    """
    if bundle is None:
        raise UpdateRefused("No firmware is ready to be installed.")
    if bundle.version != version:
        raise UpdateRefused(f"Version {bundle.version} is ready to be installed, not {quoted(version)}.")
    if bundle.is_older and not confirms_downgrade:
        raise UpdateRefused(f"Version {bundle.version} is older than the one that runs: that has to be confirmed.")
