"""Frames that no honest host sends: each is dropped under its name, on the
interface it came in on, and the daemon goes on."""

import random
import struct

import pytest
from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether, IPOption, Raw

from conftest import MAC_LEFT, SLOW, conserved, wait_for

BROADCAST = "ff:ff:ff:ff:ff:ff"


def ether(bench, **fields):
    return Ether(src=MAC_LEFT, dst=bench.mac0, **fields)


def udp(bench, src="10.0.1.2", dst="10.0.2.2", size=32, **fields):
    return (ether(bench) / IP(src=src, dst=dst, **fields) /
            UDP(sport=1, dport=2) / Raw(b"x" * size))


def with_bytes(frame, *changes, checksum=True):
    """The frame with bytes of its IP header changed: (offset, value)..."""
    data = bytearray(bytes(frame))
    for offset, value in changes:
        data[14 + offset] = value
    if checksum:
        hlen = max(20, (data[14] & 15) * 4)
        data[24:26] = b"\0\0"
        header = bytes(data[14:14 + hlen])
        if len(header) % 2:
            header += b"\0"
        total = sum(struct.unpack(f">{len(header) // 2}H", header))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        data[24:26] = struct.pack(">H", ~total & 0xffff)
    return bytes(data)


@pytest.fixture(autouse=True)
def still_well(request):
    """After each: an honest packet passes, and the books balance."""
    bench = request.getfixturevalue("bench")
    yield
    bench.out_wire.drain()
    bench.in_wire.send(udp(bench, id=65000))
    frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert frame is not None and Ether(frame)[IP].id == 65000
    wait_for(lambda: bench.daemon.counters("tap1")["oqueued"] == 0)
    conserved(bench.daemon)


def test_truncated_ip_at_every_length(bench):
    frame = bytes(udp(bench))
    bench.expect((frame[:n] for n in range(14, 14 + 20)), "ip-short")
    bench.expect((frame[:n] for n in range(14 + 20, len(frame))), "ip-len")


def test_truncated_arp_at_every_length(bench):
    frame = bytes(Ether(src=MAC_LEFT, dst=BROADCAST) /
                  ARP(psrc="10.0.1.2", pdst="10.0.1.1", hwsrc=MAC_LEFT))
    bench.expect((frame[:n] for n in range(14, 14 + 28)), "arp-short")


def test_truncated_icmp_at_every_length(bench):
    bench.expect([ether(bench) / IP(src="10.0.1.2", dst="10.0.1.1", proto=1) /
                  Raw(b"\x08\0\0\0\0\0\0\0"[:n]) for n in range(8)],
                 "icmp-short")


def test_padding_is_ignored(bench):
    """Ethernet pads to 60 bytes: what is behind the total length is not part
    of the packet."""
    bench.in_wire.send(bytes(udp(bench, size=0)) + b"\xee" * 100)
    frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert frame is not None and len(frame) == 14 + 28


def test_version(bench):
    frame = udp(bench)
    bench.expect([with_bytes(frame, (0, v << 4 | 5))
                  for v in range(16) if v != 4], "ip-version")


def test_header_length(bench):
    frame = udp(bench)
    bench.expect([with_bytes(frame, (0, 0x40 | n)) for n in range(5)],
                 "ip-hlen")
    # 60 bytes of header in a packet of 40.
    bench.expect([with_bytes(udp(bench, size=12), (0, 0x4f))], "ip-hlen")


def test_checksum(bench):
    frame = udp(bench)
    good = bytes(frame)[24:26]
    bench.expect([with_bytes(frame, (10, good[0] ^ a), (11, good[1] ^ b),
                             checksum=False)
                  for a, b in ((1, 0), (0, 1), (0x80, 0), (0xff, 0x0f))],
                 "ip-csum")


def test_total_length(bench):
    frame = udp(bench)
    n = len(frame) - 14
    # One byte too many, far too many; less than the header.
    bench.expect([with_bytes(frame, (2, v >> 8), (3, v & 255))
                  for v in (n + 1, 1500, 65535, 0, 1, 19)], "ip-len")


@pytest.mark.parametrize("kind", [0x83, 0x89])
def test_source_route(bench, kind):
    option = IPOption(bytes([kind, 7, 4, 10, 0, 2, 2]))
    bench.expect([
        ether(bench) / IP(src="10.0.1.2", dst=dst, options=[option]) / UDP()
        for dst in ("10.0.1.1", "10.0.2.2")], "ip-srcroute")


def test_malformed_options(bench):
    def packet(options):
        options += b"\0" * (-len(options) % 4)
        header = IP(src="10.0.1.2", dst="10.0.2.2", proto=17,
                    ihl=5 + len(options) // 4,
                    len=20 + len(options) + 8)
        data = bytes(ether(bench) / header) + options + bytes(UDP(len=8))
        return with_bytes(data)

    bench.expect([
        packet(b"\x07\x00"),            # length 0
        packet(b"\x07\x01"),            # length 1
        packet(b"\x07\x28\x04\0"),      # longer than the header
        packet(b"\x01\x01\x01\x07"),    # no length at all
    ], "ip-options")


@pytest.mark.parametrize("src", ["127.0.0.1", "224.0.0.1", "255.255.255.255",
                                 "240.0.0.1"])
def test_impossible_source(bench, src):
    bench.expect([udp(bench, src=src), udp(bench, src=src, dst="10.0.1.1")],
                 "ip-src")


@pytest.mark.parametrize("dst", ["127.0.0.1", "240.0.0.1"])
def test_impossible_destination(bench, dst):
    bench.expect([udp(bench, dst=dst)], "ip-dst")


def test_land(bench):
    """To us, and from us as well."""
    bench.expect([udp(bench, src=src, dst=dst)
                  for src in ("10.0.1.1", "10.0.2.1")
                  for dst in ("10.0.1.1", "10.0.2.1")], "ip-land")


def test_other_station(bench):
    frame = bytes(Ether(src=MAC_LEFT, dst="02:00:00:00:99:99") /
                  IP(src="10.0.1.2", dst="10.0.2.2") / UDP())
    bench.expect([frame], "ether-not-ours")


def test_group_source(bench):
    frame = bytes(udp(bench))
    bench.expect([frame[:6] + bytes.fromhex("0100 5e00 0001") + frame[12:],
                  frame[:6] + b"\xff" * 6 + frame[12:]], "ether-src")


def test_unknown_type(bench):
    bench.expect([bytes(ether(bench, type=t)) + b"z" * 46
                  for t in (0x88b5, 0x88cc, 0x0000, 0x05dc, 0xffff)],
                 "no-proto")


def test_broadcast_is_not_forwarded(bench):
    frame = bytes(udp(bench))
    bench.expect([b"\xff" * 6 + frame[6:]], "ip-linkbcast")


def test_echo_to_broadcast_is_not_answered(bench):
    frame = (Ether(src=MAC_LEFT, dst=BROADCAST) /
             IP(src="10.0.1.2", dst="10.0.1.255") / ICMP(id=1, seq=1))
    bench.expect([frame], "icmp-bcast")


def test_icmp_checksum(bench):
    bench.expect([ether(bench) / IP(src="10.0.1.2", dst="10.0.1.1") /
                  ICMP(id=1, seq=1, chksum=0x1234)], "icmp-csum")


def test_transport_checksum(bench):
    """For us, and not believed; what passes through is not ours to judge."""
    def us(transport):
        return (ether(bench) / IP(src="10.0.1.2", dst="10.0.1.1") /
                transport / Raw(b"x" * 21))

    bench.in_wire.drain()
    bench.expect([us(UDP(sport=1, dport=2, chksum=0x1234)),
                  us(UDP(sport=1, dport=2, len=7)),
                  us(UDP(sport=1, dport=2, len=30)),
                  us(TCP(sport=1, dport=2, chksum=0x1234))], "l4-csum")
    assert not [f for f in bench.in_wire.drain() if f[12:14] == b"\x08\x00"]
    # No checksum is none that is wrong.
    bench.expect([us(UDP(sport=1, dport=2, chksum=0))], "ip-portunreach")
    bench.out_wire.drain()
    bench.in_wire.send(ether(bench) / IP(src="10.0.1.2", dst="10.0.2.2") /
                       UDP(sport=1, dport=2, chksum=0x1234) / Raw(b"x"))
    frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert frame is not None and frame[40:42] == b"\x12\x34"


def test_no_such_port_and_protocol(bench):
    bench.in_wire.drain()
    bench.expect([udp(bench, dst="10.0.1.1")], "ip-portunreach")
    frame = bench.in_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert (Ether(frame)[ICMP].type, Ether(frame)[ICMP].code) == (3, 3)
    bench.expect([ether(bench) / IP(src="10.0.1.2", dst="10.0.1.1",
                                    proto=200) / Raw(b"q" * 20)],
                 "ip-protounreach")
    frame = bench.in_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert (Ether(frame)[ICMP].type, Ether(frame)[ICMP].code) == (3, 2)


def test_bad_arp(bench):
    def arp(**fields):
        return (Ether(src=MAC_LEFT, dst=BROADCAST) /
                ARP(**{"psrc": "10.0.1.2", "pdst": "10.0.1.1",
                       "hwsrc": MAC_LEFT, "op": 1, **fields}))

    bench.expect([arp(hwtype=7), arp(ptype=0x1234), arp(hwlen=8),
                  arp(plen=16), arp(op=99), arp(hwsrc=BROADCAST),
                  arp(psrc="224.0.0.1")], "arp-bad")
    bench.expect([arp(pdst="10.0.1.77", psrc="10.0.1.78")], "arp-not-ours")
    bench.expect([arp(psrc="10.0.1.1")], "arp-conflict")


def test_arp_does_not_overwrite_static(bench):
    """Nobody takes over an address that was set by hand."""
    bench.in_wire.send(Ether(src="02:00:00:00:66:66", dst=BROADCAST) /
                       ARP(op=1, psrc="10.0.1.2", pdst="10.0.1.1",
                           hwsrc="02:00:00:00:66:66"))
    bench.settle(1)
    assert MAC_LEFT in bench.daemon.ok("arp", "-n", "10.0.1.2")


def memory_kib(bench):
    with open(f"/proc/{bench.daemon.process.pid}/status") as f:
        return int(next(line for line in f
                        if line.startswith("VmRSS")).split()[1])


def test_arp_storm(bench):
    """Requests from 50,000 made-up neighbours: a bounded table; and more of
    them in a second than is allowed are dropped under their name."""
    bench.daemon.ok("sysctl", "-w", "net.inet.arp.maxpps=-1")
    bench.daemon.ok("ifconfig", "tap0", "inet", "10.64.0.1/12", "alias")
    before = memory_kib(bench)
    start = bench.received()
    n = 50000
    frame = bytearray(bytes(
        Ether(src=MAC_LEFT, dst=BROADCAST) /
        ARP(op=1, psrc="10.64.0.2", pdst="10.64.0.1", hwsrc=MAC_LEFT)))

    def storm(n):
        for i in range(n):
            frame[28:32] = struct.pack(">I", (10 << 24 | 64 << 16) + 2 + i)
            bench.in_wire.send(frame)

    storm(n)
    wait_for(lambda: bench.received() >= start + n * 9 // 10,
             what="the storm has passed")
    assert bench.daemon.sysctl("net.inet.arp.count.unused") == \
        bench.daemon.sysctl("net.inet.arp.maxunused") == "1024"
    assert memory_kib(bench) - before < SLOW * 64 << 10
    assert bench.daemon.drops("tap0").get("arp-limit", 0) == 0
    # So few that no machine is too slow to send more.
    bench.daemon.ok("sysctl", "-w", "net.inet.arp.maxpps=5")
    storm(2000)
    wait_for(lambda: bench.daemon.drops("tap0").get("arp-limit", 0) > 0,
             what="drops for arp-limit")


def fragment(bench, offset, size, ident=77, more=True, dst="10.0.1.1"):
    return (ether(bench) /
            IP(src="10.0.1.2", dst=dst, proto=17, id=ident,
               flags="MF" if more else 0, frag=offset // 8) /
            Raw(b"f" * size))


def test_overlapping_fragments(bench):
    """RFC 5722's answer for IPv4 too: all of the packet is given up."""
    bench.in_wire.send(fragment(bench, 0, 64))
    bench.in_wire.send(fragment(bench, 128, 64))
    bench.settle(2)
    bench.expect([fragment(bench, 32, 64)], "frag-overlap", count=3)


@pytest.mark.parametrize("first,second", [
    ((0, 64), (56, 64)), ((0, 64), (8, 16)), ((64, 64), (0, 72)),
    ((64, 8), (0, 256)), ((0, 64), (0, 56)),
])
def test_overlap_in_every_way(bench, first, second):
    bench.in_wire.send(fragment(bench, *first))
    bench.settle(1)
    bench.expect([fragment(bench, *second)], "frag-overlap", count=2)


def test_duplicate_fragment(bench):
    bench.in_wire.send(fragment(bench, 0, 64))
    bench.settle(1)
    bench.expect([fragment(bench, 0, 64)], "frag-dup")


def test_bad_fragments(bench):
    """Beyond 65,535 bytes; a middle one that is no multiple of 8; an empty
    one."""
    bench.expect([fragment(bench, 65528, 64, ident=1),
                  fragment(bench, 0, 63, ident=2),
                  fragment(bench, 8, 0, ident=3)], "frag-bad")


def test_fragments_without_end(bench):
    """First parts of 20,000 packets, and then 20,000 parts in any order of a
    few: what is held is bounded."""
    before = memory_kib(bench)
    start = bench.received()
    for ident in range(20000):
        bench.in_wire.send(fragment(bench, 0, 64, ident=ident))
    rng = random.Random(1)
    for _ in range(5000):
        bench.in_wire.send(fragment(bench, 8 * rng.randrange(8000), 8,
                                    ident=rng.randrange(4)))
    wait_for(lambda: bench.received() >= start + 22500,
             what="all have come")
    counters = bench.daemon.counters("tap0")
    assert 0 < counters["iqueued"] <= 4096
    drops = bench.daemon.drops("tap0")
    assert drops.get("frag-limit", 0) > 0
    assert memory_kib(bench) - before < SLOW * 64 << 10
    # An honest packet in pieces is still put together and answered.
    bench.in_wire.drain()


def test_garbage(bench):
    """Random bytes behind an honest Ethernet header, and honest packets with
    random bytes in them: nothing breaks, and the books balance."""
    rng = random.Random(4711)
    head = bytes(ether(bench, type=0x800))
    honest = bytes(udp(bench))
    arp = bytes(Ether(src=MAC_LEFT, dst=BROADCAST) /
                ARP(psrc="10.0.1.2", pdst="10.0.1.1", hwsrc=MAC_LEFT))
    start = bench.received()
    n = 6000
    for i in range(n):
        if i % 3 == 0:
            frame = head + rng.randbytes(rng.randrange(1, 200))
        else:
            frame = bytearray(honest if i % 3 == 1 else arp)
            for _ in range(rng.randrange(1, 6)):
                frame[rng.randrange(14, len(frame))] = rng.randrange(256)
        bench.in_wire.send(frame)
    bench.settle(start + n)
    wait_for(lambda: all(
        i["counters"]["oqueued"] <= 64 for i in bench.daemon.show().values()))
    conserved(bench.daemon)
