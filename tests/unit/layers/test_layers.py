"""What scripts/layers takes for wrong, each in a small tree that is right but for that."""

import importlib.machinery
import importlib.util
import pathlib
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts/layers"
LOADER = importlib.machinery.SourceFileLoader("layers", str(SCRIPT))
layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("layers", LOADER))
LOADER.exec_module(layers)

TREE = {
    "src/CMakeLists.txt": "foreach(module base loop low high roles)\n  add_subdirectory(${module})\nendforeach()\n",
    "src/base/CMakeLists.txt": "summond_module(base SOURCES base.cpp)\n",
    "src/base/base.cpp": '#include "summond/base/base.hpp"\n',
    "include/summond/base/base.hpp": "#pragma once\n",
    "src/loop/CMakeLists.txt": "summond_module(loop SOURCES loop.cpp LIBRARIES Boost::headers)\n",
    "src/loop/loop.cpp": "#include <boost/asio/io_context.hpp>\n",
    "include/summond/loop/watch.hpp": "#pragma once\n",
    "src/low/CMakeLists.txt": "# base is used by it\nsummond_module(low\n  SOURCES low.cpp\n  USES base)\n",
    "src/low/low.cpp": '#include "summond/low/low.hpp"\n',
    "include/summond/low/low.hpp": '#include "summond/base/base.hpp"\n',
    "src/high/CMakeLists.txt": "summond_module(high SOURCES high.cpp USES low\n  PRIVATE_USES base loop)\n",
    "src/high/high.cpp": '#include <boost/asio/post.hpp>\n#include "summond/base/base.hpp"\n',
    "include/summond/high/high.hpp": '#include "summond/low/low.hpp"\n',
    "src/roles/CMakeLists.txt":
        "add_executable(summond main.cpp)\ntarget_link_libraries(summond PRIVATE summond::high)\n",
    "src/roles/main.cpp": '#include "summond/high/high.hpp"\n',
    "docs/ARCHITECTURE.md": "\n| module | purpose | uses |\n|---|---|---|\n| base | words | |\n"
                            "| loop | events | |\n| low | what is low | base |\n"
                            "| high | what is high | base, loop, low |\n| roles | processes | all |\n\ntext\n",
}


class Layers(unittest.TestCase):
    def problems(self, files):
        """Of the tree with these files for those of the same name."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in (TREE | files).items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return list(layers.problems(root))

    def expect(self, files, *problems):
        self.assertEqual(self.problems(files), list(problems))

    def test_a_tree_that_keeps_the_rule(self):
        self.expect({})

    def test_an_include_of_a_module_that_is_not_named(self):
        self.expect({"src/low/low.cpp": '// low\n#include "summond/loop/watch.hpp"\n'},
                    "src/low/low.cpp:2: low uses loop, which src/low/CMakeLists.txt does not name")

    def test_asio_is_loop_s(self):
        self.expect({"src/low/low.cpp": "#include <boost/asio.hpp>\n"},
                    "src/low/low.cpp:1: low uses loop, which src/low/CMakeLists.txt does not name")

    def test_a_header_that_shows_what_is_private(self):
        self.expect({"include/summond/high/high.hpp":
                     '#include "summond/base/base.hpp"\n#include "summond/low/low.hpp"\n'},
                    "include/summond/high/high.hpp:1: a header of high shows base, which is not in USES of "
                    "src/high/CMakeLists.txt")

    def test_what_is_public_without_need(self):
        self.expect({"include/summond/low/low.hpp": "", "src/low/low.cpp": '#include "summond/base/base.hpp"\n'},
                    "src/low/CMakeLists.txt:4: low names base in USES, and only sources include it: PRIVATE_USES")

    def test_a_name_that_nothing_includes(self):
        self.expect({"src/high/high.cpp": '#include "summond/base/base.hpp"\n'},
                    "src/high/CMakeLists.txt:2: high names loop, and nothing includes it")
        self.expect({"include/summond/low/low.hpp": ""},
                    "src/low/CMakeLists.txt:4: low names base in USES, and nothing includes it")

    def test_a_use_upward(self):
        problems = self.problems({
            "src/base/CMakeLists.txt": "summond_module(base SOURCES base.cpp PRIVATE_USES low)\n",
            "src/base/base.cpp": '#include "summond/low/low.hpp"\n'})
        self.assertIn("src/base/CMakeLists.txt:1: base uses low, which does not stand before it in "
                      "src/CMakeLists.txt", problems)

    def test_the_program_names_what_it_includes(self):
        self.expect({"src/roles/main.cpp": '#include "summond/low/low.hpp"\n'},
                    "src/roles/main.cpp:1: roles uses low, which src/roles/CMakeLists.txt does not name",
                    "src/roles/CMakeLists.txt:2: roles names high, and nothing includes it")

    def test_a_directory_that_is_no_module(self):
        self.expect({"include/summond/old/old.hpp": ""},
                    "include/summond/old:1: no module of src/CMakeLists.txt")

    def test_a_table_that_says_something_else(self):
        page = TREE["docs/ARCHITECTURE.md"]
        self.expect({"docs/ARCHITECTURE.md": page.replace("| base, loop, low |", "| loop, low |")},
                    "docs/ARCHITECTURE.md:7: high uses base, loop, low (src/high/CMakeLists.txt), not loop, low")
        self.expect({"docs/ARCHITECTURE.md": page.replace("| low | what is low | base |\n", "")},
                    "docs/ARCHITECTURE.md:2: the table has no low")
        self.expect({"docs/ARCHITECTURE.md": page.replace("\n\ntext", "\n| old | nothing | |\n\ntext")},
                    "docs/ARCHITECTURE.md:9: there is no module old")
        self.expect({"docs/ARCHITECTURE.md": "text\n"},
                    "docs/ARCHITECTURE.md:1: there is no table of modules")
        rows = page.splitlines(keepends=True)
        rows[4], rows[5] = rows[5], rows[4]
        self.expect({"docs/ARCHITECTURE.md": "".join(rows)},
                    "docs/ARCHITECTURE.md:2: the table is not in the order of src/CMakeLists.txt: "
                    "base, loop, low, high, roles")


if __name__ == "__main__":
    unittest.main()
