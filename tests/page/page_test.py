#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of kinglet serve in a real browser: questions, quotes, chat, documents, hostile text, keys, phones."""
import json
import os
import pathlib
import subprocess
import unittest
import urllib.request

import browser as b
from serving import key_row
from selenium.webdriver.common.keys import Keys

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"
OVERRIDE = "\u202e"  # turns the reading order around
KEEPS = "The caretaker keeps the spare key for the attic in a green box."
# Many bytes a character, so that bytes and characters cannot be mistaken for one another.
FILLER = "Über den Dächern 日本語 😀 steht nichts Besonderes geschrieben.\n\n"
OFFICE = "Notes on the office\n\n" + FILLER * 900 + KEEPS + "\n\n" + FILLER * 900
HOSTILE = (f"Hostile report {ATTACK}\n\n"
           f"The lighthouse {ATTACK} burns {OVERRIDE}walrus{OVERRIDE} oil \x1b[2J every single winter night.\n\n"
           "Nobody has ever been to the lighthouse and come back to tell of it.\n")
# So short that the prompt fits the smallest model.
NOTE = {"note.txt": f"Note\n\n{KEEPS}\n"}
HOSTILE_NAME = "<img src=x onerror=alert(3)>.txt"
WHERE_KEY = "Where does the caretaker keep the spare key for the attic?"
QWEN = pathlib.Path(os.environ.get("KINGLET_TEST_MODELS", "none"), "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kinglet = b.Kinglet()
        cls.addClassCleanup(cls.kinglet.close)
        cls.library = cls.kinglet.ingest("office", {"office.txt": OFFICE, HOSTILE_NAME: HOSTILE})
        cls.note = cls.kinglet.ingest("note", NOTE)
        cls.address = cls.enterClassContext(cls.kinglet.serve("--library", cls.library, "--library", cls.note))
        cls.browser = b.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.browser.screen()
        self.browser.faults()  # of an earlier test
        self.expected_faults = 0

    def tearDown(self):
        # Only the requests that the server was to refuse are complained of.
        faults = self.browser.faults()
        refused = [fault for fault in faults if "Failed to load resource" in fault]
        self.assertEqual([fault for fault in faults if fault not in refused], [])
        self.assertEqual(len(refused), self.expected_faults, refused)

    def open(self, view="ask", address=None):
        self.browser.open(address or self.address, view)
        self.browser.ready()
        return self.browser

    def choose_note(self):
        b.Select(self.browser.one("#library")).select_by_value("note")
        self.browser.until("documents.length === 1")

    def send(self, text):
        self.browser.one("#input").send_keys(text, Keys.ENTER)

    def ask(self, question, quotes_only=True):
        """Asks, and waits for the end of what comes."""
        if quotes_only != self.browser.js("document.querySelector('#quotes-only').checked"):
            self.browser.one("#quotes-only").click()
        self.send(question)
        self.browser.until("running === null && document.querySelector('.turn:last-child .body').childNodes.length")

    def assert_nothing_of_a_stranger_ran(self):
        page = self.browser
        self.assertEqual(page.js("document.querySelectorAll('img, iframe, b, script').length"), 1)  # its own script
        self.assertEqual(page.js("document.documentElement.outerHTML.includes('onerror=')"),
                         "onerror=" in page.js("document.documentElement.textContent"))
        self.assertFalse(page.js("[...document.querySelectorAll('*')].some(e => e.hasAttribute('onerror'))"))

    # ---- The frame ----

    def test_loads_under_its_policy(self):
        page = self.open()
        self.assertEqual(page.driver.title, "Kinglet")
        libraries = page.js("[...document.querySelector('#library').options].map(o => o.value)")
        self.assertEqual(libraries, ["office", "note"])
        self.assertEqual(page.js("[...document.querySelector('#model').options].map(o => o.value)"), ["tiny"])
        self.assertIn("2 documents", page.text("#library-summary"))
        self.assertEqual(page.js("document.activeElement.id"), "input")
        # Where a fault of the page would make text markup, the browser itself says no.
        refused = page.js("(() => { try { document.body.innerHTML = 'x' } catch (e) { return e.name } })()")
        self.assertEqual(refused, "TypeError")
        self.assertEqual(len([fault for fault in page.faults() if "TrustedHTML" in fault]), 1)

    def test_everything_that_can_be_used_has_a_name(self):
        for view in ("ask", "chat", "documents"):
            page = self.open(view)
            nameless = page.js("""[...document.querySelectorAll('button, a, input, select, textarea')]
                .filter(e => e.offsetParent !== null)
                .filter(e => e.matches('select, textarea') || !e.textContent.trim())
                .filter(e => !e.ariaLabel && !e.labels?.length)
                .map(e => e.outerHTML)""")
            self.assertEqual(nameless, [], view)

    def test_dark_and_light_have_their_colours_with_contrast(self):
        luminance = """((selector, property) => {
            const color = getComputedStyle(document.querySelector(selector))[property];
            const c = document.createElement('canvas').getContext('2d'); c.fillStyle = color; c.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...c.getImageData(0, 0, 1, 1).data].map(v => v / 255)
                .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; })(arguments[0], arguments[1])"""
        papers = []
        for dark in (False, True):
            self.browser.screen(dark=dark)
            page = self.open()
            paper = page.js(luminance, "body", "backgroundColor")
            papers.append(paper)
            for selector in ("body", "#library-summary", ".welcome p", "nav a:not([aria-current])"):
                ink = page.js(luminance, selector, "color")
                contrast = (max(paper, ink) + 0.05) / (min(paper, ink) + 0.05)
                self.assertGreater(contrast, 4.5, (dark, selector))
        self.assertGreater(papers[0], 0.8)
        self.assertLess(papers[1], 0.05)

    def test_fits_a_phone(self):
        self.browser.screen(width=360, height=740)
        page = self.open()
        self.ask(WHERE_KEY)
        for view in ("ask", "chat", "documents"):
            page.js("void (location.hash = arguments[0])", view)
            page.until(f"!document.querySelector('#view-{view}').hidden")
            self.assertLessEqual(page.js("document.documentElement.scrollWidth"), 360, view)
        page.js("void (location.hash = 'ask')")
        page.until("!document.querySelector('#view-ask').hidden")
        page.one(".source").click()
        page.until("document.querySelector('#reader mark')")
        self.assertLessEqual(page.js("document.querySelector('#reader').scrollWidth"), 360)
        self.assertLessEqual(page.js("document.querySelector('#reader-pages').scrollWidth"), 360)

    # ---- Questions ----

    def test_a_quote_opens_where_it_stands(self):
        page = self.open()
        self.ask(WHERE_KEY)
        self.assertEqual(page.text(".quote blockquote"), KEEPS)
        page.one(".quote .source").click()
        self.assertEqual(page.until("document.querySelector('#reader mark')?.textContent"), KEEPS)
        box = page.js("document.querySelector('#reader mark').getBoundingClientRect().toJSON()")
        self.assertGreater(box["top"], 0)
        self.assertLess(box["bottom"], page.js("innerHeight"))
        colour = page.js("getComputedStyle(document.querySelector('#reader mark')).backgroundColor")
        self.assertEqual(colour, "rgb(251, 238, 201)")
        # Only a part was fetched; the rest comes on demand, and the quote stays where it was.
        text = "document.querySelector('#reader-text').textContent"
        self.assertFalse(page.js(f"{text}.startsWith('Notes')"))
        while page.js("!document.querySelector('#reader-earlier').hidden"):
            length = page.js(f"{text}.length")
            page.js("void document.querySelector('#reader-earlier').click()")
            page.until(f"{text}.length > {length}")
        while page.js("!document.querySelector('#reader-later').hidden"):
            length = page.js(f"{text}.length")
            page.js("void document.querySelector('#reader-later').click()")
            page.until(f"{text}.length > {length}")
        self.assertEqual(page.js(text).strip(), OFFICE.strip())
        self.assertEqual(page.text("#reader mark"), KEEPS)

    def test_a_model_that_says_nothing_useful_yields_to_the_quotes(self):
        page = self.open()
        self.choose_note()
        self.ask(WHERE_KEY, quotes_only=False)
        self.assertEqual(page.text(".quote blockquote"), KEEPS)
        self.assertIn(page.text(".quote blockquote strong").strip(), KEEPS)
        self.assertIn("left out", page.text("details summary"))
        self.assertEqual(page.js("[...document.querySelectorAll('.meter dt')].map(e => e.textContent)"),
                         ["First byte", "Total", "Prompt", "Cached", "Generated", "Useful", "Cost"])
        self.assertRegex(page.text(".meter dd"), r"^\d+(\.\d)? m?s$")
        self.assertEqual(page.text(".meter div:last-child dd"), "no price set")

    def test_an_abstention_says_why(self):
        page = self.open()
        self.ask("How many moons does Jupiter have?", quotes_only=False)
        self.assertEqual(page.text(".abstention h3"), "No answer")
        self.assertIn("your documents", page.text(".abstention p"))
        self.assertEqual(page.all(".quote"), [])

    def test_an_answer_can_be_praised_and_blamed(self):
        def thumb():
            with urllib.request.urlopen(f"{self.address}/v1/ledger?limit=1") as reply:
                return json.load(reply)["entries"][0]["feedback"]["useful"]

        page = self.open()
        self.ask(WHERE_KEY)
        self.assertEqual(page.js("document.querySelector('.feedback').ariaLabel"), "Was this answer useful?")
        pressed = "[...document.querySelectorAll('.feedback button')].map(e => e.ariaPressed)"
        self.assertEqual(page.js(pressed), ["false", "false"])
        self.assertIsNone(thumb())
        for index, useful, said in ((1, False, "Noted as not useful."), (0, True, "Noted as useful.")):
            page.all(".feedback button")[index].click()
            page.until(f"document.querySelector('#status').textContent === '{said}'")
            self.assertEqual(page.js(pressed), ["true" if i == index else "false" for i in range(2)])
            self.assertIs(thumb(), useful)
        page.js("void (location.hash = 'chat')")
        page.until("!document.querySelector('#view-chat').hidden")
        self.send("Once upon a time")
        page.until("document.querySelector('#chat-turns .feedback')")
        # From the keyboard too; what the server refuses is said.
        self.kinglet_forgets_all()
        page.js("void document.querySelector('#chat-turns .feedback button').focus()")
        page.press(Keys.ENTER)
        page.until("document.querySelector('#chat-turns .feedback .fine').textContent.includes('no such answer')")
        self.assertEqual(page.js("document.querySelector('#chat-turns .feedback button').ariaPressed"), "false")
        self.expected_faults = 1

    def kinglet_forgets_all(self):
        subprocess.run([os.environ["KINGLET"], "ledger", "forget", "--before", "2099-01-01"], env=self.kinglet.environment,
                       check=True, capture_output=True, timeout=60)

    def test_a_question_that_fails_says_why(self):
        page = self.open()
        self.ask(WHERE_KEY, quotes_only=False)  # its passages are longer than the model's context
        self.assertEqual(page.text(".failure h3"), "This did not work")
        self.assertIn("512", page.text(".failure p"))
        self.assertFalse(page.js("document.querySelector('.failure button').disabled"))
        self.expected_faults = 1

    @unittest.skipUnless(QWEN.is_file(), "KINGLET_TEST_MODELS does not hold Qwen2.5 Coder 0.5B")
    def test_a_real_model_answers_with_marks_and_can_be_stopped(self):
        text = f"Notes on the office\n\n{KEEPS}\n\nThe printer takes grey cartridges.\n"
        library = self.kinglet.ingest("real", {"office.txt": text})
        with self.kinglet.serve("--library", library, model=QWEN) as address:
            page = self.open(address=address)
            self.ask(WHERE_KEY, quotes_only=False)
            self.assertIn("green box", page.text(".turn .answer, .turn .quote"))
            page.one(".claim .mark, .quote .source").click()
            self.assertEqual(page.until("document.querySelector('#reader mark')?.textContent"), KEEPS)
            page.press(Keys.ESCAPE)
            page = self.open("chat", address)
            self.send("Write a very long story about a lighthouse.")
            page.until("document.querySelector('.said')?.textContent.length > 20")
            page.press(Keys.ESCAPE)
            page.until("document.querySelector('.stopped')")

            def at_work():
                with urllib.request.urlopen(f"{address}/api/ps") as answer:
                    return json.load(answer)["models"][0]["running"]
            b.WebDriverWait(page.driver, 20).until(lambda _: at_work() == 0, "the server still writes")

    def test_esc_stops_and_the_next_question_is_answered(self):
        page = self.open()
        page.driver.execute_cdp_cmd("Network.enable", {})
        slow = {"offline": False, "latency": 30_000, "downloadThroughput": -1, "uploadThroughput": -1}
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
        self.addCleanup(page.driver.execute_cdp_cmd, "Network.emulateNetworkConditions", slow | {"latency": 0})
        self.send(WHERE_KEY)
        page.until("!document.querySelector('#stop').hidden && document.querySelector('.turn .state')")
        page.press(Keys.ESCAPE)
        page.until("document.querySelector('.turn .stopped') && running === null")
        self.assertTrue(page.js("document.querySelector('#stop').hidden"))
        page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow | {"latency": 0})
        self.ask(WHERE_KEY)
        self.assertEqual(page.text(".turn:last-child .quote blockquote"), KEEPS)

    def test_the_keyboard_alone_is_enough(self):
        page = self.open()
        page.press(Keys.TAB, " ")  # quotes only
        page.press(Keys.TAB, holding=Keys.SHIFT)
        page.press(WHERE_KEY)
        page.press(Keys.ENTER, holding=Keys.SHIFT)
        self.assertEqual(page.all(".turn"), [])  # a new line, not a question
        page.press(Keys.ENTER)
        page.until("running === null && document.querySelector('.meter')")
        for _ in range(30):
            page.press(Keys.TAB, holding=Keys.SHIFT)
            if page.js("document.activeElement.matches('.source')"):
                break
        self.assertTrue(page.js("document.activeElement.matches('.source:focus-visible')"))
        self.assertEqual(page.js("getComputedStyle(document.activeElement).outlineStyle"), "solid")
        page.press(Keys.ENTER)
        page.until("document.querySelector('#reader mark') === document.activeElement")
        page.press(Keys.ESCAPE)
        page.until("!document.querySelector('#reader').open")
        self.assertTrue(page.js("document.activeElement.matches('.source')"))

    # ---- Chat ----

    def test_chat_streams_and_remembers(self):
        page = self.open("chat")
        # Whoever reads a stream sees its text grow.
        page.js("""void new MutationObserver(() => {
            const text = document.querySelector('#chat-turns .said')?.textContent ?? '';
            (window.seen ??= []).at(-1) === text || window.seen.push(text);
        }).observe(document.querySelector('#chat-turns'), {subtree: true, childList: true})""")
        self.send("Once upon a time")
        page.until("running === null && document.querySelector('.meter')")
        seen = page.js("window.seen")
        self.assertGreater(len(seen), 3)
        for shorter, longer in zip(seen, seen[1:]):
            self.assertTrue(longer.startswith(shorter))
        self.assertEqual(page.js("conversation.map(m => m.role)"), ["user", "assistant"])
        self.assertEqual(page.js("conversation[1].content"), seen[-1])
        page.one("#new-chat").click()
        self.assertEqual(page.js("conversation.length"), 0)
        self.assertEqual(page.all("#chat-turns .turn"), [])

    # ---- Documents ----

    def upload(self, name, text):
        file = self.kinglet.home / name
        file.write_text(text, encoding="utf-8")
        self.browser.one("#files").send_keys(str(file))

    def titles(self):
        return self.browser.js("[...document.querySelectorAll('.document .title')].map(e => e.textContent)")

    def test_a_document_is_added_asked_and_removed(self):
        page = self.open("documents")
        text = "Bees of the valley\n\nThe beekeeper harvests heather honey in late August.\n"
        self.upload("<b>bees & co<b>.txt", text)
        page.until("documents.length === 3")
        self.assertEqual(page.all(".upload"), [])
        self.assertIn("<b>bees & co<b>.txt", " ".join(self.titles()))
        self.assert_nothing_of_a_stranger_ran()
        page.js("void (location.hash = 'ask')")
        page.until("!document.querySelector('#view-ask').hidden")
        self.ask("When does the beekeeper harvest heather honey?")
        self.assertIn("late August", page.text(".quote blockquote"))
        page.js("void (location.hash = 'documents')")
        page.until("!document.querySelector('#view-documents').hidden")
        row = page.js("[...document.querySelectorAll('.document')].find(e => e.textContent.includes('bees'))")
        row.find_element("css selector", ".quiet").click()
        page.until("document.querySelector('#confirm').open")
        page.press(Keys.ENTER)  # what has the focus keeps it
        page.until("!document.querySelector('#confirm').open")
        self.assertEqual(len(self.titles()), 3)
        row.find_element("css selector", ".quiet").click()
        page.one("#confirm .danger").click()
        page.until("documents.length === 2")
        self.assertNotIn("<b>bees & co<b>.txt", " ".join(self.titles()))

    def test_a_document_that_is_refused_says_why(self):
        page = self.open("documents")
        for name, text, status, reason in (("picture.png", "\x00\x01\x02" * 100, 415, "no document"),
                                           ("nested.html", "<div>" * 100_000, 413, "nest")):
            self.upload(name, text)
            page.until("document.querySelector('.upload.failure')")
            self.assertIn(reason, page.text(".upload.failure p:nth-child(2)"))
            self.assertIn(str(status), "".join(page.faults()))
            page.one(".upload.failure button").click()
            self.assertEqual(page.all(".upload"), [])
        self.assertEqual(page.js("documents.length"), 2)

    # ---- Strangers ----

    def test_hostile_text_stays_text(self):
        page = self.open()
        self.ask(f"What does the lighthouse burn every winter night? {ATTACK}{OVERRIDE}")
        self.assertIn(ATTACK, page.text(".turn h2"))
        self.assertIn("\\u{202E}", page.text(".turn h2"))
        quote = page.text(".quote blockquote")
        self.assertIn(ATTACK, quote)
        self.assertIn("walrus oil", quote)  # such marks are not kept in a library
        self.assert_nothing_of_a_stranger_ran()
        page.one(".quote .source").click()
        self.assertEqual(page.until("document.querySelector('#reader mark')?.textContent"), quote)
        self.assertIn("onerror=alert(3)", page.text("#reader-source"))
        self.assert_nothing_of_a_stranger_ran()
        page.press(Keys.ESCAPE)
        page.js("void (location.hash = 'documents')")
        page.until("!document.querySelector('#view-documents').hidden")
        self.assertIn("onerror=alert(3)", page.text("#documents"))
        self.assert_nothing_of_a_stranger_ran()
        self.assertEqual(page.js("document.title"), "Kinglet")

    # ---- What the server refuses ----

    def test_a_busy_server_says_when_to_come_again(self):
        with self.kinglet.serve("--library", self.note, "--first-byte-budget-ms", "0.001") as address:
            page = self.open("chat", address)
            # The button waits for a second, and who looks at it may come later.
            page.driver.execute_script("""
                window.waited = [];
                const look = () => document.querySelectorAll('.failure button').forEach(b => waited.push(b.disabled));
                new MutationObserver(look).observe(document.body, {childList: true, subtree: true});""")
            self.send("Hello")
            page.until("document.querySelector('.turn .failure')")
            self.assertEqual(page.text(".failure h3"), "The server is busy")
            self.assertRegex(page.text(".failure p"), r"^The first word would come after about \d.* later than")
            self.assertTrue(page.js("waited[0]"))
            page.until("!document.querySelector('.failure button').disabled")
            page = self.open("ask", address)
            self.ask(WHERE_KEY, quotes_only=False)
            self.assertEqual(page.text(".failure h3"), "The server is busy")
            self.assertIn("tried again", page.text(".failure"))
        self.expected_faults = 2

    def test_a_server_that_is_gone_is_told_apart(self):
        with self.kinglet.serve("--library", self.library) as address:
            page = self.open(address=address)
        self.ask(WHERE_KEY)
        self.assertIn("cannot be reached", page.text(".failure"))
        self.assertTrue(page.one(".failure button").is_enabled())
        self.expected_faults = 1

    def test_asks_for_a_key_and_keeps_it_in_the_tab(self):
        keys = self.kinglet.home / "keys.toml"
        keys.write_text(key_row("reader", "right-key", "read"), encoding="utf-8")
        with self.kinglet.serve("--library", self.library, "--api-key-file", keys) as address:
            page = self.browser
            page.open(address)
            page.until("document.querySelector('#key').open")
            page.press("wrong-key", Keys.ENTER)
            page.until("document.querySelector('#key-reason').textContent.includes('not known')")
            page.press("right-key", Keys.ENTER)
            page.ready()
            self.assertEqual(page.js("sessionStorage.getItem('kinglet-key')"), "right-key")
            self.assertEqual(page.js("localStorage.length + document.cookie.length"), 0)
            self.assertEqual(page.js("document.querySelector('#key-input').value"), "")
            self.ask(WHERE_KEY)
            self.assertEqual(page.text(".quote blockquote"), KEEPS)
            # This key may only read.
            page.js("void (location.hash = 'documents')")
            page.until("!document.querySelector('#view-documents').hidden")
            self.upload("more.txt", "More notes of somebody who may not write.")
            page.until("document.querySelector('.upload.failure')")
            self.assertIn("takes write", page.text(".upload.failure"))
        refused = self.browser.faults()
        self.assertTrue(all("401" in fault or "403" in fault for fault in refused), refused)
        self.assertEqual(len([fault for fault in refused if "403" in fault]), 1)


if __name__ == "__main__":
    unittest.main()
