"""RDATA in presentation format for every type the comparison uses."""

import base64

from harness.dns import text_of

# Types with data of their own, beside A, AAAA, NS, CNAME, DNAME and SOA.
OTHERS = ["TXT", "MX", "SRV", "CAA", "TLSA", "NAPTR", "HTTPS", "SVCB", "PTR", "HINFO", "RP", "LOC",
          "SSHFP", "URI", "AFSDB", "KX", "CERT", "DNSKEY", "CDS", "EUI48", "EUI64", "OPENPGPKEY",
          "SMIMEA", "DHCID", "CSYNC", "APL", "IPSECKEY", "MINFO", "TYPE65280", "TYPE731"]

# Of the types whose mnemonics the query generator uses.
NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15,
           "TXT": 16, "RP": 17, "AFSDB": 18, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35, "KX": 36,
           "CERT": 37, "DNAME": 39, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "DNSKEY": 48,
           "DHCID": 49, "TLSA": 52, "SMIMEA": 53, "CDS": 59, "OPENPGPKEY": 61, "CSYNC": 62,
           "SVCB": 64, "HTTPS": 65, "EUI48": 108, "EUI64": 109, "URI": 256, "CAA": 257,
           "TYPE65280": 65280, "TYPE731": 731}


def hexdigits(rng, octets):
    return rng.randbytes(octets).hex()


def base64text(rng, octets):
    return base64.b64encode(rng.randbytes(octets)).decode()


def a(rng):
    return f"192.0.{rng.randrange(256)}.{rng.randrange(256)}"


def aaaa(rng):
    return f"2001:db8::{rng.randrange(65536):x}:{rng.randrange(65536):x}"


def string(rng, size):
    """A quoted <character-string> of any octets."""
    octets = rng.randbytes(size) if rng.random() < 0.2 else bytes(rng.choices(b"abc xyz;()@", k=size))
    return '"' + "".join(chr(o) if 32 <= o < 127 and o not in b'"\\' else f"\\{o:03}"
                         for o in octets) + '"'


def txt(rng):
    strings = rng.choice((1, 1, 1, 2, 3, 16))
    return " ".join(string(rng, rng.choice((0, 1, 5, 30, 200, 254, 255))) for _ in range(strings))


def service_binding(rng, target):
    if rng.random() < 0.25:
        return f"0 {target}"
    params = ["alpn=h2,h3", "port=8443", f"ipv4hint={a(rng)}", f"ipv6hint={aaaa(rng)}",
              "no-default-alpn alpn=h2", "key65333=abc", "mandatory=port port=53"]
    return f"{rng.randrange(1, 9)} {rng.choice((target, '.'))} {rng.choice(params)}"


def make(rng, rtype, target):
    """Text for one record; target: labels of a name it may point at."""
    name = text_of(target)
    if rtype == "A":
        return a(rng)
    if rtype == "AAAA":
        return aaaa(rng)
    if rtype in ("NS", "CNAME", "DNAME", "PTR"):
        return name
    if rtype == "TXT":
        return txt(rng)
    if rtype in ("HTTPS", "SVCB"):
        return service_binding(rng, name)
    n16, n8 = rng.randrange(65536), rng.randrange(256)
    digest = hexdigits(rng, 32)
    return {
        "MX": f"{n16} {name}",
        "SRV": f"{n16} {n8} 443 {name}",
        "CAA": f'{rng.choice((0, 128))} {rng.choice(("issue", "issuewild", "iodef"))} "ca{n8}.example"',
        "TLSA": f"3 1 1 {digest}",
        "SMIMEA": f"3 1 1 {digest}",
        "NAPTR": f'{n16} {n8} "{rng.choice("usa")}" "E2U+sip" "!^.*$!sip:i{n8}@example.com!" {name}',
        "HINFO": f'"cpu{n8}" "os"',
        "RP": f"{name} {name}",
        "MINFO": f"{name} {name}",
        "LOC": f"52 {n8 % 60} 23.000 N 4 53 32.000 E {n8}.00m 1m 10000m 10m",
        "SSHFP": f"{1 + n8 % 4} 2 {digest}",
        "URI": f'{n16} {n8} "https://u{n8}.example/"',
        "AFSDB": f"{1 + n8 % 2} {name}",
        "KX": f"{n16} {name}",
        "CERT": f"1 {n16} 8 {base64text(rng, 90)}",
        "DNSKEY": f"257 3 13 {base64text(rng, 64)}",
        "CDS": f"{n16} 13 2 {digest}",
        "DS": f"{n16} 13 2 {digest}",
        "EUI48": "-".join(hexdigits(rng, 1) for _ in range(6)),
        "EUI64": "-".join(hexdigits(rng, 1) for _ in range(8)),
        "OPENPGPKEY": base64text(rng, 300),
        "DHCID": base64text(rng, 35),
        "CSYNC": f"{n16} 3 A NS AAAA",
        "APL": f"1:192.0.{n8}.0/24 !1:192.0.{n8}.64/28 2:2001:db8::/32",
        "IPSECKEY": f"10 1 2 {a(rng)} {base64text(rng, 64)}",
        "TYPE65280": rng.choice(("\\# 0", f"\\# 3 {hexdigits(rng, 3)}", f"\\# 40 {hexdigits(rng, 40)}")),
        "TYPE731": f"\\# 6 {hexdigits(rng, 3)} {hexdigits(rng, 3)}",
    }[rtype]
