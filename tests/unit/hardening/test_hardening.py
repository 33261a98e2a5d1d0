"""What readelf(1) tells of the daemon's binary: SUMMOND, built with cmake/hardening.cmake's flags."""

import os
import re
import subprocess
import unittest

BINARY = os.environ["SUMMOND"]


def readelf(*options):
    return subprocess.run([os.environ.get("READELF") or "readelf", "--wide", *options, BINARY], check=True,
                          text=True, stdout=subprocess.PIPE).stdout


class Hardening(unittest.TestCase):
    def test_it_is_loaded_anywhere(self):
        self.assertRegex(readelf("--file-header"), r"Type: +DYN")
        self.assertRegex(readelf("--dynamic"), r"FLAGS_1.*\bPIE\b")

    def test_what_the_linker_fills_in_is_read_only_from_the_start(self):
        self.assertRegex(readelf("--dynamic"), r"FLAGS_1.*\bNOW\b")
        self.assertIn("GNU_RELRO", readelf("--program-headers"))

    def test_no_memory_is_writable_and_executable(self):
        flags = re.findall(r"^ +(?:LOAD|GNU_STACK) .* ([R ][W ][E ]) 0x", readelf("--program-headers"), re.M)
        self.assertGreater(len(flags), 2)
        self.assertNotIn("RWE", flags)

    def test_what_checks_itself(self):
        symbols = set(re.findall(r" UND (\w+)", readelf("--dyn-syms")))
        self.assertTrue("__stack_chk_fail" in symbols, "the stack")
        self.assertTrue(any(name.endswith("_chk") for name in symbols), "_FORTIFY_SOURCE")
        self.assertTrue(any("glibcxx_assert_fail" in name for name in symbols), "_GLIBCXX_ASSERTIONS")

    def test_each_of_our_sources_was_compiled_so(self):
        flags = ["-fPIE", "-fstack-protector-strong", "-fstack-clash-protection"]
        machine = re.search(r"Machine: +(.*)", readelf("--file-header"))[1]
        flags.append("-fcf-protection" if "X86-64" in machine else "-mbranch-protection=standard")
        producers = re.findall(r"DW_AT_producer.*: (GNU C\+\+.*)",
                               readelf("--debug-dump=info", "--dwarf-depth=1"))
        if not producers:
            self.skipTest("no debug information of GCC's")
        for producer in set(producers):
            for flag in flags:
                self.assertIn(flag, producer)


if __name__ == "__main__":
    unittest.main()
