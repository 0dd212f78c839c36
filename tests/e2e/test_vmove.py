"""ifconfig IF vnet NAME: an interface goes to another stack of the daemon."""

import json
import select
import subprocess
import threading

import pytest

from conftest import IFCTL, LONG, conserved, wait_for


@pytest.fixture
def lab(daemon):
    daemon.ok("vnet", "create", "lab")
    return daemon


def names(daemon, vnet=None):
    return set(daemon.ok("ifconfig", "-l", vnet=vnet).split())


def test_what_goes_and_what_stays(lab):
    lab.ok("ifconfig", "pair0", "create", "peer", "pair1")
    lab.ok("ifconfig", "pair1", "10.5.0.1/24", "up", "mtu", "1400",
           "descr", "to the lab", "metric", "3")
    lab.ok("ifconfig", "pair1", "link", "02:00:00:00:05:01", "active")
    lab.ok("arp", "-s", "10.5.0.9", "02:00:00:00:05:09")
    before = lab.show("pair1")
    lab.ok("ifconfig", "pair1", "vnet", "lab")
    assert names(lab) == {"lo0", "pair0"}
    after = lab.show("pair1", vnet="lab")
    for key in ("mtu", "metric", "description", "lladdr", "flags", "link",
                "state"):
        assert after[key] == before[key], key
    assert after["addresses"] == []
    assert "10.5.0" not in lab.ok("route", "-n", "show")
    assert "10.5.0" not in lab.ok("arp", "-a")
    # The joint holds: packets go from one stack to the other.
    lab.ok("ifconfig", "pair0", "10.5.0.2/24", "up")
    lab.ok("ifconfig", "pair1", "10.5.0.1/24", vnet="lab")
    assert "lab:pair1" in lab.ok("ifconfig", "pair0")
    lab.ok("ping", "-c", "2", "-i", "0.1", "10.5.0.1")
    lab.ok("ifconfig", "pair1", "destroy", vnet="lab")
    wait_for(lambda: lab.show("pair0")["link"] == "down")


def test_capture_ends_where_it_was(lab):
    """A capture of an interface that moves ends, with what it saw and why."""
    lab.ok("ifconfig", "pair0", "create", "peer", "pair1")
    lab.ok("ifconfig", "pair0", "10.5.0.2/24", "up")
    lab.ok("ifconfig", "pair1", "up")
    child = subprocess.Popen(
        [str(IFCTL), "-s", lab.url, "dump", "-t", "pair0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)

    # Until it captures.
    lines = []
    while not lines:
        lab.ctl("ping", "-c", "1", "-w", "0.2", "10.5.0.7")
        if select.select([child.stdout], [], [], 0.2)[0]:
            lines.append(child.stdout.readline())
    lab.ok("ifconfig", "pair0", "vnet", "lab")
    out, err = child.communicate(timeout=LONG)
    assert "10.5.0.7" in lines[0] + out
    assert "gone" in err
    lab.bad("dump", "pair0")


def test_told_in_both(lab):
    lab.ok("ifconfig", "pair0", "create")

    def follow(vnet):
        child = lab.popen("monitor", "--json", "-a", vnet=vnet)
        for line in child.stdout:
            if json.loads(line)["event"] == "snapshot-end":
                return child

    def until(child, event):
        for line in child.stdout:
            e = json.loads(line)
            if e["event"] == event and e.get("interface") == "pair0":
                return e

    here, there = follow(None), follow("lab")
    lab.ok("ifconfig", "pair0", "vnet", "lab")
    assert until(there, "arrival")
    assert until(here, "departure")

    def events(vnet):
        return [(e["event"], e.get("before"), e.get("after")) for e in
                map(json.loads, lab.ok("history", "--json", "pair0",
                                       vnet=vnet).splitlines())]

    first = json.loads(lab.ok("vnet", "list", "--json"))[0]["name"]
    assert events(None)[-2:] == [("move-out", None, "lab"),
                                 ("detach", None, None)]
    assert events("lab") == [("attach", None, None),
                             ("move-in", first, None)]


def test_refused_and_undone(lab):
    lab.ok("ifconfig", "pair0", "create")
    lab.ok("ifconfig", "pair0", "10.5.0.1/24", "up")
    lab.ok("ifconfig", "pair0", "create", vnet="lab")
    before = lab.show("pair0")
    assert "File exists" in lab.bad("ifconfig", "pair0", "vnet", "lab",
                                    code=1)
    assert lab.show("pair0") == before
    assert "vnet list" in lab.bad("ifconfig", "pair0", "vnet", "none", code=1)
    assert "cannot be moved" in lab.bad("ifconfig", "lo0", "vnet", "lab",
                                        code=1)
    lab.bad("ifconfig", "pair0", "vnet", "lab", "up", code=1)
    lab.bad("ifconfig", "pair0", "vnet", code=1)
    lab.bad("ifconfig", "pair7", "vnet", "lab", code=1)
    # Under another name it is still the unit that is taken there.
    lab.ok("ifconfig", "pair0", "name", "wan")
    lab.bad("ifconfig", "wan", "vnet", "lab", code=1)
    lab.ok("ifconfig", "pair0", "destroy", vnet="lab")
    lab.ok("ifconfig", "wan", "vnet", "lab")
    assert names(lab, "lab") == {"lo0", "wan"}


def test_tap_with_its_traffic(lab, netns):
    left = netns("left")
    lab.tap(left, "tap0", "10.0.1.1/24")
    left.host("tap0", "10.0.1.2/24")
    left.run("ping", "-n", "-c", "1", "-W", "2", "10.0.1.1")
    flood = left.popen("ping", "-n", "-q", "-i", "0.002", "-w", "1000",
                       "10.0.1.1")
    vnets = [None, "lab"]
    first = json.loads(lab.ok("vnet", "list", "--json"))[0]["name"]
    for n in range(6):
        here, there = vnets[n % 2], vnets[(n + 1) % 2]
        seen = lab.counters("tap0", vnet=here)["ipackets"]
        wait_for(lambda: lab.counters("tap0", vnet=here)["ipackets"] >
                 seen + 20, what="traffic")
        lab.ok("ifconfig", "tap0", "vnet", there or first, vnet=here)
        lab.ok("ifconfig", "tap0", "10.0.1.1/24", vnet=there)
        for vnet in vnets:
            conserved(lab, vnet)
    flood.terminate()
    flood.wait(LONG)
    flood.stdout.close()
    left.run("ping", "-n", "-c", "2", "-W", "2", "10.0.1.1")


@pytest.mark.concurrent
def test_pair_and_generator_under_load(lab):
    """A generator sends into a pair whose ends move to and fro."""
    first = json.loads(lab.ok("vnet", "list", "--json"))[0]["name"]
    lab.ok("ifconfig", "pair0", "create", "peer", "pair1")
    lab.ok("ifconfig", "pair0", "10.6.0.1/24", "up")
    lab.ok("ifconfig", "pair1", "up")
    lab.ok("arp", "-s", "10.6.0.2", "02:00:00:00:06:02")
    lab.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
    lab.ok("ifconfig", "pg0", "create", "dst", "10.6.0.2", "src", "10.7.0.2",
           "vector", "16")
    lab.ok("ifconfig", "pg0", "10.7.0.1/24", "up")
    wait_for(lambda: lab.counters("pair1")["ipackets"] > 1000)
    stop = threading.Event()

    def look():
        while not stop.is_set():
            for vnet in (None, "lab"):
                lab.ok("show", "--json", vnet=vnet)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(5):
            lab.ok("ifconfig", "pair1", "vnet", "lab")
            lab.ok("ifconfig", "pair1", "vnet", first, vnet="lab")
        wait_for(lambda: lab.counters("pair1")["ipackets"] > 1000)
        lab.ok("ifconfig", "pg0", "vnet", "lab")
        wait_for(lambda: lab.counters("pg0", vnet="lab")["ipackets"] > 1000)
        lab.ok("ifconfig", "pg0", "down", vnet="lab")
    finally:
        stop.set()
        thread.join()
    for vnet in (None, "lab"):
        conserved(lab, vnet)


def test_what_stays_behind_is_said(daemon):
    daemon.ok("vnet", "create", "lab")
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair1", "10.6.0.1/24", "up")
    daemon.ok("ifconfig", "pair0", "10.5.0.1/24", "up")
    daemon.ok("route", "add", "10.9.0.0/24", "-iface", "pair1")
    for n in range(2, 20):
        daemon.ok("arp", "-s", f"10.6.0.{n}", f"02:00:00:00:06:{n:02}")
    daemon.ok("arp", "-s", "10.5.0.2", "02:00:00:00:05:02")
    # Where it is: nothing goes.
    here = daemon.ok("vnet", "list").split()[0]
    assert daemon.ok("ifconfig", "pair1", "vnet", here) == ""
    said = daemon.ok("ifconfig", "pair1", "vnet", "lab")
    assert "route 10.9.0.0/24 on pair1 was removed" in said
    assert said.count("neighbour 10.6.0.") == 16
    assert "2 more neighbours were removed" in said
    assert "10.5.0.2" not in said
    assert daemon.ok("ifconfig", "pair1", "vnet", here, vnet="lab") == ""
