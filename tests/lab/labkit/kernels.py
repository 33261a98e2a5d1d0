"""Debian's kernel packages taken apart: the ELF kernel, the modules that are wanted, initramfs."""

import lzma
import os
import shutil
import stat
import subprocess

from .util import XEN_DIR, LabError, run_logged

# Loaded before the root disk is there.
INITRD_MODULES = ["virtio_blk", "crc32c_generic", "ext4", "virtio_net",
                  "9p", "9pnet_virtio", "bridge"]
# Kept in dom0's /lib/modules; the rest of the kernel package is thrown away.
MODULE_DIRS = [
    "lib", "crypto/crc32c_generic.ko",
    "drivers/block/loop.ko", "drivers/block/virtio_blk.ko", "drivers/block/xen-blkback",
    "drivers/block/nbd.ko", "drivers/net/dummy.ko", "drivers/net/ifb.ko",
    "drivers/net/macvlan.ko", "drivers/net/net_failover.ko", "drivers/net/tap.ko",
    "drivers/net/tun.ko", "drivers/net/veth.ko", "drivers/net/virtio_net.ko",
    "drivers/net/vxlan", "drivers/net/xen-netback", "drivers/virtio", "drivers/xen",
    "fs/9p", "fs/ext4", "fs/fscache", "fs/isofs", "fs/jbd2", "fs/mbcache.ko", "fs/netfs",
    "fs/overlayfs", "fs/squashfs",
    "net/802", "net/8021q", "net/9p", "net/bridge", "net/core", "net/ipv4", "net/ipv6",
    "net/llc", "net/netfilter", "net/packet", "net/sched", "net/unix",
]


def unpacked(package):
    """The ELF file inside the package's bzImage: nobody has to decompress it under emulation. An arm64
    Image is not compressed."""
    bzimage = next((package / "boot").glob("vmlinuz-*")).read_bytes()
    # Documentation/arch/x86/boot.rst: setup_sects at 0x1f1, payload offset and length at 0x248.
    if bzimage[0x202:0x206] != b"HdrS":
        return bzimage
    setup = (bzimage[0x1f1] + 1) * 512
    offset = setup + int.from_bytes(bzimage[0x248:0x24c], "little")
    payload = bzimage[offset:offset + int.from_bytes(bzimage[0x24c:0x250], "little")]
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    return bzimage  # compressed otherwise: Xen and libxl can do that themselves


def install_modules(package, root, log):
    """Copies the wanted modules and all they depend on; returns the kernel release."""
    source = next((package / "lib/modules").iterdir())
    release = source.name
    needs = {}
    for line in (source / "modules.dep").read_text().splitlines():
        module, _, deps = line.partition(":")
        needs[module] = deps.split()
    wanted = [f"kernel/{name}" for name in MODULE_DIRS]
    keep = {module for module in needs
            if any(module == name or module.startswith(name + "/") for name in wanted)}
    keep |= {dep for module in keep for dep in needs[module]}
    target = root / "usr/lib/modules" / release
    for module in keep:
        (target / module).parent.mkdir(parents=True, exist_ok=True)
        os.link(source / module, target / module)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        os.link(source / name, target / name)
    run_logged(["depmod", "-b", root, release], log)
    return release


def pack_initrd(staging, target, log):
    """The tree `staging` as an uncompressed initramfs."""
    names = "\n".join(str(path.relative_to(staging)) for path in sorted(staging.rglob("*")))
    with open(log, "ab") as err, open(target, "wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=staging,
                       input=names.encode(), stdout=out, stderr=err, check=True)


def module_order(modules, names):
    """The files of the named modules, each after its needs. `modules`: a lib/modules/RELEASE."""
    needs, files = {}, {}
    for line in (modules / "modules.dep").read_text().splitlines():
        module, _, deps = line.partition(":")
        needs[module] = deps.split()
        files[module.rsplit("/", 1)[1].split(".")[0].replace("-", "_")] = module
    builtin = {line.rsplit("/", 1)[1].split(".")[0].replace("-", "_")
               for line in (modules / "modules.builtin").read_text().splitlines()}
    order = []
    for name in names:
        if name not in files:
            if name in builtin:
                continue
            raise LabError(f"the kernel in {modules} has no module {name}")
        # modules.dep lists a module's needs with the deepest last.
        for module in [*reversed(needs[files[name]]), files[name]]:
            if module not in order:
                order.append(module)
    return order


def make_initrd(root, release, bus, target, log):
    """dom0's initramfs: busybox, the modules for the root disk and for the `bus` it is on,
    dom0/initrd-init."""
    staging = target.with_name("initrd.tree")
    staging.mkdir()
    for directory in ("bin", "dev", "proc", "root"):
        (staging / directory).mkdir()
    shutil.copy2(root / "usr/bin/busybox", staging / "bin/busybox")
    shutil.copy2(XEN_DIR / "dom0/initrd-init", staging / "init")
    os.mknod(staging / "dev/console", stat.S_IFCHR | 0o600, os.makedev(5, 1))
    modules = root / "usr/lib/modules" / release
    order = module_order(modules, [*bus, *INITRD_MODULES])
    for module in order:
        shutil.copy2(modules / module, staging / module.rsplit("/", 1)[1])
    (staging / "modules").write_text("".join(f"/{m.rsplit('/', 1)[1]}\n" for m in order))
    pack_initrd(staging, target, log)
    shutil.rmtree(staging)
