#!/usr/bin/env python3
"""Makes src/test/resources/golden/torch: files of torch.save, and what torch.load reads from them.

    python3 scripts/make-torch-golden.py [DIR]

A developer's tool: nothing that builds or tests needs it. It needs PyTorch (Debian: apt-get install python3-torch, and
/usr/bin/python3). The numbers come from golden/gpt2-tiny and from a seed; the files differ in nothing but PyTorch's version.

    tiny.pth               golden/gpt2-tiny as a miner of generation A saved it: `lm_head.weight` is the storage of
                           `transformer.wte.weight`, and each layer has its causal mask
    types.pth              one tensor of every type, parameters, a scalar, an empty one, a view with an offset
    types.safetensors      the same, as torch.load gives them back; I8 and I16 as they are
    strided.pth            a transposed matrix: elements not side by side
    object.pth             a state dict beside a number, as training loops save it
"""

import json
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import torch

GOLDEN = Path(__file__).resolve().parent.parent / "src/test/resources/golden"
NAMES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}


def read(path):
    """The F32 tensors of a safetensors file."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    tensors = OrderedDict()
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + at for at in entry["data_offsets"])
            tensors[name] = torch.frombuffer(bytearray(raw[begin:end]), dtype=torch.float32).reshape(entry["shape"])
    return tensors


def write(path, tensors):
    """A safetensors file; larger elements first, so that each is aligned."""
    header, data = {}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        flat = tensor.detach().contiguous().reshape(-1)
        raw = bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""
        header[name] = {
            "dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    random = torch.Generator().manual_seed(9)

    tiny = read(GOLDEN / "gpt2-tiny/model.safetensors")
    positions = tiny["transformer.wpe.weight"].shape[0]
    for layer in range(2):
        mask = torch.tril(torch.ones(positions, positions, dtype=torch.uint8))
        tiny[f"transformer.h.{layer}.attn.bias"] = mask.view(1, 1, positions, positions)
        tiny[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    tiny["lm_head.weight"] = tiny["transformer.wte.weight"]
    tiny._metadata = OrderedDict([("", {"version": 1}), ("transformer", {"version": 1})])
    torch.save(tiny, folder / "tiny.pth")

    types = OrderedDict()
    for dtype, name in NAMES.items():
        values = torch.randn(3, 5, generator=random) * 50
        types[name] = (values > 0) if dtype == torch.bool else values.to(dtype)
    types["parameter"] = torch.nn.Parameter(torch.randn(4, 3, generator=random))
    types["scalar"] = torch.tensor(2.5)
    types["empty"] = torch.zeros(0, 7)
    types["view"] = torch.randn(10, 4, generator=random)[3:5]
    types["h\u00f6he"] = torch.randn(1, 6, 1, generator=random)
    torch.save(types, folder / "types.pth")
    write(folder / "types.safetensors", torch.load(folder / "types.pth"))

    torch.save({"weight": torch.randn(3, 4, generator=random).t()}, folder / "strided.pth")
    torch.save({"model": {"weight": torch.zeros(2)}, "step": 7}, folder / "object.pth")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN / "torch")
