"""The shipped small models in PyTorch, timed in turn with ours in one run.

Weights and prompts come from our process, so both sides compute the same mathematics: the share of equal tokens is
printed, and the comparison fails where the first tokens differ. Eager mode, inference mode, fused query-key-value and
gate-up products, scaled_dot_product_attention, caches allocated once. A ratio above 1 says that ours is faster.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional as F

PAUSE = 0.05
ROOT = Path(__file__).resolve().parent.parent


class Ours:
    """Our executed model in a process of its own."""

    def __init__(self, preset, prompt, generate, batch, threads):
        with tempfile.NamedTemporaryFile() as file:
            arguments = [preset, prompt, generate, batch, threads, file.name]
            self.process = subprocess.Popen(
                [ROOT / ".build/release/serve", *map(str, arguments)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.model = json.loads(self.process.stdout.readline())
            numbers = torch.from_numpy(numpy.fromfile(file.name, dtype=numpy.float32))
        self.weights, start = {}, 0
        for tensor in self.model["tensors"]:
            rows, columns = tensor["rows"], tensor["columns"]
            values = numbers[start:start + rows * columns].clone()
            self.weights[tensor["name"]] = values.view(rows, columns) if rows > 1 else values
            start += rows * columns

    def run(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Stack:
    """Transformer layers with a preallocated cache of keys and values."""

    def __init__(self, ours, name, layers, batch, capacity):
        model, weights = ours.model, ours.weights
        self.heads, self.shared, self.head = model["heads"], model["keyValueHeads"], model["headWidth"]
        self.epsilon = model["normEpsilon"]
        self.layers = [
            [weights[f"{name} {layer} {part}"] for part in
             ("attention norm", "query key value", "output", "feed-forward norm", "gate up", "down")]
            for layer in range(layers)]
        self.last_norm = weights[f"{name} last norm"]
        self.keys = torch.zeros(layers, batch, self.shared, capacity, self.head)
        self.values = torch.zeros_like(self.keys)
        self.length = 0
        half = self.head // 2
        frequency = model["rotaryBase"] ** (-2 * torch.arange(half, dtype=torch.float64) / self.head)
        angles = torch.outer(torch.arange(capacity, dtype=torch.float64), frequency)
        self.cosine = torch.cat([angles.cos()] * 2, dim=1).float()
        self.sine = torch.cat([-angles.sin(), angles.sin()], dim=1).float()

    def norm(self, x, weight=None):
        return F.rms_norm(x, x.shape[-1:], self.last_norm if weight is None else weight, self.epsilon)

    def run(self, x):
        """batch × positions × width, before the last norm."""
        batch, count, width = x.shape
        start, end = self.length, self.length + count
        cosine, sine = self.cosine[start:end], self.sine[start:end]
        # Queries at the start of a cache or alone need no mask of their own; the others get one.
        mask = None
        if start > 0 and count > 1:
            mask = torch.ones(count, end, dtype=torch.bool).tril(start)
        for layer, (norm, joint, output, second_norm, gate_up, down) in enumerate(self.layers):
            heads = F.linear(F.rms_norm(x, (width,), norm, self.epsilon), joint)
            heads = heads.view(batch, count, self.heads + 2 * self.shared, self.head).transpose(1, 2)
            rotated = heads[:, :self.heads + self.shared]
            rotated = rotated * cosine + rotated.roll(self.head // 2, dims=-1) * sine
            self.keys[layer, :, :, start:end] = rotated[:, self.heads:]
            self.values[layer, :, :, start:end] = heads[:, self.heads + self.shared:]
            attended = F.scaled_dot_product_attention(
                rotated[:, :self.heads], self.keys[layer, :, :, :end], self.values[layer, :, :, :end],
                attn_mask=mask, is_causal=start == 0 and count > 1, enable_gqa=self.shared != self.heads)
            x = x + F.linear(attended.transpose(1, 2).reshape(batch, count, -1), output)
            gate, up = F.linear(F.rms_norm(x, (width,), second_norm, self.epsilon), gate_up).chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, down)
        self.length = end
        return x


class Vanilla:
    def __init__(self, ours, prompt, generate, batch):
        self.weights, self.generate_length = ours.weights, generate
        self.stack = Stack(ours, "stack", ours.model["layers"], batch, prompt + generate)

    def prefill(self, prompts):
        self.stack.length = 0
        self.hidden = self.stack.run(F.embedding(prompts, self.weights["embedding"]))[:, -1:]

    def generate(self):
        tokens = []
        for _ in range(self.generate_length):
            logits = F.linear(self.stack.norm(self.hidden), self.weights["head"])
            tokens.append(logits.argmax(dim=-1))
            self.hidden = self.stack.run(F.embedding(tokens[-1], self.weights["embedding"]))
        return torch.cat(tokens, dim=1)


class Hierarchy:
    """PHOTON with the cascade reading; with one level it is the Block Transformer.

    Prompts and generated lengths are whole meta-contexts, so that no chunk is open between the phases.
    """

    def __init__(self, ours, prompt, generate, batch):
        self.model, self.weights, self.generate_length = ours.model, ours.weights, generate
        self.levels = ours.model["levels"]
        self.encoders, self.decoders, self.meta_context = [None], [None], 1
        for index, level in enumerate(self.levels, start=1):
            self.meta_context *= level["chunk"]
            self.encoders.append(Stack(
                ours, f"level {index} encoder", level["encoderLayers"], batch,
                (prompt + generate) // self.meta_context))
            self.decoders.append(Stack(
                ours, f"level {index} decoder", level["decoderLayers"], batch,
                level["condition"] + level["chunk"] - 1))
        assert prompt % self.meta_context == 0 and prompt > 0 and generate % self.meta_context == 0

    def encode(self, level, units):
        """batch × units × features of the level below, to units of this level."""
        joined = units.reshape(units.shape[0], -1, self.levels[level - 1]["chunk"] * units.shape[2])
        name, stack = f"level {level} chunker", self.encoders[level]
        if self.levels[level - 1]["chunker"] == "linear":
            joined = stack.norm(joined, self.weights[f"{name} norm"])
            joined = F.linear(joined, self.weights[f"{name} weight"], self.weights[f"{name} bias"])
        return stack.norm(stack.run(joined))

    def prefill(self, prompts):
        units = F.embedding(prompts, self.weights["encoder embedding"])
        for level in range(1, len(self.levels) + 1):
            self.encoders[level].length = 0
            units = self.encode(level, units)
        self.latest = units[:, -1:]

    def generate(self):
        tokens = []
        for _ in range(self.generate_length // self.meta_context):
            self.latest = self.restore(len(self.levels), self.latest, tokens)
        return torch.cat(tokens, dim=1)

    def restore(self, level, latent, tokens):
        """Opens a chunk from its latent, restores its units, and returns the encoder's unit for it."""
        stack, batch = self.decoders[level], latent.shape[0]
        name = f"level {level} converter"
        stack.length = 0
        condition = F.linear(latent, self.weights[f"{name} weight"], self.weights[f"{name} bias"])
        output = stack.run(condition.view(batch, self.levels[level - 1]["condition"], -1))[:, -1:]
        units = []
        for slot in range(self.levels[level - 1]["chunk"]):
            output = stack.norm(output)
            if level == 1:
                tokens.append(F.linear(output, self.weights["head"]).argmax(dim=-1))
                units.append(F.embedding(tokens[-1], self.weights["encoder embedding"]))
                fed = F.embedding(tokens[-1], self.weights["decoder embedding"])
            else:
                fed = self.restore(level - 1, output, tokens)
                units.append(fed)
            if slot + 1 < self.levels[level - 1]["chunk"]:
                output = stack.run(fed)
        return self.encode(level, torch.cat(units, dim=1))


def compare(preset, prompt, generate, batch, threads, rounds):
    ours = Ours(preset, prompt, generate, batch, threads)
    peer = (Hierarchy if ours.model["levels"] else Vanilla)(ours, prompt, generate, batch)
    prompts = torch.tensor(ours.model["prompts"])
    times = {"prefill": [], "decode": []}
    with torch.inference_mode():
        for index in range(rounds + 1):
            # Idle threads of either side spin for a while before they sleep.
            time.sleep(PAUSE)
            answer = ours.run()
            time.sleep(PAUSE)
            start = time.perf_counter()
            peer.prefill(prompts)
            middle = time.perf_counter()
            tokens = peer.generate()
            end = time.perf_counter()
            if index == 0:
                equal = (tokens == torch.tensor(answer["tokens"])).float()
                assert equal[:, 0].all(), f"{preset}: the first tokens differ"
                continue
            times["prefill"].append((answer["prefill"], middle - start))
            times["decode"].append((answer["decode"], end - middle))
    ours.close()
    for phase, pairs in times.items():
        own, other = (statistics.median(column) for column in zip(*pairs))
        ratio = statistics.median(b / a for a, b in pairs)
        units = prompt if phase == "prefill" else generate
        print(f"| {preset} | {batch} × {prompt} + {generate} | {phase} | {own / units * 1e6:.1f} "
              f"| {other / units * 1e6:.1f} | {ratio:.2f} | {equal.mean():.0%} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, {options.threads} threads, medians of {options.rounds} rounds in turn\n")
    print("| model | batch × prompt + generated | phase | ours µs/token | PyTorch µs/token | ratio | equal tokens |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    names = [f"{family}-{size}" for size in ("tiny", "small") for family in ("photon", "block", "vanilla")]
    for preset in options.presets or names:
        for batch in options.batch:
            compare(preset, options.prompt, options.generate, batch, options.threads, options.rounds)


if __name__ == "__main__":
    main()
