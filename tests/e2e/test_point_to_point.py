"""Point-to-point interfaces, by a driver of their own (driver/if_ptp.c): an
address on several of them, borrowed from an Ethernet, far ends that two have.

    a:ptp0 10.20.0.2 ---- ptp0 [default] ptp1 ---- 10.20.0.3 b:ptp1
"""

import os
import pathlib

import pytest

from conftest import Daemon, conserved, finish


@pytest.fixture(scope="module")
def drivers(installed, tmp_path_factory):
    top = tmp_path_factory.mktemp("ptp")
    installed.driver(pathlib.Path(__file__).parent / "driver/if_ptp.c", top)
    return top


@pytest.fixture
def d(tmp, drivers):
    """Both links, with addresses at their far ends alone."""
    d = Daemon(tmp, start=False)
    d.start(env=dict(os.environ, IFNET_MODULES=str(drivers)))
    d.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
    for vnet, ifname, far in (("a", "ptp0", "10.20.0.2"),
                              ("b", "ptp1", "10.20.0.3")):
        d.ok("ifconfig", ifname, "create")
        d.ok("vnet", "create", vnet)
        d.ok("ifconfig", ifname, "create", vnet=vnet)
        d.ok("ifconfig", ifname, "inet", far, "10.20.0.1", vnet=vnet)
        d.ok("route", "add", "default", "10.20.0.1", vnet=vnet)
    yield d
    finish(d)


def pings(d, dst, *words, vnet=None):
    done = d.ctl("ping", "-n", "-c", "1", "-w", "1", *words, dst, vnet=vnet)
    return done.returncode == 0


def goes_by(d, dst):
    """The interface, gateway and source of the route to a destination."""
    lines = d.ok("route", "-n", "get", dst).splitlines()
    found = dict(line.split(": ", 1) for line in map(str.strip, lines)
                 if ": " in line)
    return found["interface"], found.get("gateway"), found.get("local addr")


def test_unnumbered(d):
    """The same address on both, as PPP, GRE and WireGuard have it."""
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.2")
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.1", "10.20.0.3")
    assert goes_by(d, "10.20.0.2")[::2] == ("ptp0", "10.20.0.1")
    assert goes_by(d, "10.20.0.3")[::2] == ("ptp1", "10.20.0.1")
    assert goes_by(d, "10.20.0.1")[0] == "lo0"
    for dst in ("10.20.0.1", "10.20.0.2", "10.20.0.3"):
        assert pings(d, dst), dst
    # Each end reaches the router, and through it the other.
    assert pings(d, "10.20.0.1", vnet="a")
    assert pings(d, "10.20.0.3", vnet="a")
    assert pings(d, "10.20.0.2", vnet="b")
    for vnet in (None, "a", "b"):
        conserved(d, vnet=vnet)


@pytest.mark.parametrize("how", ["delete", "down", "destroy"])
def test_one_goes(d, how):
    """The address, and the other link, stay usable."""
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.2")
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.1", "10.20.0.3")
    d.ok("route", "add", "-net", "192.0.2.0/24", "10.20.0.3")
    if how == "delete":
        d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "delete")
    else:
        d.ok("ifconfig", "ptp0", how)
    assert pings(d, "10.20.0.1")
    assert pings(d, "10.20.0.3")
    assert pings(d, "10.20.0.1", vnet="b")
    assert goes_by(d, "10.20.0.3")[::2] == ("ptp1", "10.20.0.1")
    assert goes_by(d, "192.0.2.9") == ("ptp1", "10.20.0.3", "10.20.0.1")
    assert not pings(d, "10.20.0.2")
    # And it comes back.
    if how == "destroy":
        d.ok("ifconfig", "ptp0", "create")
    if how == "down":
        d.ok("ifconfig", "ptp0", "up")
    else:
        d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.2")
    assert pings(d, "10.20.0.2")
    assert pings(d, "10.20.0.3", vnet="a")


def test_borrowed_from_an_ethernet(d, netns):
    """A network's address on both point-to-point interfaces as well."""
    left = netns("left")
    d.tap(left, "tap0", "10.0.1.1/24")
    left.host("tap0", "10.0.1.2/24", "10.0.1.1")
    d.ok("ifconfig", "ptp0", "inet", "10.0.1.1", "10.20.0.2")
    d.ok("ifconfig", "ptp1", "inet", "10.0.1.1", "10.20.0.3")
    for vnet, ifname, far in (("a", "ptp0", "10.20.0.2"),
                              ("b", "ptp1", "10.20.0.3")):
        d.ok("ifconfig", ifname, "inet", far, "10.0.1.1", vnet=vnet)
        d.ok("route", "replace", "default", "10.0.1.1", vnet=vnet)
    for dst in ("10.0.1.1", "10.20.0.2", "10.20.0.3"):
        left.run("ping", "-n", "-c", "1", "-W", "2", dst)
    assert pings(d, "10.0.1.2", vnet="a")
    assert pings(d, "10.0.1.2")
    assert goes_by(d, "10.0.1.2")[0] == "tap0"
    # Not on the network of another Ethernet.
    d.ok("ifconfig", "pair0", "create")
    assert "10.0.1.1" in d.bad("ifconfig", "pair0", "inet", "10.0.1.1/24")
    # Without the Ethernet it is still the address of both links.
    d.ok("ifconfig", "tap0", "destroy")
    assert pings(d, "10.20.0.2") and pings(d, "10.20.0.3")
    assert pings(d, "10.20.0.3", vnet="a")
    assert pings(d, "10.0.1.1")


def test_far_end_twice(d):
    """Two links to one far end: the first is used, then the other."""
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.9")
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.1", "10.20.0.9")
    for vnet, ifname in (("a", "ptp0"), ("b", "ptp1")):
        d.ok("ifconfig", ifname, "inet", "10.20.0.9", "10.20.0.1", vnet=vnet)
    assert goes_by(d, "10.20.0.9")[::2] == ("ptp0", "10.20.0.1")
    assert pings(d, "10.20.0.9")
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "delete")
    assert goes_by(d, "10.20.0.9")[::2] == ("ptp1", "10.20.0.1")
    assert pings(d, "10.20.0.9")
    before = d.counters("ptp1")["opackets"]
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.9")
    assert goes_by(d, "10.20.0.9")[0] == "ptp1"
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.1", "delete")
    assert pings(d, "10.20.0.9")
    assert d.counters("ptp1")["opackets"] == before


def test_far_end_is_ours(d):
    """A far end that is an address of this host stays this host's."""
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.2")
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.2", "10.20.0.3")
    assert goes_by(d, "10.20.0.2")[0] == "lo0"
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.2", "delete")
    assert goes_by(d, "10.20.0.2")[0] == "ptp0"
    assert pings(d, "10.20.0.2")


def test_host_that_is_a_broadcast_elsewhere(daemon):
    """10.0.0.255/23 is a host, in any order."""
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("vnet", "create", "far")
    daemon.ok("ifconfig", "pair2", "create", "peer", "far:pair2")
    daemon.ok("ifconfig", "pair2", "inet", "10.0.1.9/23", vnet="far")
    for first in (True, False):
        if first:
            daemon.ok("ifconfig", "pair0", "inet", "10.0.0.1/24")
        daemon.ok("ifconfig", "pair2", "inet", "10.0.0.255/23")
        if not first:
            daemon.ok("ifconfig", "pair0", "inet", "10.0.0.1/24")
        assert pings(daemon, "10.0.0.255")
        assert pings(daemon, "10.0.0.255", vnet="far")
        assert goes_by(daemon, "10.0.1.255")[0] == "pair2"
        daemon.ok("ifconfig", "pair2", "inet", "10.0.0.255", "delete")
        daemon.ok("ifconfig", "pair0", "inet", "10.0.0.1", "delete")


def test_strict_source(d):
    """The far end of the other link is no source on this one."""
    d.ok("ifconfig", "ptp0", "inet", "10.20.0.1", "10.20.0.2")
    d.ok("ifconfig", "ptp1", "inet", "10.20.0.1", "10.20.0.3")
    d.ok("ifconfig", "lo0", "inet", "10.20.0.3/32", "alias", vnet="a")
    d.ok("route", "add", "-net", "192.0.2.0/24", "10.20.0.3")
    source = ("-I", "10.20.0.3")
    d.ok("sysctl", "-w", "net.interfaces.ptp0.rpf=1")
    for dst in ("10.20.0.1", "192.0.2.9"):
        assert not pings(d, dst, *source, vnet="a")
    assert d.drops("ptp0")["ip-rpf"] == 2
    assert pings(d, "10.20.0.1", vnet="a")
    # Loosely, it is a source that the vnet has a route to.
    d.ok("sysctl", "-w", "net.interfaces.ptp0.rpf=2")
    before = d.counters("ptp0")["delivered"]
    pings(d, "10.20.0.1", *source, vnet="a")
    assert d.drops("ptp0") == {"ip-rpf": 2}
    assert d.counters("ptp0")["delivered"] == before + 1
