"""What /proc tells of processes. One that has ended meanwhile is not there."""

import contextlib
import os


def read(path):
    """The text of a file; empty if it is not there (any more)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def stat(pid):
    """The fields of /proc/PID/stat from the state on; none of a process that is not there."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def exists(pid):
    """True for a process that runs (a zombie does not)."""
    fields = stat(pid)
    return bool(fields) and fields[0] != "Z"


def argv(pid):
    return read(f"/proc/{pid}/cmdline").split("\0")


def role(pid):
    """Of a process of summond; None for the parent, and for others'."""
    return next((a[7:] for a in argv(pid) if a.startswith("--role=")), None)


def pids():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def children_of(parent):
    """{pid: role} of the parent's roles."""
    found = {}
    for pid in pids():
        fields = stat(pid)
        if fields and int(fields[1]) == parent and fields[0] != "Z" and (its := role(pid)):
            found[pid] = its
    return found


def threads(pid):
    """PID/task/TID of each thread of a process."""
    try:
        return [f"{pid}/task/{tid}" for tid in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def tree(pid):
    """A process and all below it."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        for thread in threads(pid):
            todo += [int(child) for child in read(f"/proc/{thread}/children").split()]
    return found


def descriptors(pid):
    """{number: what it is} of a process."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return found


def status(pid):
    """Fields of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return {k: v.strip() for k, _, v in (line.partition(":") for line in f)}
