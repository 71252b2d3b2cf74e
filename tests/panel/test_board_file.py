"""The board file: what it may say, and what becomes of mistakes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from appliance.panel.board_file import DEFAULT, LARGEST, Input, Output, PinMap, Pull, read_board_file

SHIPPED = Path(__file__).parents[2] / "image/root/etc/cme3000/board.toml"


def read(folder: Path, text: str | bytes) -> tuple[PinMap, tuple[str, ...]]:
    file = folder / "board.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_board_file(file)


def test_the_shipped_file_is_the_built_in_default_and_names_every_function(tmp_path: Path) -> None:
    assert read_board_file(SHIPPED) == (DEFAULT, ())
    text = SHIPPED.read_text()
    for field in fields(PinMap):  # each line is read, not just equal to what would be there without it
        changed = text.replace(f"\n{field.name} = {{", f'\n{field.name} = "none" #')
        pins, complaints = read(tmp_path, changed)
        assert getattr(pins, field.name) is None
        assert complaints == ()


def test_a_missing_file_is_the_default_without_complaint(tmp_path: Path) -> None:
    assert read_board_file(tmp_path / "none") == (DEFAULT, ())


def test_everything_can_be_changed(tmp_path: Path) -> None:
    pins, complaints = read(
        tmp_path,
        """
        link_led = "none"
        power_led = { gpio = 5, active_high = false }
        [button]
        gpio = 6
        active_high = true
        pull = "down"
        [short_circuit]
        pull = "none"
        """,
    )
    assert complaints == ()
    assert pins == replace(
        DEFAULT,
        link_led=None,
        power_led=Output(5, False),
        button=Input(6, True, Pull.DOWN),
        short_circuit=Input(25, False, Pull.NONE),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("led = 1", "led = 1"),
        ("power_led = 17", "power_led = 17"),
        ('power_led = "off"', 'power_led = "off"'),
        ("[power_led]\ncolour = 'red'", 'power_led.colour = "red"'),
        ("power_led.pull = 'up'", 'power_led.pull = "up"'),
        ("power_led.gpio = 28", "power_led.gpio = 28"),
        ("power_led.gpio = -1", "power_led.gpio = -1"),
        ("power_led.gpio = '17'", 'power_led.gpio = "17"'),
        ("power_led.gpio = true", "power_led.gpio = true"),
        ("power_led.gpio = 17.0", "power_led.gpio = 17.0"),
        ("power_led.gpio = 14", "serial port"),
        ("power_led.gpio = 15", "power_led.gpio = 15"),
        ("power_led.gpio = 0x" + "f" * 9000, "power_led.gpio = 0xfff"),
        ("power_led.active_high = 1", "power_led.active_high = 1"),
        ("button.pull = 'UP'", 'button.pull = "UP"'),
        ("button.pull = {}", "button.pull = a table"),
        ("button.pull = []", "button.pull = a list"),
        ('"\\u0007\\n" = 1', "\\x07\\n = 1"),
        ("what is this", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        ("a" + ".a" * 50_000 + " = 1", "larger than"),
        ("a." * 5000 + "a = 1", "cannot be read"),
        ("#" * (LARGEST + 1), "larger than"),
    ],
)
def test_a_mistake_is_named_and_the_default_used(tmp_path: Path, text: str | bytes, said: str) -> None:
    pins, complaints = read(tmp_path, text)
    assert pins == DEFAULT
    assert len(complaints) == 1
    assert said in complaints[0]
    assert len(complaints[0]) < 250
    assert complaints[0].isprintable()


def test_what_is_right_beside_a_mistake_is_used_and_every_mistake_named(tmp_path: Path) -> None:
    pins, complaints = read(tmp_path, "button = { gpio = 5, pull = 3, active_high = true }\nerror_led.gpio = 99")
    assert pins == replace(DEFAULT, button=Input(5, True, Pull.UP))
    assert [complaint.partition(" is ")[0] for complaint in complaints] == [
        "board file: error_led.gpio = 99",
        "board file: button.pull = 3",
    ]


def test_of_two_functions_on_one_gpio_the_later_is_not_fitted(tmp_path: Path) -> None:
    pins, complaints = read(tmp_path, "button.gpio = 17")
    assert pins == replace(DEFAULT, button=None)
    assert complaints == ("board file: button.gpio = 17 is not allowed; power_led has it; button counts as not fitted",)


def test_a_folder_in_place_of_the_file_and_a_name_that_cannot_be_are_complaints(tmp_path: Path) -> None:
    assert "cannot be read" in read_board_file(tmp_path)[1][0]
    assert "cannot be read" in read_board_file(Path("a\0b"))[1][0]


VALUES = st.recursive(
    st.integers(-5, 40) | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["up", "none", "down"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from([field.name for field in fields(PinMap)]) | st.text(max_size=4)
TABLES = st.dictionaries(st.sampled_from(["gpio", "active_high", "pull"]) | st.text(max_size=3), VALUES, max_size=4)


@given(st.dictionaries(KEYS, TABLES | VALUES, max_size=8))
def test_no_file_gives_pins_that_cannot_be(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]
) -> None:
    pins, complaints = read(tmp_path_factory.getbasetemp(), tomli_w.dumps(content))
    fitted = [pin for pin in (getattr(pins, field.name) for field in fields(PinMap)) if pin is not None]
    gpios = [pin.gpio for pin in fitted]
    assert len(set(gpios)) == len(gpios)
    assert all(type(gpio) is int and 0 <= gpio <= 27 and gpio not in {14, 15} for gpio in gpios)
    assert all(type(pin.active_high) is bool for pin in fitted)
    assert all(isinstance(pin.pull, Pull) for pin in fitted if isinstance(pin, Input))
    assert all(complaint.startswith("board file: ") for complaint in complaints)


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_garbage_never_raises(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    read(tmp_path_factory.getbasetemp(), garbage)
