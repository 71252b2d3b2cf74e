"""Does everything with the rights that the product has: CAP_NET_ADMIN and CAP_NET_RAW, and a user who is not root."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

from appliance.errors import NetworkError
from appliance.network.kernel.ethtool import LinkModeControl
from appliance.network.kernel.interface_control import InterfaceControl
from appliance.settings.link import Duplex, Speed
from tests.network.kernel.rig import PORT, want

NOBODY = 65534
CAP_NET_ADMIN, CAP_NET_RAW = 12, 13
PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS = 8, 38
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522


def drop(rights: int) -> None:
    """Become nobody, with these capabilities alone. What is to be imported lies perhaps in a folder of root's."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION_3, 0))
    data = ctypes.create_string_buffer(struct.pack("=6I", rights, rights, 0, 0, 0, 0))
    assert libc.syscall(SYS_CAPSET[os.uname().machine], header, data) == 0, os.strerror(ctypes.get_errno())
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0


def writable(path: str) -> bool:
    """Whether a setting of the kernel can be written with what it has."""
    try:
        Path(path).write_text(Path(path).read_text())
    except OSError:
        return False
    return True


def main(rights: int) -> dict[str, Any]:
    with InterfaceControl(PORT) as control, LinkModeControl("t0") as modes:
        control.state()
        modes.read()
        drop(rights)
        told: dict[str, Any] = {
            "capabilities": [
                line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line
            ],
            "ipv4 setting": writable(f"/proc/sys/net/ipv4/conf/{PORT}/promote_secondaries"),
            "ipv6 setting": writable(f"/proc/sys/net/ipv6/conf/{PORT}/accept_ra"),
        }
        try:
            control.apply(want("10.0.0.5/24", gateway="10.0.0.1", mtu=1400, valid=600))
            state = control.apply(want("10.0.0.6/24", gateway="10.0.0.1", mtu=1400, valid=600))
            told["addresses"] = [str(held.interface) for held in state.addresses]
            told["port"] = dataclasses.asdict(state.port)
            told["modes"] = modes.set(Speed.TEN, Duplex.HALF).configured
        except NetworkError as error:
            told["error"] = str(error)
        return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
