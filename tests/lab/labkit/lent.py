"""Programs of this machine, lent to a root directory of another architecture while packages are installed
there: what unpacks them, and what compiles their Python. In emulation these take most of the time.

dpkg is told that the root's own are elsewhere for now, and gets them back at the end. The lent ones
find their libraries where this architecture's would be: nothing of another architecture is there."""

import contextlib
import pathlib
import re
import shutil
import subprocess

from .util import run_logged

# What they do with files is the same on each architecture; the versions have to be those of the root.
PROGRAMS = ("/usr/bin/dpkg-deb", "/usr/bin/python3.11")


@contextlib.contextmanager
def lent(root, suite, log):
    programs = [p for p in PROGRAMS if pathlib.Path(p).is_file()] if _release() == suite else []
    libraries = _libraries(programs)
    for library in libraries:
        target = root / library[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    for program in programs:
        _divert(root, log, "--add", program)
        shutil.copy(program, root / program[1:])
    yield
    for program in programs:
        (root / program[1:]).unlink()
        _divert(root, log, "--remove", program)
    for library in libraries:
        (root / library[1:]).unlink()
    for directory in {(root / library[1:]).parent for library in libraries}:
        directory.rmdir()


def _release():
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return (re.findall(r"^VERSION_CODENAME=(.*)$", text, re.M) or [None])[0]


def _libraries(programs):
    """Their paths; the dynamic loader's among them."""
    paths = set()
    for program in programs:
        text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        paths |= set(re.findall(r"(/lib\S+)", text))
    return sorted(paths)


def _divert(root, log, action, program):
    run_logged(["dpkg-divert", "--root", root, "--local", "--rename", "--divert", f"{program}.own", action,
                program], log)
