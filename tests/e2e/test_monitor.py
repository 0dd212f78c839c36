"""ifctl monitor and route monitor: what changed, complete and in order."""

import json
import re
import signal
import threading

import pytest

from conftest import LONG, wait_for


class Monitor:
    def __init__(self, daemon, *argv):
        self.child = daemon.popen(*argv)
        self.lines = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    def text(self):
        return "\n".join(self.lines)

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            code = self.child.wait(LONG)
            assert code in (0, 130, -signal.SIGINT)
        self.thread.join(LONG)


@pytest.fixture
def monitor(daemon):
    made = []

    def make(*argv):
        m = Monitor(daemon, *argv)
        made.append(m)
        # It listens once something new is announced.
        n = 0

        def listening():
            nonlocal n
            n += 1
            daemon.ok("ifconfig", "lo0", "metric", str(n % 2 + 1))
            daemon.ok("ifconfig", "lo", "create")
            daemon.ok("ifconfig", "lo1", "destroy")
            return "lo1" in m.text()

        wait_for(listening, what="the monitor listens")
        return m

    yield make
    for m in made:
        m.stop()


def test_life_of_an_interface(daemon, monitor):
    m = monitor("monitor")
    start = len(m.lines)
    daemon.ok("ifconfig", "pair7", "create")
    daemon.ok("ifconfig", "pair7", "inet", "10.7.0.1/24", "up")
    daemon.ok("ifconfig", "pair7", "destroy")
    wait_for(lambda: re.search("pair7.*(depart|gone)|(depart|gone).*pair7",
                               m.text(), re.I), what=m.text())
    text = "\n".join(m.lines[start:])
    for pattern in (r"arriv", r"10\.7\.0\.1", r"10\.7\.0\.0/24|10\.7\.0/24",
                    r"depart|gone"):
        assert re.search(pattern, text, re.I), (pattern, text)
    # In this order.
    assert re.search(r"arriv.*10\.7\.0\.1.*(depart|gone)", text, re.I | re.S)



def test_what_became_of_an_address(daemon, monitor):
    """Two interfaces with one address, on one wire: the second one finds
    out."""
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("vnet", "create", "other")
    daemon.ok("ifconfig", "pair1", "vnet", "other")
    daemon.ok("ifconfig", "pair1", "10.8.0.1/24", "up", vnet="other")
    daemon.ok("sysctl", "-w", "net.inet.ip.dad_count=1")
    words, lines = monitor("monitor", "--json"), monitor("monitor")
    daemon.ok("ifconfig", "pair0", "10.8.0.1/24", "up")
    wait_for(lambda: "addr-change" in words.text())
    events = [json.loads(line) for line in words.lines]
    first, last = [e for e in events if e.get("interface") == "pair0" and
                   e["event"].startswith("addr-")]
    assert first["event"] == "addr-add" and first["tentative"] is True
    assert last["event"] == "addr-change" and last["duplicated"] is True
    assert "tentative" not in last and last["address"] == "10.8.0.1/24"
    wait_for(lambda: re.search(r"pair0 10\.8\.0\.1/24 \S+ duplicated",
                               lines.text()), what=lines.text())


def test_visible_before_announced(daemon, monitor):
    """Whoever looks when it hears of an interface finds it."""
    m = monitor("monitor")
    daemon.ok("ifconfig", "pair7", "create")
    wait_for(lambda: "pair7" in m.text())
    daemon.ok("ifconfig", "pair7")


def test_nothing_is_announced_twice(daemon, monitor):
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("ifconfig", "pair0", "up")
    m = monitor("monitor")
    start = len(m.lines)
    daemon.ok("ifconfig", "pair0", "up")        # is up already
    daemon.ok("ifconfig", "pair0", "mtu", "1500")   # is 1500 already
    daemon.ok("ifconfig", "pair0", "down")
    daemon.ok("ifconfig", "pair0", "mtu", "1400")
    wait_for(lambda: "1400" in "\n".join(m.lines[start:]), what=m.text())
    about = [x for x in m.lines[start:] if "pair0" in x]
    assert len(about) <= 3, about       # down, carrier, mtu


def test_routes_and_neighbours(router):
    m = Monitor(router.daemon, "monitor")
    try:
        def heard():
            router.daemon.ok("route", "add", "-net", "192.0.2.0/24",
                             "10.0.1.2")
            router.daemon.ok("route", "delete", "-net", "192.0.2.0/24")
            return m.text().count("192.0.2.0/24") >= 2

        wait_for(heard)
        router.daemon.ok("arp", "-s", "10.0.2.99", "02:00:00:00:00:99")
        wait_for(lambda: "10.0.2.99" in m.text(), what=m.text())
        router.daemon.ok("arp", "-d", "10.0.2.99")
        wait_for(lambda: re.search(r"neighbour deleted .*10\.0\.2\.99",
                                   m.text()), what=m.text())
    finally:
        m.stop()


def test_bsd_route_monitor(daemon, monitor):
    m = monitor("route", "monitor")
    daemon.ok("ifconfig", "pair7", "create")
    daemon.ok("ifconfig", "pair7", "inet", "10.7.0.1/24", "up")
    wait_for(lambda: re.search(r"RTM_NEWADDR", m.text()), what=m.text())
    assert re.search(r"RTM_IFANNOUNCE.*", m.text())


def test_json(daemon, monitor):
    m = monitor("monitor", "--json")
    daemon.ok("ifconfig", "pair7", "create")
    wait_for(lambda: "pair7" in m.text())
    events = [json.loads(line) for line in m.lines if line.strip()]
    news = [e["seq"] for e in events if not e.get("snapshot")]
    assert news == list(range(news[0], news[0] + len(news)))


@pytest.mark.concurrent
def test_several_routes_to_one_destination(daemon, monitor):
    """Which one is used, and who asked for it."""
    daemon.ok("ifconfig", "pair0", "create", "10.0.0.1/24", "up")
    text, objects = monitor("monitor"), monitor("monitor", "--json")
    daemon.ok("route", "add", "10.9.0.0/16", "10.0.0.2", "-metric", "7",
              "-proto", "bgp")
    daemon.ok("route", "add", "10.9.0.0/16", "10.0.0.3", "-metric", "3")
    daemon.ok("route", "delete", "10.9.0.0/16")

    def told(m):
        return [x for x in m.lines if "10.9.0.0/16" in x]
    wait_for(lambda: len(told(text)) == 5 and len(told(objects)) == 5)
    assert [re.sub(r"^\S+ \d+ ", "", x) for x in told(text)] == [
        f"{what} pair0 10.9.0.0/16 gateway 10.0.0.{n} flags {flags} metric "
        f"{more}" for what, n, flags, more in (
            ("route added", 2, "UGS", "7 proto bgp"),
            ("route changed", 2, "GS", "7 proto bgp"),
            ("route added", 3, "UGS", "3"),
            ("route deleted", 3, "UGS", "3"),
            ("route changed", 2, "UGS", "7 proto bgp"))]
    last = json.loads(told(objects)[-1])
    assert (last["metric"], last["protocol"]) == (7, "bgp")


def test_complete_under_load(daemon, monitor):
    """Four listeners, many changes: each hears all of them, in order, or
    is told how many it missed."""
    monitors = [monitor("monitor", "--json") for _ in range(4)]
    for i in range(100):
        daemon.ok("ifconfig", "pair7", "create")
        daemon.ok("ifconfig", "pair7", "destroy")
    daemon.ok("ifconfig", "pair99", "create")
    for m in monitors:
        wait_for(lambda m=m: "pair99" in m.text())
        events = [json.loads(line) for line in list(m.lines) if line.strip()]
        last = None
        for e in events:
            if e.get("snapshot"):
                continue
            if last is not None and e["event"] != "overrun":
                assert e["seq"] == last + 1, e
            last = e["seq"]


def test_daemon_goes(daemon, monitor):
    m = monitor("monitor")
    daemon.children.clear()
    assert daemon.stop() == 0
    assert m.child.wait(LONG) != 97
    m.thread.join(LONG)
