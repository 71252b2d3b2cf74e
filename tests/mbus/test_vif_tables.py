"""Every row of the VIF tables, against the tables as the standard prints them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from tests.mbus.standard import Code, codes, record, rows

TABLES = {"vif_primary": b"", "vif_fb": b"\xfb", "vif_fd": b"\xfd", "vif_fdfd": b"\xfd\xfd"}
DATE = bytes.fromhex("55 39")


def expected(code: Code, scale: str, unit: str, words: str, tag: str) -> tuple[str, str, str]:
    """Value of the number 1, unit and quantity."""
    if scale == "reserved":
        return "1", "", f"reserved VIF {tag}{code.code:02X}"
    if scale == "time":
        return "1", unit.split(" ")[code.letters["nn" if "nn" in code.letters else "n"]], words
    if scale == "moment":
        return "2026-09-21", unit, words
    if scale in ("digits", "letters", "octets"):
        return {"digits": "1", "letters": "@@A", "octets": "01 00"}[scale], unit, words
    if scale == "2^-12":
        return "0.000244140625", unit, words
    terms = re.findall(r"[+-]?(?:n+|\d+)", scale)
    exponent = 0
    for term in terms:
        sign = -1 if term.startswith("-") else 1
        name = term.lstrip("+-")
        exponent += sign * (code.letters[name] if name in code.letters else int(name))
    return format(Decimal((0, (1,), exponent)), "f"), unit, words


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_read_as_the_standard_has_it(table: str) -> None:
    prefix = TABLES[table]
    tag = "".join(f"{byte:02X} " for byte in prefix)
    for pattern, scale, unit, words in rows(table):
        for code in codes(pattern):
            value = DATE if scale == "moment" else b"\x01\x00"
            found = record(b"\x02" + prefix + bytes([code.code]) + value)
            assert (found.text, found.unit, found.quantity) == expected(code, scale, unit, words, tag), pattern
            assert found.vib == prefix + bytes([code.code])
            assert not found.error


@pytest.mark.parametrize("table", TABLES)
def test_the_rows_leave_no_code_out(table: str) -> None:
    # 7C is the plain text VIF in the primary table; FD leads to the second level in the FD table.
    apart = {"vif_primary": {0x7C}, "vif_fd": {0x7D}}.get(table, set())
    found = [code.code for row in rows(table) for code in codes(row[0])]
    assert sorted([*found, *apart]) == list(range(128))


def test_an_extension_bit_changes_nothing_but_that_vifes_follow() -> None:
    for pattern, scale, unit, words in rows("vif_primary"):
        for code in codes(pattern):
            if code.code in (0x7B, 0x7D, 0x7F, 0x6F):
                continue  # with the bit they are tables of their own, or the maker's
            value = DATE if scale == "moment" else b"\x01\x00"
            found = record(b"\x02" + bytes([code.code | 0x80, 0x3B]) + value)
            wanted = expected(code, scale, unit, words, "")
            assert (found.text, found.unit) == wanted[:2], pattern
            assert found.quantity == f"{wanted[2]}, accumulation only if positive contributions"


def test_the_third_extension_has_no_table() -> None:
    found = record("02 ef 05 01 00")
    assert (found.quantity, found.text, found.unit) == ("reserved VIF EF 05", "1", "")
    assert "no meaning" in found.note


def test_rows_of_before_2004_are_marked() -> None:
    assert "until 2004" in record("02 fb 22 01 00").note
    assert not record("02 fb 21 01 00").note
