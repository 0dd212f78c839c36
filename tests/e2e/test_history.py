"""ifctl history: what happened to an interface, and who asked."""

import json
import os

from conftest import wait_for


def history(daemon, *argv, **kwargs):
    return [json.loads(line) for line in
            daemon.ok("history", "--json", *argv, **kwargs).splitlines()]


def test_life(daemon):
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair1", "up")
    daemon.ok("ifconfig", "pair0", "10.8.0.1/24", "up", "mtu", "1400")
    # Or it would go again before it is told of.
    wait_for(lambda: daemon.show("pair1")["link"] == "up")
    daemon.ok("ifconfig", "pair0", "name", "wan")
    daemon.ok("ifconfig", "wan", "10.8.0.1", "delete")
    daemon.ok("ifconfig", "wan", "destroy")
    events = history(daemon, "wan")
    assert [e["event"] for e in events if e["event"] != "link"] == [
        "attach", "up", "addr-add", "mtu", "rename", "addr-delete", "down",
        "detach"]
    by = {e["event"]: e for e in events}
    assert by["addr-add"]["after"] == "10.8.0.1/24"
    assert (by["mtu"]["before"], by["mtu"]["after"]) == ("1500", "1400")
    assert (by["rename"]["before"], by["rename"]["after"]) == ("pair0", "wan")
    assert by["link"]["by"] == "stack"
    assert by["up"]["by"] == "request" and by["up"]["uid"] == os.getuid()
    assert by["up"]["pid"] > 0
    assert len({e["handle"] for e in events}) == 1
    assert events == sorted(events, key=lambda e: e["seq"])
    # Its other end was there, and is.
    wait_for(lambda: [e["event"] for e in history(daemon, "pair1")].count(
        "link") == 2)


def test_text(daemon):
    daemon.ok("ifconfig", "lo0", "mtu", "9000")
    text = daemon.ok("history", "lo0").splitlines()
    assert " lo0 attach by the daemon's configuration" in text[0] or \
        " lo0 attach by the stack" in text[0]
    assert " lo0 mtu " in text[-1] and " -> 9000 by uid " in text[-1]


def test_all_and_the_last_few(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    for mtu in range(1300, 1340):
        daemon.ok("ifconfig", "pair0", "mtu", str(mtu))
    assert len(history(daemon, "pair0")) == 32
    assert {e["interface"] for e in history(daemon)} == {"lo0", "pair0"}
    daemon.ok("sysctl", "-w", "net.link.history=5")
    assert [e["after"] for e in history(daemon, "pair0")] == [
        str(m) for m in range(1335, 1340)]
    daemon.bad("sysctl", "-w", "net.link.history=65537")
    daemon.bad("sysctl", "-w", "net.link.history=-1")


def test_unknown(daemon):
    assert "pair77" in daemon.bad("history", "pair77", code=1)
    daemon.bad("history", "a b", code=2)
    daemon.bad("history", "lo0", "lo0", code=2)
