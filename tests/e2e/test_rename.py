"""ifconfig IF name NEW: another name, and all else as it was."""

import json

import pytest

from conftest import wait_for


@pytest.fixture
def pair(daemon):
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair0", "10.9.0.1/24", "up")
    return daemon


def test_all_stays_but_the_name(pair):
    before = pair.show("pair0")
    pair.ok("ifconfig", "pair0", "name", "wan")
    after = pair.show("wan")
    for key in ("index", "handle", "addresses", "flags", "lladdr"):
        assert after[key] == before[key], key
    assert "pair0" not in pair.ok("ifconfig", "-l").split()
    assert "SIOCGIFFLAGS" in pair.bad("ifconfig", "pair0", "up", code=1)
    # Whoever speaks of it says the new name.
    assert "wan" in pair.ok("route", "-n", "show")
    assert "peer wan" in pair.ok("ifconfig", "pair1")
    assert int(pair.sysctl("net.interfaces.wan.rcvq.maxlen")) > 0


def test_the_rest_of_the_line_is_about_it(pair):
    pair.ok("ifconfig", "pair1", "name", "lan", "mtu", "1400", "up")
    assert pair.show("lan")["mtu"] == 1400


def test_created_under_its_name(daemon):
    daemon.ok("ifconfig", "pair3", "create", "name", "uplink", "up")
    assert "uplink" in daemon.ok("ifconfig", "-l").split()
    # Its unit is taken as long as it is there.
    daemon.bad("ifconfig", "pair3", "create", code=1)
    daemon.ok("ifconfig", "uplink", "destroy")
    daemon.ok("ifconfig", "pair3", "create")


def test_refused(pair):
    text = pair.bad("ifconfig", "pair0", "name", "pair1", code=1)
    assert "File exists" in text and "pair1" in text
    for bad in ("17", "a b", "", "a/b", "abcdefghijklmnop"):
        pair.bad("ifconfig", "pair0", "name", bad, code=1)
    pair.bad("ifconfig", "pair0", "name", code=1)
    assert {"pair0", "pair1"} <= set(pair.ok("ifconfig", "-l").split())


def test_a_renamed_end_can_be_joined(daemon):
    daemon.ok("ifconfig", "pair0", "create", "name", "left", "up")
    daemon.ok("ifconfig", "pair1", "create", "peer", "left", "up")
    assert daemon.show("left")["link"] == "up"


def test_announced_when_it_is_so(pair):
    child = pair.popen("monitor", "--json", "-a")
    for line in child.stdout:
        if json.loads(line)["event"] == "snapshot-end":
            break
    handle = pair.show("pair0")["handle"]
    pair.ok("ifconfig", "pair0", "name", "wan")
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "rename":
            break
    assert event["event"] == "rename"
    assert event["handle"] == handle
    assert (event["oldname"], event["interface"]) == ("pair0", "wan")
    pair.ok("ifconfig", "wan")
    wait_for(lambda: child.poll() is None)


def test_traffic_goes_on(router):
    router.ping("-c", "1")
    for name, new in (("tap0", "west"), ("west", "tap0"), ("tap0", "w")):
        router.daemon.ok("ifconfig", name, "name", new)
        router.ping("-c", "2", "-i", "0.2")
