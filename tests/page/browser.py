# SPDX-License-Identifier: Apache-2.0
"""A server with a library, and a browser without a window that looks at its page."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# Debian installs selenium for its own Python, which need not be the one in $PATH.
DEBIAN_PYTHON = "/usr/bin/python3"
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError:
    if os.path.exists(DEBIAN_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(DEBIAN_PYTHON):
        os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])
    print("Skipped: the Python package selenium is missing.")
    sys.exit(77)
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not CHROMIUM or not DRIVER:
    print("Skipped: chromium or chromedriver is missing.")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
import serving

# What was said, line for line.
TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
WAIT_S = 60


class Kinglet:
    """A home of its own, and the programs that run in it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.home = pathlib.Path(self.folder.name)
        self.environment = os.environ | {"KINGLET_HOME": str(self.home / "kinglet"),
                                         "XDG_CACHE_HOME": str(self.home / "cache")}
        self.model = serving.add_to_gguf(serving.STORIES, self.home / "tiny.gguf", tokenizer__chat_template=TEMPLATE)

    def ingest(self, library, documents):
        """documents: {file name: text}"""
        folder = self.home / (library + "-documents")
        folder.mkdir()
        for name, text in documents.items():
            (folder / name).write_text(text, encoding="utf-8")
        subprocess.run([os.environ["KINGLET"], "ingest", "--library", self.home / library, folder],
                       check=True, env=self.environment, capture_output=True, timeout=120)
        return self.home / library

    @contextlib.contextmanager
    def serve(self, *arguments, model=None):
        """The address of a server."""
        with serving.Server("--quiet", *arguments, models=[model or self.model], environment=self.environment) as server:
            yield f"http://127.0.0.1:{server.port}"

    def close(self):
        self.folder.cleanup()


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--window-size=1280,900", f"--user-data-dir={self.profile.name}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.driver.set_script_timeout(WAIT_S)

    def close(self):
        self.driver.quit()
        self.profile.cleanup()

    def screen(self, width=1280, height=900, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, address, view="ask"):
        """The page, after it has asked for what it shows; what an earlier test left in the tab is gone."""
        self.driver.get("about:blank")
        self.driver.get(f"{address}/#{view}")
        self.driver.execute_script("sessionStorage.clear()")
        self.driver.refresh()

    def ready(self):
        self.until("document.querySelector('#library').options.length > 0 && documents.length > 0")

    def js(self, expression, *arguments):
        return self.driver.execute_script(f"return ({expression})", *arguments)

    def until(self, expression):
        """Waits until an expression of JavaScript holds, and gives its value."""
        return WebDriverWait(self.driver, WAIT_S, poll_frequency=0.05).until(
            lambda _: self.js(expression), f"never true: {expression}")

    def text(self, selector):
        return self.js("document.querySelector(arguments[0]).textContent", selector)

    def one(self, selector):
        return self.driver.find_element("css selector", selector)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def press(self, *keys, holding=None):
        """Keys for whatever has the focus, as from a keyboard."""
        chain = webdriver.ActionChains(self.driver)
        if holding:
            chain.key_down(holding).send_keys(*keys).key_up(holding).perform()
        else:
            chain.send_keys(*keys).perform()

    def faults(self):
        """What the console says since the last call: breaches of the policy, errors, requests that failed."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
