"""Each word that names a thing takes part in finding it: a wrong one is an
error, and nothing is done."""

import pytest


@pytest.fixture
def set_up(daemon):
    for n in (0, 1):
        daemon.ok("ifconfig", f"pair{n}", "create")
        daemon.ok("ifconfig", f"pair{n}", f"10.0.{n}.1/24", "up")
    daemon.ok("route", "add", "10.9.0.0/16", "10.0.0.2")
    daemon.ok("route", "add", "10.8.0.0/16", "-iface", "pair0")
    daemon.ok("route", "add", "10.7.0.0/16", "-blackhole")
    daemon.ok("route", "add", "10.6.0.0/16", "-reject")
    daemon.ok("filter", "add", "10", "in", "any", "drop", "arp")
    return daemon


def state(daemon):
    return (daemon.ok("ifconfig", "-a"), daemon.ok("route", "show"),
            daemon.ok("filter", "list"), daemon.ok("vnet", "list"))


@pytest.mark.parametrize("words", [
    ("route", "delete", "10.9.0.0/16", "10.0.0.3"),
    ("route", "delete", "10.9.0.0/16", "10.0.1.2"),
    ("route", "delete", "10.9.0.0/17", "10.0.0.2"),
    ("route", "delete", "10.9.0.0/16", "-iface", "pair1"),
    ("route", "delete", "10.9.0.0/16", "-iface", "nosuch0"),
    ("route", "delete", "10.9.0.0/16", "-ifp", "pair1"),
    ("route", "delete", "10.9.0.0/16", "-ifa", "10.0.1.1"),
    ("route", "delete", "10.9.0.0/16", "10.0.0.2", "-ifp", "pair1"),
    ("route", "delete", "-net", "10.9.0.0", "-netmask", "255.255.255.0"),
    ("route", "delete", "10.8.0.0/16", "10.0.0.2"),
    ("route", "delete", "10.8.0.0/16", "-iface", "pair1"),
    ("route", "delete", "10.9.0.0/16", "-mtu", "1400"),
    ("route", "delete", "10.9.0.0/16", "-reject"),
    ("route", "delete", "10.0.0.1"),
    ("route", "delete", "10.7.0.0/16", "-ifp", "pair0"),
    ("route", "delete", "10.7.0.0/16", "-iface", "pair0"),
    ("route", "delete", "10.7.0.0/16", "10.0.0.2"),
    ("route", "delete", "10.7.0.0/16", "-reject"),
    ("route", "delete", "10.6.0.0/16", "-blackhole"),
    ("route", "get", "10.9.0.1", "10.0.0.2"),
    ("route", "get", "-ifp", "pair1", "10.9.0.1"),
    ("ifconfig", "pair0", "10.0.0.1/16", "delete"),
    ("ifconfig", "pair0", "10.0.0.1", "netmask", "0xffff0000", "delete"),
    ("ifconfig", "pair0", "10.0.0.1", "broadcast", "10.0.0.9", "delete"),
    ("ifconfig", "pair0", "10.0.0.2", "delete"),
    ("ifconfig", "pair1", "10.0.0.1", "delete"),
    ("ifconfig", "pair0", "10.0.0.1/24", "preference", "3", "delete"),
    ("ifconfig", "pair0", "link", "02:00:00:00:00:99", "delete"),
    ("ifconfig", "pair0", "-group", "nosuch"),
    ("ifconfig", "-v", "pair0", "mtu", "1400"),
    ("filter", "delete", "11"),
    ("filter", "zero", "11"),
    ("vnet", "destroy", "nosuch"),
    ("-n", "nosuch", "vnet", "list"),
    ("-n", "nosuch", "vnet", "destroy", "default"),
    ("-n", "nosuch", "halt"),
    ("-n", "nosuch", "show"),
    ("netstat", "-r", "-I", "nosuch0"),
    ("netstat", "-i", "-I", "nosuch0"),
    ("netstat", "-s", "-I", "pair0"),
    ("netstat", "-i", "-r"),
    ("netstat", "-i", "-c", "3"),
    ("show", "nosuch0"),
    ("arp", "-d", "10.0.0.9"),
    ("arp", "-d", "-a", "10.0.0.9"),
    ("arp", "--json", "-d", "10.0.0.9"),
])
def test_wrong_word(set_up, words):
    before = state(set_up)
    set_up.bad(*words)
    assert state(set_up) == before


@pytest.mark.parametrize("words", [
    ("route", "delete", "10.9.0.0/16", "10.0.0.2"),
    ("route", "delete", "10.9.0.0/16", "-iface", "pair0"),
    ("route", "delete", "10.9.0.0/16", "10.0.0.2", "-ifp", "pair0"),
    ("route", "delete", "10.9.0.0/16", "-ifa", "10.0.0.1"),
    ("route", "delete", "10.9.0.0/16"),
    ("route", "delete", "10.8.0.0/16", "-iface", "pair0"),
    ("route", "delete", "10.7.0.0/16"),
    ("ifconfig", "pair0", "10.0.0.1/24", "delete"),
    ("ifconfig", "pair0", "10.0.0.1", "broadcast", "10.0.0.255", "delete"),
    ("ifconfig", "pair0", "10.0.0.1", "delete"),
    ("ifconfig", "pair0", "delete"),
    ("filter", "delete", "10"),
])
def test_right_words(set_up, words):
    before = state(set_up)
    set_up.ok(*words)
    assert state(set_up) != before


def test_the_reason(set_up):
    for words, why in (
            (("route", "delete", "10.9.0.0/16", "10.0.0.3"),
             "has the gateway 10.0.0.2"),
            (("route", "delete", "10.9.0.0/16", "-ifp", "pair1"),
             "leads out of pair0, not pair1"),
            (("ifconfig", "pair0", "10.0.0.1/16", "delete"),
             "another netmask"),
            (("route", "delete", "10.0.0.1"), "belongs to an address")):
        text = set_up.bad(*words)
        assert why in text and "root" not in text, text


def test_vnet_created_from_nowhere(daemon):
    assert "no vnet named nosuch" in daemon.bad("vnet", "create", "red",
                                                vnet="nosuch")
    assert "red" not in daemon.ok("vnet", "list")
    daemon.ok("vnet", "create", "red", vnet="red")
