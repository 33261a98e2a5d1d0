"""Ethernet frames that reach a guest's interface and are nobody's use of the guest."""

import ipaddress
import socket
import struct
import threading
import time

BROADCAST = b"\xff" * 6
UNKNOWN = bytes.fromhex("02deadbeef01")  # no host has it: bridges flood it


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))


def _ipv4_udp(source, target, payload=b"noise"):
    udp = struct.pack("!4H", 5353, 5353, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 255, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + udp


def _ipv6(source, target, protocol, payload, checksum_at):
    source, target = (ipaddress.ip_address(text).packed for text in (source, target))
    pseudo = source + target + struct.pack("!IHBB", len(payload), 0, 0, protocol)
    payload = (payload[:checksum_at] + struct.pack("!H", _checksum(pseudo + payload))
               + payload[checksum_at + 2:])
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255) + source + target + payload


def arp_request(mac, source, target):
    """Without its Ethernet header."""
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac, socket.inet_aton(source),
                       bytes(6), socket.inet_aton(target))


def tcp_syn(mac, guest_mac, source, target, from_port, port, sequence):
    """The first segment of a TCP connection, from whatever IPv4 address."""
    tcp = struct.pack("!HHIIBBHHH", from_port, port, sequence, 0, 0x50, 2, 65535, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", _checksum(pseudo + tcp)) + tcp[18:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return (guest_mac + mac + b"\x08\x00" + head[:10] + struct.pack("!H", _checksum(head))
            + head[12:] + tcp)


def udp_datagram(mac, to_mac, source, target, from_port, port, payload):
    """From whatever IPv4 address."""
    udp = struct.pack("!4H", from_port, port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return (to_mac + mac + b"\x08\x00" + head[:10] + struct.pack("!H", _checksum(head))
            + head[12:] + udp)


def noise(mac, source4, source6, guest_mac, guest4, guest6):
    """(name, frame) of each kind, from a host with that MAC and addresses; MACs are bytes."""
    solicit = (struct.pack("!BBHI", 135, 0, 0, 0) + ipaddress.ip_address(guest6).packed
               + b"\x01\x01" + mac)  # RFC 4861 section 4.3
    tail = ipaddress.ip_address(guest6).packed[-3:]
    solicited = ipaddress.ip_address(
        ipaddress.ip_address("ff02::1:ff00:0").packed[:13] + tail).compressed
    udp6 = struct.pack("!4H", 5353, 5353, 13, 0) + b"noise"

    def frame(target, kind, payload):
        return target + mac + struct.pack("!H", kind) + payload

    arp = arp_request(mac, source4, guest4)
    return [
        ("ARP broadcast", frame(BROADCAST, 0x0806, arp)),
        ("ARP unicast", frame(guest_mac, 0x0806, arp)),
        ("ND multicast", frame(b"\x33\x33\xff" + tail, 0x86DD,
                               _ipv6(source6, solicited, 58, solicit, 2))),
        ("ND unicast", frame(guest_mac, 0x86DD, _ipv6(source6, guest6, 58, solicit, 2))),
        ("IPv4 multicast", frame(_mac("01:00:5e:00:00:fb"), 0x0800,
                                 _ipv4_udp(source4, "224.0.0.251"))),
        ("IPv4 broadcast", frame(BROADCAST, 0x0800, _ipv4_udp(source4, "10.0.2.255"))),
        ("IPv6 multicast", frame(_mac("33:33:00:00:00:fb"), 0x86DD,
                                 _ipv6(source6, "ff02::fb", 17, udp6, 6))),
        ("flooded IPv4", frame(UNKNOWN, 0x0800, _ipv4_udp(source4, guest4))),
        ("flooded IPv6", frame(UNKNOWN, 0x86DD, _ipv6(source6, guest6, 17, udp6, 6))),
    ]


class Noise:
    """Sends one frame of each kind, from the client, twice a second while the block runs."""

    def __init__(self, client, guest_mac, guest4, guest6):
        self._stop = threading.Event()
        with client.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._socket.bind(("eth0", 0))
        self.frames = noise(self._socket.getsockname()[4], client.ipv4, client.ipv6,
                            _mac(guest_mac), guest4, guest6)
        self.rounds = 0
        self._thread = threading.Thread(target=self._send, daemon=True)

    def _send(self):
        while not self._stop.is_set():
            for _, frame in self.frames:
                self._socket.send(frame)
            self.rounds += 1
            time.sleep(0.5)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._thread.join()
        self._socket.close()
