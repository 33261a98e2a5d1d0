import unittest

import results

MEASURED = {
    "options": {"parallel": 50},
    "rounds": {
        "xl create": [{"total_ms": 4000.0, "first_byte_ms": 5000.0},
                      {"total_ms": 8000.0, "first_byte_ms": 9000.0}],
        "libxl, no vif": [{"total_ms": 400.0}, {"total_ms": 800.0}],
        "summond cold": [{"total_ms": 500.0, "first_byte_ms": 900.0, "answer_ms": 300.0},
                         {"total_ms": 1000.0, "first_byte_ms": 1500.0, "answer_ms": 500.0}],
        "summond running": [{"answer_ms": 2.0, "first_byte_ms": 10.0}] * 2,
    },
    "parallel": {"summond": [{"seconds": 40.0, "up": 50}],
                 "xl": [{"seconds": 240.0, "up": 50, "created_s": 200.0}]},
}


class Results(unittest.TestCase):
    def setUp(self):
        self.values = results.figures(MEASURED)
        self.targets = {t["what"]: t for t in results.targets(MEASURED, self.values)}

    def test_figures_are_medians(self):
        self.assertEqual(self.values["xl_create_ms"], 6000.0)
        self.assertEqual(self.values["cold_wake_ms"], 750.0)
        self.assertEqual(self.values["parallel50_s"], 40.0)
        self.assertEqual(self.values["xl_parallel50_s"], 240.0)

    def test_what_was_not_measured_is_none(self):
        self.assertIsNone(self.values["standby_wake_ms"])
        self.assertNotIn("standby wake / xl create", self.targets)

    def test_ratios_are_of_the_same_round(self):
        self.assertEqual(self.targets["cold wake / xl create"]["value"], 0.125)
        self.assertTrue(self.targets["cold wake / xl create"]["met"])
        self.assertEqual(self.targets["cold wake / libxl without vif"]["value"], 1.25)

    def test_a_missed_target_says_so(self):
        slow = {**MEASURED, "parallel": {"summond": [{"seconds": 60.0, "up": 50}],
                                         "xl": [{"seconds": 240.0, "up": 50}]}}
        missed = results.targets(slow, results.figures(slow))[-1]
        self.assertEqual(missed["value"], 4.0)
        self.assertFalse(missed["met"])
        self.assertIn("MISSED", results.target_line(missed))

    def test_a_loop_that_brings_nothing_up_is_no_ratio(self):
        failed = {**MEASURED, "parallel": {**MEASURED["parallel"],
                                           "xl": [{"created_s": 200.0, "up": 0}]}}
        found = results.targets(failed, results.figures(failed))[-1]
        self.assertIsNone(found["value"])
        self.assertTrue(found["met"])

    def test_standby(self):
        with_standby = {**MEASURED, "rounds": {**MEASURED["rounds"], "summond standby": [
            {"total_ms": 4.0, "answer_ms": 5.0, "first_byte_ms": 14.0}] * 2}}
        found = {t["what"]: t for t in
                 results.targets(with_standby, results.figures(with_standby))}
        self.assertEqual(found["standby wake / xl create"]["value"], 0.00075)
        self.assertEqual(
            found["standby: answer behind that of a running service, ms"]["value"], 3.0)
        self.assertEqual(
            found["standby: first byte / first byte of a running service"]["value"], 1.4)

    def test_a_run_without_parallel_part(self):
        alone = {key: value for key, value in MEASURED.items() if key != "parallel"}
        self.assertIsNone(results.figures(alone)["parallel50_s"])

    def test_tables(self):
        lines = results.table(MEASURED).splitlines()
        self.assertIn("| summond cold | - | - | - | 750 (500-1000) |", lines[4])
        self.assertIn("| xl | 50 | 240.0 | - | 200.0 |", results.parallel_table(MEASURED))
