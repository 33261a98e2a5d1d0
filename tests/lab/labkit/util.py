"""What all parts of the lab share: paths, progress lines, running commands."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

XEN_DIR = pathlib.Path(__file__).resolve().parent.parent
REPO = XEN_DIR.parent.parent
BUILD_DIR = os.environ.get("SUMMOND_LAB_DIR", REPO / "build" / "lab")  # unless told otherwise


class LabError(Exception):
    """Something a person should read as one message, without a traceback."""


def say(text):
    """A line of progress; where several labs are up, it says whose."""
    name = threading.current_thread().name
    print("\n".join(f"{name}: {line}" if name.startswith("lab ") else line
                    for line in text.split("\n")), flush=True)


@contextlib.contextmanager
def step(text):
    """Prints `text ... 3.2 s`, the duration when the block has ended well."""
    started = time.monotonic()
    print(f"  {text} ...", end="", flush=True)
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def tail(path, lines=20):
    try:
        text = pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join("    | " + line.rstrip() for line in text.splitlines()[-lines:])


def run_logged(argv, log, **kwargs):
    """Runs a command with its output appended to the file `log`; a failure shows the file's end."""
    with open(log, "ab") as out:
        out.write(("+ " + " ".join(map(str, argv)) + "\n").encode())
        out.flush()
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                              check=False, **kwargs)
    if done.returncode != 0:
        raise LabError(f"{argv[0]} failed (status {done.returncode}), end of {log}:\n{tail(log)}")


def packages(name):
    """The package names in tests/lab/<name>, without comments."""
    lines = (XEN_DIR / name).read_text().splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def need_tools(arch, *tools):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        wanted = [*packages("packages-host.txt"), *packages(f"packages-host-{arch.name}.txt")]
        raise LabError(f"missing on this machine: {', '.join(missing)}\n"
                       "install what the lab needs with:\n"
                       f"  apt-get install {' '.join(wanted)}")


class Tree:
    """The places in the lab's build tree. `dir` is build/lab unless told otherwise.

    Several labs of one tree share the image and differ in `run`."""

    def __init__(self, directory, arch, run="run"):
        self.arch = arch
        self.dir = pathlib.Path(directory).resolve()
        self.cache = self.dir / "cache"      # the base system, reused while the package list stays
        self.image = self.dir / "image"      # dom0's disk, kernel, initrd and the hypervisor
        self.run = self.dir / run            # of the lab that is up (or was last)
        self.share = self.run / "share"      # seen in dom0 as /mnt/share
        self.state = self.run / "state.json"
        self.console = self.run / "console.log"
        self.key = self.dir / "ssh" / "id_ed25519"
        self.accel = self.dir / "accel.json"

    @contextlib.contextmanager
    def lock(self, name):
        """Only one process at a time builds the image, or starts the lab, in this tree."""
        self.dir.mkdir(parents=True, exist_ok=True)
        with open(self.dir / f".{name}.lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting for another lab process ({name}) ...", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
