"""Network namespaces, and ports of loopback that nobody else takes."""

import contextlib
import ctypes
import fcntl
import itertools
import os
import socket
import struct

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# Below those that the kernel gives to sockets that ask for any (32768 on, ip_local_port_range).
_own_ports = itertools.count(20000)
_own = False
_libc = ctypes.CDLL(None, use_errno=True)


def own_network():
    """From now on this process and its children have a network namespace of their own, with
    loopback: the ports there are nobody else's. Without root nothing changes."""
    global _own  # pylint: disable=global-statement
    if _own or os.geteuid() != 0:
        return
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = struct.unpack_from("16xH", fcntl.ioctl(
            any_socket, SIOCGIFFLAGS, struct.pack("16sH22x", b"lo", 0)))[0]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))
    _own = True


def free_port():
    """A port that is free for UDP and TCP, IPv4 and IPv6. In a network of our own it stays so; in
    the machine's it is free now."""
    if _own:
        return next(_own_ports)
    while True:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
            tcp.bind(("::", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("::", port))
                return port
            except OSError:
                continue


@contextlib.contextmanager
def inside(name):
    """Sockets made and processes started by this thread in the block are in the namespace that
    `ip netns` calls so."""
    def enter(fd):
        if _libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        enter(there)
        try:
            yield
        finally:
            enter(home)
    finally:
        os.close(there)
        os.close(home)
