"""Commands that follow an interface by its name: the name is looked up once;
the follow stays with the interface, and ends with it."""

import json
import select
import signal
import subprocess

import pytest

from conftest import LONG, wait_for

FOLLOWERS = (("monitor", "pair0"), ("watch", "-w", "0.05", "pair0"),
             ("netstat", "-w", "0.05", "-I", "pair0"))


def first_line(child):
    line = child.stdout.readline()
    assert line, child.stderr.read()
    return line


def follow(daemon, *words):
    return daemon.popen(*words, stderr=subprocess.PIPE)


@pytest.fixture
def pair(daemon):
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair2", "create")
    return daemon


@pytest.mark.parametrize("words", [
    ("monitor", "nosuch"), ("monitor", "-a", "--json", "nosuch"),
    ("watch", "nosuch"), ("watch", "lo0", "nosuch"), ("dump", "nosuch"),
    ("netstat", "-w", "1", "-I", "nosuch"), ("history", "nosuch")],
    ids=" ".join)
def test_name_of_nobody(daemon, words):
    said = daemon.bad(*words, code=1)
    assert "nosuch" in said


def monitor_from(daemon, *words):
    """A monitor that is known to follow: its snapshot has come."""
    child = follow(daemon, "monitor", "--json", "-a", *words)
    for line in child.stdout:
        if json.loads(line)["event"] == "snapshot-end":
            return child
    raise AssertionError(child.stderr.read())


def test_monitor_stays_with_the_interface(pair):
    child = monitor_from(pair, "pair0")
    pair.ok("ifconfig", "pair0", "name", "wan")
    pair.ok("ifconfig", "pair2", "name", "pair0")   # it is not meant
    pair.ok("ifconfig", "pair0", "mtu", "1234")
    pair.ok("ifconfig", "wan", "mtu", "1300")
    pair.ok("ifconfig", "wan", "10.8.0.1/24", "up")
    pair.ok("ifconfig", "wan", "destroy")
    out, err = child.communicate(timeout=LONG)
    events = [json.loads(line) for line in out.splitlines()]
    assert child.returncode == 0
    assert events[0]["event"] == "rename"
    assert events[0]["oldname"] == "pair0"
    assert {e["interface"] for e in events} == {"wan"}
    assert 1300 in {e.get("mtu") for e in events}
    assert {"addr-add", "route-add"} <= {e["event"] for e in events}
    assert events[-1]["event"] == "departure"
    assert "wan" in err and "gone" in err


def test_snapshot_of_one(pair):
    child = follow(pair, "monitor", "--json", "-a", "pair0")
    events = []
    while not events or events[-1]["event"] != "snapshot-end":
        events.append(json.loads(child.stdout.readline()))
    assert {e["interface"] for e in events[:-1]} == {"pair0"}
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=LONG)


def test_monitor_waits_when_told(pair):
    child = monitor_from(pair, "-w", "wan")
    pair.ok("ifconfig", "pair2", "mtu", "1234")
    pair.ok("ifconfig", "pair2", "name", "wan")
    pair.ok("ifconfig", "wan", "mtu", "1300")
    pair.ok("ifconfig", "wan", "destroy")
    out, _ = child.communicate(timeout=LONG)
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["event"] for e in events] == ["rename", "link", "departure"]
    pair.bad("monitor", "-w", code=2)


@pytest.mark.parametrize("words", FOLLOWERS[1:], ids=lambda w: w[0])
def test_rates_stay_with_the_interface(pair, words):
    child = follow(pair, *words)
    first_line(child)
    pair.ok("ifconfig", "pair0", "name", "wan")
    pair.ok("ifconfig", "pair2", "name", "pair0")
    for line in child.stdout:
        if "wan" in line:
            break
    else:
        raise AssertionError(child.stderr.read())
    pair.ok("ifconfig", "wan", "destroy")
    out, err = child.communicate(timeout=LONG)
    assert child.returncode == 0
    assert "pair0" not in out
    assert "wan" in err and "gone" in err


def test_watch_goes_on_with_the_rest(pair):
    child = follow(pair, "watch", "-w", "0.05", "pair0", "pair2")
    first_line(child)
    pair.ok("ifconfig", "pair0", "destroy")
    assert "pair0: the interface is gone" in child.stderr.readline()
    # There are lines from before; then none is about the other one.
    while not ("pair2" in first_line(child) and "pair2" in first_line(child)):
        pass
    for _ in range(6):
        assert "pair2" in first_line(child)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=LONG)


@pytest.mark.parametrize("words", FOLLOWERS, ids=lambda w: w[0])
def test_gone_to_another_vnet(pair, words):
    pair.ok("vnet", "create", "lab")
    child = follow(pair, *words)
    if words[0] == "monitor":
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=LONG)
        child = monitor_from(pair, "pair0")
    else:
        first_line(child)
    pair.ok("ifconfig", "pair0", "vnet", "lab")
    _, err = child.communicate(timeout=LONG)
    assert child.returncode == 0
    assert "in vnet lab now" in err


def test_capture_stays_with_the_interface(pair):
    """... through a rename, and says at the end where it went."""
    pair.ok("vnet", "create", "lab")
    pair.ok("ifconfig", "pair0", "10.8.0.1/24", "up")
    pair.ok("ifconfig", "pair1", "up")
    child = follow(pair, "dump", "pair0", "-t")

    def captured():
        for _ in range(50):
            pair.ctl("ping", "-c", "1", "-w", "0.2", "10.8.0.7")
            if select.select([child.stdout], [], [], 0.2)[0]:
                return first_line(child)
        raise AssertionError("nothing was captured")

    captured()
    pair.ok("ifconfig", "pair0", "name", "wan")
    assert "pair0 was renamed, it is wan now" in child.stderr.readline()
    captured()
    pair.ok("ifconfig", "wan", "vnet", "lab")
    _, err = child.communicate(timeout=LONG)
    assert "dump wan: the interface is gone: it is in vnet lab now" in err


@pytest.mark.parametrize("words", (("dump", "-t", "pair0"), *FOLLOWERS),
                         ids=lambda w: w[0])
@pytest.mark.parametrize("end", (("destroy",), ("vnet", "lab")),
                         ids=lambda w: w[0])
def test_end_right_after_a_rename(pair, words, end):
    """The last name is said, whether or not the rename was seen."""
    pair.ok("vnet", "create", "lab")
    if words[0] == "monitor":
        child = monitor_from(pair, "pair0")
    else:
        child = follow(pair, *words)
        if words[0] != "dump":
            first_line(child)
        else:
            wait_for(lambda: "PROMISC" in pair.ok("ifconfig", "pair0"),
                     what="the capture goes on")
    pair.ok("ifconfig", "pair0", "name", "wan")
    pair.ok("ifconfig", "wan", *end)
    pair.ok("ifconfig", "pair2", "name", "pair0")
    _, err = child.communicate(timeout=LONG)
    assert child.returncode == 0
    assert f"{words[0]} wan: the interface is gone" in err


@pytest.mark.parametrize("words", (("dump", "-t", "pair0"), *FOLLOWERS),
                         ids=lambda w: w[0])
def test_another_vnet_of_the_same_name(daemon, words):
    """... with an interface of the same name in it is not meant."""
    def lab():
        daemon.ok("vnet", "create", "lab")
        daemon.ok("ifconfig", "pair0", "create", vnet="lab")

    lab()
    child = daemon.popen(*words, vnet="lab", stderr=subprocess.PIPE)
    if words[0] == "monitor":
        wait_for(lambda: daemon.sysctl("kern.usage.0.followers") == "1",
                 what="the monitor follows")
    elif words[0] == "dump":
        wait_for(lambda: "PROMISC" in daemon.ok("ifconfig", "pair0",
                                                vnet="lab"),
                 what="the capture goes on")
    else:
        first_line(child)
    daemon.ok("vnet", "destroy", "lab")
    lab()
    _, err = child.communicate(timeout=20)
    assert "the interface is gone" in err or "the vnet was destroyed" in err \
        or "no vnet named lab" in err or "no such interface" in err


def test_history_of_an_old_name(pair):
    pair.ok("ifconfig", "pair0", "mtu", "1400")
    pair.ok("ifconfig", "pair0", "name", "wan")
    pair.ok("ifconfig", "pair2", "name", "pair0")
    lines = [json.loads(line) for line in
             pair.ok("history", "--json", "pair0").splitlines()]
    names = [e["interface"] for e in lines]
    assert len({e["handle"] for e in lines}) == 2
    assert {"wan", "pair0", "pair2"} == set(names)
    pair.ok("ifconfig", "wan", "destroy")
    assert "wan detach" in pair.ok("history", "pair0")
