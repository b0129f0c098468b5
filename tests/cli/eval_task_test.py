#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval task` and `eval compare`: with a tiny model, and with an endpoint that answers from a script."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402
from scripted_endpoint import Endpoint, echoed, said  # noqa: E402

TASKS = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "tasks"
TOML = 'name = "sums"\ndata = "sums.jsonl"\nprompt = "{a}+{b}"\nanswer = "sum"\ngroup = "a"\n[scorer]\nname = "exact_match"\n'


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.task = self.folder / "sums.toml"
        self.task.write_text(TOML)
        self.rows = [{"a": a, "b": b, "sum": a + b} for a in range(10) for b in range(4)]
        (self.folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        self.environment = os.environ | {"KINGLET_HOME": str(self.folder / "home"), "KINGLET_CACHE": str(self.folder / "cache")}

    def kinglet(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], *arguments], capture_output=True, text=True, timeout=300,
                              env=self.environment)
        return done.returncode, done.stdout, done.stderr

    def figures(self, *arguments):
        status, out, err = self.kinglet("eval", *arguments, "--json")
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def lines(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


def adds(_, body):
    a, b = body["messages"][-1]["content"].split("+")
    return said(f" {int(a) + int(b)}\n")


class Endpoints(Case):
    def test_asks_each_question_once(self):
        (self.folder / "key").write_text("secret\nmore\n")
        with Endpoint(adds) as endpoint:
            at = ("task", self.task, "--url", endpoint.url, "--name", "m", "--api-key-file", self.folder / "key")
            first = self.figures(*at, "--limit", "10", "--outcomes", self.folder / "some.jsonl")
            self.assertEqual((first["questions"], first["cached"], first["exact_match"]), (10, 0, 1))
            self.assertEqual(len(endpoint.asked), 10)
            asked = endpoint.asked[0]
            self.assertEqual((asked["path"], asked["key"], asked["model"]), ("/v1/chat/completions", "Bearer secret", "m"))
            self.assertEqual((asked["temperature"], asked["max_tokens"]), (0, 64))
            again = self.figures(*at, "--junit", self.folder / "all.xml")
            self.assertEqual((again["questions"], again["cached"], again["groups"]), (40, 10, 10))
            self.assertEqual(len(endpoint.asked), 40)
            self.figures(*at, "--no-cache")
            self.assertEqual(len(endpoint.asked), 80)
            self.assertIn(" 40 replies of eval task", self.kinglet("cache", "list")[1])
            self.assertEqual(self.kinglet("cache", "clear")[0], 0)
            self.assertIn(" 0 replies of eval task", self.kinglet("cache", "list")[1])
            self.assertEqual(self.figures(*at)["cached"], 0)
        header, *lines = self.lines("some.jsonl")
        self.assertEqual((header["task"], header["limit"], header["seed"], header["model"]), ("sums", 10, 1, f"{endpoint.url} m"))
        self.assertEqual([line["scores"] for line in lines], [{"exact_match": 1}] * 10)
        suite = xml.etree.ElementTree.parse(self.folder / "all.xml").getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("40", "0"))

    def test_what_failed_is_asked_again(self):
        broken = {"3+1"}
        with Endpoint(lambda path, body: (400, {}) if body["messages"][-1]["content"] in broken else adds(path, body)) as endpoint:
            at = ("eval", "task", self.task, "--url", endpoint.url, "--name", "m", "--outcomes", self.folder / "a.jsonl")
            status, out, err = self.kinglet(*at, "--junit", self.folder / "a.xml")
            self.assertEqual(status, 1)
            self.assertIn("1 of 40 questions have no reply", err)
            self.assertIn("status 400", err)
            self.assertIn("exact_match", out)
            suite = xml.etree.ElementTree.parse(self.folder / "a.xml").getroot().find("testsuite")
            self.assertEqual((suite.get("failures"), suite.get("errors")), ("0", "1"))
            status, _, err = self.kinglet("eval", "compare", self.folder / "a.jsonl", self.folder / "a.jsonl")
            self.assertEqual((status, "has no reply" in err), (3, True), err)
            broken.clear()
            endpoint.asked.clear()
            self.assertEqual(self.kinglet(*at)[0], 0)
            self.assertEqual(len(endpoint.asked), 1)

    def test_a_busy_endpoint_is_asked_again(self):
        busy = {"3+1"}
        def answer(path, body):
            asked = body["messages"][-1]["content"]
            if asked not in busy:
                return adds(path, body)
            busy.remove(asked)
            return 429, {}
        with Endpoint(answer) as endpoint:
            status, out, err = self.kinglet("eval", "task", self.task, "--url", endpoint.url, "--name", "m", "--json")
            self.assertEqual((status, json.loads(out)["errors"], len(endpoint.asked)), (0, 0, 41))
            self.assertRegex(err, r"^task: status 429; sent again in 0\.[45] s\n$")

    def test_an_interrupted_run_goes_on(self):
        on_their_way, interrupted = threading.Semaphore(0), threading.Event()

        def few_then_none(path, body):
            if len(endpoint.asked) > 10:
                on_their_way.release()
                interrupted.wait(60)
            return adds(path, body)
        with Endpoint(few_then_none) as endpoint:
            at = [os.environ["KINGLET"], "eval", "task", self.task, "--url", endpoint.url, "--name", "m", "--json", "--concurrency", "2"]
            process = subprocess.Popen(at, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
            for _ in range(2):
                self.assertTrue(on_their_way.acquire(timeout=60))
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            interrupted.set()
            before = len(endpoint.asked)
            done = json.loads(subprocess.run(at, capture_output=True, env=self.environment, check=True).stdout)
            self.assertGreaterEqual(done["cached"], before - 4)    # all but what was on its way
            self.assertEqual(len(endpoint.asked), before + 40 - done["cached"])

    def test_likelihoods_come_from_the_echo(self):
        def answer(path, body):
            self.assertEqual((path, body["echo"], body["max_tokens"]), ("/v1/completions", True, 1))
            choice = body["prompt"].removeprefix("x ")
            return echoed(body["prompt"], [0.0] + [-len(choice) / 8 - (choice != "bb") / 2] * len(choice))
        self.task.write_text('name = "c"\ndata = "c.jsonl"\nformat = "raw"\nprompt = "x"\nchoices = ["a", "bb", "{c}"]\nanswer = "r"\n'
                             '[scorer]\nname = "choice"\n')
        (self.folder / "c.jsonl").write_text('{"c": "cccc", "r": "bb"}\n{"c": "dddd", "r": 0}\n')
        with Endpoint(answer) as endpoint:
            at = ("task", self.task, "--url", endpoint.url, "--name", "m", "--outcomes", self.folder / "o.jsonl")
            self.assertEqual([self.figures(*at)[name] for name in ("acc", "acc_norm", "acc_bytes")], [0.5, 0.5, 0.5])
            self.assertEqual(self.lines("o.jsonl")[1]["logprobs"], [-0.625, -0.5, -4])
            self.task.write_text(self.task.read_text().replace('"raw"', '"chat"'))
            status, _, err = self.kinglet("eval", *at)
            self.assertEqual((status, 'format = "raw"' in err), (2, True), err)

    def test_says_what_is_wrong(self):
        self.task.write_text(TOML.replace("exact_match", "exact"))
        status, _, err = self.kinglet("eval", "task", self.task, "--url", "http://127.0.0.1:1", "--name", "m")
        self.assertEqual((status, "sums.toml: line 7: the scorer's name" in err), (3, True), err)
        self.task.write_text(TOML)
        self.assertEqual(self.kinglet("eval", "task", self.task)[0], 2)
        self.assertEqual(self.kinglet("eval", "task", self.task, "m.gguf", "--url", "http://127.0.0.1:1")[0], 2)
        status, _, err = self.kinglet("eval", "task", self.task, "--url", "http://127.0.0.1:1", "--name", "m")
        self.assertEqual((status, "nobody answers" in err), (1, True), err)
        with (self.folder / "sums.jsonl").open("a") as file:
            file.write('{"a": 1}\n')
        status, _, err = self.kinglet("eval", "task", self.task, "--url", "http://127.0.0.1:1", "--name", "m")
        self.assertEqual((status, "sums.jsonl: line 41: " in err), (3, True), err)


class Comparisons(Case):
    def run_with(self, name, wrong, *flags):
        """Outcomes of an endpoint that is wrong where a row's index is in `wrong`."""
        def answer(path, body):
            a, b = map(int, body["messages"][-1]["content"].split("+"))
            return said("<&\x01>") if 4 * a + b in wrong else adds(path, body)
        with Endpoint(answer) as endpoint:
            self.figures("task", self.task, "--url", endpoint.url, "--name", name, "--outcomes", self.folder / name, *flags)
        return self.folder / name

    def test_bounds_break_when_the_change_is_sure(self):
        old = self.run_with("old", {0, 39})
        worse = self.run_with("worse", set(range(0, 40, 4)) | set(range(1, 40, 4)), "--junit", self.folder / "w.xml")
        a_bit = self.run_with("a_bit", {0, 4, 39})
        report = self.figures("compare", old, a_bit, "--fail-if", "exact_match<-1")
        self.assertEqual((report["task"], report["questions"], report["groups"]), ("sums", 40, 10))
        (compared,) = report["metrics"]
        self.assertEqual([compared[name] for name in ("better", "worse", "same", "broken")], [0, 1, 39, None])
        self.assertAlmostEqual(compared["points"], -2.5)
        self.assertEqual(compared["ci95"][1], 0)
        status, out, err = self.kinglet("eval", "compare", old, worse, "--fail-if", "exact_match<-5", "--junit", self.folder / "c.xml")
        self.assertEqual((status, "exact_match<-5" in err, "BROKEN" in out), (1, True, True), err)
        self.assertEqual(self.kinglet("eval", "compare", old, worse, "--fail-if", "exact_match<-90")[0], 0)
        self.assertEqual(self.kinglet("eval", "compare", old, worse)[0], 0)
        suite = xml.etree.ElementTree.parse(self.folder / "c.xml").getroot().find("testsuite")
        (case,) = suite.findall("testcase")
        self.assertEqual((suite.get("failures"), case.get("name")), ("1", "exact_match"))
        self.assertIn("exact_match<-5", case.find("failure").get("message"))
        said_wrong = xml.etree.ElementTree.parse(self.folder / "w.xml").getroot().findall(".//system-out")[0]
        self.assertEqual(said_wrong.text, "<&\ufffd>")

    def test_one_group_has_no_interval(self):
        self.task.write_text(TOML.replace('group = "a"', 'group = "all"'))
        (self.folder / "sums.jsonl").write_text("".join(json.dumps(row | {"all": "x"}) + "\n" for row in self.rows))
        with Endpoint(adds) as endpoint:
            status, out, err = self.kinglet("eval", "task", self.task, "--url", endpoint.url, "--name", "m", "--outcomes", self.folder / "o")
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"(?m)^  exact_match +1\.000   95 %: no interval$")
        status, out, err = self.kinglet("eval", "compare", self.folder / "o", self.folder / "o")
        self.assertIn("+0.00 points, 95 %: no interval; 0 better", out)

    def test_what_is_not_comparable(self):
        old = self.run_with("old", ())
        def refused(*files):
            status, _, err = self.kinglet("eval", "compare", *files)
            self.assertEqual(status, 3, err)
            return err
        self.assertIn('"limit" is 0 in the old file and 5', refused(old, self.run_with("limited", (), "--limit", "5")))
        self.assertIn('"seed" is 1 in the old file and 2', refused(old, self.run_with("drawn", (), "--seed", "2")))
        for name, before, after in (("prompt", "{a}+{b}", "{a}+ {b}"), ("scorer", '"exact_match"', '"exact_match"\nignore_case = true'),
                                    ("task", '"sums"\n', '"other"\n')):
            self.task.write_text(TOML.replace(before, after))
            self.assertIn(f'not comparable: "{name}"', refused(old, self.run_with(name, ())))
        self.assertIn("JSON", refused(old, self.task))
        self.assertEqual(self.kinglet("eval", "compare", old, old, "--fail-if", "em<-1")[0], 2)
        self.assertEqual(self.kinglet("eval", "compare", old, old, "--fail-if", "exact_match<1")[0], 2)
        self.assertEqual(self.kinglet("eval", "compare", old, self.folder / "nowhere")[0], 1)


class Models(Case):
    def test_a_model_in_the_program_and_behind_a_server_score_alike(self):
        outcomes = []
        for task in "choose_capitals", "write_capitals":
            file = TASKS / f"{task}.toml"
            here = self.figures("task", file, serving.STORIES, "--limit", "6", "--outcomes", self.folder / "here.jsonl")
            self.assertEqual((here["questions"], here["cached"]), (6, 0))
            self.assertEqual(self.figures("task", file, serving.STORIES, "--limit", "6")["cached"], 6)
            with serving.Server(models=[serving.STORIES], environment=self.environment) as server:
                self.figures("task", file, "--url", f"http://127.0.0.1:{server.port}", "--name", serving.STORIES.stem,
                             "--limit", "6", "--outcomes", self.folder / "there.jsonl")
            header, *lines = self.lines("here.jsonl")
            self.assertEqual(len(header["model"]), 64)
            self.assertEqual(lines, self.lines("there.jsonl")[1:])
            outcomes += lines
        self.assertEqual(len(outcomes[0]["logprobs"]), 4)
        self.assertTrue(all(line["text"] for line in outcomes[6:]))

    def test_the_list_names_every_task(self):
        status, out, _ = self.kinglet("eval", "list")
        self.assertEqual(status, 0)
        names = [line.split()[0] for line in out.splitlines()]
        self.assertTrue({"task", "compare", "perplexity", "grounding", "list"} <= set(names))
        tasks = json.loads(self.kinglet("eval", "list", "--json")[1])["tasks"]
        self.assertEqual(list(tasks), names)
        self.assertTrue(all(tasks.values()))


if __name__ == "__main__":
    unittest.main()
