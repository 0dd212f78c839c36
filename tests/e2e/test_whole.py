"""What is promised whole is made whole or not at all, also when the client is
killed in the middle of it."""

import random
import re
import signal
import socket
import subprocess
import threading
import time

from conftest import IFCTL, LONG, run, wait_for


def names(daemon):
    return daemon.ok("ifconfig", "-l").split()


def kill_in_the_middle(daemon, rng, argv):
    """Start it, and kill it once it has created a number of interfaces.  Were
    all of them destroyed again?  False: it was through before it was killed,
    and they are there, all."""
    before = names(daemon)
    many = rng.choice([1, 10, 300, 2500])
    client = subprocess.Popen([IFCTL, "-s", daemon.url, "ifconfig", *argv],
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    wait_for(lambda: client.poll() is not None or
             len(names(daemon)) - len(before) > many,
             what="interfaces being created")
    client.send_signal(signal.SIGKILL)
    client.wait()
    undone = True

    def gone():
        nonlocal undone
        left = set(names(daemon)) - set(before)
        if len(left) == int(argv[2]):
            undone = False
            assert daemon.stop() == 0
            daemon.start()
        return names(daemon) == before

    wait_for(gone, what="all gone again")
    return undone


def test_many_created(daemon):
    before = names(daemon)
    rng = random.Random(33)
    killed = 0
    # More often where this machine is too busy to kill one in time.
    for n in range(12):
        for argv in (("pair", "create", "20000"),
                     ("pair", "create", "8000", "mtu", "1400", "up"),
                     ("lo", "create", "20000", "group", "lab")):
            killed += kill_in_the_middle(daemon, rng, argv)
        if n > 0 and killed > 0:
            break
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
        client.settimeout(LONG)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server.settimeout(LONG)
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
        listener.settimeout(LONG)
        thread = threading.Thread(target=self.relay, args=(listener, limit))
        thread.start()
        done = subprocess.run([IFCTL, "-s", f"unix://{self.path}{limit}",
                               *argv], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False,
                              timeout=LONG)
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



def listing(daemon):
    """All that commands may change, without numbers that are new each
    time."""
    shown = [daemon.ok("ifconfig", "-a"), daemon.ok("route", "-n", "show"),
             daemon.ok("arp", "-an"), daemon.ok("vnet", "list"),
             daemon.ok("filter", "list"),
             daemon.ok("sysctl", "net.inet.ip.forwarding")]
    return re.sub(r"link#\d+|(address|put): .*", "", "".join(shown))


def killed_at(daemon, argv, bound):
    """Run it and kill it after a time; was it killed?"""
    client = subprocess.Popen([IFCTL, "-s", daemon.url, *argv],
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        client.wait(bound)
    except subprocess.TimeoutExpired:
        client.send_signal(signal.SIGKILL)
    return client.wait() == -signal.SIGKILL


def lines(daemon, *text):
    run(IFCTL, "-s", daemon.url, input="\n".join(text) + "\n", check=True)


PAIR2 = ["ifconfig pair2 create mtu 1300"]

# Lines that are done whole or not at all, and how each is taken back.
WHOLE = [
    ("ifconfig lo create 400 mtu 1400 up",
     [f"ifconfig lo{i} destroy" for i in range(1, 401)]),
    ("ifconfig pair8 create peer red:pair8 10.8.0.1/24 mtu 1300 up",
     ["ifconfig pair8 destroy", "-n red ifconfig pair8 destroy"]),
    ("ifconfig pair0 10.0.7.9/24 alias mtu 1400 descr x group lan -arp",
     ["ifconfig pair0 10.0.7.9 -alias mtu 1500 -descr -group lan arp"]),
    ("ifconfig pair2 name north mtu 1400 vnet red",
     ["-n red ifconfig north name pair2", "-n red ifconfig pair2 vnet default",
      "ifconfig pair2 mtu 1300"]),
    ("vnet create green", ["vnet destroy green"]),
    ("route add default 10.0.0.254", ["route delete default"]),
    ("route change 10.9.0.0/16 10.0.0.253",
     ["route change 10.9.0.0/16 10.0.0.254"]),
    ("arp -s 10.0.0.77 02:00:00:00:00:77", ["arp -d 10.0.0.77"]),
    ("filter add 7 in any drop udp", ["filter delete 7"]),
    ("sysctl -w net.inet.ip.forwarding=1",
     ["sysctl -w net.inet.ip.forwarding=0"]),
    ("ifconfig pair2 destroy", PAIR2),
]


def test_killed_anywhere(daemon):
    """Every kind of command that changes something, killed at moments spread
    over the time that it takes."""
    rng = random.Random(2)
    killed = []
    lines(daemon, "vnet create red", "ifconfig pair0 create 10.0.0.1/24 up",
          "route add 10.9.0.0/16 10.0.0.254", *PAIR2)
    before = listing(daemon)
    for line, back in WHOLE:
        start = time.monotonic()
        daemon.ctl(*line.split(), check=True)
        took = time.monotonic() - start
        after = listing(daemon)
        assert before != after, line
        lines(daemon, *back)
        assert listing(daemon) == before, line
        for _ in range(10):
            killed.append(killed_at(daemon, line.split(),
                                    rng.random() * took))
            wait_for(lambda: listing(daemon) in (before, after),
                     what=f"nothing or all of: {line}")
            if listing(daemon) == after:
                lines(daemon, *back)
    assert any(killed)
    assert "cannot be" not in daemon.text()


def test_killed_while_deleting(daemon, tmp):
    """What deletes many things leaves the rest as it was."""
    routes = [f"route add 10.{i >> 8}.{i & 255}.0/24 10.255.0.2"
              for i in range(8000)]
    neighbours = [f"arp -s 10.255.{i >> 8}.{i & 255} 02:00:00:00:00:01"
                  for i in range(2, 2000)]
    # By the daemon itself: so many requests take a busy machine long.
    (tmp / "conf").write_text("\n".join([
        "ifconfig pair0 create 10.255.0.1/16 up", *routes, *neighbours]))
    assert daemon.stop() == 0
    daemon.start("-f", tmp / "conf")
    rng = random.Random(5)
    for show, argv in ((("route", "-n", "show"), ("route", "flush")),
                       (("arp", "-an"), ("arp", "-d", "-a"))):
        before = daemon.ok(*show).splitlines()
        for _ in range(6):
            killed_at(daemon, argv, rng.random() * 0.03)
            left = daemon.ok(*show).splitlines()
            assert set(left) <= set(before)
        daemon.ctl(*argv, check=True)
    assert daemon.ok("arp", "-an") == ""


def test_file_is_whole_by_line(daemon, tmp):
    """Lines before the one that is refused stay, and nothing of that; the
    file is mended and applied again."""
    conf = tmp / "lab.conf"
    text = ("ifconfig pair0 create 10.0.0.1/24\n"
            "route add 10.9.0.0/16 10.0.0.254\n"
            "ifconfig pair2 create descr x mtu 60\n"
            "ifconfig pair4 create\n")
    conf.write_text(text)
    assert "lab.conf:3: " in daemon.bad("-f", str(conf))
    assert names(daemon) == ["lo0", "pair0"]
    assert "10.9.0.0/16" in daemon.ok("route", "-n", "show")
    conf.write_text(text.replace("mtu 60", "mtu 1400"))
    daemon.ok("-f", str(conf))
    assert names(daemon) == ["lo0", "pair0", "pair2", "pair4"]
