"""How long torch takes for what op_speed times: torch_speed.py bf16|fp32 B. Prints the same lines, less bytes and FLOPs.

The head goes over 8,192 rows at a time, since all logits at once are 13 GB at B = 64. AdamW is torch's fused one.
"""

import sys

import torch
import torch.nn.functional as F

RUNS = 10
T, C, NH, V, P = 1024, 768, 12, 50304, 124475904
ROWS = 8192

precision, B = sys.argv[1], int(sys.argv[2])
training = precision == "bf16"
dtype = torch.bfloat16 if training else torch.float32
torch.backends.cuda.matmul.allow_tf32 = False
N = B * T
results = []


def random(*shape, dtype=dtype):
    return torch.rand(*shape, device="cuda", dtype=dtype) * 2 - 1


def time(name, work):
    taken = []
    for run in range(RUNS + 1):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        if run:
            taken.append(start.elapsed_time(end))
    milliseconds = sorted(taken)[RUNS // 2]
    print(f"op {name} {milliseconds:.5g}", flush=True)
    results.append(f'"{name}":{milliseconds:.4g}')


def gradients(out, of, dout):
    return lambda: torch.autograd.grad(out, of, dout, retain_graph=True)


def layernorm():
    x, w, b, dout = random(N, C), random(C), random(C), random(N, C)
    with torch.no_grad():
        time("layernorm_forward", lambda: F.layer_norm(x, (C,), w, b))
    if training:
        of = [t.requires_grad_() for t in (x, w, b)]
        time("layernorm_backward", gradients(F.layer_norm(x, (C,), w, b), of, dout))


def linear(name, rows, columns, gelu=False, residual=False, through_gelu=False):
    x, w, b = random(N, rows), random(rows, columns), random(columns)
    add = random(N, columns) if residual else None

    def forward():
        out = torch.addmm(b, x, w)
        if gelu:
            out = F.gelu(out, approximate="tanh")
        return out + add if residual else out

    time(f"linear_forward {name}", forward)
    if not training:
        return
    dout = random(N, columns)

    def backward_input():
        din = dout @ w.t()
        return torch.ops.aten.gelu_backward(din, x, approximate="tanh") if through_gelu else din

    time(f"linear_backward_input {name}", backward_input)
    time(f"linear_backward_weight {name}", lambda: (x.t() @ dout, dout.sum(0)))


def attention():
    qkv, dout = random(B, T, 3, NH, C // NH), random(B, NH, T, C // NH)

    def forward():
        return F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4).unbind(0), is_causal=True)

    with torch.no_grad():
        time("attention_forward", forward)
    if training:
        qkv.requires_grad_()
        time("attention_backward", gradients(forward(), [qkv], dout))


def head():
    x, w = random(N, C), random(V, C) * 0.05
    targets = torch.randint(0, 50257, (N,), device="cuda")

    def losses(rows):
        return F.cross_entropy((x[rows] @ w.t()).float(), targets[rows], reduction="sum")

    chunks = [slice(at, min(at + ROWS, N)) for at in range(0, N, ROWS)]
    with torch.no_grad():
        time("head_loss_forward", lambda: [losses(rows) for rows in chunks])
    if training:
        of = [x.requires_grad_(), w.requires_grad_()]
        time("head_loss_backward", lambda: [torch.autograd.grad(losses(rows), of) for rows in chunks])


def optimizer():
    params = random(P, dtype=torch.float32).requires_grad_()
    params.grad = random(P, dtype=torch.float32)
    time("grad_norm", lambda: torch.linalg.vector_norm(params.grad))
    adamw = torch.optim.AdamW([params], lr=1e-4, betas=(0.9, 0.95), fused=True)
    time("adamw", adamw.step)


layernorm()
linear("qkv", C, 3 * C)
linear("attproj", C, C, residual=True)
linear("fc", C, 4 * C, gelu=True)
linear("fcproj", 4 * C, C, residual=True, through_gelu=True)
attention()
head()
if training:
    optimizer()
print('{"torch":"%s","B":%d,%s}' % (torch.__version__, B, ",".join(results)))
