"""Guests that are described elsewhere: by xl files, and for rumprun."""

import pathlib
import subprocess

from support import host
from support.lab import (LINUX_KERNEL, LINUX_RAMDISK, LINUX_TYPE, NO_PV, UNIKERNEL,
                         by_name_only, limit, not_on_arm)
from support.site import ipv4, name, page, service, start

CONSOLES = pathlib.Path("/var/log/xen/console")
# In the form that the rumprun script gives it, short enough for the unikernel to print.
SHORT = '{, \n\t"env": "A=b", \n\t"env": "C=d", \n\t"cmdline": "hello world", \n}, \n'


def by_xl(path, number, **changes):
    """Service s<number> with its guest described in an xl file."""
    return {"xl": str(path), "names": [name(number)], "addresses": [ipv4(number)], "ttl": 5,
            "ready": {"xenstore": "data/ready", "timeout": "3m"}, "idle": "never", **changes}


def stored(path):
    """A value of xenstore, octet for octet."""
    read = subprocess.run(["xenstore-read", "-R", path], check=True, stdout=subprocess.PIPE)
    return read.stdout.decode()


@limit(400)
def test_xl_files(lab):
    """Guests described by xl files as MirageOS and others write them wake and serve."""
    directory = lab.directory / "guests"
    directory.mkdir()
    (directory / "hello.xen").symlink_to(lab.need(UNIKERNEL))
    mirage = directory / "hello.xl"
    mirage.write_text("name = 's62'\nkernel = 'hello.xen'\ntype = 'pvh'\nmemory = 16\n"
                      "on_crash = 'preserve'\n\ndisk = [  ]\n\n"
                      "# if your system uses something else\n"
                      "vif = [ 'bridge=xenbr0' ]\n")
    linux = directory / "linux.cfg"
    linux.write_text(f"# of the type that is the default\nname = 's63'; vcpus = '2'\n"
                     f"kernel = \"{lab.need(LINUX_KERNEL)}\"\n"
                     f"ramdisk = \"{lab.need(LINUX_RAMDISK)}\"\n"
                     f"memory = 96; maxmem = 128\n"
                     f"root = '/dev/ram0'\n"
                     f"extra = 'name=s63 ipv4={ipv4(63)}/24 gw=10.0.2.2'\n"
                     f"vif = [ 'mac=00:16:3e:00:00:63,bridge=xenbr0' ]\n"
                     f"on_poweroff = 'destroy'\n")
    daemon = start(lab, by_xl(mirage, 62, cmdline="--ipv4={ipv4}/24 --name={name}"),
                   by_xl(linux, 63))
    daemon.resolve(name(62))
    domid = daemon.wait_woken("s62")["domid"]
    assert page(lab, 62)["name"] == "s62"
    assert host.xenstore_read(f"/local/domain/{domid}/memory/static-max") == str(16 * 1024)
    daemon.resolve(name(63))
    domid = daemon.wait_woken("s63")["domid"]
    assert "s63: a Linux guest" in lab.http_get(ipv4(63), deadline=60)
    listed = host.output("xl", "list", "-l", "s63")
    assert f'"type": "{LINUX_TYPE}"' in listed and '"max_vcpus": 2' in listed, listed
    assert host.xenstore_read(f"/local/domain/{domid}/memory/static-max") == str(128 * 1024)
    assert host.xenstore_read(f"/local/domain/{domid}/memory/target") == str(96 * 1024)
    vif = f"/local/domain/{domid}/device/vif/0/mac"
    assert host.xenstore_read(vif) == "00:16:3e:00:00:63", "not the MAC in the file"


@not_on_arm(NO_PV)
@limit(400)
def test_rumprun_cfg(lab):
    """A rumprun configuration is in xenstore before the guest runs, to the octet, of any size that
    xenstore takes (by its quota-maxsize); what it does not take is said."""
    short, long, longer = (lab.directory / f"{size}.json" for size in ("short", "long", "longer"))
    short.write_text(SHORT)
    text = '{"cmdline": "%s"}'
    for file, octets in ((long, 2048), (longer, 4064)):
        file.write_text(text % ("x" * (octets - len(text % ""))))
    daemon = start(lab, service(lab, 64, type="pvh", rumprun={"config": str(short)}),
                   service(lab, 65, type="pvh", rumprun={"config": str(long)}),
                   service(lab, 68, type="pvh", rumprun={"config": str(longer)}),
                   service(lab, 66, type="pvh", rumprun={
                       "cmdline": "nginx", "hostname": "{name}", "net": {"mask": 24}}))
    short.unlink()  # it was read when the configuration was loaded
    for number, expected in ((64, SHORT), (65, long.read_text())):
        daemon.resolve(name(number))
        domid = daemon.wait_woken(f"s{number}")["domid"]
        assert stored(f"/local/domain/{domid}/rumprun/cfg") == expected
    console = (CONSOLES / "guest-s64.log").read_text(errors="replace")
    said = console.replace("\r\n", "\n")
    assert f"rumprun/cfg: {SHORT}" in said, f"the guest found something else: {said}"
    daemon.resolve(name(66))
    made = stored(f"/local/domain/{daemon.wait_woken('s66')['domid']}/rumprun/cfg")
    assert '"hostname": "s66"' in made and f'"addr": "{ipv4(66)}"' in made, made
    daemon.refusal(name(68))
    daemon.wait_log("could not wake s68: xenstore does not take the 4064 octets of rumprun/cfg")


@not_on_arm(NO_PV)
@by_name_only("Xen's shim ends with a general protection fault on an emulated CPU")
@limit(400)
def test_pvshim(lab):
    """With pvshim a PV kernel runs inside a PVH domain."""
    guest = service(lab, 67, type="pvh", pvshim=True, kernel=lab.need(LINUX_KERNEL),
                    ramdisk=lab.need(LINUX_RAMDISK), memory="128MiB",
                    cmdline="name={name} ipv4={ipv4}/24 gw=10.0.2.2",
                    ready={"xenstore": "data/ready", "timeout": "5m"})
    daemon = start(lab, guest)
    daemon.resolve(name(67))
    daemon.wait_woken("s67")
    assert "s67: a Linux guest" in lab.http_get(ipv4(67), deadline=60)
    assert '"type": "pvh"' in host.output("xl", "list", "-l", "s67"), "not PVH"
