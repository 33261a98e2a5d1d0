"""Response rate limiting: a client that asks too much, beside one with a cookie and one over TCP."""

import os
import socket
import struct
import time
import unittest

from amplification import cookie_option, exchange, with_edns
from process_support import (A, NOERROR, PATIENCE, TXT, ZONE, Answer, ProcessTest, ask, ask_tcp,
                             query)

TC = 0x0200
BADCOOKIE = 23
# One worker: the kernel would deal the clients of these tests out to several.
LIMIT = "workers: 1\nrate_limit: {{responses_per_second: {rate}, slip: {slip}, exempt: {exempt}}}\n"


def limited(rate=5, slip=1, exempt="none", zone=ZONE):
    return LIMIT.format(rate=rate, slip=slip, exempt=exempt) + zone


def flags(message):
    return struct.unpack_from(">H", message, 2)[0]


def extended_rcode(message):
    """With the upper bits from the OPT record, which stands after the question in an answer without
    records."""
    at = 12
    while message[at] != 0:
        at += 1 + message[at]
    return flags(message) & 15 | message[at + 5 + 5] << 4


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

    def test_over_the_limit_tc_and_tcp_has_the_answer(self):
        daemon = self.daemon(limited()).ready()
        with Client(daemon.port) as client:
            answers = client.flood(self.QUERY)
        self.assertEqual(len(answers), 50, "nobody is left without an answer")
        whole = [m for m in answers if Answer(m).addresses == ["192.0.2.80"]]
        cut = [m for m in answers if flags(m) & TC]
        self.assertEqual(len(whole) + len(cut), 50)
        # Five at once, and a few more if sending took that long.
        self.assertGreaterEqual(len(whole), 5)
        self.assertLess(len(whole), 25)
        for message in cut:
            self.assertEqual(len(message), len(self.QUERY))
            self.assertEqual(Answer(message).rcode, NOERROR)
        for _ in range(20):
            self.assertEqual(ask_tcp(daemon.port).addresses, ["192.0.2.80"])
        daemon.wait_log("to 127.0.0.0/24 (positive)")
        self.assertEqual(daemon.log().count("rate limit: "), 1, daemon.log())

    def test_the_other_networks_and_kinds_are_not_touched(self):
        daemon = self.daemon(limited()).ready()
        with Client(daemon.port) as client:
            client.flood(self.QUERY)
            other = client.exchange(query("nothing.example.test", A, 8))
            self.assertFalse(flags(other) & TC)
        with Client(daemon.port, source="127.0.1.1") as client:
            self.assertEqual(Answer(client.exchange(self.QUERY)).addresses, ["192.0.2.80"])

    def test_a_client_with_a_cookie_is_not_limited(self):
        daemon = self.daemon(limited(rate=1)).ready()
        with Client(daemon.port) as client:
            client.flood(self.QUERY)
            # Limited, it is given a cookie at once.
            refused = client.exchange(with_edns(self.QUERY, options=cookie_option(b"c" * 8)))
            self.assertEqual(extended_rcode(refused), BADCOOKIE)
            cookie = refused[-24:]
            known = with_edns(self.QUERY, options=cookie_option(cookie))
            answers = client.flood(known)
            self.assertEqual(len(answers), 50)
            for message in answers:
                self.assertEqual(Answer(message).addresses, ["192.0.2.80"])
            # Another client that has got hold of it is not known by it.
            with Client(daemon.port, source="127.0.0.9") as thief:
                answers = thief.flood(known)
            refused = [m for m in answers if not Answer(m).addresses]
            self.assertGreater(len(refused), 25)
            self.assertEqual({extended_rcode(m) for m in refused}, {BADCOOKIE})

    def test_slip(self):
        daemon = self.daemon(limited(rate=1, slip=2)).ready()
        with Client(daemon.port) as client:
            answers = client.flood(self.QUERY, 101)
        cut = sum(1 for m in answers if flags(m) & TC)
        whole = len(answers) - cut
        self.assertGreaterEqual(whole, 1)
        self.assertAlmostEqual(cut, (101 - whole) / 2, delta=1)

    def test_exempt_networks_and_off(self):
        daemon = self.daemon(limited(rate=1, exempt="127.0.0.64/26")).ready()
        with Client(daemon.port, source="127.0.0.100") as client:
            self.assertFalse(any(flags(m) & TC for m in client.flood(self.QUERY)))
        with Client(daemon.port) as client:
            self.assertTrue(any(flags(m) & TC for m in client.flood(self.QUERY)))
            daemon.reload("rate_limit: off\n" + ZONE)
            daemon.pid_of("front")
            self.assertFalse(any(flags(m) & TC for m in client.flood(self.QUERY)))
        daemon.reload(ZONE)  # loopback is exempt
        daemon.pid_of("front")
        with Client(daemon.port) as client:
            self.assertFalse(any(flags(m) & TC for m in client.flood(self.QUERY, 3000)))


if __name__ == "__main__":
    unittest.main()
