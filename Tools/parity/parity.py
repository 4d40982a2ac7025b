"""The models, the objective and AdamW once more in PyTorch, written from the paper and NOTATION.md alone.

    python parity.py INPUTS FIXTURES

reads every case that the Swift tests wrote to INPUTS (name.json, name.safetensors) and writes
FIXTURES/parity-name.safetensors: logits, losses and gradients in double precision, the losses and parameters of ten
steps of AdamW, and how far PyTorch's own float32 is from its doubles: the largest of eight runs whose parameters were
moved by a unit in the last place, so that one lucky run is no yardstick. See README.md beside this file.
"""

import json
import pathlib
import struct
import sys

import torch

NORM_EPSILON, COSINE_EPSILON, ROTARY_BASE, STEPS, TRIALS = 1e-5, 1e-12, 10_000.0, 10, 8
DTYPES = {"F32": torch.float32, "F64": torch.float64}


# ---- safetensors ----


def read(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=DTYPES[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        kind = next(key for key, value in DTYPES.items() if value == tensor.dtype)
        raw = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


# ---- a stack of layers, on rows of any number of groups: [..., positions, features] ----


def norm(x, weight):
    return x / torch.sqrt(x.square().mean(-1, keepdim=True) + NORM_EPSILON) * weight


def rotate(x):
    """Rotary embedding of [..., positions, heads, features] by the position; angles are tables of float32."""
    positions, width = x.shape[-3], x.shape[-1]
    half = width // 2
    frequency = ROTARY_BASE ** (-2 * torch.arange(half, dtype=torch.float64) / width)
    angle = torch.arange(positions, dtype=torch.float64)[:, None, None] * frequency
    cos, sin = angle.cos().float().to(x.dtype), angle.sin().float().to(x.dtype)
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([first * cos - second * sin, second * cos + first * sin, rest], -1)


def attention(q, k, v):
    """Causal; q [..., positions, heads, features], k and v with fewer heads, each shared by consecutive queries."""
    share = q.shape[-2] // k.shape[-2]
    k, v = k.repeat_interleave(share, -2), v.repeat_interleave(share, -2)
    scores = torch.einsum("...qhd,...khd->...hqk", q, k) / q.shape[-1] ** 0.5
    future = torch.ones(q.shape[-3], q.shape[-3], dtype=torch.bool).triu(1)
    return torch.einsum("...hqk,...khd->...qhd", scores.masked_fill(future, -torch.inf).softmax(-1), v)


def layer(x, w, name, shape, attend):
    heads, shared, width = shape["heads"], shape["key_value_heads"], shape["head_width"]
    joint = norm(x, w[f"{name} attention norm"]) @ w[f"{name} query key value"].T
    q, k, v = joint.unflatten(-1, (heads + 2 * shared, width)).split([heads, shared, shared], -2)
    x = x + attend(rotate(q), rotate(k), v).flatten(-2) @ w[f"{name} output"].T
    hidden = norm(x, w[f"{name} feed-forward norm"]) @ w[f"{name} gate up"].T
    if shape["feed_forward_kind"] == "gated":
        gate, up = hidden.chunk(2, -1)
        hidden = torch.nn.functional.silu(gate) * up
    else:
        hidden = torch.nn.functional.gelu(hidden, approximate="tanh")
    return x + hidden @ w[f"{name} down"].T


def stack(x, w, name, shape, layers, attend=lambda index: attention):
    """Without the last norm. attend(index) is the attention of a layer."""
    for index in range(layers):
        x = layer(x, w, f"{name} {index}", shape, attend(index))
    return x


# ---- the models ----


def vanilla(w, model, tokens):
    x = stack(w["embedding"][tokens], w, "stack", model["layer"], model["layers"])
    return {"logits": norm(x, w["stack last norm"]) @ w.get("head", w["embedding"]).T}


def encode(w, model, tokens):
    """X^(0) … X^(L) and A^(1) … A^(L) (index 0 unused), [sequences, units, features]."""
    latents, chunks = [w["encoder embedding"][tokens]], [None]
    for l, level in enumerate(model["levels"], 1):
        units = latents[-1].shape[1] // level["chunk_length"]
        below = latents[-1][:, : units * level["chunk_length"]]
        a = below.reshape(below.shape[0], units, level["chunk_length"] * below.shape[2])
        if level["chunker"] == "linear":
            a = norm(a, w[f"level {l} chunker norm"])
        if level["chunker"] != "concatenation":
            a = a @ w[f"level {l} chunker weight"].T + w[f"level {l} chunker bias"]
        chunks.append(a)
        x = stack(a, w, f"level {l} encoder", level["layer"], level["encoder_layers"])
        latents.append(norm(x, w[f"level {l} encoder last norm"]))
    return latents, chunks


def decode(w, model, l, vectors, units):
    """X̂^(l−1) of all chunks. vectors: [sequences, chunks, R, D]; units: their C − 1 inputs, or None for their own."""
    level, name = model["levels"][l - 1], f"level {l} decoder"
    shape = model["layer"] if l == 1 else model["levels"][l - 2]["layer"]

    def run(x):
        x = stack(x, w, name, shape, level["decoder_layers"])
        return norm(x, w[f"{name} last norm"]) if l > 1 else x

    if units is not None:
        return run(torch.cat([vectors, units], 2))[:, :, level["condition_length"] - 1 :]
    x, outputs = vectors, []
    for _ in range(level["chunk_length"]):
        outputs.append(run(x)[:, :, -1:])
        x = torch.cat([x, outputs[-1] if l > 1 else norm(outputs[-1], w[f"{name} last norm"])], 2)
    return torch.cat(outputs, 2)


def hierarchy(w, model, tokens):
    reading, top = model["decoder_input"], len(model["levels"])
    sequences, length = tokens.shape
    latents, chunks = encode(w, model, tokens)
    restored = [None] * (top + 1)
    span = 1
    for level in model["levels"]:
        span *= level["chunk_length"]
    for l in range(top, 0, -1):
        level = model["levels"][l - 1]
        count = -(-length // span)
        source = latents[l] if l == top or reading == "encoder-state" else restored[l]
        if l == top or reading != "cascade":
            start = w[f"level {l} start"].expand(sequences, 1, -1)
            source = torch.cat([start, source], 1)
        vectors = source[:, :count] @ w[f"level {l} converter weight"].T + w[f"level {l} converter bias"]
        vectors = vectors.unflatten(-1, (level["condition_length"], -1))
        units = None
        if l > 1 and reading in ("cascade", "encoder-state"):
            units = latents[l - 1]
        elif l == 1 and reading != "reconstruction":
            units = w["decoder embedding"][tokens]
        if units is not None:
            missing = count * level["chunk_length"] - units.shape[1]
            units = torch.nn.functional.pad(units, (0, 0, 0, missing)).unflatten(1, (count, level["chunk_length"]))
            units = units[:, :, :-1]
        restored[l - 1] = decode(w, model, l, vectors, units).flatten(1, 2)
        span //= level["chunk_length"]
    outputs = norm(restored[0][:, :length], w["level 1 decoder last norm"])
    logits = outputs @ w.get("head", w["decoder embedding"]).T
    return {"logits": logits, "latents": latents, "chunks": chunks, "restored": restored}


# ---- the objective ----


def dissimilarity(kind, a, b):
    if kind == "mse":
        return (a - b).square().mean()
    lengths = [(x.square().sum(-1) + COSINE_EPSILON).sqrt() for x in (a, b)]
    return (1 - (a * b).sum(-1) / (lengths[0] * lengths[1])).mean()


def losses(w, case, tokens):
    model, objective = case["model"], case["objective"]
    result = {}
    if model["family"] == "vanilla":
        run = vanilla(w, model, tokens)
        scored, targets = run["logits"][:, :-1], tokens[:, 1:]
    else:
        run = hierarchy(w, model, tokens)
        scored, targets = run["logits"], tokens
    result["token"] = torch.nn.functional.cross_entropy(scored.flatten(0, 1), targets.flatten())
    result["total"] = result["token"]
    stop = (lambda x: x.detach()) if objective["stops_target_gradients"] else (lambda x: x)
    kind = objective["dissimilarity"]
    for l in range(1, len(model["levels"]) + 1):
        target = run["latents"][l - 1]
        if l == 1:
            tables = {"none": None, "encoder-embedding": "encoder embedding", "decoder-embedding": "decoder embedding"}
            table = tables[objective["token_target"]]
            target = None if table is None else w[table][tokens]
        if target is not None and target.shape[1] > 0:
            part = dissimilarity(kind, run["restored"][l - 1][:, : target.shape[1]], stop(target))
            result[f"reconstruction {l}"] = part
            result["total"] = result["total"] + objective["reconstruction_weight"] * part
        if run["latents"][l].shape[1] > 1:
            part = dissimilarity(kind, run["latents"][l][:, :-1], stop(run["chunks"][l][:, 1:]))
            result[f"context {l}"] = part
            result["total"] = result["total"] + objective["context_weight"] * part
    return run["logits"], result


# ---- one case ----


def moved(tensor):
    """Every number by at most a unit in the last place of float32."""
    return tensor.double() * (1 + (2 * torch.rand(tensor.shape, dtype=torch.float64) - 1) * 2**-23)


def run_case(path, case, dtype, change=lambda tensor: tensor):
    w = {name: change(tensor).to(dtype).clone().requires_grad_() for name, tensor in read(path).items()}
    tokens = torch.tensor(case["tokens"])
    logits, parts = losses(w, case, tokens)
    result = {"logits": logits.flatten(0, 1)}
    result |= {f"loss/{name}": value.reshape(1) for name, value in parts.items()}
    parts["total"].backward()
    for name, tensor in w.items():
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        result[f"gradient/{name}"] = gradient.clone()
        tensor.grad = gradient
    settings = case["optimiser"]
    groups = [
        {"params": [t for t in w.values() if t.shape[0] > 1], "weight_decay": settings["weight_decay"]},
        {"params": [t for t in w.values() if t.shape[0] == 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(
        groups, lr=settings["learning_rate"], betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"]
    )
    totals = []
    for step in range(STEPS):
        optimiser.zero_grad()
        total = losses(w, case, tokens)[1]["total"]
        totals.append(total.detach())
        total.backward()
        optimiser.step()
    result["steps"] = torch.stack(totals)
    result |= {f"after/{name}": tensor for name, tensor in w.items()}
    return {name: tensor.detach() for name, tensor in result.items()}


def main(inputs, fixtures):
    for path in sorted(pathlib.Path(inputs).glob("*.json")):
        if path.stem.startswith("roles-"):
            continue  # roles.py
        case = json.loads(path.read_text())
        weights = path.with_suffix(".safetensors")
        torch.manual_seed(0)
        double = run_case(weights, case, torch.float64)
        singles = [run_case(weights, case, torch.float32, moved) for _ in range(TRIALS)]
        fixture = {}
        for name, tensor in double.items():
            fixture[name] = tensor.float() if name.startswith("after/") else tensor
        for group in ("gradient/", "after/", "steps"):
            names = [name for name in double if name.startswith(group)]
            errors = [
                sum((single[name].double() - double[name]).square().sum() for name in names).sqrt()
                for single in singles
            ]
            fixture[f"float32 error/{group.strip('/')}"] = torch.stack(errors).max().reshape(1)
        write(pathlib.Path(fixtures) / f"parity-{path.stem}.safetensors", fixture)
        print(path.stem, "loss", double["loss/total"].item(), "after ten steps", double["steps"][-1].item())


if __name__ == "__main__":
    main(*sys.argv[1:])
