"""The packet generator: streams that come, go and are shown, and what arrives
at the other end."""

import json
import struct

import pytest
from scapy.all import IP, UDP, Ether, PcapNgWriter, RawPcapWriter, wrpcap

from conftest import Daemon, MAC_RIGHT, conserved, finish, run, wait_for


@pytest.fixture
def rig(daemon):
    """pg0 - router - pg1, with all of 10/8 behind pg1."""
    daemon.ok("ifconfig", "pg0", "create")
    daemon.ok("ifconfig", "pg1", "create")
    daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
    daemon.ok("ifconfig", "pg1", "inet", "10.0.2.1/24", "up")
    daemon.ok("arp", "-s", "10.0.2.2", MAC_RIGHT)
    daemon.ok("route", "add", "-net", "10.0.0.0/8", "10.0.2.2")
    daemon.ok("ifconfig", "pg0", "inet", "10.0.1.1/24", "up")
    return daemon


def streams(daemon, *words):
    return {(s["interface"], s["stream"]): s for s in
            json.loads(daemon.ok("pg", "show", "--json", *words))}


def done(daemon, ifname="pg0", stream=1):
    wait_for(lambda: streams(daemon, ifname, stream)[ifname, stream]["state"]
             == "done", what=f"{ifname} stream {stream} is done")
    return streams(daemon)[ifname, stream]


def frames(path):
    """The packets of a pcapng file."""
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("=II", data, at)
        if kind == 6:
            caplen = struct.unpack_from("=I", data, at + 20)[0]
            found.append(data[at + 28:at + 28 + caplen])
        at += size
    return found


def capture(daemon, ifname, path, count, *more):
    """A capture of so many packets, which has begun."""
    child = daemon.popen("dump", ifname, "-w", path, "-c", count, *more)
    wait_for(lambda: path.exists() and path.stat().st_size > 0,
             what="the capture has begun")
    return child


def test_streams_arrive(rig, tmp):
    """What two streams make is forwarded as their words say."""
    child = capture(rig, "pg1", tmp / "out", 24, "-Q", "out")
    rig.ok("pg", "set", "pg0", "1", "dst", "10.5.0.0/30,10.6.0.1", "src",
           "10.0.1.7-10.0.1.9", "dport", "53,80-81", "sport", "99",
           "size", "100", "count", "12", "ttl", "9", "dscp", "10")
    done(rig)
    rig.ok("pg", "set", "pg0", "2", "dst", "10.7.0.1", "size", "imix",
           "count", "12", "src", "10.0.1.9")
    assert child.wait() == 0
    packets = [Ether(f) for f in frames(tmp / "out")]
    assert len(packets) == 24
    first, second = packets[:12], packets[12:]
    wanted = ["10.5.0.0", "10.5.0.1", "10.5.0.2", "10.5.0.3", "10.6.0.1"]
    for i, p in enumerate(first):
        assert p.dst == MAC_RIGHT
        assert p[IP].dst == wanted[i % 5]
        assert p[IP].src == f"10.0.1.{7 + i % 3}"
        assert (p[UDP].sport, p[UDP].dport) == (99, (53, 80, 81)[i % 3])
        assert (p[IP].ttl, p[IP].tos, len(p)) == (8, 10 << 2, 96)
        checked = IP(bytes(p[IP]))
        del checked.chksum
        assert IP(bytes(checked)).chksum == p[IP].chksum
    assert sorted(len(p) + 4 for p in second) == [64] * 7 + [570] * 4 + [1518]
    conserved(rig)


def test_same_seed_same_packets(rig, tmp):
    words = ("dst", "10.5.0.0/16", "dport", "1-1000", "size", "64-200",
             "src", "10.0.1.7", "count", "50")
    seen = []
    for n, seed in enumerate(("7", "7", "8")):
        child = capture(rig, "pg1", tmp / f"out{n}", 50, "-Q", "out")
        rig.ok("pg", "set", "pg0", "1", *words, "random", seed)
        assert child.wait() == 0
        seen.append(frames(tmp / f"out{n}"))
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.concurrent
def test_start_and_stop(rig):
    rig.ok("pg", "set", "pg0", "3", "dst", "10.5.0.1", "src", "10.0.1.7",
           "rate", "1kpps", "count", "20")
    assert done(rig, stream=3)["sent"] == 20
    rig.ok("pg", "start", "pg0")
    wait_for(lambda: rig.counters("pg0")["ipackets"] == 40, what="40 packets")
    rig.ok("pg", "set", "pg0", "3", "dst", "10.5.0.1", "src", "10.0.1.7")
    rig.ok("pg", "stop", "pg0", "3")
    assert streams(rig)["pg0", 3]["state"] == "stopped"
    assert "pg0 stream 3: dst 10.5.0.1" in rig.ok("pg", "show")
    rig.ok("pg", "delete", "pg0", "3")
    assert streams(rig) == {}
    conserved(rig)


@pytest.mark.concurrent
def test_loss_and_latency(rig):
    """Packets that a filter drops are lost, and no others; all that arrive are
    in the histogram."""
    rig.ok("filter", "add", "out", "pg1", "drop", "udp dst port 54")
    rig.ok("pg", "set", "pg0", "1", "dst", "10.5.0.0/24", "src", "10.0.1.7",
           "dport", "53-56", "size", "imix", "count", "4000", "measure",
           "rate", "20kpps")
    rig.ok("pg", "set", "pg0", "2", "dst", "10.6.0.1", "src", "10.0.1.7",
           "count", "300", "measure", "random", "5")
    first, second = done(rig, stream=1), done(rig, stream=2)
    wait_for(lambda: streams(rig)["pg0", 1]["received"] == 3000,
             what="3000 packets arrived")
    first = streams(rig)["pg0", 1]
    assert (first["sent"], first["lost"]) == (4000, 1000)
    assert (second["received"], second["lost"]) == (300, 0)
    for s in (first, second):
        assert s["reordered"] == s["duplicated"] == 0
        times = [s["latency"][k + "_ns"] for k in
                 ("min", "p50", "p90", "p99", "p999", "max")]
        assert times == sorted(times) and times[0] > 0
        assert times[0] <= s["latency"]["mean_ns"] <= times[-1]
        assert sum(h["packets"] for h in s["histogram"]) == s["received"]
    assert "lost 1000 (25.000%)" in rig.ok("pg", "show", "pg0", "1")
    conserved(rig)


def test_measured_through_another_stack(rig):
    """The receiver may be in another network stack of the daemon."""
    rig.ok("vnet", "create", "far")
    rig.ok("ifconfig", "pair0", "create", "peer", "far:pair0")
    rig.ok("ifconfig", "pair0", "inet", "10.0.3.1/24", "up")
    rig.ok("ifconfig", "pair0", "inet", "10.0.3.2/24", "up", vnet="far")
    rig.ok("ifconfig", "pg9", "create", vnet="far")
    rig.ok("ifconfig", "pg9", "inet", "10.0.9.1/24", "up", vnet="far")
    rig.ok("arp", "-s", "10.0.9.2", MAC_RIGHT, vnet="far")
    rig.ok("sysctl", "-w", "net.inet.ip.forwarding=1", vnet="far")
    rig.ok("route", "add", "10.0.9.0/24", "10.0.3.2")
    rig.ok("pg", "set", "pg0", "1", "dst", "10.0.9.2", "src", "10.0.1.7",
           "count", "200", "rate", "1kpps", "measure")
    done(rig)
    wait_for(lambda: streams(rig)["pg0", 1]["received"] == 200,
             what="200 packets arrived")
    assert streams(rig)["pg0", 1]["lost"] == 0


def some_frames(rig):
    """Frames of all kinds, some of which the router forwards."""
    mac = rig.show("pg0")["lladdr"]
    return [bytes(Ether(dst=mac, src="02:00:00:00:00:99") /
                  IP(src="10.0.1.7", dst=f"10.5.0.{i}") /
                  UDP(sport=i, dport=9) / (bytes([i]) * (20 * i)))
            for i in range(1, 60)] + [b"\xff" * 12 + b"\x12\x34" +
                                      bytes(range(50))]


@pytest.mark.parametrize("how", ("pcap", "nano", "swapped", "pcapng"))
def test_replay_arrives_byte_for_byte(rig, tmp, how):
    """What scapy wrote comes in by pg0 as it is in the file."""
    wanted = some_frames(rig)
    path = tmp / "in.pcap"
    if how == "pcapng":
        with PcapNgWriter(str(path)) as writer:
            for i, frame in enumerate(wanted):
                packet = Ether(frame)
                packet.time = 1000 + i / 1000
                writer.write(packet)
    else:
        with RawPcapWriter(str(path), linktype=1, nano=how == "nano",
                           endianness=">" if how == "swapped" else "<") as w:
            w.write_header(wanted[0])
            for i, frame in enumerate(wanted):
                w.write_packet(frame, sec=1000, usec=i * 1000)
    child = capture(rig, "pg0", tmp / "seen", len(wanted), "-Q", "in")
    rig.ok("pg", "set", "pg0", "1", "replay", path)
    assert child.wait() == 0
    assert frames(tmp / "seen") == wanted
    assert done(rig)["words"] == "replay in.pcap"
    assert streams(rig)["pg0", 1]["sent"] == len(wanted)
    wait_for(lambda: rig.counters("pg1")["opackets"] >= 59,
             what="59 packets forwarded")
    conserved(rig)


@pytest.mark.concurrent
def test_replay_what_dump_wrote(rig, tmp):
    """A capture of one stream is a stream again, several times, at a rate."""
    child = capture(rig, "pg0", tmp / "seen", 40, "-Q", "in")
    rig.ok("pg", "set", "pg0", "1", "dst", "10.5.0.0/24", "src", "10.0.1.7",
           "size", "64-1000", "random", "3", "count", "40")
    assert child.wait() == 0
    first = frames(tmp / "seen")
    child = capture(rig, "pg0", tmp / "again", 120, "-Q", "in")
    rig.ok("pg", "set", "pg0", "2", "replay", tmp / "seen", "loop", "3",
           "rate", "2kpps")
    assert child.wait() == 0
    assert frames(tmp / "again") == first * 3
    rig.ok("pg", "start", "pg0", "2")
    wait_for(lambda: rig.counters("pg0")["ipackets"] == 40 + 240,
             what="another 120 packets")


def test_replay_of_bad_files(rig, tmp):
    """Each says what is wrong with it, and where; nothing is put in."""
    good = tmp / "good.pcap"
    frame = bytes(Ether() / IP() / UDP() / (b"x" * 40))
    wrpcap(str(good), [Ether(frame)] * 3)
    data = good.read_bytes()

    def raw(linktype, packets):
        return struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535,
                           linktype) + b"".join(
            struct.pack("=IIII", 0, 0, len(p), wire) + p
            for p, wire in packets)

    bad = {
        b"": "no capture file",
        b"#!/bin/sh\n" * 9: "no capture file",
        data[:-3]: "ends in the middle",
        data[:24]: "it has no packets",
        raw(101, [(b"x" * 60, 60)]): "link type 101",
        raw(1, [(b"x" * 60, 60), (b"x" * 60, 90)]):
            "packet 2 was cut to 60 of its 90 bytes",
        raw(1, [(b"x" * 60, 60), (b"x" * 2049, 2049)]):
            "packet 2 has 2049 bytes",
        raw(1, [(b"x" * 13, 13)]): "packet 1 has 13 bytes",
    }
    for content, why in bad.items():
        (tmp / "bad").write_bytes(content)
        said = rig.bad("pg", "set", "pg0", "1", "replay", tmp / "bad")
        assert why in said and "bad" in said, said
    for path, why in ((tmp / "nowhere", "No such file"),
                      (tmp, "no regular file"),
                      ("/dev/zero", "no regular file")):
        assert why in rig.bad("pg", "set", "pg0", "1", "replay", path)
    with open(tmp / "huge", "wb") as huge:
        huge.truncate(300 << 20)
    assert "more than 256 MiB" in rig.bad("pg", "set", "pg0", "1", "replay",
                                          tmp / "huge")
    assert "does not go with replay" in rig.bad(
        "pg", "set", "pg0", "1", "replay", good, "ttl", "3")
    assert 'replay is for "ifctl pg set"' in rig.bad(
        "ifconfig", "pg7", "create", "replay", good)
    assert streams(rig) == {}


def test_replay_from_a_configuration(rig, tmp):
    """The file is looked at before anything is done."""
    wrpcap(str(tmp / "a.pcap"), [Ether(f) for f in some_frames(rig)])
    conf = tmp / "conf"
    conf.write_text(f"ifconfig pg5 create\n"
                    f"pg set pg0 1 replay {tmp}/b.pcap\n")
    assert "conf:2" in rig.bad("-f", conf)
    assert "pg5" not in rig.ok("ifconfig", "-l")
    conf.write_text(f"pg set pg0 1 replay {tmp}/a.pcap rate max\n")
    rig.ok("-f", conf)
    assert done(rig)["sent"] == 60


def test_configuration_applied_twice(rig, tmp):
    """The second time no stream begins again."""
    conf = tmp / "conf"
    conf.write_text("pg set pg0 5 dst 10.5.0.1 src 10.0.1.7 count 7\n")
    rig.ok("-f", conf)
    assert done(rig, stream=5)["sent"] == 7
    rig.ok("-f", conf)
    assert rig.counters("pg0")["ipackets"] == 7
    conf.write_text("pg show\n")
    assert "not in a configuration file" in rig.bad("-f", conf)


def test_who_may(rig):
    """Everybody may look; the packets are the administrators' to make."""
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534",
              "--clear-groups")
    if run(*nobody, "true", check=False).returncode != 0:
        pytest.skip("cannot become another user here (a user namespace)")
    rig.ok("ifconfig", "pg0", "down")
    rig.ok("pg", "set", "pg0", "1", "dst", "10.5.0.1")
    assert "stream 1" in rig.ok("pg", "show", prefix=nobody)
    for words in (("set", "pg0", "1", "dst", "10.5.0.2"),
                  ("delete", "pg0", "1"), ("start", "pg0"), ("stop", "pg0")):
        assert "may not" in rig.bad("pg", *words, prefix=nobody)
    assert streams(rig)["pg0", 1]["words"] == "dst 10.5.0.1"


def test_log_has_the_words_of_ifctl(tmp):
    d = Daemon(tmp, "--log-level", "info")
    d.ok("ifconfig", "pg0", "create")
    d.ok("pg", "set", "pg0", "9", "dst", "10.5.0.1", "count", "1")
    d.ok("pg", "start", "pg0")
    wait_for(lambda: "pg start pg0" in d.text(), what="the log has it")
    assert "pg set pg0 9 dst 10.5.0.1 count 1" in d.text()
    finish(d)
