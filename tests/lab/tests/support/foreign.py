"""A domain that is not summond's: there during all tests of a run, and never touched."""

import subprocess
import tempfile

from . import host
from .lab import UNIKERNEL
from .net import http_get, ping

NAME = "foreign"
ADDRESS = "10.0.2.99"
CONFIG = f"""\
name = "{NAME}"
type = "pvh"
kernel = "{UNIKERNEL}"
memory = 16
shadow_memory = 2
vif = ["bridge=xenbr0"]
cmdline = "--ipv4={ADDRESS}/24 --name={NAME}"
"""


class Foreign:
    """Made by `xl create` from the test unikernel; stays until the lab ends."""

    def __init__(self):
        if not host.domain(NAME):
            self._create()
        self._remember()

    @staticmethod
    def _create():
        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
            file.write(CONFIG)
            file.flush()
            host.output("xl", "create", file.name, timeout=180)

    def _remember(self):
        ping(ADDRESS, deadline=60)
        self.domid = host.domain(NAME).domid
        self._booted = self._page()
        self._xenstore = self._nodes()

    @staticmethod
    def _page():
        """The line of its page that tells one boot from another."""
        return next(line for line in http_get(ADDRESS).splitlines() if "booted" in line)

    def _nodes(self):
        home = f"/local/domain/{self.domid}"
        return {path: value for path, value in host.xenstore().items()
                if path.startswith((f"{home}/", f"/libxl/{self.domid}/",
                                    f"/local/domain/0/backend/vif/{self.domid}/"))}

    def problems(self):
        """What has become of it, as a list of one text or none. It is as new afterwards."""
        try:
            self._assert_untouched()
            return []
        except AssertionError as error:
            subprocess.run(["xl", "destroy", NAME], check=False, timeout=120,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._create()
            self._remember()
            return [str(error)]

    def _assert_untouched(self):
        """The same domain, the same boot, answering, and its xenstore nodes as they were."""
        now = host.domain(NAME)
        assert now and now.domid == self.domid and now.state[2:] == "----", (
            f"the foreign domain was {self.domid}, now {now}")
        assert self._page() == self._booted, "the foreign domain was booted again"
        nodes = self._nodes()
        assert nodes == self._xenstore, (
            f"the foreign domain's xenstore: {set(nodes.items()) ^ set(self._xenstore.items())}")
