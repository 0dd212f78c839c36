"""Several stacks in one daemon."""

import re

import pytest

from conftest import conserved


@pytest.fixture
def two(daemon):
    daemon.ok("vnet", "create", "red")
    daemon.ok("vnet", "create", "blue")
    return daemon


def names(daemon):
    return [line.split()[0] for line in
            daemon.ok("vnet", "list").splitlines()]


def test_create_list_destroy(two):
    assert {"red", "blue"} <= set(names(two))
    two.ok("vnet", "destroy", "red")
    assert "red" not in names(two)
    two.bad("ifconfig", "-a", vnet="red")
    assert re.search("exists", two.bad("vnet", "create", "blue"))


def test_each_has_its_own(two):
    two.ok("ifconfig", "pair0", "create", vnet="red")
    two.ok("ifconfig", "pair0", "create", vnet="blue")
    two.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", vnet="red")
    two.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", vnet="blue")
    assert "10.0.0.1" not in two.ok("ifconfig", "-a")
    two.ok("sysctl", "-w", "net.inet.ip.forwarding=1", vnet="red")
    assert two.sysctl("net.inet.ip.forwarding", vnet="red") == "1"
    assert two.sysctl("net.inet.ip.forwarding", vnet="blue") == "0"
    assert "lo0" in two.ok("ifconfig", "-l", vnet="red")


def test_pair_between_two(two):
    two.ok("ifconfig", "pair0", "create", "peer", "blue:pair0", vnet="red")
    two.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", "up", vnet="red")
    two.ok("ifconfig", "pair0", "inet", "10.0.0.2/24", "up", vnet="blue")
    out = two.ok("ping", "-n", "-c", "2", "-i", "0.2", "10.0.0.2",
                 vnet="red")
    assert "2 packets received" in out
    for v in ("red", "blue"):
        conserved(two, vnet=v)


def test_chain_of_routers(daemon):
    """Five routers in a row, all in the daemon: the TTL shows each."""
    n = 5
    for i in range(n):
        daemon.ok("vnet", "create", f"r{i}")
        daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=1", vnet=f"r{i}")
    for i in range(n - 1):
        daemon.ok("ifconfig", "pair1", "create", "peer", f"r{i + 1}:pair0",
                  vnet=f"r{i}")
        daemon.ok("ifconfig", "pair1", "inet", f"10.0.{i}.1/24", "up",
                  vnet=f"r{i}")
        daemon.ok("ifconfig", "pair0", "inet", f"10.0.{i}.2/24", "up",
                  vnet=f"r{i + 1}")
    for i in range(n):
        if i < n - 1:
            daemon.ok("route", "add", "default", f"10.0.{i}.2",
                      vnet=f"r{i}")
        for j in range(i - 1):
            daemon.ok("route", "add", "-net", f"10.0.{j}.0/24",
                      f"10.0.{i - 1}.1", vnet=f"r{i}")
    out = daemon.ok("ping", "-n", "-c", "1", "10.0.3.2", vnet="r0")
    assert "ttl=61" in out
    for i in range(n):
        conserved(daemon, vnet=f"r{i}")


def test_destroy_with_everything_in_it(two):
    two.ok("ifconfig", "pair0", "create", "peer", "blue:pair0", vnet="red")
    two.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", "up", vnet="red")
    two.ok("ifconfig", "pair0", "inet", "10.0.0.2/24", "up", vnet="blue")
    two.ok("route", "add", "default", "10.0.0.2", vnet="red")
    two.ok("ping", "-n", "-c", "1", "10.0.0.2", vnet="red")
    two.ok("vnet", "destroy", "red")
    two.ok("ifconfig", "-a", vnet="blue")
    two.ok("vnet", "destroy", "blue")


@pytest.mark.concurrent
def test_again_and_again(daemon):
    for _ in range(20):
        daemon.ok("vnet", "create", "v")
        daemon.ok("ifconfig", "pair0", "create", vnet="v")
        daemon.ok("vnet", "destroy", "v")
