"""A client of summond's control socket."""

import http.client
import json
import socket


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=30.0):
        super().__init__("summond", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read().decode()

    @property
    def json(self):
        return json.loads(self.body)


def ask(path, method, target, timeout=30.0, body=None):
    """One request on a connection of its own."""
    connection = Connection(path, timeout)
    try:
        connection.request(method, target, body=body)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def raw(path, data, timeout=30.0):
    """All that comes back for these octets, until the server ends the connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        sock.connect(path)
        sock.sendall(data)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        return answer
