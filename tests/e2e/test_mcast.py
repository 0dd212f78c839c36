"""Groups of interfaces: joined for a client, reported by MLD and IGMP, seen by
a Linux bridge that snoops."""

import json
import signal
import subprocess

from conftest import IFCTL, wait_for

GROUP6, GROUP4 = "ff05::1234", "239.1.2.3"


def groups(daemon, *options):
    return json.loads(daemon.ok("ifmcstat", "--json", *options))


def joined(daemon, ifname="tap0"):
    return {g["group"] for g in groups(daemon, "-i", ifname)}


class Join:
    """ifctl mcast join, until the end of the block."""

    def __init__(self, daemon, ifname, *names):
        self.daemon = daemon
        self.process = subprocess.Popen(
            [IFCTL, "-s", daemon.url, "mcast", "join", ifname, *names],
            stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        assert "has joined" in self.process.stdout.readline()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait() == 0


def test_client(bench):
    """A client's groups are shown, counted, and gone when it ends."""
    d = bench.daemon
    assert GROUP6 not in joined(d)
    with Join(d, "tap0", GROUP6, GROUP4):
        assert {GROUP6, GROUP4} <= joined(d)
        with Join(d, "tap0", GROUP6):
            [group] = [g for g in groups(d, "-f", "inet6")
                       if g["group"] == GROUP6]
            assert group["joins"] == 2 and group["own"] == 0
            assert group["lladdr"] == "33:33:00:00:12:34"
            assert group["version"] == "mldv2"
        assert GROUP6 in joined(d)
        assert f"group {GROUP4} refcount 1" in d.ok("ifmcstat")
    wait_for(lambda: not {GROUP6, GROUP4} & joined(d))
    # However it ends.
    join = Join(d, "tap0", GROUP6).__enter__()
    join.process.kill()
    join.process.wait()
    wait_for(lambda: GROUP6 not in joined(d))


def test_refused(bench):
    d = bench.daemon
    for words, text in ((("tap0", "10.0.1.1"), "not the address of a group"),
                        (("tap9", GROUP6), "tap9"),
                        (("tap0",), "wanted")):
        done = d.ctl("mcast", "join", *words)
        assert done.returncode != 0 and text in done.stderr
    d.ok("sysctl", "-w", "net.multicast.maxgroups=0")
    done = d.ctl("mcast", "join", "tap0", GROUP6)
    assert done.returncode == 1 and "net.multicast.maxgroups" in done.stderr


def test_bridge(router):
    """A bridge of Linux that snoops and asks has our groups in its table."""
    d, ns = router.daemon, router.left
    ns.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1",
           "mcast_querier", "1", "mcast_igmp_version", "3",
           "mcast_mld_version", "2", "mcast_query_response_interval", "100",
           "mcast_startup_query_interval", "100")
    ns.run("ip", "link", "set", "br0", "up")
    ns.run("ip", "link", "set", "tap0", "master", "br0")

    def table():
        out = ns.run("bridge", "-j", "mdb", "show", "dev", "br0").stdout
        return {e["grp"] for m in json.loads(out) for e in m.get("mdb", [])
                if e.get("port") == "tap0"}

    with Join(d, "tap0", GROUP6, GROUP4):
        wait_for(lambda: {GROUP6, GROUP4} <= table(), what=str(table()))
    wait_for(lambda: not {GROUP6, GROUP4} & table())
