#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other formats that clients speak: Ollama's, Anthropic's, ranking, tokens; and libraries over HTTP."""
import fcntl
import io
import json
import os
import pathlib
import subprocess
import unittest
import zipfile

import serving

MESSAGES = [{"role": "user", "content": serving.STORY}]


class Ollama(serving.ServerTest):
    def test_chat_streams_unless_told_otherwise(self):
        ask = {"model": "tiny", "messages": MESSAGES, "options": {"temperature": 0, "num_predict": 8}}
        reply = self.server.post("/api/chat", ask)
        self.assertEqual(reply.headers["Content-Type"], "application/x-ndjson")
        *pieces, last = [json.loads(line) for line in reply.body.splitlines()]
        self.assertTrue(all(not piece["done"] for piece in pieces))
        self.assertEqual((last["done"], last["done_reason"], last["eval_count"]), (True, "length", 8))
        whole = self.server.post("/api/chat", ask | {"stream": False}).json()
        self.assertEqual("".join(piece["message"]["content"] for piece in pieces), whole["message"]["content"])
        self.assertGreater(whole["total_duration"], whole["eval_duration"])

    def test_generate(self):
        ask = {"model": "tiny", "prompt": serving.STORY, "stream": False, "options": {"temperature": 0, "num_predict": 8}}
        answer = self.server.post("/api/generate", ask).json()
        self.assertTrue(answer["response"].startswith(" She loved"), answer)
        self.assertEqual(self.server.post("/api/generate", ask | {"raw": True}).json()["response"], answer["response"])

    def test_models(self):
        model, = self.server.get("/api/tags").json()["models"]
        self.assertEqual((model["name"], model["size"]), ("tiny", self.model.stat().st_size))
        self.assertEqual(self.server.post("/api/show", {"model": "tiny"}).status, 200)
        self.assertEqual(self.server.post("/api/show", {"model": "x"}).status, 404)
        self.assertIn("version", self.server.get("/api/version").json())

    def test_errors_are_a_line(self):
        for body in ({"messages": MESSAGES, "format": "xml"}, {"messages": MESSAGES, "images": ["x"]},
                     {"messages": MESSAGES, "options": {"temp": 1}}, {"messages": MESSAGES, "tools": [{}]}):
            reply = self.server.post("/api/chat", body)
            self.assertEqual(reply.status, 400)
            self.assertIsInstance(reply.error(), str)


class Anthropic(serving.ServerTest):
    ASK = {"model": "tiny", "max_tokens": 8, "messages": MESSAGES, "temperature": 0}

    def test_a_message(self):
        answer = self.server.post("/v1/messages", self.ASK).json()
        block, = answer["content"]
        self.assertEqual((answer["type"], answer["role"], block["type"]), ("message", "assistant", "text"))
        self.assertTrue(block["text"].startswith(" She loved"), block)
        self.assertEqual((answer["stop_reason"], answer["usage"]["output_tokens"]), ("max_tokens", 8))
        stopped = self.server.post("/v1/messages", self.ASK | {"stop_sequences": ["loved"]}).json()
        self.assertEqual((stopped["stop_reason"], stopped["stop_sequence"]), ("stop_sequence", "loved"))

    def test_a_stream(self):
        events = self.server.post("/v1/messages", self.ASK | {"stream": True}).events()
        self.assertEqual([events[0]["type"], events[1]["type"]], ["message_start", "content_block_start"])
        self.assertEqual([event["type"] for event in events[-3:]], ["content_block_stop", "message_delta", "message_stop"])
        text = "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta")
        self.assertEqual(text, self.server.post("/v1/messages", self.ASK).json()["content"][0]["text"])

    def test_tokens_are_counted(self):
        count = self.server.post("/v1/messages/count_tokens", {"model": "tiny", "messages": MESSAGES}).json()
        self.assertEqual(count["input_tokens"], len(self.server.post(
            "/tokenize", {"content": serving.STORY, "add_special": True}).json()["tokens"]))

    def test_errors_have_a_type(self):
        reply = self.server.post("/v1/messages", {"messages": MESSAGES})
        self.assertEqual((reply.status, reply.json()["type"], reply.error()["type"]), (400, "error", "invalid_request_error"))
        self.assertEqual(self.server.post("/v1/messages", self.ASK | {"tools": [{}]}).status, 400)


class Others(serving.ServerTest):
    def test_tokens_there_and_back(self):
        text = "Lily's “ball” – наш мир 🐕"
        ids = self.server.post("/tokenize", {"content": text}).json()["tokens"]
        self.assertEqual(self.server.post("/detokenize", {"tokens": ids}).json()["content"].strip(), text)
        pieces = self.server.post("/tokenize", {"content": "a dog", "with_pieces": True}).json()["tokens"]
        self.assertEqual("".join(piece["piece"] for piece in pieces).strip(), "a dog")
        self.expect_error(self.server.post("/detokenize", {"tokens": ["a"]}), 400, "tokens")

    def test_rank(self):
        documents = ["A dog ran.", "The sun is hot.", "Lily has a ball."]
        answer = self.server.post("/v1/rerank", {"query": "Who has a ball?", "documents": documents, "top_n": 2,
                                                 "return_documents": True}).json()
        scores = [result["relevance_score"] for result in answer["results"]]
        self.assertEqual((len(scores), scores), (2, sorted(scores, reverse=True)))
        for result in answer["results"]:
            self.assertEqual(result["document"]["text"], documents[result["index"]])
        self.expect_error(self.server.post("/v1/rerank", {"query": "a", "documents": []}), 400, "documents")

    def test_a_model_that_writes_makes_no_vectors(self):
        self.expect_error(self.server.post("/v1/embeddings", {"input": "a"}), 400, "model")


class Libraries(serving.LibraryTest):
    def test_a_document_from_upload_to_removal(self):
        added = self.add("birds.md", "# Birds\n\nThe kestrel hovers over fields. It eats voles.\n")
        self.assertEqual((added.status, added.json()["uri"]), (201, "upload:birds.md"))
        listed = self.server.get("/v1/library/documents").json()["documents"]
        self.assertIn("upload:birds.md", [document["uri"] for document in listed])
        passage = self.server.post("/v1/search", {"query": "kestrel"}).json()["passages"][0]
        self.assertEqual((passage["line"], passage["page"]), (3, None))
        text = self.server.get("/v1/library/text?uri=upload:birds.md").json()["text"].encode()
        self.assertEqual(text[passage["start_byte"]:passage["end_byte"]].decode(), passage["text"])
        answer = self.server.post("/v1/ask", {"question": "What does the kestrel eat?", "mode": "quote"}).json()
        for quote in answer["quotes"]:
            self.assertEqual(text[quote["start_byte"]:quote["end_byte"]].decode(), quote["text"])
        self.assertTrue(any("voles" in quote["text"] for quote in answer["quotes"]), answer)
        self.assertEqual({quote["line"] for quote in answer["quotes"]}, {3})
        events = self.server.post("/v1/ask", {"question": "What does the kestrel eat?", "mode": "quote",
                                              "stream": True}).events()
        self.assertEqual(events[-1]["quotes"], answer["quotes"])
        self.assertEqual(self.server.send("DELETE", "/v1/library/documents?uri=upload:birds.md").status, 200)
        self.assertEqual(self.server.post("/v1/search", {"query": "kestrel"}).json()["passages"], [])
        self.expect_error(self.server.get("/v1/library/text?uri=upload:birds.md"), 404)
        self.expect_error(self.server.send("DELETE", "/v1/library/documents?uri=upload:birds.md"), 404)

    def test_a_pdf_has_pages(self):
        whole = (pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "documents/hens.pdf").read_bytes()
        self.assertEqual(self.add("hens.pdf", whole).json()["media_type"], "application/pdf")
        passage = self.server.post("/v1/search", {"query": "red mites"}).json()["passages"][0]
        self.assertEqual((passage["document"], passage["page"], passage["line"]), ("upload:hens.pdf", 3, None))
        answer = self.server.post("/v1/ask", {"question": "Where do the red mites hide?", "mode": "quote"}).json()
        self.assertEqual(answer["quotes"][0]["page"], 3)
        self.assertIn("no sound PDF", self.expect_error(self.add("cut.pdf", whole[:1000]), 400)["message"])
        self.server.send("DELETE", "/v1/library/documents?uri=upload:hens.pdf")

    def zipped(self, members):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return packed.getvalue()

    def uris(self):
        return [document["uri"] for document in self.server.get("/v1/library/documents").json()["documents"]]

    def test_an_archive_gives_its_members(self):
        added = self.add("birds.zip", self.zipped({"a/owl.md": "# Owls\n\nAn owl hunts at night.\n",
                                                   "rook.txt": "A rook nests in elms.",
                                                   "cut.pdf": "%PDF-1.4 and nothing", "x.bin": b"\0\1"}))
        self.assertEqual(added.status, 201, added.body)
        answer = added.json()
        self.assertEqual((answer["uri"], answer["skipped"]), ("upload:birds.zip", 1))
        names = ["upload:birds.zip!/a/owl.md", "upload:birds.zip!/rook.txt"]
        self.assertEqual([document["uri"] for document in answer["documents"]], names)
        self.assertEqual([failed["uri"] for failed in answer["failed"]], ["upload:birds.zip!/cut.pdf"])
        found = self.server.post("/v1/search", {"query": "rook elms"}).json()["passages"][0]
        self.assertEqual(found["document"], names[1])
        # The next one of that name takes its place.
        self.add("birds.zip", self.zipped({"a/owl.md": "An owl hunts at dusk."}))
        self.assertEqual([uri for uri in self.uris() if "birds.zip" in uri], names[:1])
        # And all of it goes by its name.
        self.assertEqual(self.server.send("DELETE", "/v1/library/documents?uri=upload:birds.zip").status, 200)
        self.assertFalse([uri for uri in self.uris() if "birds.zip" in uri])
        self.expect_error(self.server.send("DELETE", "/v1/library/documents?uri=upload:birds.zip"), 404)

    def test_an_archive_without_documents_is_refused(self):
        self.assertIn("no document", self.expect_error(self.add("e.zip", self.zipped({"x.bin": b"\0\1"})), 400)["message"])
        self.assertIn("cut.pdf", self.expect_error(
            self.add("p.zip", self.zipped({"cut.pdf": "%PDF-1.4"})), 400)["message"])
        self.expect_error(self.add("not.zip", b"PK but no archive"), 400)
        self.expect_error(self.add("not.tar.gz", b"nor this"), 400)
        self.assertFalse([uri for uri in self.uris() if ".zip" in uri])

    def test_the_report_is_that_of_the_command_line(self):
        self.add("mail.txt", "Write to jane.doe@example.com about the swallows that nest in the barn.")
        report = self.server.get("/v1/library/report").json()
        self.assertEqual(report["library"], "notes")
        self.assertEqual(report["personal_data"]["email"], {"documents": 1, "count": 1})
        printed = subprocess.run([os.environ["KINGLET"], "library", "report", "--json", "--library", self.home / "notes"],
                                 stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual({**json.loads(printed), "library": "notes"}, report)
        self.expect_error(self.server.get("/v1/library/report?library=nonesuch"), 404)
        self.server.send("DELETE", "/v1/library/documents?uri=upload:mail.txt")

    def test_a_library_that_another_process_writes_is_told_so(self):
        with open(self.home / "notes" / "lock", "a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for reply in (self.add("busy.md", "Swifts sleep on the wing."),
                          self.server.send("DELETE", "/v1/library/documents?uri=upload:busy.md")):
                self.assertEqual(self.expect_error(reply, 503)["code"], "busy")
                self.assertGreater(int(reply.headers["Retry-After"]), 0)
            self.assertEqual(self.server.post("/v1/search", {"query": "swifts"}).status, 200)
        self.assertEqual(self.add("busy.md", "Swifts sleep on the wing.").status, 201)

    def test_what_is_no_document(self):
        self.expect_error(self.add("", "text"), 400, "name")
        self.expect_error(self.add("a\nb.txt", "text"), 400, "name")
        self.assertEqual(self.add("x.bin", b"\0\1\2\3").status, 415)
        self.assertIn(self.add("x.pdf", b"%PDF-1.7\n\xe2\xe3\xcf\xd3\0").status, (400, 415))

    def test_a_question_off_topic_is_not_answered(self):
        answer = self.server.post("/v1/ask", {"question": "Who won the cup in 1954?", "mode": "quote"}).json()
        self.assertTrue(answer["abstained"])
        self.assertIsNone(answer["answer"])

    def test_wrong_fields_are_named(self):
        self.expect_error(self.server.post("/v1/ask", {}), 400, "question")
        self.expect_error(self.server.post("/v1/ask", {"question": "a", "mode": "guess"}), 400, "mode")
        self.expect_error(self.server.post("/v1/ask", {"question": "a", "library": "../notes"}), 404)
        self.expect_error(self.server.post("/v1/ask", {"question": "a", "risk": 2}), 400, "risk")
        self.expect_error(self.server.post("/v1/ask", {"question": "a", "risk": 0.1}), 400, "risk")   # not calibrated
        self.expect_error(self.server.post("/v1/ask", {"question": "a", "turns": ["b"]}), 400, "turns")
        self.expect_error(self.server.post("/v1/search", {"query": "a", "limit": 0}), 400, "limit")


if __name__ == "__main__":
    unittest.main()
