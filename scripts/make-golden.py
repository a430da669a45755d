#!/usr/bin/env python3
"""Makes src/test/resources/golden/gpt2-trained: a small GPT-2 that was trained, and the exact loss of every position.

    OPENBLAS_NUM_THREADS=1 python3 scripts/make-golden.py [DIR]

A developer's tool: nothing that builds or tests needs it, or Python. It needs numpy. GPT-2, its gradients and AdamW are
written here from the formulas, in float64, apart from every engine of sn9; the seed decides everything.

The model has 2 layers of 2 heads, 64 channels, 257 words and 64 positions. It starts as GPT-2 does and takes STEPS steps
on text-like tokens: words with frequencies of Zipf's law, of which each is usually followed by one of four. The float32
values that come out are the model, and from these, exactly, float64 computes losses per position:

    model.safetensors, config.json    the trained model, Hugging Face layout
    shifted.safetensors               its wte and wpe shifted: the same function, with about SHIFT in all logits
    expected.safetensors              `tokens` (2, 64) and their `targets`, I64; losses (2, 64), F64: `trained`, `shifted`
                                      and `plain`, the last of golden/gpt2-tiny, whose parameters are random; and `tf32.`
                                      with each name: the operands of every product rounded to tf32, which is what an
                                      engine that claims f32 must be better than
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

LAYERS, HEADS, CHANNELS, WORDS, POSITIONS, EPSILON = 2, 2, 64, 257, 64, 1e-5
STEPS, BATCH, RATE, DECAY, SHIFT = 300, 8, 3e-3, 0.1, -96.0
GELU = np.sqrt(2 / np.pi)
GOLDEN = Path(__file__).resolve().parent.parent / "src/test/resources/golden"
TINY = GOLDEN / "gpt2-tiny/model.safetensors"


def initial(random):
    """Parameters as GPT-2's: deviation 0.02, less where a layer ends in the residual."""
    ends = 0.02 / np.sqrt(2 * LAYERS)
    p = {
        "transformer.wte.weight": random.normal(0, 0.02, (WORDS, CHANNELS)),
        "transformer.wpe.weight": random.normal(0, 0.02, (POSITIONS, CHANNELS)),
    }
    for layer in range(LAYERS):
        h = f"transformer.h.{layer}."
        for name, rows, columns, deviation in (
            ("attn.c_attn", CHANNELS, 3 * CHANNELS, 0.02),
            ("attn.c_proj", CHANNELS, CHANNELS, ends),
            ("mlp.c_fc", CHANNELS, 4 * CHANNELS, 0.02),
            ("mlp.c_proj", 4 * CHANNELS, CHANNELS, ends),
        ):
            p[f"{h}{name}.weight"] = random.normal(0, deviation, (rows, columns))
            p[f"{h}{name}.bias"] = np.zeros(columns)
        for name in ("ln_1", "ln_2"):
            p[f"{h}{name}.weight"] = np.ones(CHANNELS)
            p[f"{h}{name}.bias"] = np.zeros(CHANNELS)
    p["transformer.ln_f.weight"] = np.ones(CHANNELS)
    p["transformer.ln_f.bias"] = np.zeros(CHANNELS)
    return p


class Text:
    """Words that follow one another as a text's do."""

    def __init__(self, random):
        frequency = 1 / np.arange(1, WORDS + 1)
        self.frequency = frequency / frequency.sum()
        self.followers = random.choice(WORDS, (WORDS, 4), p=self.frequency)

    def rows(self, random, count):
        tokens = np.zeros((count, POSITIONS + 1), dtype=np.int64)
        tokens[:, 0] = random.choice(WORDS, count, p=self.frequency)
        for t in range(1, POSITIONS + 1):
            follow = self.followers[tokens[:, t - 1], random.choice(4, count, p=[0.6, 0.2, 0.15, 0.05])]
            tokens[:, t] = np.where(random.random(count) < 0.85, follow, random.choice(WORDS, count, p=self.frequency))
        return tokens[:, :-1], tokens[:, 1:]


def layernorm(x, p, name):
    centred = x - x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    normal = centred * rstd
    return normal * p[name + ".weight"] + p[name + ".bias"], (normal, rstd)


def layernorm_backward(dout, kept, p, g, name):
    normal, rstd = kept
    g[name + ".weight"] += (dout * normal).sum((0, 1))
    g[name + ".bias"] += dout.sum((0, 1))
    d = dout * p[name + ".weight"]
    return rstd * (d - d.mean(-1, keepdims=True) - normal * (d * normal).mean(-1, keepdims=True))


def exact(x):
    return x


def tf32(x):
    """Float32 to 10 bits of fraction, to nearest even."""
    bits = x.astype(np.float32).view(np.uint32)
    bits = bits + np.uint32(0xFFF) + (bits >> np.uint32(13) & np.uint32(1)) & np.uint32(0xFFFFE000)
    return bits.view(np.float32).astype(np.float64)


def linear_backward(dout, x, p, g, name):
    g[name + ".weight"] += x.reshape(-1, x.shape[-1]).T @ dout.reshape(-1, dout.shape[-1])
    g[name + ".bias"] += dout.sum((0, 1))
    return dout @ p[name + ".weight"].T


def heads(x):
    B, T, C = x.shape
    return x.reshape(B, T, HEADS, C // HEADS).transpose(0, 2, 1, 3)


def joined(x):
    B, NH, T, HS = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, T, NH * HS)


def forward(p, tokens, targets, operand=exact):
    """The loss of every position, and what the gradients need. operand rounds both sides of every product."""

    def product(a, b):
        return operand(a) @ operand(b)

    def linear(x, name):
        return product(x, p[name + ".weight"]) + p[name + ".bias"]

    T = tokens.shape[1]
    future = np.triu(np.ones((T, T), dtype=bool), 1)
    x = p["transformer.wte.weight"][tokens] + p["transformer.wpe.weight"][:T]
    kept = []
    for layer in range(LAYERS):
        h = f"transformer.h.{layer}."
        normal1, ln1 = layernorm(x, p, h + "ln_1")
        q, k, v = (heads(part) for part in np.split(linear(normal1, h + "attn.c_attn"), 3, -1))
        scores = np.where(future, -np.inf, product(q, k.swapaxes(-1, -2)) / np.sqrt(q.shape[-1]))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        attended = joined(product(weights, v))
        x = x + linear(attended, h + "attn.c_proj")
        normal2, ln2 = layernorm(x, p, h + "ln_2")
        pre = linear(normal2, h + "mlp.c_fc")
        tanh = np.tanh(GELU * (pre + 0.044715 * pre**3))
        x = x + linear(0.5 * pre * (1 + tanh), h + "mlp.c_proj")
        kept.append((normal1, ln1, q, k, v, weights, attended, normal2, ln2, pre, tanh))
    hidden, lnf = layernorm(x, p, "transformer.ln_f")
    logits = product(hidden, p["transformer.wte.weight"].T)
    top = logits.max(-1, keepdims=True)
    log_total = top + np.log(np.exp(logits - top).sum(-1, keepdims=True))
    losses = (log_total - np.take_along_axis(logits, targets[..., None], -1))[..., 0]
    return losses, (kept, hidden, lnf, np.exp(logits - log_total))


def backward(p, tokens, targets, state):
    """Gradients of the mean loss."""
    kept, hidden, lnf, probabilities = state
    g = {name: np.zeros_like(value) for name, value in p.items()}
    B, T = tokens.shape
    dlogits = probabilities.copy()
    np.put_along_axis(dlogits, targets[..., None], np.take_along_axis(dlogits, targets[..., None], -1) - 1, -1)
    dlogits /= B * T
    g["transformer.wte.weight"] += dlogits.reshape(-1, WORDS).T @ hidden.reshape(-1, CHANNELS)
    dx = layernorm_backward(dlogits @ p["transformer.wte.weight"], lnf, p, g, "transformer.ln_f")
    for layer in reversed(range(LAYERS)):
        h = f"transformer.h.{layer}."
        normal1, ln1, q, k, v, weights, attended, normal2, ln2, pre, tanh = kept[layer]
        dactivated = linear_backward(dx, 0.5 * pre * (1 + tanh), p, g, h + "mlp.c_proj")
        slope = 0.5 * (1 + tanh) + 0.5 * pre * (1 - tanh**2) * GELU * (1 + 3 * 0.044715 * pre**2)
        dnormal = linear_backward(dactivated * slope, normal2, p, g, h + "mlp.c_fc")
        dx = dx + layernorm_backward(dnormal, ln2, p, g, h + "ln_2")
        dattended = heads(linear_backward(dx, attended, p, g, h + "attn.c_proj"))
        dweights = dattended @ v.swapaxes(-1, -2)
        dscores = weights * (dweights - (dweights * weights).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
        parts = (dscores @ k, dscores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dattended)
        dqkv = np.concatenate([joined(part) for part in parts], -1)
        dx = dx + layernorm_backward(linear_backward(dqkv, normal1, p, g, h + "attn.c_attn"), ln1, p, g, h + "ln_1")
    g["transformer.wpe.weight"][:T] += dx.sum(0)
    np.add.at(g["transformer.wte.weight"], tokens, dx)
    return g


def check_gradients(p, text, random):
    """Against central differences, before anything is trained with them."""
    tokens, targets = text.rows(random, 2)
    g = backward(p, tokens, targets, forward(p, tokens, targets)[1])
    for name, value in p.items():
        at = np.unravel_index(random.integers(value.size), value.shape)
        before, sums = value[at], []
        for step in (1e-5, -1e-5):
            value[at] = before + step
            sums.append(forward(p, tokens, targets)[0].mean())
        value[at] = before
        difference = (sums[0] - sums[1]) / 2e-5
        if abs(difference - g[name][at]) > 1e-7:
            sys.exit(f"gradient of {name}{at}: {g[name][at]}, differences say {difference}")


def train(p, text, random):
    m = {name: np.zeros_like(value) for name, value in p.items()}
    v = {name: np.zeros_like(value) for name, value in p.items()}
    for step in range(1, STEPS + 1):
        tokens, targets = text.rows(random, BATCH)
        losses, state = forward(p, tokens, targets)
        g = backward(p, tokens, targets, state)
        clip = min(1, 1 / (np.sqrt(sum((value**2).sum() for value in g.values())) + 1e-6))
        for name, value in p.items():
            m[name] = 0.9 * m[name] + 0.1 * clip * g[name]
            v[name] = 0.95 * v[name] + 0.05 * (clip * g[name]) ** 2
            if value.ndim == 2:
                value *= 1 - RATE * DECAY
            value -= RATE * (m[name] / (1 - 0.9**step)) / (np.sqrt(v[name] / (1 - 0.95**step)) + 1e-8)
        if step % 50 == 0 or step == 1:
            print(f"step {step}: {losses.mean():.4f} nats")


def as_float32(p):
    """What the file will hold, as float64."""
    return {name: value.astype(np.float32).astype(np.float64) for name, value in p.items()}


def shifted(p, hidden):
    """A vector added to every row of wte and taken from every row of wpe: about SHIFT more in every logit."""
    mean = hidden.reshape(-1, CHANNELS).mean(0)
    direction = mean * (SHIFT / (mean**2).sum())
    return {
        **p,
        "transformer.wte.weight": p["transformer.wte.weight"] + direction,
        "transformer.wpe.weight": p["transformer.wpe.weight"] - direction,
    }


def load(path):
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = json.loads(data[8:start])
    tensors.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[start + at["data_offsets"][0] : start + at["data_offsets"][1]], np.float32)
        .reshape(at["shape"])
        .astype(np.float64)
        for name, at in tensors.items()
    }


def save(path, tensors):
    kinds = {np.dtype(np.float32): "F32", np.dtype(np.float64): "F64", np.dtype(np.int64): "I64"}
    header, data = {}, b""
    for name, value in tensors.items():
        end = len(data) + value.nbytes
        header[name] = {"dtype": kinds[value.dtype], "shape": list(value.shape), "data_offsets": [len(data), end]}
        data += np.ascontiguousarray(value).tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN / "gpt2-trained"
    to.mkdir(parents=True, exist_ok=True)
    random = np.random.Generator(np.random.PCG64(20))
    text = Text(random)
    p = initial(random)
    check_gradients(p, text, random)
    train(p, text, random)
    p = as_float32(p)
    tokens, targets = text.rows(random, 2)
    hidden = forward(p, tokens, targets)[1][1]
    q = as_float32(shifted(p, hidden))
    models = {"plain": load(TINY), "trained": p, "shifted": q}
    expected = {"tokens": tokens, "targets": targets}
    for name, parameters in models.items():
        expected[name] = forward(parameters, tokens, targets)[0]
        expected["tf32." + name] = forward(parameters, tokens, targets, tf32)[0]
        off = np.abs(expected["tf32." + name] - expected[name])
        print(f"{name}: {expected[name].mean():.6f} nats; tf32 off by {off.mean():.1e}, at most {off.max():.1e}")

    moved = ("transformer.wte.weight", "transformer.wpe.weight")
    save(to / "model.safetensors", {name: value.astype(np.float32) for name, value in p.items()})
    save(to / "shifted.safetensors", {name: q[name].astype(np.float32) for name in moved})
    save(to / "expected.safetensors", expected)
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": WORDS,
        "n_positions": POSITIONS,
        "n_embd": CHANNELS,
        "n_layer": LAYERS,
        "n_head": HEADS,
        "layer_norm_epsilon": EPSILON,
        "activation_function": "gelu_new",
    }
    (to / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
