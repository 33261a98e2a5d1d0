"""Where Debian's packages come from: what apt on this machine is set to, proxies and all."""

import pathlib
import shutil
import subprocess

from .util import LabError

APT = pathlib.Path("etc/apt")
# In the new system while it is installed: what this machine's apt says about reaching its mirrors.
SITE_CONF = APT / "apt.conf.d/01site"


def _output(*argv):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True).stdout


def sources(suite):
    """[(URI, suite)] of a release of Debian, its own archive first, then updates and security."""
    wanted = {suite: 0, f"{suite}-updates": 1, f"{suite}-security": 2}
    found = {}
    for line in _output("apt-get", "indextargets", "--format",
                        "$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT)",
                        "Created-By: Packages").splitlines():
        uri, release, codename, component = line.split(" ")
        for name in (release, codename):  # sources may say "stable"
            if name in wanted and component == "main" and uri.startswith(("http:", "https:")):
                found.setdefault(name, uri)
    if suite not in found:
        raise LabError(f"apt on this machine has no mirror of Debian {suite} to take the lab's "
                       f"packages from; it needs a line such as `deb URI {suite} main` in "
                       "/etc/apt/sources.list, and `apt-get update`")
    return [(found[name], name) for name in sorted(found, key=wanted.get)]


def _settings():
    """apt's settings about how mirrors are reached, in apt.conf's syntax."""
    return [line for line in _output("apt-config", "dump").splitlines()
            if line.startswith(("Acquire::http::", "Acquire::https::", "Acquire::Check-Valid-Until"))]


def environment():
    """What debootstrap's downloader has to be told: variables for its environment."""
    found = {}
    for scheme in ("http", "https"):
        proxy = _output("apt-config", "shell", "proxy", f"Acquire::{scheme}::Proxy").strip()
        if proxy:
            found[f"{scheme}_proxy"] = proxy.removeprefix("proxy=").strip("'")
    return found


def configure(root, suite):
    """Has apt in the new system `root` use the same mirrors in the same way."""
    (root / APT / "sources.list").write_text(
        "".join(f"deb {uri} {name} main\n" for uri, name in sources(suite)))
    (root / SITE_CONF).write_text("".join(f"{line}\n" for line in _settings()))
    for name in ("auth.conf", "auth.conf.d"):
        source = pathlib.Path("/") / APT / name
        if source.is_dir():
            shutil.copytree(source, root / APT / name, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, root / APT / name)


def forget(root):
    """Takes what concerns this machine's network out of the new system again."""
    (root / SITE_CONF).unlink(missing_ok=True)
    (root / APT / "auth.conf").unlink(missing_ok=True)
    shutil.rmtree(root / APT / "auth.conf.d", ignore_errors=True)
