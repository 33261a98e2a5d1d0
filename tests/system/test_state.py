"""What outlives the daemon: state.db, in whatever condition it is found."""

import contextlib
import os
import random
import signal
import sqlite3
import tempfile
import time
import unittest

from process_support import SERVICE, ZONE, ProcessTest, ask, wait_until


def services(count):
    return ZONE + SERVICE.format(name="s0", address="10.9.0.1") + "".join(
        SERVICE.removeprefix("services:\n").format(name=f"s{i}", address=f"10.9.0.{i + 1}")
        for i in range(1, count))


class StateTest(ProcessTest):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="summond-state-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.file = os.path.join(self.directory, "state.db")

    def started(self, count=1):
        return self.daemon(f"state: {self.file}\n{services(count)}", "--simulate").ready()

    def rows(self, statement):
        with contextlib.closing(sqlite3.connect(self.file, timeout=10)) as database:
            return database.execute(statement).fetchall()

    def wakes(self):
        try:
            return self.rows("SELECT number, name, why, failure, ready FROM wake ORDER BY number")
        except sqlite3.OperationalError:  # not made yet
            return []

    def wake(self, daemon, service="s0", times=1):
        before = len(self.wakes())
        self.assertTrue(ask(daemon.port, f"{service}.example.test").addresses)
        wait_until(lambda: len(self.wakes()) >= before + times, "a wake in the history")

    def aside(self):
        return [name for name in os.listdir(self.directory) if ".damaged-" in name]

    def serves_without(self, *words):
        daemon = self.started()
        for word in words:
            self.assertIn(word, daemon.log())
        self.assertEqual(ask(daemon.port, "s0.example.test").addresses, ["10.9.0.1"])
        daemon.wait_log("woke s0: ")
        self.assertEqual(daemon.stop(), 0)
        return daemon


class Kept(StateTest):
    def test_wakes_and_last_use_over_restarts(self):
        daemon = self.started()
        self.wake(daemon)
        os.kill(daemon.pid_of("vmm"), signal.SIGKILL)
        self.assertIsNotNone(ask(daemon.port))
        wait_until(lambda: ask(daemon.port, "s0.example.test", timeout=1), "an answer of a new vmm")
        wait_until(lambda: len(self.wakes()) == 2, "the second wake")
        self.assertEqual(daemon.stop(), 0)
        wakes = self.wakes()
        self.assertEqual([(number, name, why, failure) for number, name, why, failure, _ in wakes],
                         [(1, "s0", "dns", "none"), (2, "s0", "dns", "none")])
        self.assertTrue(all(ready > 0 for *_, ready in wakes))
        (used, told), = self.rows("SELECT last_used, told FROM service")
        self.assertLess(abs(used / 1000 - time.time()), 300)
        self.assertLessEqual(used, told)
        self.assertEqual(os.stat(self.file).st_mode & 0o7777, 0o600)

    def test_services_that_are_not_configured_are_forgotten(self):
        daemon = self.started(2)
        self.wake(daemon, "s0")
        self.wake(daemon, "s1")
        wait_until(lambda: len(self.rows("SELECT id FROM service")) == 2, "both services")
        self.assertEqual(daemon.stop(), 0)
        daemon = self.started(1)
        wait_until(lambda: len(self.rows("SELECT id FROM service")) == 1, "one service")
        self.assertEqual(len(self.wakes()), 2, "history stays")
        self.assertEqual(daemon.stop(), 0)

    def test_none(self):
        daemon = self.daemon(f"state: none\n{services(1)}", "--simulate").ready()
        self.assertTrue(ask(daemon.port, "s0.example.test").addresses)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(os.listdir(self.directory), [])

    def test_another_file_is_for_the_next_start(self):
        daemon = self.started()
        daemon.reload(f"state: {self.file}2\n{services(1)}")
        daemon.wait_log("`state` has changed; that takes effect when summond is started again")
        self.assertEqual(daemon.stop(), 0)

    def test_killed_at_random_moments(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        daemon = self.started(20)

        def ask_some():
            for i in chance.sample(range(20), 5):
                ask(daemon.port, f"s{i}.example.test", timeout=0.01)

        def another_wake():
            before = len(self.wakes())
            wait_until(lambda: ask_some() or len(self.wakes()) > before, "a wake in the history")

        for i in range(15):
            ask_some()
            # Some vmm live until they have written something; a busy machine's others may not even begin.
            if i % 5 == 4:
                another_wake()
            time.sleep(chance.random() * 0.3)
            vmm = daemon.pid_of("vmm")
            os.kill(vmm, signal.SIGKILL)
            daemon.pid_of("vmm", other_than=vmm)
        another_wake()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.aside(), [], f"seed {seed}")
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)], f"seed {seed}")
        numbers = [wake[0] for wake in self.wakes()]
        self.assertGreaterEqual(len(numbers), 4)
        self.assertEqual(len(numbers), len(set(numbers)))


class Unusable(StateTest):
    def test_damaged(self):
        with open(self.file, "wb") as f:
            f.write(b"nothing of SQLite's" * 1000)
        os.chmod(self.file, 0o600)
        self.serves_without(f"{self.file} was damaged (file is not a database",
                            "pins, drain, back-off, last use, leases and the history of wakes are lost")
        self.assertEqual(len(self.aside()), 1)
        self.assertEqual(len(self.wakes()), 1, "kept anew")

    def test_of_a_newer_version(self):
        self.serves_without()
        with contextlib.closing(sqlite3.connect(self.file)) as database:
            database.execute("PRAGMA user_version = 7")
        self.serves_without("it is of a newer summond (version 7 of the tables, this one knows 3)")
        self.assertEqual(self.rows("PRAGMA user_version"), [(7,)])
        self.assertEqual(len(self.wakes()), 1, "left alone")

    def test_of_another_owner(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to give a file away")
        self.serves_without()
        os.chown(self.file, 12345, 12345)
        self.serves_without("it can be written by others (owner 12345, mode 0600)")

    def test_directory_cannot_be_made(self):
        self.file = os.path.join(self.directory, "no", "such", "state.db")
        self.serves_without(f"{self.file}: ", "No such file or directory")

    def test_no_directory_at_all(self):
        self.file = "/proc/1/status/state.db"
        self.serves_without("/proc/1/status is no directory")


if __name__ == "__main__":
    unittest.main()
