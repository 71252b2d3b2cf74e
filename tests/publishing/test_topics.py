"""Topics are such that every broker takes them, whatever names are in them."""

from __future__ import annotations

from hypothesis import given, strategies

from appliance.publishing.topics import LONGEST, Topics, level_of

ANYTHING = strategies.text(max_size=300) | strategies.sampled_from(
    ("", "/", "+", "#", "$SYS", "a/b", "\0", "\ud800", "../..", "é", "\u202e", " " * 100)
)


@given(ANYTHING, ANYTHING)
def test_a_topic_has_its_levels_and_nothing_else(device: str, place: str) -> None:
    topics = Topics("site/cellar", device)
    for topic, levels in ((topics.availability, 4), (topics.reading(place), 6)):
        parts = topic.split("/")
        assert len(parts) == levels
        assert all(parts)
        assert topic.isascii()
        assert topic.isprintable()
        assert not set(topic) & set("+# ")
        assert not topic.startswith("$")
        assert len(topic) < 65_536


@given(ANYTHING)
def test_a_level_is_one_and_stays_so(text: str) -> None:
    level = level_of(text)
    assert 1 <= len(level) <= LONGEST
    assert "/" not in level
    assert level_of(level) == level


def test_plain_names_stay() -> None:
    assert level_of("00000000feedbeef") == "00000000feedbeef"
    assert level_of("pump-house.7_b") == "pump-house.7_b"
    assert Topics("cme3000", "x").reading("12345678") == "cme3000/x/meter/12345678/reading"
