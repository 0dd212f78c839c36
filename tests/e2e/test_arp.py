"""ARP and ifctl arp."""

import re
import threading
import time

from scapy.all import ARP, IP, UDP, Ether, Raw

from conftest import MAC_LEFT, unless_busy, wait_for

BROADCAST = "ff:ff:ff:ff:ff:ff"


def test_learned(router):
    router.ping("-c", "1")
    text = router.daemon.ok("arp", "-an")
    assert router.left.mac("tap0") in text
    assert router.right.mac("tap1") in text
    assert re.search(r"10\.0\.1\.2\)? at .* on tap0", text)


def test_one(router):
    router.ping("-c", "1")
    assert router.left.mac("tap0") in router.daemon.ok("arp", "-n",
                                                       "10.0.1.2")


def test_nobody_there(router):
    done = router.daemon.ctl("arp", "-n", "10.0.2.77")
    assert done.returncode == 1
    assert "10.0.2.77 (10.0.2.77) -- no entry" in done.stdout + done.stderr


def test_set_and_delete(router):
    d = router.daemon
    d.ok("arp", "-s", "10.0.2.99", "02:00:00:00:00:99")
    text = d.ok("arp", "-an")
    line = next(x for x in text.splitlines() if "10.0.2.99" in x)
    assert "02:00:00:00:00:99" in line and "permanent" in line
    d.ok("arp", "-d", "10.0.2.99")
    assert "10.0.2.99" not in d.ok("arp", "-an")


def test_set_what_was_learned(router):
    router.ping("-c", "1")
    d = router.daemon
    d.ok("arp", "-s", "10.0.2.2", router.right.mac("tap1"))
    line = next(x for x in d.ok("arp", "-an").splitlines()
                if "10.0.2.2)" in x)
    assert "permanent" in line


def test_delete_all(router):
    router.ping("-c", "1")
    router.daemon.ok("arp", "-d", "-a")
    assert "10.0.2.2" not in router.daemon.ok("arp", "-an")
    # And they are found again.
    router.ping("-c", "1")


def test_reply_to_request(bench):
    bench.in_wire.send(Ether(src=MAC_LEFT, dst=BROADCAST) /
                       ARP(op=1, hwsrc=MAC_LEFT, psrc="10.0.1.2",
                           pdst="10.0.1.1"))
    frame = bench.in_wire.recv(lambda f: f[12:14] == b"\x08\x06")
    got = Ether(frame)
    assert got.dst == MAC_LEFT and got[ARP].op == 2
    assert got[ARP].hwsrc == bench.mac0 and got[ARP].psrc == "10.0.1.1"
    assert got[ARP].hwdst == MAC_LEFT and got[ARP].pdst == "10.0.1.2"


def test_address_is_announced(bench):
    """RFC 5227: whoever has us in a table hears of the new address."""
    bench.out_wire.drain()
    bench.daemon.ok("ifconfig", "tap1", "inet", "10.0.7.1/24", "alias")
    frame = bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x06")
    got = Ether(frame)
    assert got.dst == BROADCAST
    assert got[ARP].psrc == got[ARP].pdst == "10.0.7.1"
    assert got[ARP].hwsrc == bench.mac1


def test_link_address_change_is_announced(bench):
    bench.out_wire.drain()
    bench.daemon.ok("ifconfig", "tap1", "link", "02:aa:00:00:00:01", "active")
    frame = bench.out_wire.recv(
        lambda f: f[12:14] == b"\x08\x06" and
        f[6:12] == bytes.fromhex("02aa00000001"))
    assert Ether(frame)[ARP].psrc == "10.0.2.1"


def test_packets_are_held_until_the_answer(bench):
    """Nothing is lost while the neighbour is asked for; of too many, the
    oldest goes, and is counted."""
    d = bench.daemon

    def lost():
        return d.drops("tap1").get("arp-queue", 0)

    def attempt(n):
        host = f"10.0.2.{50 + n}"
        before, began = lost(), time.monotonic()
        for i in range(3):
            bench.in_wire.send(Ether(src=MAC_LEFT, dst=bench.mac0) /
                               IP(src="10.0.1.2", dst=host, id=i) /
                               UDP() / Raw(b"h" * 30))
        asked = Ether(bench.out_wire.recv(
            lambda f: f[12:14] == b"\x08\x06" and Ether(f)[ARP].pdst == host))
        assert asked.dst == BROADCAST
        assert (asked[ARP].op, asked[ARP].psrc) == (1, "10.0.2.1")

        # It is asked for five times, once a second.
        def late():
            return time.monotonic() - began > 4

        wait_for(lambda: d.counters("tap1")["oqueued"] + lost() - before ==
                 3 or late())
        bench.out_wire.send(Ether(src="02:00:00:00:02:50", dst=bench.mac1) /
                            ARP(op=2, hwsrc="02:00:00:00:02:50", psrc=host,
                                hwdst=bench.mac1, pdst="10.0.2.1"))
        return None if late() else (host, lost() - before)

    host, gone = unless_busy(attempt)
    for i in range(gone, 3):
        frame = bench.out_wire.recv(
            lambda f: f[12:14] == b"\x08\x00" and Ether(f)[IP].dst == host)
        got = Ether(frame)
        assert got[IP].id == i and got.dst == "02:00:00:00:02:50"


def test_requests_are_repeated_and_given_up(bench):
    bench.in_wire.send(Ether(src=MAC_LEFT, dst=bench.mac0) /
                       IP(src="10.0.1.2", dst="10.0.2.51") / UDP())
    wait_for(lambda: bench.daemon.drops("tap1").get("arp-unresolved") == 1,
             what="given up")
    asked = [f for f in bench.out_wire.drain()
             if f[12:14] == b"\x08\x06" and Ether(f)[ARP].pdst == "10.0.2.51"]
    assert 2 <= len(asked) <= 10


def test_moved_neighbour(router):
    """The host gets another card: believed when the old one is silent."""
    router.ping("-c", "1")
    router.right.ip("link", "set", "tap1", "address", "02:00:00:00:77:77")
    router.ping("-c", "1", "-W", "1", src=router.right, dst="10.0.2.1",
                check=False)
    wait_for(lambda: "02:00:00:00:77:77" in router.daemon.ok("arp", "-an"))
    router.ping("-c", "1")


def address_of(daemon, ifname, address):
    return next((a for a in daemon.show(ifname)["addresses"]
                 if a["address"] == address), None)


def test_address_that_a_host_has_is_not_used(router):
    """RFC 5227: probed for first; the host's own kernel answers."""
    d = router.daemon
    d.ok("sysctl", "-w", "net.inet.ip.dad_count=1")
    d.ok("ifconfig", "tap1", "inet", "10.0.2.2/24", "alias")
    wait_for(lambda: address_of(d, "tap1", "10.0.2.2").get("duplicated"))
    assert "inet 10.0.2.2/24 broadcast 10.0.2.255 flags 0x2<DUPLICATED>" in \
        d.ok("ifconfig", "tap1")
    assert "10.0.2.2" in d.text() and "not used" in d.text()
    # The host keeps it, and the left one reaches that host, not us.
    d.ok("ifconfig", "tap1", "inet", "10.0.2.2", "-alias")
    router.ping("-c", "1")


def test_address_is_checked_before_it_is_used(bench):
    """Probes in nobody's name, nothing else meanwhile, then announcements."""
    d = bench.daemon
    d.ok("sysctl", "-w", "net.inet.ip.dad_count=1")

    def notready():
        return d.drops("tap0").get("ip-notready", 0)

    def attempt(n):
        address = f"10.0.{7 + n}.1"
        before = notready()
        bench.out_wire.drain()
        began = time.monotonic()

        # From a probe to the first use two seconds pass.
        def late():
            return time.monotonic() - began > 1.9

        d.ok("ifconfig", "tap1", "inet", f"{address}/24", "alias")
        seen = address_of(d, "tap1", address), d.ok("ifconfig", "tap1")
        bench.in_wire.send(Ether(src=MAC_LEFT, dst=bench.mac0) /
                           IP(src="10.0.1.2", dst=address) / UDP())
        wait_for(lambda: notready() == before + 1 or late())
        return None if late() else (address, *seen)

    address, shown, text = unless_busy(attempt)
    assert shown["tentative"] is True
    assert "flags 0x1<TENTATIVE>" in text

    def about(frame):
        return frame[12:14] == b"\x08\x06" and \
            Ether(frame)[ARP].pdst == address

    probe = Ether(bench.out_wire.recv(about))
    assert probe.dst == BROADCAST and probe[ARP].op == 1
    assert probe[ARP].psrc == "0.0.0.0" and probe[ARP].hwsrc == bench.mac1
    told = Ether(bench.out_wire.recv(about))
    assert told[ARP].psrc == address and told.dst == BROADCAST
    wait_for(lambda: "tentative" not in address_of(d, "tap1", address))
    wait_for(lambda: "tentative" not in d.ok("ifconfig", "tap1").lower())


def test_address_of_no_station(bench):
    """One rule at every door: requests, the interface's own, the wire."""
    d = bench.daemon
    for bad in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
                "01:00:5e:00:00:01"):
        assert "station" in d.bad("arp", "-s", "10.0.2.99", bad)
        assert "station" in d.bad("ifconfig", "tap1", "link", bad, "active")
    assert "interface's own" in d.bad("arp", "-s", "10.0.2.99", bench.mac1)
    assert "router's own" in d.bad("arp", "-s", "10.0.2.1",
                                   "02:00:00:00:00:99")
    assert "10.0.2.99" not in d.ok("arp", "-an")
    bench.in_wire.send(Ether(src="00:00:00:00:00:00", dst=bench.mac0) /
                       IP(src="10.0.1.2", dst="10.0.2.2") / UDP())
    wait_for(lambda: d.drops("tap0").get("ether-src") == 1)


def test_neighbour_is_not_taken_over(bench):
    """One packet is not believed; the station itself is asked."""
    d = bench.daemon
    d.ok("arp", "-d", "10.0.1.2")
    thief = "02:00:00:00:66:66"

    def learned(host):
        bench.in_wire.send(Ether(src=MAC_LEFT, dst=BROADCAST) /
                           ARP(op=1, hwsrc=MAC_LEFT, psrc=host,
                               pdst="10.0.1.1"))
        wait_for(lambda: MAC_LEFT in d.ok("arp", "-n", host))
        bench.in_wire.drain()

    def says(who, host):
        bench.in_wire.send(Ether(src=who, dst=bench.mac0) /
                           ARP(op=2, hwsrc=who, psrc=host,
                               hwdst=bench.mac0, pdst="10.0.1.1"))

    def attempt(n):
        host = f"10.0.1.{20 + n}"
        learned(host)
        began = time.monotonic()
        says(thief, host)
        asked = Ether(bench.in_wire.recv(
            lambda f: f[12:14] == b"\x08\x06" and Ether(f)[ARP].pdst == host))
        assert asked.dst == MAC_LEFT
        text = d.ok("arp", "-an")
        says(MAC_LEFT, host)
        # It is asked twice, and has a second to answer each time.
        return None if time.monotonic() - began > 1.4 else (host, text)

    host, text = unless_busy(attempt)
    assert thief not in text.split(f"({host})")[1].splitlines()[0]
    wait_for(lambda: f"{host} is not believed" in d.text())
    assert MAC_LEFT in d.ok("arp", "-n", host)
    # Nobody answers for the address: it has moved.
    says(thief, host)
    wait_for(lambda: thief in d.ok("arp", "-n", host))


def test_delete_without_a_network(daemon):
    """A static neighbour whose network has gone can be deleted by itself and
    with all; the entries of an address on two interfaces both go."""
    for n in (0, 1):
        daemon.ok("ifconfig", f"pair{n}", "create")
        daemon.ok("ifconfig", f"pair{n}", "10.0.0.1/24", "up")
        daemon.ok("arp", "-s", "10.0.0.7", f"02:00:00:00:00:0{n}")
        daemon.ok("arp", "-s", "10.0.0.8", f"02:00:00:00:01:0{n}")
        daemon.ok("ifconfig", f"pair{n}", "10.0.0.1", "delete")
    assert daemon.ok("arp", "-a").count("permanent") == 4
    daemon.ok("arp", "-d", "10.0.0.7")
    left = daemon.ok("arp", "-a")
    assert left.count("10.0.0.8") == 2 and "10.0.0.7" not in left
    daemon.ok("arp", "-d", "-a")
    assert daemon.ok("arp", "-a") == ""
    daemon.bad("arp", "-d", "10.0.0.8")


class Flood:
    """Requests of strangers and packets to addresses that nobody has, from
    the left host's wire, until the block ends."""

    def __init__(self, router):
        self.wire = router.left.wire("tap0")
        mac = router.daemon.show("tap0")["lladdr"]
        self.frames = []
        for i in range(2000):
            who = f"02:66:00:00:{i >> 8:02x}:{i & 255:02x}"
            self.frames += [bytes(f) for f in (
                Ether(src=who, dst=BROADCAST) /
                ARP(op=1, hwsrc=who, psrc=f"10.8.{i >> 8}.{i & 255}",
                    pdst="10.8.255.1"),
                Ether(src=who, dst=mac) /
                IP(src="10.0.1.66", dst=f"10.9.{i >> 8}.{i & 255}") / UDP())]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.is_set():
            for frame in self.frames:
                self.wire.send(frame)
                if self.over.is_set():
                    break

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()


def test_flood(router):
    """Neither drives out a neighbour that is used, nor keeps a new one from
    being found, on the interface that they come by or on another."""
    d = router.daemon
    d.ok("ifconfig", "tap0", "10.8.255.1/16", "alias")
    d.ok("ifconfig", "tap1", "10.9.255.1/16", "alias")
    d.ok("sysctl", "-w", "net.inet.arp.maxentries=256")
    d.ok("sysctl", "-w", "net.inet.arp.maxincomplete=32")
    d.ok("sysctl", "-w", "net.inet.arp.maxunused=32")
    router.ping("-c", "1")

    def stat(name):
        return int(d.sysctl(f"net.inet.stats.arp.{name}"))

    def reached(src, dst):
        wait_for(lambda: router.ping("-c", "1", "-W", "1", src=src, dst=dst,
                                     check=False).returncode == 0,
                 what=f"{dst} reached from {src}")

    with Flood(router):
        wait_for(lambda: stat("pushed_unused") > 3000 and
                 stat("pushed_incomplete") > 300 and stat("limited") > 1000,
                 what="a flood")
        # A packet may be lost on the way through the crowd, not all of them.
        for _ in range(5):
            reached(router.left, "10.0.2.2")
        # New hosts come up, on either side.
        for host, dev, new in ((router.right, "tap1", "10.9.255.77"),
                               (router.left, "tap0", "10.8.255.77")):
            assert "no entry" in d.ctl("arp", "-n", new).stdout
            host.ip("addr", "add", f"{new}/16", "dev", dev)
            src = router.left if host is router.right else router.right
            reached(src, new)
            assert host.mac(dev) in d.ok("arp", "-n", new)
        # The first one is known still: nobody has asked for it again.
        assert router.right.mac("tap1") in d.ok("arp", "-n", "10.0.2.2")
        count = {k: int(d.sysctl(f"net.inet.arp.count.{k}"))
                 for k in ("unused", "incomplete", "failed", "used")}
    assert count["unused"] <= 64 and count["used"] >= 4, count
    assert count["incomplete"] + count["failed"] <= 64, count
    assert stat("full") == 0
    assert "no room" not in d.text()
    assert d.drops("tap1")["arp-rate"] > 0
    assert d.drops("tap1")["arp-pushed"] > 0
    wait_for(lambda: d.counters("tap1")["oqueued"] == 0)
