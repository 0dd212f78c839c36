"""ifctl filter: rules by libpcap's language, in order, counted."""

import json
import shutil
import subprocess

import pytest
from scapy.all import ICMP, IP, Dot1Q, Ether

from conftest import (Daemon, IFCTL, MAC_LEFT, conserved, finish,
                      wait_for)


def rules(daemon, vnet=None):
    return json.loads(daemon.ok("filter", "list", "--json", vnet=vnet))


def test_drop_and_pass(router):
    d = router.daemon
    router.ping("-c", "1")
    assert d.ok("filter", "add", "in", "tap0", "drop",
                "icmp and dst host 10.0.2.2") == "10\n"
    assert router.ping("-c", "2", "-i", "0.1", "-W", "1",
                       check=False).returncode != 0
    # What it is not about passes.
    router.ping("-c", "1", dst="10.0.2.1")
    d.dropped("tap0", "filter-in", 2)
    [rule] = rules(d)
    assert rule["number"] == 10 and rule["packets"] == 2
    assert rule["bytes"] == 2 * 98
    assert rule["filter"] == "icmp and dst host 10.0.2.2"
    assert (rule["direction"], rule["interface"], rule["action"]) == \
        ("in", "tap0", "drop")
    # A rule before it decides first.
    d.ok("filter", "add", "5", "in", "any", "pass", "icmp[0] == 8")
    router.ping("-c", "1")
    assert [r["number"] for r in rules(d)] == [5, 10]
    assert [r["packets"] for r in rules(d)] == [1, 2]
    d.ok("filter", "delete", "5")
    assert router.ping("-c", "1", "-W", "1", check=False).returncode != 0
    d.ok("filter", "flush")
    assert rules(d) == []
    router.ping("-c", "1")
    conserved(d)


def test_priority_tag_hides_nothing(bench):
    d = bench.daemon
    d.ok("filter", "add", "in", "tap0", "drop", "icmp")
    ping = IP(src="10.0.1.2", dst="10.0.1.1") / ICMP()
    tag = Dot1Q(vlan=0, prio=5)
    bench.expect([Ether(src=MAC_LEFT, dst=bench.mac0) / p
                  for p in (ping, tag / ping, tag / tag / ping)], "filter-in")
    conserved(d)


def test_out(router):
    d = router.daemon
    router.ping("-c", "1")
    d.ok("filter", "add", "out", "tap1", "drop", "icmp")
    assert router.ping("-c", "1", "-W", "1", check=False).returncode != 0
    d.dropped("tap1", "filter-out", 1)
    conserved(d)


def test_zero(router):
    d = router.daemon
    d.ok("filter", "add", "7", "in", "tap0", "pass", "icmp")
    d.ok("filter", "add", "9", "in", "tap1", "pass", "icmp")
    router.ping("-c", "1")
    assert [r["packets"] for r in rules(d)] == [1, 1]
    d.ok("filter", "zero", "7")
    assert [r["packets"] for r in rules(d)] == [0, 1]
    router.ping("-c", "1")
    assert [r["packets"] for r in rules(d)] == [1, 2]
    d.ok("filter", "zero")
    assert [(r["packets"], r["bytes"]) for r in rules(d)] == [(0, 0)] * 2


def test_loopback(daemon):
    """The same words on an interface without link-level header."""
    daemon.ok("ifconfig", "lo0", "inet", "127.0.0.1/8", "up")
    daemon.ok("ping", "-c", "1", "127.0.0.1")
    daemon.ok("filter", "add", "in", "lo0", "drop", "icmp[0] == 8")
    assert daemon.ctl("ping", "-c", "1", "127.0.0.1").returncode != 0
    assert daemon.drops("lo0") == {"filter-in": 1}
    # Not about what a packet there does not have.
    daemon.ok("filter", "flush")
    daemon.ok("filter", "add", "in", "lo0", "drop", "ether broadcast")
    daemon.ok("ping", "-c", "1", "127.0.0.1")


def test_rule_waits_for_its_interface(daemon, netns):
    """By name: before it is there, after it has gone, when it is renamed."""
    daemon.ok("filter", "add", "in", "tap3", "drop", "icmp")
    for _ in range(2):
        ns = netns("h")
        daemon.tap(ns, "tap3", "10.3.0.1/24")
        ns.host("tap3", "10.3.0.2/24")
        done = ns.run("ping", "-n", "-c", "1", "-W", "1", "10.3.0.1",
                      check=False)
        assert done.returncode != 0
        daemon.dropped("tap3", "filter-in", 1)
        daemon.ok("ifconfig", "tap3", "destroy")
    assert rules(daemon)[0]["packets"] == 2
    ns = netns("h")
    daemon.tap(ns, "tap4", "10.3.0.1/24")
    ns.host("tap4", "10.3.0.2/24")
    ns.run("ping", "-n", "-c", "1", "10.3.0.1")
    daemon.ok("ifconfig", "tap4", "name", "tap3")
    assert ns.run("ping", "-n", "-c", "1", "-W", "1", "10.3.0.1",
                  check=False).returncode != 0


def test_vnets_have_their_own(daemon):
    daemon.ok("vnet", "create", "other")
    daemon.ok("filter", "add", "in", "any", "drop", vnet="other")
    assert rules(daemon) == []
    assert rules(daemon, vnet="other")[0]["filter"] == ""
    daemon.ok("vnet", "destroy", "other")


def test_refused(daemon):
    d = daemon
    assert "syntax" in d.bad("filter", "add", "in", "tap0", "drop",
                             "tcp dst", code=2)
    d.bad("filter", code=2)
    d.bad("filter", "add", "in", "tap0", code=2)
    d.bad("filter", "add", "sideways", "tap0", "drop", "tcp", code=2)
    d.bad("filter", "add", "in", "tap0", "lose", "tcp", code=2)
    d.bad("filter", "add", "0", "in", "tap0", "drop", "tcp", code=2)
    d.bad("filter", "add", "65536", "in", "tap0", "drop", "tcp", code=2)
    assert "no rule 10" in d.bad("filter", "delete", "10", code=1)
    assert "no rule 10" in d.bad("filter", "zero", "10", code=1)
    d.ok("filter", "add", "65535", "in", "tap0", "drop", "tcp")
    assert "65535" in d.bad("filter", "add", "65535", "in", "tap0", "drop",
                            "tcp", code=1)
    d.bad("filter", "add", "in", "tap0", "drop", "tcp", code=1)
    assert len(rules(d)) == 1


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
def test_privilege(daemon):
    daemon.socket.chmod(0o666)
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run([*user, str(IFCTL), "version"],
                      capture_output=True).returncode != 0:
        pytest.skip("cannot run as another user here")
    for words in (("filter", "flush"),
                  ("filter", "add", "in", "any", "drop", "tcp")):
        assert "denied" in daemon.bad(*words, prefix=user, code=1)
    assert "denied" in daemon.bad("dump", "lo0", prefix=user, code=1)
    daemon.ok("filter", "list", prefix=user)


def test_config_file(tmp):
    conf = tmp / "router.conf"
    conf.write_text('ifconfig pair1 create\n'
                    'filter add in pair1 drop "tcp dst port 23"\n'
                    'filter add 30 out any pass\n')
    d = Daemon(tmp, "-f", conf)
    assert [(r["number"], r["interface"], r["filter"])
            for r in rules(d)] == [(10, "pair1", "tcp dst port 23"),
                                   (30, "any", "")]
    finish(d)


def test_bad_config_file(tmp):
    conf = tmp / "router.conf"
    conf.write_text("ifconfig pair1 create\n"
                    "filter add in pair1 drop 'tcp dst'\n")
    d = Daemon(tmp, start=False)
    d.start("-f", conf, wait=False)
    wait_for(lambda: d.process.poll() is not None, what="it gives up")
    assert d.process.returncode != 0
    assert "router.conf:2" in d.text() and "syntax" in d.text()
    d.process = None
