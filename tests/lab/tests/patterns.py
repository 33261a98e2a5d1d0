"""A unikernel per URL: names by rule, each with a domain of its own."""

import pathlib
import re
import shutil

from harness import dns_client
from support import host
from support.lab import UNIKERNEL, limit
from support.site import TTL, ZONE, Created, site, together

KERNELS = pathlib.Path("/run/lab-pages")


def pages(lab, *ids, **changes):
    """The service, and a kernel for each of these ids."""
    shutil.rmtree(KERNELS, ignore_errors=True)
    KERNELS.mkdir()
    for ident in ids:
        shutil.copy(lab.need(UNIKERNEL), KERNELS / f"{ident}.xen")
    return {"name": "pages", "names": ["{id}.pages.jit.example"],
            "ids": {"any": True, "characters": "a-z0-9", "length": "1-12"},
            "addresses": "fec0::/64", "ttl": TTL, "kernel": f"{KERNELS}/{{id}}.xen",
            "memory": "16MiB", "bridge": "xenbr0", "cmdline": "--ipv6={ipv6}/64 --name={id}",
            "ports": ["tcp/80"], "ready": {"tcp": 80, "timeout": "3m"}, "idle": "never", **changes}


def page(ident):
    return f"{ident}.pages.jit.example"


def counters():
    """nftables' counters of traffic and wakes, by name."""
    return {line.split()[1] for table in ("summond", "summond_wakes")
            for line in host.output("sh", "-c", f"nft list counters table bridge {table} 2>/dev/null || true")
            .splitlines() if line.strip().startswith("counter ")}


@limit(500)
def test_a_domain_for_each_id(lab):
    """Two names by rule are two domains, with a page each over IPv6; idle, nothing is left of them."""
    daemon = lab.daemon(site(pages(lab, "x7f3", "other", idle="15s"))).start(answers="jit.example")
    addresses = {}
    created = Created()

    def visit(ident):
        addresses[ident] = daemon.resolve(page(ident), "AAAA").addresses[0]
        # What is sent while it boots is held for it.
        assert f"<title>{ident}</title>" in lab.http_get(addresses[ident], deadline=90)

    together(x7f3=lambda: visit("x7f3"), other=lambda: visit("other"))
    assert len(set(addresses.values())) == 2, addresses
    for ident in addresses:
        woke = daemon.wait_woken(f"pages@{ident}")
        domain = lab.domain(f"pages@{ident}")
        assert domain and domain.domid == woke["domid"], f"{lab.domains()}, log: {woke}"
        lab.measured[ident] = f"{woke['ready']} ms"
    assert created.end() == 2, "another number of domains than ids asked for"
    told = host.output("/opt/summond/summond", "name", str(daemon.config_file), page("x7f3"))
    assert addresses["x7f3"] in told, told

    # What the rule leaves out, and what has no kernel.
    for name in (f"{'x' * 13}.pages.jit.example", f"a.{page('x7f3')}", "no-id.pages.jit.example"):
        assert daemon.query(name, "AAAA").status == "NXDOMAIN", name
    assert daemon.query(page("nothing"), "AAAA").status == "SERVFAIL"
    assert daemon.query(page("x7f3"), "A").addresses == []

    for ident in addresses:
        daemon.wait_log(f"destroying pages@{ident}", limit=240)
    lab.wait_until(lambda: not lab.domains().keys() - lab.before.domids, 120, "both to be gone")
    lab.wait_until(lambda: not counters(), 60, f"no counters to be left: {counters()}")
    lab.assert_no_trace()

    # And again, at the same address.
    assert daemon.resolve(page("x7f3"), "AAAA").addresses == [addresses["x7f3"]]
    assert "<title>x7f3</title>" in lab.http_get(addresses["x7f3"], deadline=90)


@limit(400)
def test_instances_outlive_vmm(lab):
    """A vmm that is killed is followed by one that knows the instances that are up."""
    config = site(pages(lab, "one", "two"))
    daemon = lab.daemon(config).start(answers="jit.example")
    addresses = {ident: daemon.resolve(page(ident), "AAAA").addresses[0] for ident in ("one", "two")}
    for ident in addresses:
        daemon.wait_woken(f"pages@{ident}")
    domids = {ident: lab.domain(f"pages@{ident}").domid for ident in addresses}
    daemon.kill("vmm")
    for ident, domid in domids.items():
        daemon.wait_log(f"adopted pages@{ident}: domid {domid}")
    assert daemon.resolve(page("one"), "AAAA").addresses == [addresses["one"]]
    assert "<title>two</title>" in lab.http_get(addresses["two"])

    # Marks that say otherwise are believed no further than they can be checked.
    daemon.stop()
    host.output("xenstore-write", f"/local/domain/{domids['two']}/summond/service", "pages@one")
    daemon = lab.daemon(config, "again").start(answers="jit.example")
    daemon.wait_log(f"adopted pages@one: domid {domids['one']}")
    daemon.wait_log(f"destroying domid {domids['two']}: ours, but of no configured service")
    lab.wait_until(lambda: not lab.domain("pages@two"), 60, "the one with a false mark to be gone")


@limit(400)
def test_signed_ids(lab):
    """Only who has a signed name wakes anything."""
    secret = "000102030405060708090a0b0c0d0e0f"
    service = pages(lab, "x7f3", ids={"signed": {"secret": secret}, "length": "1-12"})
    daemon = lab.daemon(site(service)).start(answers="jit.example")
    name = host.output("/opt/summond/summond", "sign", str(daemon.config_file), "x7f3").strip()
    questions = [(page(f"x{n}-0123456789ab"), "AAAA") for n in range(300)]
    answers = dns_client.concurrent(daemon.server, [*questions, (page("x7f3"), "AAAA")], 30)
    assert {str(a.status) for a, _ in answers if a} == {"NXDOMAIN"}, "something else than NXDOMAIN"
    address = daemon.resolve(name, "AAAA").addresses[0]
    assert "<title>x7f3</title>" in lab.http_get(address, deadline=90)
    assert [d.name for d in lab.domains().values() if d.name.startswith("pages")] == ["pages@x7f3"]


@limit(400)
def test_a_packet_finds_whom_nobody_asked_for(lab):
    """A connection to the address of an id wakes its domain, though no name was asked for."""
    service = pages(lab, "x7f3", idle="15s")
    daemon = lab.daemon(site(service)).start(answers="jit.example")

    def address(ident):
        told = host.output("/opt/summond/summond", "name", str(daemon.config_file), page(ident))
        return told.partition("address:")[2].split()[0]

    assert "<title>x7f3</title>" in lab.http_get(address("x7f3"), deadline=120)
    assert daemon.log_lines("waking pages@x7f3 for tcp/80 from"), daemon.log()
    daemon.wait_log("destroying pages@x7f3", limit=240)
    lab.wait_until(lambda: not lab.domain("pages@x7f3"), 60, "x7f3 to be gone")
    assert "<title>x7f3</title>" in lab.http_get(address("x7f3"), deadline=120)
    assert len(daemon.wakes("pages@x7f3")) == 2


@limit(300)
def test_signed_pages(lab):
    """In a signed zone the address of a name by rule is signed when it is asked for, while its domain boots."""
    config = site(pages(lab, "signed"), zone={**ZONE, "dnssec": "on"})
    lab.daemon({**config, "key_dir": "/run/lab-keys"}).start(answers="jit.example")
    answer = host.output("dig", "@127.0.0.1", "-p", "5390", "+dnssec", "+noall", "+answer", page("signed"), "AAAA")
    address = re.search(r"\sAAAA\s(fec0:\S+)", answer)
    assert address, answer
    assert re.search(r"\sRRSIG\sAAAA 13 4 ", answer), answer
    assert "<title>signed</title>" in lab.http_get(address[1], deadline=90)
