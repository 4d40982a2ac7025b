"""One training step of the shipped small models in PyTorch, timed in turn with ours in one run.

Forward, cross-entropy, backward, clipping to a norm and AdamW, in float32 and eager mode, on weights and tokens from our
process; the losses and gradient norms of the first step are compared. Fused query-key-value and gate-up products,
rms_norm, scaled_dot_product_attention and the fused AdamW. A ratio above 1 says that ours is faster, or takes less.

Memory is the high-water mark of the resident set (Linux): of our whole process, and of PyTorch's less what it held when
its libraries were imported. PyTorch runs in a process of its own for each model.
"""

import argparse
import multiprocessing
import statistics
import time

import torch
from torch.nn import functional as F

from pytorch import PAUSE, Ours


def resident(field, process="self"):
    """VmHWM or VmRSS in MiB."""
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(field))


class Peer:
    """The cascade reading; with one level it is the Block Transformer, with none the vanilla model."""

    def __init__(self, ours):
        self.model, self.weights = ours.model, ours.weights
        for weight in self.weights.values():
            weight.requires_grad_()
        self.tokens = torch.tensor(ours.model["prompts"])
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=1e-5, betas=(0.9, 0.95), fused=True)
        self.rotations = {}

    def norm(self, x, name):
        return F.rms_norm(x, x.shape[-1:], self.weights[name], self.model["normEpsilon"])

    def rotation(self, count):
        if count not in self.rotations:
            half = self.model["headWidth"] // 2
            frequency = self.model["rotaryBase"] ** (-torch.arange(half, dtype=torch.float64) / half)
            angles = torch.outer(torch.arange(count, dtype=torch.float64), frequency)
            self.rotations[count] = (
                torch.cat([angles.cos()] * 2, dim=1).float(), torch.cat([-angles.sin(), angles.sin()], dim=1).float())
        return self.rotations[count]

    def stack(self, x, name, layers):
        """groups × positions × width, before the last norm."""
        (groups, count, _), model, weights = x.shape, self.model, self.weights
        heads, shared, head = model["heads"], model["keyValueHeads"], model["headWidth"]
        cosine, sine = self.rotation(count)
        for layer in range(layers):
            part = f"{name} {layer}"
            joint = F.linear(self.norm(x, f"{part} attention norm"), weights[f"{part} query key value"])
            joint = joint.view(groups, count, heads + 2 * shared, head).transpose(1, 2)
            rotated = joint[:, :heads + shared]
            rotated = rotated * cosine + rotated.roll(head // 2, dims=-1) * sine
            attended = F.scaled_dot_product_attention(
                rotated[:, :heads], rotated[:, heads:], joint[:, heads + shared:], is_causal=True,
                enable_gqa=shared != heads)
            x = x + F.linear(attended.transpose(1, 2).reshape(groups, count, -1), weights[f"{part} output"])
            joint = F.linear(self.norm(x, f"{part} feed-forward norm"), weights[f"{part} gate up"])
            gate, up = joint.chunk(2, dim=-1)
            x = x + F.linear(F.silu(gate) * up, weights[f"{part} down"])
        return x

    def encode(self, level, units):
        shape, name = self.model["levels"][level - 1], f"level {level}"
        joined = units.reshape(units.shape[0], -1, shape["chunk"] * units.shape[2])
        if shape["chunker"] == "linear":
            joined = self.norm(joined, f"{name} chunker norm")
            joined = F.linear(joined, self.weights[f"{name} chunker weight"], self.weights[f"{name} chunker bias"])
        return self.norm(
            self.stack(joined, f"{name} encoder", shape["encoderLayers"]), f"{name} encoder last norm")

    def restore(self, level, conditions, known):
        """All chunks in one pass: sequences × chunks × width, and the units under them, to sequences × units × width."""
        shape, name = self.model["levels"][level - 1], f"level {level}"
        (sequences, _, width), condition, chunk = known.shape, shape["condition"], shape["chunk"]
        vectors = F.linear(
            conditions, self.weights[f"{name} converter weight"], self.weights[f"{name} converter bias"])
        inputs = torch.cat(
            [vectors.view(-1, condition, width), known.reshape(-1, chunk, width)[:, :-1]], dim=1)
        output = self.stack(inputs, f"{name} decoder", shape["decoderLayers"])[:, condition - 1:]
        output = output.reshape(sequences, -1, width)
        return self.norm(output, f"{name} decoder last norm")

    def logits(self):
        if not self.model["levels"]:
            x = self.stack(F.embedding(self.tokens, self.weights["embedding"]), "stack", self.model["layers"])
            return F.linear(self.norm(x, "stack last norm"), self.weights["head"])[:, :-1]
        top, latents = len(self.model["levels"]), [F.embedding(self.tokens, self.weights["encoder embedding"])]
        for level in range(1, top + 1):
            latents.append(self.encode(level, latents[-1]))
        start = self.weights[f"level {top} start"].view(1, 1, -1).expand(self.tokens.shape[0], 1, -1)
        restored = torch.cat([start, latents[top][:, :-1]], dim=1)
        latents[0] = F.embedding(self.tokens, self.weights["decoder embedding"])
        for level in range(top, 0, -1):
            restored = self.restore(level, restored, latents[level - 1])
        return F.linear(restored, self.weights["head"])[:, 1:]

    def step(self):
        self.optimiser.zero_grad()
        logits = self.logits()
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), self.tokens[:, 1:].reshape(-1))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimiser.step()
        return loss.item(), norm.item()


def compare(preset, options):
    torch.set_num_threads(options.threads)
    imported = resident("VmRSS")
    ours = Ours(preset, options.context, 0, options.batch, options.threads)
    peer, times = Peer(ours), []
    for index in range(options.rounds + 1):
        # Idle threads of either side spin for a while before they sleep.
        time.sleep(PAUSE)
        answer = ours.run()
        time.sleep(PAUSE)
        start = time.perf_counter()
        loss, norm = peer.step()
        seconds = time.perf_counter() - start
        if index > 0:
            times.append((answer["seconds"], seconds))
        else:
            for own, other in ((answer["loss"], loss), (answer["gradientNorm"], norm)):
                assert abs(own - other) < 1e-3 * abs(other), f"{preset}: {own} is not PyTorch's {other}"
    memory = resident("VmHWM", ours.process.pid), resident("VmHWM") - imported
    ours.close()
    own, other = (statistics.median(column) for column in zip(*times))
    ratio = statistics.median(b / a for a, b in times)
    print(f"| {preset} | {own * 1e3:.0f} | {other * 1e3:.0f} | {ratio:.2f} | {answer['flops'] / own / 1e9:.0f} "
          f"| {memory[0]:.0f} | {memory[1]:.0f} | {memory[1] / memory[0]:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}, {options.threads} threads, {options.batch} × {options.context} tokens, "
          f"medians of {options.rounds} rounds in turn\n")
    print("| model | ours ms | PyTorch ms | ratio | ours GFLOP/s | ours MiB | PyTorch MiB | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for preset in options.presets or ["photon-small", "block-small", "vanilla-small"]:
        process = multiprocessing.get_context("spawn").Process(target=compare, args=(preset, options))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
