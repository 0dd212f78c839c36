"""ifctl show --json, for programs."""

import json

from conftest import conserved


def test_show_all(router):
    found = router.daemon.show()
    assert {"lo0", "tap0", "tap1"} == set(found)
    tap0 = found["tap0"]
    assert tap0["mtu"] == 1500
    assert "UP" in tap0["flags"]
    assert len(tap0["lladdr"].split(":")) == 6
    assert [(a["family"], a["address"], a["prefixlen"])
            for a in tap0["addresses"]] == [("inet", "10.0.1.1", 24)]
    assert isinstance(tap0["index"], int) and tap0["index"] > 0


def test_one(router):
    answer = json.loads(router.daemon.ok("show", "--json", "tap1"))
    assert len(answer) == 1 and answer[0]["name"] == "tap1"


def test_drops_by_reason(router):
    assert router.daemon.show("tap0")["drops"] == {}
    router.ping("-c", "1", "-t", "1", check=False)
    assert router.daemon.show("tap0")["drops"] == {"ip-ttl": 1}


def test_counters_are_the_ones_of_netstat(router):
    router.ping("-c", "3", "-i", "0.2")
    router.left.ip("link", "set", "tap0", "down")
    found = router.daemon.show("tap0")
    row = next(line for line in router.daemon.ok(
        "netstat", "-i", "-n").splitlines() if line.startswith("tap0"))
    assert str(found["counters"]["ipackets"]) in row.split()
    conserved(router.daemon)


def test_strings_are_escaped(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("ifconfig", "pair0", "descr", 'a "b" \\ c\x01é')
    assert daemon.show("pair0")["description"] == 'a "b" \\ c\x01é'


def test_words_for_people(router):
    text = router.daemon.ok("show")
    assert "tap0" in text and "10.0.1.1" in text


def test_netstat_json(router):
    router.ping("-c", "1")
    json.loads(router.daemon.ok("netstat", "-s", "--json"))
    json.loads(router.daemon.ok("vnet", "list", "--json"))
