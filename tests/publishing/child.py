"""A program that stores readings and publishes them, until it is killed: from outside, or by itself at a given moment.

python -m tests.publishing.child FOLDER PORT READINGS [MOMENT COUNT]
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.publishing.client import BrokerClient
from appliance.publishing.courier import Courier
from appliance.publishing.progress import Progress
from tests.publishing.rig import House, connect_to_port, publishing

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENTS: dict[str, tuple[type, str, bool]] = {
    "before it is noted as sent": (Progress, "depart", False),
    "before it is sent": (BrokerClient, "send", False),
    "after it was sent": (BrokerClient, "send", True),
    "before it is noted as received": (Progress, "receive", False),
    "before it is released": (Progress, "receive", True),
    "before it is noted as arrived": (Courier, "settled", True),
    "after it was noted as arrived": (Progress, "arrive", True),
}
"""By name: what is called at that moment, and whether to die before or after it."""


def die_at(moment: str, count: int) -> None:
    owner, name, is_after = MOMENTS[moment]
    original: Callable[..., Any] = getattr(owner, name)
    left = [count]

    def deadly(*arguments: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **more)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main() -> None:
    folder, port, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if len(sys.argv) > 4:
        die_at(sys.argv[4], int(sys.argv[5]))
    house = House(folder, connect_to_port(port))
    listed = house.meters.snapshot().meters
    meter = listed[0].meter if listed else house.add()
    with publishing(house) as publisher:
        sys.stdout.write("running\n")
        sys.stdout.flush()
        ended = threading.Event()
        threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
        # The first one is stored when publishing has begun, or it would not be owed.
        while publisher._progress.cursor is None:
            ended.wait(0.005)
        for value in range(count):
            house.store(meter, value)
            if ended.wait(0.002):
                break
        sys.stdout.write("stored\n")
        sys.stdout.flush()
        ended.wait()
    house.close()


if __name__ == "__main__":
    main()
