"""Zones that the daemon signs: their keys, who has them, and that signing again loses nothing."""

import base64
import calendar
import glob
import os
import re
import stat
import subprocess
import tempfile
import time
import unittest

from process_support import (BINARY, PATIENCE, ZONE, Load, Message, ProcessTest, ask, query,
                             wait_until)

from harness import control
from harness.dns import A, RRSIG
from harness.dns_client import exchange

SIGNED = "key_dir: keys\n" + ZONE + "    dnssec: on\n"
DNSKEY, CDS = 48, 59
PATHS = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def ask_do(daemon, name="www.example.test", qtype=A):
    return Message(exchange(("127.0.0.1", daemon.port),
                            query(name, qtype, 7, edns=4096, dnssec_ok=True), PATIENCE))


def types(answer):
    return sorted(record.type for record in answer.answer)


def memory_of(pid):
    """What is mapped and can be read."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if not rights.startswith("r") or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            if int(end, 16) - int(begin, 16) > 1 << 32:
                continue  # what sanitizers have reserved
            try:
                mem.seek(int(begin, 16))
                yield mem.read(int(end, 16) - int(begin, 16))
            except (OSError, ValueError, OverflowError):
                continue


def holds(pid, octets):
    return any(octets in part for part in memory_of(pid))


class Signing(ProcessTest):
    def keys(self, daemon):
        return sorted(glob.glob(f"{daemon.directory.name}/keys/*.private"))

    def run_keys(self, daemon, action, *arguments, status=0):
        done = subprocess.run([BINARY, "keys", action, daemon.file, *arguments], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def set_time(self, path, name, when):
        """Of a key, in its file."""
        text = time.strftime("%Y%m%d%H%M%S", time.gmtime(when))
        with open(path, encoding="ascii") as f:
            lines = [line for line in f if not line.startswith(f"{name}:")]
        with open(path, "w", encoding="ascii") as f:
            f.write("".join(lines) + f"{name}: {text}\n")

    def test_answers_are_signed_and_keys_are_kept(self):
        daemon = self.daemon(SIGNED).ready()
        self.assertEqual(types(ask_do(daemon)), [A, RRSIG])
        self.assertEqual(types(ask_do(daemon, "example.test", DNSKEY)), [RRSIG, DNSKEY])
        missing = ask_do(daemon, "missing.example.test")
        self.assertEqual(missing.rcode, 3)
        self.assertIn(47, [record.type for record in missing.authority])
        self.assertEqual([record.type for record in ask(daemon.port).answer], [A])
        directory = f"{daemon.directory.name}/keys"
        self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700)
        [key] = self.keys(daemon)
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        with open(key, "rb") as f:
            before = f.read()
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        daemon.wait_log("parent: ready: ", 2)
        self.assertEqual([record.type for record in ask(daemon.port).answer], [A])
        with open(key, "rb") as f:
            self.assertEqual(f.read(), before)

    def test_nobody_that_lasts_has_the_private_key(self):
        daemon = self.daemon(SIGNED + "services:\n  - {name: svc, names: svc.example.test, "
                             "addresses: 192.0.2.7, kernel: /nonexistent}\n", "--simulate").ready()
        daemon.reload()
        with open(self.keys(daemon)[0], encoding="ascii") as f:
            secret = re.search("PrivateKey: (.*)", f.read())[1]
        with open(self.keys(daemon)[0].replace(".private", ".key"), encoding="ascii") as f:
            public = base64.b64decode(f.read().split()[-1])
        # The one before has answered all that it was asked.
        wait_until(lambda: list(daemon.children().values()).count("front") == 1, "one front")
        pids = {daemon.process.pid: "parent", **daemon.children()}
        self.assertTrue({"front", "vmm"} <= set(pids.values()), pids)
        self.assertTrue(holds(daemon.pid_of("front"), public), "the scan finds what is there")
        for pid, role in pids.items():
            for octets in secret.encode(), base64.b64decode(secret), base64.b64decode(secret)[::-1]:
                self.assertFalse(holds(pid, octets), role)

    def test_keys_take_over_by_themselves_and_no_query_is_lost(self):
        daemon = self.daemon(SIGNED).ready()
        self.assertEqual(ask_do(daemon, "example.test", CDS).answer, [])
        [key] = self.keys(daemon)
        self.set_time(key, "SyncPublish", time.time() + 4)
        daemon.reload()
        with Load(daemon.port) as load:
            daemon.wait_log("parent: zones are to be signed again")
            daemon.wait_log("parent: reloaded: ", 2)
            wait_until(lambda: types(ask_do(daemon, "example.test", CDS)) == [RRSIG, CDS], "CDS")
            asked = load.asked
            wait_until(lambda: load.asked > asked + 50, "queries after it")
        self.assertEqual((load.lost, load.wrong), (0, 0), f"of {load.asked}\n{daemon.log()}")

    def test_a_key_that_cannot_be_used_changes_nothing(self):
        daemon = self.daemon(SIGNED).ready()
        before = [str(record.rdata) for record in ask_do(daemon).answer]
        os.chmod(self.keys(daemon)[0], 0o644)
        daemon.reload()
        self.assertIn("others may read or write it (mode 0644); `chmod 600` it", daemon.log())
        self.assertIn("zone example.test. cannot be loaded, see its errors; it stays as it was", daemon.log())
        self.assertEqual([str(record.rdata) for record in ask_do(daemon).answer], before)
        checked = subprocess.run([BINARY, "check", daemon.file], capture_output=True, text=True,
                                 timeout=PATIENCE, check=False)
        self.assertEqual(checked.returncode, 2)
        self.assertRegex(checked.stderr, r"summond.yaml:\d+:13: .*\.private: others may read or write it")

    def test_loading_again_makes_no_second_key(self):
        daemon = self.daemon(SIGNED).ready()
        for _ in range(3):
            daemon.reload()
        self.assertEqual(len(os.listdir(f"{daemon.directory.name}/keys")), 2)

    def test_a_rollover_by_hand(self):
        daemon = self.daemon(SIGNED.replace("dnssec: on", "dnssec: {propagation_delay: 0s, dnskey_ttl: 1}")).ready()
        shown, _ = self.run_keys(daemon, "list")
        old = re.match(r"example\.test\. (\d+) CSK ecdsap256sha256 active; made ", shown)[1]
        ds, warned = self.run_keys(daemon, "ds", "example.test")
        self.assertRegex(ds, rf"^example\.test\. IN DS {old} 13 2 [0-9A-F]{{64}}\n$")
        self.assertIn("not before ", warned)
        _, said = self.run_keys(daemon, "make", "example.test", status=1)
        self.assertIn("`summond keys roll` replaces it", said)
        said, _ = self.run_keys(daemon, "roll", "example.test")
        new = re.search(r"made CSK for \d+: (\d+) in", said)[1]
        _, said = self.run_keys(daemon, "roll", "example.test", status=1)
        self.assertIn("is in the middle of a rollover already", said)
        daemon.reload()
        wait_until(lambda: types(ask_do(daemon)) == [A, RRSIG, RRSIG], "signatures of both keys")
        # The first key's CDS waits for the longest TTL of the zone, the new one's for that of DNSKEY.
        def published():
            return [int.from_bytes(record.rdata[:2], "big")
                    for record in ask_do(daemon, "example.test", CDS).answer if record.type == CDS]
        # The front that is replaced may answer, too, for a moment.
        wait_until(lambda: published() == published() == [int(new)], "CDS of the new key")
        said, _ = self.run_keys(daemon, "submitted", "example.test")
        self.assertIn(f"the parent has the DS of key {new} from now on", said)
        daemon.reload()
        # A reload of the daemon's own may have come between.
        wait_until(lambda: re.search(rf"{old} CSK .*signs until .*removed ", self.run_keys(daemon, "list")[0]),
                   "the end of the old key")
        # What the parent's delay is about has passed.
        [path] = [key for key in self.keys(daemon) if key.endswith(f"+{int(old):05}.private")]
        for name in "Inactive", "Delete":
            self.set_time(path, name, time.time() - 1)
        daemon.reload()
        wait_until(lambda: types(ask_do(daemon)) == [A, RRSIG], "the end of the old key")
        shown, _ = self.run_keys(daemon, "list")
        self.assertRegex(shown, rf"{old} CSK ecdsap256sha256 removed;")
        self.assertRegex(shown, rf"{new} CSK ecdsap256sha256 active;")

    def test_another_algorithm(self):
        daemon = self.daemon(SIGNED).ready()
        _, said = self.run_keys(daemon, "roll", "example.test", "--algorithm", "rsasha256", status=2)
        self.assertIn("is neither ecdsap256sha256 nor ed25519", said)
        _, said = self.run_keys(daemon, "roll", "example.test", "--algorithm", "ecdsap256sha256", status=1)
        self.assertIn("has keys of ecdsap256sha256 already", said)
        [old] = self.keys(daemon)
        self.run_keys(daemon, "roll", "example.test", "--algorithm", "ed25519")
        _, said = self.run_keys(daemon, "roll", "example.test", "--algorithm", "ed25519", status=1)
        self.assertIn("is in the middle of a rollover already", said)
        [new] = set(self.keys(daemon)) - {old}

        def step(keys, signatures):
            """The algorithms of both; and BIND, ldns find the whole zone right."""
            daemon.reload()

            def found():
                answers = [record for name, kind in (("www.example.test", A), ("example.test", DNSKEY))
                           for record in ask_do(daemon, name, kind).answer]
                return (sorted(r.rdata[3] for r in answers if r.type == DNSKEY),
                        sorted(r.rdata[2] for r in answers if r.type == RRSIG and r.rdata[:2] == b"\0\1"))
            wait_until(lambda: found() == found() == (keys, signatures), f"keys {keys}, signatures {signatures}")
            path = f"{daemon.directory.name}/printed"
            with open(path, "w", encoding="ascii") as f:
                subprocess.run([BINARY, "print", daemon.file, "example.test"], stdout=f, check=True)
            for command in ("dnssec-verify", "-z", "-o", "example.test", path), ("ldns-verify-zone", path):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, f"{keys} {signatures} {done.stdout}{done.stderr}")
        step([13], [13, 15])
        self.assertIn("ed25519 signing; ", self.run_keys(daemon, "list")[0])
        # The new one has signed for a while when it is published.
        self.set_time(old, "Activate", time.time() - 100)
        self.set_time(new, "Activate", time.time() - 50)
        for name in "Publish", "SyncPublish":
            self.set_time(new, name, time.time() - 1)
        step([13, 15], [13, 15])
        self.run_keys(daemon, "submitted", "example.test")
        step([13, 15], [13, 15])
        self.set_time(old, "Delete", time.time() - 1)  # of DNSKEY: not yet of the signatures
        step([15], [13, 15])
        self.set_time(old, "Inactive", time.time() - 1)
        step([15], [15])

    def test_keys_of_others_are_imported(self):
        daemon = self.daemon(SIGNED.replace("dnssec: on", "dnssec: off"))
        daemon.ready()
        directory = daemon.directory.name
        made = subprocess.run(["dnssec-keygen", "-q", "-a", "ED25519", "-f", "KSK", "-K", directory, "example.test"],
                              capture_output=True, text=True, check=True).stdout.strip()
        _, said = self.run_keys(daemon, "import", "example.test", f"{directory}/{made}.private", status=2)
        self.assertIn("is not signed here; give it `dnssec: on`", said)
        daemon.configure(SIGNED)
        self.run_keys(daemon, "import", "example.test", f"{directory}/{made}.private")
        _, said = self.run_keys(daemon, "import", "example.test", f"{directory}/{made}.key", status=1)
        self.assertIn("already", said)
        daemon.reload()
        wait_until(lambda: types(ask_do(daemon, "example.test", DNSKEY)) == [RRSIG, DNSKEY], "the key")
        shown = subprocess.run(["dnssec-dsfromkey", "-2", f"{directory}/{made}.key"], capture_output=True,
                               text=True, check=True).stdout
        self.assertEqual(self.run_keys(daemon, "ds")[0], shown)
        # BIND reads what is written here.
        [key] = [name.removesuffix(".private") for name in self.keys(daemon)]
        again = subprocess.run(["dnssec-settime", "-p", "all", key], capture_output=True, text=True, check=True)
        self.assertIn("SYNC Publish: ", again.stdout)

    def test_pem_of_knot_is_imported(self):
        daemon = self.daemon(SIGNED)
        daemon.ready()
        database = daemon.directory.name
        for algorithm in "ecdsap256sha256", "ed25519":
            subprocess.run(["keymgr", "-D", f"{database}/{algorithm}", "example.test", "generate", "ksk=yes", "zsk=yes",
                            f"algorithm={algorithm}"], check=True, capture_output=True, env=PATHS)
            [pem] = glob.glob(f"{database}/{algorithm}/keys/*.pem")
            said, _ = self.run_keys(daemon, "import", "example.test", pem)
            self.assertIn("; the daemon takes it over when it loads its zones", said)
            asked = subprocess.run(["keymgr", "-D", f"{database}/{algorithm}", "example.test", "ds"], check=True,
                                   capture_output=True, text=True, env=PATHS).stdout
            ours = self.run_keys(daemon, "ds")[0].lower()
            self.assertIn(asked.split(" 2 ")[1].split()[0].lower(), ours)
        self.assertEqual(len(self.run_keys(daemon, "list")[0].splitlines()), 3)

    def test_it_is_shown_when_signatures_end(self):
        with tempfile.TemporaryDirectory(prefix="summond-test-") as directory:
            os.chmod(directory, 0o755)
            path = f"{directory}/socket"
            self.daemon(f"control: {{socket: {path}}}\n" + SIGNED).ready()
            [zone] = control.ask(path, "GET", "/v1/zones").json["zones"]
            self.assertEqual((zone["signed"], zone["signed_here"]), (True, True))
            end = calendar.timegm(time.strptime(zone["signed_until"][:19], "%Y-%m-%dT%H:%M:%S")) - time.time()
            self.assertTrue(13 * 86400 < end < 14 * 86400, zone)
            self.assertRegex(control.ask(path, "GET", "/metrics").body,
                             r"\nsummond_zone_signatures_end_timestamp_seconds \d")

    def test_delv_validates_it_down_from_the_ds(self):
        daemon = self.daemon(SIGNED + "services:\n  - {name: svc, names: svc.example.test, "
                             "addresses: 192.0.2.7, kernel: /nonexistent}\n", "--simulate").ready()
        zone, _, _, *ds = self.run_keys(daemon, "ds")[0].split()
        anchor = f"{daemon.directory.name}/anchor"
        with open(anchor, "w", encoding="ascii") as f:
            f.write('trust-anchors {{ {} static-ds {} {} {} "{}"; }};\n'.format(zone.rstrip("."), *ds))
        for name, expected in (("svc.example.test", "; fully validated"), ("www.example.test", "; fully validated"),
                               ("missing.example.test", "; negative response, fully validated")):
            shown = subprocess.run(["delv", "@127.0.0.1", "-p", str(daemon.port), "-a", anchor, "+root=example.test",
                                    name, "A"], capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(shown.stdout.splitlines()[0], expected, shown.stdout + shown.stderr)

    def test_print_is_a_zone_that_others_find_right(self):
        daemon = self.daemon(SIGNED).ready()
        printed = subprocess.run([BINARY, "print", daemon.file, "example.test"], capture_output=True, text=True,
                                 check=True).stdout
        path = f"{daemon.directory.name}/printed"
        with open(path, "w", encoding="ascii") as f:
            f.write(printed)
        done = subprocess.run(["dnssec-verify", "-z", "-o", "example.test", path], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
