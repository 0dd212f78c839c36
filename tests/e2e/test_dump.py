"""ifctl dump: what went past, for tcpdump, for Wireshark and for the eye."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import time

import pytest
from scapy.all import IP, UDP, Ether

from conftest import BUILD, IFCTL, LONG, MAC_LEFT, run, wait_for


def blocks(data):
    """The blocks of a pcapng file: (type, body)."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("=II", data, at)
        assert size % 4 == 0 and size >= 12 and at + size <= len(data)
        assert struct.unpack_from("=I", data, at + size - 4) == (size,)
        yield kind, data[at + 8:at + size - 4]
        at += size


def options(body):
    """Options by code."""
    found = {}
    at = 0
    while at + 4 <= len(body):
        code, size = struct.unpack_from("=HH", body, at)
        if code == 0:
            assert at + 4 == len(body)
            break
        found[code] = body[at + 4:at + 4 + size]
        at += 4 + (size + 3) // 4 * 4
    return found


class Capture:
    """A pcapng file, read by hand."""

    def __init__(self, data):
        all_ = list(blocks(data))
        assert [kind for kind, _ in all_[:2]] == [0x0a0d0d0a, 1]
        self.linktype, _, self.snaplen = struct.unpack_from(
            "=HHI", all_[1][1])
        self.idb = options(all_[1][1][8:])
        self.packets = []
        self.dirs = []
        self.times = []
        self.stats = None
        for kind, body in all_[2:]:
            if kind == 6:
                _, high, low, caplen, length = struct.unpack_from("=5I", body)
                self.packets.append(body[20:20 + caplen])
                self.times.append(high << 32 | low)
                flags = options(body[20 + (caplen + 3) // 4 * 4:])[2]
                self.dirs.append(struct.unpack("=I", flags)[0])
                assert length >= caplen
            else:
                assert kind == 5 and self.stats is None
                found = options(body[12:])
                self.stats = {k: struct.unpack("=Q", found[k])[0]
                              for k in (4, 5, 6, 8)}

    @property
    def received(self):
        return self.stats[4]

    @property
    def dropped(self):
        return self.stats[5]

    @property
    def accepted(self):
        return self.stats[6]


class Dump:
    """ifctl dump to a file, with what it said."""

    def __init__(self, daemon, path, *argv, **kwargs):
        self.path = path
        self.child = subprocess.Popen(
            [str(w) for w in (IFCTL, "-s", daemon.url, "dump", "-w", path,
                              *argv)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            **kwargs)
        daemon.children.append(self.child)
        # The file begins once the tap is there.
        wait_for(lambda: path.exists() and path.stat().st_size > 28 or
                 self.child.poll() is not None, what="the capture begins")

    def end(self, sig=None, code=0):
        if sig is not None:
            self.child.send_signal(sig)
        _, err = self.child.communicate(timeout=LONG)
        assert self.child.returncode == code, err
        self.err = err
        return Capture(self.path.read_bytes())


def echoes(cap):
    """(identifier, number) of each echo: times and directions of request and
    reply.  Requests may overtake the replies to earlier ones."""
    found = {}
    for packet, time_, dir_ in zip(cap.packets, cap.times, cap.dirs):
        if packet[12:14] == b"\x08\x00" and packet[23] == 1:
            assert packet[34] in (8, 0)
            found.setdefault(packet[38:42], {})[packet[34]] = time_, dir_
    return {echo: (*pair[8], *pair[0]) for echo, pair in found.items()}


def test_tcpdump_reads_it(router, tmp):
    d = router.daemon
    router.ping("-c", "1")
    dump = Dump(d, tmp / "t.pcapng", "tap0")
    before = time.time_ns()
    router.ping("-c", "5", "-i", "0.05")
    cap = dump.end(signal.SIGINT)
    text = run("tcpdump", "-n", "-r", dump.path).stdout
    assert text.count("ICMP echo request") == 5
    assert text.count("ICMP echo reply") == 5
    assert cap.idb[2] == b"tap0" and cap.idb[9] == b"\x09"
    assert cap.linktype == 1
    pairs = echoes(cap)
    assert len(pairs) == 5
    # In and out, in the order of their times, at the right time.
    assert cap.times == sorted(cap.times)
    for request, in_, reply, out in pairs.values():
        assert (in_, out) == (1, 2)
        assert before - 10**9 < request < reply < time.time_ns()
    assert cap.received == len(cap.packets) and cap.dropped == 0
    assert f"{len(cap.packets)} packets captured" in dump.err


def test_times_follow_the_packet(router, tmp):
    """In before out, request before reply, also between two captures."""
    d = router.daemon
    router.ping("-c", "1")
    dumps = [Dump(d, tmp / "l", "tap0", "icmp"),
             Dump(d, tmp / "r", "tap1", "icmp")]
    router.ping("-c", "10", "-i", "0.02")
    router.left.run("ping", "-c", "10", "-i", "0.02", "10.0.1.1")
    left, right = [echoes(x.end(signal.SIGINT)) for x in dumps]
    assert len(left) == 20 and len(right) == 10
    # Echoes forwarded: in on one, out on the other, and the way back.
    for echo, (went, out, came, in_) in right.items():
        assert (out, in_) == (2, 1)
        first, _, last, _ = left[echo]
        assert first < went < came < last
    # In, and the reply.
    for request, in_, reply, out in left.values():
        assert (in_, out) == (1, 2)
        assert request < reply


def test_promiscuous_while_it_goes_on(router, tmp):
    d = router.daemon

    def promisc():
        return "PROMISC" in d.show("tap0")["flags"]

    plain = Dump(d, tmp / "p", "-p", "tap0")
    assert not promisc()
    plain.end(signal.SIGINT)
    first, second = Dump(d, tmp / "a", "tap0"), Dump(d, tmp / "b", "tap0")
    wait_for(promisc)
    first.end(signal.SIGINT)
    assert promisc()
    # However it ends.
    second.child.kill()
    second.child.communicate(timeout=LONG)
    wait_for(lambda: not promisc())


def test_frames_for_other_stations(bench, tmp):
    """Only promiscuous captures make the interface receive them."""
    def frames(n):
        for dst in ("02:00:00:00:99:99", bench.mac0):
            for i in range(n):
                bench.in_wire.send(Ether(src=MAC_LEFT, dst=dst) /
                                   IP(src="10.0.1.2", dst="10.0.2.2", id=i) /
                                   UDP(sport=1, dport=2))
        # Packets are forwarded after they were captured.
        for _ in range(n):
            assert bench.out_wire.recv(lambda f: f[12:14] == b"\x08\x00")

    plain = Dump(bench.daemon, tmp / "p", "-p", "tap0", "udp")
    frames(3)
    assert len(plain.end(signal.SIGINT).packets) == 3
    full = Dump(bench.daemon, tmp / "f", "tap0", "udp")
    frames(3)
    assert len(full.end(signal.SIGINT).packets) == 6
    bench.daemon.dropped("tap0", "ether-not-ours", 6)


def test_filter_direction_snaplen(router, tmp):
    d = router.daemon
    router.ping("-c", "1")
    dumps = [
        Dump(d, tmp / "f", "tap0", "icmp[icmptype] == 8 and host 10.0.2.2"),
        Dump(d, tmp / "i", "tap1", "-Q", "in", "icmp"),
        Dump(d, tmp / "o", "-Q", "out", "tap1", "icmp"),
        Dump(d, tmp / "s", "tap0", "-s", "40", "icmp"),
    ]
    router.ping("-c", "4", "-i", "0.05")
    f, i, o, s = [x.end(signal.SIGINT) for x in dumps]
    assert len(f.packets) == 4 and set(f.dirs) == {1}
    assert f.idb[11] == b"\0icmp[icmptype] == 8 and host 10.0.2.2"
    assert f.received >= 8 and f.accepted == 4
    assert len(i.packets) == 4 and set(i.dirs) == {1} and i.received < 8
    assert len(o.packets) == 4 and set(o.dirs) == {2}
    assert len(s.packets) == 8 and {len(p) for p in s.packets} == {40}
    assert s.snaplen == 40


def test_as_received_as_handed_over(router, tmp):
    """Input before the packet filter, output behind it."""
    d = router.daemon
    router.ping("-c", "1")
    d.ok("filter", "add", "out", "tap1", "drop", "icmp")
    a = Dump(d, tmp / "a", "tap0", "icmp")
    b = Dump(d, tmp / "b", "tap1", "icmp")
    router.ping("-c", "2", "-i", "0.1", "-W", "1", check=False)
    d.ok("filter", "add", "in", "tap0", "drop", "icmp")
    router.ping("-c", "2", "-i", "0.1", "-W", "1", check=False)
    assert len(a.end(signal.SIGINT).packets) == 4
    assert len(b.end(signal.SIGINT).packets) == 0


def test_count_and_stdout(router):
    """-c ends it; on a pipe the capture itself comes out."""
    d = router.daemon
    child = subprocess.Popen(
        [str(IFCTL), "-s", d.url, "dump", "tap0", "-c", "3", "icmp"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert select.select([child.stdout], [], [], LONG)[0]
    router.ping("-c", "4", "-i", "0.05")
    out, err = child.communicate(timeout=LONG)
    assert child.returncode == 0, err
    assert len(Capture(out).packets) == 3


def test_through_tcpdump(router):
    d = router.daemon
    line = f"{IFCTL} -s {d.url} dump tap0 -c 4 icmp | tcpdump -l -n -r -"
    child = subprocess.Popen(["sh", "-c", line], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.DEVNULL)
    end = time.monotonic() + LONG
    while child.poll() is None and time.monotonic() < end:
        router.ping("-c", "1")
        time.sleep(0.1)
    out, _ = child.communicate(timeout=LONG)
    assert out.count("ICMP echo") == 4


def test_terminal(router):
    """On a terminal one line a packet."""
    d = router.daemon
    leader, follower = pty.openpty()
    child = subprocess.Popen([str(IFCTL), "-s", d.url, "dump", "tap0"],
                             stdin=subprocess.DEVNULL, stdout=follower,
                             stderr=follower)
    os.close(follower)
    text = ""
    end = time.monotonic() + LONG
    while text.count("echo reply") < 2 and time.monotonic() < end:
        router.ping("-c", "1")
        while select.select([leader], [], [], 0.1)[0]:
            text += os.read(leader, 4096).decode()
    child.send_signal(signal.SIGINT)
    assert child.wait(LONG) == 0
    os.close(leader)
    assert re.search(r"\d\d:\d\d:\d\d\.\d{9} in  [0-9a-f:]{17} > "
                     r"[0-9a-f:]{17}, IPv4 10\.0\.1\.2 > 10\.0\.2\.2: ICMP "
                     r"echo request id \d+ seq 1, length 98", text), text
    assert re.search(r" out .*10\.0\.2\.2 > 10\.0\.1\.2: ICMP echo reply",
                     text), text


def test_loopback(daemon, tmp):
    daemon.ok("ifconfig", "lo0", "inet", "127.0.0.1/8", "up")
    dump = Dump(daemon, tmp / "lo", "lo0", "icmp")
    daemon.ok("ping", "-c", "1", "127.0.0.1")
    cap = dump.end(signal.SIGINT)
    assert cap.linktype == 101 and cap.dirs == [2, 1, 2, 1]
    assert run("tcpdump", "-n", "-r", dump.path).stdout.count(
        "127.0.0.1 > 127.0.0.1: ICMP echo request") == 2


@pytest.mark.concurrent
def test_interface_destroyed(bench, tmp):
    """Capturing does not hold up the end of an interface, and is told."""
    d = bench.daemon
    dumps = [Dump(d, tmp / f"d{i}", "tap1") for i in range(3)]
    d.ok("ping", "-c", "1", "10.0.2.1")
    d.ok("ifconfig", "tap1", "destroy")
    for dump in dumps:
        cap = dump.end()
        assert cap.stats is not None
        assert "gone" in dump.err


def test_vnet_destroyed(daemon):
    daemon.ok("vnet", "create", "other")
    daemon.ok("ifconfig", "pair1", "create", vnet="other")
    child = subprocess.Popen(
        [str(IFCTL), "-s", daemon.url, "-n", "other", "dump", "pair1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert select.select([child.stdout], [], [], LONG)[0]
    daemon.ok("vnet", "destroy", "other")
    out, err = child.communicate(timeout=LONG)
    assert b"destroyed" in err and child.returncode == 1
    assert Capture(out).stats is not None


def test_daemon_stops(daemon):
    child = subprocess.Popen(
        [str(IFCTL), "-s", daemon.url, "dump", "lo0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert select.select([child.stdout], [], [], LONG)[0]
    daemon.ok("halt")
    _, err = child.communicate(timeout=LONG)
    assert b"closed" in err and child.returncode == 1


def test_reader_goes(router):
    """A closed pipe ends it, with and without packets."""
    d = router.daemon
    child = subprocess.Popen(
        [str(IFCTL), "-s", d.url, "dump", "tap0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    assert select.select([child.stdout], [], [], LONG)[0]
    child.stdout.close()
    assert child.wait(LONG) in (0, -signal.SIGPIPE)


@pytest.mark.concurrent
def test_slow_reader(bench):
    """Who does not read loses packets, is told how many, and disturbs
    nobody else."""
    d = bench.daemon
    child = subprocess.Popen(
        [str(IFCTL), "-s", d.url, "dump", "tap0", "-Q", "in", "-B", "128"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    assert select.select([child.stdout], [], [], LONG)[0]
    frame = bytes.fromhex("ffffffffffff0200000001028888") + bytes(1400)
    count = 3000

    def dropped():
        return sum(d.drops("tap0").values())

    # They are dropped after they were captured.
    before = dropped()
    for _ in range(count):
        bench.in_wire.send(frame)
    wait_for(lambda: dropped() >= before + count)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=LONG)
    assert child.returncode == 0, err
    cap = Capture(out)
    assert cap.received == count
    assert cap.dropped > 0
    assert len(cap.packets) + cap.dropped == count
    assert f"{cap.dropped} dropped".encode() in err


def test_refused(daemon, tmp):
    assert "no such interface" in daemon.bad("dump", "tap9", code=1)
    assert "syntax" in daemon.bad("dump", "lo0", "tcp dst", code=2)
    daemon.bad("dump", "lo0", "ether broadcast", code=1)
    daemon.bad("dump", code=2)
    daemon.bad("dump", "lo0", "-c", "0", code=2)
    daemon.bad("dump", "lo0", "-Q", "up", code=2)
    daemon.bad("dump", "lo0", "-B", "1", code=2)
    daemon.bad("dump", "lo0", "-w", tmp / "no" / "file", code=1)


def test_extcap(router, tmp):
    """What Wireshark does with a program of its extcap folder."""
    d = router.daemon
    script = BUILD / "extcap" / "ifnet"
    env = dict(os.environ, IFNETD=d.url,
               PATH=f"{IFCTL.parent}:{os.environ['PATH']}")

    def ask(*argv):
        return run(script, *argv, env=env).stdout

    text = ask("--extcap-interfaces", "--extcap-version=4.0")
    assert re.search(r"^extcap \{version=", text, re.M)
    assert "interface {value=ifnet:default:tap0}{display=ifnet: tap0}" in text
    which = "--extcap-interface=ifnet:default:tap0"
    assert "{number=1}" in ask("--extcap-dlts", which)
    assert "{call=--direction}" in ask("--extcap-config", which)
    assert ask(which, "--extcap-capture-filter", "icmp") == ""
    assert "syntax" in ask(which, "--extcap-capture-filter", "icmp icmp")
    assert 'unknown word or host name "icpm"' in \
        ask(which, "--extcap-capture-filter", "icpm")
    fifo = tmp / "fifo"
    os.mkfifo(fifo)
    child = subprocess.Popen(
        [str(script), "--capture", which, "--fifo", str(fifo),
         "--direction", "in", "--extcap-capture-filter", "icmp"], env=env,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with open(fifo, "rb") as f:
        data = f.read1(65536)
        router.ping("-c", "2", "-i", "0.1")
        child.send_signal(signal.SIGTERM)
        data += f.read()
    _, err = child.communicate(timeout=LONG)
    assert child.returncode == 0 and err == b"", err
    cap = Capture(data)
    assert cap.dirs == [1, 1]
