"""Tables of routes: interfaces bound to them, with the same addresses in each,
and nothing that gets from one to another."""

import json

import pytest

from conftest import conserved, wait_for


def routes(d, *words):
    return {f"{r['destination']}/{r['prefixlen']}": r
            for r in json.loads(d.ok("route", "show", "--json", *words))}


def echoes(ns):
    """Echo requests that came to a host."""
    out = ns.run("cat", "/proc/net/snmp").stdout
    icmp = [line.split() for line in out.splitlines()
            if line.startswith("Icmp:")]
    return int(dict(zip(*icmp))["InEchos"])


class Customer:
    """Two networks, 10.0.0.0/24 and 10.0.1.0/24, in a table of their own."""

    def __init__(self, d, netns, table, late=False):
        self.table = table
        self.near, self.far = netns(f"near{table}"), netns(f"far{table}")
        self.taps = [f"tap{table}{n}" for n in range(2)]
        for n, ns in enumerate((self.near, self.far)):
            if late:
                d.tap(ns, self.taps[n], f"10.0.{n}.1/24")
                d.ok("ifconfig", self.taps[n], "table", str(table))
            else:
                d.tap(ns, self.taps[n])
                d.ok("ifconfig", self.taps[n], "table", str(table))
                d.ok("ifconfig", self.taps[n], f"10.0.{n}.1/24", "up")
            ns.host(self.taps[n], f"10.0.{n}.2/24", f"10.0.{n}.1")

    def ping(self, dst="10.0.1.2", ns=None, count=1):
        return (ns or self.near).run("ping", "-n", "-c", str(count), "-i",
                                     "0.2", "-W", "1", dst,
                                     check=False).returncode == 0

    def heard(self):
        return echoes(self.far)


@pytest.fixture
def two(daemon, netns):
    daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
    return Customer(daemon, netns, 1), Customer(daemon, netns, 2, late=True)


def test_two_customers_have_the_same_addresses(daemon, two):
    d = daemon
    for one, other in (two, two[::-1]):
        before = one.heard(), other.heard()
        assert one.ping(count=3)
        assert (one.heard(), other.heard()) == (before[0] + 3, before[1])
        # The router's own addresses, near and far.
        assert one.ping("10.0.0.1") and one.ping("10.0.1.1")
    assert d.ctl("ping", "-c", "1", "-w", "1", "10.0.0.2").returncode != 0
    for c in two:
        assert "1 packets received" in d.ok(
            "ping", "-c", "1", "-V", str(c.table), "10.0.1.2")
        assert "1 packets received" in d.ok(
            "ping", "-c", "1", "-V", str(c.table), "10.0.0.1")
        assert d.show(c.taps[0])["table"] == c.table
        assert f" table {c.table} mtu" in d.ok("ifconfig", c.taps[0])
        assert routes(d, "-table", str(c.table))["10.0.1.0/24"][
            "interface"] == c.taps[1]
    assert "10.0.1.0/24" not in routes(d)
    conserved(d)


def test_nothing_gets_from_one_to_another(daemon, netns, two):
    """Not by a network of the other's, of the main table's, nor by errors."""
    d = daemon
    red, blue = two
    third = netns("third")
    d.tap(third, "tap9", "10.9.0.1/24")
    third.host("tap9", "10.9.0.2/24", "10.9.0.1")
    heard = blue.heard()
    out = red.near.run("ping", "-n", "-c", "1", "-W", "1", "10.9.0.2",
                       check=False).stdout
    assert "From 10.0.0.1" in out and "Net Unreachable" in out
    out = third.run("ping", "-n", "-c", "1", "-W", "1", "10.0.1.2",
                    check=False).stdout
    assert "From 10.9.0.1" in out and "Net Unreachable" in out
    # One of them loses its network; the other's is none for it.
    d.ok("ifconfig", red.taps[1], "10.0.1.1", "delete")
    out = red.near.run("ping", "-n", "-c", "1", "-W", "1", "10.0.1.2",
                       check=False).stdout
    assert "Net Unreachable" in out
    assert blue.heard() == heard and blue.ping()
    # Fragments of the same addresses and number are no packet together.
    assert red.near.run("ping", "-n", "-c", "1", "-W", "2", "-s", "4000",
                        "10.0.0.1").returncode == 0
    conserved(d)


def test_routes_and_gateways_of_a_table(daemon, two):
    d = daemon
    red, blue = two
    for c in two:
        c.far.run("ip", "addr", "add", "172.31.9.1/32", "dev", "lo")
    assert "no route but a default one" in d.bad(
        "route", "add", "172.31.9.0/24", "10.0.1.2")
    d.ok("route", "add", "-table", "1", "172.31.9.0/24", "10.0.1.2",
         "-metric", "5")
    assert red.ping("172.31.9.1") and not blue.ping("172.31.9.1")
    got = json.loads(d.ok("route", "get", "--json", "-table", "1",
                          "172.31.9.1"))
    assert (got["table"], got["interface"]) == (1, red.taps[1])
    assert "not in table" in d.bad("route", "get", "-table", "2",
                                   "172.31.9.1")
    d.ok("route", "add", "-table", "2", "default", "10.0.1.2")
    assert blue.ping("172.31.9.1")
    text = d.ok("route", "show", "-table", "all")
    assert text.index("Internet:") < text.index("Internet, table 1:") < \
        text.index("Internet, table 2:")
    assert d.ok("netstat", "-rn", "-T", "2").count("default") == 1
    # It follows the interface, and no other.
    d.ok("ifconfig", red.taps[1], "down")
    assert not red.ping("172.31.9.1") and blue.ping("172.31.9.1")
    d.ok("ifconfig", red.taps[1], "up")
    wait_for(lambda: red.ping("172.31.9.1"))
    d.ok("route", "flush", "-table", "2")
    assert not blue.ping("172.31.9.1") and red.ping("172.31.9.1")
    d.ok("route", "delete", "-table", "1", "172.31.9.0/24")
    assert not red.ping("172.31.9.1")


def test_an_interface_changes_tables(daemon, two):
    """Its addresses go along, and back again when they cannot."""
    d = daemon
    red, blue = two
    assert "File exists" in d.bad("ifconfig", red.taps[0], "table", "2")
    assert d.show(red.taps[0])["table"] == 1 and red.ping()
    d.ok("ifconfig", blue.taps[0], "table", "0")
    assert d.show(blue.taps[0])["table"] == 0
    assert "10.0.0.0/24" in routes(d) and "10.0.0.0/24" not in routes(
        d, "-table", "2")
    assert not blue.ping() and blue.ping("10.0.0.1")
    # What is down stays down.
    d.ok("ifconfig", blue.taps[1], "down")
    d.ok("ifconfig", blue.taps[1], "table", "0")
    assert "UP" not in d.show(blue.taps[1])["flags"]
    d.ok("ifconfig", blue.taps[1], "up")
    wait_for(blue.ping)
    assert "there is no table 2" in d.bad("route", "show", "-table", "2")
    for tap in red.taps:
        d.ok("ifconfig", tap, "destroy")
    assert "there is no table 1" in d.bad("route", "show", "-table", "1")
    conserved(d)


def test_bad_tables(daemon):
    d = daemon
    for words in (("ifconfig", "lo0", "table", "65536"),
                  ("ifconfig", "lo0", "table", "-1"),
                  ("ifconfig", "lo0", "table", "5"),
                  ("route", "show", "-table", "7"),
                  ("route", "show", "--json", "-table", "7"),
                  ("route", "flush", "-table", "7"),
                  ("route", "show", "-table", "many"),
                  ("route", "show", "-table"),
                  ("route", "get", "-table", "7", "10.0.0.1"),
                  ("route", "add", "-table", "65536", "default", "10.0.0.1"),
                  ("route", "delete", "-table", "7", "default"),
                  ("netstat", "-rn", "-T", "7"),
                  ("netstat", "-i", "-T", "7"),
                  ("ping", "-c", "1", "-V", "7", "10.0.0.1")):
        text = d.bad(*words)
        assert "table" in text or "-T" in text, words
        assert d.ctl(*words).stdout == "" or words[0] == "ping", words
    assert "in table 9: gateway 10.7.7.7" in d.bad(
        "route", "add", "-table", "9", "default", "10.7.7.7")
    d.ok("route", "add", "-table", "65535", "10.0.0.0/8", "127.0.0.1",
         "-blackhole")
    d.ok("sysctl", "-w", "net.route.maxtables=1")
    assert "net.route.maxtables" in d.bad(
        "route", "add", "-table", "5", "10.0.0.0/8", "127.0.0.1", "-reject")


def test_a_change_is_undone_in_its_table(daemon, two, tmp):
    d = daemon
    red, blue = two
    before = routes(d, "-table", "all")
    d.bad("ifconfig", blue.taps[0], "table", "3", "mtu", "7")
    assert d.show(blue.taps[0])["table"] == 2
    wait_for(blue.ping)
    changes = tmp / "changes"
    changes.write_text("add -table 1 172.31.0.0/16 10.0.1.2\n"
                       "add -table 4 172.31.0.0/16 10.0.1.2 -reject\n"
                       "delete -table 2 10.99.0.0/16\n")
    d.bad("route", "load", str(changes))
    assert routes(d, "-table", "all") == before
    assert "there is no table 4" in d.bad("route", "show", "-table", "4")


BEHIND = "172.31.9.1"


# --- rules ---------------------------------------------------------------------

@pytest.fixture
def ways(daemon, netns):
    """A host, and behind the router two others with the same address behind
    them: by the main table the first."""
    d = daemon
    d.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
    host, one, two = (netns(n) for n in ("host", "one", "two"))
    for n, ns in enumerate((host, one, two)):
        d.tap(ns, f"tap{n}", f"10.0.{n}.1/24")
        ns.host(f"tap{n}", f"10.0.{n}.2/24", f"10.0.{n}.1")
    for ns in (one, two):
        ns.run("ip", "addr", "add", "172.31.9.1/32", "dev", "lo")
    for n in (3, 4):
        host.run("ip", "addr", "add", f"10.0.0.{n}/24", "dev", "tap0")
    d.ok("route", "add", "default", "10.0.1.2")
    # A table without interfaces finds its gateways in the main one.
    d.ok("route", "add", "-table", "7", "default", "10.0.2.2")
    return d, host, {"one": one, "two": two}


def way_taken(others, host, src="10.0.0.2"):
    """To which of the two a packet comes, or None."""
    before = {name: echoes(ns) for name, ns in others.items()}
    host.run("ping", "-n", "-c", "1", "-W", "1", "-I", src, BEHIND,
             check=False)
    grown = [name for name, ns in others.items()
             if echoes(ns) > before[name]]
    assert len(grown) < 2
    return grown[0] if grown else None


def test_rules_pick_a_table(ways):
    d, host, others = ways
    for words, fits, other in (
            (("from", "10.0.0.3"), "10.0.0.3", "10.0.0.2"),
            (("from", "10.0.0.2/31"), "10.0.0.3", "10.0.0.4"),
            (("in", "tap0", "from", "10.0.0.3", "to", "172.31.0.0/16"),
             "10.0.0.3", "10.0.0.4")):
        number = d.ok("rule", "add", *words, "table", "7").strip()
        assert way_taken(others, host, fits) == "two", words
        assert way_taken(others, host, other) == "one", words
        # Addresses of the router's own come before any rule.
        host.run("ping", "-n", "-c", "1", "-W", "1", "-I", fits, "10.0.0.1")
        rule, = json.loads(d.ok("rule", "list", "--json"))
        assert rule["table"] == 7 and rule["packets"] >= 1
        d.ok("rule", "delete", number)
        assert way_taken(others, host, fits) == "one"
    for words in (("in", "tap9"), ("to", "172.31.9.2"), ("mark", "1"),
                  ("from", "10.0.0.77")):
        d.ok("rule", "add", *words, "table", "7")
    assert way_taken(others, host) == "one"
    d.ok("rule", "flush")
    assert json.loads(d.ok("rule", "list", "--json")) == []
    conserved(d)


def test_order_of_rules_and_what_they_do(ways):
    d, host, others = ways
    d.ok("rule", "add", "20", "in", "tap0", "reject")
    out = host.run("ping", "-n", "-c", "1", "-W", "1", "172.31.9.1",
                   check=False).stdout
    assert "Unreachable" in out
    d.dropped("tap0", "ip-reject", 1, more=True)
    # A table that has no route to it leaves it to the next rule.
    d.ok("route", "add", "-table", "8", "10.77.0.0/16", "10.0.2.2")
    d.ok("rule", "add", "5", "in", "tap0", "table", "8")
    assert way_taken(others, host) is None
    d.ok("rule", "add", "10", "in", "tap0", "table", "7")
    assert way_taken(others, host) == "two"
    d.ok("rule", "add", "4", "blackhole")
    assert way_taken(others, host) is None
    d.dropped("tap0", "ip-blackhole", 1, more=True)
    # Also for packets of the router's own.
    assert d.ctl("ping", "-c", "1", "-w", "1", "172.31.9.1").returncode != 0
    text = d.ok("rule", "list")
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        "4", "5", "10", "20"]
    assert "File exists" in d.bad("rule", "add", "10", "table", "7")
    d.ok("rule", "delete", "4")
    # The interface goes and another one comes: a rule is about the name.
    d.ok("ifconfig", "tap0", "name", "tap77")
    assert way_taken(others, host) == "one"
    d.ok("ifconfig", "tap77", "name", "tap0")
    assert way_taken(others, host) == "two"


def test_marks_of_the_filter_pick_a_table(ways):
    d, host, others = ways
    d.ok("filter", "add", "in", "tap0", "mark", "0x6", "icmp", "and", "src",
         "host", "10.0.0.3")
    d.ok("rule", "add", "mark", "0x4/0x4", "table", "7")
    assert way_taken(others, host, "10.0.0.3") == "two"
    assert way_taken(others, host, "10.0.0.2") == "one"
    assert "mark 6" in d.ok("filter", "list")
    # What is marked goes on to the next rules of the filter.
    d.ok("filter", "add", "in", "tap0", "drop", "src", "host", "10.0.0.3")
    assert way_taken(others, host, "10.0.0.3") is None
    d.dropped("tap0", "filter-in", 1, more=True)


def test_a_mark_means_nothing_in_another_stack(ways):
    d, host, others = ways
    d.ok("vnet", "create", "far")
    d.ok("ifconfig", "pair0", "create", "peer", "far:pair1")
    d.ok("ifconfig", "pair0", "10.5.0.1/24", "up")
    d.ok("ifconfig", "pair1", "10.5.0.2/24", "up", vnet="far")
    d.ok("route", "add", "10.0.0.0/16", "10.5.0.1", vnet="far")
    d.ok("filter", "add", "in", "tap0", "mark", "6")
    d.ok("rule", "add", "mark", "6", "reject", vnet="far")
    d.ok("rule", "add", "in", "pair1", "to", "10.7.0.0/16", "reject",
         vnet="far")
    host.run("ping", "-n", "-c", "1", "-W", "1", "10.5.0.2")
    d.ok("route", "add", "10.6.0.0/16", "10.5.0.2")
    d.ok("route", "add", "10.6.0.1", "10.5.0.1", "-blackhole", vnet="far")
    d.ok("sysctl", "-w", "net.inet.ip.forwarding=1", vnet="far")
    host.run("ping", "-n", "-c", "1", "-W", "1", "10.6.0.1", check=False)
    # By its route there, and not by the rule.
    drops = d.drops("pair1", vnet="far")
    assert drops["ip-blackhole"] == 1 and "ip-reject" not in drops


def test_a_bound_interface_moves_to_another_stack(daemon, two):
    d = daemon
    red, blue = two
    d.ok("vnet", "create", "far")
    for tap in red.taps:
        d.ok("ifconfig", tap, "vnet", "far")
        assert d.show(tap, vnet="far")["table"] == 0
    assert "there is no table 1" in d.bad("route", "show", "-table", "1")
    assert blue.ping()
    d.ok("ifconfig", red.taps[0], "table", "2", vnet="far")
    d.ok("vnet", "destroy", "far")


def test_rules_live_with_their_tables(ways):
    """A rule keeps its table, and a table goes with its last user."""
    d, host, others = ways
    d.ok("rule", "add", "in", "tap0", "table", "7")
    d.ok("route", "flush", "-table", "7")
    assert d.ok("route", "show", "-table", "7").count("\n") == 4
    assert way_taken(others, host) == "one"
    d.ok("route", "add", "-table", "7", "172.31.9.0/24", "10.0.2.2")
    assert way_taken(others, host) == "two"
    # The gateway's network goes and comes back.
    d.ok("ifconfig", "tap2", "10.0.2.1", "delete")
    assert "unreachable" in d.ok("route", "show", "-table", "7")
    assert way_taken(others, host) is None
    d.ok("ifconfig", "tap2", "10.0.2.1/24")
    wait_for(lambda: way_taken(others, host) == "two")
    d.ok("rule", "flush")
    d.ok("route", "flush", "-table", "7")
    assert "there is no table 7" in d.bad("route", "show", "-table", "7")


def test_rules_of_ipv6_in_words(daemon):
    d = daemon
    d.ok("rule", "add", "from", "2001:db8::/32", "to", "2001:db8:9::1",
         "table", "7")
    d.ok("rule", "add", "in", "tap0", "reject")
    first, second = json.loads(d.ok("rule", "list", "--json"))
    assert (first["from"], first["to"]) == ("2001:db8::/32", "2001:db8:9::1")
    assert "from" not in second and "to" not in second
    assert " 2001:db8::/32 " in d.ok("rule", "list")


def test_bad_rules(daemon):
    d = daemon
    for words in ((), ("add",), ("add", "table"), ("add", "table", "65536"),
                  ("add", "table", "1", "reject"), ("add", "in", "tap0"),
                  ("add", "0", "table", "1"), ("add", "65536", "table", "1"),
                  ("add", "from", "10.0.0.1/8", "table", "1"),
                  ("add", "from", "nowhere", "table", "1"),
                  ("add", "from", "2001:db8::1/32", "table", "1"),
                  ("add", "from", "2001:db8::/129", "table", "1"),
                  ("add", "from", "2001:db8::/32", "to", "10.0.0.0/8",
                   "table", "1"),
                  ("add", "from", "10.0.0.1", "from", "10.0.0.2", "reject"),
                  ("add", "mark", "5/2", "table", "1"),
                  ("add", "mark", "0x", "table", "1"),
                  ("add", "mark", "0x-5", "table", "1"),
                  ("add", "mark", "0x100000000", "table", "1"),
                  ("add", "mark", "1/", "table", "1"),
                  ("add", "mark", "-1", "table", "1"),
                  ("add", "over", "table", "1"), ("delete",),
                  ("delete", "x"), ("delete", "10"), ("list", "all"),
                  ("flush", "1")):
        assert d.bad("rule", *words), words
    d.ok("sysctl", "-w", "net.route.maxtables=0")
    assert "net.route.maxtables" in d.bad("rule", "add", "table", "1")
    assert d.ok("rule", "list") == ""
    d.ok("rule", "add", "65535", "reject")
    assert "no number is left" in d.bad("rule", "add", "reject")
