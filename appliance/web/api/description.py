"""What each route of the API says of itself; a test sees to it that every one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from appliance.web.api.schema import Schema

View = TypeVar("View", bound="Callable[..., Any]")

_ATTRIBUTE = "cme3000_api_operation"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query."""

    name: str
    description: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route does."""

    summary: str
    answer: Any
    """The type of the body: one of `shapes`, or a dataclass of a service."""
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    """Name of the schema of what is sent; empty for an object without members."""
    media: tuple[str, ...] = ()
    """Types of the body, where that is a file and no JSON."""
    refusals: tuple[int, ...] = ()
    """Statuses besides those of every route with which it may refuse."""
    example: str = ""
    """What to send, for the page that lists the routes."""


def described(operation: Operation) -> Callable[[View], View]:
    """Have `operation` said of a view."""

    def describe(view: View) -> View:
        setattr(view, _ATTRIBUTE, operation)
        return view

    return describe


def operation_of(app: Flask, endpoint: str) -> Operation | None:
    """Give what a view says of itself; None for nothing."""
    return cast("Operation | None", getattr(app.view_functions.get(endpoint), _ATTRIBUTE, None))
