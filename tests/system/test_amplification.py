"""docs/SECURITY.md says how far answers amplify; this holds it to it."""

import unittest

import amplification
from process_support import ProcessTest


class Amplification(ProcessTest):
    def test_no_answer_is_larger_than_is_said(self):
        daemon = self.daemon(amplification.config(), "--simulate").ready()
        measured = {what: sizes for what, *sizes in amplification.measure(daemon.port)}
        for what, (query, answer, edns_query, edns_answer) in measured.items():
            with self.subTest(what):
                self.assertLessEqual(answer, 512)
                self.assertLessEqual(edns_answer, 1232)
                if "TXT of" not in what and "70" not in what and "13" not in what:
                    self.assertLess(answer / query, 4)
                    self.assertLess(edns_answer / edns_query, 4)
        # The limits are reached, so these are the worst there are for such a name.
        self.assertEqual(measured["TXT of 512 octets in all"][1], 512)
        self.assertEqual(measured["TXT of 1232 octets in all"][3], 1232)
        # Beyond them nothing is sent but that it does not fit.
        query, answer, edns_query, edns_answer = measured["TXT of 2400 octets"]
        self.assertEqual((answer, edns_answer), (query, edns_query))

    def test_limited_answers_amplify_nothing(self):
        # One worker: each query has a socket of its own, and workers count for themselves.
        limit = "workers: 1\nrate_limit: {responses_per_second: 1, exempt: none}\n"
        daemon = self.daemon(limit + amplification.config(), "--simulate").ready()
        plain, edns, cookie = amplification.measure_limited(daemon.port)
        self.assertEqual(plain[1], plain[2])
        self.assertEqual(edns[1], edns[2])
        self.assertEqual(cookie[1] + 16, cookie[2])


if __name__ == "__main__":
    unittest.main()
