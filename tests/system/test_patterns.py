"""Names by rule through the whole daemon: an instance for each id, and nothing for the others."""

import ipaddress
import os
import re
import subprocess
import threading

from process_support import (A, AAAA, BINARY, NOERROR, NXDOMAIN, SERVFAIL, TXT, ProcessTest,
                             ask, sanitized, wait_until)

PTR = 12
CONFIG = """\
zones:
  - name: example.test
    ns: [ns1.example.test]
    records:
      - "ns1 A 192.0.2.53"
      - "www.pages A 192.0.2.80"
  - name: 1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa
    ns: [ns1.example.test]
services:
  - name: pages
    names: "{{id}}.pages.example.test"
    ids: {ids}
    addresses: "2001:db8:1::/64"
    ttl: 1
    kernel: /nonexistent/{{id}}.xen
    cmdline: "page={{id}} --ipv6={{ipv6}}/64"
    idle: 1s
"""
ANY = "{any: true, characters: a-z0-9, length: 1-12}"
SECRET = "000102030405060708090a0b0c0d0e0f"


def page(ident):
    return f"{ident}.pages.example.test"


def said(*arguments):
    """What a command of summond's prints, and its exit status."""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)
    return done.stdout, done.returncode


class Patterns(ProcessTest):
    def start(self, ids=ANY):
        return self.daemon(CONFIG.format(ids=ids), "--simulate").ready()

    def woken(self, daemon):
        return re.findall(r"vmm: woke pages@(\S+): ", daemon.log())

    def test_each_id_is_a_domain(self):
        daemon = self.start()
        first = ask(daemon.port, page("x7f3"), AAAA)
        self.assertEqual((first.rcode, len(first.addresses)), (NOERROR, 1), daemon.log())
        other = ask(daemon.port, page("other"), AAAA, tcp=True)
        self.assertEqual((other.rcode, len(other.addresses)), (NOERROR, 1))
        self.assertNotEqual(first.addresses, other.addresses)
        self.assertEqual(ask(daemon.port, page("X7F3"), AAAA).addresses, first.addresses)
        wait_until(lambda: sorted(self.woken(daemon)) == ["other", "x7f3"], "two wakes")
        daemon.wait_log("vmm: destroying pages@x7f3: ")
        daemon.wait_log("vmm: destroying pages@other: ")

        # The same after a restart, and by whoever has the file.
        told, status = said("name", daemon.file, page("x7f3"))
        self.assertEqual(status, 0, told)
        self.assertIn(first.addresses[0], told)
        self.assertIn("/nonexistent/x7f3.xen (does not exist)", told)
        self.assertIn(f"page=x7f3 --ipv6={first.addresses[0]}/64", told)
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        daemon.wait_log("parent: ready: ", 2)
        self.assertEqual(ask(daemon.port, page("x7f3"), AAAA).addresses, first.addresses)

    def test_what_there_is_and_is_not(self):
        daemon = self.start()
        for name, qtype in ((page("x7f3"), A), (page("x7f3"), TXT), ("pages.example.test", AAAA)):
            answer = ask(daemon.port, name, qtype)
            self.assertEqual((answer.rcode, answer.answer), (NOERROR, []), name)
        for name in (page("toolongtobean1d"), page("a-b"), f"a.{page('x7f3')}"):
            self.assertEqual(ask(daemon.port, name, AAAA).rcode, NXDOMAIN, name)
            self.assertEqual(said("name", daemon.file, name)[1], 1, name)
        self.assertEqual(ask(daemon.port, page("www")).addresses, ["192.0.2.80"])
        self.assertEqual(ask(daemon.port, page("www"), AAAA).answer, [])
        self.assertIn("of the zone", said("name", daemon.file, page("www"))[0])
        address = re.search(r"address: +(\S+)", said("name", daemon.file, page("x7f3"))[0])[1]
        nibbles = ipaddress.IPv6Address(address).exploded.replace(":", "")
        answer = ask(daemon.port, ".".join(reversed(nibbles)) + ".ip6.arpa", PTR)
        self.assertEqual([record.data for record in answer.answer], [page("x7f3") + "."])
        self.assertEqual(self.woken(daemon), [], daemon.log())

    def test_signed_names_and_a_flood_of_others(self):
        daemon = self.start("{signed: {secret: %s}}" % SECRET)
        signed, status = said("sign", daemon.file, "x7f3", "other")
        names = signed.split()
        self.assertEqual((status, len(names)), (0, 2), signed)
        self.assertRegex(names[0], r"^x7f3-[0-9a-v]{12}\.pages\.example\.test\.$")
        vmm = daemon.pid_of("vmm")

        def flood(start):
            for number in range(start, start + 1000):
                answer = ask(daemon.port, page(f"x{number}-0123456789ab"), AAAA)
                if answer is None or answer.rcode != NXDOMAIN:
                    wrong.append(str(answer))

        wrong = []
        threads = [threading.Thread(target=flood, args=(n * 1000,)) for n in range(4)]
        before = resident(vmm)
        for thread in threads:
            thread.start()
        self.assertEqual(len(ask(daemon.port, names[0], AAAA).addresses), 1)
        for thread in threads:
            thread.join()
        self.assertEqual(wrong[:3], [])
        self.assertEqual(ask(daemon.port, page("x7f3"), AAAA).rcode, NXDOMAIN, "without its tag")
        wait_until(lambda: self.woken(daemon), "the one wake that there is to be")
        self.assertEqual(self.woken(daemon), ["x7f3"])
        self.assertLess(resident(vmm) - before, 1024, "KiB that vmm has grown")
        self.assertEqual(said("sign", daemon.file, "../x")[1], 2)

    def test_hundreds_in_turn_leave_nothing(self):
        daemon = self.start()

        def ask_for(numbers):
            for number in numbers:
                answer = ask(daemon.port, page(f"id{number}"), AAAA)
                if answer and answer.rcode == SERVFAIL:  # a wake may take longer than a query waits
                    answer = ask(daemon.port, page(f"id{number}"), AAAA)
                if answer is None or len(answer.addresses) != 1:
                    wrong.append(f"id{number}: {answer}")

        def round_of(first):
            threads = [threading.Thread(target=ask_for, args=(range(first + t, first + 200, 8),))
                       for t in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong[:3], [])
            wait_until(lambda: all_have_ended(first + 200), f"the end of {first + 200} pages",
                       patience=120)

        def all_have_ended(pages):
            """On a busy machine one may be put away before its client hears of it, and woken again."""
            ended = re.findall(r"vmm: destroying pages@(\S+): ", daemon.log())
            return len(set(ended)) == pages and len(ended) == len(self.woken(daemon))

        wrong = []
        round_of(0)
        pids = [daemon.pid_of("vmm"), daemon.pid_of("front")]
        before = [resident(pid) for pid in pids]
        round_of(200)
        round_of(400)
        self.assertEqual(len(set(self.woken(daemon))), 600)
        for pid, kib in () if sanitized() else zip(pids, before):  # a sanitizer keeps what was freed
            self.assertLess(resident(pid) - kib, 1024, f"KiB that process {pid} has grown")

    def test_vmm_and_front_may_die(self):
        daemon = self.start()
        address = ask(daemon.port, page("x7f3"), AAAA).addresses
        for role in ("vmm", "front"):
            victim = daemon.pid_of(role)
            subprocess.run(["kill", "-9", str(victim)], check=True)
            daemon.pid_of(role, other_than=victim)
            answer = wait_until(lambda: ask(daemon.port, page("x7f3"), AAAA, timeout=15),
                                f"an answer after the death of {role}")
            self.assertEqual((answer.rcode, answer.addresses), (NOERROR, address), role)

    def test_a_page_that_ended_without_vmm_is_woken_again(self):
        """Simulated domains end with vmm. Nobody else asks for the page, which is up for the front."""
        daemon = self.daemon(CONFIG.format(ids=ANY).replace("idle: 1s", "idle: never"),
                             "--simulate").ready()
        address = ask(daemon.port, page("x7f3"), AAAA).addresses
        wait_until(lambda: self.woken(daemon) == ["x7f3"], "its wake")
        victim = daemon.pid_of("vmm")
        subprocess.run(["kill", "-9", str(victim)], check=True)
        daemon.pid_of("vmm", other_than=victim)

        def woken_again():
            self.assertEqual(ask(daemon.port, page("x7f3"), AAAA, timeout=15).addresses, address)
            return self.woken(daemon) == ["x7f3", "x7f3"]
        wait_until(woken_again, "its second wake")

    def test_a_list_is_read_again(self):
        daemon = self.daemon(CONFIG.format(ids="any"), "--simulate").ready()
        listed = daemon.directory.name + "/pages.txt"
        text = CONFIG.format(ids="{list: pages.txt}")
        with open(listed, "w", encoding="ascii") as file:
            file.write("one\ntwo\n")
        daemon.reload(text)
        self.assertEqual(len(ask(daemon.port, page("one"), AAAA).addresses), 1)
        self.assertEqual(ask(daemon.port, page("three"), AAAA).rcode, NXDOMAIN)
        with open(listed, "w", encoding="ascii") as file:
            file.write("two\nthree\n")
        daemon.reload()
        self.assertEqual(ask(daemon.port, page("one"), AAAA).rcode, NXDOMAIN)
        self.assertEqual(len(ask(daemon.port, page("three"), AAAA).addresses), 1)

    def test_files_are_ids(self):
        daemon = self.daemon(CONFIG.format(ids="any"), "--simulate").ready()
        pages = daemon.directory.name + "/pages"
        os.mkdir(pages)
        put(f"{pages}/one.xen")
        put(f"{pages}/Not-an-id.xen")
        text = CONFIG.format(ids='{file: "pages/{id}.xen"}').replace("idle: 1s", "idle: never")
        daemon.reload(text)

        def rcode(ident, qtype=TXT):
            return ask(daemon.port, page(ident), qtype).rcode

        self.assertEqual((rcode("one"), rcode("two"), rcode("not-an-id")), (NOERROR, NXDOMAIN, NXDOMAIN))
        self.assertEqual(len(ask(daemon.port, page("one"), AAAA).addresses), 1)
        # What is written elsewhere and renamed, too.
        put(f"{pages}/.two.partial")
        os.rename(f"{pages}/.two.partial", f"{pages}/two.xen")
        # The front of before may answer, too, until it has ended.
        wait_until(lambda: len(ask(daemon.port, page("two"), AAAA).addresses) == 1, "the new file")
        wait_until(lambda: sorted(self.woken(daemon)) == ["one", "two"], "two wakes")
        os.unlink(f"{pages}/one.xen")
        wait_until(lambda: rcode("one") == NXDOMAIN, "the end of the name")
        daemon.wait_log("vmm: destroying pages@one: ")
        self.assertEqual(rcode("two"), NOERROR)
        loads = daemon.log().count("parent: reloaded: ")
        put(f"{pages}/README")
        # Many at once are few loads, and none is missed.
        for number in range(300):
            put(f"{pages}/n{number}.xen")
        wait_until(lambda: all(rcode(f"n{n}") == NOERROR for n in (0, 150, 299)), "all of them")
        self.assertLess(daemon.log().count("parent: reloaded: ") - loads, 30)

        # What somebody is about to write does not count before he says so.
        daemon.configure(text.replace("192.0.2.80", "192.0.2.81"))
        put(f"{pages}/three.xen")
        daemon.wait_log("has been changed since it was read: all of it counts when it is reloaded")
        self.assertEqual((rcode("three"), ask(daemon.port, page("www")).addresses), (NXDOMAIN, ["192.0.2.80"]))
        daemon.reload()
        self.assertEqual((rcode("three"), ask(daemon.port, page("www")).addresses), (NOERROR, ["192.0.2.81"]))

        # Without the directory all stays as it is.
        os.rename(pages, pages + "-away")
        daemon.wait_log("kept the running configuration")
        self.assertEqual(rcode("three"), NOERROR)
        os.rename(pages + "-away", pages)
        daemon.reload()
        put(f"{pages}/four.xen")
        wait_until(lambda: rcode("four") == NOERROR, "files are seen again")


def put(path):
    with open(path, "w", encoding="ascii"):
        pass


def resident(pid):
    """KiB of a process's own memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+)", file.read())[1])
