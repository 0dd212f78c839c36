"""Snapshot, then follow: who replays what ifctl monitor says has the state of
the daemon, whatever happened meanwhile; and a reader too slow is told, and
recovers."""

import json
import threading


class Replica:
    """The daemon's interfaces and addresses as a listener knows them.  An
    event that does not fit is a gap or a repeat."""

    def __init__(self):
        self.links = {}
        self.addrs = set()
        self.seq = None
        self.overruns = self.lost = self.snapshots = 0

    def apply(self, e):
        assert self.seq is None or e["seq"] == self.seq + 1, e
        self.seq = e["seq"]
        handle, kind = e.get("handle"), e["event"]
        if kind == "overrun":
            assert e["lost"] > 0
            self.overruns += 1
            self.lost += e["lost"]
            self.links, self.addrs = {}, set()
        elif kind == "snapshot-end":
            self.snapshots += 1
        elif kind == "arrival" or (kind == "link" and e["snapshot"]):
            assert handle not in self.links, e
            self.links[handle] = [e["interface"], e["mtu"], e["state"]]
        elif kind == "link":
            assert self.links[handle][0] == e["interface"], e
            self.links[handle] = [e["interface"], e["mtu"], e["state"]]
        elif kind == "rename":
            assert self.links[handle][0] == e["oldname"], e
            self.links[handle][0] = e["interface"]
        elif kind == "departure":
            del self.links[handle]
            assert not [a for a in self.addrs if a[0] == handle], e
        elif kind == "addr-add":
            # Its interface may have gone before the snapshot came to it; then
            # the address goes, too.
            assert (handle, e["address"]) not in self.addrs, e
            self.addrs.add((handle, e["address"]))
        elif kind == "addr-delete":
            self.addrs.remove((handle, e["address"]))

    def check(self, daemon):
        there = daemon.show().values()
        assert self.links == {i["handle"]: [i["name"], i["mtu"], i["state"]]
                              for i in there}
        assert self.addrs == {
            (i["handle"], f'{a["address"]}/{a["prefixlen"]}')
            for i in there for a in i["addresses"]}


def churn(daemon, rounds, tag=0):
    """Much that happens, from one client.  It undoes all of it."""
    lines = []
    for n in range(rounds):
        a = f"pair{100 * tag + n % 7}"
        lines += [f"ifconfig {a} create",
                  f"ifconfig {a} 10.{tag}.{n % 250}.1/24 up",
                  f"ifconfig {a} mtu {1300 + n % 100}",
                  f"ifconfig {a} name x{tag}-{n}",
                  f"ifconfig x{tag}-{n} 10.{tag}.{n % 250}.1 delete",
                  f"ifconfig x{tag}-{n} destroy"]
    done = daemon.ctl(input="\n".join(lines) + "\n", stdin=None)
    assert done.returncode == 0, done.stderr


def read_until(child, replica, wanted):
    for line in child.stdout:
        e = json.loads(line)
        replica.apply(e)
        if wanted(e):
            return
    raise AssertionError("the monitor ended")


def test_no_gap_and_no_repeat(daemon):
    """Eight listeners begin in the middle of it all, of what their queues can
    hold however slowly they read."""
    for n in range(40):
        daemon.ok("ifconfig", f"lo{n + 1}", "create")
    threads = [threading.Thread(target=churn, args=(daemon, 60, tag))
               for tag in (1, 2)]
    for t in threads:
        t.start()
    listeners = [(daemon.popen("monitor", "--json", "-a"), Replica())
                 for _ in range(8)]
    for child, replica in listeners:
        read_until(child, replica, lambda e: e["event"] == "snapshot-end")
    for t in threads:
        t.join()
    daemon.ok("ifconfig", "pair77", "create")
    for child, replica in listeners:
        read_until(child, replica, lambda e:
                   e["event"] == "arrival" and e["interface"] == "pair77")
        assert replica.overruns == 0 and replica.snapshots == 1
        replica.check(daemon)


def test_slow_reader(daemon):
    """One that does not read loses for itself alone, is told how much, and has
    the whole state again without asking."""
    slow = daemon.popen("monitor", "--json", "-a")
    fast = daemon.popen("monitor", "--json", "-a")
    replicas = [Replica(), Replica()]
    # Both listen: a snapshot was taken of each.
    for child, replica in zip((slow, fast), replicas):
        read_until(child, replica, lambda e: e["event"] == "snapshot-end")
    # The fast one is never behind by more than its queue holds, however busy
    # this machine is.
    churn(daemon, 60)
    for n in range(70):
        daemon.ok("ifconfig", "pair", "create", "200")
        daemon.ok("ifconfig", "lo0", "mtu", str(9000 + n))
        read_until(fast, replicas[1], lambda e, n=n: e["event"] == "link" and
                   e["mtu"] == 9000 + n)
    assert replicas[1].overruns == 0
    replicas[1].check(daemon)

    read_until(slow, replicas[0], lambda e: e["event"] == "overrun")
    assert replicas[0].lost > 0
    read_until(slow, replicas[0], lambda e: e["event"] == "snapshot-end")
    replicas[0].check(daemon)
    # And what follows is news again.
    daemon.ok("ifconfig", "pair77", "mtu", "1234")
    read_until(slow, replicas[0], lambda e: e.get("mtu") == 1234)
    replicas[0].check(daemon)
