"""What NSD and Knot are configured with in tests and benchmarks, beside their zones: all their files in one
directory, in the foreground, as whoever starts them, without rate limits."""


def nsd(directory, address, port, server="", workers=1):
    """nsd.conf up to the zones; server: more lines of its first section."""
    return f"""server:
  server-count: {workers}
  ip-address: {address}@{port}
  username: ""
  zonesdir: "{directory}"
  database: ""
  pidfile: "{directory}/nsd.pid"
  logfile: "{directory}/log"
  zonelistfile: "{directory}/zone.list"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
{server}remote-control:
  control-enable: no
"""


def knot(directory, address, port, server="", workers=1, log="warning"):
    """knot.conf up to keys, remotes, templates and zones; server: more lines of its first section."""
    return f"""server:
  rundir: "{directory}"
  udp-workers: {workers}
  tcp-workers: {workers}
  background-workers: 1
  listen: {address}@{port}
{server}log:
  - target: stderr
    any: {log}
database:
  storage: "{directory}"
"""
