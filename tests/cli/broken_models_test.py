#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each broken model is refused in one line that names its trouble, with exit status 3; sound ones are not.

Walks tiny-models/broken below $KINGLET_SHARED/data. Prints the slowest refusal and the largest memory, and asserts neither.
"""
import os
import pathlib
import resource
import subprocess
import sys
import time

# What the line must say of each file. None: the file may load.
TROUBLES = {
    "sound": None,
    "token-out-of-range": None,
    "infinite-weight": None,
    "empty": "the file is empty",
    "wrong-magic": 'begins with "GGUX"',
    "wrong-version": "version 77",
    "big-endian": "big-endian",
    "truncated-header": "ends at byte 13, within the tensor count",
    "truncated-keys": 'key "tokenizer.ggml.tokens"',
    "truncated-tensor-info": 'tensor "output_norm.weight": the file ends at byte 1189',
    "truncated-data": 'tensor "blk.0.ffn_down.weight": its 1024 bytes begin at byte 8576, but the file ends',
    "huge-tensor-count": "claims 4611686018427387904 tensors",
    "huge-key-count": "claims 4611686018427387904 keys",
    "huge-string-length": 'key "general.architecture": the string is 4611686018427387904 bytes long',
    "huge-array-length": 'key "tokenizer.ggml.tokens": an array claims 4611686018427387904 elements',
    "nested-array": 'key "deep": an array of arrays',
    "unknown-value-type": 'key "llama.block_count": value type 99',
    "wrong-value-type": 'key "llama.block_count" is of type string',
    "missing-key": 'key "llama.block_count" is missing',
    "missing-tensor": 'tensor "blk.0.ffn_down.weight" is missing',
    "unknown-architecture": '"nonesuch", which is not known',
    "zero-heads": 'key "llama.attention.head_count" is 0',
    "zero-alignment": 'key "general.alignment" is 0',
    "huge-block-count": 'key "llama.block_count" is 4294967295',
    "duplicate-tensor": 'two tensors are named "blk.0.attn_q.weight"',
    "unknown-type": 'tensor "blk.0.attn_q.weight": type 250 is unknown',
    "removed-type": 'tensor "blk.0.attn_q.weight": type 4 (Q4_2) was removed',
    "partial-block": 'tensor "blk.0.attn_q.weight": rows of 16 values are no whole number of Q4_K blocks',
    "offset-past-end": 'tensor "blk.0.attn_q.weight": its offset 1048576 is past the end',
    "offset-overflow": 'tensor "blk.0.attn_q.weight": its offset 18446744073709551584 is past the end',
    "offset-misaligned": 'tensor "blk.0.attn_q.weight": its offset 1671 is no multiple of 32',
    "overlapping-tensors": 'tensors "token_embd.weight" and "blk.0.attn_q.weight" overlap',
    "dims-overflow": 'tensor "blk.0.attn_q.weight": the shape 8589934592 x 8589934592',
    "zero-dim": 'tensor "blk.0.attn_q.weight": the shape 16 x 0',
    "too-many-dims": 'tensor "blk.0.attn_q.weight": 9 dimensions',
    "wrong-shape": 'tensor "blk.0.attn_q.weight" is 8 x 32, not 16 x 16',
}


def main():
    shared = os.environ.get("KINGLET_SHARED")
    if not shared:
        print("KINGLET_SHARED is not set")
        return 77
    folder = pathlib.Path(shared, "data/tiny-models/broken")
    failures, slowest_ms = [], (0, "")
    for path in sorted(folder.glob("*.gguf")):
        started = time.monotonic()
        done = subprocess.run([os.environ["KINGLET"], "inspect", path], capture_output=True, text=True, timeout=60)
        slowest_ms = max(slowest_ms, (1000 * (time.monotonic() - started), path.stem))
        if path.stem not in TROUBLES:
            failures.append(f"{path.stem}: no expectation; it says {done.stderr!r}")
        elif TROUBLES[path.stem] is None:
            if done.returncode != 0 or done.stderr:
                failures.append(f"{path.stem}: exit {done.returncode}, {done.stderr!r}")
        elif (done.returncode != 3 or done.stdout or done.stderr.count("\n") != 1
              or not done.stderr.startswith(f"kinglet: {path}: ") or TROUBLES[path.stem] not in done.stderr):
            failures.append(f"{path.stem}: exit {done.returncode}, {done.stderr!r}, standard output {done.stdout!r}")
    missing = TROUBLES.keys() - {path.stem for path in folder.glob("*.gguf")}
    failures += [f"{name}: no such file" for name in sorted(missing)]
    print("\n".join(failures))
    memory_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"{len(TROUBLES)} files; slowest {slowest_ms[0]:.1f} ms ({slowest_ms[1]}); memory {memory_kb / 1024:.1f} MiB at most")
    return 1 if failures else 0


sys.exit(main())
