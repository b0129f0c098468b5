# SPDX-License-Identifier: Apache-2.0
"""all-MiniLM-L6-v2 as GGUF: BERT's tensors under GGUF's names, the vocabulary with its words' starts marked."""
import json
import os
import struct

import gguf
import numpy

_LAYER = {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
          "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
          "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
_WHOLE = {"embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
          "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm"}


def _tensors(path):
    """(name in GGUF, array) of each tensor that the vectors need; the pooler is not among them."""
    data = path.read_bytes()
    (head_bytes,) = struct.unpack_from("<Q", data)
    for name, entry in json.loads(data[8:8 + head_bytes]).items():
        stem, _, kind = name.rpartition(".")
        if stem.startswith("encoder.layer."):
            _, _, layer, part = stem.split(".", 3)
            stem = f"blk.{layer}.{_LAYER[part]}"
        else:
            stem = _WHOLE.get(stem)
        if stem:
            begin, end = (8 + head_bytes + offset for offset in entry["data_offsets"])
            yield f"{stem}.{kind}", numpy.frombuffer(data[begin:end], numpy.float32).reshape(entry["shape"])


def _mark(token):
    if token.startswith("##"):
        return token[2:]
    return token if token.startswith("[") and token.endswith("]") else "\u2581" + token


def convert(folder, to):
    """Writes the GGUF file, unless it is there, and returns its path."""
    if to.exists():
        return to
    config = json.loads((folder / "config.json").read_text())
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f"{to.name}.{os.getpid()}")
    writer = gguf.GGUFWriter(partial, "bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([_mark(word) for word in words])
    control = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    writer.add_token_types([gguf.TokenType.CONTROL if word in control else gguf.TokenType.NORMAL for word in words])
    for name, add in (("[UNK]", writer.add_unk_token_id), ("[SEP]", writer.add_sep_token_id),
                      ("[PAD]", writer.add_pad_token_id), ("[CLS]", writer.add_bos_token_id)):
        add(words.index(name))
    for name, array in _tensors(folder / "model.safetensors"):
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(to)
    return to
