"""What went over interfaces, as a packet capture sees it; kept as a pcap file with the results."""

import ipaddress
import socket
import struct
import threading
import time

FIN, SYN, RST, ACK = 1, 2, 4, 16


class Packet:
    """One frame: when, on which interface, whether it left there; of IP and ARP what is needed."""

    def __init__(self, when, interface, outgoing, frame):
        self.when, self.interface, self.outgoing, self.frame = when, interface, outgoing, frame
        self.to_mac, self.from_mac = frame[:6], frame[6:12]
        self.source = self.target = self.protocol = self.arp = None
        kind, at = struct.unpack("!H", frame[12:14])[0], frame[14:]
        if kind == 0x0806 and len(at) >= 28:
            self.arp = struct.unpack("!H", at[6:8])[0]
            self.source, self.target = (str(ipaddress.ip_address(b)) for b in (at[14:18], at[24:28]))
        elif kind == 0x0800 and len(at) >= 20:
            self._ip(at[9], at[12:16], at[16:20], at[(at[0] & 15) * 4:])
        elif kind == 0x86DD and len(at) >= 40:
            self._ip(at[6], at[8:24], at[24:40], at[40:])

    def _ip(self, protocol, source, target, payload):
        self.protocol, self.payload = protocol, payload
        self.source, self.target = (str(ipaddress.ip_address(b)) for b in (source, target))

    def tcp(self):
        """(source port, target port, sequence number, flags) of a TCP segment."""
        if self.protocol != 6 or len(self.payload) < 20:
            return None
        source, target, sequence = struct.unpack("!HHI", self.payload[:8])
        return source, target, sequence, self.payload[13] & 0x3F

    def is_syn(self):
        segment = self.tcp()
        return segment is not None and segment[3] & (SYN | ACK) == SYN

    def advertises(self):
        """The address that an ARP packet or a neighbour advertisement says to be at from_mac."""
        if self.arp is not None:
            return self.source if self.source != "0.0.0.0" else None
        if self.protocol == 58 and len(self.payload) >= 24 and self.payload[0] == 136:
            return str(ipaddress.ip_address(self.payload[8:24]))
        return None


class Trace:
    """Captures while the block runs, on all interfaces of dom0 or (inside) of the client."""

    def __init__(self, file, client=None):
        self.packets, self._file, self._end, self._until = [], file, threading.Event(), 0
        if client is None:
            self._socket = self._open()
        else:
            with client.inside():
                self._socket = self._open()
        self._thread = threading.Thread(target=self._read, daemon=True)

    @staticmethod
    def _open():
        trace = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        trace.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        trace.settimeout(0.2)
        return trace

    def _read(self):
        while True:  # after the end, too, until what was captured has been read
            try:
                frame, (interface, _, kind, _, _) = self._socket.recvfrom(65536)
            except TimeoutError:
                if self._end.is_set():
                    return
                continue
            if self._end.is_set() and time.time() > self._until:
                return
            if len(frame) >= 14 and interface != "lo":
                self.packets.append(Packet(time.time(), interface, kind == 4, frame))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._until = time.time() + 5
        self._end.set()
        self._thread.join()
        self._socket.close()
        with open(self._file, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for packet in self.packets:
                size = len(packet.frame)
                out.write(struct.pack("<IIII", int(packet.when), int(packet.when % 1 * 1e6), size,
                                      size) + packet.frame)

    def syns(self, target, interface=None):
        return [p for p in self.packets if p.target == target and p.is_syn()
                and (interface is None or p.interface == interface)]

    def refusals(self, source):
        """The address's resets: to whom, and when in seconds. What comes after the client's own FIN or reset
        answers late segments of a connection that has ended, and refuses nobody."""
        ended, resets = set(), []
        for packet in self.packets:
            port, to, _, flags = packet.tcp() or (None, None, None, 0)
            if packet.target == source and flags & (FIN | RST):
                ended.add(port)
            elif packet.source == source and flags & RST and to not in ended:
                resets.append(f"port {to} after {packet.when - self.packets[0].when:.3f} s, on "
                              f"{packet.interface} from MAC {packet.from_mac.hex(':')}")
        return resets

    def repeated_syns(self, target):
        """SYNs that the client has sent a second time: the same ports and sequence number."""
        seen, repeated = set(), 0
        for packet in self.syns(target):
            key = packet.tcp()[:3]
            repeated += key in seen
            seen.add(key)
        return repeated
