#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A library with vectors: made by an embedder as sentence-transformers publishes one, followed through changes, searched."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

WORDS = "[PAD] [UNK] [CLS] [SEP] the hen lays eggs in a nest car needs oil and petrol boat sails on water . # ##s".split()
WIDTH, WIDE, HEADS, LENGTH = 32, 64, 2, 64


def tensors(seed):
    """(name, shape, values) of a BERT of one layer with random weights."""
    draw = random.Random(seed)
    layer = "encoder.layer.0."
    shapes = {"embeddings.word_embeddings.weight": (len(WORDS), WIDTH), "embeddings.position_embeddings.weight": (LENGTH, WIDTH),
              "embeddings.token_type_embeddings.weight": (2, WIDTH)}
    for norm in "embeddings.LayerNorm", layer + "attention.output.LayerNorm", layer + "output.LayerNorm":
        shapes |= {norm + ".weight": (WIDTH,), norm + ".bias": (WIDTH,)}
    for part, rows, columns in (("attention.self.query", WIDTH, WIDTH), ("attention.self.key", WIDTH, WIDTH),
                                ("attention.self.value", WIDTH, WIDTH), ("attention.output.dense", WIDTH, WIDTH),
                                ("intermediate.dense", WIDE, WIDTH), ("output.dense", WIDTH, WIDE)):
        shapes |= {f"{layer}{part}.weight": (rows, columns), f"{layer}{part}.bias": (rows,)}
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        yield name, shape, [draw.uniform(-0.5, 0.5) for _ in range(count)]


def write_embedder(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    header, data = {}, b""
    for name, shape, values in tensors(seed):
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + data)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "intermediate_size": WIDE, "num_hidden_layers": 1,
        "num_attention_heads": HEADS, "max_position_embeddings": LENGTH, "layer_norm_eps": 1e-12}))


class Vectors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.files = self.folder / "files"
        self.files.mkdir()
        (self.files / "hens.txt").write_text("The hen lays eggs in a nest. A hen needs water.\n")
        (self.files / "cars.txt").write_text("The car needs oil and petrol.\n")
        self.embedder = self.folder / "embedder"
        write_embedder(self.embedder, 1)

    def kinglet(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments), "--library", self.folder / "library"], text=True,
                              capture_output=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def ingest(self, *arguments):
        status, out, err = self.kinglet("ingest", "--json", *arguments)
        self.assertEqual(status, 0, err)
        return json.loads(out.splitlines()[-1])

    def search(self, query):
        """The ranks by words and by meaning of what is found, by its name; and what is said beside it."""
        status, out, err = self.kinglet("search", query, "--json")
        self.assertEqual(status, 0, err)
        return {pathlib.Path(of["document"]).name: (of["lexical_rank"], of["vector_rank"])
                for of in json.loads(out)["passages"]}, err

    def test_vectors_follow_the_documents(self):
        self.assertNotIn("embedded", self.ingest(self.files))
        self.assertEqual(self.search("hen"), ({"hens.txt": (1, None)}, ""))
        self.assertEqual(self.ingest("--embedder", self.embedder)["embedded"], 2)
        found, err = self.search("hen")
        self.assertEqual((set(found), err), ({"hens.txt", "cars.txt"}, ""))
        self.assertEqual(found["hens.txt"][0], 1)
        self.assertEqual(sorted(rank for _, rank in found.values()), [1, 2])
        # From now on without being told.
        (self.files / "boats.txt").write_text("A boat sails on water.\n")
        (self.files / "cars.txt").write_text("The car needs petrol.\n")
        self.assertEqual(self.ingest(self.files)["embedded"], 2)
        self.assertNotIn("embedded", self.ingest(self.files))
        self.assertEqual({rank for _, rank in self.search("boat")[0].values()}, {1, 2, 3})
        status, out, _ = self.kinglet("search", "hen")
        self.assertRegex(out, r"score \d\.\d\d, 1 by words, [123] by meaning")
        self.assertEqual(self.kinglet("library", "remove", self.files / "boats.txt")[0], 0)
        self.assertEqual({rank for _, rank in self.search("boat")[0].values()}, {1, 2})
        self.assertEqual(self.kinglet("library", "verify")[0], 0)

    def test_an_embedder_that_is_gone_or_another_is_a_warning(self):
        self.ingest(self.files, "--embedder", self.embedder)
        write_embedder(self.embedder, 2)
        found, err = self.search("hen")
        self.assertEqual(found, {"hens.txt": (1, None)})
        self.assertIn("searched by words alone", err)
        self.assertIn("is not the model that it was", err)
        self.assertEqual(self.ingest("--embedder", self.embedder)["embedded"], 2)
        self.assertEqual(self.search("hen")[1], "")
        shutil.rmtree(self.embedder)
        found, err = self.search("hen")
        self.assertEqual(found, {"hens.txt": (1, None)})
        self.assertIn("searched by words alone", err)
        # What was read stays, and the trouble is told.
        (self.files / "boats.txt").write_text("A boat sails on water.\n")
        status, out, err = self.kinglet("ingest", "--json", self.files)
        self.assertEqual((status, json.loads(out.splitlines()[-1])["added"]), (1, 1))
        self.assertIn(str(self.embedder), err)

    def test_no_path_and_no_embedder_is_wrong_usage(self):
        status, _, err = self.kinglet("ingest")
        self.assertEqual(status, 2)
        self.assertIn("PATH", err)
        status, _, err = self.kinglet("ingest", self.files, "--embedder", self.folder / "none")
        self.assertEqual(status, 1)
        self.assertIn("none", err)

    def serve(self, *flags):
        environment = os.environ | {"KINGLET_HOME": str(self.folder / "home"), "XDG_CACHE_HOME": str(self.folder / "cache")}
        server = subprocess.Popen([os.environ["KINGLET"], "serve", "--model", self.embedder / "model.safetensors", "--library",
                                   self.folder / "library", "--port", "0", "--quiet", *flags], stdout=subprocess.PIPE, text=True,
                                  env=environment)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.send_signal, signal.SIGTERM)
        return server.stdout.readline().split(" at ")[1].split(",")[0]

    def test_a_server_searches_by_meaning_and_embeds_what_it_is_given(self):
        self.ingest(self.files, "--embedder", self.embedder)
        base = self.serve()

        def ask(path, body, kind="application/json"):
            request = urllib.request.Request(base + path, body, {"Content-Type": kind})
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)

        def ranks(query):
            passages = ask("/v1/search", json.dumps({"query": query}).encode())["passages"]
            return {pathlib.Path(of["document"]).name: of["vector_rank"] for of in passages}
        self.assertEqual(sorted(ranks("hen").values()), [1, 2])
        ask("/v1/library/documents?name=boats.txt", b"A boat sails on water.")
        self.assertEqual(sorted(ranks("boat").values()), [1, 2, 3])

    def test_what_is_embedded_counts_for_its_key(self):
        self.ingest(self.files, "--embedder", self.embedder)
        keys = self.folder / "keys.toml"
        keys.write_text("".join(
            f'[[key]]\nname = "{path}"\nrole = "read"\ntokens_per_minute = 1\nsha256 = "{hashlib.sha256(path.encode()).hexdigest()}"\n'
            for path in ("/v1/embeddings", "/api/embed")))
        base = self.serve("--api-key-file", keys)

        def status(path):
            request = urllib.request.Request(base + path, b'{"input": "a hen"}', {"X-Api-Key": path})
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    return reply.status
            except urllib.error.HTTPError as error:
                error.close()
                return error.code
        for path in "/v1/embeddings", "/api/embed":
            self.assertEqual([status(path), status(path)], [200, 429], path)


if __name__ == "__main__":
    unittest.main()
