"""Where routes lead: found by other routes, shared, lost and found again; with
real packets through real devices."""

import json

from conftest import wait_for


BEHIND = "172.31.9.1"


def side(d, netns, name, n):
    """A host on a tap, 10.0.N.2, with an address behind it."""
    ns = netns(name)
    d.tap(ns, f"tap{n}", f"10.0.{n}.1/24")
    ns.host(f"tap{n}", f"10.0.{n}.2/24", f"10.0.{n}.1")
    ns.run("ip", "addr", "add", f"{BEHIND}/32", "dev", "lo")
    return ns


def pings(d):
    return d.ctl("ping", "-c", "1", "-w", "1", BEHIND).returncode == 0


def goes_by(d, dst=BEHIND):
    route = json.loads(d.ok("route", "get", "--json", dst))
    return route.get("interface")


def test_a_route_survives_its_interface(daemon, netns):
    d = daemon
    ns = side(d, netns, "left", 1)
    d.ok("route", "add", "default", "10.0.1.2")
    assert pings(d)
    d.ok("ifconfig", "tap1", "destroy")
    assert not pings(d)
    assert "unreachable" in d.ok("route", "show")
    d.tap(ns, "tap1", "10.0.1.1/24")
    ns.host("tap1", "10.0.1.2/24", "10.0.1.1")
    assert "unreachable" not in d.ok("route", "show")
    wait_for(lambda: pings(d))
    # The address alone.
    d.ok("ifconfig", "tap1", "10.0.1.1", "delete")
    assert not pings(d)
    d.ok("ifconfig", "tap1", "10.0.1.1/24")
    wait_for(lambda: pings(d))


def test_a_gateway_is_found_by_a_route(daemon, netns):
    """As of a routing protocol: the way to the gateway changes, the route to
    what is behind it does not."""
    d = daemon
    for n, name in ((1, "left"), (2, "right")):
        side(d, netns, name, n)
    assert "no route but a default one" in d.bad(
        "route", "add", "172.31.9.0/24", "10.99.0.1")
    d.ok("route", "add", "-later", "172.31.9.0/24", "10.99.0.1")
    assert not pings(d)
    d.ok("route", "add", "10.99.0.0/24", "10.0.1.2")
    assert goes_by(d) == "tap1"
    wait_for(lambda: pings(d))
    d.ok("route", "change", "10.99.0.0/24", "10.0.2.2")
    assert goes_by(d) == "tap2"
    wait_for(lambda: pings(d))
    # A longer prefix that cannot be used does not stand in the way.
    d.ok("route", "add", "-later", "10.99.0.0/25", "172.16.0.1")
    assert goes_by(d) == "tap2" and pings(d)
    d.ok("route", "delete", "10.99.0.0/24")
    assert not pings(d)
    # In a circle: refused with the reason.
    d.ok("route", "add", "-later", "10.98.0.0/24", "10.97.0.1")
    assert "very route" in d.bad("route", "add", "10.97.0.0/24", "10.98.0.1")


def test_a_link_fails(daemon, netns):
    """Of two routes the other one is used: of a host's own, and told by the
    device."""
    d = daemon
    left = side(d, netns, "left", 1)
    side(d, netns, "right", 2)
    d.ok("route", "add", "172.31.9.0/24", "10.0.1.2", "-metric", "1")
    d.ok("route", "add", "172.31.9.0/24", "10.0.2.2", "-metric", "2")
    assert goes_by(d) == "tap1" and pings(d)
    left.run("ip", "link", "set", "tap1", "down")
    wait_for(lambda: goes_by(d) == "tap2")
    assert pings(d)
    left.run("ip", "link", "set", "tap1", "up")
    wait_for(lambda: goes_by(d) == "tap1")
    d.ok("ifconfig", "tap1", "down")
    wait_for(lambda: goes_by(d) == "tap2")
    assert pings(d)
    d.ok("ifconfig", "tap1", "up")
    wait_for(lambda: goes_by(d) == "tap1")


def received(ns, ifname):
    link = json.loads(ns.run("ip", "-s", "-j", "link", "show", ifname).stdout)
    return link[0]["stats64"]["rx"]["packets"]


def test_flows_are_shared_out(daemon, netns, tmp):
    """Two ways for UDP from many ports; each flow keeps its own, and a way
    that fails leaves the other's alone."""
    d = daemon
    sides = [side(d, netns, name, n)
             for n, name in ((1, "left"), (2, "right"))]
    source = netns("source")
    d.tap(source, "tap9", "10.0.9.1/24")
    source.host("tap9", "10.0.9.2/24", "10.0.9.1")
    d.ok("sysctl", "net.inet.ip.forwarding=1")
    d.ok("route", "add", "172.31.9.0/24", "10.0.1.2")
    d.ok("route", "add", "-mpath", "172.31.9.0/24", "10.0.2.2")
    rows = [j for j in json.loads(d.ok("route", "show", "--json"))
            if j["destination"] == "172.31.9.0"]
    assert [(j["gateway"], j["weight"]) for j in rows] == [
        ("10.0.1.2", 1), ("10.0.2.2", 1)]
    assert "one of the ways" in d.bad(
        "route", "add", "-mpath", "172.31.9.0/24", "10.0.2.2")

    def send():
        """400 flows of a packet each; how many each side got."""
        before = [received(ns, f"tap{n + 1}") for n, ns in enumerate(sides)]
        source.run("python3", "-c", (
            "import socket\n"
            "for p in range(20000, 20400):\n"
            "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "    s.bind(('10.0.9.2', p))\n"
            f"    s.sendto(b'x', ('{BEHIND}', 9))\n"
            "    s.close()\n"))

        def got():
            return [received(ns, f"tap{n + 1}") - before[n]
                    for n, ns in enumerate(sides)]

        wait_for(lambda: sum(got()) >= 400)
        return got()

    def link_is(state):
        sides[0].run("ip", "link", "set", "tap1", state)
        wait_for(lambda: json.loads(d.ok("ifconfig", "--json", "tap1"))[0]
                 ["link"] == state)

    for n in (1, 2):    # neighbours are known
        wait_for(lambda: d.ctl("ping", "-c", "1", "-w", "1",
                               f"10.0.{n}.2").returncode == 0)
    both = send()
    assert min(both) > 130
    link_is("down")
    one = send()
    assert one[0] == 0
    link_is("up")
    wait_for(lambda: d.ctl("ping", "-c", "1", "-w", "1",
                           "10.0.1.2").returncode == 0)
    assert min(send()) > 130
    # A list of changes is made whole or not at all, way by way.
    def ways():
        return sorted((j["gateway"], j["weight"])
                      for j in json.loads(d.ok("route", "show", "--json"))
                      if j["destination"] == "172.31.9.0")

    before = ways()
    lines = tmp / "changes"
    lines.write_text("add -mpath 172.31.9.0/24 10.0.1.9 -weight 3\n"
                     "delete 172.31.9.0/24 10.0.2.2\n"
                     "add -mpath 172.31.9.0/24 10.0.1.2 -weight 5\n"
                     "add 10.50.0.0/16 10.77.0.1\n")
    assert "changes:4: " in d.bad("route", "load", lines)
    assert ways() == before
    lines.write_text("delete 172.31.9.0/24\n")
    assert "several ways" in d.bad("route", "load", lines)
    assert ways() == before
    # One way is deleted, and the route goes on with the other.
    d.ok("route", "delete", "172.31.9.0/24", "10.0.1.2")
    assert goes_by(d) == "tap2"
