"""Zones that NSD and Knot have from summond: clients ask these alone, and their packets wake what they ask for."""

import shutil

from always_on import get
from harness import dns_client
from harness.secondaries import Key, Knot, Nsd
from support.lab import limit
from support.site import ZONE, ipv4, ipv6, name, service, site

PORT = 5390


@limit(500)
def test_secondaries(lab):
    """NSD and Knot answer instead of summond; the client's first packet wakes what sleeps behind the answer,
    and what a reload changes reaches both by NOTIFY and IXFR."""
    for program in ("nsd", "knotd"):
        lab.need(shutil.which(program) or f"/usr/sbin/{program}")
    client, key = lab.client, Key()
    ports = {Nsd: 5353, Knot: 5354}
    addresses = {Nsd: (client.ipv4, "10.0.2.15"), Knot: (client.ipv6, "fec0::15")}
    zone = {**ZONE, "dnssec": {"algorithm": "ecdsap256sha256"}, "transfer": {
        "keys": key.name,
        "notify": [{"address": f"{client.ipv4}:{ports[Nsd]}", "key": key.name},
                   {"address": f"[{client.ipv6}]:{ports[Knot]}", "key": key.name}]}}
    ready = {"ready": {"tcp": 80, "timeout": "3m"}}

    def configuration(*services):
        return {**site(*services, zone=zone), "tsig": key.write(str(lab.directory / "key")),
                "key_dir": str(lab.directory / "keys"), "save_dir": str(lab.directory),
                "listen": [f"127.0.0.1:{PORT}", f"10.0.2.15:{PORT}", f"[fec0::15]:{PORT}"]}

    both = [service(lab, 70, **ready), service(lab, 71, **ready)]
    daemon = lab.daemon(configuration(*both)).start(answers="jit.example")
    running = []

    def ask(secondary, question, rtype):
        with client.inside():
            return dns_client.ask((secondary.address, secondary.port), question, rtype, timeout=5, edns=1232,
                                  dnssec_ok=True)

    def answers(secondary, question, rtype, expected):
        def right():
            try:
                response = ask(secondary, question, rtype)
            except (dns_client.NoAnswer, OSError):  # it has not begun, or has no zone yet
                return None
            return response if response.addresses == [expected] else None
        response = lab.wait_until(right, 60, f"{expected} from {secondary.program}:\n{secondary.log()[-1000:]}")
        assert 46 in [record.type for record in response.answer], f"no RRSIG record: {response}"

    try:
        for kind in (Nsd, Knot):
            address, primary = addresses[kind]
            with client.inside():
                running.append(kind(PORT, "jit.example", key, ports[kind], host=primary, address=address))
        nsd, knot = running
        answers(nsd, name(70), "A", ipv4(70))
        answers(knot, name(71), "AAAA", ipv6(71))
        assert not lab.domain("s70") and not lab.domain("s71"), "woken by a query that summond was not asked"
        assert "s70" in get(client, ipv4(70))
        assert "s71" in get(client, ipv6(71))
        assert daemon.log_lines(f" s70 for tcp/80 from {client.ipv4}"), "woken by whom?"

        daemon.write_config(configuration(*both, service(lab, 72, **ready)))
        daemon.reload()
        for secondary in running:
            answers(secondary, name(72), "A", ipv4(72))
        daemon.wait_log("IXFR of jit.example. from", " records", times=2)
        assert not daemon.log_lines("as AXFR"), "not by its changes"
        for to in (f"{client.ipv4}:{nsd.port}", f"[{client.ipv6}]:{knot.port}"):
            daemon.wait_log(f"NOTIFY of jit.example. to {to}: heard")
        assert not lab.domain("s72"), "woken by nobody"
        assert "s72" in get(client, ipv4(72))
    finally:
        for secondary in running:
            shutil.copy(secondary.log_file, lab.directory / f"{secondary.program}.log")
            secondary.end()
