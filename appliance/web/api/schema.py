"""Makes JSON Schema (2020-12, as OpenAPI 3.1 has it) of the types in which answers are built."""

from __future__ import annotations

import types
from dataclasses import is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}


def schema_of(shape: Any, components: dict[str, Schema]) -> Schema:
    """Give the schema of a type; those of classes in it go to `components`, by name.

    :raises TypeError: for a type that no answer may have.
    """
    if shape in _PLAIN:
        return dict(_PLAIN[shape])
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is Annotated:
        return {**schema_of(arguments[0], components), "description": arguments[1]}
    if origin in (list, tuple):
        return {"type": "array", "items": schema_of(arguments[0], components)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1], components)}
    if origin in (Union, types.UnionType):
        return _union([schema_of(one, components) for one in arguments])
    if is_typeddict(shape) or is_dataclass(shape):
        return _object(shape, components)
    raise TypeError(f"{shape} has no schema")


def _union(parts: list[Schema]) -> Schema:
    if all(set(part) == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}


def _object(shape: Any, components: dict[str, Schema]) -> Schema:
    name = shape.__name__
    if name not in components:
        components[name] = {}
        properties = {
            field: schema_of(hint, components) for field, hint in get_type_hints(shape, include_extras=True).items()
        }
        components[name] = {
            "type": "object",
            "description": shape.__doc__.splitlines()[0],
            "properties": properties,
            "required": list(properties),
        }
    return {"$ref": f"#/components/schemas/{name}"}
