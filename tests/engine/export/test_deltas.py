"""An update in blocks of rows has the bits of the update in one piece, at shapes that models have."""

from __future__ import annotations

import pytest
import torch

from engine.export.deltas import Factors, column_norms, merged_rows
from engine.export.tensor_file import BLOCK_BYTES, row_blocks

SHAPES = [(14_336, 4096), (4096, 14_336), (2048, 28_672), (4864, 896), (896, 4864), (257, 4096)]


def random_factors(out: int, into: int, rank: int, lengths: bool, transposed: bool) -> Factors:
    torch.manual_seed(out + rank)
    own = torch.rand(out) + 0.5 if lengths else None
    return Factors(torch.randn(rank, into), torch.randn(out, rank), 2.0, own, transposed)


def in_blocks(weight: torch.Tensor, factors: Factors) -> torch.Tensor:
    blocks = [(start, weight[start:stop].clone()) for start, stop in row_blocks(*weight.shape)]
    assert len(blocks) > 1 or weight.nbytes <= 1.01 * BLOCK_BYTES
    return torch.cat([merged_rows(rows, start, factors) for start, rows in blocks])


@pytest.mark.parametrize("rank", [7, 16, 64])
@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_have_the_bits_of_the_whole_product(shape: tuple[int, int], rank: int) -> None:
    factors = random_factors(*shape, rank, lengths=False, transposed=False)
    weight = torch.zeros(shape)
    assert torch.equal(in_blocks(weight, factors), (factors.up @ factors.down) * factors.scale)


@pytest.mark.parametrize("transposed", [False, True])
def test_rows_are_those_of_the_matrix_as_the_base_holds_it(transposed: bool) -> None:
    factors = random_factors(300, 200, 8, lengths=False, transposed=transposed)
    whole = factors.up @ factors.down * factors.scale
    found = torch.cat([factors.rows(start, start + 50) for start in range(0, 200, 50)])
    assert torch.equal(found, (whole.T if transposed else whole)[:200])


@pytest.mark.parametrize("transposed", [False, True])
def test_dora_gives_every_output_the_length_that_was_learned(transposed: bool) -> None:
    factors = random_factors(300, 200, 8, lengths=True, transposed=transposed)
    weight = torch.randn(200, 300) if transposed else torch.randn(300, 200)
    norms = column_norms([(0, weight[:90]), (90, weight[90:])], factors) if transposed else None
    merged = merged_rows(weight.clone(), 0, factors, norms)
    lengths = torch.linalg.vector_norm(merged, dim=0 if transposed else 1)
    assert factors.lengths is not None
    torch.testing.assert_close(lengths, factors.lengths, rtol=1e-5, atol=1e-5)


def test_the_update_is_rounded_before_it_is_added() -> None:
    factors = Factors(torch.full((1, 1), 1.0), torch.full((1, 1), 1 + 2**-9), 1.0)
    weight = torch.full((1, 1), 256.0, dtype=torch.bfloat16)
    # 1 + 2^-9 is rounded to 1, and 257 to 256: the even neighbour; added first it would become 258
    assert merged_rows(weight, 0, factors).item() == 256.0
    assert (torch.tensor(256.0) + factors.rows(0, 1)).bfloat16().item() == 258.0
