"""Programs of another architecture in a root directory, by QEMU's user-mode emulation.

The kernel is told of the emulator in namespaces of this call's own (user, mount, pid), which have a
binfmt_misc of their own since Linux 6.7: the machine's is not touched, and all of it ends with the call.

    emulated.py QEMU ROOT COMMAND...    as root; ends with the command's status
"""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
PR_SET_PDEATHSIG = 1

# An ELF header of class 64, little-endian, ET_EXEC or ET_DYN, EM_AARCH64.
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"

libc = ctypes.CDLL(None, use_errno=True)


def run_logged(command, root, emulator, log, **kwargs):
    """Runs a command in the root directory, natively where that works; `emulator`: a function that
    finds the file of QEMU where it does not."""
    from .util import run_logged as run
    if subprocess.run(["chroot", root, "/bin/true"], check=False, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL).returncode == 0:
        run(["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc",
             "chroot", root, *command], log, **kwargs)
    else:
        run([sys.executable, "-B", __file__, emulator(), root, *command], log, **kwargs)


def emulator(directory, log):
    """The static qemu-aarch64 of this machine, or else Debian's, fetched into `directory`: installing
    the package would tell the whole machine of it."""
    from .util import run_logged as run
    installed = shutil.which("qemu-aarch64-static")
    file = pathlib.Path(directory) / "qemu-aarch64-static"
    if installed:
        return installed
    if not file.exists():
        work = file.with_suffix(".new")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "qemu-user-static"], log,
            cwd=work)
        run(["dpkg-deb", "-x", *work.glob("*.deb"), work], log)
        (work / "usr/bin/qemu-aarch64-static").rename(file)
        shutil.rmtree(work)
    return str(file)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(kind, target, flags=0):
    _check(libc.mount(kind.encode(), str(target).encode(), kind.encode(), flags, None),
           f"mounting {kind} on {target}")


def _register(qemu, place):
    """QEMU is what runs ARM64 programs, in this user namespace. F: it is opened now, so no root
    directory has to have it."""
    place.mkdir(exist_ok=True)
    try:
        _mount("binfmt_misc", place)
    except PermissionError as error:
        raise OSError(error.errno, f"{error}. User namespaces have a binfmt_misc of their own since Linux "
                      "6.7. On an older one, have the machine itself run ARM64 programs (Debian: "
                      "apt-get install qemu-user-static binfmt-support), then try again") from None
    (place / "register").write_text(f":summond-arm64:M::{MAGIC}:{MASK}:{qemu}:F\n", encoding="ascii")


def _first(qemu, root, command):
    """The first process of the namespaces: its end is the end of them all."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")
    _register(qemu, root.parent / "binfmt")
    _mount("proc", root / "proc")
    os.chroot(root)
    os.chdir("/")
    pid = os.fork()
    if pid == 0:
        os.execvp(command[0], command)
    while True:  # orphans become children of the first process
        ended, how = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(how)


def main():
    qemu, root, command = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    ready, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID), "namespaces")
        os.write(ready[1], b"x")
        os.read(mapped[0], 1)
        first = os.fork()
        if first == 0:
            try:
                status = _first(qemu, root, command)
            except OSError as error:
                print(error, file=sys.stderr, flush=True)
                status = 1
            os._exit(status & 0xff)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xff)
    os.close(ready[1])
    if os.read(ready[0], 1):
        for name in ("uid_map", "gid_map"):
            pathlib.Path(f"/proc/{child}/{name}").write_text("0 0 4294967295\n")
        os.write(mapped[1], b"x")
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xff)


if __name__ == "__main__":
    main()
