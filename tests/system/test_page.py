"""The live page in a real Chromium."""

import os
import shutil
import unittest

from process_support import ZONE, ask, wait_until
from harness import control  # process_support says where it is
from harness.browser import Browser
from test_control import SERVICES, ControlTest

MANY = ZONE + "services:\n" + "".join(
    f"  - {{name: s{i}, names: s{i}.example.test, addresses: 10.{i >> 8}.{i & 255}.1, kernel: /nonexistent/kernel, "
    f"mac: '02:00:00:00:{i >> 8:02x}:{i & 255:02x}'}}\n"
    for i in range(10000))
# What docs/page.png shows: SUMMOND_PICTURES=. ... -m unittest test_page.Page.test_the_picture_of_the_docs
SHOWN = "limits: {memory: 512MiB}\n" + ZONE + "services:\n" + "".join(
    f"  - {{name: {name}, names: {name}.example.test, addresses: 10.9.0.{i}, kernel: /nonexistent/kernel, "
    f"memory: {memory}MiB, idle: {idle}, standby: {standby}}}\n"
    for i, (name, memory, idle, standby) in enumerate([
        ("blog", 32, "50s", 0), ("chat", 32, "10m", 0), ("files", 48, "10m", 0), ("git", 32, "4m", 0),
        ("mail", 32, "10m", 0), ("maps", 48, "3m", 0), ("music", 32, "10m", 0), ("photos", 16, "3m", 1),
        ("search", 48, "5m", 1), ("shop", 32, "10m", 0), ("wiki", 48, "5m", 0), ("web", 16, "20s", 1)], 1))
# Where the pictures go, for who wants to look at them.
PICTURES = os.environ.get("SUMMOND_PICTURES")


@unittest.skipUnless(shutil.which("chromedriver"), "there is no chromedriver")
class Page(ControlTest):
    def opened(self, config=SERVICES, **named):
        daemon = self.controlled(config, **named)
        tunnel = control.Tunnel(daemon.socket)
        self.addCleanup(tunnel.close)
        browser = Browser()
        self.addCleanup(browser.close)
        browser.open(tunnel.url + "/")
        wait_until(lambda: self.text(browser, "link").startswith("live"), "the page is live")
        return daemon, browser

    @staticmethod
    def text(browser, ident):
        return browser.run("return document.getElementById(arguments[0]).innerText", ident)

    @staticmethod
    def rows(browser):
        return browser.run("return [...document.querySelectorAll('.row')].sort((a, b) => a.getBoundingClientRect().top"
                           " - b.getBoundingClientRect().top).map((row) => row.innerText)")

    def picture(self, browser, name):
        if PICTURES:
            browser.screenshot(os.path.join(PICTURES, name + ".png"))

    def fits(self, browser):
        return browser.run("return document.documentElement.scrollWidth <= window.innerWidth")

    def test_what_happens_is_shown(self):
        daemon, browser = self.opened()
        wait_until(lambda: len(self.rows(browser)) == 2, "both services")
        self.assertTrue(all("asleep" in row for row in self.rows(browser)))
        self.assertIn("0 of 2", self.text(browser, "up"))
        ask(daemon.port, "w.example.test")
        wait_until(lambda: self.rows(browser)[0].startswith("www") and "ready" in self.rows(browser)[0],
                   "www is up, without a reload, and stands first")
        self.assertIn("for dns", self.rows(browser)[0])
        self.assertIn("1 of 2", self.text(browser, "up"))
        wait_until(lambda: "www" in self.text(browser, "bars"), "its wake")
        self.assertIn("dns A, build", self.text(browser, "bars"))
        steps = browser.run("return document.querySelector('#bars .track').getAttribute('aria-label')")
        self.assertRegex(steps, r"^room found .*, built .*, unpaused .*, ready [0-9.]+ ms")
        self.post(daemon, "/v1/services/www/pin?for=2h")
        wait_until(lambda: "pinned, 1 h 59 min" in self.rows(browser)[0], "the pin")
        self.post(daemon, "/v1/drain")
        wait_until(lambda: "Drained" in self.text(browser, "notice"), "the notice")
        self.picture(browser, "light")
        browser.dark(True)
        self.picture(browser, "dark")
        self.assertEqual(browser.complaints(), [])

    def test_by_keyboard_and_on_a_phone(self):
        _, browser = self.opened()
        wait_until(lambda: len(self.rows(browser)) == 2, "both services")
        browser.type("/", "web.example")
        wait_until(lambda: len(self.rows(browser)) == 1, "the one that is searched for")
        browser.type("Down", "Enter")
        wait_until(lambda: "10.9.0.1, 2001:db8::1" in self.text(browser, "details"), "its details")
        self.picture(browser, "details")
        browser.type("Escape")
        wait_until(lambda: not browser.run("return document.getElementById('details').open"), "their end")
        wait_until(lambda: browser.run("return document.activeElement.id") == "list", "the focus")
        browser.type("/", "Escape")
        wait_until(lambda: len(self.rows(browser)) == 2, "both again")
        for width in 1280, 768, 390, 320:
            browser.resize(width, 800)
            self.assertTrue(self.fits(browser), f"{width} pixels")
        self.picture(browser, "phone")

    def test_ten_thousand_services(self):
        daemon, browser = self.opened(MANY)
        wait_until(lambda: "10,000" in self.text(browser, "up"), "all services")
        self.assertLess(len(self.rows(browser)), 60, "rows that nobody sees")
        browser.run("document.getElementById('list').focus()")
        browser.type("End")
        wait_until(lambda: self.rows(browser)[-1].startswith("s9999"), "the last one")
        browser.type("/", "s4321.")
        wait_until(lambda: [row.split()[0] for row in self.rows(browser)] == ["s4321"], "one of them")
        self.picture(browser, "many")
        # One of them moves, and back.
        browser.type("Escape")
        wait_until(lambda: self.rows(browser)[0].startswith("s0"), "all of them again")
        self.post(daemon, "/v1/services/s500/wake?wait=ready")
        wait_until(lambda: self.rows(browser)[0].startswith("s500"), "the one that is up, first")
        wait_until(lambda: "1 of 10,000" in self.text(browser, "up"), "its number")
        self.assertTrue(self.rows(browser)[1].startswith("s0"))
        self.post(daemon, "/v1/services/s500/sleep")
        wait_until(lambda: self.rows(browser)[0].startswith("s0"), "its place among the others")
        self.assertEqual([row.split()[0] for row in self.rows(browser)][:4], ["s0", "s1", "s10", "s100"])
        wait_until(lambda: "0 of 10,000" in self.text(browser, "up"), "none is up")

    @unittest.skipUnless(PICTURES, "SUMMOND_PICTURES does not say where to put it")
    def test_the_picture_of_the_docs(self):
        daemon, browser = self.opened(SHOWN)
        wait_until(lambda: daemon.log().count(", booted, after ") == 3, "the copies")
        for name in ("web", "blog", "wiki", "maps", "git"):
            self.post(daemon, f"/v1/services/{name}/wake?wait=ready")
        for name in ("search", "photos"):
            ask(daemon.port, f"{name}.example.test")
        self.post(daemon, "/v1/services/wiki/pin?for=2h")
        browser.resize(1280, 657)
        wait_until(lambda: "7 of 12" in self.text(browser, "up") and "3 standby" in self.text(browser, "up-more")
                   and "nobody" in self.text(browser, "waiting-more"), "all of it, and new copies")
        self.picture(browser, "page")

    def test_the_daemon_comes_back(self):
        daemon, browser = self.opened()
        old = daemon.pid_of("control")
        os.kill(old, 9)
        daemon.pid_of("control", other_than=old)
        wait_until(lambda: self.text(browser, "link").startswith("live"), "live again")
        ask(daemon.port, "w.example.test")
        wait_until(lambda: "ready" in self.rows(browser)[0], "what happens since")


if __name__ == "__main__":
    unittest.main()
