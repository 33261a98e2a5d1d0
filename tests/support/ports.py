"""Ports of loopback that nobody else takes, for tests and benchmarks that start servers."""

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


def own_network():
    """From now on this process and its children have a network namespace of their own, with
    loopback: the ports there are nobody else's. Without root nothing changes."""
    global _own  # pylint: disable=global-statement
    if _own or os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
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
