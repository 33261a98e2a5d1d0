"""What outlives the daemon, and windows in which a service is kept up."""

import contextlib
import datetime
import os
import pathlib
import signal
import sqlite3
import subprocess
import time

from support.lab import limit
from support.site import name, page, service, site, start


def rows(daemon, statement):
    with contextlib.closing(sqlite3.connect(daemon.config_file.with_name("state.db"),
                                            timeout=30)) as database:
        return database.execute(statement).fetchall()


def history(daemon):
    return rows(daemon, "SELECT number, name, why, how, failure FROM wake ORDER BY number")


def thread_of(pid, called):
    """The thread of a process that has this name."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == called:
            return int(task.name)
    raise AssertionError(f"no thread {called} in {pid}")


class Traced:
    """strace of threads while the block runs; `lines` after it."""

    def __init__(self, file, *options):
        self._file, self._options, self.lines = file, options, []

    def __enter__(self):
        self._strace = subprocess.Popen(["strace", "-y", "-o", self._file, *self._options],
                                        stderr=subprocess.PIPE, text=True)
        line = self._strace.stderr.readline()
        assert "attached" in line, line
        return self

    def __exit__(self, *_):
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait(60)
        self.lines = pathlib.Path(self._file).read_text().splitlines()


@limit(600)
def test_nothing_waits_for_the_store(lab):
    """A wake's thread neither writes to state.db nor waits for it, even if its own stands still."""
    daemon = start(lab, service(lab, 60), service(lab, 61))
    lab.wait_until(lambda: daemon.config_file.with_name("state.db").exists(), 60, "state.db")
    vmm = daemon.pids()["vmm"]
    calls = "trace=fsync,fdatasync,sync_file_range,write,pwrite64,pwritev,futex,openat"
    with Traced(lab.directory / "wake.strace", "-f", "-p", str(vmm), "-e", calls) as trace:
        daemon.resolve(name(60))
        daemon.wait_woken("s60")
        lab.wait_until(lambda: [each[1] for each in history(daemon)] == ["s60"], 60, "the wake in it")
    of_store = [line for line in trace.lines if "state.db" in line]
    mine = [line for line in of_store if line.split()[0] == str(vmm)]
    assert len(of_store) >= 3, f"nothing was traced: {trace.lines[-5:]}"
    assert not mine, f"vmm's main thread: {mine[:3]}"
    syncs = [line for line in trace.lines if line.split()[0] == str(vmm) and "sync" in line]
    assert not syncs, f"vmm's main thread waits for a disk: {syncs[:3]}"

    # Its own thread stands still for as long as this takes: each write to the file is held back.
    store = thread_of(vmm, "store")
    with Traced(lab.directory / "frozen.strace", "-p", str(store), "-e", "trace=pwrite64,write",
                "-e", "inject=pwrite64,write:delay_enter=90000000") as trace:
        begun = time.monotonic()
        daemon.resolve(name(61))
        woke = daemon.wait_woken("s61", limit=80)
        page(lab, 61)
        assert time.monotonic() - begun < 85, "too slow to say"
        assert [each[1] for each in history(daemon)] == ["s60"], "the store did not stand still"
    lab.measured.update(woken=f"{woke['total']} ms with a store that stands still")
    lab.wait_until(lambda: len(history(daemon)) == 2, 200, "the second wake in it")


@limit(600)
def test_state_survives(lab):
    """kill -9 of vmm, and a file that is damaged: domains are adopted, and the log says what was lost."""
    daemon = start(lab, service(lab, 62))
    daemon.resolve(name(62))
    domid = daemon.wait_woken("s62")["domid"]
    lab.wait_until(lambda: len(history(daemon)) == 1, 60, "the wake in it")
    daemon.kill("vmm")
    daemon.wait_log("adopted s62: domid", str(domid))
    assert history(daemon) == [(1, "s62", "dns", "build", "none")]
    assert daemon.stop() == 0

    file = daemon.config_file.with_name("state.db")
    file.write_bytes(b"no database" * 1000)
    daemon.start(answers="jit.example")
    daemon.wait_log(f"{file} was damaged")
    daemon.wait_log("adopted s62: domid", str(domid), times=2)
    assert len(list(file.parent.glob("state.db.damaged-*"))) == 1
    page(lab, 62)
    assert daemon.stop() == 0

    os.chown(file, 12345, 12345)
    daemon.start(answers="jit.example")
    daemon.wait_log(f"{file}: it can be written by others")
    daemon.wait_log("adopted s62: domid", str(domid), times=3)
    page(lab, 62)


@limit(900)
def test_keep_window(lab):
    """A service is ready when its window begins, not put away in it, and put away after it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begin = now.replace(second=0, microsecond=0) + datetime.timedelta(minutes=2)
    end = begin + datetime.timedelta(minutes=2)
    window = {"from": f"{begin:%H:%M}", "to": f"{end:%H:%M}", "zone": "UTC"}
    daemon = start(lab, service(lab, 63, keep=[window], idle="5s",
                                ready={"xenstore": "data/ready", "timeout": "60s"}))

    def until(moment):
        time.sleep(max(0.0, (moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()))

    assert not daemon.wakes("s63")
    woke = daemon.wait_woken("s63")
    woken_at = datetime.datetime.now(datetime.timezone.utc)
    assert woken_at < begin, f"woken at {woken_at}, after {begin}"
    lab.measured.update(before=f"{(begin - woken_at).total_seconds():.0f} s")
    assert "why schedule" in daemon.log_lines("woke s63: ")[-1]
    until(end - datetime.timedelta(seconds=5))
    assert lab.domain("s63").domid == woke["domid"], "not the same domain in its window"
    assert not daemon.log_lines("destroying s63"), "put away in its window"
    daemon.wait_log("destroying s63: domid", "idle for", limit=120)
    assert datetime.datetime.now(datetime.timezone.utc) >= end
    lab.wait_until(lambda: not lab.domain("s63"), 60, "s63 to be gone")
