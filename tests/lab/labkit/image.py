"""`lab image`: dom0's root disk, kernel and initrd, and the hypervisor, from Debian packages.

Where dom0 is of another architecture than this machine, its programs run in emulation (emulated.py).

Two stages, each put in place by one rename, so that a killed build leaves nothing
that looks whole:
  cache/base-<hash>  debootstrap and the packages: minutes, changes with packages-dom0.txt
  image/             base + tests/lab/dom0 + the second guest, as an ext4 disk: seconds
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import stat

from . import emulated, kernels, lent, linux_guest, mirror
from .arch import NATIVE
from .util import XEN_DIR, LabError, need_tools, packages, run_logged, say, step

SUITE = "bookworm"
DISK_SIZE = "2G"

# Units that only cost boot time here.
MASKED_UNITS = """
apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
e2scrub_reap.service fstrim.timer logrotate.timer man-db.timer systemd-tmpfiles-clean.timer
console-getty.service getty@tty1.service serial-getty@hvc0.service getty.target
systemd-logind.service user.slice remote-fs.target
systemd-ask-password-console.path systemd-ask-password-wall.path
systemd-binfmt.service systemd-boot-system-token.service systemd-firstboot.service
systemd-hwdb-update.service systemd-journal-catalog-update.service
systemd-journal-flush.service systemd-machine-id-commit.service systemd-modules-load.service
systemd-pcrphase.service systemd-pcrphase-initrd.service systemd-pcrphase-sysinit.service
systemd-pstore.service systemd-random-seed.service systemd-remount-fs.service
systemd-rfkill.service systemd-sysusers.service systemd-timesyncd.service
systemd-update-done.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
systemd-user-sessions.service
modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service
modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service
dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount
sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
proc-sys-fs-binfmt_misc.automount
networking.service nftables.service xendomains.service
xen-watchdog.service kmod-static-nodes.service
nsd.service knot.service nginx.service haproxy.service
""".split()
ENABLED_UNITS = ["lab-net.service", "lab-ssh.service", "lab-ready.service"]

BASE_SCRIPT = r"""
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install PACKAGES
mkdir -p /kernels
cd /kernels
for meta in DOM0_KERNEL GUEST_KERNEL; do
    name=$(apt-cache depends $meta | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
    apt-get -q -o APT::Sandbox::User=root download "$name"
    mkdir $meta
    dpkg-deb -x "$name"_*.deb $meta
    rm "$name"_*.deb
    depmod -b /kernels/$meta "$(ls $meta/lib/modules)"
done
apt-get -q -o APT::Sandbox::User=root download HYPERVISOR
mkdir HYPERVISOR
dpkg-deb -x HYPERVISOR_*.deb HYPERVISOR
rm HYPERVISOR_*.deb
rm -f /usr/sbin/policy-rc.d
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /usr/share/doc /usr/share/man \
    /usr/share/info /usr/share/locale /usr/share/lintian /usr/share/bug
find / -xdev -name __pycache__ -prune -exec rm -rf {} +
python3 -m compileall -q /usr/lib/python3 /usr/lib/python3.11 || true
"""


def _hash_of(paths, *texts):
    """A hash over file names, modes and contents, and over the given texts."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(XEN_DIR)} {path.stat().st_mode:o}\0".encode())
        digest.update(path.read_bytes())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def _packages(arch):
    return [name for name in packages("packages-dom0.txt") if name not in arch.left_out]


def _base_hash(arch):
    script = BASE_SCRIPT + arch.dom0_kernel + arch.guest_kernel + arch.hypervisor
    return _hash_of([], script, SUITE, *_packages(arch))


def _image_hash(arch):
    inputs = [path for name in ("dom0", "linux-guest")
              for path in (XEN_DIR / name).rglob("*") if path.is_file()]
    inputs += [XEN_DIR / "labkit" / name for name in ("arch.py", "image.py", "kernels.py", "linux_guest.py")]
    return _hash_of(inputs, _base_hash(arch))


def is_current(tree):
    try:
        return (tree.image / "hash").read_text() == _image_hash(tree.arch)
    except OSError:
        return False


def build(tree):
    """Makes the image unless the one that is there has the same inputs."""
    with tree.lock("image"):
        if is_current(tree):
            say(f"image: up to date in {tree.image}")
            return
        if os.geteuid() != 0:
            raise LabError("the lab needs root: debootstrap makes a root file system")
        need_tools(tree.arch, "debootstrap", "mke2fs", "cpio", "depmod", "unshare", "chroot",
                   tree.arch.gcc)
        log = tree.dir / "image.log"
        log.unlink(missing_ok=True)
        say(f"image: building in {tree.dir} (log: {log})")
        base = _base(tree, log)
        _image(tree, base, log)


def _fresh(path):
    """An empty directory for an unfinished stage."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    return path


def _base(tree, log):
    arch = tree.arch
    base = tree.cache / f"base-{_base_hash(arch)}"
    if base.exists():
        return base
    new = _fresh(tree.cache / "base.new")
    uri = mirror.sources(SUITE)[0][0]
    with step(f"bootstrap Debian {SUITE} for {arch.name} from {uri}"):
        # It mounts /proc in there, which is not to stay when it is killed.
        run_logged(["unshare", "--mount", "debootstrap", "--variant=minbase", "--include=ca-certificates",
                    f"--arch={arch.name}", *([] if _is_native(arch) else ["--foreign"]), SUITE, new, uri],
                   log, env={**os.environ, **mirror.environment()})
        if not _is_native(arch):
            # A container's root may make no devices; the first stage has made them.
            with lent.lent(new, SUITE, log):
                _inside(tree, new, ["/debootstrap/debootstrap", "--second-stage"], log,
                        env={**os.environ, "container": "lxc"})
    mirror.configure(new, SUITE)
    kernel_packages = " ".join(dict.fromkeys([arch.dom0_kernel, arch.guest_kernel]))
    script = BASE_SCRIPT
    for key, value in (("PACKAGES", " ".join(_packages(arch))),
                       ("DOM0_KERNEL GUEST_KERNEL", kernel_packages),
                       ("HYPERVISOR", arch.hypervisor)):
        script = script.replace(key, value)
    with step("install dom0's packages"):
        shutil.copy("/etc/resolv.conf", new / "etc/resolv.conf")
        with contextlib.nullcontext() if _is_native(arch) else lent.lent(new, SUITE, log):
            _inside(tree, new, ["/bin/sh", "-c", script], log)
    mirror.forget(new)
    for old in tree.cache.glob("base-*"):
        shutil.rmtree(old)
    new.rename(base)
    return base


def _is_native(arch):
    return arch.name == NATIVE


def _inside(tree, root, command, log, **kwargs):
    """Runs a command in the new system. Own mount and pid namespaces: nothing stays mounted or
    running, however this ends."""
    emulated.run_logged(command, root, lambda: emulated.emulator(tree.cache, log), log, **kwargs)


def _image(tree, base, log):
    arch, new = tree.arch, _fresh(tree.dir / "image.new")
    root = new / "root"
    with step("lay out dom0"):
        # Hard links: files that differ from the base are replaced, never written to.
        run_logged(["cp", "-al", base, root], log)
        shutil.rmtree(root / "kernels")
        release = kernels.install_modules(base / "kernels" / arch.dom0_kernel, root, log)
        _overlay(root)
    with step("take the kernels apart"):
        (new / "vmlinux").write_bytes(kernels.unpacked(base / "kernels" / arch.dom0_kernel))
        hypervisor = base / "kernels" / arch.hypervisor / "boot" / arch.hypervisor_file
        data = hypervisor.read_bytes()
        (new / "xen").write_bytes(gzip.decompress(data) if hypervisor.suffix == ".gz" else data)
        kernels.make_initrd(root, release, arch.initrd_modules, new / "initrd", log)
    with step(f"make the second guest (Linux, {arch.guest})"):
        linux_guest.build(base / "kernels" / arch.guest_kernel, root, new / "linux-guest", arch.gcc, log)
    with step("write dom0's disk"):
        run_logged(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-m", "0",
                    "-L", "dom0", "-d", root, new / "disk.img", DISK_SIZE], log)
        shutil.rmtree(root)
    (new / "hash").write_text(_image_hash(arch))
    old = tree.dir / "image.old"
    shutil.rmtree(old, ignore_errors=True)
    if tree.image.exists():
        tree.image.rename(old)
    new.rename(tree.image)
    shutil.rmtree(old, ignore_errors=True)


def _replace(path, data, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(data)
    path.chmod(mode)


def _overlay(root):
    """tests/lab/dom0 on top of the base, units masked and enabled."""
    for path in (XEN_DIR / "dom0").rglob("*"):
        if path.is_file() and path.name != "initrd-init":
            _replace(root / path.relative_to(XEN_DIR / "dom0"), path.read_bytes(),
                     stat.S_IMODE(path.stat().st_mode))
    for unit in MASKED_UNITS:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    for unit in ENABLED_UNITS:
        (wants / unit).symlink_to(f"/etc/systemd/system/{unit}")
    default = root / "etc/systemd/system/default.target"
    default.unlink(missing_ok=True)
    default.symlink_to("/lib/systemd/system/multi-user.target")
    for directory in ("mnt/share", "var/log/xen/console", "opt/summond", "opt/lab", "etc/dropbear", "proc", "sys"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    _replace(root / "etc/machine-id", hashlib.md5(b"summond lab").hexdigest().encode() + b"\n")
