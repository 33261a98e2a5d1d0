"""Settings of xl's files that libxl and summond honour, seen in the domain and in dom0."""

import json
import pathlib
import subprocess

from support import host
from support.lab import ARM, LINUX_KERNEL, LINUX_RAMDISK, NO_PV, by_name_only, limit, not_on_arm
from support.site import ipv4, name, start

GRUB_PV = "/usr/lib/grub-xen/grub-x86_64-xen.bin"
GRUB_PVH = "/usr/lib/grub-xen/grub-i386-xen_pvh.bin"


def by_xl(path, number, **changes):
    """Service s<number> with its guest described in an xl file."""
    return {"xl": str(path), "names": [name(number)], "addresses": [ipv4(number)], "ttl": 5,
            "ready": {"xenstore": "data/ready", "timeout": "4m"}, "idle": "never", **changes}


def words_for(number):
    """What the Linux guest is told."""
    return f"name=s{number} ipv4={ipv4(number)}/24 gw=10.0.2.2"


def linux_file(lab, number, lines):
    """An xl file of a Linux guest."""
    path = lab.directory / f"s{number}.cfg"
    path.write_text(f"name = 's{number}'\nkernel = '{lab.need(LINUX_KERNEL)}'\n"
                    f"ramdisk = '{lab.need(LINUX_RAMDISK)}'\nmemory = 96\n"
                    f"extra = '{words_for(number)}'\n{lines}\n")
    return path


@limit(500)
def test_xl_settings(lab):
    """CPUs, scheduling, a vif's name, rate and MTU, disks by number: each reaches the domain, which
    a packet wakes; and all of it goes again."""
    host.output("modprobe", "loop")
    image = lab.directory / "data.img"
    image.write_bytes(b"by its number\n" + bytes(1 << 20))
    path = linux_file(lab, 70, "vcpus = 1\nmaxvcpus = 2\ncpus = '1'\ncpus_soft = ['0', '1']\n"
                      "cpu_weight = 512\ncap = 80\npool = 'Pool-0'\n"
                      + ("" if ARM else "tsc_mode = 'native'\nlocaltime = 0\n")
                      + "serial = 'pty'\nvnc = 0\ndhcp = 'dhcp'\n"
                      "max_grant_frames = 40\nmax_event_channels = 500\n"
                      "vif = ['ip=10.0.2.170,bridge=xenbr0,vifname=web70,rate=10Mb/s,mtu=1400,xenif']\n"
                      f"disk = ['{image},raw,0xca00,w']")
    # The guest's link shows that it is up: it is asked for by a packet.
    daemon = start(lab, by_xl(path, 70))
    assert lab.http_get(ipv4(70), deadline=240).find("xvda: by its number") > 0
    domid = daemon.wait_woken("s70")["domid"]
    vcpus = [line.split() for line in host.output("xl", "vcpu-list", "s70").splitlines()[1:]]
    assert [row[4] == "--p" for row in vcpus] == [False, True], f"not one of two online: {vcpus}"
    affinity = [row[-3:] for row in vcpus]
    assert [row[0] for row in affinity] == ["1", "1"] and affinity[0][-1] == "0", affinity
    scheduler = host.output("xl", "info", "xen_scheduler").strip()  # credit or credit2
    scheduled = host.output("xl", f"sched-{scheduler}", "-d", "s70").split()
    assert scheduled[-2:] == ["512", "80"], f"not its weight and cap: {scheduled}"
    listed = json.loads(host.output("xl", "list", "-l", "s70"))[0]["config"]
    assert listed["b_info"]["max_grant_frames"] == 40, listed
    assert listed["b_info"]["event_channels"] == 500, listed
    assert ARM or listed["b_info"]["tsc_mode"] == "native", listed
    backend = f"/local/domain/0/backend/vif/{domid}/0"
    assert host.xenstore_read(f"{backend}/rate") == "62500,50000"
    assert host.xenstore_read(f"{backend}/mtu") == "1400"
    link = host.output("ip", "-o", "link", "show", "dev", "web70")
    assert " mtu 1400 " in link and " master xenbr0 " in link, link
    assert not pathlib.Path(f"/sys/class/net/vif{domid}.0").exists()
    lab.measured.update(cpus=affinity, scheduler=" ".join(scheduled[-3:]), link=link[:60])
    host.output("xl", "destroy", str(domid))
    daemon.wait_log("s70: domid", "destroyed by somebody else")
    lab.assert_no_trace()


@not_on_arm("Debian has no QEMU for arm64 that serves 9pfs to Xen's guests")
@limit(500)
def test_p9(lab):
    """A directory of dom0 is shared with the guest (p9)."""
    shared = lab.directory / "shared"
    shared.mkdir()
    path = linux_file(lab, 71, "vif = ['bridge=xenbr0']\n"
                      f"p9 = ['tag=www,security_model=none,path={shared}']")
    daemon = start(lab, by_xl(path, 71))
    daemon.resolve(name(71))
    domid = daemon.wait_woken("s71")["domid"]
    assert host.xenstore_read(f"/local/domain/{domid}/device/9pfs/0/tag") == "www"
    assert host.xenstore_read(f"/local/domain/0/backend/9pfs/{domid}/0/path") == str(shared)
    host.output("xl", "destroy", str(domid))
    daemon.wait_log("s71: domid", "destroyed by somebody else")
    lab.assert_no_trace()


@limit(600)
def test_preserved(lab):
    """A domain that ends is kept for looking at where its file says so, one at a time; the service
    goes on with another."""
    path = linux_file(lab, 72, "vif = ['bridge=xenbr0']\non_poweroff = 'preserve'")
    daemon = start(lab, by_xl(path, 72))
    daemon.resolve(name(72))
    first = daemon.wait_woken("s72")["domid"]
    host.output("xl", "shutdown", "s72")
    daemon.wait_log(f"s72: domid {first} is preserved as s72.preserved")
    assert host.domain("s72.preserved").domid == int(first), "it is not there"
    daemon.resolve(name(72))
    second = daemon.wait_woken("s72", times=2)["domid"]
    assert "s72: a Linux guest" in lab.http_get(ipv4(72), deadline=60)
    host.output("xl", "shutdown", "s72")
    daemon.wait_log(f"domid {second} is not preserved")
    lab.wait_until(lambda: not host.domain("s72"), 60, "the second to be destroyed")
    daemon.stop()
    start(lab, by_xl(path, 72))  # what is preserved is nobody's business any more
    assert host.domain("s72.preserved"), "the next process has taken it for its own"
    host.output("xl", "destroy", "s72.preserved")
    lab.assert_no_trace()


def disk_with_grub(lab, number, fstype="ext3"):
    """An image as installers make it: a file system with a kernel and what GRUB is to boot."""
    host.output("modprobe", "loop")
    tree = lab.directory / f"root{number}"
    (tree / "boot/grub").mkdir(parents=True)
    for file, source in (("vmlinuz", LINUX_KERNEL), ("initrd", LINUX_RAMDISK)):
        (tree / "boot" / file).write_bytes(pathlib.Path(lab.need(source)).read_bytes())
    (tree / "boot/grub/grub.cfg").write_text(
        "set default=0\nset timeout=0\nmenuentry 'Linux' {\n"
        f"  linux /boot/vmlinuz root=/dev/xvda ro {words_for(number)}\n"
        "  initrd /boot/initrd\n}\n")
    image = lab.directory / f"root{number}.img"
    subprocess.run(["mke2fs", "-q", "-t", fstype, "-d", str(tree), str(image), "96M"], check=True)
    return image


@limit(600)
def test_pygrub(lab):
    """A guest whose kernel is in its disk is booted by pygrub, again after it was put away."""
    image = disk_with_grub(lab, 73)
    path = lab.directory / "s73.cfg"
    path.write_text("name = 's73'\nbootloader = 'pygrub'\nmemory = 128\n"
                    f"disk = ['{image},raw,xvda,r']\nvif = ['bridge=xenbr0']\n")
    daemon = start(lab, by_xl(path, 73))
    for times in (1, 2):
        assert "s73: a Linux guest" in lab.http_get(ipv4(73), deadline=240)  # woken by a packet
        woke = daemon.wait_woken("s73", times=times)
        lab.measured[f"build{times}"] = f"{woke['build']} ms"
        assert "root=/dev/xvda ro name=s73" in lab.http_get(ipv4(73), "/cmdline", deadline=60)
        host.output("xl", "destroy", "s73")
        daemon.wait_log("s73: domid", "destroyed by somebody else", times=times)
    image.write_bytes(bytes(1 << 20))
    daemon.refusal(name(73))
    lab.measured["broken"] = daemon.log_lines("could not wake s73")[-1][-120:]
    lab.assert_no_trace()


def boot_by_grub(lab, number, kernel, kind):
    """Wakes a guest whose kernel is GRUB, which boots what is in its disk."""
    image = disk_with_grub(lab, number)
    path = lab.directory / f"s{number}.cfg"
    path.write_text(f"name = 's{number}'\nkernel = '{lab.need(kernel)}'\ntype = '{kind}'\n"
                    f"memory = 256\ndisk = ['{image},raw,xvda,r']\nvif = ['bridge=xenbr0']\n")
    daemon = start(lab, by_xl(path, number, ready={"xenstore": "data/ready", "timeout": "9m"}))
    daemon.resolve(name(number))
    daemon.wait_woken(f"s{number}", limit=540)
    assert f"s{number}: a Linux guest" in lab.http_get(ipv4(number), deadline=120)
    host.output("xl", "destroy", f"s{number}")
    daemon.wait_log(f"s{number}: domid", "destroyed by somebody else")
    lab.assert_no_trace()


@by_name_only("GRUB does not come past its menu within minutes on an emulated CPU")
@not_on_arm(NO_PV)
@limit(700)
def test_pvgrub(lab):
    """GRUB for PV guests, as a kernel, boots what is in the disk."""
    boot_by_grub(lab, 74, GRUB_PV, "pv")


@by_name_only("GRUB crashes on an emulated CPU, when xl creates it, too")
@not_on_arm("GRUB for PVH guests is for x86")
@limit(700)
def test_pvhgrub(lab):
    """GRUB for PVH guests, as a kernel, boots what is in the disk."""
    boot_by_grub(lab, 75, GRUB_PVH, "pvh")


@not_on_arm(NO_PV)
@limit(300)
def test_type_of_the_kernel(lab):
    """A kernel for another type of guest: the log says type, where libxc says that it has found no
    loader."""
    path = lab.directory / "s76.cfg"
    path.write_text(f"name = 's76'\nkernel = '{lab.need(GRUB_PVH)}'\nmemory = 64\n"
                    "vif = ['bridge=xenbr0']\n")
    daemon = start(lab, by_xl(path, 76))
    said = f"{GRUB_PVH} is for guests of type pvh, and this one is of type pv"
    daemon.wait_log("warning", said)
    daemon.refusal(name(76))
    daemon.wait_log("could not wake s76", said)
