"""Firmware from another web server, and the index of releases."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import UpdateError, UpdateRefused
from appliance.update.address import bundle_address
from appliance.update.fetching import Download
from appliance.update.index import newest
from appliance.update.snapshot import Stage
from tests.tunnel.rig import wait_until
from tests.update.fake import FakeRauc
from tests.update.rig import Bench
from tests.update.servers import Server, web_server
from tests.update.test_worker import BUNDLE

if TYPE_CHECKING:
    import http.server
    from collections.abc import Iterator
    from pathlib import Path

PATH = "/cme3000.romz"


@pytest.fixture
def server() -> Iterator[Server]:
    with web_server() as server:
        yield server


@pytest.fixture
def rauc() -> FakeRauc:
    rauc = FakeRauc()
    rauc.refusals["InspectBundle"] = ""
    return rauc


@pytest.fixture
def bench(rauc: FakeRauc, tmp_path: Path) -> Iterator[Bench]:
    with rauc.running(tmp_path / "bus") as address, Bench(tmp_path, address).working() as bench:
        yield bench


def fetched(bench: Bench, url: str) -> str:
    """Fetch; give why it failed."""
    bench.updater.fetch(url)
    now = bench.await_stage(Stage.READY, Stage.FAILED)
    if now.stage is Stage.FAILED:
        assert bench.files == []
    return now.error


def test_a_bundle_is_fetched_and_checked(bench: Bench, server: Server) -> None:
    server.answers[PATH] = (200, {}, BUNDLE)
    assert fetched(bench, server.url + PATH) == ""
    assert (bench.state / "update/cme3000.romz").read_bytes() == BUNDLE
    assert bench.now.bundle is not None
    assert bench.now.received == len(BUNDLE)


def test_where_rauc_can_read_parts_nothing_is_downloaded(
    bench: Bench, rauc: FakeRauc, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "nbd").mkdir()
    server.answers[PATH] = (200, {"Accept-Ranges": "bytes"}, BUNDLE)
    assert fetched(bench, server.url + PATH) == ""
    assert rauc.inspected == [server.url + PATH]
    assert bench.files == []
    assert bench.now.bundle is not None
    assert bench.now.bundle.size == len(BUNDLE)
    bench.updater.install(version="1.2.0")
    bench.wait_for(lambda: rauc.installed == [server.url + PATH], "the installation")
    rauc.finish()
    bench.await_stage(Stage.INSTALLED)


@pytest.mark.parametrize("lacks", ["kernel", "network"])
def test_where_rauc_cannot_it_is_downloaded_all_the_same(
    bench: Bench, rauc: FakeRauc, server: Server, tmp_path: Path, lacks: str
) -> None:
    server.answers[PATH] = (200, {"Accept-Ranges": "bytes"}, BUNDLE)
    if lacks == "network":
        (tmp_path / "nbd").mkdir()
        rauc.refusals[f"InspectBundle {server.url}{PATH}"] = "Remote bundle access not supported"
    assert fetched(bench, server.url + PATH) == ""
    assert bench.files == ["cme3000.romz"]
    assert rauc.inspected == [str(bench.state / "update/cme3000.romz")]


def test_redirections_are_followed_but_not_for_ever(bench: Bench, server: Server) -> None:
    server.answers["/a/cme3000.romz"] = (302, {"Location": "../store/17?x=1"}, b"")
    server.answers["/store/17?x=1"] = (200, {}, BUNDLE)
    assert fetched(bench, f"{server.url}/a/cme3000.romz") == ""
    server.answers[PATH] = (301, {"Location": PATH}, b"")
    assert "leads on and on" in fetched(bench, server.url + PATH)
    server.answers[PATH] = (302, {"Location": "file:///etc/passwd"}, b"")
    assert "not an address that can be fetched" in fetched(bench, server.url + PATH)


def test_what_goes_wrong_is_told(bench: Bench, server: Server) -> None:
    assert fetched(bench, server.url + PATH) == "127.0.0.1 does not have the file: it answers 404."
    server.answers[PATH] = (200, {"Content-Length": str(len(BUNDLE) + 1)}, BUNDLE)
    assert "not all of it" in fetched(bench, server.url + PATH) or "lost" in bench.now.error
    server.answers[PATH] = (200, {"Content-Length": str(1 << 40)}, BUNDLE)
    assert "larger than firmware can be" in fetched(bench, server.url + PATH)
    server.answers[PATH] = (200, {}, b"<html>not found</html>".ljust(5000))
    assert "another form" in fetched(bench, server.url + PATH)

    def rubbish(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"\x00\x01 no answer at all\r\n\r\n")

    server.answers[PATH] = rubbish
    assert "as a web server does" in fetched(bench, server.url + PATH)
    assert "cannot be reached" in fetched(bench, "http://127.0.0.1:1/cme3000.romz")


def test_a_download_can_be_ended(bench: Bench, server: Server) -> None:
    goes_on = threading.Event()

    def slow(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BUNDLE)))
        handler.end_headers()
        handler.wfile.write(BUNDLE[:5000])
        handler.wfile.flush()
        goes_on.wait(20)

    server.answers[PATH] = slow
    try:
        bench.updater.fetch(server.url + PATH)
        bench.wait_for(lambda: bench.now.received == 5000, "the first bytes")
        bench.updater.discard()
        # At once, and not when the server is given up for its silence.
        wait_until(lambda: bench.now.stage is Stage.IDLE, "the end of it", 5.0)
        assert bench.now.error == ""
        assert bench.files == []
        bench.wait_for(lambda: not bench.updater.url, "the end of it")
        server.answers[PATH] = (200, {}, BUNDLE)
        assert fetched(bench, server.url + PATH) == ""
    finally:
        goes_on.set()


def test_a_server_that_says_nothing_is_given_up(server: Server) -> None:
    goes_on = threading.Event()
    server.answers["/x"] = lambda _: (goes_on.wait(20), None)[1]
    try:
        with pytest.raises(UpdateError, match="does not answer in time"):
            Download(f"{server.url}/x", silence=0.2)
    finally:
        goes_on.set()


def test_there_is_an_end_to_every_download(server: Server) -> None:
    server.answers["/x"] = (200, {}, BUNDLE)
    now = [0.0]
    with Download(f"{server.url}/x", longest=10.0, clock=lambda: now[0]) as download:
        assert download.read(10) == BUNDLE[:10]
        now[0] = 11.0
        with pytest.raises(UpdateError, match="does not answer in time"):
            download.read(10)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "An address is needed"),
        ("cme3000.romz", "not an address"),
        ("file:///tmp/cme3000.romz", "not an address"),
        ("ftp://a/cme3000.romz", "not an address"),
        ("http://user:secret@a/cme3000.romz", "shown to everybody"),
        ("http://a/other.romz", "must be called"),
        ("http://a/", "must be called"),
        ("http://a/x?cme3000.romz", "must be called"),
    ],
)
def test_addresses_that_are_refused(url: str, reason: str) -> None:
    with pytest.raises(UpdateRefused, match=reason):
        bundle_address(url)


def test_an_address_with_a_query_is_taken() -> None:
    assert bundle_address("https://a.example/x/cme3000.romz?v=2") == "https://a.example/x/cme3000.romz?v=2"


def release(version: str, **changes: Any) -> dict[str, Any]:
    return {
        "version": version,
        "url": f"{version}/cme3000.romz",
        "build_date": "2026-11-20",
        "notes": "Faster.",
        "compatible": "cme3000-rpi",
        **changes,
    }


def index(*releases: object) -> bytes:
    return json.dumps({"releases": releases}).encode()


def read(data: bytes, running: str = "1.1.0") -> Any:
    return newest(data, base="https://r.example/all/index.json", running=running, compatible="cme3000-rpi")


def test_the_newest_release_for_this_device_is_offered() -> None:
    offer = read(index(release("1.2.0"), release("1.10.0"), release("2.0.0", compatible="fridge"), release("1.9.9")))
    assert (offer.version, offer.url) == ("1.10.0", "https://r.example/all/1.10.0/cme3000.romz")
    assert (offer.notes, str(offer.build_date), offer.is_newer) == ("Faster.", "2026-11-20", True)
    assert not read(index(release("1.2.0")), running="1.2.0").is_newer
    assert read(index()) is None


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        {},
        release("newest"),
        release("9.0", url="ftp://a/cme3000.romz"),
        release("9.0", url="http://a/other"),
        release("9.0", url=7),
        release("9.0", url="http://[/cme3000.romz"),
    ],
)
def test_an_entry_that_makes_no_sense_is_passed_over(entry: object) -> None:
    assert read(index(entry, release("1.2.0", notes=7, build_date=[]))) == read(
        index(release("1.2.0", notes="", build_date=""))
    )


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b'{"releases": {}}', b"[" * 100_000])
def test_what_is_no_index(data: bytes) -> None:
    with pytest.raises(UpdateError, match="The index is not one"):
        read(data)


def test_the_index_is_read_when_somebody_asks_and_daily_when_that_is_on(bench: Bench, server: Server) -> None:
    server.answers["/index.json"] = (200, {}, index(release("1.3.0")))
    bench.settings.set({"update.index_url": f"{server.url}/index.json"}, save=False)
    bench.advance(90_000)
    bench.updater.look_for_offer()
    bench.wait_for(lambda: bench.now.offer is not None, "the offer")
    assert bench.now.offer is not None
    assert (bench.now.offer.version, bench.now.offer.is_newer) == ("1.3.0", True)
    assert (bench.now.checked_at, bench.now.check_error) == (1_800_000_000.0, "")
    assert len(server.asked) == 1
    bench.settings.set({"update.check": "on"}, save=False)
    bench.wait_for(lambda: bench.worker._index_at < float("inf"), "a plan")
    assert len(server.asked) == 1
    bench.advance(601)
    bench.wait_for(lambda: len(server.asked) == 2, "the first look")
    bench.advance(82_000)
    bench.worker.wake()
    assert len(server.asked) == 2
    server.answers.clear()
    bench.advance(10_000)
    bench.wait_for(lambda: bench.now.check_error, "the second look")
    assert "answers 404" in bench.now.check_error
    assert bench.now.offer is not None
    bench.settings.set({"update.check": "off"}, save=False)
    bench.wait_for(lambda: bench.worker._index_at == float("inf"), "the end of it")
