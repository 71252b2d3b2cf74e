"""Whole telegrams: CI fields, headers in both byte orders, the fixed structure, encryption, and the explanation."""

from __future__ import annotations

from decimal import Decimal

import pytest

from appliance.errors import FrameError
from appliance.mbus.application import status_words
from appliance.mbus.frame import Acknowledge, Control, LongFrame, ShortFrame
from appliance.mbus.telegram import Telegram, decode, explain
from tests.mbus.standard import HEADER, rows, telegram

SHORT = HEADER[8:]
HEADS = {"none": b"", "short": SHORT, "long": HEADER}


def long(information: int, data: bytes | str = b"", control: int = 0x08) -> Telegram:
    octets = bytes.fromhex(data) if isinstance(data, str) else data
    return decode(LongFrame(control, 1, information, octets))


def test_every_ci_field() -> None:
    bodies = {"records": b"\x02\x03\x01\x00", "fixed": bytes(16), "selection": bytes(8), "nothing": b""}
    for first, last, header, order, contents in rows("ci"):
        for information in range(int(first, 16), int(last, 16) + 1):
            body = bodies.get(contents, b"\x01")
            found = long(information, HEADS[header] + body)
            assert (contents == "reserved") == found.name.startswith("reserved"), first
            assert bool(found.header) == (header != "none" or contents == "fixed"), first
            if header == "long" and found.header:
                assert found.header.identification == ("78563412" if order == "high" else "12345678")
            if contents == "records":
                assert found.records[0].value == (256 if order == "high" else 1), first
            elif contents == "fixed":
                assert len(found.records) == 2
            elif contents in ("other", "reserved"):
                assert found.unread == body, first
            elif contents != "nothing":
                assert found.notes, first
            assert not found.errors, first


def test_the_rows_leave_no_ci_field_out() -> None:
    found = [code for row in rows("ci") for code in range(int(row[0], 16), int(row[1], 16) + 1)]
    assert found == list(range(256))


def test_the_long_header() -> None:
    header = telegram("").header
    assert header is not None
    assert (header.identification, header.manufacturer, header.version, header.medium) == ("12345678", "ABB", 32, 2)
    assert (header.medium_name, header.access, header.status, header.configuration) == ("electricity", 10, 0, 0)


def test_the_long_header_of_mode_2() -> None:
    found = long(0x76, "12345678 0442 20 02 0a 00 0500 02 03 01 02 0c 13 00 00 00 27 02 6c 39 55 0d fd10 02 6162")
    assert found.header is not None
    assert (found.header.identification, found.header.manufacturer) == ("12345678", "ABB")
    assert found.header.configuration == 0x0500
    assert [record.text for record in found.records] == ["258", "0.027", "2026-09-21", "ab"]


def test_the_short_header() -> None:
    found = long(0x7A, bytes([7, 4, 0, 0]) + bytes.fromhex("01 03 05"))
    assert found.header is not None
    assert (found.header.identification, found.header.manufacturer, found.header.access) == (None, None, 7)
    assert found.status == ("low power",)
    assert [record.text for record in found.records] == ["5"]


def test_an_identification_with_other_digits_is_told_as_it_is() -> None:
    found = long(0x72, "ff0b3412 4204 20 02 0a 00 0000")
    assert found.header is not None
    assert found.header.identification == "12340BFF"


@pytest.mark.parametrize(("information", "length"), [(0x72, 11), (0x72, 0), (0x76, 5), (0x7A, 3)])
def test_a_header_that_is_not_all_there(information: int, length: int) -> None:
    found = long(information, bytes(range(1, length + 1)))
    assert found.header is None
    assert found.records == ()
    assert found.unread == bytes(range(1, length + 1))
    assert "the header has" in found.errors[0]


def test_every_bit_of_the_status() -> None:
    states = ((), ("application busy",), ("any application error",), ("abnormal condition or alarm",))
    for code, words in enumerate(states):
        assert status_words(code) == words
    single = "low power", "permanent error", "temporary error"
    makers = tuple(f"manufacturer specific bit {bit}" for bit in (5, 6, 7))
    for bit, name in enumerate((*single, *makers), start=2):
        assert status_words(1 << bit) == (name,)
    assert status_words(0x1C) == single


def fixed(units: str, counters: str = "01000000 35010000", status: str = "00", information: int = 0x73) -> Telegram:
    return long(information, f"78563412 0a {status} {units} {counters}")


def test_the_example_of_the_fixed_structure() -> None:
    # The M-Bus documentation 4.8, 6.3.1: a water meter, 1 litre now and 135 litres on the set day.
    found = decode(bytes.fromhex("68 13 13 68 08 05 73 78 56 34 12 0a 00 e9 7e 01 00 00 00 35 01 00 00 3c 16"))
    assert found.header is not None
    assert (found.header.identification, found.header.access, found.header.medium_name) == ("12345678", 10, "water")
    assert [(one.text, one.unit, one.quantity, one.storage) for one in found.records] == [
        ("0.001", "m³", "volume", 0),
        ("0.135", "m³", "volume", 1),
    ]


def test_every_unit_of_the_fixed_structure() -> None:
    for code, exponent, unit, quantity in rows("fixed_units"):
        for record in fixed(f"{code}{code}", "27000000 27000000").records:
            assert record.value == Decimal(27).scaleb(int(exponent)), code
            assert (record.unit, record.quantity) == (unit, quantity)


def test_the_rows_leave_no_unit_out() -> None:
    assert sorted([*(int(row[0], 16) for row in rows("fixed_units")), 0x3E]) == list(range(64))


def test_every_medium_of_the_fixed_structure() -> None:
    names = ["other", "oil", "electricity", "gas", "heat", "steam", "hot water", "water", "heat cost allocator"]
    names += ["reserved"]
    names += [f"{name} mode 2" for name in ("gas", "heat", "hot water", "water", "heat cost allocator")] + ["reserved"]
    for medium, name in enumerate(names):
        units = bytes([(medium & 3) << 6 | 0x05, (medium >> 2) << 6 | 0x05])
        header = fixed(units.hex()).header
        assert header is not None
        assert (header.medium, header.medium_name) == (medium, name)


def test_binary_counters_are_signed() -> None:
    # The M-Bus documentation 4.8, 6.3.1, bit 0 of the status: counters 1 and 2 coded signed binary.
    assert [one.text for one in fixed("05 3e", "ffffffff 01000000", "01").records] == ["-1000", "1000"]


def test_counters_at_a_fixed_date_are_stored_ones() -> None:
    assert [one.storage for one in fixed("05 05", status="02").records] == [1, 1]


def test_a_counter_without_digits_harms_the_other_one_not() -> None:
    found = fixed("05 05", "0a000000 35010000")
    assert [one.text for one in found.records] == [None, "135000"]
    assert "0000000A" in found.errors[0]


def test_the_fixed_structure_of_mode_2_keeps_the_order_of_its_units() -> None:
    found = long(0x77, "12345678 0a 00 e9 7e 00000001 00000135")
    assert found.header is not None
    assert (found.header.identification, found.header.medium_name) == ("12345678", "water")
    assert [one.text for one in found.records] == ["0.001", "0.135"]


@pytest.mark.parametrize("length", [0, 8, 11])
def test_a_fixed_structure_of_another_length(length: int) -> None:
    found = long(0x73, bytes(length))
    assert found.records == ()
    assert found.errors


def test_a_compact_frame_is_told_as_it_stands() -> None:
    found = long(0x73, HEADER + bytes.fromhex("11 22 33 44 01 02"))
    assert found.name == "compact frame, long header"
    assert found.header is not None
    assert found.unread == bytes.fromhex("11 22 33 44 01 02")


def test_every_application_error() -> None:
    for code, words in rows("application_errors"):
        assert long(0x70, code).notes == (f"application error: {words}",)


def test_an_application_error_without_a_code_is_unspecified() -> None:
    assert long(0x70).notes == ("application error: unspecified error",)


def test_alarms() -> None:
    assert long(0x71, "05").notes == ("alarm bits 0, 2",)
    assert long(0x71, "00").notes == ("no alarm bit",)


@pytest.mark.parametrize("information", [0x52, 0x56])
def test_a_selection_is_told(information: int) -> None:
    data = "78563412 4204 20 02" if information == 0x52 else "12345678 0442 20 02"
    assert long(information, data, 0x53).notes == ("selects 12345678 ABB version 32 electricity",)
    assert long(information, "0102", 0x53).errors


def test_an_enhanced_selection_is_told() -> None:
    found = long(0x52, "ffffffff ffff ff ff 0c 78 ff ff 23 01", 0x53)
    assert found.notes == ("selects FFFFFFFF any version any any, fabrication number 0123FFFF",)


def test_an_application_reset_tells_what_is_wanted() -> None:
    assert long(0x50, "", 0x53).notes == ()
    assert long(0x50, "10", 0x53).notes == ("wanted afterwards: user data, number 0",)


def test_nothing_should_follow_a_baud_rate() -> None:
    assert long(0xBB, "", 0x53).name == "set the baud rate to 2400 bit/s"
    assert long(0xBB, "01", 0x53).errors


def configured(configuration: int, contents: bytes) -> Telegram:
    return long(0x72, HEADER[:-2] + configuration.to_bytes(2, "little") + contents)


PLAIN = bytes.fromhex("01 03 07")
HIDDEN = bytes(range(1, 17))


@pytest.mark.parametrize(
    ("configuration", "contents", "mode", "texts"),
    [
        (0x0000, PLAIN, None, ["7"]),
        (0x0510, HIDDEN + PLAIN, 5, ["7"]),
        (0x0510, HIDDEN, 5, []),
        (0x0520, HIDDEN * 2, 5, []),
        (0x0410, HIDDEN, 4, []),
        (0x0310, HIDDEN, 3, []),
        (0x0208, HIDDEN[:8] + PLAIN, 2, ["7"]),
        (0x0100, PLAIN, 1, []),
        (0x0710, b"\x00" + HIDDEN, 7, []),
        (0x0800, HIDDEN, 8, []),
        (0x0900, HIDDEN, 9, []),
        (0x0A00, HIDDEN, 10, []),
        (0x0D00, HIDDEN, 13, []),
        # Decrypted already: the check bytes stand at the beginning.
        (0x0510, b"\x2f\x2f" + PLAIN + b"\x2f" * 11, None, ["7"]),
        # Nothing is encrypted, or the field contradicts the length: a signature of an old meter.
        (0x0500, PLAIN, None, ["7"]),
        (0x05F0, PLAIN, None, ["7"]),
        (0x0205, PLAIN * 3, None, ["7", "7", "7"]),
        (0x0700, PLAIN, None, ["7"]),
        (0xFFFF, PLAIN, None, ["7"]),
        (0x0600, PLAIN, None, ["7"]),
        (0x1000, PLAIN, None, ["7"]),
    ],
)
def test_what_is_encrypted_is_not_read(configuration: int, contents: bytes, mode: int | None, texts: list[str]) -> None:
    found = configured(configuration, contents)
    assert (found.encryption.mode if found.encryption else None) == mode
    assert [one.text for one in found.records] == texts
    assert bool(found.errors) == (mode is not None)


@pytest.mark.parametrize("mode", [1, 2, 3, 8, 9, 10, 13])
def test_a_mode_that_wired_meters_hardly_have_is_a_signature_where_good_records_stand(mode: int) -> None:
    # Eight bytes of three records, so that the DES modes count a whole block.
    contents = bytes.fromhex("01 03 07 09 03 08 00 13")
    assert configured(mode << 8 | 8, contents).encryption  # the last of them has no value
    plain = configured(mode << 8 | 8, bytes.fromhex("01 03 07 09 03 08 01 13 05 2f 2f 2f 2f 2f 2f 2f"))
    assert [one.text for one in plain.records] == ["7", "8", "0.005"]
    assert "read as plain" in plain.notes[0]
    assert not plain.errors


@pytest.mark.parametrize("mode", [4, 5, 7])
def test_a_mode_of_wired_meters_is_believed_whatever_stands_there(mode: int) -> None:
    contents = bytes.fromhex("01 03 07 09 03 08 01 13 05 01 03 07 09 03 08 2f") + b"\x2f" * (mode == 7)
    found = configured(mode << 8 | 0x10, contents)
    assert found.encryption
    assert not found.records


def test_bits_that_say_nothing_of_encryption_are_passed_over() -> None:
    found = configured(0x8003, PLAIN)
    assert (found.encryption, found.notes, found.errors) == (None, (), ())


@pytest.mark.parametrize(
    "octets",
    [
        "e5",
        "10 40 01 41 16",
        "68 03 03 68 08 01 71 7a 16",
        "68 13 13 68 08 05 73 78 56 34 12 0a 00 e9 7e 01 00 00 00 35 01 00 00 3c 16",
        bytes(LongFrame(8, 1, 0x72, HEADER + bytes.fromhex("2f 02 fc 03 6d 70 70 74 05 00 84 10 fb 83 74 0104"))).hex(),
        bytes(LongFrame(8, 1, 0x72, HEADER + bytes.fromhex("0d fd10 02 4142 02 93 fc 81 ff 01 0500 0f 01 02"))).hex(),
        bytes(LongFrame(8, 1, 0x76, HEADER[:7])).hex(),
        bytes(LongFrame(8, 1, 0xA5, HEADER)).hex(),
        bytes(LongFrame(8, 1, 0x72, HEADER[:-2] + b"\x10\x05" + HIDDEN + PLAIN)).hex(),
    ],
)
def test_an_explanation_has_every_byte_once(octets: str) -> None:
    data = bytes.fromhex(octets)
    place = 0
    for offset, part, meaning in explain(data):
        assert offset == place
        assert part
        assert meaning
        place += len(part)
    assert place == len(data)
    assert b"".join(part for _, part, _ in explain(data)) == data


def test_an_explanation_says_what_the_bytes_mean() -> None:
    data = bytes(LongFrame(0x28, 1, 0x72, HEADER + bytes.fromhex("84 10 93 3c 01 02 03 04")))
    meanings = {offset: meaning for offset, _, meaning in explain(data)}
    assert meanings[4] == "C field: RSP_UD (data of the meter), alarms wait"
    assert meanings[5] == "A field: primary address 1"
    assert meanings[7] == "identification 12345678"
    assert meanings[19] == "DIF: 32 bit integer, instantaneous value"
    assert meanings[20] == "DIFE 1: storage 0, tariff 1, subunit 0"
    assert meanings[21] == "VIF: volume, 10^-3 m³"
    assert meanings[22] == "VIFE: accumulation of abs value only if negative contributions"
    assert meanings[23] == "value: 67305.985 m³"


def test_frames_without_contents() -> None:
    assert decode(Acknowledge()).name == "acknowledgement"
    assert decode(ShortFrame(Control.REQ_UD2_FCB, 253)).name == "REQ_UD2 (request for data), frame count bit 1"
    assert decode(ShortFrame(Control.SND_NKE, 1)).records == ()


@pytest.mark.parametrize("octets", ["", "68", "68 03 03 68 08 01 71 7b 16", "10 40 01 42 16", "01"])
def test_bytes_that_are_no_frame_give_no_value(octets: str) -> None:
    with pytest.raises(FrameError):
        decode(bytes.fromhex(octets))


# Telegrams that the M-Bus documentation 4.8 prints as examples (chapters 5 to 8).
EXAMPLES = [
    # 6.3.3: volume, the fifth month's highest flow, and energy of tariff 2 in subunit 1.
    (
        ("68 1f 1f 68 08 02 72 78 56 34 12 24 40 01 07 55 00 00 00"
        "03 13 15 31 00 da 02 3b 13 01 8b 60 04 37 18 02 18 16"),
        [("12.565", "m³", "volume", "instantaneous value", 0, 0, 0),
         ("0.113", "m³/h", "volume flow", "maximum value", 5, 0, 0),
         ("218370", "Wh", "energy", "instantaneous value", 0, 2, 1)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "wanted"), EXAMPLES)
def test_the_examples_of_the_documentation(octets: str, wanted: list[tuple[object, ...]]) -> None:
    found = decode(bytes.fromhex(octets))
    told = [
        (one.text, one.unit, one.quantity, one.function_words, one.storage, one.tariff, one.subunit)
        for one in found.records
    ]
    assert told == wanted
    assert not found.errors


@pytest.mark.parametrize(
    ("octets", "wanted"),
    [
        # 6.4: a new primary address, a new identification, and a whole new secondary address.
        ("68 06 06 68 53 fe 51 01 7a 08 25 16", [("address", "8")]),
        ("68 09 09 68 53 01 51 0c 79 01 02 03 04 34 16", [("enhanced identification", "04030201")]),
        (
            "68 0d 0d 68 53 fe 51 07 79 04 03 02 01 24 40 01 04 95 16",
            [("enhanced identification", "0102030424400104")],
        ),
    ],
)
def test_the_examples_of_data_to_the_meter(octets: str, wanted: list[tuple[str, str]]) -> None:
    found = decode(bytes.fromhex(octets))
    assert [(one.quantity, one.text) for one in found.records] == wanted
