"""A unikernel per URL behind one address: nginx and HAProxy as the package's examples set them up."""

import http.client
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

from harness.server import Server
from patterns import page, pages
from support import host
from support.lab import LINUX_KERNEL, LINUX_RAMDISK, LINUX_TYPE, UNIKERNEL, limit
from support.site import TTL, site

EXAMPLES = pathlib.Path("/opt/lab/proxies")
NGINX_URLS, NGINX_NAMES, HAPROXY_URLS, HAPROXY_NAMES = 10443, 10444, 10445, 10446


class Proxies:
    """Both, with the examples' own text but for ports and paths."""

    def __init__(self, directory):
        self.directory = directory
        host.output("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=www.example.net", "-keyout", f"{directory}/site.key", "-out",
                    f"{directory}/site.crt")
        both = (directory / "site.crt").read_text() + (directory / "site.key").read_text()
        (directory / "site.pem").write_text(both)
        urls = self._example("nginx-urls.conf", (r"listen \[::\]:443 ssl;", ""), ("listen 443", f"listen {NGINX_URLS}"))
        names = self._example("nginx-names.conf", ("listen 443", f"listen {NGINX_NAMES}"))
        nginx = directory / "nginx.conf"
        nginx.write_text(f"load_module {self._module()};\npid {directory}/nginx.pid;\nerror_log stderr;\n"
                         f"daemon off;\nevents {{}}\nhttp {{ access_log off; include {urls}; }}\ninclude {names};\n")
        haproxy = self._example("haproxy.cfg", ("bind :443", f"bind :{HAPROXY_URLS}"),
                                ("bind :8443", f"bind :{HAPROXY_NAMES}"))
        self.servers = []
        for command in (["nginx", "-c", nginx], ["haproxy", "-f", haproxy]):
            server = Server(directory / f"{command[0]}.log")
            server.run([*map(str, command)])
            self.servers.append(server)

    def _example(self, name, *changes):
        text = (EXAMPLES / name).read_text()
        for pattern, to in (*changes, ("127.0.0.1:53", "127.0.0.1:5390"),
                            # Guests take their time here.
                            (r"(proxy_connect_timeout|timeout \w+) +[36]0s", r"\1 180s"),
                            (r"/etc/(ssl|haproxy)/site", f"{self.directory}/site"), (r"site\.pem;", "site.crt;")):
            text = re.sub(pattern, to, text)
        path = self.directory / name
        path.write_text(text)
        return path

    @staticmethod
    def _module():
        return next(pathlib.Path("/usr/lib/nginx/modules").glob("*stream_module.so"))

    def wait(self, lab):
        def listens():
            assert all(server.process.poll() is None for server in self.servers), self.logs()
            return all(socket.socket().connect_ex(("127.0.0.1", port)) == 0
                       for port in (NGINX_URLS, NGINX_NAMES, HAPROXY_URLS, HAPROXY_NAMES))
        lab.wait_until(listens, 60, "nginx and HAProxy to listen")

    def logs(self):
        return "\n".join(server.log()[-3000:] for server in self.servers)

    def stop(self):
        for server in self.servers:
            server.stop()


def client(port, server_name="www.example.net"):
    """An HTTP client over TLS, to dom0's address; one connection."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    class Connection(http.client.HTTPSConnection):
        def connect(self):
            plain = socket.create_connection(("127.0.0.1", port), timeout=180)
            self.sock = context.wrap_socket(plain, server_hostname=server_name)
    return Connection("127.0.0.1", port, context=context)


def get(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode("utf-8", "replace")


def first_byte(connection, path):
    """Seconds from the connection's first packet to the answer's first octet, the status and the body."""
    began = time.monotonic()
    connection.request("GET", path)
    response = connection.getresponse()
    took = time.monotonic() - began
    return took, response.status, response.read().decode("utf-8", "replace")


def tls_guest(directory):
    """The Linux guest's initrd with `openssl s_server` in it."""
    root = directory / "more"
    program = "/usr/bin/openssl"
    for file in (program, *re.findall(r"(/\S+) \(", host.output("ldd", program))):
        target = root / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    for name in ("site.key", "site.crt"):
        shutil.copy(directory / name, root / name)
    (root / "more").write_text("#!/bin/sh\nexec /usr/bin/openssl s_server -accept 443 -key /site.key -cert /site.crt "
                               "-WWW -quiet\n")
    (root / "more").chmod(0o755)
    (root / "page").write_text("from a guest that has the key\n")
    initrd = directory / "initrd-tls"
    archive = subprocess.run("find . | busybox cpio -o -H newc | gzip -1", shell=True, check=True, cwd=root,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    initrd.write_bytes(pathlib.Path(LINUX_RAMDISK).read_bytes() + archive)
    return initrd


def texts(lab, **pages_of):
    """Pages that are text files, served by the test unikernel: a service, and the directory."""
    directory = lab.directory / "texts"
    directory.mkdir()
    for ident, text in pages_of.items():
        (directory / f"{ident}.txt").write_text(text)
    file = f"{directory}/{{id}}.txt"
    return {**pages(lab), "kernel": lab.need(UNIKERNEL), "ids": {"file": file}, "ramdisk": file}, directory


@limit(600)
def test_urls(lab):
    """A cold page by its URL, without an error page on the way; what URLs cannot name; many pages over one
    connection of a client. A page is there as soon as its file is, and gone with it."""
    lab.need(EXAMPLES)
    proxies = Proxies(lab.directory)
    text = {"x7f3": "one\n", "other": "another\n", "third": "3\n" * 50_000, "fourth": "4\n"}
    service, directory = texts(lab, **text)
    daemon = lab.daemon(site(service)).start(answers="jit.example")
    try:
        proxies.wait(lab)
        for name, port, cold, warm, missing in (("nginx", NGINX_URLS, "x7f3", "other", 502),
                                                ("haproxy", HAPROXY_URLS, "third", "fourth", 404)):
            took, status, body = first_byte(client(port), f"/{cold}/")
            assert (status, body) == (200, text[cold]), f"{name}: {status} {body[:200]}\n{proxies.logs()}"
            woke = daemon.wait_woken(f"pages@{cold}")
            again, *_ = first_byte(client(port), f"/{cold}")
            lab.measured[name] = f"first byte {took * 1000:.0f} ms, up {again * 1000:.0f} ms, total {woke['total']} ms"

            # One connection for all pages.
            connection = client(port)
            connection.connect()
            sock = connection.sock
            for ident in (cold, warm, cold, warm):
                got = get(connection, f"/{ident}/")
                assert got == (200, text[ident]), f"{name}: {got}"
                status, body = get(connection, f"/{ident}/a%2fb?c=%20")  # a page has one page
                assert status == 404 and "No. Try" in body, f"{name}: {status} {body}"
            assert connection.sock is sock, f"{name} has closed the connection"

            # Nothing that a URL says is more than a page and what the page is asked for.
            woken = len(daemon.log_lines(" woke "))
            for path in ("/", "//other/", "/%6fther/", "/..%2fother/", "/other.pages.jit.example/", "/other:81/",
                         "/other@x7f3/", f"/{'o' * 64}/", "/o_r/", "/.", "/?/other/", "/%00other/"):
                status, body = get(connection, path)
                assert status in (400, 404), f"{name}: {path}: {status} {body}"
                if status == 400:  # which closes
                    connection = client(port)
            status, body = get(connection, f"/{cold}/../other/")
            assert status in (400, 404), f"{name}: {status} {body}"
            assert get(client(port), "/nobody/")[0] == missing
            assert len(daemon.log_lines(" woke ")) == woken, daemon.log_lines(" woke ")[woken:]

            (directory / f"new-{name}.txt").write_text("new\n")
            lab.wait_until(lambda port=port, name=name: get(client(port), f"/new-{name}/") == (200, "new\n"), 60,
                           "a page whose file has just been written")
            (directory / f"{cold}.txt").unlink()
            lab.wait_until(lambda cold=cold: not lab.domain(f"pages@{cold}"), 60, "a page to go with its file")
            lab.wait_until(lambda port=port, cold=cold: get(client(port), f"/{cold}/")[0] == missing, 60,
                           "a page that has gone to be missing")
    finally:
        proxies.stop()


@limit(600)
def test_names_behind_one_address(lab):
    """TLS by name, through nginx and HAProxy, to a guest that sleeps and has the key; none for other names."""
    lab.need(EXAMPLES)
    proxies = Proxies(lab.directory)
    service = {**pages(lab), "type": LINUX_TYPE, "kernel": lab.need(LINUX_KERNEL), "memory": "128MiB",
               "ramdisk": str(tls_guest(lab.directory)), "cmdline": "name={id} ipv6={ipv6}/64", "ports": ["tcp/443"],
               "ready": {"tcp": 443, "timeout": "3m"}, "ttl": TTL}
    daemon = lab.daemon(site(service)).start(answers="jit.example")
    try:
        proxies.wait(lab)
        for name, port, ident in (("nginx", NGINX_NAMES, "secret"), ("haproxy", HAPROXY_NAMES, "hidden")):
            took, status, body = first_byte(client(port, page(ident)), "/page")
            assert status == 200 and "from a guest" in body, f"{name}: {status} {body}\n{proxies.logs()}"
            daemon.wait_woken(f"pages@{ident}")
            lab.measured[name] = f"first byte {took * 1000:.0f} ms"
            woken = len(daemon.log_lines(" woke "))
            for other in ("www.example.net", "a.b.pages.jit.example", "o_r.pages.jit.example", None):
                try:
                    status, body = get(client(port, other), "/page")
                except (OSError, http.client.HTTPException):
                    continue
                raise AssertionError(f"{name}: {other} got {status} {body}")
            assert len(daemon.log_lines(" woke ")) == woken
    finally:
        proxies.stop()
