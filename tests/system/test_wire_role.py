"""The role wire by itself: the real process, with this test as its parent, its vmm, a bridge and a
guest. What it must not be told by them closes their channels."""

import os
import signal
import socket
import struct
import unittest

from process_support import BINARY, PATIENCE

CONTROL_FD = 3  # src/roles/roles.hpp

# include/summond/ipc/messages.hpp
ROLE_VMM = 3
STOP, PEER, READY, TAP, STATION, ATTACH, GUEST_STATE, ARRIVED, HANDED_OVER = 7, 4, 8, 9, 10, 12, 13, 14, 15
AWAY, STARTING, RUNNING, WAITING = 0, 3, 4, 5

WWW = 7
GUEST_MAC = bytes.fromhex("00163e000001")
CLIENT_MAC = bytes.fromhex("525400000002")
GUEST_IP = socket.inet_aton("10.0.2.50")
CLIENT_IP = socket.inet_aton("10.0.2.60")


def address(packed):
    return struct.pack("<B16s", len(packed), packed)


def station():
    head = struct.pack("<QIHBB6s2xI", WWW, 0, 0, 1, 0, GUEST_MAC, 30_000)
    body = head + bytes(64 * 4) + address(GUEST_IP) + bytes(31 * 17) + bytes(32 * 18)
    return body + bytes(-len(body) % 8)


def arp_request():
    return (b"\xff" * 6 + CLIENT_MAC + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) +
            CLIENT_MAC + CLIENT_IP + bytes(6) + GUEST_IP)


def syn(port):
    tcp = struct.pack(">HHIIBBHHH", port, 80, 1, 0, 5 << 4, 2, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, CLIENT_IP, GUEST_IP)
    return GUEST_MAC + CLIENT_MAC + b"\x08\x00" + ip + tcp


class End:
    """An end of a pair of SOCK_SEQPACKET sockets; the other one is `theirs`."""

    def __init__(self):
        self.socket, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(PATIENCE)
        self.theirs.setblocking(False)

    def say(self, kind, body=bytes(4), fd=None):
        fds = [] if fd is None else [fd.fileno()]
        socket.send_fds(self.socket, [struct.pack("<I", kind) + body], fds)

    def hear(self):
        """(type, body); None at the end."""
        message = self.socket.recv(65536)
        return (struct.unpack_from("<I", message)[0], message[4:]) if message else None

    def close(self):
        self.socket.close()
        self.theirs.close()


class WireRole(unittest.TestCase):
    def setUp(self):
        self.parent = self.end()
        self.bridge = self.end()
        self.guest = self.end()
        os.set_inheritable(self.parent.theirs.fileno(), True)
        self.pid = os.posix_spawn(
            BINARY, [BINARY, "--role=wire", "--config=none", "--uncounted"], dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_DUP2, self.parent.theirs.fileno(), CONTROL_FD)])
        self.parent.theirs.close()
        self.addCleanup(self.end_process)

    def end(self):
        end = End()
        self.addCleanup(end.close)
        return end

    def end_process(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def introduce_vmm(self):
        vmm = self.end()
        self.parent.say(PEER, struct.pack("<I", ROLE_VMM), vmm.theirs)
        vmm.theirs.close()
        return vmm

    def tell_of_www(self, vmm):
        vmm.say(TAP, struct.pack("<I", 0), self.bridge.theirs)
        vmm.say(STATION, station())
        self.set_state(vmm, AWAY, 1)
        vmm.say(READY)

    @staticmethod
    def set_state(vmm, state, epoch):
        vmm.say(GUEST_STATE, struct.pack("<QII", WWW, state, epoch))

    def test_from_the_first_question_to_the_hand_over(self):
        vmm = self.introduce_vmm()
        self.tell_of_www(vmm)
        self.assertEqual(self.parent.hear()[0], READY)

        self.bridge.socket.send(arp_request())
        answer = self.bridge.socket.recv(2048)
        self.assertEqual(answer[:12], CLIENT_MAC + GUEST_MAC)
        self.assertEqual(answer[28:32], GUEST_IP, "is at the guest's MAC")

        self.bridge.socket.send(syn(40000))
        kind, body = vmm.hear()
        self.assertEqual(kind, ARRIVED)
        self.assertEqual(struct.unpack_from("<QB4s", body), (WWW, 4, CLIENT_IP))

        vmm.say(ATTACH, struct.pack("<Q", WWW), self.guest.theirs)
        self.set_state(vmm, WAITING, 2)
        self.set_state(vmm, RUNNING, 3)
        frames = [self.guest.socket.recv(2048)]
        while frames[-1] != syn(40000):  # after its client's question
            frames.append(self.guest.socket.recv(2048))
        kind, body = vmm.hear()
        while kind == ARRIVED:  # again, as it was not running yet
            kind, body = vmm.hear()
        self.assertEqual(kind, HANDED_OVER)
        service, epoch, packets = struct.unpack_from("<QII", body)
        self.assertEqual((service, epoch, packets), (WWW, 3, 1))

    def test_goes_on_without_vmm_and_follows_the_next_one(self):
        vmm = self.introduce_vmm()
        self.tell_of_www(vmm)
        self.assertEqual(self.parent.hear()[0], READY)
        self.bridge.socket.send(syn(40000))
        self.assertEqual(vmm.hear()[0], ARRIVED)
        vmm.socket.close()
        self.bridge.socket.send(arp_request())
        self.assertEqual(self.bridge.socket.recv(2048)[:6], CLIENT_MAC, "it still answers")

        vmm = self.introduce_vmm()
        self.bridge.close()
        self.bridge = self.end()
        self.tell_of_www(vmm)
        vmm.say(ATTACH, struct.pack("<Q", WWW), self.guest.theirs)
        self.set_state(vmm, WAITING, 2)
        self.set_state(vmm, RUNNING, 3)
        while self.guest.socket.recv(2048) != syn(40000):
            pass  # what it has held for the vmm before

    def test_a_message_that_is_not_vmms_closes_its_channel_only(self):
        vmm = self.introduce_vmm()
        vmm.say(STOP)
        self.assertIsNone(vmm.hear())
        vmm = self.introduce_vmm()
        self.tell_of_www(vmm)
        self.assertEqual(self.parent.hear()[0], READY)
        vmm.say(STATION, station()[:-8])
        self.assertIsNone(vmm.hear(), "too short")

    def test_ends_with_its_parent(self):
        self.introduce_vmm()
        self.parent.socket.close()
        self.assertEqual(os.waitpid(self.pid, 0)[1], 0)
        self.pid = None

    def test_ends_when_its_parent_says_what_a_parent_must_not(self):
        self.parent.say(STOP)
        self.assertEqual(os.waitpid(self.pid, 0)[1], 0)
        self.pid = None


if __name__ == "__main__":
    unittest.main()
