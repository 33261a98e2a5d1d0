"""Tests that need no Xen, where this machine cannot run them: those of tests/system."""

import os
import pathlib
import subprocess

from support.daemon import BINARY
from support.lab import for_arm, limit

SYSTEM = "/opt/lab/system"
EACH = 900  # seconds


@for_arm("ctest runs them on this machine")
@limit(3600)
def test_loopback(lab):
    """The real processes on loopback: each of tests/system passes in dom0."""
    lab.need(BINARY)
    failed = []
    for file in sorted(pathlib.Path(lab.need(SYSTEM)).glob("test_*.py")):
        with open(lab.directory / f"{file.stem}.log", "wb") as log:
            done = subprocess.run(["python3", "-B", "-m", "unittest", "-v", file.stem], cwd=SYSTEM,
                                  env={**os.environ, "SUMMOND": str(BINARY)}, stdout=log, stderr=log,
                                  check=False, timeout=EACH)
        if done.returncode != 0:
            failed.append(file.stem)
    assert not failed, f"see the logs of {', '.join(failed)}"
