#!/usr/bin/env python3
"""One random GPT-2 in every file form and type: agree.py FOLDER SN9_COMMAND...

sn9 must read pytorch_model.bin, model.pth and model.safetensors of the same tensors to the same bits: equal losses. They must
be PyTorch's losses within rounding, and those of Hugging Face's transformers where it is installed. What sn9 may not read (an
object beside the tensors, a matrix whose elements are not side by side, the file format before 1.6) it must refuse by name,
though torch.load takes it.
"""
import json
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F

try:
    import transformers

    transformers.utils.logging.disable_progress_bar()
except ImportError:
    transformers = None

V, P, C, L, NH, T = 300, 32, 48, 2, 3, 24
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "F64": torch.float64}
CONFIG = {
    "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": V, "n_positions": P, "n_embd": C,
    "n_layer": L, "n_head": NH, "bos_token_id": V - 1, "eos_token_id": V - 1,
}


def parameters(random):
    shapes = OrderedDict([("wte.weight", (V, C)), ("wpe.weight", (P, C))])
    for layer in range(L):
        h = f"h.{layer}."
        shapes.update({
            h + "ln_1.weight": (C,), h + "ln_1.bias": (C,),
            h + "attn.c_attn.weight": (C, 3 * C), h + "attn.c_attn.bias": (3 * C,),
            h + "attn.c_proj.weight": (C, C), h + "attn.c_proj.bias": (C,),
            h + "ln_2.weight": (C,), h + "ln_2.bias": (C,),
            h + "mlp.c_fc.weight": (C, 4 * C), h + "mlp.c_fc.bias": (4 * C,),
            h + "mlp.c_proj.weight": (4 * C, C), h + "mlp.c_proj.bias": (C,),
        })
    shapes.update({"ln_f.weight": (C,), "ln_f.bias": (C,)})
    state = OrderedDict()
    for name, shape in shapes.items():
        norm = ".ln_" in name or name.startswith("ln_")
        state["transformer." + name] = torch.randn(shape, generator=random) * 0.08 + (norm and name.endswith("weight"))
    return state


def safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        kind = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.float64: "F64",
                torch.int32: "I32"}[tensor.dtype]
        raw = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def loss(state, tokens):
    """Mean nats of a GPT-2 in doubles."""
    w = {name.removeprefix("transformer."): tensor.double() for name, tensor in state.items()}
    norm = lambda x, name: F.layer_norm(x, (C,), w[name + ".weight"], w[name + ".bias"], 1e-5)
    linear = lambda x, name: x @ w[name + ".weight"] + w[name + ".bias"]
    x = w["wte.weight"][tokens] + w["wpe.weight"][: len(tokens)]
    mask = torch.full((len(tokens), len(tokens)), float("-inf"), dtype=torch.double).triu(1)
    for layer in range(L):
        h = f"h.{layer}."
        heads = linear(norm(x, h + "ln_1"), h + "attn.c_attn").view(-1, 3, NH, C // NH).permute(1, 2, 0, 3)
        q, k, v = heads
        mixed = (q @ k.transpose(1, 2) / (C // NH) ** 0.5 + mask).softmax(-1) @ v
        x = x + linear(mixed.transpose(0, 1).reshape(-1, C), h + "attn.c_proj")
        inner = linear(norm(x, h + "ln_2"), h + "mlp.c_fc")
        inner = 0.5 * inner * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (inner + 0.044715 * inner**3)))
        x = x + linear(inner, h + "mlp.c_proj")
    logits = norm(x, "ln_f") @ w["wte.weight"].T
    return F.cross_entropy(logits[:-1], tokens[1:]).item()


def transformers_loss(place, form, tokens):
    """Mean nats of what transformers makes of a directory, which must be every parameter and nothing else."""
    config = transformers.GPT2Config.from_pretrained(place)
    if form == "model.pth":  # no name of its own: what its users do by hand
        model = transformers.GPT2LMHeadModel(config)
        model.load_state_dict(torch.load(place / form))
    else:
        model, told = transformers.GPT2LMHeadModel.from_pretrained(place, dtype="auto", output_loading_info=True)
        assert not any(told.values()), f"{place}: {told}"
    logits = model.double().eval()(tokens).logits[:, :-1]
    return F.cross_entropy(logits.reshape(-1, V), tokens[:, 1:].reshape(-1)).item()


def main(folder, sn9):
    random = torch.Generator().manual_seed(5)
    tokens = torch.randint(V, (2, T), generator=random)
    rows = folder / "tokens.safetensors"
    safetensors(rows, {"tokens": tokens.int()})

    def run(directory):
        command = [*sn9, "eval", "--model_dir", directory, "--tokens", rows, "--device", "cpu", "--json"]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True)

    def directory(name):
        made = folder / name
        made.mkdir()
        (made / "config.json").write_text(json.dumps(CONFIG))
        return made

    whole = parameters(random)
    for name, dtype in DTYPES.items():
        state = OrderedDict((key, tensor.to(dtype)) for key, tensor in whole.items())
        expected = sum(loss(state, row) for row in tokens) / len(tokens)
        tied = OrderedDict(state)
        tied["lm_head.weight"] = tied["transformer.wte.weight"]
        tied._metadata = OrderedDict([("", {"version": 1})])
        losses = {}
        for form in ("pytorch_model.bin", "model.pth", "model.safetensors"):
            place = directory(f"{name}-{form}")
            if form == "model.safetensors":
                safetensors(place / form, state)
            else:
                torch.save(tied, place / form)
                back = torch.load(place / form)
                assert all(torch.equal(back[key], state[key]) for key in state)
            answer = run(place)
            assert answer.returncode == 0, f"{place}: {answer.stderr}"
            losses[form] = json.loads(answer.stdout.splitlines()[-1])["losses"]
            if transformers:
                theirs = transformers_loss(place, form, tokens)
                assert abs(theirs - expected) < 1e-6 * expected, f"{place}: PyTorch {expected}, transformers {theirs}"
        assert len({str(found) for found in losses.values()}) == 1, f"{name}: {losses}"
        mean = sum(losses["model.pth"]) / len(losses["model.pth"])
        assert abs(mean - expected) < 1e-5 * expected, f"{name}: PyTorch {expected}, sn9 {mean}"
        print(f"{name}: pytorch_model.bin, model.pth and model.safetensors have the loss {mean:.7f}, PyTorch's {expected:.7f}")
    print(f"transformers {transformers.__version__}: the same" if transformers else "transformers is not installed: not asked")

    refused = {
        "an object": (lambda place: torch.save({"model": whole, "step": torch.nn.Linear(1, 1)}, place), "torch"),
        "strides": (lambda place: torch.save(OrderedDict(whole, **{
            "transformer.wpe.weight": whole["transformer.wpe.weight"].t().contiguous().t()}), place), "contiguous"),
        "the old format": (lambda place: torch.save(whole, place, _use_new_zipfile_serialization=False), "1.6"),
    }
    for name, (save, word) in refused.items():
        place = directory("refused " + name)
        save(place / "pytorch_model.bin")
        torch.load(place / "pytorch_model.bin", weights_only=False)
        answer = run(place)
        assert answer.returncode == 1 and word in answer.stderr, f"{name}: {answer.returncode} {answer.stderr}"
        print(f"{name}: refused, {answer.stderr.strip().splitlines()[-1][-150:]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
