"""The arithmetic of merging, a block of rows at a time: W + s B A, and the lengths of DoRA.

The product is always computed in float32, from matrices in float32, scaled, rounded to the base's type and
then added in that type: PEFT's `merge_and_unload(safe_merge=True)` with adapters in float32, as it loads
them. Its default merge adds before it rounds, so it may differ by the rounding of the delta. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch


class Factors(NamedTuple):
    """An update in float32: `down` [rank, in], `up` [out, rank]; DoRA's `lengths` [out].

    `transposed`: the base holds the matrix as [in, out].
    """

    down: torch.Tensor
    up: torch.Tensor
    scale: float
    lengths: torch.Tensor | None = None
    transposed: bool = False

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """Rows `start` to `stop` of s B A as the base holds them, in float32."""
        if self.transposed:
            return (self.up @ self.down[:, start:stop]).T.contiguous().mul_(self.scale)
        return (self.up[start:stop] @ self.down).mul_(self.scale)


def merged_rows(
    weight: torch.Tensor, start: int, factors: Factors, norms: torch.Tensor | None = None
) -> torch.Tensor:
    """Rows of the base's tensor from `start` on with their update, in their type; `weight` is used up.

    `norms`: column_norms, where the base holds a matrix with DoRA transposed.
    """
    delta = factors.rows(start, start + len(weight))
    if factors.lengths is None:
        return weight.add_(delta.to(weight.dtype))
    # Rows of the length that was learned: Liu et al., "DoRA", 2024, equation 5.
    whole = delta.add_(weight)
    if norms is not None:
        return whole.mul_(factors.lengths / norms).to(weight.dtype)
    norms = torch.linalg.vector_norm(whole, dim=1)
    return whole.mul_((factors.lengths[start : start + len(weight)] / norms).unsqueeze(1)).to(weight.dtype)


def column_norms(blocks: Iterable[tuple[int, torch.Tensor]], factors: Factors) -> torch.Tensor:
    """Lengths [out] of the columns of W + s B A over all `blocks` (first row, rows), summed in float64."""
    total = torch.zeros(len(factors.up), dtype=torch.float64)
    for start, weight in blocks:
        whole = factors.rows(start, start + len(weight)).add_(weight)
        total += whole.double().square_().sum(dim=0)
    return total.sqrt_().float()
