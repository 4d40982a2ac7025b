#!/usr/bin/env python3
"""Runs the operations of exported phases with PyTorch and writes how long they took.

    photon trace export scenario.yaml --phase prefill -o prefill.json
    photon trace export scenario.yaml --phase decode  -o decode.json
    python3 Tools/replay/replay.py prefill.json decode.json -o measured.csv
    python3 Tools/replay/replay.py --index traces/index.jsonl -o measured.csv --nodes nodes.csv --time-limit 540

The CSV is what `photon calibrate --from` reads: one row for each file, prefill_ms for a prefill and decode_step_ms, the
time per generated token and sequence, for a decode. Rows are written as they are measured, and a run with the same
output, device and versions measures what is missing. With --nodes each component of each level is timed by itself too.

Every layer has weights and key-value entries of its own, and operations that a phase dispatches many times are spread
over it as a model spreads them, so that nothing stays in a cache that a model would not keep there. Head widths are
allocated in multiples of 8, as fused attention kernels want them. On a CUDA device the operations are captured in a
graph and replayed, timed by device events; elsewhere they are timed by the clock. No answer is computed: values are
random.
"""
import argparse
import csv
import gzip
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
COLUMNS = [
    "id", "model", "hardware", "engine", "precision", "prompt", "generated", "concurrency",
    "prefill_ms", "decode_step_ms", "context", "spread_percent",
]
NODE_COLUMNS = [
    "id", "level", "side", "component", "dispatches", "matmul_flops", "traffic_bytes", "time_ms", "spread_percent",
]


class Memory:
    """Weights and caches that all phases of one run share: a place and a shape always name the same tensor."""

    def __init__(self, device):
        self.device = device
        self.tensors = {}

    def tensor(self, key, type, shape):
        """A random tensor of at least this shape; a cache that has grown too short is replaced."""
        key += (type,)
        held = self.tensors.get(key)
        if held is None or any(have < need for have, need in zip(held.shape, shape)):
            self.tensors.pop(key, None)
            del held
            self.tensors[key] = torch.randn(*shape, device=self.device, dtype=type) * 0.02
        return self.tensors[key]

    def drop_caches(self):
        """Frees what only one batch and one context use."""
        self.tensors = {key: held for key, held in self.tensors.items() if key[0] != "cache"}


class Phase:
    """The operations of one exported phase as calls without arguments, spread as the model dispatches them."""

    def __init__(self, trace, memory):
        self.device = memory.device
        self.memory = memory
        precision = trace["precision"]
        unknown = {p for p in precision.values() if p not in TYPES}
        if unknown:
            sys.exit(f"error: PyTorch runs fp32, bf16 and fp16 here, not {', '.join(sorted(unknown))}")
        self.type = TYPES[precision["activations"]]
        self.operations = trace["operations"]
        self.lengths = cache_lengths(self.operations)
        calls = [(self.call(operation), operation["count"]) for operation in self.operations]
        # The k-th of n dispatches of one operation comes at the share k/n of the phase: between two dispatches of a
        # weight lie those of all others.
        order = sorted(
            ((turn / count, index) for index, (_, count) in enumerate(calls) for turn in range(count)))
        self.sequence = [calls[index][0] for _, index in order]
        self.places = [index for _, index in order]

    def nodes(self):
        """The calls of every level, side and component, by name."""
        found = {}
        for call, index in zip(self.sequence, self.places):
            operation = self.operations[index]
            key = (operation["level"], operation["side"], operation["component"])
            calls, work = found.setdefault(key, ([], {"dispatches": 0, "matmul_flops": 0, "traffic_bytes": 0}))
            calls.append(call)
            work["dispatches"] += 1
            work["matmul_flops"] += operation["matmul_flops"]
            work["traffic_bytes"] += operation["traffic_bytes"]
        return found

    def random(self, *shape, role="input"):
        """An activation; operations share those of one role and shape, as a model reuses its buffers."""
        return self.memory.tensor(("cache", role) + shape, self.type, shape)

    def weight(self, operation, rows, columns):
        """A weight belongs to a place and a kind; an operation of other rows at the same place shares it."""
        place = tuple(operation[k] for k in ("level", "side", "component", "layer", "kind"))
        return self.memory.tensor(("weight",) + place + (rows, columns), self.type, (rows, columns))

    def call(self, operation):
        kind = operation["kind"]
        if kind == "attention":
            return self.attention(operation)
        if "entries" in operation:
            return self.upkeep(operation)
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
            residual = self.random(operation["rows"], operation["outputs"], role="residual")
            return lambda: F.linear(x, weight) + residual
        bias = self.random(operation["outputs"])
        return lambda: F.linear(x, weight, bias)

    def attention(self, operation):
        groups, queries, past = operation["groups"], operation["queries"], operation["keys_before"]
        heads, entries = operation["heads"], operation["key_value_heads"]
        width = padded(operation["head_width"])
        q = self.random(groups, heads, queries, width, role="query")
        place = cache_place(operation)
        k, v = (
            self.memory.tensor(("cache",) + place + (part, entries, width), self.type,
                               (groups, entries, self.lengths[place], width))[:, :, : past + queries]
            for part in ("keys", "values"))
        grouped = heads != entries
        if operation.get("chosen_pairs"):
            # Which entries are chosen depends on numbers: all queries read as many as one does in the mean.
            read = max(operation["chosen_pairs"] // queries, 1)
            return lambda: F.scaled_dot_product_attention(q, k[:, :, :read], v[:, :, :read], enable_gqa=grouped)
        if past == 0 and queries > 1 and not operation.get("window"):
            return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        if queries == 1:
            return lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=grouped)
        mask = torch.ones(queries, past + queries, dtype=torch.bool, device=self.device).tril(past)
        if operation.get("window"):
            mask = mask.triu(past + 1 - operation["window"])
        return lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=grouped)

    def upkeep(self, operation):
        """What a cache method adds to attention. Its entries lie side by side, of all groups and key-value heads."""
        kind, entries, heads = operation["kind"], operation["entries"], operation["key_value_heads"]
        width = padded(operation["head_width"])
        if kind == "scan_keys":
            # As many queries as a key is compared with in the mean.
            rows = max(operation["pairs"] // max(entries, 1), 1) * (operation["heads"] // heads)
            q = self.random(operation["groups"], heads, rows, width, role="choosing")
            k = self.random(operation["groups"], heads, entries, width, role=f"scanned of {operation['layer']}")
            return lambda: (q @ k.transpose(-1, -2)).max(-2, keepdim=True)
        keys, values = (
            self.random(entries, heads, width, role=f"{part} of {operation['layer']}") for part in ("keys", "values"))
        if kind == "move_entries":
            order = torch.randint(0, entries, (entries,), device=self.device)
            return lambda: (keys.index_select(0, order), values.index_select(0, order))
        if kind == "rotate_entries":
            half = width // 2
            cosine, sine = (self.random(entries, 1, half, role=role) for role in ("cosine", "sine"))

            def rotated():
                low, high = keys[..., :half], keys[..., half:]
                return torch.cat((low * cosine - high * sine, high * cosine + low * sine), -1)

            return rotated
        if kind == "transfer_entries":
            kept = [torch.empty(entries, heads, width, dtype=self.type, pin_memory=self.device.type == "cuda") for _ in "kv"]
            return lambda: [part.to(self.device, non_blocking=True) for part in kept]
        if kind == "quantise_entries":
            parts = [part.reshape(-1, min(operation["group"] or width, width)) for part in (keys, values)]
            return lambda: [quantised(part) for part in parts]
        if kind != "score_entries":
            sys.exit(f"error: operations of kind {kind} are not known here; accepted: docs/trace-json.md")
        groups, queries, sharing = operation["groups"], operation["queries"], operation["heads"] // heads
        if operation["weights"] == "attention":
            # No fused kernel gives its weights away: they are added up as if one had.
            weights = self.random(groups * heads, queries * sharing, entries, role="weights")
            return lambda: weights.sum(1)
        q = self.random(groups, heads, queries * sharing, width, role="voters")
        k = self.random(groups, heads, entries, width, role=f"voted of {operation['layer']}")

        def voted():
            votes = torch.softmax(q @ k.transpose(-1, -2), -1).sum(-2)
            return F.avg_pool1d(votes, 5, 1, 2) if operation["pooled"] else votes

        return voted


def quantised(groups):
    """Whole numbers with a scale and a zero point for each group of numbers."""
    least, most = groups.min(1, keepdim=True), groups.max(1, keepdim=True)
    scale = (most.values - least.values) / 255
    return ((groups - least.values) / scale).round().to(torch.uint8), scale, least.values


def padded(width):
    """The head width that is allocated: fused attention kernels want multiples of 8."""
    return -(-width // 8) * 8


def cache_place(operation):
    """What names the keys and values that an attention reads."""
    return tuple(operation[k] for k in ("level", "side", "layer", "store", "groups"))


def cache_lengths(operations):
    """Entries that the longest attention of each place reads: its cache is allocated once, at that length."""
    lengths = {}
    for operation in operations:
        if operation["kind"] == "attention":
            place, end = cache_place(operation), operation["keys_before"] + operation["queries"]
            lengths[place] = max(lengths.get(place, 0), end)
    return lengths


def held_bytes(trace):
    """Bytes of the weights, keys and values that a phase holds on the device."""
    size = torch.empty(0, dtype=TYPES[trace["precision"]["cache"]]).element_size()
    lengths = cache_lengths(trace["operations"])
    caches, weights = {}, {}
    for operation in trace["operations"]:
        if operation["kind"] == "attention":
            place = cache_place(operation)
            entry = 2 * operation["key_value_heads"] * padded(operation["head_width"])
            caches[place] = operation["groups"] * lengths[place] * entry * size
        elif "outputs" in operation:
            place = tuple(operation[k] for k in ("level", "side", "layer", "kind"))
            weights[place] = operation["inputs"] * operation["outputs"] * size
    return sum(caches.values()) + sum(weights.values())


@torch.inference_mode()
def timed(calls, device, repetitions, warmup):
    """Median time of some calls and half the spread between the quartiles, after unmeasured runs."""

    def run():
        for call in calls:
            call()

    if device.type == "cuda":
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            run()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            run()
        # What a run leaves in the last cache would serve the next one.
        flush = torch.empty(1 << 28, dtype=torch.int8, device=device)
    times = []
    for repetition in range(warmup + repetitions):
        if device.type == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            flush.zero_()
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            seconds = begin.elapsed_time(end) / 1000
        else:
            start = time.perf_counter()
            run()
            seconds = time.perf_counter() - start
        if repetition >= warmup:
            times.append(seconds)
        # Long runs are steady: a tenth of a second is enough of them.
        if len(times) >= 3 and sum(times) > 0.1:
            break
    times.sort()
    middle = statistics.median(times)
    return middle, (times[(3 * len(times)) // 4] - times[len(times) // 4]) / 2 / middle


@torch.inference_mode()
def measure(trace, memory, wants_nodes, repetitions, warmup):
    """Time and spread of a whole phase, and a row for each of its nodes where they are wanted."""
    phase = Phase(trace, memory)
    parts = []
    for (level, side, component), (calls, work) in phase.nodes().items() if wants_nodes else ():
        duration, spread = timed(calls, memory.device, repetitions, warmup)
        parts.append(dict(
            level=level, side=side, component=component, **work, time_ms=f"{duration * 1e3:.6g}",
            spread_percent=f"{spread * 100:.2f}"))
    return timed(phase.sequence, memory.device, repetitions, warmup), parts


def short(key):
    """The paper's letters for the lengths of a level, the last word of any other key."""
    level = re.fullmatch(r"model\.levels\[(\d+)\]\.(chunk|condition)", key)
    return f"{'C' if level[2] == 'chunk' else 'R'}{level[1]}" if level else key.rpartition(".")[2]


def identifier(trace, settings):
    """Names a row: model, what differs from its preset, phase and workload."""
    workload = trace["workload"]
    batch = workload["batch_size"] * workload["continuations"]
    keys = "".join(f" {short(key)}={value}" for key, value in settings.items())
    return f"{trace['model']}{keys} {trace['phase']} {workload['prompt_length']} x{batch}"


def row(trace, settings, duration, spread, hardware, engine):
    """One line of measurements, as docs/measurements.md describes them."""
    workload, precision = trace["workload"], trace["precision"]
    prompt, generated = workload["prompt_length"], workload["generated_length"]
    values = {
        "id": identifier(trace, settings), "model": trace["model"], "hardware": hardware, "engine": engine,
        "precision": precision["weights"], "prompt": prompt, "generated": generated or "",
        "concurrency": workload["batch_size"] * workload["continuations"], "spread_percent": f"{spread * 100:.2f}",
        **settings}
    if trace["phase"] == "prefill":
        values["prefill_ms"] = f"{duration * 1e3:.6g}"
    else:
        values["decode_step_ms"] = f"{duration * 1e3 / generated:.6g}"
        values["context"] = prompt
    return values


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        return json.load(file)


def indexed(path):
    """The files of an index, in its order, and their settings."""
    with open(path) as file:
        entries = [json.loads(line) for line in file]
    return [(os.path.join(os.path.dirname(path), entry["file"]), entry["settings"]) for entry in entries]


class Rows:
    """A CSV file that grows row by row and is continued where it stands, by what began it."""

    def __init__(self, path, columns, note):
        head = note + ",".join(columns) + "\n"
        self.done = set()
        if os.path.exists(path):
            with open(path, newline="") as file:
                if file.read(len(head)) != head:
                    sys.exit(f"error: {path}: another device, other versions or other columns began it; name another output")
                self.done = {row["id"] for row in csv.DictReader(file, columns)}
            self.file = open(path, "a", newline="")
        else:
            self.file = open(path, "w", newline="")
            self.file.write(head)
        self.writer = csv.DictWriter(self.file, columns, restval="", lineterminator="\n")

    def add(self, values):
        self.writer.writerow(values)
        self.file.flush()


def versions(device):
    """Comment lines: what ran the operations."""
    lines = [f"# measured by Tools/replay/replay.py; PyTorch {torch.__version__}, Python {platform.python_version()}"]
    if device.type == "cuda":
        driver = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True).stdout.strip()
        lines.append(f"# {driver}; CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
    else:
        name = platform.processor() or platform.machine()
        lines.append(f"# {name}, {torch.get_num_threads()} threads")
    return "".join(line + "\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="*", help="files of photon trace export")
    parser.add_argument("--index", help="a file of Tools/replay/export.py that lists traces and settings")
    parser.add_argument("-o", "--output", required=True, help="the CSV file")
    parser.add_argument("--nodes", help="a CSV file with the time of each component of each level")
    parser.add_argument("--hardware", help="name of the hardware profile; default: the device's name")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=float("inf"), help="seconds after which no point is begun")
    arguments = parser.parse_args()
    began = time.monotonic()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    hardware = arguments.hardware or "-".join(name.lower().split())
    engine = f"pytorch-{torch.__version__}"
    points = [(path, {}) for path in arguments.traces] + (indexed(arguments.index) if arguments.index else [])
    if not points:
        parser.error("there is no trace: name files or an index")
    keys = list(dict.fromkeys(key for _, settings in points for key in settings))
    rows = Rows(arguments.output, COLUMNS + keys, versions(device))
    nodes = Rows(arguments.nodes, NODE_COLUMNS, versions(device)) if arguments.nodes else None
    memory = Memory(device)
    for number, (path, settings) in enumerate(points, 1):
        if time.monotonic() - began > arguments.time_limit:
            print(f"stopped after {number - 1} of {len(points)} points: the time is up", file=sys.stderr)
            break
        trace = read(path)
        label = identifier(trace, settings)
        if label in rows.done:
            continue
        memory.drop_caches()
        if device.type == "cuda":
            torch.cuda.empty_cache()
            if held_bytes(trace) > 0.85 * torch.cuda.get_device_properties(0).total_memory:
                print(f"{number} of {len(points)}: {label}: does not fit", file=sys.stderr)
                continue
        try:
            (duration, spread), parts = measure(trace, memory, bool(nodes), arguments.repetitions, arguments.warmup)
        except RuntimeError as error:
            # Of a kernel that does not take these dimensions or memory that ran out; the other points go on.
            print(f"{number} of {len(points)}: {label}: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        rows.add(row(trace, settings, duration, spread, hardware, engine))
        for part in parts:
            nodes.add({"id": label, **part})
        passed = time.monotonic() - began
        print(f"{number} of {len(points)}, {passed:.0f} s: {label}: {duration * 1e3:.3f} ms", file=sys.stderr)


if __name__ == "__main__":
    main()
