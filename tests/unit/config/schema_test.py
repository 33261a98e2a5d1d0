"""`summond schema` and `summond check` say yes and no alike.

10,000 mutations of the examples, of the fuzz seeds and of every_key.yaml are read by both: by the
parser behind `check` (config_verdicts), and by a validator of JSON schemas after YAML 1.2. Where only
check says no, each of its errors has to be of a kind that a schema cannot say (ONLY_CHECK, which
docs/SCHEMA.md lists, too), or about a value that YAML reads differently (READ_DIFFERENTLY). Where only
the schema says no, it has to be about such a value.
"""
import json
import os
import random
import re
import subprocess
import unittest
from pathlib import Path

import jsonschema
import yaml

SOURCE = Path(__file__).resolve().parents[3]
VERDICTS = os.environ["VERDICTS"]
COUNT = int(os.environ.get("SCHEMA_MUTATIONS", "10000"))
SEED = int(os.environ.get("SCHEMA_SEED", "1"))

# Kinds of errors that a schema cannot say: as docs/SCHEMA.md has them, and what they look like.
ONLY_CHECK = {
    "YAML itself": r"not YAML|is already there, at line|a key must be a word|the tag |merge keys|second YAML"
                   r"|nested too deeply|the file is empty",
    "names and addresses that are given out twice": r"is already (a name|an address) of|is a (service|zone) already"
        r"|is there (twice|already)|is also that of|is that of two|is another disk|is also a disk of"
        r"|the same id as|is what summond itself listens on|is where DNS is answered|is the same as|among those of the ids|overlaps with|is among those that|would be leased of",
    "names outside the zones, and of services that are not there": r"is in none of the zones|no service is called",
    "addresses that nobody can be reached at": r"a (multicast|loopback|link-local) address|a network of |IPv4-mapped|IPv4 address in an IPv6"
        r"|is no address of anybody|the broadcast address|an address that a (DNS )?server cannot"
        r"|with bits set beyond its length|a wildcard",
    "sums": r"there is room for ids of at most|has fewer addresses than there are ids|at most 7d|leave nothing of|is less than twice|less than its|octets, more than|is more than max, |replicas; list one for each|longer than|more than [0-9]+ (interfaces|addresses|ports)|there are at most|at most [0-9]+ (networks|windows|webhooks|servers)|IPv4 addresses in pools",
    "placeholders": r"is no placeholder|is of a service with ids|alone; write|needs an? (IPv4|IPv6|network)",
    "settings of one service that need each other": r"needs type: pvh|there is no disk|cannot be woken by a packet"
        r"|without the network interface|^standby: |is of that it could|interfaces that it could be of"
        r"|bridge: none leaves|a CD is not written to|the window ends when it begins|has many domains|are made by summond itself|nobody knows beforehand"
        r"|as many domains as it has ids|are not kept in files|has others; leave it out|would write to|means nothing|replicas of|^replicas: |is always up|one domain|an IPv4 pool alone|a second IPv[46] network|has no dns|nobody tells them|no URL of etcd: is https|only a script uses it",
    "files": r"cannot be read|not a file of xl's|must hold a text|has no certificate in it|has no private key in it|must hold a password|there is no name in it|neither kernel nor bootloader|no id: ids are of",
    "names of bridges and devices": r"(bridge|device|disks?\.device|interfaces\.bridge) is ",
    "what libxl knows": r"cpuid is|rate is|is not known to libxl|ip is ",
    "lists of CPUs": r"cpus(_soft)? is ",
    "lengths of ids": r'ids\.length is "0*[1-9][0-9]*-0*[1-9][0-9]*"',
    "records": r"directives belong",
    "secrets in base64": r"secret: must be a text of 16",
}
# Values that YAML 1.2 reads as something else than the text that stands there, which is what summond reads:
# either may say no. And names with escapes (RFC 1035 section 5.1), which only the schema refuses.
READ_DIFFERENTLY = {
    "numbers that are written in another way": r"(?!(0|-?[1-9][0-9]{0,14})$)([-+]?[0-9.]+([eE][-+]?[0-9]+)?|0[xo][0-9a-fA-F]+"
                                               r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))",
    "booleans in capitals": r"True|TRUE|False|FALSE",
    "names with escapes": r".*\\.*",
}


# -- YAML 1.2, as editors read it

class Unreadable(Exception):
    pass


INT = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPECIAL = {"": None, "~": None, "null": None, "Null": None, "NULL": None,
           "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
           ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan")}
for sign in ("", "+", "-"):
    for word in (".inf", ".Inf", ".INF"):
        SPECIAL[sign + word] = float(sign + "inf")


def is_plain(node):
    return node.style in (None, "")  # by Python, or by libyaml


def scalar(node):
    text = node.value
    if not is_plain(node):
        return text
    if text in SPECIAL:
        return SPECIAL[text]
    if INT.fullmatch(text):
        return int(text)
    if re.fullmatch(r"0o[0-7]+", text):
        return int(text[2:], 8)
    if re.fullmatch(r"0x[0-9a-fA-F]+", text):
        return int(text[2:], 16)
    return float(text) if FLOAT.fullmatch(text) else text


def value(node):
    if isinstance(node, yaml.ScalarNode):
        return scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [value(item) for item in node.value]
    out = {}
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable("a key is no word")
        if key.value in out:
            raise Unreadable("a key is there twice")
        out[key.value] = value(item)
    return out


def parse(text):
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        return None if node is None else value(node)
    except (yaml.YAMLError, Unreadable, RecursionError) as error:
        raise Unreadable(str(error)) from error


# -- The two

def verdicts(texts):
    """The errors of check, for each text."""
    data = b"".join(b"%d\n%s" % (len(raw), raw) for raw in (text.encode() for text in texts))
    out = subprocess.run([VERDICTS], input=data, capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def schema_of_program():
    return json.loads(subprocess.run([VERDICTS, "schema"], capture_output=True, check=True).stdout)


def pattern(_validator, regex, instance, _schema):
    # ECMA-262's $ is the end; Python's is also before a last line break.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", regex), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match")


Validator = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": pattern})


# -- Texts to begin with

def blocks(page):
    """The ```yaml blocks of a page."""
    return re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)


def seeds():
    texts = [path.read_text() for path in sorted((SOURCE / "config").glob("*.yaml"))]
    for page in [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]:
        texts += blocks(page)
    for path in sorted((SOURCE / "tests/fuzz/seeds/config").iterdir()):
        if "alias" not in path.name:  # they are about how much is read
            texts.append(path.read_text(errors="replace"))
    every = (SOURCE / "tests/unit/config/every_key.yaml").read_text()
    return texts, every


# -- Mutations

UNITS = ["", "ms", "s", "m", "h", "d", "w", " s", "KiB", "MiB", "GiB", "TiB", "MB", "k", "x"]
POOL = ["", "~", "true", "false", "on", "off", "0", "1", "-1", "2", "7", "64", "65", "255", "4096", "65535", "65536",
        "100000", "100001", "4294967295", "4294967296", "99999999999999999999", "1.5", "a", "none", "any", "never",
        "ready", "link", "ends", "tcp/80", "udp/53", "http/8080", "tcp/0", "tcp/65536", "icmp/1", "pv", "pvh", "hvm",
        "500ms", "5s", "10m", "2h", "1d", "1000d", "1.5h", "16MiB", "1GiB", "8 MiB", "1KiB", "10.0.0.10", "10.0.0.256",
        "::1", "2001:db8::/32", "2001:db8::1", "1::2::3", "1:2:3:4:5:6:7:8", "[::1]:53", "10.0.0.0/8", "10.0.0.0/33",
        "192.0.2.1:53", "192.0.2.1:0", "www.jit.example", "-bad-.jit.example", "a..b", "name with space", "ns1",
        "a" * 64 + ".jit.example", "/a/b", "x" * 300, "xvda", "xvdaa3", "sdq", "hde", "d0p1", "0x1",
        "00:16:3e:00:00:01", "01:16:3e:00:00:01", "00:16:3e:00:00", "mon-fri", "mon-", "08:00", "24:00", "25:00",
        "destroy", "pause", "suspend", "shutdown", "booted", "built", "leave", "root", "summond", "123", "Domain-0",
        "data/ready", "data//x", "{ipv4}", "{", "me@example.org", "connections", "packet", "dns", "preserve",
        "coredump-destroy", "@", "*.jit.example", "$INCLUDE x", "line\nbreak", "tab\there", "ä", "A=B", "\"q\""]


def node_of(text, rng):
    style = rng.choice([None, None, '"'])
    if style is None and (text == "" or re.search(r"[\n\t]|: | #|^[\[\]{}*&!|>%@`\"'#,?-]", text)):
        style = '"'
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


def all_nodes(node, found):
    found.append(node)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            all_nodes(item, found)
    elif isinstance(node, yaml.MappingNode):
        for _key, item in node.value:
            all_nodes(item, found)
    return found


def shapes_of(schema):
    """The schema and all within it, but for the rules of mappings, each with the key that it stands under."""
    for key, item in schema.get("properties", {}).items():
        yield key, item
        yield from shapes_of(item)
    for item in ([schema["items"]] if "items" in schema else []) + schema.get("anyOf", []):
        yield None, item
        yield from shapes_of(item)


def keys_of(schema):
    found = {}
    for key, shape in shapes_of(schema):
        if key is not None:
            found.setdefault(key, []).append(shape)
    return found


def boundaries(schema):
    """Words of the schema, and numbers at the ends of its ranges."""
    found = set()
    for _key, shape in shapes_of(schema):
        for word in shape.get("enum", []):
            found.add(str(word).lower() if isinstance(word, bool) else str(word))
        for end in ("minimum", "maximum"):
            if end in shape:
                found.update(str(shape[end] + step) for step in (-1, 0, 1))
    return found


def leaves(error):
    """What is wrong, of the alternatives those that have come furthest."""
    furthest = max((len(each.absolute_path) for each in error.context), default=0)
    if not error.context:
        yield error
    for each in error.context:
        if len(each.absolute_path) == furthest:
            yield from leaves(each)


class Mutator:
    def __init__(self, schema, rng):
        self.rng = rng
        self.keys = sorted(keys_of(schema))
        self.pool = POOL + sorted(boundaries(schema))

    def scalar(self):
        return node_of(self.rng.choice(self.pool), self.rng)

    def mapping(self):
        pairs = [(node_of(self.rng.choice(self.keys), self.rng), self.scalar())
                 for _ in range(self.rng.randrange(3))]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=True)

    def any(self):
        kind = self.rng.randrange(10)
        if kind < 7:
            return self.scalar()
        if kind == 7:
            return self.mapping()
        items = [self.rng.choice([self.scalar, self.mapping])() for _ in range(self.rng.randrange(3))]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=True)

    def misspelt(self, word):
        at = self.rng.randrange(len(word) + 1)
        letter = self.rng.choice("abcdefghijklmnopqrstuvwxyz_-.0")
        return self.rng.choice([word[:at] + letter + word[at:], word[:at] + word[at + 1:],
                                word[:at] + letter + word[at + 1:], word.upper(), word + word])

    def changed_scalar(self, node):
        text = node.value
        kind = self.rng.randrange(6)
        number = re.match(r"[0-9]+", text)
        if kind < 2 and number:
            if kind == 0:
                text = number[0] + self.rng.choice(UNITS)
            else:
                text = str(self.rng.choice([0, 1, 10, 1000]) * int(number[0]) + self.rng.choice([-1, 0, 1])) + \
                    text[number.end():]
        elif kind == 2:
            return yaml.ScalarNode(node.tag, text, style='"' if is_plain(node) else None) if re.fullmatch(
                r"[\w.]+", text) else node
        else:
            text = self.misspelt(text)
        return node_of(text, self.rng)

    def mutate(self, root):
        nodes = all_nodes(root, [])
        node = self.rng.choice(nodes)
        if isinstance(node, yaml.MappingNode):
            kind = self.rng.randrange(7)
            at = self.rng.randrange(len(node.value)) if node.value else None
            if kind == 0 and at is not None:
                del node.value[at]
            elif kind == 1 and at is not None:
                node.value.append(node.value[at])
            elif kind == 2 and at is not None:
                key, item = node.value[at]
                node.value[at] = (node_of(self.misspelt(key.value), self.rng), item)
            elif kind == 3 and at is not None:
                other = self.rng.choice(nodes)
                within = all_nodes(node.value[at][1], [])
                if isinstance(other, yaml.MappingNode) and not any(other is each for each in [node, *within]):
                    other.value.append(node.value.pop(at))
            elif kind == 4 and at is not None:
                key, _item = node.value[at]
                node.value[at] = (key, self.any())
            else:
                node.value.append((node_of(self.rng.choice(self.keys), self.rng), self.any()))
        elif isinstance(node, yaml.SequenceNode):
            kind = self.rng.randrange(4)
            at = self.rng.randrange(len(node.value)) if node.value else None
            if kind == 0 and at is not None:
                del node.value[at]
            elif kind == 1:
                node.value.append(self.any())
            elif at is not None:
                node.value[at] = self.any()
        else:
            changed = self.changed_scalar(node)
            node.value, node.style, node.tag = changed.value, changed.style, changed.tag


def serialized(node):
    # Plain where its style says so: what YAML takes it for is what the test is about.
    return yaml.serialize(node, Dumper=Plain, allow_unicode=True, width=10000)


class Plain(yaml.SafeDumper):
    def ignore_aliases(self, _data):
        return True

    def serialize_node(self, node, parent, index):
        if isinstance(node, yaml.ScalarNode):
            plain = is_plain(node)
            self.emit(yaml.ScalarEvent(None, None, (plain, not plain), node.value, style=None if plain else node.style))
            return
        super().serialize_node(node, parent, index)

    def anchor_node(self, node):
        self.anchors[node] = None
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self.anchor_node(item)
        elif isinstance(node, yaml.MappingNode):
            for key, item in node.value:
                self.anchor_node(key)
                self.anchor_node(item)


def mutations(texts, every, schema):
    rng = random.Random(SEED)
    mutator = Mutator(schema, rng)
    made = 0
    while made < COUNT:
        text = every if rng.randrange(2) == 0 else rng.choice(texts)
        try:
            root = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            root = None
        if root is None or len(text) > 10000:
            continue
        if text is every:
            trim(root, rng)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            mutator.mutate(root)
        try:
            yield serialized(root)
            made += 1
        except (yaml.YAMLError, RecursionError):
            pass


def trim(root, rng):
    """Leaves one or two of every_key.yaml's services, and webhooks that name no others."""
    for key, item in root.value:
        if key.value == "services":
            item.value = rng.sample(item.value, rng.choice([1, 1, 2]))
            said = [(word.value, name.value) for service in item.value for word, name in service.value]
            kept = [name for word, name in said if word == "name"] + ["hello" for word, _name in said if word == "xl"]
    for key, item in root.value:
        if key.value == "webhooks":
            for hook in item.value:
                for word, names in hook.value:
                    if word.value == "services":
                        names.value = [name for name in names.value if name.value in kept]


# -- What must be true

def kind_of(error):
    value = re.search(r' is "([^"]*)"', error)
    for kind, regex in READ_DIFFERENTLY.items():
        if value and re.fullmatch(regex, value[1]):
            return kind
    return next((kind for kind, regex in ONLY_CHECK.items() if re.search(regex, error)), None)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = schema_of_program()
        cls.texts, cls.every = seeds()

    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_every_key_says_what_it_is(self):
        for key, shapes in keys_of(self.schema).items():
            for shape in shapes:
                self.assertTrue(shape.get("description"), key)
                self.assertNotIn("\n", shape["description"], key)

    def test_every_key_is_tried(self):
        used = set()

        def walk(item):
            if isinstance(item, dict):
                used.update(item)
                for each in item.values():
                    walk(each)
            elif isinstance(item, list):
                for each in item:
                    walk(each)
        walk(parse(self.every))
        self.assertEqual(sorted(keys_of(self.schema)), sorted(used))
        self.assertEqual(verdicts([self.every]), [[]])
        self.assertEqual([e.message for e in Validator(self.schema).iter_errors(parse(self.every))], [])

    def test_every_key_is_documented(self):
        page = "".join((SOURCE / "docs" / name).read_text() for name in ("CONFIGURATION.md", "WEBHOOKS.md", "FLEET.md"))
        page = re.sub(r"^```.*?^```", "", page, flags=re.M | re.S).replace("``[ ] { } * & ! | > % @ ` ``", "")
        words = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`]+)`", page))))
        self.assertEqual(set(keys_of(self.schema)) - words, set())

    def test_defaults_are_those_of_the_docs(self):
        rows = []
        for page in ("CONFIGURATION.md", "WEBHOOKS.md", "FLEET.md"):
            for line in (SOURCE / "docs" / page).read_text().splitlines():
                cells = [cell.strip() for cell in line.strip("|").split(" | ")]
                if line.startswith("|") and len(cells) == 3:
                    keys = re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`]+)`", " ".join(cells[:2]))))
                    rows.append((keys, cells[2].replace("`", "")))
        for key, shapes in keys_of(self.schema).items():
            for shape in shapes:
                if "default" not in shape:
                    continue
                usual = str(shape["default"])
                usual = usual.lower() if isinstance(shape["default"], bool) else usual
                documented = [text for keys, text in rows if key in keys]
                self.assertTrue(any(usual in text for text in documented), f"{key}: {usual}, but the docs: {documented}")

    def test_kinds_are_documented(self):
        page = (SOURCE / "docs/SCHEMA.md").read_text()
        for kind in [*ONLY_CHECK, *READ_DIFFERENTLY]:
            self.assertIn(kind, re.sub(r"\s+", " ", page))

    maxDiff = None

    def test_says_what_check_says(self):
        validator = Validator(self.schema)
        texts = [text for text in self.texts if len(text) < 10000]
        texts += mutations(self.texts, self.every, self.schema)
        both = {True: 0, False: 0}
        kinds = dict.fromkeys([*ONLY_CHECK, *READ_DIFFERENTLY], 0)
        wrong = []
        for text, errors in zip(texts, verdicts(texts), strict=True):
            try:
                by_schema = validator.is_valid(parse(text))
            except Unreadable:
                by_schema = False
            if by_schema == (not errors):
                both[by_schema] += 1
            elif by_schema:
                for error in errors:
                    kind = kind_of(error)
                    if kind is None:
                        wrong.append(f"only check says: {error}\n{text}")
                        break
                    kinds[kind] += 1
            else:
                kind = self.read_differently(validator, text)
                if kind is None:
                    wrong.append(f"only the schema says no: {self.why(validator, text)}\n{text}")
                else:
                    kinds[kind] += 1
        print(json.dumps({"texts": len(texts), "both yes": both[True], "both no": both[False], "kinds": kinds}))
        self.assertEqual(len(wrong), 0, "\n---\n".join(wrong[:int(os.environ.get("SCHEMA_SHOWN", "3"))]))
        self.assertGreater(both[True], COUNT // 20)
        self.assertGreater(both[False], COUNT // 3)

    @staticmethod
    def why(validator, text):
        try:
            return "; ".join(f"{list(leaf.absolute_path)}: {leaf.message[:200]}"
                             for error in validator.iter_errors(parse(text)) for leaf in leaves(error))
        except Unreadable as error:
            return str(error)

    @staticmethod
    def read_differently(validator, text):
        """The kind of the first value that the schema refuses, if it is one that YAML reads differently."""
        try:
            errors = list(validator.iter_errors(parse(text)))
        except Unreadable:
            return None
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        kinds = set()
        for error in errors:
            node = root
            for step in error.absolute_path:
                node = node.value[step] if isinstance(step, int) else next(
                    item for key, item in node.value if key.value == step)
            words = [each.value for each in all_nodes(node, []) if isinstance(each, yaml.ScalarNode)]
            kind = next((k for k, regex in READ_DIFFERENTLY.items() for word in words if re.fullmatch(regex, word)), None)
            if kind is None:
                return None
            kinds.add(kind)
        return sorted(kinds)[0]


if __name__ == "__main__":
    unittest.main()
