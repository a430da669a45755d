#!/usr/bin/env python3
"""The work of bench-vs-torch.sh, which says how it is called."""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(os.path.dirname(HERE), "src", "test", "resources", "golden", "gpt2-trained")
CASES = ["eval:12/12/768:1:1024", "eval:12/12/768:4:1024", "train:12/12/768:1:1024", "train:12/12/768:4:256"]
QUIET = 0.15  # cores that other work may use


def busy_seconds():
    """Seconds that all processors have been busy, other machines' use of them included."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def answer(command):
    """A program's answer: the JSON object that is its last line. Sets `other`, the cores that other work used meanwhile."""
    busy, own, start = busy_seconds(), own_seconds(), time.monotonic()
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr}")
    result = json.loads(run.stdout.strip().splitlines()[-1])
    result["other"] = (busy_seconds() - busy - (own_seconds() - own)) / (time.monotonic() - start)
    return result


def sn9(*words):
    return answer([os.path.join(HERE, "sn9"), *words, "--json"])


def torch(*words):
    return answer([sys.executable, os.path.join(HERE, "torch_gpt2.py"), *words])


def expect_equal_losses(threads):
    """Both evaluate a trained model: a benchmark of two programs that compute different things would mean nothing."""
    tokens = os.path.join(GOLDEN, "expected.safetensors")
    ours = sn9("eval", "--model_dir", GOLDEN, "--tokens", tokens, "--device", "cpu", "--threads", threads)["losses"]
    theirs = torch("losses", GOLDEN, tokens, "--threads", threads)["losses"]
    worst = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    if worst > 1e-5:
        sys.exit(f"the losses of {GOLDEN} differ by up to {worst:.2g}: sn9 {ours}, PyTorch {theirs}")
    return worst


def measure(case, o):
    mode, shape, batch, length = case.split(":")
    layers, heads, width = shape.split("/")
    flags = ["--n_layer", layers, "--n_head", heads, "--n_embd", width, "--batch_size", batch, "--sequence_length", length]
    flags += ["--steps", o.steps, "--threads", o.threads]
    programs = {
        "sn9": lambda: sn9("bench", mode, "--device", "cpu", *flags),
        "eager": lambda: torch(mode, *flags),
    }
    if o.compile:
        programs["compiled"] = lambda: torch(mode, *flags, "--compile")
    runs = {name: [] for name in programs}
    for round_ in range(int(o.rounds)):
        for name, run in programs.items():
            result = run()
            print(f"{case} round {round_ + 1}: {name} {result['tokens_per_second']:.1f} tokens/s", file=sys.stderr)
            if result["other"] > QUIET:
                sys.exit(f"other work used {result['other']:.2f} cores meanwhile, {QUIET} are allowed: no table. Stop it and repeat")
            runs[name].append(result)
    row = {"case": case}
    for name, results in runs.items():
        row[name] = statistics.median(r["tokens_per_second"] for r in results)
        row[name + "_peak_mb"] = max(r["peak_rss_mb"] for r in results)
    row["peak_share"] = statistics.median(r["peak_share"] for r in runs["sn9"])
    row["ratio_eager"] = row["sn9"] / row["eager"]
    if o.compile:
        row["ratio_compiled"] = row["sn9"] / row["compiled"]
    row["torch"] = runs["eager"][0]["peer"]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rounds", "3"), ("steps", "5"), ("threads", "2")):
        parser.add_argument("--" + name, default=value)
    parser.add_argument("--compile", action="store_true", help="also with torch.compile (PyTorch 2)")
    parser.add_argument("cases", nargs="*", default=CASES)
    o = parser.parse_args()
    print(f"losses agree to {expect_equal_losses(o.threads):.1g}", file=sys.stderr)
    rows = [measure(case, o) for case in o.cases]
    print(f"{rows[0]['torch']}, {o.threads} threads, f32, medians of {o.rounds} rounds in turn")
    print(f"{'case':28}{'sn9':>8}{'eager':>8}{'ratio':>7}{'compiled':>10}{'ratio':>7}{'of GEMM':>9}{'sn9 MiB':>9}{'torch MiB':>11}")
    for r in rows:
        compiled = f"{r['compiled']:10.0f}{r['ratio_compiled']:7.2f}" if o.compile else f"{'-':>10}{'-':>7}"
        print(
            f"{r['case']:28}{r['sn9']:8.0f}{r['eager']:8.0f}{r['ratio_eager']:7.2f}{compiled}{r['peak_share']:9.2f}"
            f"{r['sn9_peak_mb']:9.0f}{r['eager_peak_mb']:11.0f}"
        )
    print(json.dumps({"rows": rows}))


main()
