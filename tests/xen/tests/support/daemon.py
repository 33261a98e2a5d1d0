"""summond as the tests run it: the pushed binary, a configuration, its processes and its log."""

import json
import os
import pathlib
import re
import signal
import subprocess

from . import dns
from .net import wait_until

BINARY = pathlib.Path("/opt/summond/summond")


class Daemon:
    """`config` is YAML text, or a dict (written as JSON, which YAML contains)."""

    address = "127.0.0.1"
    port = 5390

    def __init__(self, config, directory, name="summond"):
        directory.mkdir(parents=True, exist_ok=True)
        self.config_file = directory / f"{name}.yaml"
        self.log_file = directory / f"{name}.log"
        self.write_config(config)
        self.process = None

    @property
    def server(self):
        return (self.address, self.port)

    def write_config(self, config):
        text = config if isinstance(config, str) else json.dumps(config, indent=2) + "\n"
        self.config_file.write_text(text)

    def start(self, *arguments, answers=None, limit=60):
        """Starts it. With `answers`, a name in one of its zones, waits until it answers and is ready."""
        before = len(self.log_lines(" ready: ")) if self.log_file.exists() else 0
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "--config", self.config_file, *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        if answers:
            wait_until(lambda: self._answers(answers) and len(self.log_lines(" ready: ")) > before,
                       limit, "summond to answer and be ready")
        return self

    def _answers(self, name):
        assert self.process.poll() is None, (
            f"summond ended with status {self.process.returncode}: {self.log()[-2000:]}")
        try:
            return dns.query(self.server, name, "SOA", timeout=1).rcode != "SERVFAIL"
        except dns.NoAnswer:
            return False

    def query(self, name, rtype="A", **options):
        return dns.query(self.server, name, rtype, **options)

    def resolve(self, name, rtype="A", limit=180, **options):
        """Asks as a resolver does: again after silence or SERVFAIL, until there is an answer."""
        def answer():
            try:
                response = self.query(name, rtype, timeout=10, **options)
            except dns.NoAnswer:
                return None
            return None if response.rcode == "SERVFAIL" else response
        response = wait_until(answer, limit, f"an answer for {name} {rtype}")
        assert response.rcode == "NOERROR" and response.addresses(), f"{name} {rtype}: {response}"
        return response

    def wakes(self, service):
        """The log's wakes of a service, each {"domid": N, "build": ms, ...} as far as it tells."""
        lines = [line.partition(f"woke {service}: ")[2] for line in self.log_lines(" woke ")]
        return [{key: float(value) if "." in value else int(value)
                 for key, value in re.findall(r"(\w+) (\d+(?:\.\d+)?)", line)}
                for line in lines if line]

    def wait_woken(self, service, times=1, limit=180):
        """Waits for that many wakes of a service in the log; returns the last one's numbers."""
        wait_until(lambda: len(self.wakes(service)) >= times, limit, f"wake {times} of {service}")
        return self.wakes(service)[-1]

    def wait_log(self, *words, times=1, limit=120):
        """Waits for that many lines with all the words; returns the last one."""
        wait_until(lambda: len(self.log_lines(*words)) >= times, limit,
                   f"{times} line(s) with {words} in the log")
        return self.log_lines(*words)[-1]

    def log(self):
        return self.log_file.read_text(errors="replace")

    def log_lines(self, *words):
        """The log's lines that contain all the words."""
        return [line for line in self.log().splitlines() if all(word in line for word in words)]

    def _processes(self):
        """Process id -> role, of all processes that run the binary with this configuration."""
        found = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                argv = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                ours = ((entry / "exe").readlink() == BINARY and str(self.config_file) in argv)
            except OSError:
                continue  # ended meanwhile, or a kernel thread
            if ours:
                roles = [word.partition("=")[2] for word in argv if word.startswith("--role=")]
                found[int(entry.name)] = roles[0] if roles else "parent"
        return found

    def pids(self):
        """Process ids by role: {"parent": N, "front": N, "vmm": N}, as far as they run now.

        A role that runs twice (a reload) is there with its newest process."""
        return {role: pid for pid, role in sorted(self._processes().items())}

    def kill(self, role):
        """kill -9 of one role; returns the pid it had."""
        pid = self.pids()[role]
        os.kill(pid, signal.SIGKILL)
        return pid

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, limit=60):
        """SIGTERM and its exit status; a daemon that does not end is killed and is an error."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self._kill_all()
            raise AssertionError(f"summond did not end within {limit} s of SIGTERM") from None
        finally:
            self.process = None
        try:
            wait_until(lambda: not self._processes(), 5, "summond's processes to end with it")
        except AssertionError:
            self._kill_all()
            raise
        return status

    def _kill_all(self):
        for pid in sorted(self._processes()):  # the parent first: it starts nothing again
            os.kill(pid, signal.SIGKILL)
