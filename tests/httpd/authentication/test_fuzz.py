"""Whatever stands in the header, the answer is 401 (or 429), and nothing breaks."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.httpd.authentication.throttle import Throttle
from appliance.settings import DirectiveType
from tests.httpd.authentication.rig import Rig, digester, directive

if TYPE_CHECKING:
    import pytest

EXAMPLES = 1000
NEEDED = ("username", "realm", "nonce", "uri", "response", "algorithm", "opaque", "qop", "nc", "cnonce")
FIELDS = (*NEEDED, "username*", "userhash", "charset", "x")

header_text = st.text(st.characters(max_codepoint=255))
value = st.one_of(
    header_text,
    header_text.map(lambda text: f'"{text}"'),
    st.sampled_from(
        ["auth", "MD5", "SHA-256", "00000001", "UTF-8''%41", '"anna"', '"config"', '"/"', '"', "", "\\", "="]
    ),
)
garbage = st.one_of(
    header_text,
    st.text(),
    header_text.map("Basic ".__add__),
    header_text.map("Digest ".__add__),
    st.binary().map(lambda octets: "Basic " + base64.b64encode(octets).decode()),
    st.lists(st.tuples(st.sampled_from(FIELDS), value)).map(
        lambda pairs: "Digest " + ",".join(f"{name}={text}" for name, text in pairs)
    ),
)


def test_garbage_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    rigs = {
        kind: Rig(tmp_path_factory.mktemp("rig"), directive(type=kind))
        for kind in (DirectiveType.BASIC, DirectiveType.DIGEST)
    }

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(header=garbage)
    def refused(header: str) -> None:
        for rig in rigs.values():
            rig.gate._desk.throttle = Throttle()  # else most would be refused unseen
            assert rig.ask("/", header).status == 401

    refused()


def test_a_right_answer_with_anything_changed_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    rig = Rig(tmp_path_factory.mktemp("rig"))
    # These say nothing that is not said elsewhere, or may be written in more than one way.
    harmless = {"algorithm", "qop"}

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(name=st.sampled_from(NEEDED), text=value)
    def refused(name: str, text: str) -> None:
        rig.gate._desk.throttle = Throttle()
        client = digester(rig)
        right = client.answer(count=1)
        changed = client.answer(count=1, changes={name: text})
        answer = rig.ask("/", changed)
        if name in harmless and text.strip('"').upper() in ("AUTH", "SHA-256"):
            return
        if changed.replace('"', "").replace("\\", "") == right.replace('"', "").replace("\\", ""):
            return
        assert answer.status == 401

    refused()
