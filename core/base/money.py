"""Money is a whole number of fen (1/100 yuan). No float comes near it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NewType

Fen = NewType("Fen", int)

ZERO = Fen(0)
LARGEST = Fen(99_999_999)
"""The largest single amount that a payment provider accepts, in fen."""


def split(total: Fen, weights: Sequence[int]) -> list[Fen]:
    """Share `total` fen by whole-number `weights`, losing nothing: the largest remainders get the odd fen.

    Raises ValueError when the weights do not add up to something positive.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    shares = [divmod(int(total) * weight, whole) for weight in weights]
    left = int(total) - sum(share for share, _ in shares)
    order = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))
    extra = set(order[:left])
    return [Fen(share + (index in extra)) for index, (share, _) in enumerate(shares)]
