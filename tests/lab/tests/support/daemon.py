"""summond as the tests run it: the pushed binary, a configuration, its processes and its log."""

import json
import os
import pathlib
import re
import signal
import time

from harness import dns_client, proc
from harness.server import Server
from harness.waiting import wait_until

BINARY = pathlib.Path("/opt/summond/summond")


class Daemon(Server):
    """`config` is YAML text, or a dict (written as JSON, which YAML contains)."""

    address = "127.0.0.1"
    port = 5390

    def __init__(self, config, directory, name="summond"):
        directory.mkdir(parents=True, exist_ok=True)
        self.config_file = directory / f"{name}.yaml"
        super().__init__(directory / f"{name}.log")
        self.write_config(config)

    @property
    def server(self):
        return (self.address, self.port)

    def write_config(self, config):
        # What one test leaves (back-off, say) is nothing to the next.
        state = str(self.config_file.with_name("state.db"))
        if isinstance(config, str):
            text = config if "\nstate: " in config else f"{config.rstrip()}\nstate: {state}\n"
        else:
            text = json.dumps({"state": state, **config}, indent=2) + "\n"
        self.config_file.write_text(text)

    def start(self, *arguments, answers=None, limit=60, environment=None):
        """Starts it. With `answers`, a name in one of its zones, waits until it answers and is ready."""
        before = len(self.log_lines(" ready: ")) if self.log_file.exists() else 0
        self.run([BINARY, "--config", self.config_file, *arguments], start_new_session=True,
                 environment=environment)
        if answers:
            wait_until(lambda: self._answers(answers) and len(self.log_lines(" ready: ")) > before,
                       limit, "summond to answer and be ready")
        return self

    def _answers(self, name):
        assert self.process.poll() is None, (
            f"summond ended with status {self.process.returncode}: {self.log()[-2000:]}")
        try:
            return dns_client.ask(self.server, name, "SOA", timeout=1).status != "SERVFAIL"
        except dns_client.NoAnswer:
            return False

    def query(self, name, rtype="A", timeout=60, **options):
        """One query. The daemon always answers: the timeout is for a busy machine."""
        return dns_client.ask(self.server, name, rtype, timeout=timeout, **options)

    def resolve(self, name, rtype="A", limit=180, **options):
        """Asks as a resolver does: over TCP after TC, and again after silence or SERVFAIL, until there is an answer."""
        def answer():
            try:
                response = self.query(name, rtype, timeout=10, **options)
                if response.tc:
                    response = self.query(name, rtype, timeout=10, **{**options, "tcp": True})
            except dns_client.NoAnswer:
                return None
            return None if response.status == "SERVFAIL" else response
        response = wait_until(answer, limit, f"an answer for {name} {rtype}")
        assert response.status == "NOERROR" and response.addresses, f"{name} {rtype}: {response}"
        return response

    def refusal(self, name, rrtype="A", limit=180):
        """The SERVFAIL for a service that cannot be woken, with an Extended DNS Error that has the
        cause. Asks again where the failure took longer than a query waits: it had an address then."""
        end = time.monotonic() + limit
        while True:
            response = self.query(name, rrtype)
            if response.tc:
                response = self.query(name, rrtype, tcp=True)
            if response.status == "SERVFAIL":
                assert response.ede and response.ede[0][1], f"no Extended DNS Error: {response}"
                return response
            assert response.addresses and time.monotonic() < end, f"not refused: {response}"

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

    def _processes(self):
        """Process id -> role, of all processes that run the binary with this configuration."""
        found = {}
        for pid in proc.pids():
            try:
                ours = pathlib.Path(f"/proc/{pid}/exe").readlink() == BINARY
            except OSError:
                continue  # ended meanwhile, or a kernel thread
            if ours and str(self.config_file) in proc.argv(pid):
                found[pid] = proc.role(pid) or "parent"
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

    def stop(self, limit=60):
        """SIGTERM and its exit status; a daemon that does not end is killed and is an error."""
        try:
            status = super().stop(limit)
            if status is not None:
                wait_until(lambda: not self._processes(), 5, "summond's processes to end with it")
            return status
        except AssertionError:
            for pid in sorted(self._processes()):  # the parent first: it starts nothing again
                os.kill(pid, signal.SIGKILL)
            raise
        finally:
            self.process = None
