"""`lab run`, `lab test` and `lab logs`: the tests of tests/xen/tests inside dom0."""

import shutil
import subprocess
import time

from . import qemu, ssh
from .util import REPO, XEN_DIR, LabError, say

SUMMOND = REPO / "build/release/summond"
GUEST = REPO / "build/release/guest/guest"

# name of the file -> what is run in dom0 for it
LOG_COMMANDS = {
    "journal.txt": "journalctl --no-pager -o short-precise",
    "xl-dmesg.txt": "xl dmesg",
    "xl-list.txt": "xl list -v",
    "xenstore.txt": "xenstore-ls -fp",
    "ip-link.txt": "ip -d link; ip addr; bridge fdb",
    "ps.txt": "ps axfww -o pid,ppid,user,stat,etime,args",
}


def collect_logs(tree, target):
    """Copies dom0's logs into the directory `target` on this machine."""
    state = qemu.need_state(tree)
    drop = tree.share / "logs"
    shutil.rmtree(drop, ignore_errors=True)
    drop.mkdir()
    script = "".join(f"({command}) > /mnt/share/logs/{name} 2>&1; "
                     for name, command in LOG_COMMANDS.items())
    ssh.shell(tree, state, script + "cp -r /var/log/xen /mnt/share/logs/ || true", timeout=90)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(drop, target, dirs_exist_ok=True)
    shutil.copy(tree.console, target / "console.log")
    shutil.rmtree(drop)


def push_what_is_needed(tree, state, options):
    """The tests, and summond and the test unikernel as far as they have been built."""
    ssh.shell(tree, state, "rm -rf /opt/lab/tests")
    ssh.push(tree, state, [XEN_DIR / "tests"], "/opt/lab/tests")
    for given, default, dest in ((options.summond, SUMMOND, "/opt/summond/summond"),
                                 (options.guest, GUEST, "/opt/lab/guest")):
        if given and not given.is_file():
            raise LabError(f"no such file: {given}")
        file = given or default
        if file.is_file():
            ssh.push(tree, state, [file], dest)
        else:
            say(f"run: {file} has not been built: tests that need it are skipped")


def run(tree, options, time_limit):
    """Runs the named tests (all, if none is named); returns the exit status."""
    state = qemu.need_state(tree)
    with tree.lock("run"):
        return _run(tree, state, options, time_limit)


def _run(tree, state, options, time_limit):
    push_what_is_needed(tree, state, options)
    results = tree.share / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    command = ["/usr/bin/python3", "-u", "/opt/lab/tests/run.py", "/mnt/share/results",
               *(["--strict"] if options.strict else []),
               *(["--all"] if options.all else []), *options.tests]
    say(f"run: tests in dom0 (results: {tree.dir / 'results'})")
    with subprocess.Popen(ssh.argv(tree, state, command), stdin=subprocess.DEVNULL) as process:
        try:
            status = process.wait(time_limit)
        except subprocess.TimeoutExpired:
            status = None
            _stop_tests(tree, state)
        except BaseException:
            _stop_tests(tree, state)
            raise
        finally:
            process.kill()
    keep = tree.dir / "results"
    shutil.rmtree(keep, ignore_errors=True)
    shutil.copytree(results, keep, symlinks=True)
    if status in (0, 2):
        return status
    try:
        collect_logs(tree, keep / "dom0")
        say(f"run: logs of dom0 are in {keep}/dom0")
    except (LabError, OSError, subprocess.TimeoutExpired) as error:
        say(f"run: dom0's logs could not be collected: {error}")
    if status is None or status == 255:
        running = keep / "running"
        name = running.read_text() if running.exists() else "the test run"
        what = ("the connection to dom0 broke" if status == 255
                else f"the time limit of {time_limit:.0f} s is over")
        # The plain count is the run's last line whatever happened.
        say(f"FAIL {name}: {what}\n0 passed, 1 failed")
        return 1
    return status


def _stop_tests(tree, state):
    """Tests that nobody waits for any more clean up after themselves and end."""
    try:
        ssh.run(tree, state, ["sh", "-c", "kill $(cat /run/lab-tests.pid)"], timeout=10,
                capture=True)
    except subprocess.TimeoutExpired:
        pass


def test(tree, options):
    """up, run and down again, within options.time_limit seconds; leaves no QEMU behind."""
    deadline = time.monotonic() + options.time_limit
    options.die_with_parent = not options.keep
    qemu.up(tree, options)
    try:
        status = run(tree, options, max(1.0, deadline - time.monotonic()))
    except BaseException:
        qemu.down(tree, limit=0)
        raise
    if options.keep:
        say("test: the lab stays up (--keep)")
    else:
        qemu.down(tree)
    return status
