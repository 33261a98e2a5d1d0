"""Processes of the daemon are killed at random moments, hundreds of times, and nothing comes of it.

    tests/lab/lab run random_kills                                    30 kills
    SUMMOND_KILLS=1000 tests/lab/lab run random_kills                 so many
    SUMMOND_KILLS=8 SUMMOND_KILLS_SEED=5 SUMMOND_KILLS_FROM=240 ...   from round 240 of seed 5 on

They come in rounds of up to ten: some while what the one before has left is still being put in
order, some two at once. After a round everything serves; after each 10 kills everything comes to
rest. A round has its own generator, of the seed and its number, so any of them can be done again. The
moments can not: a machine is never twice as fast as it was."""

import collections
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

from harness import dns_client, proc
from support import host
from support.lab import ARM, UNIKERNEL, limit
from support.site import ZONE, ipv4, name, page, service, site, together

KILLS = int(os.environ.get("SUMMOND_KILLS", "30"))
SEED = os.environ.get("SUMMOND_KILLS_SEED", "")
FROM = int(os.environ.get("SUMMOND_KILLS_FROM", "0"))
AT_A_TIME = 10  # kills, and then everything has to come to rest
MOST_FAULTS = 8
ROLES = {"vmm": 5, "wire": 2, "front": 2, "parent": 2, "control": 1, "transfer": 1, "notifier": 1,
         "signer": 1}
SAVES = pathlib.Path("/var/lib/summond")
HELD_RESETS = "0x53554d00"  # the group of interfaces whose resets are held (bridge_ports.cpp)
TCP = {"ports": ["tcp/80"], "ready": {"tcp": 80, "timeout": "2m"}}

# What is done, and lines of the log that it leads to, each of them a moment to kill at.
WAKE = ["waking s", "woke s", "handed over to s", " ready "]
IDLE = ["destroying s80", "paused s81", "suspending s82", "suspended s82", "s82: domid", "shutting down s84",
        "destroying s83"]
MOMENTS = {"query": WAKE, "packet": WAKE, "idle": IDLE, "standby": ["standby s83", "woke s83"],
           "reload": ["reading ", "front is ready", "reloaded: "], "nothing": []}


def services(lab, changed):
    """One of each kind of ending, a copy that waits, and a shell. A reload changes two of them."""
    short = {"ttl": 1, "memory": "16MiB"}
    shells = {} if ARM else {"standby": {"shells": 1}}
    kinds = {80: {"idle": {"after": "2s"}, **shells, **({"memory": "20MiB"} if changed else {})},
             81: {"idle": {"after": "2s", "action": "pause"}},
             82: {"idle": {"after": "2s", "action": "suspend"}},
             83: {"idle": {"after": "2s"}, "standby": 1, **TCP},
             84: {"idle": {"after": "2s", "action": "shutdown", "timeout": "20s"}, **shells, **TCP}}
    if changed:
        kinds[85] = {"idle": {"after": "2s"}}
    return [service(lab, number, **{**short, **kind}) for number, kind in kinds.items()]


class Log:
    """The daemon's log from now on."""

    def __init__(self, file):
        self._file = file
        self._at = file.stat().st_size
        self._text = ""

    def has(self, words):
        with open(self._file, "rb") as log:
            log.seek(self._at)
            new = log.read()
        self._at += len(new)
        self._text += new.decode(errors="replace")
        return words in self._text

    def wait(self, words, seconds):
        end = time.monotonic() + seconds
        while not self.has(words) and time.monotonic() < end:
            time.sleep(0.005)


class Campaign:
    def __init__(self, lab, seed):
        self.lab, self.seed = lab, seed
        self.changed = False
        self.daemon = lab.daemon(self._site())
        self.kills = 0  # that have hit
        self.counts = collections.Counter()
        self.journal = open(lab.directory / "kills.txt", "w", buffering=1, encoding="utf-8")

    def _site(self):
        # With something to do for every role.
        signed = {"name": "pages.example", "ns": "ns1.jit.example", "dnssec": "on"}
        by_rule = {"name": "pages", "names": ["{id}.pages.example"], "ids": "any",
                   "addresses": "fec0:0:0:77::/64", "kernel": self.lab.need(UNIKERNEL), "memory": "16MiB",
                   "bridge": "xenbr0", "cmdline": "--ipv6={ipv6}/64"}
        made = site(*services(self.lab, self.changed), by_rule,
                    zone={**ZONE, "transfer": {"to": ["127.0.0.1"]}})
        return {**made, "zones": [*made["zones"], signed], "key_dir": "/run/lab-keys",
                "webhooks": [{"name": "nobody", "url": "http://127.0.0.1:9/"}]}

    def note(self, text):
        self.journal.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def numbers(self):
        return [80, 81, 82, 83, 84] + ([85] if self.changed else [])

    # -- What is going on when the kill comes

    def act(self, what, line, dice):
        """Begins it; the services that are to serve afterwards, with the one that the line is about."""
        # Not of numbers(): a round is the same, whatever reloads there were before it.
        chosen = dice.sample(range(80, 85), dice.choice([1, 1, 2, 3]))
        if about := re.search(r"s(8\d)", line or ""):
            chosen = list({*chosen, int(about[1])})
        if what in ("query", "idle"):
            for number in chosen:
                self._ask(number)
        elif what == "packet":
            for number in chosen:
                self._knock(number)
        elif what == "standby":
            chosen = [83]
            self._ask(83)
        elif what == "reload":
            self.changed = not self.changed
            self.daemon.write_config(self._site())
            self.daemon.reload()
            chosen = self.numbers()[:1] + self.numbers()[5:]
        return chosen

    def _ask(self, number):
        try:
            self.daemon.query(name(number), timeout=0.01)
        except dns_client.NoAnswer:
            pass

    @staticmethod
    def _knock(number):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as knock:
            knock.connect_ex((ipv4(number), 80))
            time.sleep(0.002)

    def round(self, index):
        """A few kills, and then everything serves that something was done to meanwhile."""
        dice = random.Random(f"{self.seed}/{index}")
        began, numbers, reloads, gone = time.monotonic(), set(), False, {}
        for _ in range(dice.choice([1, 2, 3, 3, 4, 5])):
            what = dice.choice(list(MOMENTS))
            line = dice.choice(MOMENTS[what] + [None, None])
            delay = dice.choice([0, dice.uniform(0, 0.03), dice.uniform(0, 0.5), dice.uniform(0, 3)])
            roles = dice.choices(list(ROLES), ROLES.values())
            if roles != ["parent"] and dice.random() < 0.2:  # two, and nobody helps the other up
                roles.append(dice.choice([role for role in ROLES if role not in ("parent", *roles)]))
            if what == "reload" and dice.random() < 0.4:
                roles, line = ["load"], None
            waits = dice.random() < 0.6
            log = Log(self.daemon.log_file)
            chosen = self.act(what, line, dice)
            numbers.update(chosen)
            reloads |= what == "reload"
            if line:
                log.wait(line, 8)
            if roles != ["load"]:
                time.sleep(delay)
            running = {**self.daemon.pids(), "parent": self.daemon.pid}
            hit = [self._kill_loader(delay) if role == "load" else self._kill(running.get(role))
                   for role in roles]
            self.counts.update(role if was else "missed" for role, was in zip(roles, hit))
            self.kills += sum(hit)
            self.note(f"round {index}: kill {roles}{'' if all(hit) else f' (hit: {hit})'}, {what} {sorted(chosen)}, "
                      f"{'at ' + repr(line) if line else 'after it'} + {delay * 1000:.1f} ms")
            gone.update({role: running[role] for role, was in zip(roles, hit) if was and role != "load"})
            if "parent" in gone:
                self.start_again()
                gone, reloads = {}, False
            elif waits:
                self.recover(gone)
        self.recover(gone)
        if reloads:
            self.reload_at_last()
        killed = time.monotonic()
        self.serves(sorted(numbers & set(self.numbers())))
        self.note(f"round {index}: {killed - began:.1f} s, served after {time.monotonic() - killed:.1f} s")

    @staticmethod
    def _kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, TypeError):  # or it was not there
            return False
        return True

    def _kill_loader(self, delay):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            time.sleep(0.001)  # it has a processor only when nobody else wants it
            for pid in proc.tree(self.daemon.pid):
                if proc.role(pid) == "load":
                    time.sleep(delay if delay < 0.1 else 0)
                    return self._kill(pid)
        return False

    def start_again(self):
        self.daemon.process.wait(60)
        self.lab.wait_until(lambda: not self.daemon.pids(), 60, "the others to end with the parent")
        self.daemon.start(answers="jit.example")

    def recover(self, gone):
        """Waits until there are others in place of those that were killed."""
        def back():
            pids = self.daemon.pids()
            return set(pids) >= set(ROLES) and all(
                pids[role] != pid for role, pid in gone.items())
        self.lab.wait_until(back, 60, f"others in place of {gone}")

    def reload_at_last(self):
        """Those that were under way may have come to nothing."""
        log = Log(self.daemon.log_file)
        self.daemon.reload()
        wanted = f"reloaded: 2 zones and {len(self.numbers()) + 1} services"
        self.lab.wait_until(lambda: log.has(wanted), 60, "a reload after the kills")

    # -- What has to be true

    def serves(self, numbers):
        """Each gives its page to whoever asks for it now."""
        def served(number):
            self.daemon.resolve(name(number), limit=120)
            page(self.lab, number)
        together(**{f"s{number}": lambda number=number: served(number) for number in numbers})

    def unrest(self):
        """What is not as it has to be when nobody asks for anything, one text each."""
        processes = collections.Counter(self.daemon._processes().values())  # pylint: disable=protected-access
        wrong = [f"{count} x {role}" for role, count in processes.items() if count != 1]
        wrong += [f"no {role}" for role in ROLES if not processes[role]]
        if "vmm" in self.daemon.pids():
            wrong += [f"vmm has a child: {proc.argv(pid)[0]}"
                      for pid in proc.tree(self.daemon.pids()["vmm"])[1:]]
        ours = {d.domid: d for d in host.domains().values()
                if d.domid not in self.lab.before.domids}
        names = collections.Counter(re.sub(r"-\d+$", "", d.name) for d in ours.values())
        wrong += [f"{d.name} is there ({d.domid}, {d.state})" for d in ours.values()
                  if not (d.paused and (d.name == "s81" or d.name.startswith(("s83.standby-", "shell+"))))]
        wrong += [f"{count} x {what}" for what, count in names.items() if count != 1]
        if not names["s83.standby"]:
            wrong.append("no copy of s83")
        if not ARM and not any(name.startswith("shell+") for name in names):
            wrong.append("no shell")
        wrong += self._traces(ours)
        held = host.output("ip", "-o", "link", "show", "group", HELD_RESETS)
        wrong += [f"resets are held of {line.split(': ')[1]}" for line in held.splitlines()]
        tables = [line for line in host.output("nft", "list", "tables").splitlines()
                  if "summond" in line]
        wrong += [f"{count} x {table}" for table, count in collections.Counter(tables).items()
                  if count != 1]
        return wrong

    def _traces(self, ours):
        now = host.Snapshot.take()
        spares = len(now.links) - len(now.without_spares().links)
        theirs = re.compile("|".join(
            [rf"domain {d}$|interface vif{d}\.\d+$|xenstore .*/{d}(/|$)" for d in ours]
            + [f"xenstore {re.escape(uuid)}" for uuid in
               filter(None, (host.xenstore_read(f"/local/domain/{d}/vm") for d in ours))]
            + ["interface summond", "saved domain .*"]))
        wrong = [trace for trace in now.without_spares().traces(self.lab.before)
                 if not theirs.match(trace)]
        wrong += [f"{spares} spare vifs"] if spares > 4 else []
        taps = [link for link in now.links if link.startswith("summond")]
        wrong += [f"taps: {sorted(taps)}"] if len(taps) != 1 else []
        saves = sorted(now.saves - {"serials"})
        wrong += [f"files: {saves}"] if len(saves) > 1 else []
        return wrong

    def comes_to_rest(self, seconds=180):
        """Every idle timer has done its work, and nothing is there that nobody wants."""
        end = time.monotonic() + seconds
        while wrong := self.unrest():
            assert time.monotonic() < end, f"not at rest after {seconds} s: {', '.join(wrong)}"
            time.sleep(0.5)

    # -- All of it

    def run(self, kills):
        """Until so many have hit; what was wrong, one text each."""
        faults, index, rested = [], FROM, 0
        self.daemon.start(answers="jit.example")
        while self.kills < kills and len(faults) < MOST_FAULTS:
            try:
                self.round(index)
                if self.kills >= min(rested + AT_A_TIME, kills):
                    rested = self.kills
                    began = time.monotonic()
                    self.comes_to_rest()
                    self.note(f"at rest after {time.monotonic() - began:.1f} s; {dict(self.counts)}")
            except Exception as error:  # the next kills are to find what they find
                faults.append(f"round {index} (or in the {AT_A_TIME} kills before): "
                              f"{type(error).__name__}: {error}")
                self.note(faults[-1])
                self.begin_anew()
            index += 1
        return faults

    def begin_anew(self):
        """From a host without a trace of what has gone wrong."""
        file = self.daemon.log_file
        if self.daemon.process is not None:
            self.daemon.kill_tree()
            self.daemon.process = None
        (self.lab.directory / f"fault-{time.strftime('%H%M%S')}.log").write_text(
            "\n".join(file.read_text(errors="replace").splitlines()[-400:]))
        for domain in host.domains().values():
            if domain.domid not in self.lab.before.domids:
                subprocess.run(["xl", "destroy", str(domain.domid)], check=False, timeout=60)
        for _ in range(3):
            self.lab._sweep()  # pylint: disable=protected-access
        self.daemon.start(answers="jit.example")


@limit(300 + 60 * KILLS)
def test_random_kills(lab):
    """Whatever is killed, whenever: all services serve, nothing is left over or there twice, and what
    is idle is put away."""
    seed = SEED or str(random.SystemRandom().randrange(10**6))
    campaign = Campaign(lab, seed)
    lab.measured.update(seed=seed)
    began = time.monotonic()
    faults = campaign.run(KILLS)
    lab.measured.update(kills=campaign.kills, faults=len(faults),
                        each=f"{(time.monotonic() - began) / campaign.kills:.1f} s",
                        **{role: campaign.counts[role] for role in sorted(campaign.counts)})
    campaign.daemon.stop()
    for file in SAVES.glob("*"):  # s82 is suspended
        file.unlink()
    assert not faults, f"seed {seed}: " + "; ".join(faults)
