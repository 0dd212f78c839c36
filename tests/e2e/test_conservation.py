"""Packets are conserved: what came in was delivered, forwarded, is queued,
or was dropped for a named reason; what was to go out went, is queued, or was
dropped for one."""

import random
import re
import threading

import pytest
from scapy.all import ICMP, IP, UDP, Ether, Raw

from conftest import LONG, MAC_LEFT, MAC_RIGHT, conserved, wait_for


def at_rest(daemon):
    """Nothing moves and nothing is on its way: the books can be read."""
    def numbers():
        return {name: i["counters"] for name, i in daemon.show().items()}

    last = numbers()
    same = 0

    def quiet():
        nonlocal last, same
        now = numbers()
        same = same + 1 if now == last else 0
        last = now
        return same >= 5

    wait_for(quiet, what="the daemon is at rest")


def traffic(wire, mac, source, seed, count, progress):
    """Good and bad packets of every kind."""
    rng = random.Random(seed)
    other = "10.0.2" if source == "10.0.1" else "10.0.1"
    sender = MAC_LEFT if source == "10.0.1" else MAC_RIGHT
    head = Ether(src=sender, dst=mac)
    kinds = [bytes(p) for p in (
        head / IP(src=source + ".2", dst=other + ".2") / UDP() /
        Raw(b"u" * 100),
        head / IP(src=source + ".2", dst=other + ".2") / UDP() /
        Raw(b"v" * 1400),
        head / IP(src=source + ".2", dst=other + ".9") / UDP(),
        head / IP(src=source + ".2", dst=source + ".1") / ICMP(id=9),
        head / IP(src=source + ".2", dst=source + ".1") / UDP(),
        head / IP(src=source + ".2", dst="198.51.100.1") / UDP(),
        head / IP(src=source + ".2", dst=other + ".2", ttl=1) / UDP(),
        head / IP(src=source + ".2", dst=source + ".1", flags="MF",
                  id=rng.randrange(65536)) / Raw(b"f" * 64),
        head / IP(src="127.0.0.1", dst=other + ".2") / UDP(),
        head / IP(src=source + ".2", dst=other + ".2", chksum=1) / UDP(),
        Ether(src=sender, dst="02:99:99:99:99:99") / Raw(b"e" * 60),
        Ether(src=sender, dst=mac, type=0x88b5) / Raw(b"t" * 60),
    )]
    for i in range(count):
        try:
            wire.send(rng.choice(kinds))
        except (OSError, AssertionError):
            # The interface is away at the moment.
            pass
        progress[0] = i + 1


@pytest.mark.concurrent
def test_under_load(bench):
    """Two wires full of everything, at rest at the end."""
    d = bench.daemon
    n = 8000
    progress = [[0], [0]]
    threads = [
        threading.Thread(target=traffic, args=(
            bench.in_wire, bench.mac0, "10.0.1", 1, n, progress[0])),
        threading.Thread(target=traffic, args=(
            bench.out_wire, bench.mac1, "10.0.2", 2, n, progress[1]))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    at_rest(d)
    conserved(d)
    found = d.show()
    for name in ("tap0", "tap1"):
        c = found[name]["counters"]
        assert c["ipackets"] >= n * 9 // 10
        assert c["forwarded"] > 0 and c["delivered"] > 0
        assert c["idrops"] > 0
    # In total: what one interface handed on, the others were offered
    # (together with what the router said itself).
    assert sum(i["counters"]["offered"] for i in found.values()) >= \
        sum(i["counters"]["forwarded"] for i in found.values())


@pytest.mark.concurrent
def test_interfaces_coming_and_going(bench, netns):
    """The same while interfaces are made and destroyed, addresses and routes
    come and go, and one of the two goes down and up."""
    d = bench.daemon
    n = 12000
    progress = [[0], [0]]
    threads = [
        threading.Thread(target=traffic, args=(
            bench.in_wire, bench.mac0, "10.0.1", 3, n, progress[0])),
        threading.Thread(target=traffic, args=(
            bench.out_wire, bench.mac1, "10.0.2", 4, n, progress[1]))]
    for t in threads:
        t.start()
    extra = netns("extra")
    rounds = 0
    while any(t.is_alive() for t in threads) or rounds < 3:
        rounds += 1
        d.tap(extra, "tap5", "198.51.100.2/24")
        d.ok("arp", "-s", "198.51.100.1", "02:00:00:00:05:01")
        extra.ip("link", "set", "tap5", "up")
        d.ok("ifconfig", "pair0", "create", "peer", "pair1")
        d.ok("ifconfig", "pair0", "inet", "10.5.0.1/24", "up")
        d.ok("ifconfig", "tap1", "down")
        d.ok("route", "replace", "-net", "203.0.113.0/24", "198.51.100.1")
        d.ok("ifconfig", "tap1", "up")
        d.ok("ifconfig", "tap5", "destroy")
        d.ok("ifconfig", "pair0", "destroy")
        if "pair1" in d.ok("ifconfig", "-l").split():
            d.ok("ifconfig", "pair1", "destroy")
    for t in threads:
        t.join()
    at_rest(d)
    conserved(d)


@pytest.mark.concurrent
def test_receiver_destroyed_under_load(bench, netns):
    """The interface the packets come in on is destroyed while they come:
    the other one's books still balance, and nothing keeps the destroying
    waiting."""
    d = bench.daemon
    extra = netns("extra")
    for _ in range(10):
        d.tap(extra, "tap5", "10.0.5.1/24")
        extra.ip("link", "set", "tap5", "arp", "off")
        extra.ip("link", "set", "tap5", "up")
        mac = d.show("tap5")["lladdr"]
        wire = extra.wire("tap5")
        progress = [0]
        t = threading.Thread(target=traffic, args=(
            wire, mac, "10.0.1", 5, 1500, progress))
        t.start()
        wait_for(lambda p=progress: p[0] > 200, what="traffic")
        d.ok("ifconfig", "tap5", "destroy")
        t.join()
        wire.close()
    at_rest(d)
    conserved(d)


@pytest.mark.concurrent
def test_tcp_with_interfaces_flapping(router):
    """A TCP transfer through a tap that goes down and up ten times."""
    server = router.right.popen("iperf3", "-s", "-1")
    client = None
    try:
        wait_for(lambda: router.right.run(
            "ss", "-ltnH", "sport", "=", ":5201").stdout, what="iperf3 -s")
        client = router.left.popen("iperf3", "-t", "3", "-c", "10.0.2.2")
        d = router.daemon
        wait_for(lambda: d.counters("tap1")["opackets"] > 100)
        for _ in range(10):
            d.ok("ifconfig", "tap1", "down")
            d.ok("ifconfig", "tap1", "up")
        assert client.wait(LONG) == 0
    finally:
        for p in (client, server):
            if p is not None:
                p.kill()
                p.wait()
                p.stdout.close()
    at_rest(router.daemon)
    conserved(router.daemon)


def test_all_views_agree(router):
    """netstat, ifconfig -v and JSON read one set of counters."""
    router.ping("-c", "5", "-i", "0.2")
    at_rest(router.daemon)
    counters = router.daemon.counters("tap0")
    text = router.daemon.ok("ifconfig", "-v", "tap0")
    assert f"input: {counters['ipackets']} packet" in text
    rows = router.daemon.ok("netstat", "-i", "-n")
    row = next(x for x in rows.splitlines() if re.match(r"tap0\s", x))
    assert row.split()[4] == str(counters["ipackets"])
