"""A piece of a telegram with what it means, for an explanation byte by byte."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Some bytes of a telegram."""

    offset: int
    """Where they begin, counted from the beginning of the frame."""
    octets: bytes
    meaning: str
