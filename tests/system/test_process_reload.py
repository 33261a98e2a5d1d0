"""SIGHUP: takes a good configuration over without losing a query, and leaves things as they are
for a bad one."""

import os
import signal
import socket
import tempfile
import unittest

from process_support import (A, NXDOMAIN, PATIENCE, SERVFAIL, SERVICE, ZONE, Load, Message,
                             Pipeline, ProcessTest, TcpLoad, ask, ask_tcp, descriptors, framed,
                             free_port, query, read_frame, wait_until)

ZONE_OF_FILE = """\
zones:
  - name: example.test
    file: zone
"""
FILE = """\
$TTL 60
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.80
"""

NEW_NAME = ZONE + '      - "new A 192.0.2.99"\n'


class Reload(ProcessTest):
    def test_new_records_are_served(self):
        daemon = self.daemon().ready()
        old = daemon.pid_of("front")
        self.assertEqual(ask(daemon.port, "new.example.test").rcode, NXDOMAIN)
        daemon.reload(NEW_NAME)
        self.assertEqual(ask(daemon.port, "new.example.test").addresses, ["192.0.2.99"])
        daemon.pid_of("front", other_than=old)
        wait_until(lambda: old not in daemon.children(), "end of the old front")

    def test_is_over_when_the_old_front_takes_nothing_new(self):
        """Whoever is told so meets nobody who answers for the zones of before."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as secondary:
            secondary.bind(("127.0.0.1", 0))
            secondary.settimeout(PATIENCE)
            address = "127.0.0.1:%d" % secondary.getsockname()[1]
            transfer = '    transfer: {to: 127.0.0.1, notify: "%s"}\n' % address
            daemon = self.daemon(ZONE + transfer).ready()
            told, daemon_address = secondary.recvfrom(512)
            secondary.sendto(told[:2] + bytes([told[2] | 0x80]) + told[3:], daemon_address)
            daemon.wait_log(f"NOTIFY of example.test. to {address}: heard")
            old = daemon.pid_of("front")
            os.kill(old, signal.SIGSTOP)
            daemon.configure(NEW_NAME + transfer)
            os.kill(daemon.process.pid, signal.SIGHUP)
            wait_until(lambda: len(daemon.log_lines("front (pid", "is ready")) == 2, "the new front")
            self.assertEqual(ask(daemon.port, "new.example.test").addresses, ["192.0.2.99"])
            self.assertNotIn("reloaded", daemon.log())
            secondary.setblocking(False)
            self.assertRaises(BlockingIOError, secondary.recv, 512)
            os.kill(old, signal.SIGCONT)
            daemon.wait_log("parent: reloaded: ")
            secondary.settimeout(PATIENCE)
            self.assertNotEqual(secondary.recv(512), told)

    def test_no_query_is_lost(self):
        daemon = self.daemon().ready()
        with Load(daemon.port) as load:
            for i in range(10):
                asked = load.asked
                daemon.reload(NEW_NAME if i % 2 else ZONE)
                wait_until(lambda: load.asked > asked + 50, "queries between reloads")
        self.assertEqual((load.lost, load.wrong), (0, 0), f"of {load.asked}\n{daemon.log()}")

    def test_a_connection_goes_on(self):
        daemon = self.daemon().ready()
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as client:
            daemon.reload(NEW_NAME)
            self.assertEqual(ask_tcp(daemon.port).addresses, ["192.0.2.80"])
            client.settimeout(30)
            self.assertEqual(client.recv(1), b"", "an idle client is let go")
        wait_until(lambda: len(daemon.children()) == 1, "end of the old front")
        self.assertNotIn("killed", daemon.log())

    def test_a_busy_connection_goes_on(self):
        """With queries under way all the time, from front to front; no query is lost."""
        daemon = self.daemon().ready()
        with Pipeline(daemon.port) as client:
            for i in range(5):
                answered = client.answered
                old = daemon.pid_of("front")
                daemon.reload(NEW_NAME if i % 2 else ZONE)
                daemon.pid_of("front", other_than=old)
                wait_until(lambda: client.end or client.answered > answered + 500, "answers")
        self.assertIsNone(client.end, daemon.log())
        self.assertEqual(client.answered, client.asked)

    def test_connections_have_the_new_limits(self):
        daemon = self.daemon("tcp: {per_source: 2}\n" + ZONE).ready()

        def connect():
            client = socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)
            self.addCleanup(client.close)
            client.sendall(framed(query("www.example.test", A, 7)))
            self.assertTrue(client.recv(1000))
            return client

        first, second, third = connect(), connect(), connect()
        self.assertEqual(first.recv(1), b"")
        old = daemon.pid_of("front")
        daemon.reload("tcp: {per_source: 3, idle: 2s}\n" + ZONE)
        wait_until(lambda: old not in daemon.children(), "end of the old front")
        fourth = connect()
        second.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            second.recv(1)
        fifth = connect()
        for client in second, third, fourth, fifth:
            client.settimeout(PATIENCE)
            self.assertEqual(client.recv(1), b"", "idle for 2 s")

    def test_files_are_read_when_it_is_loaded(self):
        """An xl file is part of the configuration: a child that is started again needs no file."""
        directory = tempfile.TemporaryDirectory(prefix="summond-test-")
        self.addCleanup(directory.cleanup)
        xl = os.path.join(directory.name, "guest.xl")
        config = ZONE + f"services: [{{xl: {xl}, names: s.example.test, addresses: 10.9.0.1}}]\n"

        def describe(name):
            with open(xl, "w", encoding="ascii") as f:
                f.write(f"name = '{name}'\nkernel = 'k.xen'\nvif = [ '' ]\n")

        describe("first")
        daemon = self.daemon(config, "--simulate").ready()
        os.unlink(xl)
        for role in "front", "vmm":
            pid = daemon.pid_of(role)
            os.kill(pid, signal.SIGKILL)
            daemon.pid_of(role, other_than=pid)
        self.assertEqual(ask(daemon.port, "s.example.test").addresses, ["10.9.0.1"])
        daemon.wait_log("woke first: ")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("guest.xl cannot be read: No such file or directory")
        daemon.wait_log("kept the running configuration")
        describe("second")
        old = daemon.pid_of("front")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_log("parent: reloaded: ")
        wait_until(lambda: old not in daemon.children(), "end of the old front")
        self.assertEqual(ask(daemon.port, "s.example.test").addresses, ["10.9.0.1"])
        daemon.wait_log("woke second: ")
        self.assertEqual(daemon.stop(), 0)

    def test_bad_configuration_changes_nothing(self):
        daemon = self.daemon().ready()
        front = daemon.pid_of("front")
        with Load(daemon.port) as load:
            for bad in "zones: [", ZONE + "servces: []\n", ZONE.replace("192.0.2.53", "nonsense"), "":
                daemon.reload(bad, result="kept the running configuration")
        self.assertEqual((load.lost, load.wrong), (0, 0))
        self.assertEqual(daemon.pid_of("front"), front)
        self.assertIn(f"{daemon.file}:", daemon.log())
        os.unlink(daemon.file)
        daemon.reload(result="kept the running configuration")
        self.assert_answers(daemon)
        daemon.reload(NEW_NAME)
        self.assertEqual(ask(daemon.port, "new.example.test").addresses, ["192.0.2.99"])

    def test_broken_zone_file_keeps_the_old_zone(self):
        daemon = self.daemon()
        path = os.path.join(os.path.dirname(daemon.file), "zone")

        def write(text):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        write(FILE)
        daemon.ready()
        daemon.reload(ZONE_OF_FILE)
        front = daemon.pid_of("front")
        broken = {
            "x A nonsense\n": f'{path}:6:5: bad A record: "nonsense" is not an IPv4 address',
            "www CNAME x\n": f"{path}:6: www.example.test. has a CNAME record and A",
            "@ SOA a b 1 2 3 4 5\n": f"{path}:6: a second SOA record",
            "a.example.net. A 192.0.2.1\n": f"{path}:6:1: a.example.net. is not in the zone",
            "$UNKNOWN x\n": f"{path}:6:1: $UNKNOWN is not a directive known here",
            "$INCLUDE none\n": f"{path}:6: cannot read zone file",
        }
        for line, problem in broken.items():
            write(FILE + line)
            daemon.reload()
            self.assertIn(problem, daemon.log())
            self.assertIn("example.test. cannot be loaded, see its errors; it stays as it was",
                          daemon.log())
            self.assert_answers(daemon)
        write("")
        daemon.reload()
        os.unlink(path)
        # The rest of the configuration is taken over meanwhile.
        daemon.reload(ZONE_OF_FILE + "  - {name: other.test, ns: ns.other, records: [a A 192.0.2.1]}\n")
        wait_until(lambda: ask(daemon.port, "a.other.test").addresses == ["192.0.2.1"], "other.test")
        self.assert_answers(daemon)
        self.assertNotEqual(daemon.pid_of("front"), front)
        write(FILE + "new A 192.0.2.99\n")
        daemon.reload(ZONE_OF_FILE)
        self.assertEqual(ask(daemon.port, "new.example.test").addresses, ["192.0.2.99"])

    def test_broken_zone_file_at_the_start(self):
        """Its zone is answered with SERVFAIL until it is right; the others are served."""
        daemon = self.daemon(ZONE_OF_FILE + "  - {name: other.test, ns: ns.other, records: [a A 192.0.2.1]}\n")
        path = os.path.join(os.path.dirname(daemon.file), "zone")
        with open(path, "w", encoding="utf-8") as f:
            f.write(FILE + "a.example.net. A 192.0.2.1\n")
        daemon.ready()
        self.assertIn("example.test. cannot be loaded, see its errors; queries for it are answered "
                      "with SERVFAIL", daemon.log())
        self.assertIn("ready: 2 zones (1 not loaded) ", daemon.log())
        for name in "example.test", "www.example.test", "x.www.example.test":
            answer = ask(daemon.port, name)
            self.assertEqual((answer.rcode, answer.aa), (SERVFAIL, 0))
        self.assertEqual(ask(daemon.port, "a.other.test").addresses, ["192.0.2.1"])
        with open(path, "w", encoding="utf-8") as f:
            f.write(FILE)
        daemon.reload()
        wait_until(lambda: ask(daemon.port).addresses == ["192.0.2.80"], "the zone")

    def test_the_new_front_is_as_urgent_as_the_old(self):
        daemon = self.daemon().ready()
        old = daemon.pid_of("front")
        daemon.reload(NEW_NAME)
        new = daemon.pid_of("front", other_than=old)
        for thread in os.listdir(f"/proc/{new}/task"):
            self.assertEqual(os.sched_getscheduler(int(thread)), os.SCHED_OTHER)

    def test_many_signals_are_one_or_two_reloads(self):
        daemon = self.daemon().ready()
        daemon.configure(NEW_NAME)
        for _ in range(20):
            daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: ask(daemon.port, "new.example.test").addresses == ["192.0.2.99"],
                   "the new configuration")
        daemon.reload(ZONE)
        wait_until(lambda: ask(daemon.port, "new.example.test").rcode == NXDOMAIN,
                   "the newest configuration")
        self.assertLessEqual(daemon.log().count("parent: reloaded: "), 20)

    def test_ends_during_a_reload(self):
        daemon = self.daemon().ready()
        daemon.process.send_signal(signal.SIGHUP)
        self.assertEqual(daemon.stop(), 0)


class Listen(ProcessTest):
    def test_addresses_come_and_go(self):
        daemon = self.daemon().ready()
        other = free_port()
        with Load(daemon.port) as load:
            daemon.listen = ["127.0.0.1:{port}", f"127.0.0.1:{other}"]
            daemon.reload(ZONE)
            self.assertEqual(ask(other).addresses, ["192.0.2.80"])
            daemon.listen = ["127.0.0.1:{port}"]
            daemon.reload(ZONE)
            daemon.listen = ["127.0.0.1:{port}", f"127.0.0.1:{other}"]
            daemon.reload(ZONE)  # maybe while an old front still has its sockets, and takes one query with it
            wait_until(lambda: (answer := ask(other, timeout=2)) and answer.addresses == ["192.0.2.80"],
                       "an answer at the second address")
            daemon.listen = ["127.0.0.1:{port}"]
            daemon.reload(ZONE)
        self.assertEqual((load.lost, load.wrong), (0, 0))
        wait_until(lambda: ask(other, timeout=0.2) is None, "end of the second address")

    def change(self, host, steps, start):
        """Reloads with these `listen` while clients ask all the time, over UDP and TCP."""
        daemon = self.daemon(listen=start).ready()
        with Load(daemon.port, 2, host) as udp, TcpLoad(daemon.port, 2, host) as tcp, \
                Pipeline(daemon.port, host=host) as pipeline:
            for listen in steps:
                udp_asked, tcp_asked = udp.asked, tcp.asked
                daemon.listen = listen
                daemon.reload(ZONE)
                wait_until(lambda: udp.asked > udp_asked + 50 and tcp.asked > tcp_asked + 20,
                           "queries between reloads")
        self.assertNotIn("kept the running configuration", daemon.log())
        self.assertEqual((udp.lost, udp.wrong), (0, 0), f"of {udp.asked} by UDP\n{daemon.log()}")
        self.assertEqual((tcp.lost, tcp.wrong), (0, 0), f"of {tcp.asked} by TCP\n{daemon.log()}")
        self.assertEqual((pipeline.end, pipeline.answered), (None, pipeline.asked))
        return daemon

    ONE, OTHER, ALL = "127.0.0.1:{port}", "127.0.0.2:{port}", "0.0.0.0:{port}"

    def test_from_one_address_to_all_and_back(self):
        daemon = self.change("127.0.0.1", [
            [self.ALL], [self.ONE], [self.ALL, self.ONE], [self.ONE, self.OTHER], [self.ALL],
            [self.ALL, self.OTHER], [self.ONE]], [self.ONE])
        wait_until(lambda: ask(daemon.port, host="127.0.0.2", timeout=0.2) is None,
                   "end of the other address")
        with self.assertRaises(ConnectionRefusedError):
            ask_tcp(daemon.port, host="127.0.0.2")
        self.assertEqual(ask_tcp(daemon.port).addresses, ["192.0.2.80"])
        daemon.listen = [self.ALL]
        daemon.reload(ZONE)  # the wildcard's sockets have been closed
        self.assert_answers(daemon, "127.0.0.2")
        self.assertEqual(ask_tcp(daemon.port, host="127.0.0.2").addresses, ["192.0.2.80"])

    def test_from_all_addresses_to_one_and_back(self):
        daemon = self.change("127.0.0.1", [[self.ONE], [self.ALL], [self.ONE, self.OTHER]],
                             [self.ALL])
        self.assert_answers(daemon, "127.0.0.2")

    def test_the_same_of_ipv6(self):
        self.change("::1", [["[::]:{port}"], ["[::1]:{port}"], ["[::]:{port}", self.ALL]],
                    ["[::1]:{port}"])

    def test_one_address_and_all_at_once(self):
        daemon = self.daemon(listen=[self.ALL, self.ONE, "[::1]:{port}", "[::]:{port}"]).ready()
        for host in "127.0.0.1", "127.0.0.2", "::1":
            for _ in range(20):
                self.assert_answers(daemon, host)
                self.assertEqual(ask_tcp(daemon.port, host=host).addresses, ["192.0.2.80"])

    def test_another_server_is_told_from_our_own_sockets(self):
        daemon = self.daemon().ready()
        for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
            with socket.socket(socket.AF_INET, kind) as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                other.bind(("127.0.0.2", daemon.port))
                if kind == socket.SOCK_STREAM:
                    other.listen()
                daemon.listen = [self.ALL]
                daemon.reload(ZONE, result="kept the running configuration")
                self.assertIn("another server has this port", daemon.log())
                self.assert_answers(daemon)
        daemon.reload(ZONE)
        self.assert_answers(daemon, "127.0.0.2")

    def test_workers_come_and_go(self):
        daemon = self.daemon("workers: 1\n" + ZONE).ready()
        with Load(daemon.port) as load:
            for workers in (3, 2, 4):
                daemon.reload(f"workers: {workers}\n" + ZONE)
                self.assertIn(f"UDP workers: {workers}\n", daemon.log())
        self.assertEqual((load.lost, load.wrong), (0, 0), f"of {load.asked}\n{daemon.log()}")

    def test_a_busy_address_changes_nothing(self):
        daemon = self.daemon().ready()
        front = daemon.pid_of("front")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
            busy.bind(("127.0.0.1", 0))
            daemon.listen = ["127.0.0.1:{port}", "127.0.0.1:%d" % busy.getsockname()[1]]
            daemon.reload(NEW_NAME, result="kept the running configuration")
        self.assertEqual(daemon.pid_of("front"), front)
        self.assert_answers(daemon)
        self.assertEqual(ask(daemon.port, "new.example.test").rcode, NXDOMAIN)

    def test_the_new_front_fails(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        daemon = self.daemon().ready()
        front = daemon.pid_of("front")
        daemon.reload("user: no-such-user\n" + ZONE, result="kept the running configuration")
        self.assertEqual(daemon.pid_of("front"), front)
        self.assert_answers(daemon)
        daemon.reload(ZONE)


class Services(ProcessTest):
    def test_come_and_go(self):
        daemon = self.daemon(ZONE, "--simulate").ready()
        self.assertEqual(list(daemon.children().values()), ["front"])
        daemon.reload(ZONE + SERVICE.format(name="s", address="10.9.0.1"))
        vmm = daemon.pid_of("vmm")
        self.assertEqual(ask(daemon.port, "s.example.test").addresses, ["10.9.0.1"])
        daemon.reload(ZONE + SERVICE.format(name="t", address="10.9.0.2"))
        daemon.pid_of("front")  # the old one may have taken a query meanwhile
        self.assertEqual(ask(daemon.port, "s.example.test").rcode, NXDOMAIN)
        self.assertEqual(ask(daemon.port, "t.example.test").addresses, ["10.9.0.2"])
        daemon.reload(ZONE)
        daemon.pid_of("front")
        self.assertEqual(ask(daemon.port, "t.example.test").rcode, NXDOMAIN)
        self.assertEqual(daemon.pid_of("vmm"), vmm)
        self.assertEqual(daemon.stop(), 0)

    def test_a_reload_that_fails_at_last_costs_no_domain(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"), "--simulate")
        daemon.ready()
        self.assertEqual(ask(daemon.port, "s.example.test").addresses, ["10.9.0.1"])
        daemon.reload("user: no-such-user\n" + ZONE + SERVICE.format(name="t", address="10.9.0.2"),
                      result="kept the running configuration")
        self.assertEqual(ask(daemon.port, "s.example.test").addresses, ["10.9.0.1"])
        daemon.reload(ZONE)
        daemon.wait_log("destroying s: domid 1, no longer configured")
        self.assertEqual(daemon.log().count("destroying"), 1)

    def test_a_waiting_query_outlives_its_front(self):
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"), "--simulate")
        daemon.ready()
        old = daemon.pid_of("front")
        vmm = daemon.pid_of("vmm")
        os.kill(vmm, signal.SIGSTOP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", daemon.port))
            client.send(query("s.example.test", A, 1))
            # The same worker takes this one after that one, and answers it before.
            client.send(query("www.example.test", A, 2))
            self.assertEqual(Message(client.recv(4096)).addresses, ["192.0.2.80"])
            daemon.reload()
            os.kill(vmm, signal.SIGCONT)
            self.assertEqual(Message(client.recv(4096)).addresses, ["10.9.0.1"])
        wait_until(lambda: old not in daemon.children(), "end of the old front")
        self.assertNotIn("killed", daemon.log())

    def test_a_connection_with_a_waiting_query_goes_on(self):
        service = SERVICE.format(name="s", address="10.9.0.1")
        daemon = self.daemon(ZONE + service, "--simulate").ready()
        old, vmm = daemon.pid_of("front"), daemon.pid_of("vmm")
        os.kill(vmm, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE) as client:
            stream = client.makefile("rb")

            def send(name, ident):
                client.sendall(framed(query(name, A, ident)))

            def receive():
                message = Message(read_frame(stream))
                return message.ident, message

            send("s.example.test", 1)
            send("www.example.test", 2)
            self.assertEqual(receive()[0], 2)
            daemon.reload(NEW_NAME + service)
            send("www.example.test", 3)
            self.assertEqual(receive()[0], 3, "while the first one waits")
            os.kill(vmm, signal.SIGCONT)
            ident, answer = receive()
            self.assertEqual((ident, answer.addresses), (1, ["10.9.0.1"]))
            wait_until(lambda: old not in daemon.children(), "end of the old front")
            send("new.example.test", 4)
            self.assertEqual(receive()[1].addresses, ["192.0.2.99"])

    def test_a_query_that_waits_for_a_service_that_goes_is_told(self):
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1") +
                             "    answer: ready\n", "--simulate").ready()
        vmm = daemon.pid_of("vmm")
        os.kill(vmm, signal.SIGSTOP)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", daemon.port))
            client.send(query("s.example.test", A, 1, edns=1232))
            client.send(query("www.example.test", A, 2))
            client.recv(4096)  # so that the old front has both
            daemon.reload(ZONE)
            os.kill(vmm, signal.SIGCONT)
            message = client.recv(4096)
        self.assertEqual(Message(message).rcode, SERVFAIL)
        self.assertIn(b"service may not be started now", message)


class Leaks(ProcessTest):
    def test_fifty_reloads_leave_nothing_open(self):
        daemon = self.daemon(ZONE + SERVICE.format(name="s", address="10.9.0.1"), "--simulate")
        daemon.ready()

        def old_fronts_ended():
            """No old front runs, nor is one left that the parent has yet to reap."""
            of_parent = list(descriptors(daemon.process.pid).values())
            return (sorted(daemon.children().values()) == ["front", "vmm"]
                    and of_parent.count("anon_inode:[pidfd]") == 2)

        def count():
            wait_until(old_fronts_ended, "end of old fronts")
            pids = [daemon.process.pid, daemon.pid_of("vmm")]
            if os.geteuid() == 0:
                pids.append(daemon.pid_of("front"))
            return [len(descriptors(pid)) - len(counters(pid)) for pid in pids]

        def counters(pid):
            """One for each front that lives, and those of the most that have lived at once."""
            return [name for name in descriptors(pid).values() if "summond-counters" in name]

        # vmm closes a front's channel when it gets to read the end.
        of_vmm = count()[1]
        daemon.reload()
        wait_until(lambda: count()[1] == of_vmm, "vmm to close the old front's channel")
        before = count()
        for i in range(50):
            if i % 5 == 0:
                daemon.reload("zones: [", result="kept the running configuration")
                daemon.configure(ZONE + SERVICE.format(name="s", address="10.9.0.1"))
            daemon.reload()
        # Nor does one that is refused, though no other follows.
        daemon.reload("zones: [", result="kept the running configuration")
        daemon.configure(ZONE + SERVICE.format(name="s", address="10.9.0.1"))
        wait_until(lambda: count() == before, f"descriptors as before, {before}, now {count()}")
        self.assertLess(len(counters(daemon.process.pid)), 25)
        self.assert_answers(daemon)


if __name__ == "__main__":
    unittest.main()
