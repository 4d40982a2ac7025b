#!/usr/bin/env python3
"""Exports the operations of a sweep over chunk and condition lengths, the most informative points first.

    python3 Tools/replay/export.py --photon ./photon -o traces

Writes one compressed trace a point and `index.jsonl`, which says for each, in the order in which they should run, its
file and the keys of the model section that differ from its preset. `--tiny` is a sweep that a processor finishes.
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def variant(chunks, conditions, **keys):
    """The keys that turn a two-level preset into one of other lengths."""
    settings = {}
    for level, (chunk, condition) in enumerate(zip(chunks, conditions), 1):
        settings[f"model.levels[{level}].chunk"] = chunk
        settings[f"model.levels[{level}].condition"] = condition
    settings.update({f"model.{key}": value for key, value in keys.items()})
    return settings


def models(size):
    """(rank, preset, settings): rank 0 is the centre of the sweep and its baselines."""
    photon = f"photon-{size}"
    found = [(0, photon, variant((4, 4), (2, 2))), (0, f"vanilla-{size}", {}), (0, f"block-{size}", {})]
    for length in (2, 8, 16):
        found += [(1, photon, variant((length, 4), (2, 2))), (1, photon, variant((4, length), (2, 2)))]
    for length in (1, 4, 8):
        found += [(1, photon, variant((4, 4), (length, 2))), (1, photon, variant((4, 4), (2, length)))]
    found += [(2, photon, variant((length, length), (2, 2))) for length in (2, 8, 16)]
    found += [(2, photon, variant((8, 8), (4, 4))), (2, photon, variant((2, 2), (1, 1)))]
    found += [
        (2, photon, variant((4, 4), (2, 2), decoder_input="reconstruction")),
        (2, photon, variant((4, 4), (2, 2), decoder_input="encoder-state")),
        (2, photon, variant((4, 4), (2, 2), decoder_input="reconstruction", generation="recursive")),
    ]
    return found


def workloads(tiny):
    """(rank, phase, prompt, batch): the corners of the grid of contexts and batches first."""
    if tiny:
        return [(0, "prefill", 64, 1), (0, "decode", 64, 1), (1, "decode", 64, 4)]
    found = [(0 if batch in (1, 16) else 1, "prefill", 2048, batch) for batch in (1, 4, 16, 64)]
    for context in (2048, 8192, 32768, 131072):
        for batch in (1, 4, 16, 64, 256):
            corner = context in (2048, 32768) and batch in (1, 16, 256)
            found.append((0 if corner else 2 if context == 131072 else 1, "decode", context, batch))
    return found


def meta_context(settings):
    """Tokens of one meta-context, over which a decode step is a mean; 16 for the presets."""
    lengths = [value for key, value in settings.items() if key.endswith(".chunk")]
    return lengths[0] * lengths[1] if lengths else 16


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photon", default="./photon", help="the program")
    parser.add_argument("--size", default="600m", help="size of the presets photon-, block- and vanilla-SIZE")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--tiny", action="store_true", help="few small workloads, for a try on a processor")
    parser.add_argument("-o", "--output", required=True, help="the folder")
    arguments = parser.parse_args()
    os.makedirs(arguments.output, exist_ok=True)

    points = []
    for model_rank, preset, settings in models(arguments.size):
        for rank, phase, prompt, batch in workloads(arguments.tiny):
            points.append((model_rank + rank, phase, batch, prompt, preset, settings))
    points.sort(key=lambda point: point[0])

    def export(numbered):
        number, (_, phase, batch, prompt, preset, settings) = numbered
        generated = max(16, meta_context(settings)) if phase == "decode" else 0
        keys = {"workload.prompt": prompt, "workload.generate": generated, "workload.batch": batch, **settings}
        keys.update({f"precision.{of}": arguments.precision for of in ("weights", "activations", "cache")})
        scenario = os.path.join(arguments.output, f"sweep-{preset}.yaml")
        command = [arguments.photon, "trace", "export", scenario, "--phase", phase]
        for key, value in keys.items():
            command += ["--set", f"{key}={value}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"error: {' '.join(command)}: {done.stderr}")
        name = f"{number:04d}.json.gz"
        with gzip.GzipFile(os.path.join(arguments.output, name), "wb", mtime=0) as file:
            file.write(done.stdout.encode())
        return {"file": name, "settings": settings}

    for preset in {point[4] for point in points}:
        with open(os.path.join(arguments.output, f"sweep-{preset}.yaml"), "w") as file:
            file.write(f"model: {{preset: {preset}}}\nworkload: {{prompt: 1}}\n")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = []
        for line in pool.map(export, enumerate(points)):
            lines.append(line)
            if len(lines) % 50 == 0:
                print(f"{len(lines)} of {len(points)} points exported", file=sys.stderr)
    with open(os.path.join(arguments.output, "index.jsonl"), "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    print(f"{len(lines)} points in {arguments.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
