"""ifctl sysctl."""

import pytest


def test_read(daemon):
    assert daemon.ok("sysctl", "net.inet.ip.forwarding").strip() == \
        "net.inet.ip.forwarding = 0"
    assert daemon.ok("sysctl", "-n", "net.inet.ip.forwarding").strip() == "0"


def test_write(daemon):
    out = daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
    assert out.strip() == "net.inet.ip.forwarding: 0 -> 1"
    assert daemon.sysctl("net.inet.ip.forwarding") == "1"


def test_all(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    text = daemon.ok("sysctl", "-a")
    names = [line.split(" =")[0] for line in text.splitlines()]
    assert len(names) == len(set(names))
    for name in ("net.inet.ip.forwarding", "net.inet.ip.ttl",
                 "net.inet.ip.ifq.maxlen", "net.inet.ip.ifq.drops",
                 "net.inet.ip.ifq.len",
                 "net.interfaces.pair0.sndq.len",
                 "net.interfaces.pair0.sndq.maxlen",
                 "net.interfaces.pair0.sndq.drops",
                 "net.interfaces.pair0.rcvq.drops"):
        assert name in names, name
        daemon.ok("sysctl", name)


def test_subtree(daemon):
    text = daemon.ok("sysctl", "net.inet.ip.ifq")
    assert len(text.splitlines()) >= 3
    assert all(x.startswith("net.inet.ip.ifq.") for x in text.splitlines())


def test_nodes_come_and_go_with_the_interface(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("sysctl", "net.interfaces.pair0.sndq.maxlen")
    daemon.ok("ifconfig", "pair0", "destroy")
    daemon.bad("sysctl", "net.interfaces.pair0.sndq.maxlen")


@pytest.mark.parametrize("name", ["net.inet.ip.ifq.maxlen",
                                  "net.interfaces.pair0.rcvq.maxlen"])
def test_limits(daemon, name):
    daemon.ok("ifconfig", "pair0", "create")
    before = daemon.sysctl(name)
    daemon.ok("sysctl", "-w", f"{name}=77")
    assert daemon.sysctl(name) == "77"
    for absurd in ("-1", "9999999999"):
        daemon.bad("sysctl", "-w", f"{name}={absurd}")
    assert daemon.sysctl(name) == "77"
    daemon.ok("sysctl", "-w", f"{name}={before}")


def test_link_address(daemon):
    """net.sdl.<index>"""
    daemon.ok("ifconfig", "pair0", "create")
    pair = daemon.show("pair0")
    text = daemon.ok("sysctl", "-n", f"net.sdl.{pair['index']}")
    assert pair["lladdr"].replace(":", "") in \
        text.replace(":", "").replace(" ", "").lower()


def test_subtrees(daemon):
    """A name that others begin with stands for all of them."""
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("ifconfig", "pair0", "name", "wan.0")
    for prefix, inside in (("net.interfaces.lo0", ".link.flaps"),
                           ("net.interfaces.wan.0", ".rcvq.maxlen"),
                           ("net.interfaces.wan.0.rcvq", ".maxlen"),
                           ("kern.cpu.0", ".stage.poll.calls"),
                           ("net.inet.ip.ifq", ".maxlen"), ("net", ".link")):
        lines = daemon.ok("sysctl", prefix).splitlines()
        assert all(line.startswith(prefix + ".") for line in lines)
        assert any(prefix + inside in line for line in lines)
        described = daemon.ok("sysctl", "-d", prefix).splitlines()
        assert described[0].startswith(f"{prefix}: ")
        assert len(described) >= len(lines)
    assert "(no description)" not in daemon.ok("sysctl", "-d", "-a")
    for name in ("net.interfaces.nosuch", "net.interfaces.lo0.nosuch",
                 "kern.cpu.9", "net.inet.ip.i", "nosuch"):
        assert "is invalid" in daemon.bad("sysctl", name, code=1)
        assert name in daemon.bad("sysctl", "-d", name, code=1)


def test_subtree_without_names(daemon):
    """It is there, and empty: a name below it is what is wrong."""
    for words in (("net.sdl",), ("-n", "net.sdl"), ("-q", "net.sdl")):
        assert daemon.ok("sysctl", *words) == ""
    assert daemon.ok("sysctl", "--json", "net.sdl").split() == ["[]"]
    assert len(daemon.ok("sysctl", "-d", "net.sdl").splitlines()) == 1
    for words in (("net.sdl.2",), ("-w", "net.sdl.2=1"), ("-d", "net.sdl.2")):
        assert "third level name '2' in 'net.sdl.2'" in daemon.bad(
            "sysctl", *words, code=1)
    daemon.bad("sysctl", "-w", "net.sdl=1", code=1)


def test_subtree_of_one_interface(daemon):
    """... and not of another whose name goes on with a dot, before or after
    it."""
    for name in ("wan.0", "wan", "wan.1", "wan.rcvq"):
        pair = daemon.ok("ifconfig", "pair", "create").strip()
        daemon.ok("ifconfig", pair, "name", name)
    leaves = [line.split(" = ")[0].removeprefix("net.interfaces.lo0.")
              for line in daemon.ok("sysctl",
                                    "net.interfaces.lo0").splitlines()]
    for name in ("wan.0", "wan", "wan.1", "wan.rcvq"):
        lines = daemon.ok("sysctl", f"net.interfaces.{name}").splitlines()
        assert [line.split(" = ")[0] for line in lines] == [
            f"net.interfaces.{name}.{leaf}" for leaf in leaves]
        told = daemon.ok("sysctl", "-d", f"net.interfaces.{name}")
        assert len(told.splitlines()) == len(leaves) + 1
    assert len(daemon.ok("sysctl", "net.interfaces").splitlines()) == \
        5 * len(leaves)


def test_ranges_in_words(daemon):
    """What is not taken is refused with what would be."""
    daemon.ok("ifconfig", "pair0", "create")
    assert "a number from 1 to 65536" in daemon.bad(
        "sysctl", "-w", "net.inet.ip.ifq.maxlen=0")
    assert "a number from 0 to 1" in daemon.bad(
        "sysctl", "-w", "net.inet.ip.forwarding=2")
    assert "(0 to 1)" in daemon.ok("sysctl", "-d", "net.inet.ip.forwarding")
    assert "1 to 1073741824, or -1" in daemon.bad(
        "sysctl", "-w", "net.inet.arp.maxpps=0")
    assert daemon.sysctl("net.inet.arp.maxpps") == "20000"
    assert "has no link" in daemon.bad(
        "sysctl", "-w", "net.interfaces.lo0.link.holddown=10")
    assert "sends without a queue" in daemon.bad(
        "sysctl", "-w", "net.interfaces.pair0.sndq.maxlen=10")


def test_families_of_settings(daemon):
    """Each member of a family of settings is set and read by its own name."""
    shares = [f"kern.mbufs.share.{n}" for n in
              ("local", "fragments", "neighbours", "pings")]
    listed = daemon.ok("sysctl", "kern.mbufs.share").splitlines()
    assert [line.split(" = ")[0] for line in listed] == shares
    for i, name in enumerate(shares):
        daemon.ok("sysctl", "-w", f"{name}={11 + i}")
    for i, name in enumerate(shares):
        assert daemon.ok("sysctl", "-n", name) == f"{11 + i}\n"
        least = 1 if name.endswith(".local") else 0
        for bad in (101, least - 1):
            assert f"a number from {least} to 100" in daemon.bad(
                "sysctl", "-w", f"{name}={bad}")
    for name in ("requests", "ping_packets", "ping_bytes"):
        for whose in ("each", "all"):
            assert "a second" in daemon.ok(
                "sysctl", "-d", f"kern.user.{name}.{whose}")
    users = daemon.ok("sysctl", "kern.user").splitlines()
    names = [line.split(" = ")[0] for line in users]
    assert len(names) == len(set(names)) > 10
    for name in names:
        value = daemon.ok("sysctl", "-n", name)
        daemon.ok("sysctl", "-w", f"{name}={value.strip()}")
        assert daemon.ok("sysctl", "-n", name) == value
    everything = daemon.ok("sysctl", "-a")
    assert set(listed[0].split(" = ")[:1] + names) <= {
        line.split(" = ")[0] for line in everything.splitlines()}
