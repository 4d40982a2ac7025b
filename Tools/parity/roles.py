"""Heads mixed by gates, and the objectives of PruLong and DuoAttention, once more in PyTorch.

    python roles.py INPUTS FIXTURES

reads every case that the Swift tests wrote to INPUTS (roles-name.json, roles-name.safetensors: the parameters, the gates
`log alpha` and `alpha`, the noise `noise`) and writes FIXTURES/roles-name.safetensors in double precision: the sampled
gates, losses, and their gradients by the gates. Masks instead of caches, autograd instead of a tape; written from the
papers and docs/caches/prulong.md alone.
"""

import json
import math
import pathlib
import sys

import torch

from parity import attention, norm, read, stack, write

TEMPERATURE, LOW, HIGH = 2 / 3, -0.1, 1.1


def streaming(q, k, v, sinks, window):
    """Each query sees the first entries, the latest ones before its own, and its own."""
    share = q.shape[-2] // k.shape[-2]
    k, v = k.repeat_interleave(share, -2), v.repeat_interleave(share, -2)
    query, key = torch.arange(q.shape[-3])[:, None], torch.arange(q.shape[-3])[None, :]
    seen = (key <= query) & ((key < sinks) | (key >= query - window))
    scores = torch.einsum("...qhd,...khd->...hqk", q, k) / q.shape[-1] ** 0.5
    return torch.einsum("...hqk,...khd->...qhd", scores.masked_fill(~seen, -torch.inf).softmax(-1), v)


def hidden(w, case, tokens, gates):
    """Behind the last norm; gates [layers, key-value heads], or None where every head is full."""
    shape = case["layer"]

    def attend(index):
        def mixed(q, k, v):
            z = gates[index].repeat_interleave(q.shape[-2] // k.shape[-2])[:, None]
            return z * attention(q, k, v) + (1 - z) * streaming(q, k, v, case["sinks"], case["window"])

        return attention if gates is None else mixed

    return norm(stack(w["embedding"][tokens], w, "stack", shape, case["layers"], attend), w["stack last norm"])


def run_case(case, tensors):
    w = {name: tensor.double() for name, tensor in tensors.items()}
    log_alpha, alpha = (w.pop(name).clone().requires_grad_() for name in ("log alpha", "alpha"))
    noise, tokens, result = w.pop("noise"), torch.tensor(case["tokens"]), {}
    sigma = torch.sigmoid((torch.log(noise) - torch.log(1 - noise) + log_alpha) / TEMPERATURE)
    z = (sigma * (HIGH - LOW) + LOW).clamp(0, 1)
    logits = hidden(w, case, tokens, z) @ w.get("head", w["embedding"]).T
    token = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    keep = torch.sigmoid(log_alpha - TEMPERATURE * math.log(-LOW / HIGH))
    result |= {"gates": z, "logits": logits.flatten(0, 1), "loss/token": token.reshape(1)}
    for name, sparsity in {"sampled": 1 - z.mean(), "closed-form": 1 - keep.mean()}.items():
        excess = sparsity - case["target"]
        total = token + case["multipliers"][0] * excess + case["multipliers"][1] * excess**2
        (gradient,) = torch.autograd.grad(total, log_alpha, retain_graph=True)
        result |= {f"loss/{name}": total.reshape(1), f"gradient/{name}": gradient}
    rows = [position - 1 for position in case["labelled"]]
    difference = hidden(w, case, tokens, alpha)[:, rows] - hidden(w, case, tokens, None)[:, rows]
    total = difference.square().mean() + 0.05 * alpha.abs().mean()
    total.backward()
    result |= {"loss/duo-attention": total.reshape(1), "gradient/duo-attention": alpha.grad}
    return {name: tensor.detach() for name, tensor in result.items()}


def main(inputs, fixtures):
    for path in sorted(pathlib.Path(inputs).glob("roles-*.json")):
        result = run_case(json.loads(path.read_text()), read(path.with_suffix(".safetensors")))
        write(pathlib.Path(fixtures) / f"{path.stem}.safetensors", result)
        print(path.stem, {name: value.item() for name, value in result.items() if name.startswith("loss/")})


if __name__ == "__main__":
    main(*sys.argv[1:])
