"""`summond check` and its like at a terminal: problems with their place in the file."""

import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import tempfile
import termios
import unittest

from process_support import BINARY, ZONE, wait_until
from test_control import SUMMONCTL, ControlTest

BAD = """\
zones:
  - name: example.test
    ns: ns1.example.test
    records: ["ns1 A 192.0.2.53"]
    file\t: x
workers: "日本"
webhooks: [{name: a, url: "http://a/", secret: abc}]
"""


def at_terminal(*command, **environment):
    """What a command writes to a terminal of 60 columns, and its exit status."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("4H", 24, 60, 0, 0))
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far,
                          env={**os.environ, "TERM": "xterm", **environment}) as process:
        os.close(far)
        text = b""
        while True:
            try:
                piece = os.read(near, 65536)
            except OSError:  # the other end is closed
                break
            text += piece
    os.close(near)
    return text.decode().replace("\r\n", "\n"), process.returncode


class Check(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.directory / "c.yaml"
        self.file.write_text(BAD)

    def test_carets(self):
        text, status = at_terminal(BINARY, "check", str(self.file), NO_COLOR="1")
        self.assertEqual(status, 2)
        self.assertIn("    workers: \"日本\"\n             ^\n", text)
        self.assertIn("        file    : x\n        ^\n", text)
        # A secret is not shown, not even one with a slip of the pen.
        self.assertIn("secret: ...\n", text)
        self.assertNotIn("abc", text)
        self.assertNotIn("\x1b", text)

    def test_colours(self):
        text, _status = at_terminal(BINARY, "check", str(self.file), NO_COLOR="")
        self.assertIn("\x1b[1;32m^\x1b[0m\n", text)
        text, _status = at_terminal(BINARY, "check", str(self.file), NO_COLOR="", TERM="dumb")
        self.assertNotIn("\x1b", text)

    def test_programs_see_what_they_saw(self):
        done = subprocess.run([BINARY, "check", self.file], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith(f"{self.file}:"), line)

    def test_zone_files_and_xl_files(self):
        (self.directory / "z").write_text("@ SOA ns1 me 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.1.1\n")
        (self.directory / "x.xl").write_text("name = 'x'\nkernel = 'k'\nmemory = 'lots'\n")
        self.file.write_text("zones: [{name: example.test, file: z}]\n"
                             "services: [{xl: x.xl, names: x.example.test, addresses: 192.0.2.9}]\n")
        text, _status = at_terminal(BINARY, "check", str(self.file), NO_COLOR="1")
        self.assertIn("    memory = 'lots'\n    ^", text)
        self.file.write_text("zones: [{name: example.test, file: z}]\n")
        text, _status = at_terminal(BINARY, "check", str(self.file), NO_COLOR="1")
        self.assertRegex(text, r"    www A 192\.0\.2\.1\.1\n *\^?")

    def test_at_the_start(self):
        text, status = at_terminal(BINARY, "--config", str(self.file), "--simulate", NO_COLOR="1")
        self.assertEqual(status, 2)
        self.assertIn("    workers: \"日本\"\n             ^\n", text)

    def test_schema(self):
        done = subprocess.run([BINARY, "schema"], capture_output=True, text=True, check=True)
        self.assertIn("workers", json.loads(done.stdout)["properties"])


class Reload(ControlTest):
    def test_carets_of_summonctl(self):
        daemon = self.controlled(ZONE)
        daemon.configure("control: {socket: control.sock}\nworkers: lots\n" + ZONE)
        text, status = at_terminal(SUMMONCTL, "--socket", daemon.socket, "reload", NO_COLOR="1")
        self.assertEqual(status, 1)
        self.assertIn("    workers: lots\n             ^\n", text)
        wait_until(lambda: "kept the running configuration" in daemon.log(), "the old one is kept")
        self.assertNotIn("^", daemon.log())


if __name__ == "__main__":
    unittest.main()
