#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet cache and what fills it: packed once, mapped after that, and no trouble with it changes an answer."""
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

KINGLET = os.environ["KINGLET"]
STRING, UINT32, FLOAT32, BOOL, ARRAY, INT32 = 8, 4, 6, 7, 9, 5


def gguf(width=256, forward=4096, layers=2, vocabulary=200, seed=1):
    """A llama of random Q8_0 weights, about 7 MB, that says letters."""
    def text(value):
        value = value.encode()
        return struct.pack("<Q", len(value)) + value

    def number(kind, form, value):
        return struct.pack("<I" + form, kind, value)

    def array(kind, items):
        return struct.pack("<IIQ", ARRAY, kind, len(items)) + b"".join(items)

    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(vocabulary - 4)] + ["\u2581"]
    kinds = [2, 3, 3] + [6] * (vocabulary - 4) + [1]
    keys = {
        "general.architecture": struct.pack("<I", STRING) + text("llama"),
        "llama.block_count": number(UINT32, "I", layers), "llama.context_length": number(UINT32, "I", 512),
        "llama.embedding_length": number(UINT32, "I", width), "llama.feed_forward_length": number(UINT32, "I", forward),
        "llama.attention.head_count": number(UINT32, "I", 4), "llama.attention.head_count_kv": number(UINT32, "I", 4),
        "llama.attention.layer_norm_rms_epsilon": number(FLOAT32, "f", 1e-5),
        "tokenizer.ggml.model": struct.pack("<I", STRING) + text("llama"),
        "tokenizer.ggml.tokens": array(STRING, [text(p) for p in pieces]),
        "tokenizer.ggml.scores": array(FLOAT32, [struct.pack("<f", -i) for i in range(vocabulary)]),
        "tokenizer.ggml.token_type": array(INT32, [struct.pack("<i", k) for k in kinds]),
        "tokenizer.ggml.bos_token_id": number(UINT32, "I", 1), "tokenizer.ggml.eos_token_id": number(UINT32, "I", 2),
        "tokenizer.ggml.add_bos_token": number(BOOL, "?", True)}
    matrices = {"token_embd": (width, vocabulary)}
    vectors = ["output_norm"]
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrices[f"blk.{layer}.{name}"] = (width, width)
        matrices |= {f"blk.{layer}.ffn_gate": (width, forward), f"blk.{layer}.ffn_up": (width, forward),
                     f"blk.{layer}.ffn_down": (forward, width)}
        vectors += [f"blk.{layer}.attn_norm", f"blk.{layer}.ffn_norm"]
    header, data = b"", b""
    noise = bytes((seed * 1103515245 * (i + 7) * (i + 7) >> 9) & 0xff for i in range(32 * 997))
    scale = struct.pack("<e", 0.001)
    for name, shape in [*matrices.items(), *((v, (width,)) for v in vectors)]:
        dtype = 8 if len(shape) == 2 else 0
        header += text(name + ".weight") + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        header += struct.pack("<IQ", dtype, len(data))
        if dtype == 8:
            blocks = shape[0] * shape[1] // 32
            data += b"".join(scale + noise[32 * (i % 997):32 * (i % 997) + 32] for i in range(blocks))
        else:
            data += struct.pack("<f", 1.0) * shape[0]
        data += bytes(-len(data) % 32)
    start = b"GGUF" + struct.pack("<IQQ", 3, len(matrices) + len(vectors), len(keys))
    start += b"".join(text(key) + value for key, value in keys.items()) + header
    return start + bytes(-len(start) % 32) + data


class Cache(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bytes = gguf()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kinglet-cache-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.model = self.folder / "m.gguf"
        self.model.write_bytes(self.bytes)
        self.environment = os.environ | {"KINGLET_CACHE": str(self.folder / "cache"),
                                         "KINGLET_HOME": str(self.folder / "home")}

    def start(self, *arguments, **more):
        return subprocess.Popen([KINGLET, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True, env=self.environment, **more)

    def kinglet(self, *arguments, **more):
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def answer(self, **more):
        status, out, err = self.kinglet("run", self.model, "--raw", "-p", "abc", "-n", "4", "-t", "2", **more)
        self.assertEqual(status, 0, err)
        return out, err

    def files(self):
        return sorted((self.folder / "cache/packed").glob("*"))

    def listed(self):
        return json.loads(self.kinglet("cache", "list", "--json")[1])

    def needs_packing(self):
        self.answer()
        if not self.files():
            self.skipTest("weights are not packed on this machine")
        self.kinglet("cache", "clear")

    def test_lists_verifies_and_clears(self):
        self.needs_packing()
        first = self.answer()
        self.assertEqual(first[1], "")
        inode = self.files()[0].stat().st_ino
        self.assertEqual(self.answer(), first)
        self.assertEqual(self.files()[0].stat().st_ino, inode)
        listed = self.listed()
        self.assertEqual([f["model"] for f in listed["files"]], [str(self.model)])
        self.assertEqual(listed["bytes"], self.files()[0].stat().st_size)
        self.assertFalse(listed["files"][0]["stale"])
        self.assertIn(str(self.model), self.kinglet("cache", "list")[1])
        self.assertEqual(self.kinglet("cache", "verify")[0], 0)
        self.assertEqual(json.loads(self.kinglet("cache", "clear", "--json")[1])["removed_bytes"], listed["bytes"])
        self.assertEqual(self.files(), [])
        self.assertEqual(self.listed()["files"], [])

    def test_verify_removes_what_a_disk_has_spoilt(self):
        self.needs_packing()
        right = self.answer()
        with open(self.files()[0], "r+b") as file:
            file.seek(-1000, os.SEEK_END)
            file.write(b"spoilt")
        status, out, err = self.kinglet("cache", "verify", "--json")
        self.assertEqual((status, json.loads(out)["broken"]), (1, 1))
        self.assertRegex(err, "^kinglet: 1 broken")
        self.assertEqual(self.files(), [])
        self.assertEqual(self.answer(), right)

    def test_many_starts_at_once_pack_once(self):
        self.needs_packing()
        processes = [self.start("run", self.model, "--raw", "-p", "abc", "-n", "4", "-t", "2") for _ in range(6)]
        outputs = {process.communicate(timeout=120) for process in processes}
        self.assertEqual(outputs, {self.answer()})
        self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.kinglet("cache", "verify")[0], 0)

    def test_a_kill_while_packing_leaves_nothing_wrong(self):
        self.needs_packing()
        right = self.answer()
        for delay in (0.005, 0.01, 0.015, 0.02, 0.03, 0.05):
            self.kinglet("cache", "clear")
            process = self.start("run", self.model, "--raw", "-p", "abc", "-n", "4")
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.assertEqual(self.answer(), right)
            self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.kinglet("cache", "verify")[0], 0)

    def test_no_room_means_memory_and_a_warning(self):
        self.needs_packing()
        right = self.answer()[0]
        self.kinglet("cache", "clear")

        def files_of_a_megabyte():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        out, err = self.answer(preexec_fn=files_of_a_megabyte)
        self.assertEqual(out, right)
        self.assertRegex(err, r"^kinglet: weights are packed in memory.*\n$")
        self.assertEqual(self.files(), [])

        self.environment["KINGLET_CACHE"] = str(self.model / "cache")   # below a file: no such folder can be
        out, err = self.answer()
        self.assertEqual(out, right)
        self.assertRegex(err, r"^kinglet: weights are packed in memory.*\n$")

    def test_a_limit_is_kept(self):
        self.needs_packing()
        self.answer()
        size = self.files()[0].stat().st_size
        (self.folder / "home").mkdir(exist_ok=True)
        (self.folder / "home/kinglet.toml").write_text(f"cache_max_bytes = {size + 1000}\n", encoding="utf-8")
        other = self.folder / "other.gguf"
        other.write_bytes(self.bytes)
        self.assertEqual(self.kinglet("run", other, "--raw", "-p", "abc", "-n", "1")[::2], (0, ""))
        self.assertEqual([f["model"] for f in self.listed()["files"]], [str(other)])
        self.environment["KINGLET_CACHE_MAX_BYTES"] = "0"
        self.kinglet("cache", "clear")
        self.assertEqual(self.answer()[1], "")
        self.assertEqual(self.files(), [])
        self.environment["KINGLET_CACHE_MAX_BYTES"] = "much"
        self.assertEqual(self.kinglet("cache", "list")[0], 2)

    def test_a_home_of_its_own_is_cache_enough(self):
        bare = {"KINGLET_HOME": str(self.folder / "home"), "PATH": os.environ["PATH"]}
        done = subprocess.run([KINGLET, "cache", "list", "--json"], capture_output=True, env=bare, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout)["folder"], str(self.folder / "home/cache/packed"))


if __name__ == "__main__":
    unittest.main()
