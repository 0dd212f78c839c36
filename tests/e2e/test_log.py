"""Every change of the configuration is a line of the log, with who asked."""

import os
import re

import pytest

from conftest import LONG, Daemon, finish, wait_for

CHANGES = [
    ("ifconfig", "pair0", "create", "peer", "pair1"),
    ("ifconfig", "pair0", "10.0.0.1/24"),
    ("ifconfig", "pair0", "up"),
    ("ifconfig", "pair0", "mtu", "1400"),
    ("ifconfig", "pair0", "descr", "to\nthem"),
    ("ifconfig", "pair0", "group", "edge"),
    ("ifconfig", "pair0", "-group", "edge"),
    ("ifconfig", "pair0", "link", "02:00:00:00:00:05"),
    ("ifconfig", "pair0", "link", "02:00:00:00:00:05", "delete"),
    ("ifconfig", "pair0", "name", "wan0"),
    ("route", "add", "10.9.0.0/16", "10.0.0.2"),
    ("route", "change", "10.9.0.0/16", "10.0.0.3"),
    ("route", "delete", "10.9.0.0/16"),
    ("route", "flush"),
    ("route", "flush", "-table", "all"),
    ("arp", "-s", "10.0.0.7", "02:00:00:00:00:07"),
    ("arp", "-d", "10.0.0.7"),
    ("sysctl", "-w", "net.inet.ip.forwarding=1"),
    ("filter", "add", "in", "any", "drop", "tcp", "port", "23"),
    ("filter", "zero"),
    ("filter", "delete", "10"),
    ("filter", "flush"),
    ("vnet", "create", "red"),
    ("-n", "red", "ifconfig", "pair7", "create"),
    ("-n", "red", "ifconfig", "pair7", "vnet", "default"),
    ("vnet", "destroy", "red"),
    ("ifconfig", "wan0", "10.0.0.1", "delete"),
    ("ifconfig", "wan0", "destroy"),
    ("ifconfig", "pair", "create", "2"),
]

SAID = [
    "ifconfig pair0 create peer pair1", "inet 10.0.0.1", "ifconfig pair0 up",
    "mtu 1400", 'descr "to\\nthem"', " group edge", " -group edge",
    "02:00:00:00:00:05/48 alias", "02:00:00:00:00:05/48 delete",
    'name "wan0"', "route add 10.9.0.0 -netmask 255.255.0.0 10.0.0.2",
    "route change 10.9.0.0", "route delete 10.9.0.0",
    "route flush", "route flush -table all",
    "arp -s 10.0.0.7 02:00:00:00:00:07", "arp -d 10.0.0.7",
    "sysctl net.inet.ip.forwarding=1",
    "filter add in any drop tcp port 23", "filter zero", "filter delete 10",
    "filter flush", "vnet create red", "-n red ifconfig pair7 create",
    '-n red ifconfig pair7 vnet "default"', "vnet destroy red",
    "inet 10.0.0.1 delete", "ifconfig wan0 destroy", "ifconfig pair0 create",
]


@pytest.fixture
def talkative(tmp):
    d = Daemon(tmp, "--log-level", "info")
    yield d
    finish(d)


def lines(daemon, since=0):
    return [t for t in daemon.text().splitlines()[since:] if " by " in t]


def test_every_change(talkative):
    for words, said in zip(CHANGES, SAID, strict=True):
        before = len(talkative.text().splitlines())
        talkative.ok(*words)
        found = [t for t in lines(talkative, before) if said in t]
        assert found, (words, lines(talkative, before))
        assert re.search(rf"by uid {os.geteuid()} pid [1-9]\d*: ", found[0])


def test_what_changes_nothing_is_not_there(talkative):
    before = len(talkative.text().splitlines())
    for words in (("ifconfig", "-a"), ("route", "show"), ("show",),
                  ("route", "get", "127.0.0.1"), ("sysctl", "-a"),
                  ("arp", "-a"), ("filter", "list"), ("vnet", "list"),
                  ("netstat", "-s"), ("history",)):
        talkative.ok(*words)
    for words in (("ifconfig", "lo0", "mtu", "7"),
                  ("route", "delete", "10.9.0.0/16"),
                  ("vnet", "destroy", "nosuch"), ("filter", "delete", "9")):
        talkative.bad(*words)
    assert lines(talkative, before) == []


def test_captures_and_the_halt(talkative):
    child = talkative.popen("dump", "-t", "-c", "1", "lo0")
    wait_for(lambda: ": dump lo0" in talkative.text(), what="the capture")
    talkative.ctl("ping", "-c", "1", "127.0.0.1")
    child.wait(LONG)
    talkative.ok("halt")
    talkative.process.wait(LONG)
    text = "\n".join(lines(talkative))
    assert ": dump lo0" in text and text.endswith(": halt")


def test_the_configuration(tmp):
    path = tmp / "router.conf"
    path.write_text("ifconfig pair0 create\nifconfig pair0 10.0.0.1/24\n")
    d = Daemon(tmp, "--log-level", "info", "-f", path)
    assert [t for t in lines(d) if "by ourselves: " in t and
            "ifconfig pair0 create" in t], d.text()
    finish(d)


def test_nobody_asked_for_it(daemon):
    """At the default level changes are not in the log."""
    daemon.ok("ifconfig", "pair0", "create")
    assert lines(daemon) == []


def test_undone(talkative):
    """A change whose client ends before it is complete is undone, and the log
    says so line by line."""
    talkative.ok("ifconfig", "pair0", "create", "mtu", "1400")
    talkative.bad("ifconfig", "pair0", "descr", "new", "mtu", "1300", "mtu",
                  "60")
    talkative.bad("ifconfig", "pair2", "create", "mtu", "60")
    lines = [line for line in talkative.text().splitlines()
             if "(undone)" in line]
    assert any("ifconfig pair0 mtu 1400" in line for line in lines)
    assert any('ifconfig pair0 descr ""' in line for line in lines)
    assert any("ifconfig pair2 destroy" in line for line in lines)
    assert all(re.search(r"by uid \d+ pid \d+: ", line) for line in lines)


def test_interfaces_have_names(talkative):
    talkative.ok("ifconfig", "pair0", "create", "10.0.0.1/24")
    talkative.ok("route", "add", "10.9.0.0/16", "10.0.0.2", "-ifp", "pair0")
    talkative.ok("route", "delete", "10.9.0.0/16")
    talkative.ok("ifconfig", "pair0", "name", "wan0")
    talkative.ok("route", "add", "10.8.0.0/16", "-interface", "wan0")
    assert "-ifp pair0" in talkative.text()
    assert "-interface wan0" in talkative.text()


def test_lines_name_their_vnet(daemon):
    """Many stacks have a pair0: the line says whose it is, unless it is that
    of the first."""
    d = daemon
    d.ok("vnet", "create", "red")
    d.ok("ifconfig", "pair0", "create", "peer", "red:pair0")
    d.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", "up")
    d.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", "up", vnet="red")
    # Either end hears the other announce or defend the address.
    for line in ("ifnetd: pair0: ", "ifnetd: red: pair0: "):
        wait_for(lambda: any(x.startswith(line) and "10.0.0.1" in x
                             for x in d.text().splitlines()), what=line)
