"""Record data in presentation format, field by field, right and wrong, for every type that Knot, NSD or
BIND knows. A field's kind has forms: a name, text or what makes it, and whether it is one that the RFC
of the kind allows."""

import base64


class Form:
    def __init__(self, name, make, good):
        self.name, self.make, self.good = name, make if callable(make) else lambda rng: make, good


def forms(good, bad, odd=()):
    """good, odd (right, but not what everybody writes), bad: (name, text or maker) pairs; the first of
    `good` is what stands in a field while another one is tried."""
    made = [Form(name, make, True) for name, make in (*good, *odd)]
    return made + [Form(name, make, False) for name, make in bad]


def hexa(octets):
    return lambda rng: rng.randbytes(octets).hex()


def b64(octets):
    return lambda rng: base64.b64encode(rng.randbytes(octets)).decode()


def label(rng):
    return rng.choice(("mail", "ns1", "a", "host-7", "x" * 63, "_tcp", "*"))


def integer(bits):
    top = 2 ** bits
    return forms([("plain", lambda rng: str(rng.randrange(top))), ("zero", "0"), ("largest", str(top - 1))],
                 [("too large", str(top)), ("far too large", str(2 ** 64 + 1)), ("negative", "-1"),
                  ("plus", "+1"), ("word", "abc"), ("hexadecimal", "0x1"), ("fraction", "1.5"),
                  ("quoted", '"1"'), ("escaped", "\\0491"), ("number and more", "1x")],
                 [("leading zeros", "007")])


def address(plain, *bad):
    return forms([("plain", plain)], [("word", "abc"), ("quoted", lambda rng: f'"{plain(rng)}"'),
                                      ("final dot", lambda rng: plain(rng) + "."), *bad])


def v4(rng):
    return ".".join(str(rng.randrange(256)) for _ in range(4))


def v6(rng):
    return rng.choice(("2001:db8::%x" % rng.randrange(65536), "::1", "::", "fe80::a:b", "::ffff:192.0.2.1"))


def mnemonic(bits, known):
    return (integer(bits) +
            forms([("mnemonic", known), ("small letters", known.lower())],
                  [("unknown word", "NOSUCH"), ("quoted mnemonic", f'"{known}"')]))


def encoded(octets, encode, *, one_word=False, shortest=1):
    plain = (hexa if encode == "hex" else b64)(octets)

    def change(edit):
        return lambda rng: edit(plain(rng))
    bad = [("quoted", change(lambda t: f'"{t}"')), ("no digit", change(lambda t: "!" + t[1:]))]
    odd = []
    if encode == "hex":
        bad.append(("odd", change(lambda t: t[:-1])))
        odd.append(("capitals", change(str.upper)))
        if shortest > 1:
            bad.append(("too short", hexa(shortest - 1)))
    else:
        bad += [("cut", change(lambda t: t[:-1])), ("padding within", "AA==AAAA"),
                ("bits left", "AAB="), ("padding only", "====")]
        odd.append(("two digits over", "AAAAAA=="))
    if not one_word:
        odd.append(("in words", change(lambda t: " ".join((t[:3], t[3:8], t[8:])))))
    return forms([("plain", plain)], bad, odd)


STRING = forms(
    [("plain", lambda rng: f'"t{rng.randrange(999)} x"'), ("bare", "bare"), ("empty", '""'),
     ("255 octets", '"' + "x" * 255 + '"')],
    [("256 octets", '"' + "x" * 256 + '"'), ("escape above 255", '"a\\256"'), ("short escape", '"a\\25"')],
    [("escapes", '"\\"\\\\\\; \\000\\255"'), ("special", '"a;b(c)"'), ("bare escapes", "a\\;\\\"b\\032")])
STRINGS = STRING + forms([("several", '"a" b "" "c d"')], [], [("touching", '"a""b"')])
NAME = forms(
    [("plain", lambda rng: label(rng)), ("absolute", lambda rng: label(rng) + ".example."), ("root", "."),
     ("origin", "@")],
    [("quoted", '"mail"'), ("quoted within", 'ma"i"l'), ("empty label", "a..b"), ("first dot", ".a"),
     ("64 octets", "x" * 64), ("256 octets", ("x" * 63 + ".") * 4 + "."), ("escape above 255", "a\\256"),
     ("short escape", "a\\25")],
    [("escaped dot", "a\\.b"), ("escaped octet", "a\\000\\255b"), ("escaped mark", "a\\\"b\\;\\(\\@"),
     ("escaped origin", "\\@"), ("underscore", "_a._b"), ("longest", ("y" * 63 + ".") * 3 + "z" * 61 + ".")])
RRTYPE = forms([("plain", "A"), ("TYPEn", "TYPE1"), ("unknown TYPEn", "TYPE65280")],
               [("number", "1"), ("unknown word", "NOSUCH"), ("TYPEn too large", "TYPE65536"),
                ("quoted", '"A"')], [("small letters", "aaaa"), ("small typeN", "type28")])
BITMAP = forms([("plain", "A MX TYPE1234"), ("one", "NS")],
               [("unknown word", "A NOSUCH"), ("number", "A 1"), ("quoted", '"A"'), ("ANY", "ANY"),
                ("type 0", "TYPE0")],
               [("empty", ""), ("twice", "A A MX"), ("any order", "TYPE65535 CAA A SVCB"),
                ("small letters", "a mx type300")])
TIME = forms([("plain", "20300101000000"), ("seconds", "1893456000")],
             [("month 13", "20301301000000"), ("day 31 of April", "20300431000000"),
              ("hour 24", "20300101240000"), ("minute 60", "20300101006000"), ("13 digits", "2030010100000"),
              ("word", "now"), ("quoted", '"20300101000000"')],
             [("after 2106", "22300101000000"), ("leap day", "20280229000000")])
LOC = forms(
    [("plain", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"), ("short", "52 N 4 E 0"),
     ("no unit", "52 1 N 4 2 E 10.5 100 20 3"), ("south and west", "0 0 0.001 S 179 59 59.999 W 0m")],
    [("91 degrees", "91 0 0 N 0 0 0 E 0"), ("above 90 degrees", "90 0 1 N 0 E 0"),
     ("181 degrees", "0 N 181 E 0"), ("minute 60", "52 60 N 4 E 0"), ("second 60", "52 1 60 N 4 E 0"),
     ("four decimals", "52 1 1.0001 N 4 E 0"), ("negative degrees", "-52 N 4 E 0"),
     ("no letter", "52 1 2 4 5 6 0"), ("wrong letter", "52 E 4 N 0"), ("no altitude", "52 N 4 E"),
     ("too low", "52 N 4 E -100000.01"), ("too high", "52 N 4 E 42849672.96"),
     ("too large", "52 N 4 E 0 90000001"), ("negative size", "52 N 4 E 0 -1m"),
     ("word", "52 N 4 E high"), ("wrong unit", "52 N 4 E 0km"), ("three decimals", "52 N 4 E 0.001"),
     ("one field more", "52 N 4 E 0 1 2 3 4"), ("quoted", '"52" N 4 E 0')],
    [("lowest", "0 S 180 W -100000.00"), ("highest", "90 N 180 E 42849672.95"),
     ("small letters", "52 n 4 e 0"), ("largest size", "52 N 4 E 0 90000000.00m"),
     ("rounded size", "52 N 4 E 0 12.34m 0.09m 999m")])
APL = forms(
    [("plain", "1:192.168.32.0/21 !1:192.168.38.0/28"), ("IPv6", "2:2001:db8::/32 !2:::/0")],
    [("prefix 33", "1:192.168.32.0/33"), ("prefix 129", "2:::/129"), ("no prefix", "1:192.0.2.0"),
     ("family 3", "3:abcd/8"), ("wrong family", "2:192.0.2.0/24"), ("no family", "192.0.2.0/24"),
     ("word", "abc"), ("bad address", "1:192.0.2/24"), ("negative prefix", "1:192.0.2.0/-1"),
     ("two marks", "!!1:192.0.2.0/24"), ("quoted", '"1:192.168.32.0/21"')],
    [("empty", ""), ("bits behind the prefix", "1:192.168.33.7/21"), ("nothing", "1:0.0.0.0/0")])
SVC = forms(
    [("plain", "alpn=h2,h3 port=8443"), ("quoted", 'alpn="h2,h3" port="8443"'), ("none", ""),
     ("hints", "ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1,::2"), ("ech", "ech=AQIDBA=="),
     ("unknown key", "key667=hello\\210qoo"), ("quoted unknown key", 'key667="hello world"'),
     ("key alone", "key667"), ("mandatory", "mandatory=alpn,port alpn=h2 port=1"),
     ("no default", "no-default-alpn alpn=h2"), ("dohpath", "alpn=h2 dohpath=/q{?dns}")],
    [("twice", "alpn=h2 alpn=h3"), ("mandatory but missing", "mandatory=port alpn=h2"),
     ("mandatory mandatory", "mandatory=mandatory"), ("mandatory twice", "mandatory=alpn,alpn alpn=h2"),
     ("no default alone", "no-default-alpn"), ("no default with value", "no-default-alpn=x alpn=h2"),
     ("port too large", "port=65536"), ("no port", "port"), ("empty alpn", "alpn="), ("alpn alone", "alpn"),
     ("empty item", "alpn=h2,,h3"), ("last comma", "alpn=h2,"), ("first comma", "alpn=,h2"),
     ("no hint", "ipv4hint="), ("wrong hint", "ipv4hint=::1"), ("hint and comma", "ipv4hint=192.0.2.1,"),
     ("bad ech", "ech=AQI"), ("no ech", "ech="), ("unknown word", "foo=x"), ("capitals", "ALPN=h2"),
     ("key with zeros", "key00667=x"), ("key too large", "key65536=x"), ("all quoted", '"alpn=h2"'),
     ("blank in a list", "alpn=h2, h3"), ("key1 no list", "key1=h2"), ("key3 too long", "key3=abc"),
     ("dohpath without dns", "alpn=h2 dohpath=/q"), ("protocol of 256", "alpn=" + "x" * 256)],
    [("RFC 9460 D.2", 'alpn="f\\\\\\\\oo\\\\,bar,h2"'), ("RFC 9460 D.2 bare", "alpn=f\\\\\\092oo\\092,bar,h2"),
     ("any order", "port=1 alpn=h2 key9999 ipv4hint=192.0.2.1 mandatory=key9999,alpn"),
     ("key1", "key1=\\002h2"), ("key3", "key3=ab"), ("empty unknown", "key667="),
     ("escaped comma", "alpn=a\\,b"), ("empty quoted", 'no-default-alpn="" alpn=h2'),
     ("mandatory by number", "mandatory=key1 alpn=h2"), ("key 65535", "key65535=x"),
     ("ohttp", "ohttp")])
TARGET = forms([("plain", '"ftp://ftp.example/"'), ("bare", "ftp://x"),
                ("long", '"' + "x" * 300 + '"')],
               [("empty", '""'), ("escape above 255", '"a\\256"'), ("two", '"a" "b"')],
               [("escapes", '"\\"\\\\\\;\\000\\255"')])
VALUE = [form for form in TARGET if form.name != "empty"] + forms([], [], [("empty", '""')])
TAG = forms([("plain", "issue"), ("capitals", "ISSUE"), ("digits", "tag9")],
            [("hyphen", "is-sue"), ("quoted", '"issue"'), ("empty", '""'), ("256 octets", "x" * 256)],
            [("long", "x" * 30)])
SALT = forms([("plain", "aabbccdd"), ("none", "-")],
             [("odd", "abc"), ("word", "xyz"), ("256 octets", "aa" * 256), ("quoted", '"aabb"'),
              ("empty", '""')], [("capitals", "AABB"), ("255 octets", "aa" * 255)])
HASH = forms([("plain", "2vptu5timamqttgl4luu9kg21e0aor3s")],
             [("no digit", "2vptu5timamqttgl4luu9kg21e0aor3w"), ("padded", "2vptu5ti2vptu5t="),
              ("quoted", '"2vptu5timamqttgl4luu9kg21e0aor3s"')],
             [("capitals", "2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S")])


def eui(octets):
    def plain(rng):
        return rng.randbytes(octets).hex("-")
    return forms([("plain", plain)],
                 [("short", lambda rng: plain(rng)[3:]), ("long", lambda rng: plain(rng) + "-00"),
                  ("colons", lambda rng: plain(rng).replace("-", ":")), ("word", "abc"),
                  ("no hyphens", hexa(octets)), ("one digit", lambda rng: plain(rng)[1:]),
                  ("no digit", lambda rng: "xx" + plain(rng)[2:]),
                  ("quoted", lambda rng: f'"{plain(rng)}"')],
                 [("capitals", lambda rng: plain(rng).upper())])


LOCATOR = forms([("plain", "2001:0db8:1140:1000")],
                [("three groups", "1:2:3"), ("five groups", "1:2:3:4:5"), ("two colons", "1::4"),
                 ("five digits", "00001:2:3:4"), ("word", "abc"), ("quoted", '"2001:0db8:1140:1000"')],
                [("short groups", "14:4fff:ff20:0")])
GATEWAY = forms(
    [("none", "0 {a} . {k}"), ("IPv4", "1 {a} 192.0.2.1 {k}"), ("IPv6", "2 {a} 2001:db8::1 {k}"),
     ("name", "3 {a} gw {k}"), ("absolute name", "3 {a} gw.example. {k}")],
    [("none but name", "0 {a} gw {k}"), ("wrong address", "1 {a} 2001:db8::1 {k}"),
     ("no address", "2 {a} gw {k}"), ("type 4", "4 {a} gw {k}"), ("bad name", "3 {a} a..b {k}"),
     ("quoted name", '3 {a} "gw" {k}'), ("bad key", "1 {a} 192.0.2.1 AAA")])


def gateways(algorithm, key):
    return [Form(f.name, f.make(None).format(a=algorithm, k=key).strip(), f.good) for f in GATEWAY]


IPSEC = (gateways("2", "AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==") +
         forms([("no key", "0 0 ."), ("no key but algorithm", "1 2 192.0.2.1")], []))
RELAY = ([form for form in gateways("", "") if form.name not in ("bad key",)] +
         forms([("discovery", "3 relay")], []))
RELAY = [Form(form.name, "01"[form.name == "discovery"] + " " + form.make(None), form.good)
         for form in RELAY] + forms([], [("D-bit 2", "2 0 ."), ("type 128", "0 128 x")])
HIP = forms([("plain", "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs1.example. rvs2"),
             ("no server", "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx")],
            [("odd HIT", "2 20010 AwEAAbdx"), ("no HIT", "2 - AwEAAbdx"), ("bad key", "2 2001 AwEAAbd"),
             ("bad name", "2 2001 AwEAAbdx a..b"), ("256", "256 2001 AwEAAbdx"),
             ("quoted name", '2 2001 AwEAAbdx "rvs"')])
WKS = forms([("plain", "TCP smtp 80"), ("numbers", "6 25"), ("other protocol", "1 1 2 3")],
            [("protocol 256", "256 1"), ("port 65536", "TCP 65536"), ("unknown service", "TCP nosuch"),
             ("unknown protocol", "nosuch 1"), ("quoted", '"TCP" 25')],
            [("small letters", "udp domain"), ("no ports", "TCP"), ("last port", "UDP 65535")])
NSAP = forms([("plain", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00")],
             [("no 0x", "47000580"), ("odd", "0x470"), ("empty", "0x"), ("no digit", "0x47zz"),
              ("quoted", '"0x47"')], [("capitals", "0x47AB.CD")])
ATMA = forms([("plain", "39246f000e7c9c031200010001000012345678"), ("E.164", "+358400123456")],
             [("odd", "39246"), ("word", "xyz"), ("plus alone", "+"), ("plus and letters", "+abc"),
              ("quoted", '"+358400123456"')], [("dots", "39.246f.00"), ("dots in E.164", "+358.400.123")])
A6 = forms([("plain", "64 ::1234:5678:9abc:def0 x"), ("all", "0 2001:db8::1"), ("name only", "128 x")],
           [("prefix 129", "129 x"), ("no suffix", "64"), ("no name", "64 ::1"),
            ("all and name", "0 2001:db8::1 x"), ("bad suffix", "64 1.2.3.4 x"), ("bad name", "64 ::1 a..b"),
            ("quoted name", '64 ::1 "x"')],
           [("bits in the prefix", "64 2001:db8::1 x"), ("odd prefix", "61 2001:db8::7:0:0:1 x")])
DOA_DATA = encoded(9, "base64") + forms([("none", "-")], [])
NXT = forms([("plain", "A MX")], [("unknown word", "A NOSUCH"), ("type 128", "TYPE128"), ("empty", ""),
                                  ("quoted", '"A"')], [("TYPE127", "TYPE127")])
X25 = forms([("plain", "311061700956"), ("quoted", '"311061700956"')],
            [("word", "abcd"), ("three digits", "123"), ("empty", '""')])

U8, U16, U32 = integer(8), integer(16), integer(32)
# More than a signer has, as BIND has it.
LABELS = forms([("plain", "127")], []) + [form for form in U8[1:] if form.name != "leading zeros"]
TTL = forms([("plain", "3600")], []) + [form for form in U32[1:] if form.name != "largest"]
ALGORITHM = mnemonic(8, "RSASHA256")
V4 = address(v4, ("256", "192.0.2.256"), ("three numbers", "192.0.2"), ("leading zeros", "192.0.2.01"),
             ("IPv6", "::1"), ("escaped", "\\0492.0.2.1"))
V6 = address(v6, ("two gaps", "1::2::3"), ("IPv4", "192.0.2.1"), ("zone", "fe80::1%eth0"),
             ("nine groups", "1:2:3:4:5:6:7:8:9"), ("five digits", "12345::"))
# RFC 4509, RFC 4255: the usual length, so that nobody has to agree on others.
SHA256, SHA1 = encoded(32, "hex"), encoded(20, "hex")
DIGEST_TYPE, SSHFP_TYPE = forms([("plain", "2")], []) + U8[3:], forms([("plain", "1")], []) + U8[3:]
SIGNATURE = [("type", RRTYPE), ("algorithm", ALGORITHM), ("u8", LABELS), ("u32", TTL),
             ("time", TIME), ("time", TIME), ("u16", U16), ("name", NAME), ("base64", encoded(63, "base64"))]
KEY = [("u16", forms([("plain", "257")], []) + U16[3:]), ("u8", forms([("plain", "3")], []) + U8[3:]),
       ("algorithm", ALGORITHM), ("base64", encoded(63, "base64"))]
DS = [("u16", U16), ("algorithm", ALGORITHM), ("u8", DIGEST_TYPE), ("hex", SHA256)]
ONE_NAME, NUMBER_NAME = [("name", NAME)], [("u16", U16), ("name", NAME)]
TEXT = [("strings", STRINGS)]
SVCB = [("u16", forms([("plain", "1"), ("largest", "65535")], []) + U16[3:]), ("name", NAME), ("svc", SVC)]
# Types whose last field may be missing have its empty form in their kind.
MAY_END_EARLY = {"svc", "bitmap", "apl", "wks", "ipsec", "relay", "a6", "loc", "hip", "nsap"}

TYPES = {
    "A": [("IPv4", V4)], "AAAA": [("IPv6", V6)], "NS": ONE_NAME, "MD": ONE_NAME, "MF": ONE_NAME,
    "CNAME": ONE_NAME, "MB": ONE_NAME, "MG": ONE_NAME, "MR": ONE_NAME, "PTR": ONE_NAME,
    "DNAME": ONE_NAME, "NSAP-PTR": ONE_NAME, "MX": NUMBER_NAME, "AFSDB": NUMBER_NAME, "RT": NUMBER_NAME,
    "KX": NUMBER_NAME, "LP": NUMBER_NAME, "MINFO": ONE_NAME * 2, "RP": ONE_NAME * 2,
    "TALINK": ONE_NAME * 2, "PX": [("u16", U16), *ONE_NAME * 2],
    "SRV": [("u16", U16)] * 3 + ONE_NAME, "TXT": TEXT, "SPF": TEXT, "NINFO": TEXT, "AVC": TEXT,
    "RESINFO": TEXT, "WALLET": TEXT, "HINFO": [("string", STRING)] * 2, "GPOS": [("string", STRING)] * 3,
    "ISDN": [("string", STRING)], "X25": [("x25", X25)],
    "NAPTR": [("u16", U16)] * 2 + [("string", STRING)] * 2 +
             [("regexp", forms([("plain", '"!^.*$!sip:x@example.com!"'), ("empty", '""')],
                               [("256 octets", '"' + "x" * 256 + '"')]))] + ONE_NAME,
    "WKS": [("IPv4", V4), ("wks", WKS)], "NSAP": [("nsap", NSAP)], "ATMA": [("atma", ATMA)],
    "A6": [("a6", A6)], "EID": [("hex", encoded(8, "hex"))], "NIMLOC": [("hex", encoded(8, "hex"))],
    "NXT": [("name", NAME), ("nxt", NXT)], "LOC": [("loc", LOC)], "APL": [("apl", APL)],
    "SIG": SIGNATURE, "RRSIG": SIGNATURE, "KEY": KEY, "DNSKEY": KEY, "CDNSKEY": KEY,
    "RKEY": [("u16", forms([("plain", "0")], []) + U16[5:]), *KEY[1:]],
    "DS": DS, "CDS": DS, "DLV": DS, "TA": DS,
    "CERT": [("cert", mnemonic(16, "PGP")), ("u16", U16), ("algorithm", ALGORITHM),
             ("base64", encoded(63, "base64"))],
    "SINK": [("u8", U8)] * 3 + [("base64", encoded(9, "base64"))],
    "SSHFP": [("u8", U8), ("u8", SSHFP_TYPE), ("hex", SHA1)],
    "TLSA": [("u8", U8)] * 3 + [("hex", SHA256)], "SMIMEA": [("u8", U8)] * 3 + [("hex", SHA256)],
    "IPSECKEY": [("u8", U8), ("ipsec", IPSEC)], "AMTRELAY": [("u8", U8), ("relay", RELAY)],
    "NSEC": [("name", NAME), ("bitmap", BITMAP)],
    "NSEC3": [("u8", forms([("plain", "1")], []) + U8[3:]), ("u8", U8), ("u16", U16), ("salt", SALT),
              ("hash", HASH), ("bitmap", BITMAP)],
    "NSEC3PARAM": [("u8", U8), ("u8", U8), ("u16", U16), ("salt", SALT)],
    "DHCID": [("base64", encoded(33, "base64"))], "OPENPGPKEY": [("base64", encoded(63, "base64"))],
    "HHIT": [("base64", encoded(9, "base64"))], "BRID": [("base64", encoded(9, "base64"))],
    "HIP": [("hip", HIP)], "CSYNC": [("u32", U32), ("u16", U16), ("bitmap", BITMAP)],
    "ZONEMD": [("u32", U32), ("u8", forms([("plain", "1")], []) + U8[3:]),
               ("u8", forms([("plain", "1")], []) + U8[3:]), ("hex", encoded(48, "hex", shortest=12))],
    "SVCB": SVCB, "HTTPS": SVCB,
    "DSYNC": [("type", RRTYPE), ("scheme", mnemonic(8, "NOTIFY")), ("u16", U16), ("name", NAME)],
    "NID": [("u16", U16), ("locator", LOCATOR)], "L64": [("u16", U16), ("locator", LOCATOR)],
    "L32": [("u16", U16), ("IPv4", V4)], "EUI48": [("eui", eui(6))], "EUI64": [("eui", eui(8))],
    "URI": [("u16", U16)] * 2 + [("target", TARGET)], "CAA": [("u8", U8), ("tag", TAG), ("value", VALUE)],
    "DOA": [("u32", U32)] * 2 + [("u8", U8), ("string", STRING), ("doa", DOA_DATA)],
}

# What stands before the data of an A record; {o}: an owner of its own.
OWNERS = forms(
    [("plain", "{o}")],
    [("quoted", '"{o}"'), ("quoted within", '{o}"x"'), ("empty label", "{o}..b"), ("64 octets", "{o}." + "x" * 64),
     ("escape above 255", "{o}\\256"), ("short escape", "{o}\\25"), ("out of the zone", "{o}.example.net.")],
    [("absolute", "{o}.T.example."), ("escaped dot", "{o}\\.b"), ("escaped octet", "{o}\\000\\255"),
     ("escaped mark", "{o}\\\"\\;\\("), ("wildcard", "*.{o}"), ("underscore", "_{o}._tcp"),
     ("asterisk within", "a.*.{o}"), ("capitals", "A-{o}"), ("longest label", "{o}." + "x" * 63)])
TTLS = forms(
    [("plain", "60"), ("class first", "IN 60"), ("class last", "60 IN"), ("class alone", "IN")],
    [("too large", "4294967296"), ("negative", "-1"), ("wrong unit", "1y"), ("fraction", "1.5"),
     ("quoted", '"60"'), ("plus", "+1"), ("twice", "60 60"), ("class twice", "IN IN"), ("other class", "CH"),
     ("unknown class", "CLASS5"), ("class too large", "CLASS65536"), ("quoted class", '"IN"')],
    [("zero", "0"), ("units", "1h30m"), ("capital unit", "1D"), ("weeks", "2w"), ("largest", "2147483647"),
     ("small class", "in"), ("class by number", "CLASS1"), ("leading zeros", "007")])
# Whole lines, data and all.
LINES = forms(
    [("plain", "A 192.0.2.1"), ("within parentheses", "( A 192.0.2.1 )"), ("comment in parentheses", "A ( 192.0.2.1 ) ;)")],
    [("no type", ""), ("no data", "A"), ("unknown type", "NOSUCH 192.0.2.1"), ("type as a string", '"A" 192.0.2.1'),
     ("TYPE too large", "TYPE65536 \\# 0"), ("query type", "ANY \\# 0"), ("OPT", "OPT \\# 0"),
     ("unknown type, no form", "TYPE65280 abcd"), ("parenthesis closed", "A 192.0.2.1 )"),
     ("generic without length", "TYPE65280 \\#"), ("generic, length and more", "TYPE65280 \\# 1x ab"),
     ("generic too large", "TYPE65280 \\# 65536 ab"), ("generic quoted", 'TYPE65280 \\# 1 "ab"'),
     ("generic no digit", "TYPE65280 \\# 1 zz")],
    [("unknown type", "TYPE65280 \\# 3 abcdef"), ("unknown type empty", "TYPE65280 \\# 0"),
     ("small typeN", "type65280 \\# 1 AB"), ("known as TYPEn", "TYPE1 \\# 4 c0000201")])
