#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The load of `kinglet eval load` measured by another hand: OpenAI's own client (PyPI: openai), on asyncio.

  bench/load_witness.py --url http://127.0.0.1:8080/v1 --trace FILE --slo ttft_ms=2000,tpot_ms=100 [--rate R]

It shares no code with Kinglet, so that an error of the one shows beside the other. Of each request it counts from the
call of the client on, connecting and sending included, so its TTFT is a little above the one that counts from the last
byte sent.
"""
import argparse
import asyncio
import csv
import datetime
import json
import math
import random
import statistics
import sys
import time

import openai

WORDS = ("the time year people way day man thing woman life child world school state family group country hand part "
         "place case week company system work number night point home water room mother area money story fact month "
         "lot right "
         "study book eye job word business side kind head house service friend father power hour game line end member "
         "law car city name team minute").split()
BLOCK_TOKENS = 512  # of Mooncake's hash_ids


def read_trace(path):
    """(arrival in s, prompt tokens, answer tokens, blocks) of each request, the first at 0."""
    rows = []
    with open(path, encoding="utf-8") as file:
        if file.read(1) == "{":
            file.seek(0)
            for line in filter(str.strip, file):
                row = json.loads(line)
                rows.append((row["timestamp"] / 1000, row["input_length"], row["output_length"],
                             row.get("hash_ids", [])))
        else:
            file.seek(0)
            for row in csv.DictReader(file):
                text = row["TIMESTAMP"].removesuffix("+00:00")
                whole, _, fraction = text.partition(".")
                at = datetime.datetime.fromisoformat(whole).timestamp() + float("0." + (fraction or "0"))
                rows.append((at, int(row["ContextTokens"]), int(row["GeneratedTokens"]), []))
    rows = sorted((row for row in rows if row[1] > 0 and row[2] > 0), key=lambda row: row[0])
    return [(at - rows[0][0], *rest) for at, *rest in rows]


def words(seed, count):
    draw = random.Random(seed)
    return "".join(" " + draw.choice(WORDS) for _ in range(count))


def prompt_of(options, number, tokens, blocks, per_word, extra):
    left = max(1, round((tokens - extra) / per_word))
    if not blocks:
        return words(f"{options.seed} single {number}", left)
    of_block = max(1, round(BLOCK_TOKENS * options.scale_length / per_word))
    parts = []
    for block in blocks:
        parts.append(words(f"{options.seed} block {block}", min(left, of_block)))
        left -= min(left, of_block)
        if left == 0:
            break
    return "".join(parts)


async def ask(client, options, prompt, answer_tokens):
    """What became of one request."""
    record = {"outcome": "failed", "first": None, "last": None, "gaps": [], "tokens": 0, "prompt": 0, "cached": 0}
    start = time.monotonic()
    try:
        stream = await client.completions.create(
            model=options.model, prompt=prompt, max_tokens=answer_tokens, temperature=0, stream=True,
            stream_options={"include_usage": True}, extra_body={"ignore_eos": True})
        async for chunk in stream:
            now = time.monotonic()
            if chunk.choices and chunk.choices[0].text:
                if record["first"] is None:
                    record["first"] = now
                else:
                    record["gaps"].append((now - record["last"]) * 1000)
                record["last"] = now
            if chunk.usage is not None:
                record["tokens"], record["prompt"] = chunk.usage.completion_tokens, chunk.usage.prompt_tokens
                details = chunk.usage.prompt_tokens_details
                record["cached"] = (details.cached_tokens if details else 0) or 0
        record["outcome"] = "completed" if record["first"] is not None else "failed"
    except openai.APIStatusError as error:
        record["outcome"] = "rejected" if error.status_code in (429, 503) else "failed"
    except openai.APIError:
        pass
    record["end"] = time.monotonic()
    if record["outcome"] == "completed":
        record["ttft_ms"] = (record["first"] - start) * 1000
        record["tpot_ms"] = (record["last"] - record["first"]) * 1000 / max(1, record["tokens"] - 1)
    return record


async def run(options):
    client = openai.AsyncOpenAI(base_url=options.url, api_key=options.api_key, max_retries=0, timeout=options.timeout_s)
    if not options.model:
        options.model = (await client.models.list()).data[0].id
    once = await ask(client, options, "".join(" " + word for word in WORDS), 1)
    twice = await ask(client, options, "".join(" " + word for word in WORDS) * 2, 1)
    per_word = (twice["prompt"] - once["prompt"]) / len(WORDS) or 1
    extra = once["prompt"] - per_word * len(WORDS)
    draw, poisson = random.Random(options.seed), 0.0
    schedule = []
    for number, (at, prompt_tokens, answer_tokens, blocks) in enumerate(read_trace(options.trace)):
        prompt_tokens = max(1, round(prompt_tokens * options.scale_length))
        answer_tokens = max(1, round(answer_tokens * options.scale_length))
        if options.context and prompt_tokens + answer_tokens > options.context:
            continue
        at *= options.scale_time
        if options.rate:
            at = poisson = poisson + draw.expovariate(options.rate)
        if options.duration_s and at >= options.duration_s or len(schedule) == (options.limit or math.inf):
            break
        schedule.append((at, prompt_of(options, number, prompt_tokens, blocks, per_word, extra), answer_tokens))
    start, late, tasks = time.monotonic(), [], []
    for at, prompt, answer_tokens in schedule:
        await asyncio.sleep(max(0.0, start + at - time.monotonic()))
        late.append((time.monotonic() - start - at) * 1000)
        tasks.append(asyncio.create_task(ask(client, options, prompt, answer_tokens)))
    records = await asyncio.gather(*tasks)
    return records, late, start + schedule[0][0]


def spread(values):
    values = sorted(values)
    if not values:
        return {"p50": 0, "p90": 0, "p99": 0, "mean": 0, "max": 0}

    def rank(share):
        return values[max(1, math.ceil(share * len(values))) - 1]
    return {"p50": rank(0.5), "p90": rank(0.9), "p99": rank(0.99), "mean": statistics.fmean(values), "max": values[-1]}


def summary(records, late, first_due, slo):
    done = [record for record in records if record["outcome"] == "completed"]
    within = sum(record["ttft_ms"] <= slo.get("ttft_ms", math.inf) and record["tpot_ms"] <= slo.get("tpot_ms", math.inf)
                 for record in done)
    elapsed = max(record["end"] for record in records) - first_due
    return {"sent": len(records), "completed": len(done), "within_slo": within,
            "rejected": sum(record["outcome"] == "rejected" for record in records),
            "failed": sum(record["outcome"] == "failed" for record in records),
            "goodput_share": within / len(records), "goodput_per_s": within / elapsed, "elapsed_s": elapsed,
            "ttft_ms": spread([record["ttft_ms"] for record in done]),
            "tpot_ms": spread([record["tpot_ms"] for record in done if record["tokens"] > 1]),
            "itl_ms": spread([gap for record in done for gap in record["gaps"]]), "sender_late_ms": spread(late),
            "prompt_tokens": sum(record["prompt"] for record in done),
            "cached_tokens": sum(record["cached"] for record in done),
            "answer_tokens": sum(record["tokens"] for record in done)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="with /v1")
    parser.add_argument("--trace", required=True, help="Azure's CSV or Mooncake's JSON lines")
    parser.add_argument("--slo", default="", help="like ttft_ms=2000,tpot_ms=100")
    parser.add_argument("--scale-length", type=float, default=1)
    parser.add_argument("--scale-time", type=float, default=1)
    parser.add_argument("--rate", type=float, help="requests a second (Poisson), not at the trace's times")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--duration-s", type=float, default=0)
    parser.add_argument("--context", type=int, default=0, help="leave out requests of more tokens")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="", help="default: the first that the server has")
    parser.add_argument("--api-key", default="none")
    parser.add_argument("--timeout-s", type=float, default=600)
    options = parser.parse_args()
    slo = {name: float(value) for name, value in (part.split("=") for part in options.slo.split(",") if part)}
    records, late, first_due = asyncio.run(run(options))
    print(json.dumps(summary(records, late, first_due, slo)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
