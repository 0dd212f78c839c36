"""What two ends of a wire share: what one of them does, the other sees."""

import json
import re

import pytest

from conftest import LONG, conserved, wait_for


@pytest.fixture
def wire(daemon, netns):
    left = netns("left")
    daemon.tap(left, "tap0", "10.0.1.1/24")
    left.ip("addr", "add", "10.0.1.2/24", "dev", "tap0")
    left.ip("link", "set", "tap0", "up")
    wait_for(lambda: state(daemon) == "up", what="the link is up")
    return daemon, left


def state(daemon, name="tap0"):
    return daemon.show(name)["state"]


def linux(ns, name="tap0"):
    return json.loads(ns.ip("-j", "link", "show", "dev", name).stdout)[0]


def test_linux_side_down_and_up(wire):
    d, left = wire
    child = d.popen("monitor", "--json", "-a", "tap0")
    left.ip("link", "set", "tap0", "down")
    wait_for(lambda: state(d) == "down-carrier")
    for line in child.stdout:
        if json.loads(line).get("state") == "down-carrier":
            break
    assert "status: no carrier" in d.ok("ifconfig", "tap0")
    assert "link" in d.ok("history", "tap0")
    d.ctl("ping", "-c", "2", "-i", "0.1", "-w", "1", "10.0.1.2")
    drops = d.show("tap0")["drops"]
    assert "tx-error" not in drops or drops["tx-error"] == 0
    left.ip("link", "set", "tap0", "up")
    wait_for(lambda: state(d) == "up")
    wait_for(lambda: d.ctl("ping", "-c", "1", "-w", "1",
                           "10.0.1.2").returncode == 0)


def test_our_side_down_and_up(wire):
    d, left = wire
    assert linux(left)["operstate"] != "DOWN"
    d.ok("ifconfig", "tap0", "down")
    wait_for(lambda: "NO-CARRIER" in linux(left)["flags"],
             what="Linux sees no carrier")
    d.ok("ifconfig", "tap0", "up")
    wait_for(lambda: "NO-CARRIER" not in linux(left)["flags"])
    wait_for(lambda: d.ctl("ping", "-c", "1", "-w", "1",
                           "10.0.1.2").returncode == 0)


def test_quick_flaps(wire):
    """Each loss is counted, however soon the link is back."""
    d, left = wire
    before = int(d.sysctl("net.interfaces.tap0.link.flaps"))
    left.run("ip", "-batch", "-",
             input="link set tap0 down\nlink set tap0 up\n" * 40)
    wait_for(lambda: state(d) == "up" and int(d.sysctl(
        "net.interfaces.tap0.link.flaps")) >= before + 40)
    before = int(d.sysctl("net.interfaces.tap0.link.flaps"))
    # A change of something else counts for nothing.
    left.ip("link", "set", "tap0", "mtu", "1400")
    wait_for(lambda: d.show("tap0")["mtu"] == 1400)
    assert int(d.sysctl("net.interfaces.tap0.link.flaps")) == before


def test_moved_and_deleted_under_load(wire, netns):
    d, left = wire
    other = netns("other")
    loads = [d.popen("ping", "-i", "0.01", "10.0.1.2"),
             left.popen("ping", "-f", "10.0.1.1")]
    wait_for(lambda: d.counters("tap0")["ipackets"] > 500)
    left.ip("link", "set", "tap0", "netns", other.name)
    wait_for(lambda: state(d) == "down-carrier")
    other.ip("addr", "add", "10.0.1.2/24", "dev", "tap0")
    other.ip("link", "set", "tap0", "up")
    loads.append(other.popen("ping", "-f", "10.0.1.1"))
    seen = d.counters("tap0")["ipackets"]
    wait_for(lambda: d.counters("tap0")["ipackets"] > seen + 500)
    assert state(d) == "up"
    other.ip("link", "del", "tap0")
    wait_for(lambda: state(d) == "down-lower")
    for load in loads:
        load.kill()
        load.wait(LONG)
    conserved(d)
    d.ok("ifconfig", "tap0", "destroy")


def test_mtu_of_both_ends(wire):
    d, left = wire
    d.ok("ifconfig", "tap0", "mtu", "9000")
    assert linux(left)["mtu"] == 9000
    left.ip("link", "set", "tap0", "mtu", "1400")
    wait_for(lambda: d.show("tap0")["mtu"] == 1400)
    assert "mtu" in d.ok("history", "tap0")


def test_renamed_moved_deleted(wire, netns):
    d, left = wire
    other = netns("other")
    left.ip("link", "set", "tap0", "down")
    left.ip("link", "set", "tap0", "name", "lan0")
    wait_for(lambda: "host lan0" in d.ok("ifconfig", "tap0"))
    left.ip("link", "set", "lan0", "netns", other.name)
    wait_for(lambda: "lan0" in other.ip("-br", "link").stdout)
    # Seen and told there too.
    other.ip("link", "set", "lan0", "up")
    wait_for(lambda: state(d) == "up")
    other.ip("link", "set", "lan0", "mtu", "1300")
    wait_for(lambda: d.show("tap0")["mtu"] == 1300)
    d.ok("ifconfig", "tap0", "mtu", "1350")
    assert linux(other, "lan0")["mtu"] == 1350
    assert re.search(r"host lan0 in net:\[\d+\]", d.ok("ifconfig", "tap0"))
    other.ip("link", "set", "lan0", "down")
    wait_for(lambda: state(d) == "down-carrier")
    other.ip("link", "del", "lan0")
    wait_for(lambda: state(d) == "down-lower")
    d.ok("ifconfig", "tap0", "destroy")


def test_deleted_while_ours_is_down(wire):
    d, left = wire
    d.ok("ifconfig", "tap0", "down")
    left.ip("link", "del", "tap0")
    wait_for(lambda: "(deleted)" in d.ok("ifconfig", "tap0"))


def test_pair_peer_down(daemon):
    daemon.ok("vnet", "create", "b")
    daemon.ok("ifconfig", "pair0", "create", "peer", "b:pair0")
    daemon.ok("ifconfig", "pair0", "up")
    assert state(daemon, "pair0") == "down-carrier"
    daemon.ok("-n", "b", "ifconfig", "pair0", "up")
    wait_for(lambda: state(daemon, "pair0") == "up")
    before = int(daemon.sysctl("net.interfaces.pair0.link.flaps"))
    for _ in range(3):
        daemon.ok("-n", "b", "ifconfig", "pair0", "down")
        daemon.ok("-n", "b", "ifconfig", "pair0", "up")
    wait_for(lambda: state(daemon, "pair0") == "up")
    assert int(daemon.sysctl("net.interfaces.pair0.link.flaps")) == before + 3


def test_pair_mtu(daemon):
    """Each end has its own; what the peer cannot hold is dropped by name."""
    daemon.ok("vnet", "create", "b")
    daemon.ok("ifconfig", "pair0", "create", "peer", "b:pair0")
    daemon.ok("ifconfig", "pair0", "mtu", "9000", "10.0.0.1/24", "up")
    daemon.ok("-n", "b", "ifconfig", "pair0", "10.0.0.2/24", "up")
    assert "peer b:pair0 (mtu 1500)" in daemon.ok("ifconfig", "pair0")
    wait_for(lambda: daemon.ctl("ping", "-c", "1", "10.0.0.2").returncode == 0)
    assert daemon.ctl("ping", "-c", "1", "-s", "3000",
                      "10.0.0.2").returncode != 0
    daemon.dropped("pair0", "tx-far-mtu", 1)
    daemon.ok("-n", "b", "ifconfig", "pair0", "mtu", "9000")
    daemon.ok("ping", "-c", "1", "-s", "3000", "10.0.0.2")
