"""Programs of this machine, lent to a root directory of another architecture while packages are installed
there: what unpacks them, and what compiles their Python. In emulation these take most of the time.

dpkg is told that the root's own are elsewhere for now, and gets them back at the end. The lent ones
find their libraries where this architecture's would be: nothing of another architecture is there. Only their
dynamic loader is not at the place that is written in them: packages take away what is no link into /usr, and
links that their architecture does not have."""

import contextlib
import pathlib
import re
import shutil
import subprocess

from .util import run_logged

# What they do with files is the same on each architecture; the versions have to be those of the root.
PROGRAMS = ("/usr/bin/dpkg-deb", "/usr/bin/python3.11")
LOADER = "/lib/lent.so"


@contextlib.contextmanager
def lent(root, suite, log):
    programs = [p for p in PROGRAMS if pathlib.Path(p).is_file()] if _release() == suite else []
    loaders, libraries = _libraries(programs)
    for loader in loaders:
        shutil.copy(loader, root / LOADER[1:])
    for library in libraries:
        target = root / library[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    for program in programs:
        _divert(root, log, "--add", program)
        shutil.copy(program, root / program[1:])
        _set_loader(root / program[1:], loaders)
    yield
    for program in programs:
        (root / program[1:]).unlink()
        _divert(root, log, "--remove", program)
    for library in [LOADER] * bool(loaders) + libraries:
        (root / library[1:]).unlink()
    for directory in {(root / library[1:]).parent for library in libraries}:
        directory.rmdir()


def _release():
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return (re.findall(r"^VERSION_CODENAME=(.*)$", text, re.M) or [None])[0]


def _libraries(programs):
    """The paths of dynamic loaders (one), and of libraries."""
    loaders, libraries = set(), set()
    for program in programs:
        text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        libraries |= set(re.findall(r"=> (/\S+)", text))
        loaders |= set(re.findall(r"^\s+(/\S+)", text, re.M))
    return sorted(loaders), sorted(libraries)


def _set_loader(program, loaders):
    octets = program.read_bytes()
    for loader in loaders:
        octets = octets.replace(loader.encode() + b"\0", LOADER.encode().ljust(len(loader), b"\0") + b"\0", 1)
    program.write_bytes(octets)


def _divert(root, log, action, program):
    run_logged(["dpkg-divert", "--root", root, "--local", "--rename", "--divert", f"{program}.own", action,
                program], log)
