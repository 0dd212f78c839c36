"""What the end-to-end tests share: a daemon of their own, network namespaces,
raw frames, and the client's answers.

The tests run in a sandbox (scripts/sandbox): network namespaces, interfaces
and processes made here are gone when it ends.  Each test has its own daemon,
socket and namespaces, and takes them down itself all the same.
"""

import collections
import ctypes
import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("IFNET_BUILD", ROOT / "build"))
IFNETD = BUILD / "cmd/ifnetd/ifnetd"
IFCTL = BUILD / "cmd/ifctl/ifctl"

# Sanitizer builds are several times slower.
SLOW = 6 if "san" in BUILD.name else 1
# Seconds after which something that has not happened does not happen any more,
# also on a machine that has much else to do.  No test waits as long as this
# for the right to come: it ends when it sees it.
LONG = 60 * SLOW

_unique = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
# What a sanitizer exits with when it found something (scripts/test).
SANITIZER_EXIT = 97


def pytest_configure(config):
    # Shells start what runs in the background with the signal ignored, and
    # children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "concurrent: worth running under ThreadSanitizer as well")


def wait_for(condition, timeout=LONG, what=None):
    """Wait until condition() is true; return what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"not within {timeout} s: "
                        f"{what or condition.__name__}", pytrace=True)
        time.sleep(0.01)


def unless_busy(attempt, rounds=10):
    """What attempt(n) returned, which had to do something within a time that
    the product gives it.  None: it was not done in time, as on a machine that
    was too busy, so the attempt is made again; a product that never lets it be
    done in time fails."""
    for n in range(rounds):
        result = attempt(n)
        if result is not None:
            return result
    pytest.fail(f"not in time in any of {rounds} attempts")


def run(*argv, check=True, timeout=LONG, netns=None, **kwargs):
    """Run a command to its end, in a namespace if one is named."""
    argv = [str(a) for a in argv]
    if netns is not None:
        argv = ["ip", "netns", "exec", str(netns)] + argv
    if "input" not in kwargs:
        kwargs.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(argv, capture_output=True, text=True,
                          timeout=timeout, **kwargs)
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(argv)}: exit {done.returncode}\n"
                    f"{done.stdout}{done.stderr}")
    return done


class Netns:
    """A network namespace, standing for a host."""

    def __init__(self, hint):
        self.name = f"{hint}-{os.getpid()}-{next(_unique)}"
        run("ip", "netns", "add", self.name)
        # No traffic of the namespace's own that a test did not ask for.
        for which in ("all", "default"):
            path = f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6"
            self.run("sh", "-c", f"test ! -w {path} || echo 1 >{path}")
        self.ip("link", "set", "lo", "up")

    def __str__(self):
        return self.name

    def run(self, *argv, **kwargs):
        return run(*argv, netns=self.name, **kwargs)

    def ip(self, *argv, **kwargs):
        return run("ip", "-n", self.name, *argv, **kwargs)

    def popen(self, *argv, **kwargs):
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.STDOUT)
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name] + [str(a) for a in argv],
            text=True, **kwargs)

    def host(self, dev, address, gateway=None, mtu=None):
        """What a host does with its network card."""
        if mtu is not None:
            self.ip("link", "set", dev, "mtu", str(mtu))
        self.ip("link", "set", dev, "up")
        if address is not None:
            self.ip("addr", "add", address, "dev", dev)
        if gateway is not None:
            self.ip("route", "add", "default", "via", gateway)

    def inside(self, function):
        """function() on a thread that is in this namespace."""
        result = []

        def body():
            with open(f"/run/netns/{self.name}") as ns:
                if _libc.setns(ns.fileno(), CLONE_NEWNET) != 0:
                    result.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                result.append(function())
            except OSError as e:
                result.append(e)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def wire(self, dev):
        return Wire(self, dev)

    def mac(self, dev):
        return json.loads(self.ip("-j", "link", "show", dev).stdout)[
            0]["address"]

    def delete(self):
        run("ip", "netns", "del", self.name, check=False)


class Wire:
    """Raw frames in and out of an interface in a namespace."""

    def __init__(self, netns, dev):
        def make():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                 socket.htons(3))
            sock.bind((dev, 3))
            return sock

        self.sock = netns.inside(make)
        self.sock.setblocking(False)

    def send(self, frame):
        frame = bytes(frame)
        end = time.monotonic() + LONG
        while True:
            try:
                self.sock.send(frame)
                return
            except (BlockingIOError, OSError) as e:
                if e.errno not in (11, 105):  # EAGAIN, ENOBUFS
                    raise
                assert time.monotonic() < end, "the tap takes no frame"
                select.select([], [self.sock], [], 0.1)

    def recv(self, wanted=lambda frame: True):
        """The next frame from the other end that is wanted."""
        end = time.monotonic() + LONG
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            frame, where = self.sock.recvfrom(70000)
            if where[2] != socket.PACKET_OUTGOING and wanted(frame):
                return frame

    def drain(self):
        """What has come so far."""
        frames = []
        while True:
            try:
                frame, where = self.sock.recvfrom(70000)
            except BlockingIOError:
                return frames
            if where[2] != socket.PACKET_OUTGOING:
                frames.append(frame)

    def close(self):
        self.sock.close()


class Daemon:
    """A running ifnetd and a client for it."""

    def __init__(self, directory, *args, start=True, argv=(), **kwargs):
        self.dir = pathlib.Path(directory)
        self.socket = self.dir / "ctl.sock"
        self.url = f"unix://{self.socket}"
        self.log = self.dir / "ifnetd.log"
        self.children = []
        self.process = None
        if start:
            self.start(*args, argv=argv, **kwargs)

    def start(self, *args, argv=(), wait=True, **kwargs):
        """argv: a command that runs it (setpriv...)."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(a) for a in (*argv, IFNETD, "--ctl", self.url, *args)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **kwargs)
        if wait:
            wait_for(self.ready, what="ifnetd is ready")

    def ready(self):
        if self.process.poll() is not None:
            pytest.fail(f"ifnetd ended: {self.process.returncode}\n"
                        f"{self.text()}")
        return self.answers()

    def answers(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.connect(str(self.socket))
            return True
        except OSError:
            return False
        finally:
            sock.close()

    def text(self):
        return self.log.read_text(errors="replace")

    # The client.

    def ctl(self, *argv, vnet=None, netns=None, check=False, prefix=(),
            **kwargs):
        words = [*prefix, IFCTL, "-s", self.url]
        if vnet is not None:
            words += ["-n", vnet]
        return run(*words, *argv, netns=netns, check=check, **kwargs)

    def ok(self, *argv, **kwargs):
        """Must succeed silently on stderr; what it printed."""
        done = self.ctl(*argv, **kwargs)
        assert done.returncode == 0, \
            f"ifctl {' '.join(map(str, argv))}: exit {done.returncode}\n" \
            f"{done.stdout}{done.stderr}\n{self.text()[-2000:]}"
        assert done.stderr == "", done.stderr
        return done.stdout

    def bad(self, *argv, code=None, **kwargs):
        """Must fail with a message and nothing else; the message."""
        done = self.ctl(*argv, **kwargs)
        assert done.returncode != 0, \
            f"ifctl {' '.join(map(str, argv))} succeeded: {done.stdout}"
        assert done.returncode > 0, f"signal {-done.returncode}"
        assert done.returncode != SANITIZER_EXIT, done.stderr
        if code is not None:
            assert done.returncode == code, done.stderr
        assert done.stderr.strip() != "", "no message"
        return done.stderr

    def popen(self, *argv, netns=None, vnet=None, **kwargs):
        where = [] if vnet is None else ["-n", vnet]
        words = [str(w) for w in (IFCTL, "-s", self.url, *where, *argv)]
        if netns is not None:
            words = ["ip", "netns", "exec", str(netns)] + words
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.STDOUT)
        child = subprocess.Popen(words, text=True, bufsize=1, **kwargs)
        self.children.append(child)
        return child

    def show(self, ifname=None, vnet=None):
        """ifctl show --json: one interface, or a dictionary of them."""
        words = ["show", "--json"]
        if ifname is not None:
            words.append(ifname)
        answer = json.loads(self.ok(*words, vnet=vnet))
        found = {i["name"]: i for i in answer}
        return found if ifname is None else found[ifname]

    def drops(self, ifname, vnet=None):
        """Drops by reason, those above zero."""
        return {k: v for k, v in
                self.show(ifname, vnet=vnet)["drops"].items() if v}

    def dropped(self, ifname, reason, count, more=False):
        """So many packets were dropped for the reason, or are in a moment;
        no more, unless there may be."""
        def drops():
            return self.drops(ifname).get(reason, 0)

        wait_for(lambda: drops() >= count,
                 what=f"{count} drops for {reason}; there are {drops()}")
        assert more or drops() == count

    def counters(self, ifname, vnet=None):
        return self.show(ifname, vnet=vnet)["counters"]

    def sysctl(self, name, vnet=None):
        return self.ok("sysctl", "-n", name, vnet=vnet).strip()

    def tap(self, netns, name, address=None, lladdr=None):
        """A tap whose other end is in the namespace."""
        self.ok("ifconfig", name, "create", "here", netns=netns)
        if lladdr is not None:
            self.ok("ifconfig", name, "link", lladdr, "active")
        if address is not None:
            self.ok("ifconfig", name, "inet", address, "up")

    # The end.

    def stop(self, sig=signal.SIGTERM):
        """Ask it to stop; its exit code."""
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait(LONG)
            if child.stdout:
                child.stdout.close()
        self.children = []
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            code = self.process.wait(LONG)
        except subprocess.TimeoutExpired:
            # Where it hangs is worth more than that it hangs.
            if shutil.which("gdb"):
                where = subprocess.run(
                    ["gdb", "-p", str(self.process.pid), "-batch", "-ex",
                     "thread apply all bt 12"], capture_output=True,
                    text=True, timeout=LONG, check=False).stdout
                self.log.open("a").write(where)
            self.process.kill()
            self.process.wait(LONG)
            code = f"did not stop within {LONG} s"
        self.process = None
        return code


@pytest.fixture
def tmp(request):
    """A short path (a socket's has 107 bytes at most)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ifn-"))
    os.chmod(path, 0o755)
    yield path
    log = path / "ifnetd.log"
    if log.exists() and log.stat().st_size:
        logs = BUILD / "e2e-logs"
        logs.mkdir(exist_ok=True)
        name = request.node.name.replace("/", "_")[:80]
        shutil.copy(log, logs / f"{request.node.path.stem}.{name}.log")
    shutil.rmtree(path, ignore_errors=True)


def finish(daemon):
    """Every daemon has to stop well, and to have found nothing wrong."""
    was = daemon.process
    code = daemon.stop()
    text = daemon.text() if daemon.log.exists() else ""
    if was is not None and code != 0:
        pytest.fail(f"ifnetd: exit {code}\n{text[-6000:]}", pytrace=False)
    for word in ("runtime error:", "ERROR: AddressSanitizer",
                 "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
                 "still referenced", "still held"):
        if word in text:
            pytest.fail(text[-6000:], pytrace=False)


@pytest.fixture
def daemon(tmp):
    """A fresh daemon."""
    d = Daemon(tmp)
    yield d
    finish(d)


class Installed:
    """The build installed into a directory: what a driver is built with."""

    def __init__(self, dest):
        self.dest = dest
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
            "--destdir", dest)
        config = next(dest.rglob("ifnet.pc")).parent
        self.env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(dest))
        self.env["PKG_CONFIG_PATH"] = ":".join(filter(None, (
            str(config), os.environ.get("PKG_CONFIG_PATH"))))
        self.cflags = run("pkg-config", "--cflags", "ifnet", "liburcu-memb",
                          env=self.env).stdout

    def driver(self, source, directory):
        """Build a driver of one file into a directory."""
        run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror",
            *self.cflags.split(), "-fPIC", "-shared", "-o",
            directory / source.with_suffix(".so").name, source)


def pytest_collection_modifyitems(items):
    """IFNET_PART=I/N: the I-th of N parts that run beside each other, whole
    files, about as many tests in each.  One part has all that install the
    build, which writes into the build directory."""
    part, parts = map(int, os.environ.get("IFNET_PART", "0/1").split("/"))

    def unit(item):
        return "" if "installed" in item.fixturenames else str(item.path)

    units = collections.Counter(map(unit, items))
    sizes, where = [0] * parts, {}
    for name, n in sorted(units.items(), key=lambda u: (-u[1], u[0])):
        where[name] = sizes.index(min(sizes))
        sizes[where[name]] += n
    items[:] = [item for item in items if where[unit(item)] == part]


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed") / "dest")


@pytest.fixture
def netns():
    """netns("hint") makes a namespace."""
    made = []

    def make(hint="h"):
        made.append(Netns(hint))
        return made[-1]

    yield make
    for ns in made:
        ns.delete()


class Router:
    """left (10.0.1.2) - tap0 [daemon] tap1 - right (10.0.2.2)"""

    def __init__(self, daemon, netns):
        self.daemon = daemon
        self.left, self.right = netns("left"), netns("right")
        daemon.tap(self.left, "tap0", "10.0.1.1/24")
        daemon.tap(self.right, "tap1", "10.0.2.1/24")
        daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
        self.left.host("tap0", "10.0.1.2/24", "10.0.1.1")
        self.right.host("tap1", "10.0.2.2/24", "10.0.2.1")

    def ping(self, *argv, src=None, dst="10.0.2.2", check=True):
        """With -W 1 where no answer is expected."""
        return (src or self.left).run("ping", "-n", "-W", str(LONG), *argv,
                                      dst, check=check)


@pytest.fixture
def router(daemon, netns):
    return Router(daemon, netns)


MAC_LEFT = "02:00:00:00:01:02"
MAC_RIGHT = "02:00:00:00:02:02"


class Bench:
    """The same router, but the hosts are the test itself: it sends and
    receives frames, and no kernel behind the wires answers anything."""

    def __init__(self, daemon, netns):
        self.daemon = daemon
        self.left, self.right = netns("left"), netns("right")
        daemon.tap(self.left, "tap0", "10.0.1.1/24")
        daemon.tap(self.right, "tap1", "10.0.2.1/24")
        daemon.ok("sysctl", "-w", "net.inet.ip.forwarding=1")
        daemon.ok("arp", "-s", "10.0.1.2", MAC_LEFT)
        daemon.ok("arp", "-s", "10.0.2.2", MAC_RIGHT)
        for ns, dev in ((self.left, "tap0"), (self.right, "tap1")):
            # Room for a storm on the way to the daemon.
            ns.ip("link", "set", dev, "txqueuelen", "50000", "arp", "off")
            ns.ip("link", "set", dev, "up")
        self.in_wire = self.left.wire("tap0")
        self.out_wire = self.right.wire("tap1")
        self.mac0 = daemon.show("tap0")["lladdr"]
        self.mac1 = daemon.show("tap1")["lladdr"]

    def settle(self, packets):
        """Wait until tap0 has received that many."""
        wait_for(lambda: self.daemon.counters("tap0")["ipackets"] >= packets,
                 what=f"{packets} packets received on tap0")

    def received(self):
        return self.daemon.counters("tap0")["ipackets"]

    def expect(self, frames, reason, count=None):
        """Send them; all (or count) must be dropped for the reason, and for
        no other."""
        frames = list(frames)
        count = len(frames) if count is None else count
        before = self.daemon.drops("tap0")
        seen = self.received()
        for frame in frames:
            self.in_wire.send(frame)
        self.settle(seen + len(frames))
        wait_for(lambda: self.daemon.drops("tap0").get(reason, 0) >=
                 before.get(reason, 0) + count,
                 what=f"{count} drops for {reason}; there are "
                      f"{self.daemon.drops('tap0')}")
        after = self.daemon.drops("tap0")
        got = {k: after[k] - before.get(k, 0) for k in after
               if after[k] != before.get(k, 0)}
        assert got == {reason: count}

    def close(self):
        self.in_wire.close()
        self.out_wire.close()


@pytest.fixture
def bench(daemon, netns):
    b = Bench(daemon, netns)
    yield b
    b.close()


def books(interfaces):
    """The books of every interface balance."""
    for name, i in interfaces.items():
        c = i["counters"]
        assert c["ipackets"] == c["delivered"] + c["forwarded"] + \
            c["idrops"] + c["iqueued"], (name, c, i["drops"])
        assert c["offered"] == c["opackets"] + c["odrops"] + c["oqueued"], \
            (name, c, i["drops"])
        assert c["idrops"] + c["odrops"] == sum(i["drops"].values()), \
            (name, c, i["drops"])


def conserved(daemon, vnet=None):
    """The books of every interface balance once the daemon has done what it is
    at: packets are counted when they come and when they are handed on."""
    end = time.monotonic() + LONG
    while True:
        try:
            books(daemon.show(vnet=vnet))
            return
        except AssertionError:
            if time.monotonic() > end:
                raise
