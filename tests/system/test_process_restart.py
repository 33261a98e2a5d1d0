"""A restart under a service manager that keeps the sockets: what arrives meanwhile waits in them."""

import http.client
import signal
import socket
import unittest

from process_support import (A, PATIENCE, ZONE, Load, Message, ProcessTest, ServiceManager, ask,
                             ask_tcp, exists, framed, free_port, query, read_frame, wait_until)

WORKERS = "workers: {}\n"


class Restart(ProcessTest):
    def setUp(self):
        self.manager = ServiceManager()
        self.addCleanup(self.manager.close)

    def started(self, config=WORKERS.format(2) + ZONE, **named):
        daemon = self.daemon(config, manager=self.manager, **named).ready()
        wait_until(lambda: len(self.manager.kept) >= 3, "sockets that are kept")
        return daemon

    def again(self, daemon, how):
        count = daemon.log().count("parent: ready: ")
        if how == signal.SIGKILL:
            pids = daemon.children()
            daemon.process.kill()
            daemon.process.wait(PATIENCE)
            wait_until(lambda: not any(exists(pid) for pid in pids), "end of the roles")
        else:
            self.assertEqual(daemon.stop(how), 0)
        daemon.start()
        daemon.wait_log("parent: ready: ", count + 1)

    def test_no_query_is_lost(self):
        for how in signal.SIGTERM, signal.SIGKILL:
            with self.subTest(how):
                daemon = self.started()
                with Load(daemon.port) as load:
                    for _ in range(3):
                        asked = load.asked
                        self.again(daemon, how)
                        wait_until(lambda: load.asked > asked + 50, "queries between restarts")
                self.assertEqual((load.lost, load.wrong), (0, 0), f"of {load.asked}\n{daemon.log()}")

    def test_what_comes_while_nobody_is_there_is_answered(self):
        daemon = self.started()
        self.assertEqual(daemon.stop(), 0)
        with socket.create_connection(("127.0.0.1", daemon.port), PATIENCE) as client:
            client.sendall(framed(query("www.example.test", A, 7)))
            daemon.start()
            client.settimeout(PATIENCE)
            with client.makefile("rb") as stream:
                self.assertEqual(Message(read_frame(stream)).addresses, ["192.0.2.80"])

    def test_the_sockets_are_the_same_and_no_more(self):
        daemon = self.started()
        kept = dict(self.manager.kept)
        self.again(daemon, signal.SIGTERM)
        self.assertEqual(self.manager.kept, kept)
        self.assertEqual(sorted(name[:8] for name in kept), ["summond-"] * 3)

    def test_more_and_fewer_workers(self):
        daemon = self.started()
        for workers, sockets in (4, 5), (1, 5):
            daemon.configure(WORKERS.format(workers) + ZONE)
            self.again(daemon, signal.SIGTERM)
            self.assertEqual(len(self.manager.kept), sockets)
            with Load(daemon.port) as load:
                wait_until(lambda: load.asked > 100, "answers of all sockets")
            self.assertEqual(load.lost, 0)

    def test_addresses_that_are_listened_on_no_more(self):
        daemon = self.started(listen=["127.0.0.1:{port}", "127.0.0.2:{port}"])
        self.assertEqual(len(self.manager.kept), 6)
        daemon.listen = ["127.0.0.1:{port}"]
        daemon.configure(WORKERS.format(2) + ZONE)
        self.again(daemon, signal.SIGTERM)
        wait_until(lambda: len(self.manager.kept) == 3, "sockets that are given up")
        self.assert_answers(daemon)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", daemon.port), PATIENCE)

    def test_a_reload_to_another_port_is_kept(self):
        daemon = self.started()
        before = set(self.manager.kept)
        daemon.port = free_port()
        daemon.reload(WORKERS.format(2) + ZONE)
        wait_until(lambda: len(self.manager.kept) == 3 and not before & set(self.manager.kept),
                   "the new sockets, and no others")
        self.again(daemon, signal.SIGKILL)
        self.assertEqual(ask(daemon.port).addresses, ["192.0.2.80"])
        self.assertEqual(ask_tcp(daemon.port).addresses, ["192.0.2.80"])

    def test_who_reads_over_tcp_waits_in_the_socket(self):
        port = free_port()
        config = f"control: {{socket: control.sock, listen: {port}}}\n{WORKERS.format(2)}{ZONE}"
        daemon = self.started(config)
        wait_until(lambda: len(self.manager.kept) == 4, "the port of the control interface")
        self.assertEqual(daemon.stop(), 0)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.addCleanup(client.close)
        client.request("GET", "/v1/status")
        daemon.start()
        self.assertEqual(client.getresponse().status, 200)
        self.assertEqual(len(self.manager.kept), 4)
        daemon.reload(f"control: {{socket: control.sock}}\n{WORKERS.format(2)}{ZONE}")
        wait_until(lambda: len(self.manager.kept) == 3, "it is given up")

    def test_descriptors_of_others_are_closed(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            self.manager.kept["other"] = other.detach()
        daemon = self.started()
        self.assertIn("is no socket of an earlier run", daemon.log())
        self.assert_answers(daemon)

    def test_a_bad_configuration_ends_as_ever(self):
        daemon = self.started()
        self.assertEqual(daemon.stop(), 0)
        daemon.configure("zones: 1\n")
        daemon.start()
        self.assertEqual(daemon.process.wait(PATIENCE), 2)
        self.assertEqual(len(self.manager.kept), 3)


if __name__ == "__main__":
    unittest.main()
