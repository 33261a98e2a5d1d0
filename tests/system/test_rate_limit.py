"""Response rate limiting: a client that asks too much, beside one with a cookie and one over TCP."""

import socket
import unittest

from process_support import (A, NOERROR, PATIENCE, ZONE, Message, ProcessTest, ask_tcp,
                             query)

from harness.dns import BADCOOKIE, COOKIE

# One worker: the kernel would deal the clients of these tests out to several.
LIMIT = "workers: 1\nrate_limit: {{responses_per_second: {rate}, slip: {slip}, exempt: {exempt}}}\n"


def limited(rate=5, slip=1, exempt="none", zone=ZONE):
    return LIMIT.format(rate=rate, slip=slip, exempt=exempt) + zone


def cut(message):
    return Message(message).tc


class Client:
    """A UDP client with one port."""

    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def exchange(self, message, timeout=PATIENCE):
        self.socket.settimeout(timeout)
        self.socket.send(message)
        try:
            return self.socket.recv(65535)
        except TimeoutError:
            return None

    def flood(self, message, count=50):
        """Sends so many, whatever is answered; the answers that have come after a while."""
        for _ in range(count):
            self.socket.send(message)
        answers = []
        self.socket.settimeout(0.5)
        try:
            while True:
                answers.append(self.socket.recv(65535))
        except TimeoutError:
            return answers


class RateLimit(ProcessTest):
    QUERY = query("www.example.test", A, 7)

    @staticmethod
    def with_cookie(cookie):
        return query("www.example.test", A, 7, edns=4096, options=[(COOKIE, cookie)])

    def test_over_the_limit_tc_and_tcp_has_the_answer(self):
        daemon = self.daemon(limited()).ready()
        with Client(daemon.port) as client:
            answers = client.flood(self.QUERY)
        self.assertEqual(len(answers), 50, "nobody is left without an answer")
        whole = [m for m in answers if Message(m).addresses == ["192.0.2.80"]]
        truncated = [m for m in answers if cut(m)]
        self.assertEqual(len(whole) + len(truncated), 50)
        # Five at once, and a few more if sending took that long.
        self.assertGreaterEqual(len(whole), 5)
        self.assertLess(len(whole), 25)
        for message in truncated:
            self.assertEqual(len(message), len(self.QUERY))
            self.assertEqual(Message(message).rcode, NOERROR)
        for _ in range(20):
            self.assertEqual(ask_tcp(daemon.port).addresses, ["192.0.2.80"])
        daemon.wait_log("to 127.0.0.0/24 (positive)")
        self.assertEqual(daemon.log().count("rate limit: "), 1, daemon.log())

    def test_the_other_networks_and_kinds_are_not_touched(self):
        daemon = self.daemon(limited()).ready()
        with Client(daemon.port) as client:
            client.flood(self.QUERY)
            other = client.exchange(query("nothing.example.test", A, 8))
            self.assertFalse(cut(other))
        with Client(daemon.port, source="127.0.1.1") as client:
            self.assertEqual(Message(client.exchange(self.QUERY)).addresses, ["192.0.2.80"])

    def test_a_client_with_a_cookie_is_not_limited(self):
        daemon = self.daemon(limited(rate=1)).ready()
        with Client(daemon.port) as client:
            client.flood(self.QUERY)
            # Limited, it is given a cookie at once.
            refused = client.exchange(self.with_cookie(b"c" * 8))
            self.assertEqual(Message(refused).rcode, BADCOOKIE)
            cookie = refused[-24:]
            known = self.with_cookie(cookie)
            answers = client.flood(known)
            self.assertEqual(len(answers), 50)
            for message in answers:
                self.assertEqual(Message(message).addresses, ["192.0.2.80"])
            # Another client that has got hold of it is not known by it.
            with Client(daemon.port, source="127.0.0.9") as thief:
                answers = thief.flood(known)
            refused = [m for m in answers if not Message(m).addresses]
            self.assertGreater(len(refused), 25)
            self.assertEqual({Message(m).rcode for m in refused}, {BADCOOKIE})

    def test_slip(self):
        daemon = self.daemon(limited(rate=1, slip=2)).ready()
        with Client(daemon.port) as client:
            answers = client.flood(self.QUERY, 101)
        truncated = sum(1 for m in answers if cut(m))
        whole = len(answers) - truncated
        self.assertGreaterEqual(whole, 1)
        self.assertAlmostEqual(truncated, (101 - whole) / 2, delta=1)

    def test_exempt_networks_and_off(self):
        daemon = self.daemon(limited(rate=1, exempt="127.0.0.64/26")).ready()
        with Client(daemon.port, source="127.0.0.100") as client:
            self.assertFalse(any(cut(m) for m in client.flood(self.QUERY)))
        with Client(daemon.port) as client:
            self.assertTrue(any(cut(m) for m in client.flood(self.QUERY)))
            daemon.reload("rate_limit: off\n" + ZONE)
            daemon.pid_of("front")
            self.assertFalse(any(cut(m) for m in client.flood(self.QUERY)))
        daemon.reload(ZONE)  # loopback is exempt
        daemon.pid_of("front")
        with Client(daemon.port) as client:
            self.assertFalse(any(cut(m) for m in client.flood(self.QUERY, 3000)))


if __name__ == "__main__":
    unittest.main()
