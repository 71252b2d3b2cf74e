"""A device and what it is connected to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.network.kernel.interface_control import InterfaceControl
from tests.network.kernel.rig import FAR, PORT, Witness
from tests.network.namespaces import Namespace, cable, namespace, need_namespaces

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def device() -> Iterator[Namespace]:
    need_namespaces()
    with namespace(ipv6=True) as made:
        made.ip("link", "set", "lo", "up")
        yield made


@pytest.fixture
def far(device: Namespace) -> Iterator[Namespace]:
    """The other end of the device's cable, which is 10.0.0.1; the device's end is switched off."""
    with namespace() as made:
        cable(device, PORT, made, FAR, is_up=False)
        made.ip("link", "set", FAR, "up")
        made.ip("addr", "add", "10.0.0.1/24", "dev", FAR)
        yield made


@pytest.fixture
def control(device: Namespace, far: Namespace) -> Iterator[InterfaceControl]:
    """The device's port; the test's thread is in its namespace meanwhile, where /proc/sys/net follows."""
    assert far is not device
    with device.entered(), InterfaceControl(PORT) as made:
        yield made


@pytest.fixture
def witness(device: Namespace, control: InterfaceControl) -> Witness:
    assert control.name == PORT
    return Witness(device)
