"""What is promised whole is made whole or not at all, also when the client is
killed in the middle of it."""

import random
import signal
import socket
import subprocess
import threading

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


class Cut:
    """A client of the daemon that passes a number of another one's requests
    on, and is gone: what a client leaves that is killed there."""

    def __init__(self, daemon, path):
        self.daemon = daemon
        self.path = str(path)
        self.requests = 0

    def relay(self, listener, limit):
        client, _ = listener.accept()
        listener.close()
        client.settimeout(20)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server.settimeout(20)
        server.connect(str(self.daemon.socket))
        with client, server:
            for self.requests in range(limit):
                message = client.recv(65536)
                if message == b"":
                    return
                server.send(message)
                if self.requests == limit - 1:
                    return
                while True:
                    answer = server.recv(65536)
                    client.send(answer)
                    if not answer[10] & 1:      # no more of them
                        break

    def run(self, limit, *argv):
        """Did the command get through with so many requests?"""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(self.path + str(limit))
        listener.listen()
        listener.settimeout(20)
        thread = threading.Thread(target=self.relay, args=(listener, limit))
        thread.start()
        done = subprocess.run([IFCTL, "-s", f"unix://{self.path}{limit}", *argv],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False, timeout=20)
        thread.join()
        return done.returncode == 0


def state(daemon, name):
    """All that can be set of it, without the address of the factory."""
    shown = daemon.ok("ifconfig", "-vm", name)
    return sorted(line for line in shown.splitlines()
                  if "put:" not in line and "\tlink " not in line)


LINES = [
    "10.0.0.9/24",
    "10.0.0.9/24 preference 5",
    "inet 10.0.5.1/24 alias preference 3",
    "inet 10.0.0.1/16",
    "mtu 1400 descr other up",
    "down group lan -group wan metric 4 10.0.7.1/24 broadcast 10.0.7.255",
    "link 02:00:00:00:00:09 active mtu 1300",
    "inet 10.0.1.1 delete debug",
]


def furnish(daemon):
    daemon.ok("ifconfig", "pair0", "create", "10.0.0.1/24", "descr",
              "uplink", "group", "wan", "link", "02:00:00:00:00:01", "active")
    daemon.ok("ifconfig", "pair0", "10.0.1.1/24", "alias")
    return state(daemon, "pair0")


def test_line_cut_at_every_point(daemon, tmp):
    """A line about an interface that is there leaves all of it or nothing,
    wherever its client is gone."""
    for n, line in enumerate(LINES):
        furnish(daemon)
        daemon.ok("ifconfig", "pair0", *line.split())
        after = state(daemon, "pair0")
        daemon.ok("ifconfig", "pair0", "destroy")
        before = furnish(daemon)
        assert before != after
        cut = Cut(daemon, tmp / f"s{n}-")
        for limit in range(1, 40):
            done = cut.run(limit, "ifconfig", "pair0", *line.split())
            wait_for(lambda: state(daemon, "pair0") in (before, after),
                     what=f"{line}: {limit} requests")
            if done or state(daemon, "pair0") == after:
                break
        assert state(daemon, "pair0") == after and limit > 3, line
        daemon.ok("ifconfig", "pair0", "destroy")


def test_line_killed(daemon):
    """The same, killed in earnest."""
    daemon.ok("ifconfig", "pair0", "create", "mtu", "1400", "descr", "a",
              "10.0.0.1/24")
    rng = random.Random(7)
    for i in range(60):
        before = state(daemon, "pair0")
        mtu, last = 1300 + i, 2 + i
        client = subprocess.Popen(
            [IFCTL, "-s", daemon.url, "ifconfig", "pair0", "mtu", str(mtu),
             "descr", f"d{i}", f"10.0.0.{last}/24"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(rng.randrange(60000)):
            pass
        client.send_signal(signal.SIGKILL)
        client.wait()

        def settled():
            shown = "\n".join(state(daemon, "pair0"))
            new = [f"mtu {mtu}" in shown, f"d{i}" in shown,
                   f"10.0.0.{last}" in shown]
            return state(daemon, "pair0") == before or all(new)
        wait_for(settled, what="nothing or all of it")

