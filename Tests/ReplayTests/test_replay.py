"""Tools/replay/replay.py on a device that is not there: what it runs, times, leaves out and continues.

    python3 -m unittest discover Tests/ReplayTests
"""
import contextlib
import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "Tools", "replay")]
sys.dont_write_bytecode = True

import fake_torch

fake_torch.modules()
import replay


def product(kind, rows, inputs, outputs, count=1, layer=0, **keys):
    return dict(
        level=0, side="decoder", component="projections", layer=layer, count=count, kind=kind, rows=rows, inputs=inputs,
        outputs=outputs, matmul_flops=2 * rows * inputs * outputs, elementwise_flops=0, traffic_bytes=7, **keys)


def attention(queries, before, count=1, **keys):
    return dict(
        level=0, side="decoder", component="attention", layer=0, count=count, kind="attention", groups=2,
        queries=queries, keys_before=before, heads=4, key_value_heads=2, head_width=6, store="persistent",
        matmul_flops=0, elementwise_flops=0, traffic_bytes=3, **keys)


def upkeep(kind, **keys):
    return dict(
        level=0, side="decoder", component="upkeep", layer=0, count=1, kind=kind, entries=5, key_value_heads=2,
        head_width=6, matmul_flops=0, elementwise_flops=0, traffic_bytes=1, **keys)


def trace(operations, phase="decode", prompt=8, generated=4, precision="bf16"):
    return dict(
        model="tiny", architecture="vanilla", phase=phase,
        workload=dict(prompt_length=prompt, generated_length=generated, batch_size=2, continuations=1),
        precision=dict(weights=precision, activations=precision, cache=precision), operations=operations)


class Replay(unittest.TestCase):
    def setUp(self):
        self.device = fake_torch.Device()
        fake_torch.use(self.device)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def index(self, traces):
        """Compressed traces with an index, as export.py leaves them."""
        with open(self.path("index.jsonl"), "w") as index:
            for number, (one, settings) in enumerate(traces):
                with gzip.open(self.path(f"{number}.json.gz"), "wt") as file:
                    json.dump(one, file)
                index.write(json.dumps(dict(file=f"{number}.json.gz", settings=settings)) + "\n")
        return self.path("index.jsonl")

    def main(self, *arguments):
        """Runs the program. Returns what it wrote to stderr."""
        before, sys.argv = sys.argv, ["replay.py", *arguments]
        errors = io.StringIO()
        if self.device.type == "cuda":
            driver = subprocess.run
            replay.subprocess.run = lambda *_, **__: subprocess.CompletedProcess([], 0, "Fake GPU 1, 1.0, 1 MiB\n")
        try:
            with contextlib.redirect_stderr(errors):
                replay.main()
        finally:
            sys.argv = before
            if self.device.type == "cuda":
                replay.subprocess.run = driver
        return errors.getvalue()

    def rows(self, name):
        with open(self.path(name), newline="") as file:
            return list(csv.DictReader(line for line in file if not line.startswith("#")))

    def test_dispatches_are_spread_over_the_phase(self):
        phase = replay.Phase(
            trace([product("output", 1, 4, 4, count=2), product("down", 1, 8, 4, count=4)]),
            replay.Memory(self.device))
        self.assertEqual(phase.places, [0, 1, 1, 0, 1, 1])

    def test_a_graph_is_timed_by_events_behind_a_flushed_cache(self):
        # A norm and a product; a product and a sum.
        operations = [product("head", 2, 4, 16, count=3), product("output", 2, 4, 4)]
        (time, spread), _ = replay.measure(trace(operations), replay.Memory(self.device), False, 5, 2)
        self.assertAlmostEqual(time, (3 * 2 + 2) * fake_torch.MICROSECOND)
        self.assertAlmostEqual(spread, 0)
        self.assertEqual((self.device.graphs, self.device.flushes), (1, 7))

    def test_nodes_add_up_to_the_phase(self):
        operations = [product("query_key_value", 2, 8, 16, count=4), attention(1, 7, count=4), upkeep("move_entries")]
        (time, _), parts = replay.measure(trace(operations), replay.Memory(self.device), True, 3, 0)
        self.assertEqual([part["component"] for part in parts], ["projections", "attention", "upkeep"])
        self.assertEqual([part["dispatches"] for part in parts], [4, 4, 1])
        self.assertAlmostEqual(sum(float(part["time_ms"]) for part in parts), 1000 * time)

    def test_every_kind_of_operation_fits_together(self):
        kinds = [
            product("query_key_value", 3, 8, 16), product("output", 3, 8, 8), product("down", 3, 16, 8),
            product("gate_up", 3, 8, 32, feed_forward_kind="gated"),
            product("gate_up", 3, 8, 16, feed_forward_kind="two-matrix", layer=1), product("chunker", 3, 16, 8),
            product("converter", 3, 8, 16), product("head", 3, 8, 32), attention(3, 0), attention(1, 4),
            attention(3, 4), attention(3, 0, window=2), attention(3, 4, chosen_pairs=7, chosen_entries=7), upkeep("move_entries"), upkeep("transfer_entries"),
            upkeep("rotate_entries"), upkeep("quantise_entries", held=1, format="int8", group=2),
            upkeep("score_entries", groups=2, queries=3, heads=4, weights="own", pooled=25),
            upkeep("score_entries", groups=2, queries=3, heads=4, weights="again", pooled=0),
            upkeep("score_entries", groups=2, queries=1, heads=4, weights="attention", pooled=0),
            upkeep("scan_keys", groups=2, queries=3, heads=4, pairs=9, averaged=0),
            dict(product("norm", 3, 0, 0), width=8), dict(product("embedding", 3, 0, 0), width=8),
        ]
        for operation in kinds:
            with self.subTest(operation["kind"]):
                before = self.device.clock
                phase = replay.Phase(trace([operation]), replay.Memory(self.device))
                self.assertEqual(self.device.clock - before <= 20 * fake_torch.MICROSECOND, True)
                for call in phase.sequence:
                    call()
                self.assertGreater(self.device.clock, before)

    def test_an_unknown_kind_is_refused(self):
        with self.assertRaises(SystemExit) as refusal:
            replay.Phase(trace([upkeep("sort_entries")]), replay.Memory(self.device))
        self.assertIn("sort_entries", str(refusal.exception))

    def test_rows_name_device_versions_and_settings_and_a_second_run_adds_what_is_missing(self):
        chunk = {"model.levels[1].chunk": 4}
        points = [(trace([product("head", 2, 4, 16)]), chunk), (trace([product("head", 2, 4, 16)], "prefill"), {})]
        arguments = ("--index", self.index(points), "-o", self.path("a.csv"), "--nodes", self.path("n.csv"))
        self.main(*arguments, "--time-limit", "-1")
        self.assertEqual(self.rows("a.csv"), [])
        self.main(*arguments)
        with open(self.path("a.csv")) as file:
            text = file.read()
        self.assertIn("# Fake GPU 1, 1.0, 1 MiB; CUDA 0.1, cuDNN 1\n", text)
        decode, prefill = self.rows("a.csv")
        self.assertEqual(decode["id"], "tiny C1=4 decode 8 x2")
        self.assertEqual((decode["context"], decode["decode_step_ms"], decode["prefill_ms"]), ("8", "0.0005", ""))
        self.assertEqual((decode["model.levels[1].chunk"], prefill["model.levels[1].chunk"]), ("4", ""))
        self.assertEqual((prefill["prefill_ms"], prefill["hardware"]), ("0.002", "fake-gpu-1"))
        self.assertEqual(len(self.rows("n.csv")), 2)
        self.main(*arguments)
        with open(self.path("a.csv")) as file:
            self.assertEqual(file.read(), text)

    def test_a_file_of_another_device_is_refused_and_left_alone(self):
        index = self.index([(trace([product("head", 2, 4, 16)]), {})])
        self.main("--index", index, "-o", self.path("a.csv"))
        with open(self.path("a.csv")) as file:
            text = file.read()
        self.device = fake_torch.Device("cpu")
        fake_torch.use(self.device)
        with self.assertRaises(SystemExit) as refusal:
            self.main("--index", index, "-o", self.path("a.csv"))
        self.assertIn("another device", str(refusal.exception))
        with open(self.path("a.csv")) as file:
            self.assertEqual(file.read(), text)

    def test_what_does_not_fit_or_run_is_said_and_the_rest_goes_on(self):
        points = [
            (trace([product("head", 2, 4, 16), attention(1, 10**9)]), {}), (trace([attention(1, 4)], prompt=9), {}),
            (trace([product("head", 2, 4, 16)], prompt=10), {})]
        self.device.memory, self.device.refused = 1 << 30, "attention"
        said = self.main("--index", self.index(points), "-o", self.path("a.csv"))
        self.assertIn("1 of 3: tiny decode 8 x2: does not fit", said)
        self.assertIn("2 of 3: tiny decode 9 x2: no kernel for attention\n", said)
        self.assertEqual([row["id"] for row in self.rows("a.csv")], ["tiny decode 10 x2"])

    def test_a_processor_is_timed_by_the_clock(self):
        self.device = fake_torch.Device("cpu")
        fake_torch.use(self.device)
        self.main("--index", self.index([(trace([attention(1, 4)]), {})]), "-o", self.path("a.csv"))
        self.assertEqual(self.device.graphs, 0)
        self.assertGreater(float(self.rows("a.csv")[0]["decode_step_ms"]), 0)

    def test_precisions_that_pytorch_lacks_are_refused(self):
        with self.assertRaises(SystemExit) as refusal:
            replay.Phase(trace([attention(1, 4)], precision="int4"), replay.Memory(self.device))
        self.assertIn("not int4", str(refusal.exception))

    def test_exported_phases_of_every_architecture_and_cache_run(self):
        photon = os.path.join(ROOT, "photon")
        models = [(preset, "") for preset in ("vanilla-tiny", "block-tiny", "photon-tiny")]
        caches = [
            "{retention: streaming, sinks: 1, window: 7, prefill_chunk: 8}",
            "{retention: sliding-window, window: 6, prefill_chunk: 8}", "{retention: h2o, heavy: 4, recent: 4}",
            "{retention: snapkv, budget: 8, window: 4, entry: quantised, format: int8}",
        ]
        models += [("vanilla-tiny", f"model.cache={cache}") for cache in caches]
        for preset, cache in models:
            for phase in ("prefill", "decode"):
                with self.subTest(preset=preset, cache=cache, phase=phase):
                    scenario = self.path("s.yaml")
                    with open(scenario, "w") as file:
                        file.write(f"model: {{preset: {preset}}}\nworkload: {{prompt: 32, generate: 8}}\n")
                    command = [photon, "trace", "export", scenario, "--phase", phase]
                    exported = subprocess.run(
                        command + (["--set", cache] if cache else []), capture_output=True, text=True)
                    self.assertEqual(exported.returncode, 0, exported.stderr)
                    (time, _), parts = replay.measure(
                        json.loads(exported.stdout), replay.Memory(self.device), True, 3, 0)
                    self.assertAlmostEqual(1000 * time, sum(float(part["time_ms"]) for part in parts), 5)


if __name__ == "__main__":
    unittest.main()
