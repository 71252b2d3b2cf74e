"""What a hawkBit server says, taken apart, and exchanges with one that hangs, is gone, or changes its mind."""

from __future__ import annotations

import json
import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest

from appliance.errors import ActionGone, UpdateError, UpdateRefused
from appliance.update.ddi import DdiServer
from appliance.update.deployment import INTERVAL, artifact_of, deployment_of, poll_of, stopped_action
from appliance.update.hawkbit import ENDED_HERE, NOTHING, REFUSED
from appliance.update.snapshot import Stage
from appliance.update.worker import UNFORESEEN
from tests.update.hawkbit_server import BASE, FILE, FakeHawkbit, hawkbit_server
from tests.update.rig import Authority, Bench
from tests.update.servers import web_server
from tests.update.test_hawkbit import address, bench, managed, polled_until, polls, rauc, server
from tests.update.test_worker import BUNDLE

if TYPE_CHECKING:
    import http.server
    from pathlib import Path

    from tests.update.fake import FakeRauc

__all__ = ["address", "bench", "rauc", "server"]

HOST = "https://fleet.example/DEFAULT/controller/v1/7"


def poll(links: object = None, sleep: object = "00:05:00") -> bytes:
    return json.dumps({"config": {"polling": {"sleep": sleep}}, "_links": links}).encode()


@pytest.mark.parametrize(
    ("sleep", "seconds"),
    [
        ("00:05:00", 300),
        ("00:00:01", 30),
        ("12:00:30", 43_230),
        ("99:00:00", 86_400),
        ("5 minutes", INTERVAL),
        (None, INTERVAL),
        (7, INTERVAL),
    ],
)
def test_the_interval_is_the_servers_within_bounds(sleep: object, seconds: float) -> None:
    assert poll_of(poll(sleep=sleep), base=HOST).interval == seconds


def test_the_number_of_an_action_is_taken_and_the_host_of_its_link_is_not() -> None:
    links = {"deploymentBase": {"href": "http://inside:8080/DEFAULT/controller/v1/7/deploymentBase/42?c=-1"}}
    found = poll_of(poll(links), base=HOST)
    assert (found.deployment, found.cancellation, found.wants_data) == ("42", "", False)


@pytest.mark.parametrize(
    "link",
    [
        "42",
        {"href": 42},
        {"href": "/deploymentBase/"},
        {"href": "/deploymentBase/4%0a2"},
        {"href": "/cancelAction/42"},
        {"href": "/deploymentBase/" + "9" * 20},
        {"href": "http://[/deploymentBase/1"},
        {"href": "/deploymentBase/\u0664"},
    ],
)
def test_links_that_make_no_sense_are_none(link: object) -> None:
    with pytest.raises(UpdateError, match="as one does"):
        poll_of(poll({"deploymentBase": link}), base=HOST)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b'{"id": "1"}',
        b'{"id": "1", "deployment": {"download": "maybe", "update": "skip", "chunks": []}}',
        b'{"id": "1\\n2", "deployment": {"download": "skip", "update": "skip", "chunks": []}}',
        b'{"id": true, "deployment": {"download": "skip", "update": "skip", "chunks": []}}',
        b'{"id": "1", "deployment": {"download": [], "update": "skip", "chunks": []}}',
        b'{"id": "1", "deployment": {"download": "skip", "update": "skip", "chunks": {}}}',
    ],
)
def test_descriptions_that_make_no_sense_are_none(answer: bytes) -> None:
    with pytest.raises(UpdateError, match="as one does"):
        deployment_of(answer)


def test_a_closed_window_holds_the_installation_even_when_it_is_forced() -> None:
    text = {"download": "forced", "update": "forced", "maintenanceWindow": "unavailable", "chunks": []}
    found = deployment_of(json.dumps({"id": 5, "deployment": text}).encode())
    assert (found.action, found.may_download, found.may_install, found.is_forced) == ("5", True, False, True)


def test_what_is_to_be_stopped_is_read() -> None:
    assert stopped_action(b'{"id": "9", "cancelAction": {"stopId": "8"}}') == "8"
    with pytest.raises(UpdateError, match="as one does"):
        stopped_action(b'{"id": "9"}')


def artifact(name: str, **links: str) -> dict[str, Any]:
    hashes = {"sha256": "AB" * 32}
    return {
        "filename": name,
        "size": 5,
        "hashes": hashes,
        "_links": {kind: {"href": url} for kind, url in links.items()},
    }


def test_the_right_file_is_found_and_its_encrypted_address_preferred() -> None:
    both = {"download": "https://cdn.example/5", "download-http": "http://cdn.example/5"}
    chunks = (
        {"artifacts": [artifact("notes.txt")]},
        {"artifacts": [artifact("other.romz"), artifact("cme3000.romz", **both)]},
    )
    found = artifact_of(chunks, base=HOST)
    assert (found.url, found.size, found.sha256) == ("https://cdn.example/5", 5, "ab" * 32)
    one = ({"artifacts": [artifact("any.romz", **{"download-http": "/file"})]}, "nonsense", {"artifacts": 5})
    assert artifact_of(one, base=HOST).url == "https://fleet.example/file"


@pytest.mark.parametrize("names", [(), ("a.romz", "b.romz"), ("cme3000.romz", "cme3000.romz"), ("a.bin",)])
def test_none_or_several_files_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(UpdateRefused, match="must have one file"):
        artifact_of(({"artifacts": [artifact(name, download="/f") for name in names]},), base=HOST)


def test_the_token_is_sent_with_a_file_of_the_same_server_alone() -> None:
    with web_server() as store:
        seen: list[str | None] = []

        def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
            seen.append(handler.headers.get("Authorization"))
            handler.send_response(200)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        store.answers["/f"] = answer
        chunks = ({"artifacts": [artifact("cme3000.romz", download=f"{store.url}/f")]},)
        for base in (store.url, store.url.replace("127.0.0.1", "localhost")):
            server = DdiServer(base, "T", "D", "secret", on_begin=lambda _: None, on_progress=lambda: None)
            server.open(artifact_of(chunks, base=server.base)).close()
        assert seen == ["TargetToken secret", None]


def test_an_action_that_is_gone_is_let_be(server: FakeHawkbit, rauc: FakeRauc, bench: Bench) -> None:
    server.assign()
    server.answers[f"{BASE}/deploymentBase/17/feedback"] = (410, {}, b"")
    polled_until(bench, lambda: polls(server) > 2, "polls")
    assert all(path != FILE for path, _ in server.asked)
    polled_until(bench, lambda: bench.now.hawkbit == NOTHING, "rest")
    assert rauc.inspected == []
    device = DdiServer(server.url, "DEFAULT", "x", "y", on_begin=lambda _: None, on_progress=lambda: None)
    server.answers["/DEFAULT/controller/v1/x/deploymentBase/1"] = (404, {}, b"")
    with pytest.raises(ActionGone):
        device.deployment("1")


def test_what_the_server_takes_back_is_removed(server: FakeHawkbit, bench: Bench) -> None:
    server.assign(update="skip", maintenanceWindow="unavailable")
    polled_until(bench, lambda: bench.files == ["cme3000.romz"], "the download")
    server.action = ""
    polled_until(bench, lambda: bench.files == [] and bench.now.stage is Stage.IDLE, "its removal")


class Held:
    """Answers half of something, and then waits for the end of the test."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.is_asked, self.may_end = threading.Event(), threading.Event()

    def __call__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(self.head)
        handler.wfile.flush()
        self.is_asked.set()
        self.may_end.wait(20)
        handler.close_connection = True


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"])
def test_a_device_stops_at_once_though_the_server_hangs(address: str, tmp_path: Path, head: bytes) -> None:
    held = Held(head)
    with web_server() as store:
        store.answers["/DEFAULT/controller/v1/d"] = held
        bench = Bench(tmp_path, address)
        bench.settings.set(
            {
                "update.hawkbit_enabled": "on",
                "update.hawkbit_url": store.url,
                "update.hawkbit_device": "d",
                "update.hawkbit_token": "t",
            },
            save=False,
        )
        try:
            with bench.working():
                polled_until(bench, held.is_asked.is_set, "a poll")
                bench.worker.stop(1.5)
        finally:
            held.may_end.set()


def test_somebody_at_the_device_may_end_the_download(server: FakeHawkbit, bench: Bench) -> None:
    held = Held(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BUNDLE) + BUNDLE[:1000])
    with web_server() as store:
        store.answers["/f"] = held
        server.assign(_links={"download": {"href": f"{store.url}/f"}})
        try:
            polled_until(bench, held.is_asked.is_set, "the download")
            bench.wait_for(lambda: bench.now.received == 1000, "some of it")
            bench.updater.discard()
            polled_until(bench, server.messages, "the end")
        finally:
            held.may_end.set()
    assert server.messages() == [("failure", ENDED_HERE)]
    polled_until(bench, lambda: bench.now.hawkbit == REFUSED.format(ENDED_HERE), "the words")
    assert bench.files == []


def test_a_failure_that_nobody_foresaw_does_not_end_the_service(
    server: FakeHawkbit, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: DdiServer) -> None:
        raise ZeroDivisionError

    with managed(Bench(tmp_path, address), server).working() as bench:
        with monkeypatch.context() as patch:
            patch.setattr(DdiServer, "poll", broken)
            polled_until(bench, lambda: bench.now.hawkbit == UNFORESEEN, "the words")
        polled_until(bench, lambda: bench.now.hawkbit == NOTHING, "a good poll")


def test_a_server_with_a_certificate_that_nobody_knows_gets_no_token(address: str, tmp_path: Path) -> None:
    signer = Authority(tmp_path / "authority", "Somebody").signer("fleet")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signer.certificate, signer.key)
    with hawkbit_server() as server:
        listener = server.listener
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        with managed(Bench(tmp_path, address), server).working() as bench:
            polled_until(bench, lambda: "certificate is not trusted" in bench.now.hawkbit, "the refusal")
        assert server.asked == []


def test_an_update_that_has_ended_is_not_begun_again_though_it_is_still_assigned(
    server: FakeHawkbit, bench: Bench
) -> None:
    feedback = f"{BASE}/deploymentBase/17/feedback"
    server.assign(hashes={"sha256": "0" * 64})
    server.answers[feedback] = (200, {}, b"")
    polled_until(bench, lambda: sum(path == feedback for path, _ in server.asked) > 4, "the same report again")
    assert sum(path == FILE for path, _ in server.asked) == 1
