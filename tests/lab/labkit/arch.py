"""What differs between the architectures that the lab can be: a table, and nothing of it elsewhere."""

import dataclasses
import pathlib
import platform
import typing

from .util import Tree

# sched=credit: with credit2 (4.17), under emulation, it happens within minutes that both processors
# idle for ever while dom0's vCPU waits in the run queue.
XEN_OPTIONS = "dom0_max_vcpus=1 sched=credit guest_loglvl=warning conring_size=1M"
DOM0_OPTIONS = "root=/dev/vda rw console=hvc0 net.ifnames=0 loglevel=5 systemd.show_status=1"


def _accel(accel):
    return ["-accel", "kvm" if accel == "kvm" else "tcg,thread=multi,tb-size=512"]


def _amd64_machine(image, accel, memory):
    # With smap dom0 dies at its first bounce frame; with rdtscp PVH guests die in
    # instruction-length emulation. Both are limits of the emulated CPU, not of Xen.
    cpu = {"tcg": "max,-smap,-smep,-la57,-rdtscp", "kvm": "host"}[accel]
    return ["-machine", "q35", "-cpu", cpu, *_accel(accel), "-kernel", f"{image}/xen",
            "-append", f"console=com1 com1=115200,8n1 dom0_mem={memory}M,max:{memory}M {XEN_OPTIONS}",
            "-initrd", f"{image}/vmlinux {DOM0_OPTIONS},{image}/initrd"]


def _arm64_machine(image, accel, memory):
    # The guest-loader writes dom0's kernel and initrd into memory, and into the device tree where they
    # are (Xen: docs/misc/arm/device-tree/booting.txt): no firmware. In its options, commas are doubled.
    options = DOM0_OPTIONS.replace(",", ",,")
    return ["-machine", "virt,virtualization=on,gic-version=3",
            "-cpu", "host" if accel == "kvm" else "cortex-a57", *_accel(accel), "-kernel", f"{image}/xen",
            "-append", f"console=dtuart dom0_mem={memory}M {XEN_OPTIONS}",
            "-device", f"guest-loader,addr=0x50000000,kernel={image}/vmlinux,bootargs={options}",
            "-device", f"guest-loader,addr=0x54000000,initrd={image}/initrd"]


# Debian's name of what this machine is.
NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclasses.dataclass(frozen=True)
class Arch:
    name: str                  # Debian's
    qemu: str                  # the program that is the machine
    machine: typing.Callable   # its arguments: of (image directory, accelerator, dom0's MiB)
    bus: str                   # how the machine's virtio devices are named there
    hypervisor: str            # package, and the file in it
    hypervisor_file: str
    dom0_kernel: str           # packages
    guest_kernel: str
    left_out: frozenset        # of packages-dom0.txt: what Debian does not have there
    guest: str                 # what the second guest runs as
    initrd_modules: tuple      # beside those of kernels.py: how QEMU's devices are reached
    gcc: str                   # for the second guest's one program
    boot_limit: int            # seconds, of a boot in emulation

    @property
    def preset(self):
        """The one of CMakePresets.json that summond and the test unikernel are built with."""
        return "release" if self.name == NATIVE else self.name


AMD64 = Arch(
    name="amd64",
    qemu="qemu-system-x86_64",
    machine=_amd64_machine,
    bus="pci",
    hypervisor="xen-hypervisor-4.17-amd64",
    hypervisor_file="xen-4.17-amd64.gz",
    dom0_kernel="linux-image-amd64",           # the cloud kernel lacks CONFIG_XEN_DOM0
    guest_kernel="linux-image-cloud-amd64",
    left_out=frozenset(),
    guest="PV",
    initrd_modules=("virtio_pci",),
    gcc="x86_64-linux-gnu-gcc",
    boot_limit=300)

ARM64 = Arch(
    name="arm64",
    qemu="qemu-system-aarch64",
    machine=_arm64_machine,
    bus="device",
    hypervisor="xen-hypervisor-4.17-arm64",
    hypervisor_file="xen-4.17-arm64",
    dom0_kernel="linux-image-arm64",
    guest_kernel="linux-image-arm64",
    left_out=frozenset({"qemu-system-xen", "grub-xen-host"}),
    guest="PVH",
    initrd_modules=("virtio_mmio",),
    gcc="aarch64-linux-gnu-gcc",
    boot_limit=400)

ARCHITECTURES = {arch.name: arch for arch in (AMD64, ARM64)}


def tree(directory, name):
    """The lab for this architecture in a build directory."""
    place = pathlib.Path(directory)
    return Tree(place if name == AMD64.name else place / name, ARCHITECTURES[name])
