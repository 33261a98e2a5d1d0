"""The arithmetic of the results, and the queries that are asked."""

import json
import pathlib
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))

import figures  # noqa: E402
import zones  # noqa: E402


def round_(cpu_us, foreign=0.0, wrong=0):
    return {"cpu_us": cpu_us, "qps": 1e6 / cpu_us, "p99_us": 100.0, "server_percent": 99.0,
            "foreign_percent": foreign, "lost": 1, "wrong": wrong}


KEYS = ("cpu_us", "qps", "p99_us", "server_percent")


class Figures(unittest.TestCase):
    def test_noisy_rounds_do_not_count(self):
        s = figures.summary([round_(3), round_(9, foreign=5.0), round_(4), round_(5)], KEYS)
        self.assertEqual(s["cpu_us"], {"median": 4, "min": 3, "max": 5})
        self.assertEqual((s["rounds"], s["clean_rounds"], s["noisy"], s["lost"]), (4, 3, False, 4))

    def test_without_a_clean_round_all_count_and_it_is_said(self):
        s = figures.summary([round_(3, foreign=50), round_(5, foreign=6)], KEYS)
        self.assertEqual((s["cpu_us"]["median"], s["noisy"]), (4, True))

    def test_wrong_answers_of_noisy_rounds_count(self):
        s = figures.summary([round_(3), round_(9, foreign=50, wrong=2)], KEYS)
        self.assertEqual(s["wrong"], 2)

    def test_pairs_are_of_the_same_turn_and_clean_on_both_sides(self):
        result = figures.compare(
            {"summond": [round_(2), round_(3, foreign=20), round_(3), round_(5)],
             "nsd": [round_(4), round_(30), round_(30, foreign=20), round_(4)]}, KEYS)
        self.assertEqual(result["pairs"], {"nsd": {"clean": 2, "ahead": 1}})
        self.assertEqual(result["ratios"], {"nsd": 1.4})

    def test_ratios_without_a_clean_pair(self):
        rounds = {"summond": [round_(2), round_(4)], "echo": [round_(1, foreign=9),
                                                              round_(3, foreign=9)]}
        self.assertEqual(figures.ratio(rounds, "summond", "echo"), 0.625)
        self.assertEqual(figures.compare(rounds, KEYS)["pairs"], {"echo": {"clean": 0, "ahead": 0}})

    def test_other_circumstances_are_not_compared(self):
        rounds = {"summond": [round_(4)], "nsd": [round_(5)], "nsd-1k": [round_(6)]}
        self.assertEqual(figures.compare(rounds, KEYS)["ratios"], {"nsd": 1.25})

    def test_targets(self):
        self.assertTrue(figures.target("x", 1.0, 1.0)["met"])
        self.assertFalse(figures.target("x", 0.89, 0.9, at_most=False)["met"])
        self.assertIsNone(figures.target("x", None, 1)["met"])
        self.assertIsNone(figures.target("x", 1, 1, noisy=True)["met"])
        result = figures.compare({"summond": [round_(4), round_(6)], "nsd": [round_(5), round_(5)],
                                  "knot": [round_(5, foreign=9), round_(5, foreign=9)]}, KEYS)
        behind = figures.always_ahead(result, "nsd", "knot")
        self.assertEqual([(t["value"], t["met"]) for t in behind], [(1, False), (None, None)])
        self.assertIn("MISSED", figures.target_line(behind[0]))
        self.assertIn("unknown", figures.target_line(behind[1]))

    def test_table_and_json(self):
        result = figures.compare({"echo": [round_(2)], "summond": [round_(4, foreign=9)]}, KEYS)
        self.assertEqual(json.loads(json.dumps(result)), result)
        lines = figures.rates_table(result).splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertIn("0/1 NOISY", lines[3])


class Zones(unittest.TestCase):
    def test_questions_are_the_same_every_time_and_of_the_zone(self):
        asked = list(zones.questions(2000, 50))
        self.assertEqual(asked, list(zones.questions(2000, 50)))
        kinds = {(qtype, rcode) for _, qtype, rcode, _ in asked}
        self.assertEqual(kinds, {(zones.A, 0), (zones.AAAA, 0), (zones.A, zones.NXDOMAIN)})
        owners = {line.split()[0] for line in "".join(zones.zone(50)).splitlines()}
        for name, _, rcode, _ in asked:
            label = name.removesuffix("." + zones.ZONE)
            if label.endswith(".w"):
                label = "*.w"
            self.assertEqual(label in owners, rcode == 0, name)

    def test_query_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "queries"
            zones.write_queries(path, 3, 10, cookie=True)
            data, count = path.read_bytes(), 0
            while data:
                size, rcode, answers = struct.unpack_from("<HBB", data)
                wire, data, count = data[4:4 + size], data[4 + size:], count + 1
                self.assertEqual((len(wire), answers), (size, int(rcode == 0)))
                self.assertEqual(wire[4:12], b"\0\1\0\0\0\0\0\1")
                self.assertEqual(wire[-28:-24], b"\0\x0a\0\x18")
            self.assertEqual(count, 3)


if __name__ == "__main__":
    unittest.main()
