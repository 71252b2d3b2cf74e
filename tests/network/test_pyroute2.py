"""The library for netlink is taken in parts."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from appliance.network.link_socket import LinkSocket
link = LinkSocket()
assert any(message.link and message.link.name == "lo" for message in link.read())
link.close()
from appliance.network.kernel.interface_control import InterfaceControl
InterfaceControl
print(*(name for name in sys.modules if name.startswith("pyroute2")))
"""


def test_what_nobody_asks_for_is_not_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert "pyroute2.netlink.rtnl.iprsocket" in loaded
    assert not {"pyroute2.ndb", "pyroute2.ipset", "pyroute2.netlink.nl80211", "pyroute2.plan9"} & set(loaded)
