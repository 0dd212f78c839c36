"""The end of a vnet, and of the daemon, in the middle of everything: creations,
renames, moves and requests that sleep in a driver (driver/if_slow.c), with
packets, followers and captures."""

import os
import pathlib
import random
import subprocess
import threading

import pytest

from conftest import LONG, Daemon, finish, wait_for


@pytest.fixture(scope="module")
def drivers(installed, tmp_path_factory):
    top = tmp_path_factory.mktemp("slow")
    installed.driver(pathlib.Path(__file__).parent / "driver/if_slow.c", top)
    return top


@pytest.fixture
def d(tmp, drivers):
    d = Daemon(tmp, start=False)
    d.start(env=dict(os.environ, IFNET_MODULES=str(drivers)))
    d.ok("vnet", "create", "far")
    yield d
    finish(d)


CHANGES = [
    "ifconfig slow{n} create",
    "ifconfig slow{n} create",
    "ifconfig slow{n} 10.{n}.0.1/24 up",
    "ifconfig slow{n} name s{n}",
    "ifconfig s{n} name slow{n}",
    "ifconfig slow{n} vnet far",
    "ifconfig slow{n} destroy",
    "ifconfig pair{n} create peer far:pair{n}",
    "ifconfig pair{n} 10.2{n}.0.1/24 up",
    "ifconfig pair{n} name wire{n}",
    "ifconfig pair{n} vnet far",
    "ifconfig pair{n} destroy",
    "arp -s 10.{n}.0.9 02:00:00:00:00:09",
    "route add 172.{n}.0.0/16 10.{n}.0.9",
    "ping -c 1 -w 1 10.{n}.0.9",
    "ping -c 1 -w 1 172.{n}.0.9",
    "ifconfig slow{n} down",
    "dump -c 1 slow{n}",
    "ifconfig -a",
    "route flush",
]


def stir(d, vnet, seed, stop, done):
    """Changes in a vnet, until it is gone.  Any of them may be refused, but
    none may wait for ever.  The words of each are added to done."""
    rng = random.Random(seed)
    while not stop.is_set():
        line = rng.choice(CHANGES).format(n=rng.randrange(3)).split()
        child = d.popen(*line, vnet=vnet)
        try:
            child.wait(0.4 if line[0] in ("dump", "ping") else LONG)
        except subprocess.TimeoutExpired:
            if line[0] not in ("dump", "ping"):
                raise
            child.kill()
            child.wait(LONG)
        done.append(line)


@pytest.mark.concurrent
@pytest.mark.parametrize("end", ["vnet destroy", "both", "halt"])
def test_in_the_middle(d, end):
    for round_ in range(3):
        d.ok("vnet", "create", "red")
        d.popen("monitor", vnet="red")
        d.popen("watch", vnet="red")
        stop = threading.Event()
        errors, done = [], []

        def body(seed):
            try:
                stir(d, "red", seed, stop, done)
            except Exception as e:
                errors.append(e)

        threads = [threading.Thread(target=body, args=(10 * round_ + i,))
                   for i in range(4)]
        for t in threads:
            t.start()
        try:
            wait_for(lambda: len(done) > 40 and
                     "slow" in d.ok("ifconfig", "-l", vnet="red"))
            if end == "halt":
                d.ok("halt")
                assert d.process.wait(LONG) == 0
            else:
                d.ok("vnet", "destroy", "red")
                if end == "both":
                    d.ok("vnet", "destroy", "far")
        finally:
            stop.set()
            for t in threads:
                t.join(LONG)
        assert errors == []
        assert "assert" not in d.text()
        if end == "halt":
            break
        if end == "both":
            d.ok("vnet", "create", "far")
        assert "red" not in d.ok("vnet", "list").split()
    if end != "halt":
        # The first vnet goes on.
        d.ok("ping", "-c", "1", "127.0.0.1")
