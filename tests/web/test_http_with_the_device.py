"""The pages of HTTP on a whole device: each change has its effect on the sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from appliance.certificate import making
from appliance.settings import http
from tests.appliance_rig import Appliance, running
from tests.web.rig import cells
from tests.web.visitor import directive, directives, trusting, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.httpd.statistics import HttpSnapshot

ROOT = {"uri": "/", "realm": "config"}


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def server(appliance: Appliance) -> HttpSnapshot:
    assert appliance.device.http is not None
    return appliance.device.http.snapshot()


def refuses(port: int | None) -> bool:
    with contextlib.closing(socket.socket()) as client:
        client.settimeout(5)
        return client.connect_ex(("127.0.0.1", port)) != 0


@contextlib.contextmanager
def device(folder: Path, *more: dict[str, object], **settings: str) -> Iterator[Appliance]:
    with running(folder, http__https_port="0", http__authentication=directives(*more), **settings) as appliance:
        yield appliance


def test_the_port_moves_under_the_page(tmp_path: Path) -> None:
    with device(tmp_path) as appliance, visiting(server(appliance).http_port) as visitor:
        old, new = server(appliance).http_port, free_port()
        page = visitor.post("/http/configuration", http__port=str(new))
        url = f"http://127.0.0.1:{new}/http/configuration"
        assert f'<a href="{url}">' in page.text
        assert server(appliance).http_port == old
        page = visitor.post("/http/configuration", http__port=str(new), confirmed=page.field("confirmed"))
        assert (page.status, page.headers["Refresh"]) == (200, f"2; url={url}")
        assert f'href="{url}"' in page.text
        assert server(appliance).http_port == new
        assert appliance.settings.saved[http.PORT] == new
        assert refuses(old)
        assert visitor.get("/").status == 200  # the connection that was open goes on
        with visiting(new) as follower:
            assert dict(cells(follower.get("/http/configuration").text))["HTTP port"] == str(new)


def test_a_port_that_is_taken_is_an_error_on_the_form(tmp_path: Path) -> None:
    with (
        contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other,
        device(tmp_path) as appliance,
        visiting(server(appliance).http_port) as visitor,
    ):
        taken = str(other.getsockname()[1])
        page = visitor.post("/http/configuration", http__port=taken)
        page = visitor.post("/http/configuration", http__port=taken, confirmed=page.field("confirmed"))
        assert page.status == 400
        assert 'id="http-port-error"' in page.text
        assert f'name="http.port" value="{taken}"' in page.text
        assert visitor.get("/").status == 200


def test_https_from_the_first_certificate_to_the_last(tmp_path: Path) -> None:
    with device(tmp_path) as appliance, visiting(server(appliance).http_port) as visitor:
        assert server(appliance).https_port is None
        assert visitor.post("/http/certificate/generate", names="127.0.0.1").status == 303
        shown = dict(cells(visitor.get("/http/certificate").text))["SHA-256 fingerprint"]
        with visiting(server(appliance).https_port, secure=True) as secure:
            assert secure.get("/http/certificate").status == 200
            assert secure.fingerprint() == shown.replace(":", "")

            # Another certificate is shown to the next client.
            pem = making.self_signed(["brought.example"])
            token = secure.get("/password").field("form_token")
            assert secure.post_files("/http/certificate/install", token=token, certificate=pem).status == 303
            shown = dict(cells(secure.get("/http/certificate").text))["SHA-256 fingerprint"]
            assert secure.fingerprint() != shown.replace(":", "")
            with visiting(server(appliance).https_port, secure=True) as newcomer:
                assert newcomer.get("/").status == 200
                assert newcomer.fingerprint() == shown.replace(":", "")

            # A version that is switched off is refused.
            assert secure.post("/http/configuration", http__tls_1_2="off").status == 303
            port = server(appliance).https_port
            with socket.create_connection(("127.0.0.1", port), 10) as plain, pytest.raises(ssl.SSLError):
                trusting(highest=ssl.TLSVersion.TLSv1_2).wrap_socket(plain)
            with (
                socket.create_connection(("127.0.0.1", port), 10) as plain,
                trusting(lowest=ssl.TLSVersion.TLSv1_3).wrap_socket(plain) as wrapped,
            ):
                assert wrapped.version() == "TLSv1.3"

            # The port moves under the page.
            old, new = server(appliance).https_port, free_port()
            page = secure.post("/http/configuration", http__https_port=str(new))
            page = secure.post("/http/configuration", http__https_port=str(new), confirmed=page.field("confirmed"))
            assert page.headers["Refresh"] == f"2; url=https://127.0.0.1:{new}/http/configuration"
            assert refuses(old)
        with visiting(new, secure=True) as secure:
            # Without the certificate HTTPS ends, and the answer leads on.
            assert "HTTPS ends at once" in secure.get("/http/certificate/remove").text
            page = secure.post("/http/certificate/remove")
            assert page.headers["Refresh"] == f"2; url=http://127.0.0.1:{server(appliance).http_port}/http/certificate"
        assert server(appliance).https_port is None
        assert refuses(new)


def test_an_upload_of_a_certificate_is_not_for_max_bytes_to_refuse(tmp_path: Path) -> None:
    with device(tmp_path, http__max_bytes="1024") as appliance, visiting(server(appliance).http_port) as visitor:
        token = visitor.get("/password").field("form_token")
        pem = making.self_signed(["a.example"]) + b"# remark\n" * 1000
        assert visitor.post_files("/http/certificate/install", token=token, certificate=pem).status == 303
        page = visitor.post_files("/http/certificate/install", token=token, certificate=b"MZ" + bytes(70_000))
        assert page.status == 400
        assert "bytes of certificates and key are too many" in page.text
        page = visitor.post_files("/http/certificate/install", token=token, certificate=bytes(300_000))
        assert page.status == 413
        facts = appliance.device.certificate.facts()
        assert facts is not None
        assert facts.names == ("a.example",)


def test_switched_off_the_last_answer_still_comes(tmp_path: Path) -> None:
    with device(tmp_path) as appliance, visiting(server(appliance).http_port) as visitor:
        port = server(appliance).http_port
        page = visitor.post("/http/configuration", http__enabled="off")
        page = visitor.post("/http/configuration", http__enabled="off", confirmed=page.field("confirmed"))
        assert page.status == 200
        assert "The web server is off" in page.text
        assert refuses(port)
        assert server(appliance).state == "Off"


def test_counters_count_and_the_log_has_the_new_format(tmp_path: Path) -> None:
    with device(tmp_path) as appliance, visiting(server(appliance).http_port) as visitor:
        before = dict(cells(visitor.get("/http/statistics").text))
        for _ in range(3):
            visitor.get("/nix")
        after = dict(cells(visitor.get("/http/statistics").text))
        assert int(after["404 Not found"]) == int(before["404 Not found"]) + 3
        assert int(after["Rx bytes"]) > int(before["Rx bytes"])
        assert int(after["Tx bytes"]) > int(before["Tx bytes"])
        assert visitor.post("/http/configuration", http__log_format="new %m %U %s %u").status == 303
        visitor.get("/nix?<b>")
        page = visitor.get("/http/log").text
        assert page.index("<li>new GET /nix 404 admin</li>") < page.index("<li>new POST /http/configuration 303 admin")
        assert visitor.get("/http/log/download").text.endswith("new GET /nix 404 admin\nnew GET /http/log 200 admin\n")
        assert visitor.post("/http/log/clear").status == 303
        assert "/nix" not in visitor.get("/http/log").text


def test_directives_protect_and_users_go(tmp_path: Path) -> None:
    with device(tmp_path) as appliance, visiting(server(appliance).http_port) as visitor:
        port, password = server(appliance).http_port, "quatre compteurs"
        form = {"uri": "/serial", "realm": "plant", "type": "digest", "name": "bob", "new": password, "again": password}
        assert visitor.post("/http/authentication/add", **form).status == 303
        assert visitor.get("/serial/statistics").status == 401
        assert visitor.get("/serial").status == 401
        assert visitor.get("/tunnel/statistics").status == 200
        page = visitor.post("/http/authentication/delete/serial")
        assert visitor.post("/http/authentication/confirm", pending=page.field("pending")).status == 303
        assert visitor.get("/serial/statistics").status == 200

        again = "trois compteurs d'eau"
        assert visitor.post("/http/authentication/add-user/", name="eve", new=again, again=again).status == 303
        with visiting(port, name="eve") as eve:
            assert "(you)" in eve.get("/http/authentication").text
            page = visitor.post("/http/authentication/delete-user/", name="eve")
            assert eve.get("/").status == 200
            assert visitor.post("/http/authentication/confirm", pending=page.field("pending")).status == 303
            assert eve.get("/").status == 401


def test_the_last_way_in_asks_first_and_then_is_gone(tmp_path: Path) -> None:
    more = directive("/status", "bob")
    with device(tmp_path, more) as appliance, visiting(server(appliance).http_port) as visitor:
        page = visitor.post("/http/authentication/directive/", uri="/", realm="config", type="ssl/basic")
        assert page.status == 200
        assert "nobody can enter. Only the factory reset button would undo it" in page.text
        assert visitor.get("/").status == 200
        assert visitor.post("/http/authentication/confirm", pending=page.field("pending")).status == 303
        assert visitor.get("/http/authentication").status == 403
