"""A domain's life begins: what a query does."""

from support import host
from support.lab import UNIKERNEL, limit

ZONE = {"name": "jit.example", "ns": "ns1.jit.example", "records": ["ns1 A 10.0.2.15"]}


def service(lab, **changes):
    """A service on the test unikernel; its page is at its first address."""
    return {"name": "www", "names": ["www.jit.example"], "addresses": ["10.0.2.50"], "ttl": 5,
            "kernel": lab.need(UNIKERNEL), "memory": "16MiB", "bridge": "xenbr0",
            "cmdline": "--ipv4={ipv4}/24 --ipv4-gateway=10.0.2.2 --name={name}",
            "ready": {"xenstore": "data/ready", "timeout": "60s"}, **changes}


@limit(240)
def test_cold_wake(lab):
    """A query for a sleeping service is answered, and its page is there when a client connects."""
    daemon = lab.daemon({"listen": ["127.0.0.1:5390"], "zones": [ZONE],
                         "services": [service(lab)]}).start(answers="jit.example")
    assert not host.domains(), "a domain runs before anybody asked"
    response = daemon.query("www.jit.example", timeout=30)
    assert response.rcode == "NOERROR" and response.addresses() == ["10.0.2.50"], str(response)
    assert response.aa, f"not authoritative: {response}"
    page = lab.http_get("10.0.2.50")
    assert "<title>www</title>" in page, f"another page: {page}"
    assert set(daemon.pids()) == {"parent", "front", "vmm"}, f"processes: {daemon.pids()}"
    daemon.stop()
    assert lab.domain("www"), "the domain did not survive the daemon's orderly end"
