from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import ServiceError
from appliance.httpd.limits import Limits
from appliance.httpd.workers import Workers, WorkQueueFull
from tests.httpd.rig import Rig, descriptors, wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def _with_workers(limits: Limits, use: Callable[[Workers], Awaitable[None]]) -> None:
    async def main() -> None:
        workers = Workers(asyncio.get_running_loop(), limits)
        try:
            await asyncio.wait_for(use(workers), 20)
        finally:
            workers.close()

    asyncio.run(main())


def test_no_work_is_lost_however_it_comes() -> None:
    async def use(workers: Workers) -> None:
        for burst in [1, 2, 3, 5, 8] * 400:
            numbers = range(burst)
            done = await asyncio.gather(
                *(workers.run(lambda number=number: number, is_new=number % 2 == 0) for number in numbers)  # type: ignore[misc]  # defaults bind the loop's values
            )
            assert done == list(numbers)

    before = descriptors()
    _with_workers(Limits(), use)
    assert descriptors() == before


def test_who_goes_on_does_not_keep_who_comes_from_beginning() -> None:
    order: list[str] = []

    async def use(workers: Workers) -> None:
        begun, hold = threading.Event(), threading.Event()

        def wait() -> None:
            begun.set()
            hold.wait(10)

        first = asyncio.ensure_future(workers.run(wait, is_new=True))
        assert await asyncio.to_thread(begun.wait, 10)
        others = [
            asyncio.ensure_future(workers.run(lambda name=name: order.append(name), is_new=name == "new"))  # type: ignore[misc]  # defaults bind the loop's values
            for name in ("on", "on", "on", "on", "new", "new")
        ]
        await asyncio.sleep(0)
        hold.set()
        await asyncio.gather(first, *others)

    _with_workers(Limits(workers=1), use)
    assert order == ["on", "new", "on", "new", "on", "on"]


def test_what_went_wrong_is_raised_where_it_is_awaited() -> None:
    async def use(workers: Workers) -> None:
        def broken() -> None:
            raise ValueError("broken on purpose")

        with pytest.raises(ValueError, match="on purpose"):
            await workers.run(broken, is_new=True)
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        workers.submit(lambda: 7, lambda *result: outcome.set_result(result), is_new=True)
        assert await outcome == (7, None)

    _with_workers(Limits(), use)


def test_closed_workers_take_nothing_and_a_stuck_one_may_end_much_later() -> None:
    begun, hold = threading.Event(), threading.Event()

    def stuck() -> None:
        begun.set()
        hold.wait(10)

    async def use(workers: Workers) -> None:
        waiting.append(asyncio.ensure_future(workers.run(stuck, is_new=True)))
        assert await asyncio.to_thread(begun.wait, 10)
        workers.close()
        with pytest.raises(WorkQueueFull):
            await workers.run(stuck, is_new=True)
        waiting.pop().cancel()

    waiting: list[asyncio.Future[None]] = []
    before = descriptors(), threading.active_count()
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_closing(use))
    try:
        assert threading.active_count() == before[1] + 1
    finally:
        hold.set()
    wait_until(lambda: (descriptors(), threading.active_count()) == before, "the end of the stuck one")


async def _closing(use: Callable[[Workers], Awaitable[None]]) -> None:
    await use(Workers(asyncio.get_running_loop(), Limits(workers=2)))


def test_a_server_whose_workers_are_all_stuck_for_good_ends_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reading, writing = os.pipe()

    def stuck(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        return [os.read(reading, 1)]  # in the kernel, where no exception reaches a thread

    rig = Rig(tmp_path, limits=Limits(workers=1, stuck=0.2, abandoned=1)).start()
    try:
        rig.site.instead = stuck
        assert rig.get().status == 503  # this one is replaced
        assert rig.server.is_alive
        assert rig.get().status == 503  # this one no more
        wait_until(lambda: not rig.server.is_alive, "its end")
        assert isinstance(rig.server.failure, ServiceError)
        assert "stuck" in str(rig.server.failure)
    finally:
        os.write(writing, b"xx")
        rig.stop()
        wait_until(lambda: not any("web worker" in thread.name for thread in threading.enumerate()), "the workers")
        os.close(reading)
        os.close(writing)
    assert "service web died" in caplog.text


def test_a_worker_that_comes_back_late_is_replaced_then(tmp_path: Path) -> None:
    rig = Rig(tmp_path, limits=Limits(workers=1, stuck=0.4, abandoned=0)).start()
    try:
        assert rig.get("/hold").status == 503  # stuck, and nobody takes its place
        rig.site.hold.set()
        began = time.monotonic()
        assert rig.get().body == b"home"
        assert time.monotonic() - began < 0.4  # it did not wait for another look
    finally:
        rig.stop()
