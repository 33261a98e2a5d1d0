"""Start, answers, isolation and the orderly end."""

import os
import signal
import socket
import subprocess
import tempfile
import unittest

from process_support import (AAAA, BINARY, NXDOMAIN, PATIENCE, REFUSED, SERVICE, ZONE,
                             ProcessTest, ask, ask_tcp, descriptors, status)


class Start(ProcessTest):
    def test_answers_on_all_addresses_and_transports(self):
        daemon = self.daemon(listen=["127.0.0.1:{port}", "[::1]:{port}"]).ready()
        for host in "127.0.0.1", "::1":
            answer = ask(daemon.port, host=host)
            self.assertEqual(answer.addresses, ["192.0.2.80"])
            self.assertTrue(answer.aa)
            self.assertEqual(ask(daemon.port, qtype=AAAA, host=host).addresses, ["2001:db8::80"])
            self.assertEqual(ask_tcp(daemon.port, host=host).addresses, ["192.0.2.80"])
            self.assertEqual(ask(daemon.port, "no.example.test", host=host).rcode, NXDOMAIN)
            self.assertEqual(ask(daemon.port, "elsewhere.test", host=host).rcode, REFUSED)

    def test_without_services_there_is_no_vmm(self):
        daemon = self.daemon().ready()
        self.assertEqual(list(daemon.children().values()), ["front"])

    def test_log_is_quiet(self):
        daemon = self.daemon().ready()
        for _ in range(100):
            self.assert_answers(daemon)
        daemon.stop()
        log = daemon.log()
        self.assertLessEqual(len(log.splitlines()), 10, log)
        self.assertNotRegex(log, "warning|error|critical" if os.geteuid() == 0 else "error|critical")

    def test_ends_in_order(self):
        for how in signal.SIGTERM, signal.SIGINT:
            with self.subTest(how):
                daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"),
                                     "--simulate").ready()
                self.assertEqual(sorted(daemon.children().values()), ["front", "vmm"])
                self.assertEqual(daemon.stop(how), 0, daemon.log())
                self.assertNotIn("killed", daemon.log())

    def test_ends_while_starting(self):
        daemon = self.daemon()
        daemon.process.send_signal(signal.SIGCONT)  # no effect; any time is a good time
        self.assertIn(daemon.stop(), (0, -signal.SIGTERM))  # the latter: before the handler

    def test_simulation_is_loud(self):
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"), "--simulate")
        daemon.ready()
        self.assertIn("warning parent: SIMULATED", daemon.log())


class Isolation(ProcessTest):
    def test_front_has_no_privileges(self):
        daemon = self.daemon().ready()
        front = daemon.pid_of("front")
        found = status(front)
        self.assertEqual(found["Seccomp"], "2")
        self.assertEqual(found["NoNewPrivs"], "1")
        for capabilities in "CapInh", "CapPrm", "CapEff", "CapAmb":
            self.assertEqual(int(found[capabilities], 16), 0)
        if os.geteuid() != 0:
            self.skipTest("the rest needs root")
        self.assertEqual(int(found["CapBnd"], 16), 0)
        self.assertNotIn("0", found["Uid"].split())
        self.assertNotIn("0", found["Gid"].split())
        self.assertEqual(found["Groups"], "")
        self.assertIn("(deleted)", os.readlink(f"/proc/{front}/root"))

    def test_every_thread_is_filtered(self):
        daemon = self.daemon().ready()
        front = daemon.pid_of("front")
        threads = os.listdir(f"/proc/{front}/task")
        self.assertGreater(len(threads), 1)
        for thread in threads:
            self.assertEqual(status(f"{front}/task/{thread}")["Seccomp"], "2")

    def test_children_inherit_nothing_else(self):
        leak = tempfile.TemporaryFile()
        self.addCleanup(leak.close)
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"), "--simulate",
                             inherited=[leak.fileno()])
        daemon.ready()
        self.assertIn(leak.fileno(), descriptors(daemon.process.pid))
        if os.geteuid() != 0:
            self.skipTest("the front's descriptors are seen by root only")
        front = descriptors(daemon.pid_of("front"))
        self.assertEqual(front[0], "/dev/null")
        files = [what for fd, what in front.items() if fd > 2 and what.startswith("/")]
        self.assertEqual(sorted(files), ["/memfd:summond-config (deleted)",
                                         "/memfd:summond-cookie-secret (deleted)",
                                         "/memfd:summond-zones (deleted)"])
        vmm = descriptors(daemon.pid_of("vmm"))
        self.assertNotIn(os.readlink(f"/proc/self/fd/{leak.fileno()}"), vmm.values())
        self.assertNotIn("/memfd:summond-zones (deleted)", vmm.values())
        with open("/proc/net/udp", encoding="ascii") as f:
            udp_inodes = {line.split()[9] for line in f.readlines()[1:]}
        listening = {w for w in vmm.values() if w.startswith("socket:") and w[8:-1] in udp_inodes}
        self.assertEqual(listening, set(), "vmm has a network socket")

    def test_user_of_the_configuration(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        daemon = self.daemon("user: daemon\n" + ZONE).ready()
        self.assertEqual(status(daemon.pid_of("front"))["Uid"].split()[0], "1")
        daemon = self.daemon("user: no-such-user\n" + ZONE)
        self.assertEqual(daemon.process.wait(PATIENCE), 1)
        self.assertIn("user no-such-user does not exist", daemon.log())


class Notify(ProcessTest):
    """What a service manager with Type=notify hears (sd_notify(3))."""

    def test_ready_reloading_stopping(self):
        with tempfile.TemporaryDirectory() as directory, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = os.path.join(directory, "notify")
            manager.bind(path)
            manager.settimeout(PATIENCE)

            def heard():
                """The next one that is not about its sockets."""
                while (text := manager.recv(4096).decode()).startswith("FDSTORE="):
                    pass
                return text

            daemon = self.daemon(environment={"NOTIFY_SOCKET": path})
            first = heard()
            self.assertIn("READY=1", first)
            self.assertIn("STATUS=1 zone and 0 services on 127.0.0.1:", first)
            daemon.reload()
            self.assertRegex(heard(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
            self.assertIn("READY=1", heard())
            daemon.stop()
            self.assertIn("STOPPING=1", heard())


class CommandLine(unittest.TestCase):
    @staticmethod
    def run_it(*arguments):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def test_help_and_version(self):
        shown = self.run_it("--help")
        self.assertEqual(shown.returncode, 0)
        for word in "--config", "--simulate", "check", "HUP", "Exit status", "on_exit":
            self.assertIn(word, shown.stdout)
        self.assertNotIn("--role", shown.stdout)
        version = self.run_it("--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^summond \d+\.\d+\.\d+\n$")

    def test_bad_usage(self):
        for arguments in [], ["--config"], ["--nonsense"], ["check"], ["frobnicate"]:
            with self.subTest(arguments):
                result = self.run_it(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertIn("--help", result.stderr)


if __name__ == "__main__":
    unittest.main()
