"""Several domains of one service: one more where the traffic of those that are up passes the mark, and the
least used goes when it has fallen."""

import collections
import re
import time

from always_on import get
from harness.threads import Threads
from support.lab import UNIKERNEL, limit
from support.site import ipv4, ipv6, name, service, site, start

NUMBER = 90
FIRST, SECOND = f"s{NUMBER}", f"s{NUMBER}:1"
ADDRESSES = {FIRST: ipv4(NUMBER), SECOND: ipv4(NUMBER + 1)}
BOTH = tuple(ADDRESSES.values())
# Packets in a second. Any load of four clients in a loop is more, however slow the machine is, and a page in
# three seconds is less than half of it.
MARK = 10


def several(lab, mark):
    """Service s90 with two domains."""
    return {**service(lab, NUMBER, ports=["tcp/80"], ready={"tcp": 80, "timeout": "3m"}, answer="ready",
                      idle="20s"),
            "addresses": [*BOTH, ipv6(NUMBER), ipv6(NUMBER + 1)],
            "replicas": {"max": 2, "add_at": {"packets": f"{mark}/s"}}}


class Clients(Threads):
    """Clients on the bridge, which ask for the name once a second, as with a short TTL, and for pages meanwhile."""

    def __init__(self, lab, daemon, count, pause=0):
        super().__init__(count)
        self.served = collections.Counter()  # pages, by who has served them
        self._failed = []
        self._lab, self._daemon, self._pause = lab, daemon, pause

    def _run(self):
        while not self._stop.is_set():
            try:
                address = self._daemon.resolve(name(NUMBER)).addresses[0]
                until = time.monotonic() + 1
                while time.monotonic() < until and not self._stop.is_set():
                    body = self._page(address)
                    with self._lock:
                        self.served[re.search("<li>name: (.*?)</li>", body)[1]] += 1
                    self._stop.wait(self._pause)
            except Exception as error:  # whatever it is, it is no page
                self._failed.append(f"{type(error).__name__}: {error}")
                return

    def _page(self, address, tries=4):
        """As a browser, which tries again; that no connection is lost is another test's claim."""
        while True:
            try:
                return get(self._lab.client, address)
            except OSError:
                tries -= 1
                if tries == 0:
                    raise

    def wait_until(self, condition, limit, what):
        """While all of them are served."""
        met = self._lab.wait_until(lambda: self._failed or condition(), limit, what)
        assert not self._failed, self._failed[0]
        return met

    def rate(self, seconds=10):
        """Pages in a second, from now on."""
        before, began = self.served.total(), time.monotonic()
        time.sleep(seconds)  # what is measured is what happens in this time
        return (self.served.total() - before) / (time.monotonic() - began)


def up(lab):
    return {each for each in ADDRESSES if lab.domain(each)}


@limit(900)
def test_replicas_by_load(lab):
    """Real clients' traffic wakes the second domain, which takes its part; it goes when that is over."""
    daemon = start(lab, several(lab, 1_000_000))
    lab.client  # before the threads
    assert daemon.resolve(name(NUMBER)).addresses == [ADDRESSES[FIRST]]
    daemon.wait_woken(FIRST)
    with Clients(lab, daemon, 4) as clients:
        alone = clients.rate()
        assert up(lab) == {FIRST}
        daemon.write_config(site(several(lab, MARK)))
        daemon.reload()
        clients.wait_until(lambda: clients.served[SECOND], 240, "the second domain to serve a page")
        assert daemon.log_lines(f"woke {SECOND}: ", "why load"), "woken by whom?"
        before = clients.served.copy()
        clients.wait_until(lambda: all(clients.served[each] > before[each] + 20 for each in ADDRESSES), 240,
                           "both to take their part")
        both = clients.rate()
        clients.wait_until(lambda: {tuple(daemon.resolve(name(NUMBER)).addresses) for _ in range(20)}
                           == {BOTH, BOTH[::-1]}, 60, "answers with both addresses, in turns")
        macs = {lab.xenstore_read(f"/local/domain/{lab.domain(each).domid}/device/vif/0/mac")
                for each in ADDRESSES}
        assert len(macs) == 2, f"one MAC for both: {macs}"
    lab.measured.update(alone=f"{alone:.1f} pages/s", both=f"{both:.1f} pages/s")

    # One is enough for a little traffic, and the other goes.
    with Clients(lab, daemon, 1, pause=3) as clients:
        left, = clients.wait_until(lambda: len(those := up(lab)) == 1 and those, 240, "one domain to be left")
        clients.wait_until(lambda: clients.served[left], 120, "a page of the one that is left")

    # Who still has the address of the other wakes it.
    gone = SECOND if left == FIRST else FIRST
    woken = len(daemon.wakes(gone))
    assert f"<li>name: {gone}</li>" in get(lab.client, ADDRESSES[gone])
    daemon.wait_woken(gone, woken + 1)
    # Nobody comes any more.
    lab.wait_until(lambda: not up(lab), 240, "both to be put away")
    lab.assert_no_trace()


def test_another_replica_than_the_first(lab):
    """Where the first cannot be woken, the query waits for the next one, and is answered."""
    lab.xl_create(FIRST, type="pvh", kernel=lab.need(UNIKERNEL), memory=16, shadow_memory=2, cmdline="--name=theirs")
    daemon = start(lab, several(lab, MARK))
    assert daemon.resolve(name(NUMBER)).addresses == [ADDRESSES[SECOND]]
    daemon.wait_woken(SECOND)
    daemon.wait_log(f"could not wake {FIRST}")
    assert f"<li>name: {SECOND}</li>" in get(lab.client, ADDRESSES[SECOND])
