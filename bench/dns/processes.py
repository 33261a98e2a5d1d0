"""What /proc tells of a server's CPU time and memory, and of what others used meanwhile."""

import os
import time

from harness import proc
from harness.proc import read, threads, tree

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process and those below it, and of children that have ended."""
    exact = ticks = ended = 0
    for process in tree(pid):
        fields = proc.stat(process)
        if fields:
            ticks += int(fields[11]) + int(fields[12])
            ended += int(fields[13]) + int(fields[14])
        for thread in threads(process):
            exact += int((read(f"/proc/{thread}/schedstat") or "0").split()[0])
    # schedstat is exact but forgets threads that have ended.
    return max(exact / 1e9, ticks / TICK) + ended / TICK


def stolen_seconds(cpus):
    """What the hypervisor gave to others while these CPUs wanted to run."""
    stolen = 0
    for line in read("/proc/stat").splitlines():
        fields = line.split()
        if fields[0] in {f"cpu{cpu}" for cpu in cpus}:
            stolen += int(fields[8])
    return stolen / TICK


def used_by_all():
    """{(pid, start time): seconds of CPU time} of every process there is, the kernel's included."""
    used = {}
    for pid in proc.pids():
        fields = proc.stat(pid)
        if fields:
            used[pid, fields[19]] = (int(fields[11]) + int(fields[12])) / TICK
    return used


class ForeignTime:
    """CPU time that others than this process, its children and the server have used in a `with`
    block, on the CPUs that this process may use. The server may be started in the block."""

    def __init__(self, server):
        self.server = server
        self.cpus = os.sched_getaffinity(0)
        self.percent = 0.0  # of one CPU
        self.seconds = 0.0  # of the block
        self.server_seconds = 0.0  # CPU time
        self.children_seconds = 0.0  # CPU time of children that ended: load generators

    def _now(self):
        times = os.times()
        return (time.monotonic(), stolen_seconds(self.cpus),
                cpu_seconds(self.server.pid) if self.server.pid else 0.0,
                times.children_user + times.children_system)

    def __enter__(self):
        self._others = used_by_all()
        self._began = self._now()
        return self

    def __exit__(self, *_):
        self.seconds, stolen, self.server_seconds, self.children_seconds = (
            end - begin for begin, end in zip(self._began, self._now()))
        ours = {*tree(os.getpid()), *(tree(self.server.pid) if self.server.pid else ())}
        foreign = stolen + sum(used - self._others.get(who, 0.0)
                               for who, used in used_by_all().items() if who[0] not in ours)
        self.percent = max(0.0, foreign / self.seconds * 100)


def memory(pid):
    """(pss, held): octets of a server's processes, each page counted once. held is PSS and those
    pages of their memfds that no process has mapped or touched."""
    pss = shared = 0
    memfds = {}
    for process in tree(pid):
        for line in read(f"/proc/{process}/smaps_rollup").splitlines():
            field, _, value = line.partition(":")
            if field == "Pss":
                pss += int(value.split()[0]) * 1024
            elif field == "Pss_Shmem":
                shared += int(value.split()[0]) * 1024
        memfds.update(_memfds(process))
    return pss, pss + max(0, sum(memfds.values()) - shared)


def private(pid):
    """Octets that only one of a server's processes has: what grows when somebody remembers."""
    return sum(int(line.split()[1]) * 1024 for process in tree(pid)
               for line in read(f"/proc/{process}/smaps_rollup").splitlines()
               if line.startswith(("Private_Dirty:", "Private_Clean:", "Swap:")))


def _memfds(pid):
    """{inode: octets}"""
    found = {}
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            if os.readlink(path).startswith("/memfd:"):
                status = os.stat(path)
                found[status.st_ino] = status.st_blocks * 512
    except OSError:
        pass
    return found


def resident(pid):
    """Octets of RSS of a server's processes: cheap to ask; counts shared pages several times."""
    pages = 0
    for process in tree(pid):
        pages += int((read(f"/proc/{process}/statm") or "0 0").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
