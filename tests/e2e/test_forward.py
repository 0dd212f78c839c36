"""Packets between two hosts through the daemon."""

import hashlib
import json
import random
import re
import socket
import threading
import time

import pytest
from scapy.all import ICMP, IP, TCP, UDP, Ether, IPOption, Raw

from conftest import LONG, MAC_LEFT, MAC_RIGHT, conserved, run, wait_for


def icmp_about(frame):
    packet = Ether(frame)
    return packet[ICMP] if ICMP in packet else None


def test_ping_both_ways(router):
    for src, dst in ((router.left, "10.0.2.2"), (router.right, "10.0.1.2")):
        out = router.ping("-c", "3", "-i", "0.2", src=src, dst=dst).stdout
        assert " 0% packet loss" in out
        assert "ttl=63" in out


def test_ping_router_itself(router):
    for address in ("10.0.1.1", "10.0.2.1"):
        out = router.ping("-c", "1", dst=address).stdout
        assert "ttl=64" in out


def test_no_forwarding_unless_asked(router):
    router.daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=0")
    out = router.ping("-c", "1", "-W", "1", check=False)
    assert out.returncode != 0
    router.daemon.dropped("tap0", "ip-noforward", 1, more=True)
    # The router itself is a host still.
    router.ping("-c", "1", dst="10.0.1.1")


def test_traceroute_shows_router(router):
    out = router.left.run("traceroute", "-n", "-q", "1", "-w", "2",
                          "10.0.2.2").stdout
    hops = [line.split()[1] for line in out.splitlines()[1:]]
    assert hops == ["10.0.1.1", "10.0.2.2"]
    router.daemon.dropped("tap0", "ip-ttl", 1)


def test_ttl_exceeded_message(router):
    out = router.ping("-c", "1", "-t", "1", check=False).stdout
    assert "From 10.0.1.1" in out and "Time to live exceeded" in out


def test_unreachable_network(router):
    router.left.ip("route", "add", "192.0.2.0/24", "via", "10.0.1.1")
    out = router.ping("-c", "1", dst="192.0.2.1", check=False).stdout
    assert "From 10.0.1.1" in out and "Net Unreachable" in out
    router.daemon.dropped("tap0", "ip-noroute", 1)


def test_unreachable_neighbour(router):
    """Nobody has 10.0.2.77: held, given up, and the sender told."""
    out = router.ping("-c", "1", dst="10.0.2.77", check=False)
    assert "Host Unreachable" in out.stdout
    router.daemon.dropped("tap1", "arp-unresolved", 1)
    conserved(router.daemon)


def test_reject_and_blackhole_routes(router):
    router.left.ip("route", "add", "192.0.2.0/24", "via", "10.0.1.1")
    router.daemon.ok("route", "add", "-net", "192.0.2.0/25", "10.0.2.2",
                     "-reject")
    router.daemon.ok("route", "add", "-net", "192.0.2.128/25", "10.0.2.2",
                     "-blackhole")
    out = router.ping("-c", "1", dst="192.0.2.1", check=False).stdout
    assert "Unreachable" in out
    out = router.ping("-c", "1", "-W", "1", dst="192.0.2.200",
                      check=False).stdout
    assert "Unreachable" not in out and "100% packet loss" in out
    drops = router.daemon.drops("tap0")
    assert drops["ip-reject"] == 1
    assert drops["ip-blackhole"] == 1


def test_path_mtu(router):
    """Too big and may not be cut: the sender learns the MTU."""
    router.daemon.ok("ifconfig", "tap1", "mtu", "1280")
    router.right.ip("link", "set", "tap1", "mtu", "1280")
    out = router.ping("-c", "1", "-M", "do", "-s", "1400", check=False)
    assert re.search(r"Frag needed and DF set \(mtu = 1280\)", out.stdout)
    router.daemon.dropped("tap0", "ip-needfrag", 1)
    # The kernel has learned it, and TCP and a smaller ping pass.
    router.ping("-c", "1", "-M", "do", "-s", "1252")


def test_fragmentation_on_output(router):
    """The first MTU is larger than the second: the router cuts."""
    router.daemon.ok("ifconfig", "tap1", "mtu", "576")
    router.right.ip("link", "set", "tap1", "mtu", "576")
    out = router.ping("-c", "2", "-i", "0.2", "-M", "dont", "-s",
                      "1400").stdout
    assert " 0% packet loss" in out


def test_fragments_pass_and_are_put_together(router):
    """3000 bytes: the router forwards fragments, and answers them itself."""
    out = router.ping("-c", "2", "-i", "0.2", "-s", "3000").stdout
    assert " 0% packet loss" in out
    out = router.ping("-c", "2", "-i", "0.2", "-s", "3000",
                      dst="10.0.1.1").stdout
    assert " 0% packet loss" in out
    conserved(router.daemon)


def test_largest_ping(router):
    out = router.ping("-c", "1", "-s", "65507", dst="10.0.1.1").stdout
    assert " 0% packet loss" in out


@pytest.mark.concurrent
@pytest.mark.parametrize("reverse", [False, True])
def test_tcp(router, reverse):
    server = router.right.popen("iperf3", "-s", "-1")
    try:
        wait_for(lambda: router.right.run(
            "ss", "-ltnH", "sport", "=", ":5201").stdout, what="iperf3 -s")
        out = router.left.run("iperf3", "-J", "-t", "1", "-c", "10.0.2.2",
                              *(["-R"] if reverse else [])).stdout
        assert json.loads(out)["end"]["sum_received"]["bytes"] > 100000
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    conserved(router.daemon)


def transfer(router, nbytes, port=5999):
    """So many bytes over TCP from left to right; are they the same?"""
    def listener():
        s = socket.socket()
        s.bind(("10.0.2.2", port))
        s.listen()
        s.settimeout(LONG)
        return s

    def sender():
        s = socket.socket()
        s.settimeout(LONG)
        s.connect(("10.0.2.2", port))
        return s

    with router.right.inside(listener) as server, \
            router.left.inside(sender) as tx:
        rx = server.accept()[0]
        rx.settimeout(LONG)
        block = random.Random(port).randbytes(1 << 20)
        sent, got = hashlib.sha256(), hashlib.sha256()

        def send():
            for _ in range(nbytes >> 20):
                sent.update(block)
                tx.sendall(block)
            tx.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        with rx:
            while data := rx.recv(1 << 20):
                got.update(data)
        thread.join()
    assert got.digest() == sent.digest()


def test_tso_passes_whole(router):
    """64 KiB segments from one tap leave the other in one piece: then there
    are fewer packets than MTU-sized ones would make, and as many leave as
    came.  How large they are is the sender's choice."""
    def counted():
        shown = router.daemon.show()
        return (shown["tap0"]["counters"]["ipackets"],
                shown["tap1"]["counters"]["opackets"],
                shown["tap1"]["counters"]["obytes"])

    before = counted()
    transfer(router, 64 << 20)
    # What has arrived may yet have to be counted.
    wait_for(lambda: counted()[2] - before[2] >= 64 << 20)
    came, left, nbytes = (b - a for a, b in zip(before, counted()))
    # Both hosts may have asked for each other's address.
    assert left <= came + 10
    assert nbytes / left > 2 * 1514, (nbytes, left)
    assert "tx-offload" not in router.daemon.drops("tap1")


def test_tso_is_cut_where_it_must_be(router):
    """A TSO segment whose way goes over a smaller MTU arrives all the same."""
    router.daemon.ok("ifconfig", "tap1", "mtu", "1000")
    router.right.ip("link", "set", "tap1", "mtu", "1000")
    transfer(router, 4 << 20)
    conserved(router.daemon)


def tcp_sum_right(frame):
    """Is the checksum of this TCP segment over IPv4 made already?"""
    hlen = (frame[14] & 15) * 4
    end = 14 + int.from_bytes(frame[16:18], "big")
    tcp = frame[14 + hlen:end]
    data = frame[26:34] + bytes((0, 6)) + len(tcp).to_bytes(2, "big") + tcp
    data += b"\0" * (len(data) % 2)
    return int.from_bytes(data, "big") % 0xffff == 0


def segments_seen(router, port):
    """Full TCP segments, as a kernel on the right gets them."""
    wire = router.right.wire("tap1")
    transfer(router, 4 << 20, port=port)
    frames = [f for f in wire.drain()
              if f[12:14] == b"\x08\x00" and f[23] == 6 and len(f) > 1000]
    wire.close()
    assert len(frames) > 5
    return frames


def test_sending_capabilities(router):
    """What tap1 may leave to the kernel behind it, that kernel gets undone;
    the rest is done before it leaves."""
    frames = segments_seen(router, 6000)
    assert max(map(len, frames)) > 1514
    assert not all(map(tcp_sum_right, frames))

    router.daemon.ok("ifconfig", "tap1", "-tso4")
    frames = segments_seen(router, 6001)
    assert max(map(len, frames)) <= 1514
    assert not any(map(tcp_sum_right, frames))

    router.daemon.ok("ifconfig", "tap1", "tso4", "-tcp4csum-tx")
    frames = segments_seen(router, 6002)
    assert max(map(len, frames)) <= 1514
    assert all(map(tcp_sum_right, frames))

    router.daemon.ok("ifconfig", "tap1", "tcp4csum-tx")
    frames = segments_seen(router, 6003)
    assert max(map(len, frames)) > 1514
    conserved(router.daemon)


def test_receiving_capabilities(router):
    """What tap0 does not take, the kernel behind it does itself."""
    def largest(port):
        before = router.daemon.counters("tap0")
        frames = segments_seen(router, port)
        after = router.daemon.counters("tap0")
        return frames, ((after["ibytes"] - before["ibytes"]) /
                        (after["ipackets"] - before["ipackets"]))

    frames, mean = largest(6010)
    assert mean > 1514

    router.daemon.ok("ifconfig", "tap0", "-lro")
    frames, mean = largest(6011)
    assert mean <= 1514
    assert not any(map(tcp_sum_right, frames))

    # Whole sums come in, and leave as they are.
    router.daemon.ok("ifconfig", "tap0", "-tcp4csum-rx")
    frames, mean = largest(6012)
    assert mean <= 1514
    assert all(map(tcp_sum_right, frames))

    router.daemon.ok("ifconfig", "tap0", "tcp4csum-rx", "lro")
    frames, mean = largest(6013)
    assert mean > 1514
    conserved(router.daemon)


def test_udp_checksum_survives_offload(router):
    """The kernel leaves UDP checksums to the card; ours are right on the
    other side, or the receiver would not get the packet."""
    def receiver():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("10.0.2.2", 7777))
        s.settimeout(LONG)
        return s

    def sender():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    with router.right.inside(receiver) as rx, \
            router.left.inside(sender) as tx:
        for size in (0, 1, 17, 1000, 1472, 5000):
            tx.sendto(b"x" * size, ("10.0.2.2", 7777))
            assert len(rx.recv(65536)) == size


# With frames made by hand.

def udp(dst="10.0.2.2", ttl=64, src="10.0.1.2", mac=None, payload=b"x" * 32,
        **fields):
    return (Ether(src=MAC_LEFT, dst=mac) /
            IP(src=src, dst=dst, ttl=ttl, **fields) /
            UDP(sport=1000, dport=2000) / Raw(payload))


def test_forwarded_packet_is_right(bench):
    """TTL one less, checksum right, addresses of the next wire, and not one
    byte else changed."""
    sent = udp(mac=bench.mac0, ttl=7, tos=0x48, id=4711)
    bench.in_wire.send(sent)
    frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert frame is not None
    got = Ether(frame)
    assert got.src == bench.mac1 and got.dst == MAC_RIGHT
    want = Ether(bytes(sent))[IP]
    want.ttl = 6
    del want.chksum
    assert bytes(got[IP]) == bytes(want)


def test_options_are_carried(bench):
    """Record route and padding: the header is longer than 20 bytes."""
    sent = (Ether(src=MAC_LEFT, dst=bench.mac0) /
            IP(src="10.0.1.2", dst="10.0.2.2",
               options=[IPOption(b"\x01")] * 4) /
            UDP(sport=1, dport=2) / Raw(b"y" * 20))
    bench.in_wire.send(sent)
    frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert frame is not None
    got = Ether(frame)[IP]
    assert got.ihl == 6
    assert bytes(got)[20:24] == b"\x01\x01\x01\x01"


def test_ttl_one_and_zero(bench):
    bench.expect([udp(mac=bench.mac0, ttl=1), udp(mac=bench.mac0, ttl=0)],
                 "ip-ttl")


def test_icmp_error_quotes_packet(bench):
    sent = udp(mac=bench.mac0, ttl=1, id=99)
    bench.in_wire.send(sent)
    frame = bench.in_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert frame is not None
    got = Ether(frame)
    assert got[IP].src == "10.0.1.1" and got[IP].dst == "10.0.1.2"
    assert (got[ICMP].type, got[ICMP].code) == (11, 0)
    quoted = bytes(got[ICMP])[8:]
    # RFC 1812 4.3.2.3: the header and at least 8 bytes, as they came.
    assert quoted[:28] == bytes(sent[IP])[:28]


def test_icmp_errors_are_limited(bench):
    """RFC 1812 4.3.2.8: a flood of causes is not a flood of errors."""
    bench.in_wire.drain()
    n = 500
    start = bench.received()
    began = time.monotonic()
    for _ in range(n):
        bench.in_wire.send(udp(mac=bench.mac0, ttl=1))
    bench.settle(start + n)
    wait_for(lambda: bench.daemon.drops("tap0").get("ip-ttl", 0) >= n,
             what="all dropped")
    errors = [f for f in bench.in_wire.drain()
              if f[12:14] == b"\x08\x00" and icmp_about(f)]
    # A hundred a second, however long the machine takes for this.
    assert 0 < len(errors) <= 100 * (time.monotonic() - began) + 200


def test_no_error_about_an_error(bench):
    """RFC 1122 3.2.2: never an ICMP error about one."""
    error = (Ether(src=MAC_LEFT, dst=bench.mac0) /
             IP(src="10.0.1.2", dst="10.0.2.2", ttl=1) /
             ICMP(type=3, code=1) / IP(src="10.0.2.2", dst="10.0.1.2") /
             UDP())
    bench.expect([error], "ip-ttl")
    # An echo afterwards is answered first: then nothing else came.
    bench.in_wire.send(Ether(src=MAC_LEFT, dst=bench.mac0) /
                       IP(src="10.0.1.2", dst="10.0.1.1") /
                       ICMP(id=5, seq=6))
    frame = bench.in_wire.recv(lambda f: f[12:14] == b"\x08\x00")
    assert icmp_about(frame).type == 0


def test_traffic_while_down_is_counted(bench):
    bench.daemon.ok("ifconfig", "tap1", "down")
    seen = bench.received()
    for _ in range(5):
        bench.in_wire.send(udp(mac=bench.mac0))
    bench.settle(seen + 5)
    wait_for(lambda: sum(bench.daemon.drops("tap0").values()) +
             sum(bench.daemon.drops("tap1").values()) >= 5,
             what="five drops")
    conserved(bench.daemon)


def test_tcp_segments_keep_their_order(bench):
    for seq in range(200):
        bench.in_wire.send(Ether(src=MAC_LEFT, dst=bench.mac0) /
                           IP(src="10.0.1.2", dst="10.0.2.2", id=seq) /
                           TCP(seq=seq))
    got = []
    while len(got) < 200:
        frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")
        assert frame is not None, got
        got.append(Ether(frame)[IP].id)
    assert got == list(range(200))


def test_host_tools_see_our_tap(router):
    """It is an ordinary network device to the host that has it."""
    out = run("ip", "-n", router.left, "-d", "link", "show", "tap0").stdout
    assert "tun" in out


def recorded(out):
    """The addresses of `ping -R', without the first, the sender's own."""
    at = out.index("RR:")
    return re.findall(r"(\d+\.\d+\.\d+\.\d+)", out[at:].split("\n\n")[0])[1:]


def test_record_route(router):
    """The way there and back, whether the packet ends here or passes."""
    out = router.ping("-R", "-c", "1", dst="10.0.2.1").stdout
    assert recorded(out)[0] == "10.0.2.1"
    out = router.ping("-R", "-c", "1").stdout
    hops = recorded(out)
    assert hops[0] == "10.0.2.1" and hops[1] == "10.0.2.2"
    assert "10.0.1.1" in hops[2:]


def test_time_stamps(router):
    out = router.ping("-T", "tsandaddr", "-c", "1", dst="10.0.2.1").stdout
    stamps = out.split("TS:")[1].split()
    assert stamps[0] == "10.0.1.2" and "10.0.2.1" in stamps
    out = router.ping("-T", "tsandaddr", "-c", "1").stdout
    stamps = out.split("TS:")[1].split()
    assert stamps[0] == "10.0.1.2" and "10.0.2.1" in stamps


def test_reverse_path(router):
    """A source of another network is forwarded until a setting says no."""
    router.left.ip("addr", "add", "10.9.9.9/32", "dev", "lo")
    router.daemon.ok("route", "add", "-net", "10.9.9.0/24", "10.0.2.2")
    router.right.ip("route", "add", "10.9.9.0/24", "via", "10.0.2.1")

    def dropped():
        router.ping("-c", "1", "-W", "1", "-I", "10.9.9.9", check=False)
        return router.daemon.drops("tap0").get("ip-rpf", 0)
    assert dropped() == 0
    router.daemon.ok("sysctl", "-w", "net.inet.ip.rpf=1")
    assert dropped() == 1
    router.daemon.ok("sysctl", "-w", "net.interfaces.tap0.rpf=2")
    assert dropped() == 1
    router.daemon.ok("sysctl", "-w", "net.interfaces.tap0.rpf=-1")
    assert dropped() == 2
    router.ping("-c", "1")
    conserved(router.daemon)


def test_link_local_stays(router):
    router.left.ip("addr", "add", "169.254.7.7/16", "dev", "tap0")
    router.left.ip("route", "add", "169.254.0.0/17", "via", "10.0.1.1")
    router.daemon.ok("route", "add", "-net", "169.254.0.0/16", "10.0.2.2")
    for src, dst in (("10.0.1.2", "169.254.1.1"), ("169.254.7.7", "10.0.2.2")):
        before = router.daemon.drops("tap0").get("ip-linklocal", 0)
        router.ping("-c", "1", "-W", "1", "-I", src, dst=dst, check=False)
        router.daemon.dropped("tap0", "ip-linklocal", before + 1)
    conserved(router.daemon)
