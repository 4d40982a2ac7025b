"""Every assignment of so many full heads to a checkpoint's heads, by the answers that it finds.

    python3 Tools/roles/assignments.py CHECKPOINT FULL [SETTINGS]

runs `photon evaluate` once for each way to make FULL of the model's key-value heads full while the others stream, and
prints the share of right answers beside the roles, best first. SETTINGS are those of the cache,
`sinks: 1, window: 7, positions: text, prefill_chunk: 4` by default. What learned roles are to be compared with:
docs/caches/prulong.md.
"""

import itertools
import json
import pathlib
import subprocess
import sys


def main(checkpoint, full, settings="sinks: 1, window: 7, positions: text, prefill_chunk: 4"):
    program = pathlib.Path(__file__).parents[2] / "photon"
    folder = pathlib.Path(checkpoint)
    if not (folder / "checkpoint.json").exists():
        folder = sorted(folder.glob("checkpoint-*"))[-1]
    model = json.loads((folder / "checkpoint.json").read_text())["model"]
    layers, heads = model["layers"], model["layer"]["key_value_heads"]
    found = []
    for chosen in itertools.combinations(range(layers * heads), int(full)):
        bits = ["1" if head in chosen else "0" for head in range(layers * heads)]
        rows = ["".join(bits[layer * heads : (layer + 1) * heads]) for layer in range(layers)]
        cache = "{retention: streaming, %s, roles: %s}" % (settings, json.dumps(rows))
        command = [program, "evaluate", str(folder), "--threads", "1", "--format", "json", "--cache", cache]
        answers = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["answers"]
        found.append((answers["hierarchical_accuracy"], json.dumps(rows)))
    found.sort(reverse=True)
    for accuracy, rows in found:
        print(f"{accuracy:.4f}  {rows}")
    middle = (found[(len(found) - 1) // 2][0] + found[len(found) // 2][0]) / 2
    print(f"{len(found)} assignments, median {middle:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
