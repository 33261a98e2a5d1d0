"""Debian's etcd on loopback: one server, or several that are one."""

import json
import os
import ssl
import urllib.error
import urllib.request
from base64 import b64decode, b64encode

from .network import free_port
from .server import Lodger
from .waiting import wait_until


def base64(text):
    return b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class Etcd(Lodger):
    """One server; tls: the directory with ca.pem, and server.pem and server.key, which it has itself."""

    def __init__(self, name="only", tls=None, client_certificates=False):
        super().__init__("summond-etcd-")
        self.name, self.tls, self.client_certificates = name, tls, client_certificates
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{free_port()}"
        self.peer_url = f"http://127.0.0.1:{free_port()}"
        self.token = None
        self.members = [self]

    def begin(self):
        """For the first time, or again with what it has kept."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
        environment["ETCD_UNSUPPORTED_ARCH"] = os.uname().machine.replace("aarch64", "arm64")
        command = ["etcd", "--name", self.name, "--data-dir", f"{self.directory}/data",
                   "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                   "--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url,
                   "--initial-cluster", ",".join(f"{each.name}={each.peer_url}" for each in self.members)]
        if self.tls:
            command += ["--cert-file", f"{self.tls}/server.pem", "--key-file", f"{self.tls}/server.key"]
        if self.client_certificates:
            command += ["--client-cert-auth", "--trusted-ca-file", f"{self.tls}/ca.pem"]
        self.run(command, environment=environment)
        return self

    def serving(self, seconds=120):
        wait_until(self._serves, seconds, f"etcd serves; its log: {self.directory}/log")
        return self

    def _serves(self):
        if self.process.poll() is not None:
            raise AssertionError(f"etcd has ended:\n{self.log()}")
        try:
            self.call("kv/range", {"key": base64("none")})
            return True
        except urllib.error.HTTPError as e:
            return e.code in (400, 401, 403)  # it wants to know who asks
        except OSError:
            return False

    def call(self, path, body, timeout=30):
        context = None
        if self.tls:
            context = ssl.create_default_context(cafile=f"{self.tls}/ca.pem")
            if self.client_certificates:
                context.load_cert_chain(f"{self.tls}/client.pem", f"{self.tls}/client.key")
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = self.token
        request = urllib.request.Request(f"{self.url}/v3/{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
            return json.load(answer)

    def put(self, key, value):
        return self.call("kv/put", {"key": base64(key), "value": base64(value)})

    def delete(self, key):
        return self.call("kv/deleterange", {"key": base64(key)})

    def get(self, prefix):
        """{key: value} of all below it."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self.call("kv/range", {"key": base64(prefix), "range_end": base64(end)})
        return {b64decode(each["key"]).decode(errors="replace"): b64decode(each.get("value", ""))
                for each in found.get("kvs", [])}

    def revision(self):
        return int(self.call("kv/range", {"key": base64("none")})["header"]["revision"])

    def compact(self):
        self.call("kv/compaction", {"revision": str(self.revision())})

    def ask_for_users(self, users, prefix):
        """From now on it wants to know who asks: root, or one of the users ({name: password}), who
        may read and write below the prefix."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        self.call("auth/role/add", {"name": "hosts"})
        self.call("auth/role/grant", {"name": "hosts", "perm": {
            "permType": "READWRITE", "key": base64(prefix), "range_end": base64(end)}})
        self.call("auth/role/add", {"name": "root"})
        for name, password, role in [("root", "root", "root"), *((*each, "hosts") for each in users.items())]:
            self.call("auth/user/add", {"name": name, "password": password})
            self.call("auth/user/grant", {"user": name, "role": role})
        self.call("auth/enable", {})
        self.token = self.call("auth/authenticate", {"name": "root", "password": "root"})["token"]


def cluster(count):
    """So many servers that are one, not started."""
    members = [Etcd(f"etcd{number}") for number in range(1, count + 1)]
    for each in members:
        each.members = members
    return members
