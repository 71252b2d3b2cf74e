"""Results: what was measured, what it is compared with, and how both are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = "cme3000"
JUDGE = "ser2net"
"""The peer that a ratio has to beat; the others are shown beside it."""

Relation = Literal["<=", ">=", "<"]


@dataclass(frozen=True, slots=True)
class Target:
    """What our value, or its ratio to the peer's, must come to."""

    relation: Relation
    bound: float
    is_ratio: bool = False
    judge: str = JUDGE
    """The peer, of a ratio."""

    def __str__(self) -> str:
        """Give it as the table shows it."""
        return f"{self.relation} {self.bound:g}{f' x {self.judge}' if self.is_ratio else ''}"

    def is_met(self, value: float) -> bool:
        """Tell whether `value` is good enough."""
        if self.relation == "<=":
            return value <= self.bound
        return value >= self.bound if self.relation == ">=" else value < self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One measure of every gateway. A value that could not be measured is missing, and `notes` say why."""

    name: str
    unit: str
    values: Mapping[str, float] = field(default_factory=dict)
    target: Target | None = None
    given_ratios: Mapping[str, float] | None = None
    """Ratios that are not those of the values: medians of ratios batch by batch."""
    notes: tuple[str, ...] = ()

    @property
    def ratios(self) -> Mapping[str, float]:
        """Ours divided by each peer's."""
        if self.given_ratios is not None:
            return self.given_ratios
        ours = self.values.get(OURS)
        if ours is None:
            return {}
        return {name: ours / value for name, value in self.values.items() if name != OURS and value > 0}

    @property
    def verdict(self) -> bool | None:
        """Whether the target is met; None without a target or without the peer that it names.

        What has a target and could not be measured on ours has missed it.
        """
        if self.target is None:
            return None
        if self.target.is_ratio:
            judge = self.target.judge
            if judge not in self.ratios:
                # Nothing to compare with, unless it is ours that is missing beside a peer's value.
                return False if judge in self.values else None
            return self.target.is_met(self.ratios[judge])
        return OURS in self.values and self.target.is_met(self.values[OURS])


def ratios_by_batch(batches: Mapping[str, list[float]]) -> dict[str, float]:
    """Compare batch with batch, so that noise that hit both alike cancels out, and give the median for each peer."""
    ours = batches.get(OURS, [])
    return {
        peer: median(mine / other for mine, other in zip(ours, values, strict=True) if other > 0)
        for peer, values in batches.items()
        if peer != OURS and len(values) == len(ours) > 0
    }


def as_text(rows: list[Row], gateways: list[str]) -> str:
    """Lay the rows out as an aligned table."""
    peers = [name for name in gateways if name != OURS] if OURS in gateways else []
    head = ["", "unit", *gateways, *(f"/ {peer}" for peer in peers), "target", ""]
    lines = [head]
    for row in rows:
        verdict = {True: "ok", False: "MISSED", None: ""}[row.verdict]
        lines.append(
            [
                row.name,
                row.unit,
                *(_number(row.values.get(name)) for name in gateways),
                *(_number(row.ratios.get(peer), ratio=True) for peer in peers),
                str(row.target or ""),
                verdict,
            ]
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    left = {0, 1, len(head) - 2, len(head) - 1}
    text = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    notes = dict.fromkeys(f"{row.name}: {note}" for row in rows for note in row.notes)
    return "\n".join([*text, *([""] if notes else []), *notes])


def as_json(rows: list[Row]) -> list[dict[str, object]]:
    """Give the rows as plain values."""
    return [
        {
            "name": row.name,
            "unit": row.unit,
            "values": dict(row.values),
            "ratios": dict(row.ratios),
            "target": str(row.target) if row.target else None,
            "met": row.verdict,
            "notes": list(row.notes),
        }
        for row in rows
    ]


def _number(value: float | None, *, ratio: bool = False) -> str:
    if value is None:
        return "-"
    if ratio:
        return f"{value:.2f}"
    if value == int(value) and abs(value) < 1e9:
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
