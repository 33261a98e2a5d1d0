"""What is on the Xen host: domains, interfaces, xenstore. And what a test has left there."""

import dataclasses
import os
import pathlib
import re
import subprocess


def output(*argv, timeout=60):
    """Standard output of a command; an AssertionError shows what it said when it fails."""
    done = subprocess.run(argv, check=False, timeout=timeout, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace")
    assert done.returncode == 0, (f"{' '.join(argv)}: status {done.returncode}: "
                                  f"{(done.stderr or done.stdout).strip()}")
    return done.stdout


@dataclasses.dataclass(frozen=True)
class Domain:
    domid: int
    name: str     # "(null)" while a domain dies
    memory: int   # MiB
    vcpus: int
    state: str    # as xl prints it: r(unning) b(locked) p(aused) s(hut down) c(rashed) d(ying)

    @property
    def paused(self):
        return "p" in self.state


def domains():
    """All domains but dom0, by domid."""
    found = {}
    for line in output("xl", "list").splitlines()[1:]:
        name, domid, memory, vcpus, state, _ = line.rsplit(maxsplit=5)
        if domid != "0":
            found[int(domid)] = Domain(int(domid), name, int(memory), int(vcpus), state)
    return found


def domain(name):
    """The one domain of that name, or None; two of one name are an error in itself."""
    found = [d for d in domains().values() if d.name == name]
    assert len(found) <= 1, f"{len(found)} domains are named {name}: {found}"
    return found[0] if found else None


def xenstore():
    """All of xenstore, path -> value (as xenstore-ls prints it: with escapes)."""
    found = {}
    for line in output("xenstore-ls", "-f").splitlines():
        path, _, value = line.partition(" = ")
        found[path] = value[1:-1]
    return found


def xenstore_read(path):
    """One value, or None where there is none."""
    done = subprocess.run(["xenstore-read", path], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def links():
    """The names of dom0's network interfaces."""
    return {re.sub("@.*", "", line.split(": ")[1])
            for line in output("ip", "-o", "link").splitlines()}


def open_files(pid):
    """What a process's descriptors point to, by number."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def cpu_ms(pid):
    """The CPU time that a process has taken so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")


def xenstored():
    """Its process."""
    return int(pathlib.Path("/run/xenstore.pid").read_text())


# Directories that stay when their last entry goes, and dom0's own moving parts.
_NOT_A_TRACE = re.compile(r"/(libxl|vm|local|local/domain|local/domain/0/(backend(/[^/]+)?|"
                          r"libxl|device-model)|local/domain/0/(memory|control|cpu)(/.*)?)$")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What exists on the host at one moment, as far as a domain could leave a trace of it."""

    domids: frozenset
    links: frozenset
    paths: frozenset   # of xenstore
    loops: frozenset   # loop devices in use
    saves: frozenset   # suspended domains

    @staticmethod
    def take():
        loops = (device.parent.name for device in
                 pathlib.Path("/sys/block").glob("loop*/loop"))
        return Snapshot(
            frozenset(domains()), frozenset(links()),
            frozenset(path for path in xenstore() if not _NOT_A_TRACE.match(path)),
            frozenset(loops),
            frozenset(path.name for path in pathlib.Path("/var/lib/summond").glob("*")))

    def without_spares(self):
        """Without the vifs that a daemon keeps for domains to come, whose domids nobody has."""
        spares = {path.split("/")[6] for path in self.paths
                  if re.fullmatch(r"/local/domain/0/backend/vif/\d+/0/script", path)
                  and path.replace("/script", "/mac") not in self.paths  # given to a domain
                  } - {str(domid) for domid in self.domids}
        theirs = re.compile(r"/local/domain/(0/backend/vif/)?(%s)(/.*)?" % "|".join(spares))
        return dataclasses.replace(
            self, links=self.links - {f"vif{domid}.0" for domid in spares},
            paths=frozenset(path for path in self.paths if not theirs.fullmatch(path)))

    def traces(self, earlier):
        """What is here that was not there `earlier`, one line each."""
        # Only the top of each new xenstore directory.
        new = self.paths - earlier.paths
        tops = [path for path in sorted(new) if path.rsplit("/", 1)[0] not in new]
        return ([f"domain {domid}" for domid in sorted(self.domids - earlier.domids)]
                + [f"interface {name}" for name in sorted(self.links - earlier.links)]
                + [f"xenstore {path}" for path in tops]
                + [f"loop device {name}" for name in sorted(self.loops - earlier.loops)]
                + [f"saved domain {name}" for name in sorted(self.saves - earlier.saves)])
