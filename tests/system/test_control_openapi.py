"""docs/openapi.yaml has every member of every answer that the real control gives, and no other."""

import json
import pathlib
import unittest

import yaml

from process_support import ask, wait_until
from harness import control  # process_support says where it is
from test_control import SERVICES, ControlTest
from test_webhooks import Receiver

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs/openapi.yaml"
KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
         "null": type(None)}


class Schema:
    """As much of JSON Schema as the file uses."""

    def __init__(self, document):
        self.document = document
        self.seen = set()  # properties that some answer had with a value other than null

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def problems(self, node, value, where):
        node = self.resolve(node)
        if "oneOf" in node:
            if sum(not list(self.problems(each, value, where)) for each in node["oneOf"]) != 1:
                yield f"{where}: {value!r} is none, or several, of its alternatives"
            return
        kinds = node.get("type", list(KINDS))
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(isinstance(value, KINDS[k]) and (k == "boolean" or not isinstance(value, bool)) for k in kinds):
            yield f"{where}: {value!r} is no {kinds}"
            return
        if "enum" in node and value not in node["enum"]:
            yield f"{where}: {value!r} is none of {node['enum']}"
        if isinstance(value, list):
            for item in value:
                yield from self.problems(node["items"], item, where + "[]")
        if isinstance(value, dict):
            properties = node.get("properties", {})
            for missing in set(node.get("required", [])) - set(value):
                yield f"{where}: {missing} is missing"
            for name, its in value.items():
                if name not in properties:
                    yield f"{where}: {name} is not in the file"
                else:
                    yield from self.problems(properties[name], its, f"{where}.{name}")


class OpenApi(ControlTest):
    def setUp(self):
        self.document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        self.schema = Schema(self.document)

    def check(self, method, path, answer):
        responses = self.document["paths"][path][method]["responses"]
        response = self.schema.resolve(responses.get(str(answer.status), responses["default"]))
        if answer.status < 300:
            self.assertIn(str(answer.status), responses)
        schema = response["content"]["application/json"]["schema"]
        self.assertEqual(list(self.schema.problems(schema, answer.json, path)), [])
        return answer

    def test_every_answer(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        hooks = (f"webhooks: [{{name: a, url: 'http://127.0.0.1:{receiver.port}'}}, "
                 f"{{name: b, url: 'http://127.0.0.1:1'}}]\n")
        fleet = "fleet: {name: a, etcd: 'http://127.0.0.1:1'}\n"
        daemon = self.controlled(SERVICES + hooks + fleet, more="")
        wait_until(lambda: len(self.get(daemon, "/v1/webhooks").json["webhooks"]) == 2, "the notifier")
        untried = {(method, path) for path, item in self.document["paths"].items()
                   for method in item if method in ("get", "post")}

        def do(method, path, query="", service="www", webhook="a"):
            untried.discard((method, path))
            target = path.replace("{service}", service).replace("{webhook}", webhook)
            return self.check(method, path, control.ask(daemon.socket, method.upper(), target + query))

        do("get", "/v1/status")
        do("get", "/v1/services")
        do("get", "/v1/services", "?phase=asleep")
        do("get", "/v1/services", "?phase=sleepy")
        do("get", "/v1/services/{service}", service="nobody")
        do("post", "/v1/services/{service}/wake", "?wait=ready&timeout=30s&force=true")
        do("post", "/v1/services/{service}/wake", service="blog")
        do("get", "/v1/services/{service}")
        do("get", "/v1/zones")
        self.assertEqual(do("post", "/v1/webhooks/{webhook}/ping").status, 200)
        self.assertEqual(do("post", "/v1/webhooks/{webhook}/ping", webhook="b").status, 502)
        self.assertEqual(do("post", "/v1/webhooks/{webhook}/ping", webhook="c").status, 404)
        do("get", "/v1/webhooks")
        wait_until(lambda: do("get", "/v1/hosts").json["fleet"], "the process fleet")
        untried.discard(("get", "/metrics"))  # no JSON; test_metrics.py has it
        self.assertIn("text/plain", control.ask(daemon.socket, "GET", "/metrics").headers["Content-Type"])
        for path, item in self.document["paths"].items():
            if "application/json" in item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}) or path in (
                    "/metrics", "/v1/events") or "get" not in item:
                continue
            untried.discard(("get", path))  # the live page
            answer = control.ask(daemon.socket, "GET", path)
            kind = answer.headers["Content-Type"].split(";")[0]
            self.assertEqual((answer.status, [kind]), (200, list(item["get"]["responses"]["200"]["content"])), path)
            self.assertTrue(answer.body)
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        wakes = do("get", "/v1/wakes", "?service=www&last=5").json["wakes"]
        self.assertEqual([w["why"] for w in wakes], ["command"])
        do("get", "/v1/events", "?service=nobody")
        do("get", "/v1/wakes", "?before=1")
        do("post", "/v1/services/{service}/adopt")
        do("post", "/v1/services/{service}/pin", "?for=2h")
        do("post", "/v1/services/{service}/sleep")
        do("post", "/v1/services/{service}/touch")
        do("post", "/v1/services/{service}/unpin")
        do("post", "/v1/services/{service}/sleep", "?force=true")
        do("post", "/v1/drain")
        ask(daemon.port, "w.example.test", timeout=2)
        wait_until(lambda: self.service(daemon)["state"] == "drained", "drained")
        do("get", "/v1/services")
        do("post", "/v1/services/{service}/wake")
        do("post", "/v1/undrain")
        do("post", "/v1/reload")
        daemon.configure(f"control: {{socket: {daemon.socket}}}\nzones: 7\n")
        self.assertEqual(do("post", "/v1/reload").status, 422)
        do("get", "/v1/status")
        events = control.ask(daemon.socket, "GET", "/v1/events?follow=false&last=1000").body
        schemas = {"service": "Service", "wake": "Wake", "load": "Load", "role": "Role", "vmm": "Vmm"}
        seen = set()
        for event in events.strip().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in event.splitlines())
            seen.add(fields["event"])
            if fields["event"] in schemas:
                schema = self.document["components"]["schemas"][schemas[fields["event"]]]
                data = json.loads(fields["data"])
                if fields["event"] != "load":
                    self.assertIn("at", data)
                    del data["at"]
                self.assertEqual(list(self.schema.problems(schema, data, "event")), [])
        self.assertEqual(seen, set(schemas) | {"host"})
        self.assertEqual(untried, set(), "paths of the file that no test asks for")


if __name__ == "__main__":
    unittest.main()
