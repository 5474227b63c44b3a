"""A base with an adapter merged in, to be read: which tensors there are, and each in blocks of rows.

Plans from headers and loads nothing before it is read; whoever writes a file, of safetensors or GGUF, takes
the blocks one after the other. Refuses an adapter that does not fit. Writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import torch

from engine.export.adapter_file import AdapterFile
from engine.export.closing import Closing
from engine.export.deltas import column_norms, merged_rows
from engine.export.tensor_file import BLOCK_BYTES, FLOATS, TensorReader, TensorSpec, row_blocks, same_numbers
from engine.models.directory import ModelDirectory
from store.errors import TemperError, UsageError

HEAD = "lm_head.weight"
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight")
_BLOCKS_AT_ONCE = 6  # of BLOCK_BYTES: read, product, rounded, what a writer holds, what malloc keeps


class Planned(NamedTuple):
    """A tensor of the merged model: as it is written, and where its numbers are read from.

    `change`: the name under which the adapter has an update for it, empty for none.
    """

    spec: TensorSpec
    reader: TensorReader
    key: str
    change: str = ""


class MergedModel(Closing):
    """`base` with `adapter` in it. `shards`: names of tensors by weights file, in the order they are written.

    `config_changes` are what config.json has to say otherwise than the base's. Raises UsageError when the
    adapter does not fit the base, and what TensorReader raises.
    """

    def __init__(self, base: ModelDirectory, adapter: Path | None) -> None:
        self.base = base
        self.shards: dict[str, list[str]] = {}
        self.tensors: dict[str, Planned] = {}
        self.config_changes: dict[str, Any] = {}
        with ExitStack() as opened:
            self.adapter = opened.enter_context(AdapterFile(adapter)) if adapter else None
            self.readers = [opened.enter_context(TensorReader(shard)) for shard in base.shards]
            for reader in self.readers:
                self.shards[reader.path.name] = list(reader.specs)
                self.tensors |= {name: Planned(spec, reader, name) for name, spec in reader.specs.items()}
            if self.adapter:
                self._put(self.adapter)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close all files."""
        self._opened.close()

    def specs(self, shard: str) -> list[TensorSpec]:
        """The tensors of one weights file, in its order."""
        return [self.tensors[name].spec for name in self.shards[shard]]

    def blocks(self, name: str) -> Iterator[torch.Tensor]:
        """A tensor's rows from the first to the last in blocks [n, width], a vector's in blocks [n].

        In the base's type; a tensor whose type is not calculated with comes as the bytes of its rows. Every
        block is the caller's own. Raises TemperError where the update leaves no finite number.
        """
        planned = self.tensors[name]
        if not planned.change:
            yield from (rows for _, rows in _read(planned))
            return
        for rows in self._updated(planned):
            if not torch.isfinite(torch.stack(torch.aminmax(rows))).all():  # both are NaN where one is
                raise TemperError(
                    "The merged weights are not finite",
                    f"{name} has numbers that {planned.spec.dtype} cannot hold.",
                    "The adapter is broken, or too strong for the base: train it again.",
                )
            yield rows

    @property
    def memory_bytes(self) -> int:
        """About the most that reading holds at once: an update's matrices in float32 and a few blocks."""
        updates = self.adapter.low_ranks.values() if self.adapter else ()
        numbers = max((math.prod(one.down.shape) + math.prod(one.up.shape) for one in updates), default=0)
        return numbers * torch.float32.itemsize + _BLOCKS_AT_ONCE * BLOCK_BYTES

    def _updated(self, planned: Planned) -> Iterator[torch.Tensor]:
        assert self.adapter is not None
        if planned.change in self.adapter.biases:
            spec, scale = self.adapter.biases[planned.change]
            added = self.adapter.reader.whole(spec.name).float() * scale
            # rounded once, after it is added, as PEFT does with biases
            yield from ((r + added[at : at + len(r)]).to(r.dtype) for at, r in _read(planned))
            return
        factors = self.adapter.factors(planned.change)
        norms = None
        if factors.lengths is not None and factors.transposed:
            norms = column_norms(_read(planned), factors)
        yield from (merged_rows(rows, start, factors, norms) for start, rows in _read(planned))

    def _put(self, adapter: AdapterFile) -> None:
        """Plan every change of the adapter."""
        embedding = next((name for name in self.tensors if name.endswith(_EMBEDDINGS)), "")
        names, one_matrix = adapter.names(), False
        if embedding and names & {embedding, HEAD} and self._is_tied():
            one_matrix = self._stays_tied(adapter, embedding)
            if one_matrix:
                names.discard(HEAD)
            else:
                self._part(embedding)
        strangers = names - self.tensors.keys()
        if strangers:
            raise _stranger(
                f"{len(strangers)} of its layers are not in {self.base.path}, for example {min(strangers)}"
            )
        for name in names:
            self._change(adapter, name, resizable=name in (embedding, HEAD))
        if one_matrix and HEAD in self.tensors:
            planned = self.tensors[embedding]
            self.tensors[HEAD] = planned._replace(spec=planned.spec._replace(name=HEAD))
        self._note_vocabulary(embedding)

    def _change(self, adapter: AdapterFile, name: str, resizable: bool) -> None:
        planned = self.tensors[name]
        if planned.spec.dtype not in FLOATS:
            raise UsageError(
                "The base's weights cannot be changed",
                f"{name} is {planned.spec.dtype} in {planned.reader.path}.",
                "Export it with the 16-bit original.",
            )
        if name in adapter.replaced:
            found = adapter.replaced[name]
            if found.shape != planned.spec.shape and not (
                resizable and found.shape[1:] == planned.spec.shape[1:]
            ):
                raise _stranger(f"{name} is {planned.spec.shape}, the adapter's own is {found.shape}")
            planned = Planned(planned.spec.reshaped(found.shape), adapter.reader, found.name)
        low_rank = adapter.low_ranks.get(name)
        if low_rank and low_rank.shape != planned.spec.shape:
            raise _stranger(f"{name} is {planned.spec.shape}, the adapter fits {low_rank.shape}")
        if name in adapter.biases and adapter.biases[name][0].shape != planned.spec.shape:
            found = adapter.biases[name][0]
            raise _stranger(f"{name} is {planned.spec.shape}, the adapter's is {found.shape}")
        change = name if low_rank or name in adapter.biases else ""
        self.tensors[name] = planned._replace(change=change)

    def _is_tied(self) -> bool:
        """Whether the head has no numbers of its own."""
        parts = (self.base.config, self.base.config.get("text_config") or {})
        return HEAD not in self.tensors or any(part.get("tie_word_embeddings") for part in parts)

    def _stays_tied(self, adapter: AdapterFile, embedding: str) -> bool:
        """Whether head and embedding are one matrix still, with the adapter."""
        if adapter.ties:
            return True
        if {embedding, HEAD} & adapter.low_ranks.keys() or embedding not in adapter.replaced:
            return False
        found = adapter.replaced[embedding]
        if HEAD not in adapter.replaced:
            # a head that was not saved either is the base's or, with other rows, has gone along
            return found.shape[:1] != self.tensors[embedding].spec.shape[:1]
        return same_numbers(adapter.reader, found.name, adapter.reader, adapter.replaced[HEAD].name)

    def _part(self, embedding: str) -> None:
        """Give the head the base's embedding as numbers of its own, since the adapter changes one of the two.

        PEFT's own merge would change both; as it was trained, only one of them is another.
        """
        planned = self.tensors[embedding]
        if HEAD not in self.tensors:
            self.shards[planned.reader.path.name].append(HEAD)
        self.tensors[HEAD] = planned._replace(spec=planned.spec._replace(name=HEAD))
        self.config_changes["tie_word_embeddings"] = False

    def _note_vocabulary(self, embedding: str) -> None:
        shapes = self.base.shapes
        before = {name: shapes.get(name, shapes.get(embedding)) for name in (embedding, HEAD)}
        after = {name: self.tensors[name].spec.shape for name in before if name in self.tensors}
        if all(list(shape) == before[name] for name, shape in after.items()):
            return
        rows = {shape[0] for shape in after.values()}
        if len(rows) > 1:
            raise _stranger(f"Its embedding and head have {' and '.join(map(str, sorted(rows)))} rows")
        self.config_changes["vocab_size"] = rows.pop()


def _read(planned: Planned) -> Iterator[tuple[int, torch.Tensor]]:
    """First row and rows of every block, before any update, in the type of the merged tensor."""
    spec, dtype = planned.spec, FLOATS.get(planned.spec.dtype)
    for start, stop in row_blocks(spec.rows, spec.width):
        rows = planned.reader.rows(planned.key, start, stop)
        yield start, rows.to(dtype) if dtype else rows


def _stranger(reason: str) -> UsageError:
    return UsageError(
        "The adapter was made for another base",
        f"{reason}.",
        "Export it with the base that it was trained on.",
    )
