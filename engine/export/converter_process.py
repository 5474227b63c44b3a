"""The main of the converter's process: `python converter_process.py FOLDER [probe]`

Imports what llama.cpp's own converters need from their private FOLDER, then waits for a line on standard
input: JSON of a file with orders and the converter's arguments. Nothing comes where nothing is to convert.

Runs the converter with some changes: where Temper read the vocabulary off the tokenizer.json, that is what
gets written, and so is whether a text begins with BOS; settings that it asks for by old names have them; and
the file says of itself what Temper knows (where it comes from). Never imported; has the private folder's
modules to itself, so nothing of Temper may be imported here.
"""

from __future__ import annotations

import base64
import ctypes
import dataclasses
import json
import runpy
import signal
import sys
from pathlib import Path
from typing import Any


def main(folder: str, probe: bool) -> None:
    """Get ready, wait for orders and carry them out."""
    die_with_parent()
    get_ready(folder, probe)
    obey(folder)


def get_ready(folder: str, probe: bool) -> None:
    """Import what the converter needs, with what is changed for every model, or for every probe."""
    sys.path.insert(0, str(Path(folder) / "gguf-py"))
    sys.path.insert(0, folder)
    if probe:
        hide_torch_from_transformers()  # before anything reads a configuration
        count_whole_rows()
        convert_rows_at_once()
    keep_old_settings()


def obey(folder: str) -> None:
    """Wait for orders and carry them out; none come where nothing is to be converted."""
    if line := sys.stdin.readline():
        orders_file, arguments = json.loads(line)
        run(folder, json.loads(Path(orders_file).read_text(encoding="utf-8")), arguments)


def run(folder: str, orders: dict[str, Any], arguments: list[str]) -> None:
    """Run the stock script with `arguments`, changed as `orders` say."""
    if orders["add_bos"] is not None:
        replace_add_bos(orders["add_bos"])
    if orders["vocabulary"] is not None:
        replace_vocabulary(orders["vocabulary"])
    if orders["metadata"]:
        add_metadata(orders["metadata"])
    script = str(Path(folder) / orders["script"])
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def die_with_parent() -> None:
    """Let the kernel end this process with the worker, also on kill -9: nobody would take what it writes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of prctl(2)


def keep_old_settings() -> None:
    """Give the converter settings by the names that it asks for and Transformers 5 no longer writes.

    GPT-2's `n_ctx` and GPT-NeoX's `rotary_pct`; the files on the disk stay as they are.
    """
    import conversion  # type: ignore[import-not-found]  # the private folder's

    stock = conversion.ModelBase.load_hparams

    def load_hparams(*arguments: Any, **options: Any) -> Any:
        settings = stock(*arguments, **options)
        if "n_positions" in settings:
            settings.setdefault("n_ctx", settings["n_positions"])
        rotary = settings.get("rope_parameters") or {}
        if "partial_rotary_factor" in rotary:
            settings.setdefault("rotary_pct", rotary["partial_rotary_factor"])
        return settings

    conversion.ModelBase.load_hparams = staticmethod(load_hparams)


def replace_add_bos(add_bos: bool) -> None:
    """Make the converter write `add_bos`, whatever it finds."""
    import gguf  # type: ignore[import-not-found]  # the private folder's

    stock = gguf.SpecialVocab.add_to_gguf

    def add_to_gguf(self: Any, *arguments: Any, **options: Any) -> None:
        self.add_special_token["bos"] = add_bos
        stock(self, *arguments, **options)

    gguf.SpecialVocab.add_to_gguf = add_to_gguf


def add_metadata(metadata: dict[str, str | int]) -> None:
    """Make the converter write these keys too, in place of what it would write under them."""
    import gguf

    stock = gguf.GGUFWriter.write_header_to_file

    def write_header_to_file(self: Any, *arguments: Any, **options: Any) -> None:
        for key, value in metadata.items():
            for part in self.kv_data:
                part.pop(key, None)
            (self.add_string if isinstance(value, str) else self.add_uint32)(key, value)
        stock(self, *arguments, **options)

    gguf.GGUFWriter.write_header_to_file = write_header_to_file


def hide_torch_from_transformers() -> None:
    """Let Transformers read configurations as it does without torch: the same, in a hundredth of the time.

    With it, reading one imports all that models are made of, torch's compiler included: a third of what
    the conversion of a probe takes.
    """
    import transformers.utils

    modules: tuple[Any, ...] = (transformers.utils, transformers.utils.import_utils)
    for module in modules:
        module.is_torch_available = bool  # that is, False


def count_whole_rows() -> None:
    """Make the converter count a probe's weights with rows as long as they are in truth.

    The count comes into the metadata. A probe's matrices have eight columns, the last two are the length of
    the row in digits of base 256 (engine.export.onepass.probe).
    """
    import gguf

    stock = gguf.GGUFWriter.get_total_parameter_count

    def whole(info: Any) -> Any:
        if len(info.shape) != 2 or info.shape[1] != 8:
            return info
        data = gguf.LazyNumpyTensor.to_eager(info.tensor)
        high, low = gguf.quants.dequantize(data[:1], info.dtype)[0, -2:]
        return dataclasses.replace(info, shape=(info.shape[0], int(high) * 256 + int(low)))

    def get_total_parameter_count(self: Any) -> tuple[int, int, int, int]:
        short = self.tensors
        self.tensors = [{name: whole(info) for name, info in part.items()} for part in short]
        try:
            counts: tuple[int, int, int, int] = stock(self)
        finally:
            self.tensors = short
        return counts

    gguf.GGUFWriter.get_total_parameter_count = get_total_parameter_count


def convert_rows_at_once() -> None:
    """Convert a probe's numbers in one go and on one thread, instead of sixteen rows at a time."""
    import gguf
    import torch

    def at_once(func: Any, arr: Any, otype: Any, oshape: tuple[int, ...]) -> Any:
        return func(arr.reshape(-1, arr.shape[-1])).astype(otype, copy=False).reshape(oshape)

    gguf.quants._apply_over_grouped_rows = at_once
    torch.set_num_threads(1)


def replace_vocabulary(vocabulary: dict[str, Any]) -> None:
    """Make every model class of the converter write `vocabulary` instead of guessing one."""
    import conversion
    import gguf

    stock = conversion.get_model_class

    def set_vocab(self: Any) -> None:
        byte_level = vocabulary["model"] == "gpt2"
        writer = self.gguf_writer
        writer.add_tokenizer_model(vocabulary["model"])
        writer.add_tokenizer_pre(vocabulary["pre"])
        writer.add_token_list(vocabulary["tokens"])
        writer.add_token_types(vocabulary["types"])
        if vocabulary["scores"]:
            writer.add_token_scores(vocabulary["scores"])
        if vocabulary["add_space_prefix"] is not None:
            writer.add_add_space_prefix(vocabulary["add_space_prefix"])
        if vocabulary["remove_extra_whitespaces"] is not None:
            writer.add_remove_extra_whitespaces(vocabulary["remove_extra_whitespaces"])
        if vocabulary["charsmap"]:
            writer.add_precompiled_charsmap(base64.b64decode(vocabulary["charsmap"]))
        special = gguf.SpecialVocab(self.dir_model, load_merges=byte_level, n_vocab=len(vocabulary["tokens"]))
        if vocabulary["model"] == "t5":
            special.add_special_token["eos"] = False  # llama.cpp would put it behind every text
        if vocabulary["unknown"] is not None:
            special.special_token_ids["unk"] = vocabulary["unknown"]
        special.add_to_gguf(writer)

    def with_vocabulary(*arguments: Any, **options: Any) -> Any:
        model_class = stock(*arguments, **options)
        # the converter insists that model_arch stands in the class itself
        members = {"set_vocab": set_vocab, "model_arch": model_class.model_arch}
        return type(model_class.__name__, (model_class,), members)

    conversion.get_model_class = with_vocabulary


if __name__ == "__main__":
    main(sys.argv[1], "probe" in sys.argv[2:])
