#!/usr/bin/env python3
"""The teacher-forced losses of a checkpoint, in NumPy, from what docs/checkpoint-format.md says and nothing else.

    python3 Tools/checkpoint/forward.py CHECKPOINT FILE [--context T] [--check PHOTON]

prints one JSON object: `bits_per_token` over the bytes of FILE, as `photon evaluate CHECKPOINT -d FILE --context T
--sequences 0 --format json --limit TOKENS` does, and of a hierarchy the parts of L_rec and L_context, level 1 first.
With --check it runs that command of the program PHOTON and fails where the two differ by more than 10⁻⁶. Numbers are
doubles; windows are run again from their start for every position that is fed an output, for it is plainer so.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np


def read(folder):
    """The configuration and the tensors by name, as doubles; those of one row as vectors."""
    raw = (folder / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, entry in json.loads(raw[8:start]).items():
        if name != "__metadata__":
            first, end = (start + offset for offset in entry["data_offsets"])
            tensor = np.frombuffer(raw[first:end], "<f4").astype(float).reshape(entry["shape"])
            tensors[name] = tensor[0] if len(tensor) == 1 else tensor
    return json.loads((folder / "checkpoint.json").read_text()), tensors


def norm(x, weight):
    return weight * x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)


def rotate(x):
    """x: windows × positions × heads × d."""
    half, d = x.shape[-1] // 2, x.shape[-1]
    angle = np.arange(x.shape[1])[:, None, None] * 10_000.0 ** (-2 * np.arange(half) / d)
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle), rest], -1)


class Model:
    def __init__(self, configuration, tensors):
        self.w, self.model = tensors, configuration["model"]
        self.training, self.levels = configuration["training"], self.model["levels"]
        self.table = "decoder embedding" if self.levels else "embedding"
        self.head = tensors[self.table if self.model["tied_head"] else "head"]

    def stack(self, name, layers, shape, x):
        """x: windows × positions × D; without the last norm."""
        heads, groups, d = shape["heads"], shape["key_value_heads"], shape["head_width"]
        count, length = x.shape[:2]
        layers = layers if length else 0
        mask = np.triu(np.full((length, length), -np.inf), 1)
        for layer in range(layers):
            get = lambda part: self.w[f"{name} {layer} {part}"]
            y = norm(x, get("attention norm")) @ get("query key value").T
            q, k, v = np.split(y, [heads * d, (heads + groups) * d], axis=-1)
            q = rotate(q.reshape(count, length, heads, d))
            k, v = rotate(k.reshape(count, length, groups, d)), v.reshape(count, length, groups, d)
            k, v = (np.repeat(part, heads // groups, axis=2) for part in (k, v))
            scores = np.einsum("wphd,wjhd->whpj", q, k) / np.sqrt(d) + mask
            share = np.exp(scores - scores.max(-1, keepdims=True))
            share /= share.sum(-1, keepdims=True)
            x = x + np.einsum("whpj,wjhd->wphd", share, v).reshape(count, length, heads * d) @ get("output").T
            u = norm(x, get("feed-forward norm")) @ get("gate up").T
            if shape["feed_forward_kind"] == "gated":
                gate, up = np.split(u, 2, axis=-1)
                a = gate / (1 + np.exp(-gate)) * up
            else:
                a = 0.5 * u * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u**3)))
            x = x + a @ get("down").T
        return x

    def logits(self, z, last_norm):
        return norm(z, self.w[last_norm]) @ self.head.T

    # ---- vanilla ----

    def vanilla(self, tokens):
        x = self.w["embedding"][tokens]
        z = self.stack("stack", self.model["layers"], self.model["layer"], x[None])[0]
        return self.logits(z, "stack last norm")

    # ---- hierarchies ----

    def encode(self, tokens):
        """A^l and X^l by level; nothing at index 0 of the former, the encoder's embeddings at index 0 of the latter."""
        chunks, latents = [None], [self.w["encoder embedding"][tokens]]
        for l, level in enumerate(self.levels, 1):
            count = len(latents[-1]) // level["chunk"]
            z = latents[-1][: count * level["chunk"]].reshape(count, level["chunk"] * latents[-1].shape[1])
            if level["chunker"] == "linear":
                z = norm(z, self.w[f"level {l} chunker norm"])
            if level["chunker"] != "concatenation":
                z = z @ self.w[f"level {l} chunker weight"].T + self.w[f"level {l} chunker bias"]
            x = self.stack(f"level {l} encoder", level["encoder_layers"], level["layer"], z[None])[0]
            chunks.append(z)
            latents.append(norm(x, self.w[f"level {l} encoder last norm"]))
        return chunks, latents

    def decode(self, tokens, latents):
        """X̂^l by level, 0 … L − 1, units that do not exist included."""
        reading, top = self.model["decoder_input"], len(self.levels)
        restored = {}
        for l in range(top, 0, -1):
            level = self.levels[l - 1]
            chunk, condition, last = level["chunk"], level["condition"], self.w[f"level {l} decoder last norm"]
            below = self.levels[l - 2]["layer"] if l > 1 else self.model["layer"]
            count = -(-len(tokens) // int(np.prod([each["chunk"] for each in self.levels[:l]])))
            source = latents[l] if l == top or reading == "encoder-state" else restored[l]
            if l == top or reading != "cascade":
                source = np.concatenate([self.w[f"level {l} start"][None], source])
            vectors = source[:count] @ self.w[f"level {l} converter weight"].T + self.w[f"level {l} converter bias"]
            inputs = vectors.reshape(count, condition, below["width"])

            def run(inputs):
                out = self.stack(f"level {l} decoder", level["decoder_layers"], below, inputs)
                return norm(out, last) if l > 1 else out

            if reading == "reconstruction" or (reading == "reconstruction-and-tokens" and l > 1):
                for _ in range(chunk - 1):
                    newest = run(inputs)[:, -1:]
                    inputs = np.concatenate([inputs, newest if l > 1 else norm(newest, last)], axis=1)
            else:
                known = latents[l - 1] if l > 1 else self.w["decoder embedding"][tokens]
                units = np.zeros((count * chunk, below["width"]))
                units[: len(known)] = known[: len(units)]
                inputs = np.concatenate([inputs, units.reshape(count, chunk, -1)[:, :-1]], axis=1)
            restored[l - 1] = run(inputs)[:, condition - 1 :].reshape(count * chunk, -1)
        return restored

    def losses(self, tokens):
        """Sums and counts by name, of one sequence."""
        if not self.levels:
            return {"token": cross_entropy(self.vanilla(tokens)[:-1], tokens[1:])}
        chunks, latents = self.encode(tokens)
        restored = self.decode(tokens, latents)
        rows = self.logits(restored[0][: len(tokens)], "level 1 decoder last norm")
        sums = {"token": cross_entropy(rows[1:], tokens[1:])}
        table = self.training["token_target"].replace("-", " ")
        for l in range(1, len(self.levels) + 1):
            target = latents[l - 1] if l > 1 else self.w[table][tokens] if table != "none" else None
            if target is not None:
                sums[f"reconstruction {l}"] = self.dissimilarity(restored[l - 1][: len(target)], target)
            sums[f"context {l}"] = self.dissimilarity(latents[l][:-1], chunks[l][1:])
        return sums

    def dissimilarity(self, a, b):
        if self.training["dissimilarity"] == "mse":
            return np.sum(np.mean((a - b) ** 2, axis=-1)), len(a)
        lengths = np.sqrt(np.sum(a * a, -1) + 1e-12) * np.sqrt(np.sum(b * b, -1) + 1e-12)
        return np.sum(1 - np.sum(a * b, axis=-1) / lengths), len(a)


def cross_entropy(logits, targets):
    largest = logits.max(-1)
    sums = np.log(np.sum(np.exp(logits - largest[:, None]), axis=-1)) + largest
    return np.sum(sums - logits[np.arange(len(targets)), targets]), len(targets)


def evaluate(model, tokens, context):
    totals = {}
    for start in range(0, len(tokens) - 1, context):
        for name, part in model.losses(tokens[start : start + context]).items():
            totals[name] = totals.get(name, np.zeros(2)) + part
    means = {name: total / count if count else None for name, (total, count) in totals.items()}
    result = {"bits_per_token": means["token"] / np.log(2)}
    for part in ("reconstruction", "context"):
        result[part] = [means.get(f"{part} {l}") for l in range(1, len(model.levels) + 1)]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--context", type=int)
    parser.add_argument("--check", metavar="PHOTON")
    options = parser.parse_args()
    model = Model(*read(options.checkpoint))
    tokens = np.frombuffer(options.file.read_bytes(), np.uint8).astype(int)
    context = options.context or model.training["context"]
    result = evaluate(model, tokens, context)
    print(json.dumps(result))
    if options.check:
        command = [options.check, "evaluate", options.checkpoint, "-d", options.file, "--sequences", "0"]
        command += ["--context", str(context), "--limit", str(len(tokens)), "--format", "json"]
        said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        difference = abs(said["teacher_forced"]["bits_per_token"] - result["bits_per_token"])
        print(f"{difference:.1e} bits per token from photon's {said['teacher_forced']['bits_per_token']}")
        sys.exit(int(difference > 1e-6))


if __name__ == "__main__":
    main()
