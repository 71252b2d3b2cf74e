"""What people ask of the firmware: carried out, refused with a reason, and not for everybody."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import appliance.update
from appliance.errors import RebootError, UpdateBusy, UpdateError, UpdateRefused
from appliance.settings import FactoryVariant
from appliance.supervision.restart import Kind
from appliance.update.rules import NAME
from appliance.update.snapshot import Stage
from appliance.web.languages import Languages, use
from appliance.web.update_words import update_text
from tests.web.firmware_rig import form_body, sent, uploaded
from tests.web.rig import Web, banners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

    from appliance.web.languages import Languages
    from tests.web.rig import Web

PAGE = "/system/firmware"
ACTIONS = ("upload", "fetch", "install", "discard", "check", "reboot")


@pytest.fixture(autouse=True)
def _owned(web: Web) -> None:
    web.set_password()
    web.device.updater.be()


REFUSED = UpdateRefused('The file must be called cme3000.romz, not "a.bin".')
BUSY = UpdateBusy("Another update is being installed.")
BROKEN = UpdateError("The file could not be stored: Input/output error.")
CALLS: dict[str, dict[str, str]] = {
    "fetch": {"url": "https://h.example/cme3000.romz"},
    "install": {"version": "1.2.0", "confirm_downgrade": "yes"},
    "discard": {},
    "check": {},
}


@pytest.mark.parametrize(("trouble", "status"), [(REFUSED, 422), (BUSY, 409), (BROKEN, 500)])
@pytest.mark.parametrize("action", ["upload", "send", *CALLS])
def test_a_refusal_is_told_on_the_page(web: Web, action: str, trouble: Exception, status: int) -> None:
    web.device.updater.trouble = trouble
    uploads: dict[str, Callable[..., TestResponse]] = {"upload": uploaded, "send": sent}
    answer = uploads[action](web) if action in uploads else web.post(f"{PAGE}/{action}", CALLS[action])
    assert answer.status_code == status
    assert str(trouble) in banners(answer.text)
    if action == "fetch":
        assert 'value="https://h.example/cme3000.romz"' in answer.text


def test_what_people_ask_for_reaches_the_updater(web: Web) -> None:
    for action, fields in CALLS.items():
        answer = web.post(f"{PAGE}/{action}", fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    web.post(f"{PAGE}/install", {"version": "1.2.0"})
    assert web.device.updater.done == [
        ("fetch", "https://h.example/cme3000.romz"),
        ("install", "1.2.0", True),
        ("discard",),
        ("check",),
        ("install", "1.2.0", False),
    ]


def test_a_blank_address_and_no_file(web: Web) -> None:
    answer = web.post(f"{PAGE}/fetch", {"url": "  "})
    assert (answer.status_code, "Type the address" in banners(answer.text)) == (400, True)
    answer = uploaded(web, name="")
    assert (answer.status_code, "Choose a file first" in banners(answer.text)) == (400, True)
    assert web.device.updater.done == []


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_else_can_ask_for_it(web: Web, action: str) -> None:
    path, environ = f"{PAGE}/{action}", web.environ()
    form = form_body("nobody's", NAME, b"x")
    kind = "multipart/form-data; boundary=Xy"
    assert web.client.post(path, data=form, content_type=kind, environ_overrides=environ).status_code == 403
    headers = {"X-Form-Token": web.token()}
    assert web.client.post(path, headers=headers).status_code == 403
    foreign = {**headers, "Origin": "http://evil.example"}
    assert web.client.post(path, headers=foreign, environ_overrides=environ).status_code == 403
    assert web.get(path).status_code in (404, 405)
    web.now += 13 * 3600
    late = web.client.post(path, headers=headers, environ_overrides=environ)
    assert (late.status_code, "open for so long" in late.text) == (403, True)
    assert (web.device.updater.done, web.device.reboots) == ([], [])


def test_nothing_of_it_before_the_factory_password_is_replaced(web: Web) -> None:
    web.device.settings.reset(FactoryVariant.DHCP)
    for action in ACTIONS:
        answer = web.post(f"{PAGE}/{action}") if action != "upload" else uploaded(web)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/password")
    assert (web.device.updater.done, web.device.reboots) == ([], [])


def test_the_reboot_waits_for_the_page_of_the_firmware(web: Web) -> None:
    for stage in set(Stage) - {Stage.INSTALLED}:
        web.device.updater.be(stage)
        answer = web.post(f"{PAGE}/reboot")
        assert (answer.status_code, "nothing to start" in banners(answer.text)) == (409, True)
    web.device.updater.be(Stage.INSTALLED)
    answer = web.post(f"{PAGE}/reboot")
    assert answer.status_code == 200
    assert 'data-seconds="60"' in answer.text
    assert f'data-back-to="{PAGE}"' in answer.text
    assert web.device.reboots == [(Kind.UPDATE, "asked for by admin on the web pages, to start new firmware")]
    web.device.trouble = RebootError(28, "cannot ask for a reboot: No space left on device")
    answer = web.post(f"{PAGE}/reboot")
    assert (answer.status_code, "No space left" in answer.text) == (500, True)


UPDATES = Path(appliance.update.__file__).parent
SPEAKERS = {"UpdateError", "UpdateRefused", "UpdateBusy", "InstallerGone", "Outcome"}
MADE_OF_PIECES = {"fetching.py", "proving.py", "installation.py"}
"""Files with sentences whose parts are sentences; those are told apart in the test behind."""


def sentences() -> Iterator[str]:
    """Give all that the room of the updates says to people, an `x` for each part that is filled in."""
    for path in sorted(UPDATES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                found: ast.expr = node.value
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in SPEAKERS
                and node.args
            ):
                found = node.args[0]
                if isinstance(found, ast.JoinedStr) and path.name in MADE_OF_PIECES:
                    continue
            else:
                continue
            text = spelled(found)
            if re.match(r"[A-Z].* .*\.$", text):
                yield text


def spelled(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(spelled(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "x"


@pytest.fixture
def french(web: Web) -> Iterator[None]:
    languages: Languages = web.app.extensions["cme3000"].languages
    with web.app.test_request_context("/"):
        use(languages.all["fr"])
        yield


@pytest.mark.usefixtures("french")
def test_every_sentence_of_the_updates_has_its_french() -> None:
    found = set(sentences())
    assert len(found) > 40
    assert {text for text in found if update_text(text) == text} == set()


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'The file must be called cme3000.romz, not "a.bin".',
            'Le fichier doit s\'appeler cme3000.romz, et non "a.bin".',
        ),
        (
            "h.example cannot be reached: it does not answer in time.",
            "h.example est injoignable : il ne répond pas à temps.",
        ),
        (
            "h.example broke off: its certificate is not trusted (too old).",
            "h.example a interrompu le transfert : son certificat n'est pas reconnu (too old).",
        ),
        (
            "Version 1.2.0 could not be installed. The firmware is not signed.",
            "La version 1.2.0 n'a pas pu être installée. Le firmware n'est pas signé.",
        ),
        (
            "Version 1.2.0 did not come up (three tries). The device runs 1.1.0 again.",
            "La version 1.2.0 n'a pas démarré (trois tentatives). L'appareil fonctionne de nouveau avec 1.1.0.",
        ),
        (
            "Version 1.2.0 did not come up. The device runs 1.1.0 again.",
            "La version 1.2.0 n'a pas démarré. L'appareil fonctionne de nouveau avec 1.1.0.",
        ),
        ("Version 1.2.0 was installed in place of 1.1.0.", "La version 1.2.0 a été installée à la place de 1.1.0."),
        ("Copying image to rootfs.1 done.", "Copie de l'image vers rootfs.1 : fait."),
        (
            "The last update that hawkBit assigned was not installed. The firmware is not signed.",
            "La dernière mise à jour attribuée par hawkBit n'a pas été installée. Le firmware n'est pas signé.",
        ),
        ("h.example answers 500.", "h.example répond 500."),
        ("Something new.", "Something new."),
        ("", ""),
    ],
)
def test_what_is_made_of_pieces_is_translated_in_pieces(text: str, told: str) -> None:
    assert update_text(text) == told
