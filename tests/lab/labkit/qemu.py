"""`lab up` and `lab down`: the QEMU process, and whether KVM can carry Xen on this machine."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import ssh
from .arch import NATIVE
from .util import LabError, need_tools, say, tail

PHASES = [("hypervisor", b"(XEN) Xen version"), ("dom0's kernel", b"Serial input to DOM0"),
          ("userland", b"Welcome to ")]
KVM_BOOT_LIMIT = 90
FIRST_SIGN_LIMIT = 20  # seconds until the hypervisor has printed its first line
PR_SET_PDEATHSIG = 1


class BootFailed(Exception):
    pass


def state(tree):
    """What `up` recorded, if the QEMU it started still runs; None otherwise."""
    try:
        found = json.loads(tree.state.read_text())
        argv = pathlib.Path(f"/proc/{found['pid']}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, KeyError):
        return None
    return found if str(tree.console).encode() in b"\0".join(argv) else None


def need_state(tree):
    found = state(tree)
    if found is None:
        raise LabError("the lab is not up (start it with: tests/lab/lab up)")
    return found


def _boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _remembered_accel(tree):
    """The accelerator found to work since this machine was started."""
    try:
        verdict = json.loads(tree.accel.read_text())
    except (OSError, ValueError):
        return None
    return verdict["accel"] if verdict.get("boot_id") == _boot_id() else None


def _remember_accel(tree, accel):
    tree.accel.write_text(json.dumps({"accel": accel, "boot_id": _boot_id()}) + "\n")


def free_port(kind=socket.SOCK_STREAM, also=None):
    """A port of 127.0.0.1 that nobody uses for `kind`, nor for the kind `also`."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, kind) as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if also is None:
                return port
            with socket.socket(socket.AF_INET, also) as second:
                try:
                    second.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
    raise LabError("no free port on 127.0.0.1")


def _command(tree, accel, options, ports):
    forwards = [f"tcp:127.0.0.1:{ports['ssh']}-10.0.2.15:22",
                f"udp:127.0.0.1:{ports['dns']}-10.0.2.15:5353",
                f"tcp:127.0.0.1:{ports['dns']}-10.0.2.15:5353",
                f"tcp:127.0.0.1:{ports['http']}-10.0.2.50:80"]
    arch = tree.arch
    rom = ",romfile=" if arch.bus == "pci" else ""
    return [
        arch.qemu, "-name", "summond-lab", "-nodefaults", "-no-reboot", "-display", "none",
        "-smp", "2", "-m", str(options.memory),
        *arch.machine(tree.image, accel, options.memory // 2),
        # Each boot starts from the image as built; what dom0 writes is gone with QEMU.
        "-drive", f"file={tree.image}/disk.img,if=none,id=disk,format=raw,snapshot=on,cache=unsafe",
        "-device", f"virtio-blk-{arch.bus},drive=disk",
        "-fsdev", f"local,id=share,path={tree.share},security_model=none,multidevs=remap",
        "-device", f"virtio-9p-{arch.bus},fsdev=share,mount_tag=share",
        # Not restrict=on: QEMU would then drop dom0's answers to forwarded UDP queries. dom0 lets
        # nothing out but to the router (dom0/usr/local/lib/lab/net).
        "-netdev", "user,id=net,ipv4=on,net=10.0.2.0/24,ipv6=on,ipv6-net=fec0::/64,"
        + ",".join(f"hostfwd={forward}" for forward in forwards),
        "-device", f"virtio-net-{arch.bus},netdev=net,mac=52:54:00:12:34:56{rom}",
        "-serial", f"file:{tree.console}",
    ]


def _start(tree, accel, options, ports):
    tree.console.write_bytes(b"")
    (tree.share / "ready").unlink(missing_ok=True)
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent():
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0 or os.getppid() != parent:
            os._exit(1)

    with open(tree.run / "qemu.log", "wb") as log:
        process = subprocess.Popen(
            _command(tree, accel, options, ports), stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
            preexec_fn=die_with_parent if options.die_with_parent else None)
    # Guests notice when they are kept waiting: before all else that this machine does (autogroups,
    # sched(7): the session has a niceness of its own).
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{process.pid}/autogroup").write_text("-5")
    return process


def _wait_for_boot(tree, process, accel):
    """Follows the console until dom0 has written its ready mark; raises BootFailed."""
    started = time.monotonic()
    phases = list(PHASES)
    while not (tree.share / "ready").exists():
        elapsed = time.monotonic() - started
        if process.poll() is not None:
            raise BootFailed(f"QEMU ended after {elapsed:.0f} s, status {process.returncode}")
        if elapsed > (KVM_BOOT_LIMIT if accel == "kvm" else tree.arch.boot_limit):
            raise BootFailed(f"dom0 was not up after {elapsed:.0f} s")
        if b"KVM internal error" in (tree.run / "qemu.log").read_bytes():
            raise BootFailed(f"KVM gave up after {elapsed:.0f} s")
        seen = tree.console.read_bytes()
        if not seen and elapsed > FIRST_SIGN_LIMIT:
            raise BootFailed(f"no sign of Xen after {elapsed:.0f} s")
        while phases and phases[0][1] in seen:
            say(f"  {elapsed:5.1f} s  {phases.pop(0)[0]}")
        if b"Panic on CPU" in seen or b"Kernel panic" in seen:
            raise BootFailed(f"Xen or dom0 panicked after {elapsed:.0f} s")
        time.sleep(0.2)
    say(f"  {time.monotonic() - started:5.1f} s  dom0 services")


def _control_path(tree):
    """Where the shared ssh connection has its socket: sun_path holds 108 bytes, ssh adds 18."""
    path = str(tree.run / "ssh")
    return path if len(path) < 90 else tempfile.mkdtemp(prefix="summond-lab-") + "/ssh"


def kill(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def _boot(tree, accel, options):
    """Starts QEMU and waits until dom0 answers; BootFailed if it does not come to that."""
    ports = {"ssh": free_port(),
             "dns": options.dns_port or free_port(socket.SOCK_DGRAM, socket.SOCK_STREAM),
             "http": options.http_port or free_port()}
    process = _start(tree, accel, options, ports)
    try:
        found = {"pid": process.pid, "accel": accel, "ports": ports, "control": _control_path(tree),
                 "memory": options.memory}
        tree.state.write_text(json.dumps(found) + "\n")
        _wait_for_boot(tree, process, accel)
        ssh.connect(tree, found, limit=30)
    except BaseException:
        kill(process)
        _forget(tree)
        raise


def _boot_on_free_ports(tree, accel, options):
    """Free ports are free until somebody takes them, maybe before QEMU does: then it takes others."""
    while True:
        try:
            return _boot(tree, accel, options)
        except BootFailed:
            taken = b"set up host forwarding" in (tree.run / "qemu.log").read_bytes()
            if not taken or options.dns_port or options.http_port:
                raise


def up(tree, options):
    """Starts the lab; returns when dom0 has answered a command."""
    with tree.lock(f"up-{tree.run.name}"):
        if state(tree) is not None:
            raise LabError("the lab is already up (see: tests/lab/lab status)")
        need_tools(tree.arch, tree.arch.qemu, "ssh", "ssh-keygen")
        remembered = _remembered_accel(tree)
        if options.accel != "auto":
            candidates = [options.accel]
        elif remembered:
            candidates = [remembered]
        else:
            kvm = tree.arch.name == NATIVE and os.access("/dev/kvm", os.R_OK | os.W_OK)
            candidates = ["kvm", "tcg"] if kvm else ["tcg"]
        shutil.rmtree(tree.run, ignore_errors=True)
        tree.share.mkdir(parents=True)
        ssh.make_key(tree)
        started = time.monotonic()
        for accel in candidates:
            say(f"up: starting QEMU with {accel}")
            try:
                _boot_on_free_ports(tree, accel, options)
            except BootFailed as failure:
                shutil.copy(tree.run / "qemu.log", tree.run / f"qemu-{accel}.log")
                say(f"  {accel}: {failure} (QEMU's output: {tree.run}/qemu-{accel}.log)")
                if accel == candidates[-1]:
                    raise LabError("the lab did not come up; QEMU's output and the end of "
                                   f"{tree.console}:\n{tail(tree.run / 'qemu.log', 5)}\n"
                                   + tail(tree.console)) from None
                say("  so Xen does not run with it on this machine")
                continue
            if options.accel == "auto":
                _remember_accel(tree, accel)
            say(f"up: dom0 answers after {time.monotonic() - started:.1f} s ({accel})")
            return


def down(tree, limit=30):
    """Ends the lab: an orderly poweroff within `limit` seconds (0: none), then by pid."""
    found = state(tree)
    if found is None:
        say("down: the lab is not up")
        return
    started = time.monotonic()
    try:
        if limit > 0:
            ssh.run(tree, found, ["poweroff", "-f"], timeout=10, capture=True)
        while state(tree) is not None and time.monotonic() - started < limit:
            time.sleep(0.2)
    except (subprocess.TimeoutExpired, LabError):
        pass
    how = "powered off"
    if state(tree) is not None:
        os.kill(found["pid"], signal.SIGKILL)
        how = "killed"
        while state(tree) is not None:
            time.sleep(0.1)
    with contextlib.suppress(ChildProcessError):  # another process may have started it
        os.waitpid(found["pid"], 0)
    _forget(tree)
    say(f"down: {how} after {time.monotonic() - started:.1f} s")


def _forget(tree):
    try:
        directory = os.path.dirname(json.loads(tree.state.read_text())["control"])
        if directory != str(tree.run):
            shutil.rmtree(directory, ignore_errors=True)
        tree.state.unlink()
    except (OSError, ValueError, KeyError):
        pass
