"""Chromium without a screen, steered by chromedriver (W3C WebDriver)."""

import base64
import json
import subprocess
import urllib.request

from . import network
from .waiting import wait_until

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Down": "\ue015", "End": "\ue010"}


class Browser:
    def __init__(self, patience=60):
        self._patience = patience
        self._port = network.free_port()
        self._driver = subprocess.Popen(["chromedriver", f"--port={self._port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self._session = None
        try:
            wait_until(self._ready, patience, "chromedriver")
            options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                                "--disable-dev-shm-usage", "--window-size=1280,800"]}
            self._session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]
        except BaseException:
            self.close()
            raise

    def _call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=self._patience) as answer:
            return json.load(answer)["value"]

    def _ready(self):
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _in_session(self, method, path, body=None):
        return self._call(method, f"/session/{self._session}{path}", body)

    def open(self, url):
        self._in_session("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What `return ...` in the script gives."""
        return self._in_session("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def type(self, *keys):
        """Keys one after the other, by name or as text, to what has the focus."""
        text = "".join(KEYS.get(key, key) for key in keys)
        actions = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._in_session("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def dark(self, on):
        self._in_session("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]}})

    def resize(self, width, height):
        self._in_session("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}})

    def complaints(self):
        """What it has written to its console, such as what a policy has kept out."""
        return self._in_session("POST", "/se/log", {"type": "browser"})

    def screenshot(self, file):
        with open(file, "wb") as out:
            out.write(base64.b64decode(self._in_session("GET", "/screenshot")))

    def close(self):
        if self._session:
            self._in_session("DELETE", "")
        self._driver.terminate()
        self._driver.wait(self._patience)
