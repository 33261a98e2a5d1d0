"""Queries for services through the whole daemon: one wake, parked queries, TCP beside UDP."""

import socket
import threading
import unittest

from process_support import (NOERROR, PATIENCE, TXT, ZONE, Message, ProcessTest, ask, ask_tcp,
                             framed, query, read_frame, wait_until)

SERVICES = ZONE + "services:\n" + "".join(f"""\
  - name: {name}
    names: {name}.example.test
    addresses: {address}
    kernel: /nonexistent/kernel
    answer: {answer}
""" for name, address, answer in (("booting", "10.9.0.1", "booting"),
                                  ("ready", "10.9.0.2", "ready"),
                                  ("delayed", "10.9.0.3", "300ms")))


def wakes(daemon, name):
    """How often the service has been woken, by vmm's log."""
    return daemon.log().count(f"vmm: woke {name}: ")


class Stream:
    """A TCP connection that sends and receives single messages."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *messages):
        self.socket.sendall(b"".join(map(framed, messages)))

    def receive(self):
        """(message ID, Message)"""
        message = Message(read_frame(self.file))
        return message.ident, message


class Services(ProcessTest):
    def start(self, **named):
        return self.daemon(SERVICES, "--simulate", **named).ready()

    def test_each_kind_of_answer(self):
        daemon = self.start()
        for name, address in ("booting", "10.9.0.1"), ("ready", "10.9.0.2"), ("delayed", "10.9.0.3"):
            with self.subTest(name):
                for _ in range(2):  # asleep, then up
                    answer = ask(daemon.port, f"{name}.example.test")
                    self.assertEqual((answer.rcode, answer.addresses), (NOERROR, [address]))

    def test_other_types_wake_nothing(self):
        daemon = self.start()
        answer = ask(daemon.port, "booting.example.test", TXT)
        self.assertEqual((answer.rcode, answer.addresses), (NOERROR, []))
        # A wake that came of it would be in the log before this one.
        ask(daemon.port, "ready.example.test")
        wait_until(lambda: wakes(daemon, "ready") == 1, "a wake that is wanted")
        self.assertEqual(wakes(daemon, "booting"), 0, daemon.log())

    def test_many_queries_one_wake(self):
        daemon = self.start(listen=["127.0.0.1:{port}", "[::1]:{port}"])
        answers = []

        def client(i):
            how = ask if i % 4 else ask_tcp
            answers.append(how(daemon.port, "ready.example.test", host=("127.0.0.1", "::1")[i % 2]))

        threads = [threading.Thread(target=client, args=(i,)) for i in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 200)
        for answer in answers:
            self.assertEqual(answer.addresses, ["10.9.0.2"])
        wait_until(lambda: wakes(daemon, "ready") > 0, "the wake in the log\n" + daemon.log())
        self.assertEqual(wakes(daemon, "ready"), 1, daemon.log())

    def test_tcp_answers_out_of_order(self):
        daemon = self.start()
        with Stream(daemon.port) as stream:
            stream.send(query("ready.example.test", 1, 1), query("www.example.test", 1, 2))
            ident, answer = stream.receive()
            self.assertEqual((ident, answer.addresses), (2, ["192.0.2.80"]))
            ident, answer = stream.receive()
            self.assertEqual((ident, answer.addresses), (1, ["10.9.0.2"]))

    def test_half_closed_client_gets_its_answer(self):
        daemon = self.start()
        with Stream(daemon.port) as stream:
            stream.send(query("ready.example.test", 1, 1))
            stream.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(stream.receive()[1].addresses, ["10.9.0.2"])
            self.assertEqual(stream.file.read(), b"")

    def test_reload_while_queries_wait(self):
        daemon = self.start()
        with Stream(daemon.port) as stream, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(PATIENCE)
            udp.connect(("127.0.0.1", daemon.port))
            udp.send(query("ready.example.test", 1, 3))
            stream.send(query("ready.example.test", 1, 4))
            daemon.reload()
            self.assertEqual(Message(udp.recv(4096)).addresses, ["10.9.0.2"])
            ident, answer = stream.receive()
            self.assertEqual((ident, answer.addresses), (4, ["10.9.0.2"]))


class Addresses(ProcessTest):
    def test_wildcard_answers_from_the_address_asked(self):
        daemon = self.daemon(listen=["0.0.0.0:{port}", "[::]:{port}"]).ready()
        for host in "127.0.0.1", "127.0.0.5", "::1":
            self.assert_answers(daemon, host=host)  # a connected socket takes no other
            self.assertEqual(ask_tcp(daemon.port, host=host).addresses, ["192.0.2.80"])

    def test_busy_port_is_explained(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
            daemon = self.daemon(listen=[f"127.0.0.1:{port}"])
            self.assertEqual(daemon.process.wait(PATIENCE), 1)
        self.assertIn(f"listen 127.0.0.1:{port}, UDP: Address already in use", daemon.log())
        self.assertIn("choose another address or port", daemon.log())


if __name__ == "__main__":
    unittest.main()
