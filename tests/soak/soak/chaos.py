"""What happens to the daemon during a storm: reloads, good and bad, and sudden deaths."""

import collections
import glob
import os
import time

from . import world
from .timeline import now



class Chaos:
    def __init__(self, subject, timeline, rng, directory, listen, kernel, longest_pause):
        self.subject = subject
        self.timeline = timeline
        self.rng = rng
        self.directory = directory
        self.listen = listen
        self.kernel = kernel
        self.longest_pause = longest_pause  # seconds between two events
        self.version = 0  # in force
        self.newest = 0  # written
        self.counts = collections.Counter()
        self.events = [
            (self.reload, 45), (self.several_signals, 7), (self.broken_yaml, 5),
            (self.broken_value, 4), (self.broken_zone, 6), (self.missing_zone, 3),
            (self.missing_configuration, 2), (self.kill_loader, 4), (self.kill_front, 8),
            (self.kill_new_front, 5), (self.kill_draining_front, 3), (self.kill_vmm, 6),
            (self.kill_both, 2)]

    def storm(self, until):
        """Every kind once before any comes twice, as far as there is time."""
        while now() < until:
            unseen = [event for event, _ in self.events if event.__name__ not in self.counts]
            event = self.rng.choice(unseen) if unseen and self.rng.random() < 0.5 else \
                self.rng.choices(*zip(*self.events))[0]
            event()
            self.counts[event.__name__] += 1
            pause = min(self.rng.random() * self.longest_pause, until - now())
            end = now() + pause
            self.subject.wait(lambda end=end: now() >= end, "nothing")

    # -- Files

    def zone_path(self, version):
        return os.path.join(self.directory, f"soak-{version}.zone")

    def write(self, version, zone=None, configuration=None):
        """The files of a version, or broken ones. Zone files have names of their own: no loader
        can mix two versions."""
        path = self.zone_path(version)
        for old in glob.glob(self.zone_path("*")):
            if old not in (path, self.zone_path(self.version)):
                os.unlink(old)
        world.write(path, zone if zone is not None else world.zone_file(version))
        if configuration is None:
            configuration = world.configuration(version, self.listen, path, self.kernel)
        world.write(self.subject.configuration, configuration)

    def offer(self):
        """The files of the next version."""
        self.newest += 1
        self.timeline.may_come(self.newest)
        self.timeline.reloading.begin()
        self.write(self.newest)
        return self.newest

    def came(self, version, taken):
        """What was offered is in force, or was refused."""
        self.timeline.reloading.end()
        if taken:
            self.timeline.comes(version)
            self.version = version
            return
        self.timeline.refused(version)
        self.write(self.version)

    # -- Reloads

    def reload(self, signals=1, may_fail=False):
        readings = self.subject.readings
        version = self.offer()
        self.subject.reload_often(signals, lambda: self.rng.random() * 0.1)
        taken = self.subject.wait_reload(readings)
        self.came(version, taken)
        if not taken and not may_fail:
            self.subject.findings.append(f"a good configuration, version {version}, was refused")

    def several_signals(self):
        self.reload(signals=self.rng.randrange(2, 8))

    def refused(self, configuration):
        """A reload that must change nothing."""
        readings = self.subject.readings
        self.newest += 1
        self.timeline.may_come(self.newest)
        self.timeline.refused(self.newest)
        self.write(self.newest, configuration=configuration)
        if configuration == "":
            os.unlink(self.subject.configuration)
        self.subject.reload()
        if self.subject.wait_reload(readings):
            self.subject.findings.append(f"a bad configuration was taken over: {configuration}")
        self.write(self.version)

    def kept(self, zone):
        """A reload with the configuration in force and a zone file that cannot be used, or, if it is
        empty, none: the zone stays as it was."""
        readings = self.subject.readings
        self.newest += 1
        self.timeline.may_come(self.newest)
        self.timeline.refused(self.newest)
        self.timeline.reloading.begin()
        path = self.zone_path(self.newest)
        self.write(self.newest, zone=zone,
                   configuration=world.configuration(self.version, self.listen, path, self.kernel))
        if zone == "":
            os.unlink(path)
        self.subject.reload()
        if not self.subject.wait_reload(readings):
            self.subject.findings.append(f"a bad zone file kept the rest from its reload: {zone}")
        self.timeline.reloading.end()
        self.write(self.version)

    def _configuration(self):
        return world.configuration(self.newest + 1, self.listen, self.zone_path(self.newest + 1),
                                   self.kernel)

    def broken_yaml(self):
        text = self._configuration()
        cut = self.rng.randrange(1, len(text))
        self.refused(text[:cut] + "\n  ]}: [\n")

    def broken_value(self):
        self.refused(self._configuration().replace("after: 1s", "after: soon"))

    def broken_zone(self):
        lines = world.zone_file(self.newest + 1).splitlines()
        lines.insert(self.rng.randrange(1, len(lines)), self.rng.choice((
            "bad A 192.0.2.256", "alias A 192.0.2.1", "h0 CNAME h1", "x TXT \"open", "elsewhere. A 1.2.3.4",
            "@ SOA ns1 hostmaster 1 1 1 1 2", "below.old A 192.0.2.1", "( ( (", "$INCLUDE /nonexistent")))
        self.kept("\n".join(lines) + "\n")

    def missing_zone(self):
        self.kept("")

    def missing_configuration(self):
        self.refused("")

    # -- Deaths

    def kill_loader(self):
        readings = self.subject.readings
        version = self.offer()
        self.subject.reload()
        end = now() + 5
        while now() < end and not self.subject.pids("load"):
            pass
        time.sleep(self.rng.random() * 0.05)
        for pid in self.subject.pids("load"):
            self.subject.kill(pid)
        self.came(version, self.subject.wait_reload(readings))

    def kill_front(self):
        killed = self.subject.front()
        self.timeline.front_gone.begin()
        self.subject.kill(killed)
        self.subject.wait(lambda: self.subject.front() != killed, "another front")
        self.timeline.front_gone.end()

    def kill_new_front(self):
        """In the middle of a reload: the old one goes on, or another new one comes."""
        readings = self.subject.readings
        old = set(self.subject.pids("front"))
        version = self.offer()
        self.subject.reload()
        new = []
        end = now() + 20
        while not new and now() < end:
            new = [pid for pid in self.subject.pids("front") if pid not in old]
        time.sleep(self.rng.choice((0, 0.01, 0.05, 0.2)))
        self.timeline.front_gone.begin()
        for pid in new:
            self.subject.kill(pid)
        taken = self.subject.wait_reload(readings)
        if taken:
            self.subject.wait(lambda: self.subject.front() not in new, "another front")
        self.came(version, taken)
        self.timeline.front_gone.end()

    def kill_draining_front(self):
        old = self.subject.front()
        self.reload()
        self.timeline.front_gone.begin()
        if old != self.subject.front():
            self.subject.kill(old)
        self.subject.wait(lambda: old not in self.subject.children(), "the end of a killed front")
        self.timeline.front_gone.end()

    def kill_vmm(self):
        killed = self.subject.vmm_ready[-1]
        self.timeline.vmm_gone.begin()
        self.subject.kill(killed)
        self.subject.wait(lambda: self.subject.vmm_ready[-1] != killed, "another vmm")
        self.timeline.vmm_gone.end()

    def kill_both(self):
        self.timeline.vmm_gone.begin()
        killed = self.subject.vmm_ready[-1]
        self.subject.kill(killed)
        self.kill_front()
        self.subject.wait(lambda: self.subject.vmm_ready[-1] != killed, "another vmm")
        self.timeline.vmm_gone.end()
