"""A bundle reaches the updater as it comes, from form and script; what is no form is refused."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from appliance.update.rules import NAME
from appliance.web import bundle_upload
from tests.web.firmware_rig import CONTENT, form_body, sent, uploaded

if TYPE_CHECKING:
    from tests.web.rig import Web

PAGE = "/system/firmware"


@pytest.fixture(autouse=True)
def _owned(web: Web) -> None:
    web.set_password()
    web.device.updater.be()


def test_a_form_s_file_goes_to_the_updater_as_it_comes(web: Web) -> None:
    answer = uploaded(web)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert web.device.updater.done == [("receive", NAME, None)]
    assert web.device.updater.content == CONTENT
    assert "is checked now" in web.get(PAGE).text


def test_a_form_s_file_is_never_kept_by_the_parser_of_forms(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would lie in memory on the device."""
    monkeypatch.setattr("werkzeug.formparser.FormDataParser.parse", lambda *_: pytest.fail("the form was parsed"))
    assert uploaded(web, content=b"x" * 2_000_000).status_code == 303
    assert len(web.device.updater.content) == 2_000_000


def test_the_script_s_file_is_the_whole_body(web: Web) -> None:
    answer = sent(web)
    assert (answer.status_code, answer.data) == (204, b"")
    assert web.device.updater.done == [("receive", NAME, len(CONTENT))]
    assert web.device.updater.content == CONTENT
    sent(web, path=f"{PAGE}/upload", headers={"X-File-Name": "other.bin"})
    assert web.device.updater.done[-1] == ("receive", "other.bin", len(CONTENT))


@pytest.mark.parametrize("piece", [b"\r", b"\n", b"\r\n", b"-", b"\r\n--X", b"\0"])
def test_no_content_is_taken_for_the_end_of_the_form(web: Web, piece: bytes) -> None:
    for length in (0, 1, 65_535, 65_536, 65_537, 200_000):
        content = (piece * length)[:length]
        assert uploaded(web, content=content).status_code == 303
        assert web.device.updater.content == content


TOKEN = b'--Xy\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n%s\r\n'
FILE = b'--Xy\r\nContent-Disposition: form-data; name="file"; filename="cme3000.romz"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 403),
        (b"nothing of a form", 400),
        (TOKEN + b"--Xy--\r\n", 400),
        (TOKEN + b'--Xy\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--Xy--\r\n', 400),
        (TOKEN + b"--Xy\r\nX: y\r\n\r\n\r\n--Xy--\r\n", 400),
        (FILE + b"abc\r\n" + TOKEN + b"--Xy--\r\n", 403),
        (b'--Xy\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 100_000 + b"\r\n" + TOKEN + FILE, 413),
        (b'--Xy\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 40 + TOKEN + FILE, 413),
        (b"--Xy\r\nX: " + b"y" * 400_000, 413),
    ],
)
def test_a_form_that_is_none(web: Web, body: bytes, status: int) -> None:
    answer = web.client.post(
        f"{PAGE}/upload",
        data=body.replace(b"%s", web.token().encode()),
        content_type="multipart/form-data; boundary=Xy",
        environ_overrides=web.environ(),
    )
    assert answer.status_code == status
    assert web.device.updater.done == []


def test_a_form_without_a_boundary_or_of_another_kind(web: Web) -> None:
    for kind, status in (("multipart/form-data", 400), ("text/plain", 403), ("application/json", 403)):
        answer = web.client.post(f"{PAGE}/upload", data=b"x", content_type=kind, environ_overrides=web.environ())
        assert answer.status_code == status, kind
    assert web.device.updater.done == []


def test_a_form_that_ends_in_its_file_breaks_off(web: Web) -> None:
    body = TOKEN.replace(b"%s", web.token().encode()) + FILE + b"abc"
    environ = {**web.environ(), "wsgi.input_terminated": True}
    with web.app.test_request_context(
        f"{PAGE}/upload",
        method="POST",
        data=body,
        content_type="multipart/form-data; boundary=Xy",
        environ_overrides=environ,
    ):
        found = bundle_upload.bundle()
        assert found is not None
        with pytest.raises(OSError, match="ends in its file"):
            found.stream.read(10)


@pytest.mark.parametrize("size", [1, 7, 65_535, 200_000])
def test_the_file_can_be_read_in_pieces_of_any_size(web: Web, size: int) -> None:
    content = CONTENT[: 3_000 * size][-100_000:]
    environ = {**web.environ(), "wsgi.input_terminated": True}
    with web.app.test_request_context(
        f"{PAGE}/upload",
        method="POST",
        data=form_body("", NAME, content),
        content_type="multipart/form-data; boundary=Xy",
        environ_overrides=environ,
    ):
        found = bundle_upload.bundle()
        assert found is not None
        stream = found.stream
        assert isinstance(stream, io.BufferedReader)
        raw = stream.raw  # past the buffer, which asks for much at once
        assert b"".join(iter(lambda: raw.read(size), b"")) == content
        assert stream.read(1) == b""
