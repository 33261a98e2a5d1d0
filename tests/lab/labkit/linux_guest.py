"""The lab's second guest: Debian's kernel with a busybox initramfs, run as a PV domain where there is PV."""

import os
import shutil
import stat

from . import kernels
from .util import XEN_DIR, run_logged

MODULES = ["xen_netfront", "xen_blkfront", "af_packet", "ipv6"]


def build(kernel_package, root, staging, gcc, log):
    """Puts /opt/lab/linux/{vmlinuz,initrd} into dom0's tree `root`."""
    target = root / "opt/lab/linux"
    target.mkdir(parents=True)
    (target / "vmlinuz").write_bytes(kernels.unpacked(kernel_package))
    release = next((kernel_package / "lib/modules").iterdir()).name
    modules = kernel_package / "lib/modules" / release
    for directory in ("bin", "dev", "proc", "sbin", "sys", "www"):
        (staging / directory).mkdir(parents=True)
    os.mknod(staging / "dev/console", stat.S_IFCHR | 0o600, os.makedev(5, 1))
    shutil.copy2(root / "usr/bin/busybox", staging / "bin/busybox")
    shutil.copy2(XEN_DIR / "linux-guest/init", staging / "init")
    run_logged([gcc, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
                "-o", staging / "bin/xs", XEN_DIR / "linux-guest/xs.c"], log)
    order = kernels.module_order(modules, MODULES)
    for module in order:
        shutil.copy2(modules / module, staging / module.rsplit("/", 1)[1])
    (staging / "modules").write_text("".join(f"/{m.rsplit('/', 1)[1]}\n" for m in order))
    kernels.pack_initrd(staging, target / "initrd", log)
    shutil.rmtree(staging)
