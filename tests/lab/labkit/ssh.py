"""Commands in dom0, over one multiplexed ssh connection: a new one costs seconds under TCG."""

import os
import shlex
import shutil
import subprocess
import time

from .util import LabError


def make_key(tree):
    """The lab's own key; dom0 takes its public half from the share when it starts."""
    with tree.lock("key"):
        if not tree.key.exists():
            tree.key.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "summond-lab",
                            "-f", tree.key], check=True)
    shutil.copy(f"{tree.key}.pub", tree.share / "authorized_keys")


def _base(tree, state):
    return ["ssh", "-F", "none", "-i", str(tree.key), "-p", str(state["ports"]["ssh"]),
            "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", f"ControlPath={state['control']}", "-o", "ConnectTimeout=20"]


def connect(tree, state, limit):
    """Opens the shared connection and runs one command."""
    deadline = time.monotonic() + limit
    while True:
        done = subprocess.run([*_base(tree, state), "-fNM", "root@127.0.0.1"], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            break
        if time.monotonic() > deadline:
            raise LabError(f"dom0 does not answer ssh on port {state['ports']['ssh']}")
        time.sleep(0.5)
    if run(tree, state, ["true"], timeout=limit).returncode != 0:
        raise LabError("dom0 does not run commands")


def argv(tree, state, command, tty=False):
    """The whole ssh command line. `command`: argument list, or empty for a login shell."""
    words = _base(tree, state) + (["-t"] if tty else []) + ["root@127.0.0.1"]
    return words + ([shlex.join(command)] if command else [])


def run(tree, state, command, timeout=None, capture=False):
    out = subprocess.PIPE if capture else None
    return subprocess.run(argv(tree, state, command), stdin=subprocess.DEVNULL, timeout=timeout,
                          stdout=out, stderr=out, check=False)


def shell(tree, state, script, timeout=60):
    """Output of a shell script in dom0; a failure is a LabError."""
    done = run(tree, state, ["sh", "-c", script], timeout=timeout, capture=True)
    if done.returncode != 0:
        raise LabError(f"in dom0: {script}: status {done.returncode}: "
                       f"{done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace")


def push(tree, state, files, dest):
    """Copies files into dom0 through the share. `dest` is a directory if several or ending in /."""
    drop = tree.share / "push"
    shutil.rmtree(drop, ignore_errors=True)
    drop.mkdir()
    for file in files:
        if os.path.isdir(file):
            shutil.copytree(file, drop / os.path.basename(os.path.abspath(file)), symlinks=True,
                            ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(file, drop / os.path.basename(file))
    quoted = shlex.quote(dest)
    if len(files) > 1 or dest.endswith("/"):
        script = f"mkdir -p {quoted} && cp -r --remove-destination /mnt/share/push/. {quoted}"
    else:
        name = shlex.quote(os.path.basename(os.path.abspath(files[0])))
        script = (f"mkdir -p $(dirname {quoted}) && "
                  f"cp -rT --remove-destination /mnt/share/push/{name} {quoted}")
    shell(tree, state, script, timeout=120)
    shutil.rmtree(drop)
