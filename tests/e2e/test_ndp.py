"""Neighbours and routes of IPv6: ifctl ndp, route -inet6, netstat -f inet6;
with Linux at the other side."""

import json
import re

import pytest

from conftest import wait_for


class Six:
    """tap0 with 2001:db8:1::1, and a Linux host with 2001:db8:1::2."""

    def __init__(self, daemon, netns):
        self.d = daemon
        self.host = netns("six")
        daemon.tap(self.host, "tap0")
        self.host.run("sysctl", "-qw", "net.ipv6.conf.tap0.disable_ipv6=0")
        self.host.ip("link", "set", "tap0", "up")
        self.host.ip("addr", "add", "2001:db8:1::2/64", "dev", "tap0",
                     "nodad")
        daemon.ok("ifconfig", "tap0", "inet6", "2001:db8:1::1/64", "up")
        wait_for(lambda: "TENTATIVE" not in daemon.ok("ifconfig", "tap0"))

    def ping(self, *words):
        return self.host.run("ping", "-6", "-c", "1", "-W", "5", *words)

    def neighbour(self, address):
        """The line of a neighbour, in fields; None without."""
        for line in self.d.ok("ndp", "-an").splitlines():
            if line.split()[0] == address:
                return line.split()
        return None


@pytest.fixture
def six(daemon, netns):
    return Six(daemon, netns)


def test_both_know_each_other(six):
    six.ping("2001:db8:1::1")
    wait_for(lambda: six.neighbour("2001:db8:1::2"))
    line = six.neighbour("2001:db8:1::2")
    assert line[1:3] == [six.host.mac("tap0"), "tap0"] and line[4] in "RSP"
    mine = re.search(r"address: (\S+)", six.d.ok("ifconfig", "tap0")).group(1)
    there = six.host.ip("-6", "neigh", "show", "2001:db8:1::1").stdout
    assert f"lladdr {mine}" in there, there


def test_zones(six):
    """Link-local addresses: with a zone always, and in order."""
    wait_for(lambda: re.search(r"fe80\S+ scope link(?! tentative)",
                               six.host.ip("addr").stdout))
    mine = re.search(r"inet6 (fe80::\S+)%tap0/64",
                     six.d.ok("ifconfig", "tap0")).group(1)
    six.ping(f"{mine}%tap0")
    lines = [ln.split()[0] for ln in six.d.ok("ndp", "-a").splitlines()[1:]]
    theirs = [a for a in lines if a.startswith("fe80::")]
    assert theirs and all(a.endswith("%tap0") for a in theirs), lines
    assert theirs[0] in six.d.ok("ndp", theirs[0])
    assert "which interface" in six.d.bad("ndp", theirs[0].split("%")[0])


def test_set_and_delete(six):
    d = six.d
    d.ok("ndp", "-s", "2001:db8:1::9", "02:00:00:00:00:09")
    d.ok("ndp", "-s", "fe80::9%tap0", "02:00:00:00:00:09", "temp", "proxy")
    assert six.neighbour("2001:db8:1::9")[1:] == [
        "02:00:00:00:00:09", "tap0", "permanent", "R"]
    line = six.neighbour("fe80::9%tap0")
    assert line[3] in ("20m0s", "19m59s", "19m58s") and line[5] == "p", line
    got = json.loads(d.ok("ndp", "--json", "2001:db8:1::9"))[0]
    assert got["family"] == "inet6" and got["permanent"]
    assert got["state"] == "reachable" and got["router"] is False
    assert "deleted" in d.ok("ndp", "-d", "fe80::9%tap0")
    assert six.neighbour("fe80::9%tap0") is None
    assert "no entry" in d.bad("ndp", "-d", "2001:db8:1::77")
    d.ok("ndp", "-c")
    assert six.neighbour("2001:db8:1::9")


def test_file(six, tmp_path):
    path = tmp_path / "list"
    path.write_text("# neighbours\n2001:db8:1::a 02:00:00:00:00:0a\n\n"
                    "2001:db8:1::b 02:00:00:00:00:0b temp\n")
    six.d.ok("ndp", "-f", str(path))
    assert six.neighbour("2001:db8:1::a") and six.neighbour("2001:db8:1::b")
    path.write_text("2001:db8:1::c 02:00:00:00:00:0c\nnonsense\n")
    assert "line 2" in six.d.bad("ndp", "-f", str(path))
    assert six.neighbour("2001:db8:1::c") is None


@pytest.mark.parametrize("words, why", [
    (("10.0.0.1",), "not an IPv6 address"),
    (("-s", "2001:db8:1::9", "02:00"), "not the address of a station"),
    (("-s", "2001:db8:9::9", "02:00:00:00:00:09"), "cannot intuit"),
    (("-s", "2001:db8:1::1", "02:00:00:00:00:09"), "own"),
    (("-s", "2001:db8:1::9/64", "02:00:00:00:00:09"), "not a network"),
    (("-a", "-c"), "exclude"), (("-s", "fe80::1"), "wanted"),
    (("fe80::1%nope",), "no such interface"),
])
def test_ndp_refuses(six, words, why):
    assert why in six.d.bad("ndp", *words)


def test_order(six):
    for last in ("30", "1f", "2", "ffff", "a0"):
        six.d.ok("ndp", "-s", f"2001:db8:1::{last}", "02:00:00:00:00:01")
    have = [ln.split()[0] for ln in six.d.ok("ndp", "-an").splitlines()[1:]
            if "permanent" in ln]
    assert have == [f"2001:db8:1::{x}" for x in
                    ("2", "1f", "30", "a0", "ffff")]


def test_routes(six):
    d = six.d
    d.ok("route", "add", "-inet6", "default", "2001:db8:1::2")
    d.ok("route", "add", "2001:db8:2::/48", "fe80::2%tap0", "-metric", "5")
    d.ok("route", "add", "-net", "2001:db8:3::", "2001:db8:1::2")
    d.ok("route", "add", "2001:db8:4::1", "fe80::3", "-ifp", "tap0")
    d.ok("route", "add", "-inet6", "2001:db8:5::", "-prefixlen", "56", "::1",
         "-blackhole")
    text = d.ok("route", "show", "-inet6")
    assert "Internet6:" in text and "Internet:" not in text
    assert re.search(r"^default +2001:db8:1::2 +UGS", text, re.M)
    assert re.search(r"^2001:db8:2::/48 +fe80::2%tap0 +UGS.* metric 5$", text,
                     re.M)
    assert re.search(r"^2001:db8:3::/64 ", text, re.M)
    assert re.search(r"^2001:db8:4::1 +fe80::3%tap0 +UGHS", text, re.M)
    assert d.ok("netstat", "-rn", "-f", "inet6") == text
    assert "Internet6" not in d.ok("route", "show", "-inet")
    assert "gateway: fe80::2%tap0" in d.ok("route", "get", "2001:db8:2::7")
    d.ok("route", "change", "-inet6", "default", "fe80::2%tap0")
    assert "gateway: fe80::2%tap0" in d.ok("route", "get", "2a00::1")
    d.ok("route", "delete", "2001:db8:2::/48")
    d.ok("route", "delete", "-inet6", "default")
    assert "not in table" in d.bad("route", "get", "2a00::1")


def test_ways(six):
    d = six.d
    d.ok("route", "add", "2001:db8:2::/48", "fe80::2%tap0")
    d.ok("route", "add", "-mpath", "2001:db8:2::/48", "2001:db8:1::2",
         "-weight", "3")
    text = d.ok("route", "show", "-inet6")
    assert len(re.findall(r"^2001:db8:2::/48 .* weight [13]$", text,
                          re.M)) == 2


def test_load(six, tmp_path):
    path = tmp_path / "routes"
    path.write_text("".join(f"2001:db8:{i:x}::/48 fe80::2%tap0\n"
                            for i in range(16, 80)))
    six.d.ok("route", "load", str(path))
    assert six.d.ok("route", "show", "-inet6").count("fe80::2%tap0") == 64


@pytest.mark.parametrize("words, why", [
    (("add", "2001:db8::/32", "10.0.0.1"), "all of IPv4 or all of IPv6"),
    (("add", "-inet6", "10.0.0.0/8", "::1"), "not an IPv6 address"),
    (("add", "2001:db8::/32", "fe80::1"), "on which interface"),
    (("add", "2001:db8::1/32", "fe80::1%tap0"), "bits set beyond"),
    (("add", "2001:db8::/32", "fe80::1%nope"), "no such interface"),
    (("add", "10.0.0.0/8", "10.0.0.1", "-prefixlen", "64"), "two different"),
    (("add", "10.0.0.0", "10.0.0.1", "-prefixlen", "64"), "(0 to 32)"),
    (("add", "-inet", "-inet6", "default", "::1"), "exclude each other"),
    (("add", "2001:db8::", "fe80::1%tap0", "-netmask", "255.0.0.0"), "all"),
])
def test_route_refuses(six, words, why):
    assert why in six.d.bad("route", *words)


def test_netstat(six):
    six.ping("2001:db8:1::1")
    text = six.d.ok("netstat", "-in")
    assert re.search(r"^tap0 +1500 2001:db8:1::/64 +2001:db8:1::1 *$", text,
                     re.M), text
    assert re.search(r"^tap0 +1500 fe80::%tap0/64 +fe80::\S+%tap0 *$", text,
                     re.M), text
    assert "127.0.0.1" not in six.d.ok("netstat", "-in", "-f", "inet6")
    only = six.d.ok("netstat", "-s", "-p", "ip6")
    assert [ln for ln in only.splitlines() if not ln.startswith("\t")] == [
        "ip6:"]
    assert "\nip:" not in "\n" + six.d.ok("netstat", "-s", "-f", "inet6")
    assert "no protocol" in six.d.bad("netstat", "-s", "-p", "ipx")
    assert "unknown address family" in six.d.bad("netstat", "-r", "-f", "x")
