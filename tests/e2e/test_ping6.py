"""ifctl ping6 and traceroute: the router itself asks; and Linux asks through
it."""

import json
import re

import pytest

from conftest import LONG, wait_for


def with_ipv6(ns):
    for which in ("all", "default"):
        ns.run("sysctl", "-qw", f"net.ipv6.conf.{which}.disable_ipv6=0")


def route6(daemon, dst, gateway, vnet=None):
    done = daemon.ctl("route", "add", "-inet6", dst, gateway, vnet=vnet)
    if "not built in yet" in done.stderr:
        pytest.skip("no command adds a route of IPv6 yet")
    assert done.returncode == 0, done.stderr


class Router6:
    """left (2001:db8:1::2) - tap0 [daemon] tap1 - right (2001:db8:2::2)"""

    def __init__(self, daemon, netns):
        self.daemon = daemon
        self.left, self.right = netns("left"), netns("right")
        for ns in (self.left, self.right):
            with_ipv6(ns)
        for n, ns in ((0, self.left), (1, self.right)):
            daemon.tap(ns, f"tap{n}", f"10.0.{n + 1}.1/24")
            daemon.ok("ifconfig", f"tap{n}", "inet6",
                      f"2001:db8:{n + 1}::1/64")
            ns.host(f"tap{n}", f"10.0.{n + 1}.2/24", f"10.0.{n + 1}.1")
            ns.ip("addr", "add", f"2001:db8:{n + 1}::2/64", "dev", f"tap{n}",
                  "nodad")
            ns.ip("-6", "route", "add", "default", "via",
                  f"2001:db8:{n + 1}::1")
        for setting in ("net.inet.ip.forwarding", "net.inet6.ip6.forwarding"):
            daemon.ok("sysctl", "-w", f"{setting}=1")
        for n, ns in ((1, self.left), (2, self.right)):
            wait_for(lambda: ns.run("ping", "-c1", "-W1", f"2001:db8:{n}::1",
                                    check=False).returncode == 0)

    def linklocal(self, ns, dev):
        text = ns.ip("-6", "-o", "addr", "show", "dev", dev, "scope",
                     "link").stdout
        return re.search(r"inet6 (fe80::[0-9a-f:]+)/", text).group(1)

    def lines(self, *argv):
        return [json.loads(line) for line in
                self.daemon.ctl(*argv).stdout.splitlines()]


@pytest.fixture
def router6(daemon, netns):
    return Router6(daemon, netns)


def test_answers(router6):
    d = router6.daemon
    for name in ("ping", "ping6"):
        out = d.ok(name, "-n", "-c", "2", "-i", "0.2", "2001:db8:1::2")
        assert out.startswith("PING6(104=40+8+56 bytes) 2001:db8:1::2\n")
        assert len(re.findall(r"^64 bytes from 2001:db8:1::2, icmp_seq=\d "
                              r"hlim=64 time=[\d.]+ ms$", out, re.M)) == 2
        assert "--- 2001:db8:1::2 ping6 statistics ---" in out
        assert "2 packets received, 0.0% packet loss" in out
    # Linux asks us, in fragments, too.
    for argv in ((), ("-s", "20000")):
        router6.left.run("ping", "-c", "2", "-i", "0.2", *argv,
                         "2001:db8:1::1")
        router6.left.run("ping", "-c", "2", "-i", "0.2", *argv,
                         "2001:db8:2::2")


def test_sizes(router6):
    d = router6.daemon
    for argv, size in ((("-s", "0"), 8), (("-s", "20000"), 20008),
                       (("-m", "-s", "3000"), 3008),
                       (("-D", "-s", "1452"), 1460),
                       (("-S", "2001:db8:2::1"), 64), (("-h", "7"), 64)):
        out = d.ok("ping6", "-c", "1", *argv, "2001:db8:1::2")
        assert f"{size} bytes from 2001:db8:1::2" in out
    out = d.ctl("ping6", "-c", "1", "-w", "1", "-D", "-s", "1453",
                "2001:db8:1::2")
    assert out.returncode == 1 and "Message too long" in out.stdout


def test_zone(router6):
    d = router6.daemon
    far = router6.linklocal(router6.left, "tap0")
    out = d.ok("ping6", "-c", "1", f"{far}%tap0")
    assert f"64 bytes from {far}%tap0, icmp_seq=0" in out
    out = d.ok("ping6", "-c", "1", "-I", "tap0", far)
    assert f"64 bytes from {far}%tap0, icmp_seq=0" in out
    # On the other link nobody has it.
    done = d.ctl("ping6", "-c", "1", "-w", "1", f"{far}%tap1")
    assert done.returncode == 1 and "0 packets received" in done.stdout
    assert "interface" in d.bad("ping6", "-c", "1", far, code=1)
    assert "no such interface" in d.bad("ping6", f"{far}%tap7", code=1)
    d.bad("ping6", "-c", "1", "2001:db8:1::2%tap0", code=1)
    d.bad("ping6", "-c", "1", "-I", "tap0", "2001:db8:1::2", code=1)
    d.bad("ping6", "10.0.1.2", code=1)
    d.bad("ping6", "-S", "10.0.1.1", "2001:db8:1::2", code=1)
    d.bad("ping", "-I", "tap0", "10.0.1.2", code=1)
    # And Linux asks ours.
    ours = re.search(r"inet6 (fe80::[0-9a-f:]+)",
                     d.ok("ifconfig", "tap0")).group(1)
    router6.left.run("ping", "-c", "1", f"{ours}%tap0")


def test_group(router6, netns):
    """Everybody on a link answers: the second answer is no loss and no
    error."""
    d, left = router6.daemon, router6.left
    left.ip("link", "add", "br0", "type", "bridge")
    left.ip("link", "set", "tap0", "master", "br0")
    left.ip("link", "set", "br0", "up")
    other = netns("other")
    with_ipv6(other)
    left.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1",
            "netns", str(other))
    left.ip("link", "set", "v0", "master", "br0", "up")
    other.ip("link", "set", "v1", "up")
    wait_for(lambda: "tentative" not in other.ip("-6", "addr").stdout and
             "tentative" not in left.ip("-6", "addr").stdout and
             "fe80" in other.ip("-6", "addr", "show", "dev", "v1").stdout and
             "fe80" in left.ip("-6", "addr", "show", "dev", "br0").stdout)
    hosts = {router6.linklocal(left, "br0"), router6.linklocal(other, "v1")}

    def answered():
        out = d.ctl("ping6", "-c", "1", "ff02::1%tap0").stdout
        return set(re.findall(r"bytes from (fe80::[0-9a-f:]+)%tap0,", out)), \
            out
    wait_for(lambda: hosts <= answered()[0])
    found, out = answered()
    assert hosts <= found
    assert "1 packets transmitted, 1 packets received" in out
    assert "(DUP!)" in out


def test_errors(router6):
    d = router6.daemon
    # Ourselves: the address of nobody.
    out = d.ctl("ping6", "-c", "9", "-w", "8", "2001:db8:1::77").stdout
    assert "Address Unreachable for icmp_seq=0" in out
    # Linux, beyond.
    router6.right.ip("-6", "route", "add", "unreachable", "2001:db8:99::/64")
    router6.right.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    route6(d, "2001:db8:99::/64", "2001:db8:2::2")
    got = router6.lines("ping6", "--json", "-c", "1", "-w", "3",
                        "2001:db8:99::1")
    assert got[0]["event"] == "error" and got[0]["icmp_type"] == 1
    assert got[0]["from"] == "2001:db8:2::2"
    assert got[-1]["errors"] == 1 and got[-1]["received"] == 0
    done = d.ctl("ping6", "-c", "1", "2001:db8:55::1")
    assert done.returncode == 1 and "ping6: sendto:" in done.stdout
    out = d.ctl("ping6", "-c", "1", "-h", "1", "2001:db8:99::1").stdout
    assert "Hop limit exceeded" in out or "No Route" in out


def test_loss(router6):
    d = router6.daemon
    # It cannot answer.
    router6.left.ip("-6", "route", "add", "blackhole", "2001:db8:1::1/128")
    done = d.ctl("ping6", "-c", "2", "-i", "0.1", "2001:db8:1::2")
    assert done.returncode == 1 and "100.0% packet loss" in done.stdout
    router6.left.ip("-6", "route", "del", "blackhole", "2001:db8:1::1/128")
    d.ok("ping6", "-o", "-i", "0.2", "-w", str(LONG), "2001:db8:1::2")


@pytest.fixture
def chain(daemon):
    """Four vnets in a row, a to d: routers of each other."""
    names = "abcd"
    for name in names:
        daemon.ok("vnet", "create", name)
        for family in ("inet.ip", "inet6.ip6"):
            daemon.ok("sysctl", "-w", f"net.{family}.forwarding=1",
                      vnet=name)
    for i in range(3):
        near, far = names[i], names[i + 1]
        daemon.ok("ifconfig", f"pair{i}", "create", "peer",
                  f"{far}:pair{i + 10}", vnet=near)
        for vnet, ifname, host in ((near, f"pair{i}", 1),
                                   (far, f"pair{i + 10}", 2)):
            daemon.ok("ifconfig", ifname, "inet", f"10.0.{i + 1}.{host}/24",
                      "up", vnet=vnet)
            daemon.ok("ifconfig", ifname, "inet6",
                      f"2001:db8:{i + 1}::{host}/64", vnet=vnet)
    for i, name in enumerate(names):
        for net in range(3):
            if net in (i - 1, i):
                continue
            hop = (i + 1, 2) if net > i else (i, 1)
            daemon.ok("route", "add", f"10.0.{net + 1}.0/24",
                      f"10.0.{hop[0]}.{hop[1]}", vnet=name)
            route6(daemon, f"2001:db8:{net + 1}::/64",
                   f"2001:db8:{hop[0]}::{hop[1]}", vnet=name)
    wait_for(lambda: daemon.ctl("ping6", "-c", "1", "-w", "1",
                                "2001:db8:3::2", vnet="a").returncode == 0)
    return daemon


@pytest.mark.parametrize("options", [(), ("-I",)])
@pytest.mark.parametrize("name,net", [("traceroute", "10.0.{}.2"),
                                      ("traceroute6", "2001:db8:{}::2")])
def test_traceroute(chain, name, net, options):
    out = chain.ok(name, *options, net.format(3), vnet="a")
    lines = out.splitlines()
    assert lines[0].startswith(f"{name} to {net.format(3)} "
                               f"({net.format(3)}), 64 hops max, ")
    assert len(lines) == 4
    for n, line in enumerate(lines[1:], 1):
        assert re.fullmatch(rf" {n}   {re.escape(net.format(n))}"
                            r"(  [\d.]+ ms){3}", line), out


def test_traceroute_options(chain):
    got = [json.loads(line) for line in chain.ok(
        "traceroute", "--json", "-q", "1", "-f", "2", "-w", "2", "-s",
        "10.0.1.1", "10.0.3.2", vnet="a").splitlines()]
    assert [hop["hop"] for hop in got[:-1]] == [2, 3]
    assert got[0]["probes"][0]["from"] == "10.0.2.2"
    assert got[-1] == {"event": "summary", "destination": "10.0.3.2",
                       "reached": True, "hops": 3}
    # A router that knows no way.
    done = chain.ctl("traceroute6", "-q", "2", "2001:db8:3::77", vnet="a")
    assert done.returncode == 1 and "!A" in done.stdout, done.stdout
    # Nobody answers: so many hops, and no more.
    done = chain.ctl("traceroute", "-m", "2", "-q", "1", "-w", "0.1",
                     "10.0.3.77", vnet="a")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 3
    for argv in (("-f", "5", "-m", "4", "10.0.2.2"), ("-q", "11", "10.0.2.2"),
                 ("-m", "256", "10.0.2.2"), ("-p", "65535", "10.0.2.2"),
                 ("10.0.2.2", "27"), (), ("-s", "::1", "10.0.2.2")):
        chain.bad("traceroute", *argv, vnet="a", code=1)
    chain.bad("traceroute6", "10.0.2.2", vnet="a", code=1)


def test_linux_traces(router6):
    """Linux's traceroute through our router."""
    for dst, hop in (("10.0.2.2", "10.0.1.1"),
                     ("2001:db8:2::2", "2001:db8:1::1")):
        out = router6.left.run("traceroute", "-n", "-q", "1", dst).stdout
        assert re.search(rf"^ 1  {hop} ", out, re.M), out
        assert re.search(rf"^ 2  {dst} ", out, re.M), out


def test_loopback(daemon):
    """::1 is on no wire."""
    daemon.ok("ifconfig", "lo0", "inet6", "::1/128")
    daemon.ok("ping6", "-c", "1", "::1")
    daemon.ok("ifconfig", "pair0", "create", "up")
    daemon.ok("ifconfig", "pair0", "inet6", "2001:db8::1/64")
    done = daemon.ctl("ping6", "-c", "1", "-w", "1", "-S", "::1",
                      "2001:db8::2")
    assert done.returncode == 1
