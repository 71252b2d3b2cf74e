"""M-Bus Serial > Monitor: the last telegrams, their explanation, the filter, the files, and the same for programs."""

from __future__ import annotations

import html
import re
import time
from typing import TYPE_CHECKING

import pytest
from markupsafe import escape

from appliance.line.branch import Branch
from appliance.mbus.frame import Control, LongFrame, ShortFrame
from appliance.mbus.stream import octets_of_file, split
from appliance.monitor.line_monitor import MOST_MEMORY
from tests.monitor.pcapng_reader import read
from tests.monitor.rig import ANSWER, REQUEST, Client
from tests.web.rig import HOSTILE, text_of

if TYPE_CHECKING:
    from tests.web.rig import Web

PAGE, ROWS, API = "/serial/monitor", "/serial/monitor/rows", "/api/v1/monitor"
TWO_WIRE = Branch("two-wire", "")


class Line:
    """What goes over the line of the stand-in."""

    def __init__(self, web: Web) -> None:
        self.monitor = web.device.monitor
        self.now = 1000.0
        self.monitor._clock = lambda: self.now + 10  # all has settled
        self.monitor._wall = lambda: self.now + 10 + 1_700_000_000
        self.client = Client()

    def exchange(self, request: bytes = REQUEST, answer: bytes = ANSWER, client: Client | None = None) -> None:
        self.monitor.sent(client or self.client, request, self.now, self.now + 0.023)
        if answer:
            self.monitor.heard(TWO_WIRE, answer, self.now + 0.060)
        self.now += 1


@pytest.fixture
def line(web: Web) -> Line:
    web.set_password()
    return Line(web)


def rows(page: str) -> list[str]:
    return [text_of(re.sub(r"\s+", " ", row)) for row in re.findall(r"<li data-number.*?</li>", page, re.DOTALL)]


@pytest.mark.usefixtures("line")
def test_an_empty_recording_says_so(web: Web) -> None:
    page = web.get(PAGE).text
    assert not rows(page)
    assert "<p data-none>No telegrams yet.</p>" in page
    assert web.get(API).get_json() == {"telegrams": [], "oldest": 1, "next": 0}


def test_request_and_answer_with_time_client_meaning_and_every_byte(web: Web, line: Line) -> None:
    line.exchange()
    page = web.get(PAGE).text
    request, answer = rows(page)
    assert request.startswith("22:30:00.000 192.0.2.7:51512 to the meters REQ_UD2 (request for data)")
    assert "10 5B 05 60 16" in request
    assert answer.startswith("22:30:00.060 two-wire to 192.0.2.7:51512 after 37 ms RSP_UD")
    assert "volume 1.000 m³" in answer
    assert ANSWER.hex(" ").upper() in answer
    bytes_told = re.findall(r"<tr><td><code>(.*?)</code></td><td>(.*?)</td></tr>", page)
    assert bytes.fromhex("".join(octets for octets, _ in bytes_told)) == REQUEST + ANSWER
    assert ("60", "checksum") in bytes_told
    assert " hidden" in page[page.index("<p data-none") :][:20]


def test_french(web: Web, line: Line) -> None:
    line.exchange()
    line.exchange(answer=b"")
    page = web.get(PAGE, headers={"Accept-Language": "fr"}).text
    assert "192.0.2.7:51512 vers les compteurs" in rows(page)[0]
    assert "deux fils vers 192.0.2.7:51512 après 37 ms" in rows(page)[1]
    assert "pas de réponse" in rows(page)[2]


def test_what_is_no_frame_is_told_with_the_reason(web: Web, line: Line) -> None:
    line.exchange(answer=ANSWER[:-1])
    line.exchange(answer=b"")
    _, damaged, unanswered = rows(web.get(PAGE).text)
    assert "no frame: too short" in damaged
    assert ANSWER[:-1].hex(" ").upper() in damaged
    assert "no answer" in unanswered


def test_the_page_has_the_last_fifty_the_newest_last(web: Web, line: Line) -> None:
    for address in range(100):
        line.exchange(bytes(ShortFrame(Control.REQ_UD2, address)), b"")
    found = rows(web.get(PAGE).text)
    assert len(found) == 50
    assert "primary address 50" in found[0]
    assert "primary address 99" in found[-1]


def test_the_filter(web: Web, line: Line) -> None:
    other = Client("192.0.2.99:7")
    line.exchange()
    line.exchange(bytes(ShortFrame(Control.SND_NKE, 8)), b"\xe5", other)
    line.exchange(bytes(ShortFrame(Control.SND_NKE, 9)), b"\xe5", Client("x", in_background=True))
    assert len(rows(web.get(PAGE).text)) == 6
    for query, wanted in (
        ("client=192.0.2.99", [2, 3]),
        ("client=192.0.2.", [0, 1, 2, 3]),
        ("client=the device", [4, 5]),
        ("address=8", [2, 3]),
        ("address=008", [2, 3]),
        ("address=5&client=192.0.2.99", []),
        ("address=x", []),
    ):
        everything, found = rows(web.get(PAGE).text), rows(web.get(f"{PAGE}?{query}").text)
        assert found == [everything[place] for place in wanted], query
        assert rows(web.get(f"{ROWS}?{query}").text) == found
        text = web.get(f"{PAGE}/text?{query}").text
        assert len(text.splitlines()) == len(wanted) + 1
        assert len(read(web.get(f"{PAGE}/pcapng?{query}").data).packets) == len(wanted)
    page = web.get(f"{PAGE}?address=8&client=192.0.2.99").text
    assert html.unescape(page).count("client=192.0.2.99&address=8") == 3  # the links ask for the same
    assert 'name="address" value="8"' in page


def test_the_script_gets_what_came_since(web: Web, line: Line) -> None:
    line.exchange()
    first = web.get(ROWS)
    assert len(rows(first.text)) == 2
    newest = int(first.headers["Monitor-Newest"])
    assert rows(web.get(f"{ROWS}?after={newest}").text) == []
    line.exchange()
    second = web.get(f"{ROWS}?after={newest}")
    assert len(rows(second.text)) == 2
    assert int(second.headers["Monitor-Newest"]) == 2 * newest
    # A filter that nothing fits does not have the same looked at again and again.
    assert web.get(f"{ROWS}?after={newest}&address=77").headers["Monitor-Newest"] == str(2 * newest)
    for _ in range(150):
        line.exchange()
    assert len(rows(web.get(ROWS).text)) == 200
    assert web.get(f"{ROWS}?after=-5").status_code == 200
    assert web.get(f"{ROWS}?after=x").status_code == 200


def test_the_files(web: Web, line: Line) -> None:
    for _ in range(120):  # more than one lump
        line.exchange()
    text, capture = web.get(f"{PAGE}/text"), web.get(f"{PAGE}/pcapng")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert re.search(r'filename="cme3000-[a-z0-9-]*line-\d{4}-\d\d-\d\d\.txt"', text.headers["Content-Disposition"])
    assert [piece.octets for piece in split(octets_of_file(text.data))] == [REQUEST, ANSWER] * 120
    assert capture.headers["Content-Type"] == "application/x-pcapng"
    assert capture.headers["Content-Disposition"].endswith('.pcapng"')
    assert [packet.data[12:] for packet in read(capture.data).packets] == [REQUEST, ANSWER] * 120


def test_hostile_octets_and_names_are_shown_as_text(web: Web, line: Line) -> None:
    text = b"<script>alert(1)</script>\r\n\x00"
    record = b"\x0d\xfd\x0c" + bytes([len(text)]) + text[::-1]
    head = bytes.fromhex("78563412a511330701000000")
    line.exchange(answer=bytes(LongFrame(Control.RSP_UD, 5, 0x72, head + record)), client=Client(HOSTILE))
    line.exchange(answer=text)
    for path in (PAGE, ROWS, f"{PAGE}?client={'%3Cscript%3E' * 30}&address=%22%3E%3Cscript%3E"):
        page = web.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert '"><script>' not in page.text
    assert str(escape("<script>alert(1)</script>")) in web.get(PAGE).text
    told = web.get(f"{PAGE}/text").text
    assert len(told.splitlines()) == 5
    assert "\u202e" not in told
    assert read(web.get(f"{PAGE}/pcapng").data).packets
    assert web.get(API).get_json()["telegrams"][1]["is_frame"]


def test_programs_get_pages_by_number(web: Web, line: Line) -> None:
    for address in range(120):
        line.exchange(bytes(ShortFrame(Control.REQ_UD2, address)), b"\xe5")
    body = web.get(API).get_json()
    assert len(body["telegrams"]) == 100
    assert body["telegrams"][-1]["number"] == body["next"] == 120 * 6
    assert body["oldest"] == 1
    found, after = [], 0
    while page := web.get(f"{API}?after={after}&limit=77").get_json()["telegrams"]:
        assert len(page) <= 77
        found += page
        after = page[-1]["number"]
    assert [one["number"] for one in found] == sorted({one["number"] for one in found})
    assert len(found) == 240
    assert found[2] == {
        "number": 7,
        "at": 1_700_001_001.0,
        "direction": "to_meters",
        "party": "192.0.2.7:51512",
        "branch": "",
        "octets": bytes(ShortFrame(Control.REQ_UD2, 1)).hex(),
        "is_frame": True,
        "address": 1,
        "delay": None,
        "meaning": "REQ_UD2 (request for data), frame count bit 0, primary address 1",
        "notes": [],
    }
    assert found[3]["delay"] == pytest.approx(0.037)
    assert (found[3]["direction"], found[3]["branch"], found[3]["address"]) == ("from_meters", "two-wire", 1)
    nothing = web.get(f"{API}?after=720").get_json()
    assert nothing == {"telegrams": [], "oldest": 1, "next": 720}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=", "after=-1", "after=1.5", f"after={'9' * 40}", "after=²"]
)
@pytest.mark.usefixtures("line")
def test_a_page_that_there_cannot_be(web: Web, query: str) -> None:
    answer = web.get(f"{API}?{query}")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_a_full_recording_of_the_worst_kind_is_shown_in_time(web: Web, line: Line) -> None:
    for _ in range(MOST_MEMORY // 4096):
        line.monitor.heard(TWO_WIRE, b"\xe5" * 4096, line.now)
    began = time.thread_time()
    assert len(rows(web.get(PAGE).text)) == 50
    assert len(rows(web.get(ROWS).text)) == 200
    assert not rows(web.get(f"{PAGE}?address=7").text)
    assert len(web.get(f"{API}?limit=500").get_json()["telegrams"]) == 500
    assert time.thread_time() - began < 5
