"""What the resource of the firmware looks like."""

from __future__ import annotations

from typing import Annotated, TypedDict


class FirmwareBundle(TypedDict):
    """What a bundle with a good signature says of itself."""

    version: str
    build_date: Annotated[str | None, "ISO 8601."]
    compatible: Annotated[str, "The device for which it is made."]
    minimum_version: Annotated[str, "The oldest version to which a device with it can go back; empty for any."]
    notes: str
    size: Annotated[int, "Bytes; 0 when not known."]
    signer: str
    is_older: Annotated[bool, "Than what runs: installing it is a downgrade."]
    is_same: Annotated[bool, "As what runs."]


class FirmwareSlot(TypedDict):
    """One of the two places for firmware."""

    name: Annotated[str, "A or B."]
    is_running: bool
    is_good: bool | None
    version: str
    installed_at: Annotated[str | None, "ISO 8601."]
    tries_left: Annotated[int | None, "Boots that it may still try; null when it is not on trial."]
    holds: Annotated[str, "In words, when there is no version."]


class FirmwareOffer(TypedDict):
    """The newest release that the index offers."""

    version: str
    url: str
    notes: str
    build_date: Annotated[str | None, "ISO 8601."]
    is_newer: Annotated[bool, "Than what runs."]


class Firmware(TypedDict):
    """State of firmware updates."""

    is_available: Annotated[bool, "Whether this device can be updated at all."]
    why_not: str
    version: Annotated[str, "Of what runs."]
    build_date: Annotated[str | None, "ISO 8601."]
    stage: Annotated[str, "idle, receiving, checking, ready, installing, installed or failed."]
    received: Annotated[int, "Bytes of the bundle that are here."]
    size: Annotated[int | None, "Bytes that it will have."]
    percent: Annotated[int | None, "Of the installation."]
    message: Annotated[str, "What the installation is doing."]
    bundle: FirmwareBundle | None
    error: Annotated[str, "Why the bundle was refused, or failed."]
    slots: list[FirmwareSlot]
    on_trial: Annotated[bool, "Whether the firmware that runs has not proven itself yet."]
    trial_seconds: Annotated[float | None, "Until it has, if nothing goes wrong; null while it is not well."]
    last_update: Annotated[str, "How the last one ended."]
    last_failed: bool
    offer: FirmwareOffer | None
    checked_at: Annotated[float | None, "When the index was last read, seconds since 1970."]
    check_error: str
