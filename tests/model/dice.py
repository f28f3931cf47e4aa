"""Provides a small, fast and repeatable random generator.

Seeding the standard one takes longer than a step of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")
_MASK: Final = (1 << 64) - 1


class Dice:
    """Knuth's MMIX generator, with one seed."""

    __slots__ = ("_at",)

    def __init__(self, seed: int) -> None:
        self._at = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & _MASK

    def below(self, bound: int) -> int:
        """Return an integer from 0 up to, but not including, `bound`."""
        self._at = (self._at * 6364136223846793005 + 1442695040888963407) & _MASK
        return (self._at >> 33) % bound

    def chance(self, one_in: int) -> bool:
        return self.below(one_in) == 0

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]
