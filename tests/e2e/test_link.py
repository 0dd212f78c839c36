"""Link state as a user sees it: why an interface does not work, how often its
link went, and hold-down."""

import json
import time

import pytest

from conftest import unless_busy, wait_for


@pytest.fixture
def pair(daemon):
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair0", "up")
    daemon.ok("ifconfig", "pair1", "up")
    wait_for(lambda: daemon.show("pair0")["state"] == "up")
    return daemon


def link(daemon, leaf):
    return int(daemon.sysctl(f"net.interfaces.pair0.link.{leaf}"))


def replug(daemon):
    daemon.ok("ifconfig", "pair1", "destroy")
    wait_for(lambda: daemon.show("pair0")["state"] == "down-carrier")
    daemon.ok("ifconfig", "pair1", "create", "peer", "pair0", "up")


def test_state_and_its_reason(pair):
    pair.ok("ifconfig", "pair0", "down")
    assert pair.show("pair0")["state"] == "down-admin"
    pair.ok("ifconfig", "pair0", "up")
    assert "status: active" in pair.ok("ifconfig", "pair0")
    pair.ok("ifconfig", "pair1", "destroy")
    wait_for(lambda: pair.show("pair0")["state"] == "down-carrier")
    assert "status: no carrier" in pair.ok("ifconfig", "pair0")
    assert " no link " in pair.ok("show")


def test_device_that_went_away(daemon, netns):
    left = netns("left")
    daemon.tap(left, "tap0", "10.0.1.1/24")
    wait_for(lambda: daemon.show("tap0")["state"] == "up")
    child = daemon.popen("monitor", "--json", "-a", "tap0")
    left.ip("link", "del", "tap0")
    wait_for(lambda: daemon.show("tap0")["state"] == "down-lower")
    for line in child.stdout:
        if json.loads(line).get("state") == "down-lower":
            break
    assert "status: lower layer down" in daemon.ok("ifconfig", "tap0")
    assert " no lower " in daemon.ok("show")


def test_flaps_are_counted(pair):
    before = link(pair, "lastchange")
    for n in range(1, 4):
        replug(pair)
        wait_for(lambda: pair.show("pair0")["state"] == "up")
        assert link(pair, "flaps") == n
    assert link(pair, "lastchange") > before
    assert link(pair, "lost") == 0


def test_hold_down(pair):
    pair.ok("sysctl", "-w", "net.interfaces.pair0.link.holddown=1500")

    def attempt(_n):
        begun = time.monotonic()
        replug(pair)
        state = pair.show("pair0")["state"]
        busy = time.monotonic() - begun > 1.4
        wait_for(lambda: pair.show("pair0")["state"] == "up")
        assert time.monotonic() - begun >= 1.5
        return None if busy else state

    assert unless_busy(attempt) == "down-carrier"
    pair.ok("sysctl", "-w", "net.interfaces.pair0.link.holddown=0")
    for bad in ("-1", "60001", "x"):
        pair.bad("sysctl", "-w", f"net.interfaces.pair0.link.holddown={bad}")
    # Gone while it is held down.
    pair.ok("sysctl", "-w", "net.interfaces.pair0.link.holddown=60000")
    replug(pair)
    pair.ok("ifconfig", "pair0", "destroy")
