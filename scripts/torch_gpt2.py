#!/usr/bin/env python3
"""GPT-2 in PyTorch on this CPU: the peer of `sn9 bench eval` and `sn9 bench train` (scripts/bench-vs-torch.sh runs both).

  torch_gpt2.py eval|train --batch_size 1 --sequence_length 1024 --steps 5 --threads 2 [--compile]
  torch_gpt2.py losses MODEL_DIR TOKENS     mean loss per row of TOKENS: safetensors, tokens and targets (N, T)

It is written as its users would: fused attention where this PyTorch has it, GELU's tanh form, AdamW over all tensors at
once, f32, gradients clipped at norm 1. The last line on standard output is one JSON object, with the fields of sn9's.
"""
import argparse
import json
import math
import os
import resource
import statistics
import struct
import time

import torch
import torch.nn.functional as F

DTYPES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "I32": torch.int32, "I64": torch.int64}


def read_safetensors(path):
    """All tensors of a file, by name."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length :]
    return {
        name: torch.frombuffer(body[t["data_offsets"][0] : t["data_offsets"][1]], dtype=DTYPES[t["dtype"]]).view(t["shape"])
        for name, t in header.items()
    }


def attention(q, k, v):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    T = q.shape[-2]
    hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
    scores = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, float("-inf"))
    return torch.softmax(scores, dim=-1) @ v


class Gpt2:
    """The parameters by their Hugging Face names, matrices (in, out), and the mean loss of a batch under them."""

    def __init__(self, parameters, heads):
        self.p = parameters
        self.heads = heads
        self.layers = 1 + max(int(name.split(".")[1]) for name in parameters if name.startswith("h."))

    @staticmethod
    def random(o):
        C, shapes = o.n_embd, {}
        shapes["wte.weight"] = (o.vocab_size, C)
        shapes["wpe.weight"] = (max(1024, o.sequence_length), C)
        for layer in range(o.n_layer):
            h = f"h.{layer}."
            for norm in ("ln_1", "ln_2"):
                shapes[h + norm + ".weight"] = shapes[h + norm + ".bias"] = (C,)
            for name, rows, columns in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, 4 * C), ("mlp.c_proj", 4 * C, C)):
                shapes[h + name + ".weight"], shapes[h + name + ".bias"] = (rows, columns), (columns,)
        shapes["ln_f.weight"] = shapes["ln_f.bias"] = (C,)
        parameters = {}
        for name, shape in shapes.items():
            if len(shape) == 2:
                parameters[name] = torch.randn(shape) * 0.02
            else:
                parameters[name] = torch.ones(shape) if "ln_" in name and name.endswith("weight") else torch.zeros(shape)
        return Gpt2(parameters, o.n_head)

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.p[name + ".weight"], self.p[name + ".bias"])

    def linear(self, x, name):
        B, T, C = x.shape
        return torch.addmm(self.p[name + ".bias"], x.reshape(B * T, C), self.p[name + ".weight"]).view(B, T, -1)

    def losses(self, tokens, targets):
        """Cross-entropy per position, (B, T)."""
        B, T = tokens.shape
        x = self.p["wte.weight"][tokens] + self.p["wpe.weight"][:T]
        for layer in range(self.layers):
            h = f"h.{layer}."
            qkv = self.linear(self.norm(x, h + "ln_1"), h + "attn.c_attn")
            q, k, v = (y.view(B, T, self.heads, -1).transpose(1, 2) for y in qkv.chunk(3, dim=2))
            x = x + self.linear(attention(q, k, v).transpose(1, 2).reshape(B, T, -1), h + "attn.c_proj")
            hidden = F.gelu(self.linear(self.norm(x, h + "ln_2"), h + "mlp.c_fc"), approximate="tanh")
            x = x + self.linear(hidden, h + "mlp.c_proj")
        logits = F.linear(self.norm(x, "ln_f"), self.p["wte.weight"])
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(B, T)

    def loss(self, tokens, targets):
        return self.losses(tokens, targets).mean()


def of_directory(o):
    with open(os.path.join(o.model_dir, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = read_safetensors(os.path.join(o.model_dir, "model.safetensors"))
    tensors = {name.removeprefix("transformer."): t.float() for name, t in tensors.items()}
    read = read_safetensors(o.tokens)
    tokens, targets = read["tokens"].long(), read["targets"].long()
    counted = targets >= 0
    with torch.inference_mode():
        losses = Gpt2(tensors, config["n_head"]).losses(tokens, targets.clamp(min=0))
    print(json.dumps({"losses": ((losses * counted).sum(dim=1) / counted.sum(dim=1)).tolist()}))


def timed(o):
    torch.manual_seed(o.seed)
    model = Gpt2.random(o)
    training = o.mode == "train"
    parameters = list(model.p.values())
    if training:
        for p in parameters:
            p.requires_grad_()
        groups = [
            {"params": [p for p in parameters if p.dim() == 2], "weight_decay": 0.1},
            {"params": [p for p in parameters if p.dim() != 2], "weight_decay": 0.0},
        ]
        fused = {"fused": True} if int(torch.__version__.split(".")[0]) >= 2 else {"foreach": True}
        optimizer = torch.optim.AdamW(groups, lr=6e-4, betas=(0.9, 0.95), **fused)
    run = torch.compile(model.loss) if o.compile else model.loss
    seconds, losses = [], []
    for _ in range(o.steps + 1):
        tokens = torch.randint(o.vocab_size, (o.batch_size, o.sequence_length + 1))
        start = time.perf_counter()
        if training:
            optimizer.zero_grad(set_to_none=True)
            loss = run(tokens[:, :-1], tokens[:, 1:])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        else:
            with torch.inference_mode():
                loss = run(tokens[:, :-1], tokens[:, 1:])
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    tokens_per_second = o.batch_size * o.sequence_length / statistics.median(seconds[1:])
    answer = {name: getattr(o, name) for name in ("mode", "n_layer", "n_head", "n_embd", "vocab_size", "batch_size", "sequence_length", "threads", "compile")}
    answer.update(
        peer="torch " + torch.__version__,
        fused_attention=hasattr(F, "scaled_dot_product_attention"),
        seconds=seconds[1:],
        tokens_per_second=tokens_per_second,
        loss=losses[0],
        last_loss=losses[-1],
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    print(json.dumps(answer))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    losses = modes.add_parser("losses")
    losses.add_argument("model_dir")
    losses.add_argument("tokens")
    losses.add_argument("--threads", type=int, default=2)
    for mode in ("eval", "train"):
        sub = modes.add_parser(mode)
        defaults = dict(n_layer=12, n_head=12, n_embd=768, vocab_size=50257, batch_size=1, sequence_length=1024, steps=5, threads=2, seed=1)
        for name, value in defaults.items():
            sub.add_argument("--" + name, type=int, default=value)
        sub.add_argument("--compile", action="store_true", help="the loss through torch.compile")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    of_directory(o) if o.mode == "losses" else timed(o)


main()
