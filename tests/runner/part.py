"""A part of the whole test run: a command, its log, and what its output says about tests."""

import dataclasses
import math
import pathlib
import re
import shlex

BUILD = pathlib.Path("build")


@dataclasses.dataclass
class Failure:
    what: str   # the test
    alone: str  # the command that runs it, and only it


@dataclasses.dataclass
class Part:
    """`needs`: parts that have to have passed before. Parts of one lane run one after the other."""

    name: str
    lane: str
    argv: list
    needs: tuple = ()
    # Of the part's scheduling group (autogroup in sched(7)), as nice(1) counts.
    niceness: int = 0
    # Seconds after the run's beginning. Later it is left to another run, which is no failure.
    latest: float = math.inf

    # What became of it.
    state: str = "waits"  # waits, runs, passed, failed, left out, late
    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)
    wall: float = 0.0     # seconds
    cpu: float = 0.0      # seconds, of the command and all that it waited for

    @property
    def log(self):
        return BUILD / f"test-{self.name.replace(' ', '-')}.log"

    def finish(self, status):
        """Reads the log of the command, which has ended with that status."""
        self.read(self.log.read_text(errors="replace"), status)
        self.state = "failed" if self.failures else "passed"

    def read(self, _output, status):
        """One check that passes or fails as a whole."""
        if status == 0:
            self.passed = 1
        else:
            self.failures.append(Failure(self.name, shlex.join(map(str, self.argv))))

    def excerpt(self):
        """The lines of the log that explain a failure."""
        return self.log.read_text(errors="replace").splitlines()[-40:]


class Ctest(Part):
    def read(self, output, status):
        # ctest's list of failures also names what was skipped. Names of tests may hold any octets.
        for name, what in re.findall(r"^\t *\d+ - (.*) \(([^()]*)\)$", output, re.M):
            if what in ("Skipped", "Disabled", "Not Run"):
                self.skipped.append(f"{name} ({self.name}): {what}")
            else:
                pattern = f"^{re.escape(name)}$"
                directory = self.argv[self.argv.index("--test-dir") + 1]
                self.failures.append(Failure(name, shlex.join(
                    ["ctest", "--test-dir", directory, "--output-on-failure", "-R", pattern])))
        total = re.search(r"^.* tests passed, \d+ tests failed out of (\d+)$", output, re.M)
        if total is None or status != 0 and not self.failures:
            return super().read(output, status or 1)
        self.passed = int(total[1]) - len(self.failures)
        return None

    def excerpt(self):
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines
                if not re.match(r" *\d+/\d+ Test .*Passed|^ *Start ", line)][-80:]


class Lab(Part):
    """tests/lab/lab [--arch ARCH] test."""

    def _alone(self, name):
        return shlex.join([*self.argv[:self.argv.index("test") + 1], name])

    def read(self, output, status):
        names = re.findall(r"^FAIL (\S+): ", output, re.M)
        self.failures = [Failure(name, self._alone(name.partition(".")[0])) for name in names]
        self.skipped += re.findall(r"^left out (.*)", output, re.M)
        for name, why in re.findall(r"^skip (\S+): (.*)", output, re.M):
            self.failures.append(Failure(f"{name} (skipped: {why})", self._alone(name)))
        total = re.search(r"^(\d+) passed, \d+ failed", output, re.M)
        if total is None or status != 0 and not self.failures:
            return super().read(output, status or 1)
        self.passed = int(total[1])
        return None

    def excerpt(self):
        return self.log.read_text(errors="replace").splitlines()[-200:]


class Fuzz(Part):
    """tests/fuzz/run."""

    def read(self, output, status):
        self.passed = len(re.findall(r"^ok (\S+)", output, re.M))
        self.failures = [Failure(f"fuzzing {name}", f"tests/fuzz/run --seconds 60 {name}")
                         for name in re.findall(r"^FAIL (\S+)", output, re.M)]
        if status != 0 and not self.failures:
            super().read(output, status)
