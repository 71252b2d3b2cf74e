from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.httpd.raw_requests import BIG, CASES, Case
from tests.httpd.rig import Rig, read_all, read_reply, serving, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _statuses(rig: Rig) -> dict[str, int]:
    counted = asdict(rig.count)
    return {name: count for name, count in counted.items() if name.startswith(("status", "work", "socket", "memory"))}


def _check(case: Case, rig: Rig) -> None:
    rig.log.clear()
    before = _statuses(rig)
    with rig.connect(case.data) as client:
        reply = read_reply(client, has_body=not case.data.startswith(b"HEAD"))
        if reply.headers.get("connection") == "close":
            assert read_all(client) == b""
    wait_until(rig.log.lines, "the log line")
    assert reply.status == case.status
    assert [line.rpartition(" ")[0] for line in rig.log.lines()] == [f"127.0.0.1 {case.log}"]
    counter = case.counter or f"status_{case.status}"
    after = _statuses(rig)
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {counter: 1}
    assert reply.headers["server"] == "CMe3000"
    assert "date" in reply.headers
    if case.status >= 400:
        assert reply.headers["content-type"].startswith("text/html")
    if case.status in (400, 413, 501):
        assert reply.headers["connection"] == "close"
        assert reply.headers["x-content-type-options"] == "nosniff"


# One test for all: the check for leaks after each would take longer than the requests.
def test_every_request_of_the_table_gets_its_status_and_is_counted_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = []
    with serving(tmp_path, http__max_bytes=str(BIG)) as rig:
        for case in CASES:
            try:
                _check(case, rig)
            except (AssertionError, OSError) as error:
                wrong.append(f"{case.name}: {error}")
    assert not wrong, "\n".join(wrong)
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["broken on purpose" in str(record.exc_info) for record in errors] == [True]  # that page's, and once


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)
