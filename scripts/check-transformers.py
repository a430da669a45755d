#!/usr/bin/env python3
"""Losses of a model directory according to Hugging Face's transformers: a developer's check on what sn9 writes and computes.

Set-up, once:  python3 -m venv .venv && .venv/bin/pip install torch transformers safetensors
Run:           .venv/bin/python scripts/check-transformers.py MODEL_DIR TOKENS [--dtype float32|float64]

TOKENS is a safetensors file with an integer tensor `tokens` or `input_ids` (N, T), with `targets` (N, T; negative where
nothing is to be predicted) or without, or a JSON file with a list of lists of tokens, which may differ in length. Without
targets each token predicts the next of its row. Dropout is off; parameters are widened to --dtype after loading.

Last line on standard output: one JSON object; `losses` are mean nats per row. Exit status 1 when the directory does not
load without a remark: parameters missing, unexpected or of another shape, or any warning.
"""
import argparse
import json
import logging
import sys
import warnings

import safetensors.torch
import torch
import torch.nn.functional as F
import transformers


def read_rows(path):
    """Yields (tokens, targets) per row; targets are -100 where there is nothing to predict."""
    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            rows = [torch.tensor(row, dtype=torch.long) for row in json.load(file)]
        targets = None
    else:
        tensors = safetensors.torch.load_file(path)
        name = next((n for n in ("tokens", "input_ids") if n in tensors), None)
        if name is None:
            sys.exit(f"{path}: expected a tensor `tokens` or `input_ids`, found {', '.join(sorted(tensors))}")
        rows = list(tensors[name].long())
        targets = tensors.get("targets")
    for index, row in enumerate(rows):
        if targets is None:
            yield row, torch.cat([row[1:], torch.tensor([-100])])
        else:
            target = targets[index].long()
            yield row, torch.where(target < 0, torch.tensor(-100), target)


class Remarks(logging.Handler):
    """Keeps what transformers logs at WARNING and above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir")
    parser.add_argument("tokens")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    args = parser.parse_args()

    remarks = Remarks()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.get_logger("transformers").addHandler(remarks)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            args.model_dir, output_loading_info=True, local_files_only=True)
    remarks.texts += [str(w.message) for w in caught]
    loaded_as = str(model.dtype).removeprefix("torch.")
    model = model.to(getattr(torch, args.dtype)).eval()

    losses, predictions, total = [], 0, 0.0
    with torch.no_grad():
        for tokens, targets in read_rows(args.tokens):
            logits = model(tokens[None]).logits[0].double()
            count = int((targets >= 0).sum())
            summed = float(F.cross_entropy(logits, targets, reduction="sum", ignore_index=-100))
            losses.append(summed / count if count else None)
            predictions += count
            total += summed

    faults = {key: sorted(map(str, value)) for key, value in info.items() if value}
    print(json.dumps({
        "losses": losses,
        "mean_loss": total / predictions if predictions else None,
        "predictions": predictions,
        "class": type(model).__name__,
        "parameters": model.num_parameters(),
        "loaded_as": loaded_as,
        "faults": faults,
        "warnings": remarks.texts,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }))
    return 1 if faults or remarks.texts else 0


if __name__ == "__main__":
    sys.exit(main())
