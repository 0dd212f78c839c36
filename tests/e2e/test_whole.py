"""What is promised whole is made whole or not at all, also when the client is
killed in the middle of it."""

import random
import signal
import subprocess

from conftest import IFCTL, wait_for


def names(daemon):
    return daemon.ok("ifconfig", "-l").split()


def kill_in_the_middle(daemon, rng, *argv):
    """Start it, and kill it once it has created a number of interfaces."""
    many = rng.choice([1, 10, 300, 2500])
    client = subprocess.Popen([IFCTL, "-s", daemon.url, *argv],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    wait_for(lambda: client.poll() is not None or len(names(daemon)) > many,
             what="interfaces being created")
    client.send_signal(signal.SIGKILL)
    return client.wait() == -signal.SIGKILL


def test_many_created(daemon):
    before = names(daemon)
    rng = random.Random(33)
    killed = 0
    for argv in (("pair", "create", "20000"),
                 ("pair", "create", "8000", "mtu", "1400", "up"),
                 ("lo", "create", "20000", "group", "lab")) * 2:
        killed += kill_in_the_middle(daemon, rng, "ifconfig", *argv)
        wait_for(lambda: names(daemon) == before, what="all gone again")
    assert killed > 0
    assert "destroyed again" in daemon.text()
    # The next one is not disturbed.
    assert len(daemon.ok("ifconfig", "pair", "create", "100").split()) == 100
    assert len(names(daemon)) == len(before) + 100


def test_refused_in_the_middle(daemon):
    before = names(daemon)
    text = daemon.bad("ifconfig", "pair", "create", "300", "mtu", "60")
    assert "300 that had been created were destroyed again" in text
    text = daemon.bad("ifconfig", "pair0", "create", "inet", "10.0.0.1/24",
                      "mtu", "60")
    assert "pair0 is not created" in text
    assert names(daemon) == before
