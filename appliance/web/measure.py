"""A family of samples, as Prometheus has them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Measure:
    """A family of samples: one for each set of labels."""

    name: str
    """Without the `_total` of a counter; with its unit, a base unit (Prometheus, metric and label naming)."""
    help: str
    is_counter: bool = False
    labels: tuple[str, ...] = ()
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)
    """Values of the labels, and the value. What is not known is left out."""

    def add(self, value: float | None, *labels: str) -> Measure:
        """Add a sample, unless it is not known."""
        if value is not None:
            self.samples.append((labels, float(value)))
        return self


def counter(name: str, text: str, *labels: str) -> Measure:
    """Begin a family of counters."""
    return Measure(f"cme3000_{name}", text, is_counter=True, labels=labels)


def gauge(name: str, text: str, *labels: str) -> Measure:
    """Begin a family of gauges."""
    return Measure(f"cme3000_{name}", text, labels=labels)
