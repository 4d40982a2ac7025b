#!/usr/bin/env python3
"""Runs the operations of exported phases with PyTorch and writes how long they took.

    photon trace export scenario.yaml --phase prefill -o prefill.json
    photon trace export scenario.yaml --phase decode  -o decode.json
    python3 Tools/replay/replay.py prefill.json decode.json -o measured.csv

The CSV is what `photon calibrate --from` reads: one row for each file, prefill_ms for a prefill and decode_step_ms, the
time per generated token and sequence, for a decode. Every layer has weights and key-value entries of its own, so that
nothing stays in a cache that a model would not keep there. On a CUDA device the operations are captured in a graph and
replayed, timed by device events; elsewhere they are timed by the clock. No answer is computed: values are random.
"""
import argparse
import csv
import json
import os
import platform
import statistics
import sys
import time

import torch
import torch.nn.functional as F

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
COLUMNS = [
    "id", "model", "hardware", "engine", "precision", "prompt", "generated", "concurrency",
    "time_to_first_token_ms", "time_per_output_token_ms", "prefill_ms", "decode_step_ms", "context",
]


class Phase:
    """The operations of one exported phase as calls without arguments, in the order of their first dispatch."""

    def __init__(self, trace, device):
        self.device = device
        precision = trace["precision"]
        unknown = {p for p in precision.values() if p not in TYPES}
        if unknown:
            sys.exit(f"error: PyTorch runs fp32, bf16 and fp16 here, not {', '.join(sorted(unknown))}")
        self.type = TYPES[precision["activations"]]
        # A weight belongs to a place and a kind; an operation of other rows at the same place shares it.
        self.weights = {}
        self.calls = [(self.call(operation), operation["count"]) for operation in trace["operations"]]

    def random(self, *shape):
        return torch.randn(*shape, device=self.device, dtype=self.type) * 0.02

    def weight(self, operation, rows, columns):
        key = tuple(operation[k] for k in ("level", "side", "component", "layer", "kind")) + (rows, columns)
        if key not in self.weights:
            self.weights[key] = self.random(rows, columns)
        return self.weights[key]

    def call(self, operation):
        kind = operation["kind"]
        if kind == "attention":
            return self.attention(operation)
        if kind == "norm":
            x, scale = self.random(operation["rows"], operation["width"]), self.random(operation["width"])
            return lambda: F.rms_norm(x, (x.shape[1],), scale)
        if kind == "embedding":
            table = self.weight(operation, 4096, operation["width"])
            rows = torch.randint(0, 4096, (operation["rows"],), device=self.device)
            return lambda: F.embedding(rows, table)
        weight = self.weight(operation, operation["outputs"], operation["inputs"])
        x = self.random(operation["rows"], operation["inputs"])
        if kind in ("query_key_value", "gate_up", "head"):
            scale = self.random(operation["inputs"])
            normed = lambda: F.rms_norm(x, (x.shape[1],), scale)
            if kind == "gate_up" and operation["feed_forward_kind"] == "gated":
                half = operation["outputs"] // 2

                def gated():
                    both = F.linear(normed(), weight)
                    return F.silu(both[:, :half]) * both[:, half:]

                return gated
            if kind == "gate_up":
                return lambda: F.gelu(F.linear(normed(), weight))
            return lambda: F.linear(normed(), weight)
        if kind in ("output", "down"):
            residual = self.random(operation["rows"], operation["outputs"])
            return lambda: F.linear(x, weight) + residual
        bias = self.random(operation["outputs"])
        return lambda: F.linear(x, weight, bias)

    def attention(self, operation):
        groups, queries, past = operation["groups"], operation["queries"], operation["keys_before"]
        heads, entries, width = operation["heads"], operation["key_value_heads"], operation["head_width"]
        q = self.random(groups, heads, queries, width)
        place = tuple(operation[k] for k in ("level", "side", "layer", "groups"))
        key = place + ("cache", entries, width)
        if key not in self.weights or self.weights[key][0].shape[2] < past + queries:
            self.weights[key] = [self.random(groups, entries, past + queries + 64, width) for _ in range(2)]
        cache = self.weights[key]
        k, v = cache[0][:, :, : past + queries], cache[1][:, :, : past + queries]
        grouped = heads != entries
        if past == 0 and queries > 1:
            return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        if queries == 1:
            return lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=grouped)
        mask = torch.ones(queries, past + queries, dtype=torch.bool, device=self.device).tril(past)
        return lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)

    def run(self):
        for call, count in self.calls:
            for _ in range(count):
                call()


@torch.inference_mode()
def seconds(phase, repetitions, warmup):
    """Median time of a phase, after unmeasured runs."""
    if phase.device.type != "cuda":
        times = []
        for repetition in range(warmup + repetitions):
            start = time.perf_counter()
            phase.run()
            if repetition >= warmup:
                times.append(time.perf_counter() - start)
        return statistics.median(times)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        phase.run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        phase.run()
    times = []
    for repetition in range(warmup + repetitions):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        if repetition >= warmup:
            times.append(begin.elapsed_time(end) / 1000)
    return statistics.median(times)


def row(trace, duration, hardware, engine):
    """One line of measurements, as docs/measurements.md describes them."""
    workload, precision = trace["workload"], trace["precision"]
    batch = workload["batch_size"] * workload["continuations"]
    prompt, generated = workload["prompt_length"], workload["generated_length"]
    values = dict.fromkeys(COLUMNS, "")
    values.update(
        id=f"{trace['model']} {trace['phase']} {prompt}+{generated} x{batch}", model=trace["model"], hardware=hardware,
        engine=engine, precision=precision["weights"], prompt=prompt, generated=generated, concurrency=batch)
    if trace["phase"] == "prefill":
        values["prefill_ms"] = f"{duration * 1e3:.6g}"
    else:
        values["decode_step_ms"] = f"{duration * 1e3 / generated:.6g}"
        values["context"] = prompt
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="+", help="files of photon trace export")
    parser.add_argument("-o", "--output", required=True, help="the CSV file")
    parser.add_argument("--hardware", help="name of the hardware profile; default: the device's name")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    arguments = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    hardware = arguments.hardware or "-".join(name.lower().split())
    engine = f"pytorch-{torch.__version__}"
    partial = arguments.output + ".partial"
    with open(partial, "w", newline="") as file:
        threads = "" if device.type == "cuda" else f", {torch.get_num_threads()} threads"
        cuda = f", CUDA {torch.version.cuda}" if device.type == "cuda" else ""
        file.write(f"# measured by replay.py on {name}{threads}; PyTorch {torch.__version__}{cuda}\n")
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for number, path in enumerate(arguments.traces, 1):
            with open(path) as source:
                trace = json.load(source)
            duration = seconds(Phase(trace, device), arguments.repetitions, arguments.warmup)
            values = row(trace, duration, hardware, engine)
            writer.writerow(values)
            print(f"{number} of {len(arguments.traces)}: {values['id']}: {duration * 1e3:.3f} ms", file=sys.stderr)
    os.replace(partial, arguments.output)


if __name__ == "__main__":
    main()
