"""Bad input gets a clear answer, and changes nothing."""

import os
import random
import re
import shutil
import socket
import struct
import tempfile
import time

import pytest

from conftest import IFCTL, IFNETD, LONG, SLOW, Daemon, run, wait_for

# src/proto/ctl_proto.h
CTL_MAGIC = 0x69666e31
CTL_HELLO, CTL_IOCTL, CTL_SYSCTL, CTL_DUMP = 1, 2, 3, 7
CTL_MSG_MAX = 65536
CTL_HDR = struct.Struct("=IIHHiQ32s")
CTL_REC = struct.Struct("=IHH")


def no_daemon(*argv):
    done = run(IFCTL, *argv, check=False)
    assert done.returncode not in (0, 97) and done.returncode > 0
    assert done.stdout == ""
    return done.stderr


# --- no daemon -----------------------------------------------------------------

def test_no_daemon(tmp):
    text = no_daemon("-s", f"unix://{tmp}/none.sock", "ifconfig", "-a")
    assert f"{tmp}/none.sock" in text
    assert "no ifnetd" in text and "is it running" in text


def test_daemon_died(tmp):
    """Its socket is there still; nobody listens."""
    path = f"{tmp}/dead.sock"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(path)
    sock.close()
    text = no_daemon("-s", f"unix://{path}", "ifconfig", "-a")
    assert path in text
    # And a new daemon takes its place.
    d = Daemon(tmp, start=False)
    os.rename(path, d.socket)
    d.start()
    d.ok("ifconfig", "-a")
    assert d.stop() == 0


def test_something_else_listens(tmp):
    path = f"{tmp}/other.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(path)
        sock.listen()
        text = no_daemon("-s", f"unix://{path}", "ifconfig", "-a")
        assert path in text


@pytest.mark.parametrize("url", ["", "tcp://localhost:1", "unix:", "/run/x",
                                 "unix://", "unix:///" + "x" * 200])
def test_bad_url(url):
    assert no_daemon("-s", url, "ifconfig", "-a").startswith("ifctl: ")


def test_path_is_too_long(tmp):
    """The limit is named, by whichever end it meets."""
    url = f"unix://{tmp}/{'s' * (108 - len(str(tmp)) - 1)}"
    for argv in ((IFNETD, "--ctl", url), (IFCTL, "-s", url, "show")):
        done = run(*argv, check=False)
        assert done.returncode == 1
        assert "a socket's path has at most 107 characters" in done.stderr


def test_url_from_environment(daemon):
    env = dict(os.environ, IFNETD=daemon.url)
    assert "lo0" in run(IFCTL, "ifconfig", "-l", env=env).stdout


def test_second_daemon_at_same_place(daemon, tmp):
    second = Daemon(tmp, start=False)
    second.log = tmp / "second.log"
    second.start(wait=False)
    assert second.process.wait(LONG) not in (0, 97)
    assert str(daemon.socket) in second.text()
    # The first one is not disturbed.
    daemon.ok("ifconfig", "-a")


# --- permission -------------------------------------------------------------------

@pytest.fixture
def nobody(tmp):
    """How an unprivileged user runs our client."""
    if run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
           "true", check=False).returncode != 0:
        pytest.skip("cannot become another user here (a user namespace)")
    shutil.copy(IFCTL, tmp / "ifctl")
    os.chmod(tmp / "ifctl", 0o755)

    def ctl(daemon, *argv):
        return run("setpriv", "--reuid=65534", "--regid=65534",
                   "--clear-groups", tmp / "ifctl", "-s", daemon.url, *argv,
                   check=False)

    return ctl


@pytest.mark.parametrize("argv", [
    ("ifconfig", "pair0", "create"),
    ("ifconfig", "lo0", "destroy"),
    ("ifconfig", "lo0", "inet", "10.9.9.9/24", "alias"),
    ("ifconfig", "lo0", "down"),
    ("ifconfig", "lo0", "mtu", "1500"),
    ("route", "add", "default", "127.0.0.1"),
    ("route", "add", "-net", "192.0.2.0/24", "10.0.0.2"),
    ("route", "delete", "default"),
    ("route", "flush"),
    ("arp", "-d", "10.0.0.8"),
    ("arp", "-s", "10.0.0.9", "02:00:00:00:00:09"),
    ("sysctl", "-w", "net.inet.ip.forwarding=1"),
    ("vnet", "create", "mine"),
    ("halt",),
])
def test_permission_denied(daemon, nobody, argv):
    daemon.ok("ifconfig", "pair1", "create")
    daemon.ok("ifconfig", "pair1", "inet", "10.0.0.1/24", "up")
    daemon.ok("route", "add", "default", "10.0.0.2")
    daemon.ok("arp", "-s", "10.0.0.8", "02:00:00:00:00:08")

    def state():
        return [daemon.ok(*words) for words in (
            ("ifconfig", "-a"), ("netstat", "-rn"), ("arp", "-an"),
            ("vnet", "list"), ("sysctl", "net.inet.ip.forwarding"))]

    before = state()
    done = nobody(daemon, *argv)
    assert done.returncode > 0 and done.returncode != 97
    assert re.search("[Pp]ermission denied|not permitted", done.stderr)
    assert daemon.process.poll() is None
    assert state() == before


def test_everybody_may_look(daemon, nobody):
    for argv in (("ifconfig", "-a"), ("netstat", "-i"), ("netstat", "-rn"),
                 ("arp", "-an"), ("sysctl", "net.inet.ip.forwarding"),
                 ("show", "--json")):
        done = nobody(daemon, *argv)
        assert done.returncode == 0, done.stderr


def test_socket_closed_to_others(tmp, nobody):
    """Where the directory keeps people out, they are told so."""
    os.mkdir(tmp / "private", 0o700)
    d = Daemon(tmp / "private")
    done = nobody(d, "ifconfig", "-a")
    assert done.returncode > 0
    assert "ermission denied" in done.stderr
    assert d.stop() == 0


# --- unknown things, malformed words -------------------------------------------------

# What is typed, what the answer has to say.
UNKNOWN = [
    ("frobnicate", "frobnicate"),
    ("ifconfg -a", "ifconfig"),                 # did you mean
    ("ifconfig tap9", "tap9"),
    ("ifconfig tap9 up", "tap9"),
    ("ifconfig tap9 destroy", "tap9"),
    ("ifconfig frob0 create", "frob"),
    ("ifconfig -Q", "Q"),
    ("ifconfig pair0 frob", "frob"),
    ("netstat -Q", "Q"),
    ("netstat -i -I tap9", "tap9"),
    ("netstat -f frob", "frob"),
    ("arp -Q", "Q"),
    ("arp -d 10.77.0.9", "10.77.0.9"),
    ("route frob", "frob"),
    ("route add", "route"),
    ("route -Q", "Q"),
    ("route delete 10.77.0.0/24", "10.77.0.0"),
    ("route get frob", "frob"),
    ("sysctl net.frob", "net.frob"),
    ("sysctl -w net.frob=1", "net.frob"),
    ("sysctl -Q", "Q"),
    ("ping", "ping"),
    ("ping -c 0 127.0.0.1", "0"),
    ("ping -c x 127.0.0.1", "x"),
    ("ping not-an-address", "not-an-address"),
    ("ping -s 70000 127.0.0.1", "70000"),
    ("show tap9", "tap9"),
    ("show --frob", "frob"),
    ("vnet frob", "vnet"),
    ("vnet create", "vnet"),
    ("vnet create a/b", "a/b"),
    ("vnet create " + "v" * 40, "v"),
    ("vnet destroy nowhere", "nowhere"),
    ("-n nowhere ifconfig -a", "nowhere"),
]

MALFORMED = [
    ("ifconfig pair0 group " + "g" * 16, "group name"),
    ("ifconfig pair0 group " + "g" * 16, "at most 15"),
    ("sysctl net." + "a" * 130, "at most 127"),
    ("ifconfig pair0 inet 10.0.0", "10.0.0"),
    ("ifconfig pair0 inet 10.0.0.256/24", "10.0.0.256"),
    ("ifconfig pair0 inet 10.0.0.1.2/24", "10.0.0.1.2"),
    ("ifconfig pair0 inet 010.0.0.1/24", "010.0.0.1"),
    ("ifconfig pair0 inet ten/24", "ten"),
    ("ifconfig pair0 inet 10.0.0.1/33", "33"),
    ("ifconfig pair0 inet 10.0.0.1/-1", "-1"),
    ("ifconfig pair0 inet 10.0.0.1/", "10.0.0.1/"),
    ("ifconfig pair0 inet 10.0.0.1/2x", "2x"),
    ("ifconfig pair0 inet 10.0.0.1 netmask 255.0.255.0", "255.0.255.0"),
    ("ifconfig pair0 inet 10.0.0.1 netmask 0xff00ff00", "0xff00ff00"),
    ("ifconfig pair0 inet 10.0.0.1 netmask frob", "frob"),
    ("ifconfig pair0 inet 10.0.0.1 netmask", "netmask"),
    ("ifconfig pair0 inet 10.0.0.1/24 broadcast frob", "frob"),
    ("ifconfig pair0 inet 224.0.0.1/24", "224.0.0.1"),
    ("ifconfig pair0 inet 0.0.0.0/24", "0.0.0.0"),
    ("ifconfig pair0 inet 255.255.255.255/24", "255.255.255.255"),
    ("ifconfig pair0 inet 10.0.0.9/24 delete", "10.0.0.9"),
    ("ifconfig pair0 mtu 67", "67"),
    ("ifconfig pair0 mtu 0", "0"),
    ("ifconfig pair0 mtu 65536", "65536"),
    ("ifconfig pair0 mtu -1", "-1"),
    ("ifconfig pair0 mtu 99999999999999999999", "9999"),
    ("ifconfig pair0 mtu 1500x", "1500x"),
    ("ifconfig pair0 mtu", "mtu"),
    ("ifconfig pair0 metric frob", "frob"),
    ("ifconfig pair0 link frob", "frob"),
    ("ifconfig pair0 link 01:00:5e:00:00:01", "01:00:5e:00:00:01"),
    ("ifconfig pair0 link 00:00:00:00:00:00", "00:00:00:00:00:00"),
    ("ifconfig pair0 link 02:00:00:00:00", "02:00:00:00:00"),
    ("ifconfig pair0 create", "pair0"),         # there already
    ("ifconfig pair create frob", "frob"),
    ("ifconfig pair create peer", "peer"),
    ("ifconfig pair5 create peer nowhere:pair0", "nowhere"),
    ("ifconfig interfacenametoolong0 create", "interfacenametoolong0"),
    ("ifconfig pair12345678901234567890 create", "pair123"),
    ("ifconfig pair007 create", "pair007"),
    ("ifconfig pair99999999999 create", "pair99999999999"),
    ("ifconfig 0 create", "0"),
    ("ifconfig pair-1 create", "pair-1"),
    ("route add default 10.99.0.1", "10.99.0.1"),       # to nowhere
    ("route add default frob", "frob"),
    ("route add 10.1.0.0/33 127.0.0.1", "10.1.0.0/33"),
    ("route add 10.1.0.1/16 frob", "frob"),
    ("route add -net 10.1.0.0 -netmask 255.0.255.0 127.0.0.1",
     "255.0.255.0"),
    ("arp -s frob 02:00:00:00:00:01", "frob"),
    ("arp -s 10.88.0.1 frob", "frob"),
    ("arp -s 203.0.113.1 02:00:00:00:00:01", "203.0.113.1"),
    ("sysctl -w net.inet.ip.forwarding=frob", "frob"),
    ("sysctl -w net.inet.ip.forwarding=-5", "-5"),
    ("sysctl -w net.inet.ip.forwarding=99999999999999999999", "9999"),
    ("sysctl -w net.inet.ip.forwarding", "forwarding"),
    ("sysctl -w net.inet.ip.ifq.maxlen=-1", "-1"),
    ("sysctl -w net.inet.ip.ifq.drops=0", "drops"),     # read only
    ("sysctl -w net.interfaces.pair0.sndq.maxlen=-1", "-1"),
]


def ignoring_time(text):
    return re.sub(r'"(lastchange|time)[^"]*": [^,\n]*', "", text)


@pytest.mark.parametrize("line,says", UNKNOWN + MALFORMED,
                         ids=[re.sub(r"[^\w.-]+", "_", line)[:60]
                              for line, _ in UNKNOWN + MALFORMED])
def test_clear_answer(one_daemon, line, says):
    daemon = one_daemon
    before = ignoring_time(daemon.ok("show", "--json"))
    routes = daemon.ok("netstat", "-rn")
    words = line.split()
    if words[0] == "-n":
        text = daemon.bad(*words[2:], vnet=words[1])
    else:
        text = daemon.bad(*words)
    assert says in text, text
    assert text.split(":")[0] in ("ifctl", "usage"), text
    assert len(text.splitlines()[0]) < 300
    # Nothing has changed.
    assert ignoring_time(daemon.ok("show", "--json")) == before
    assert daemon.ok("netstat", "-rn") == routes


@pytest.fixture(scope="module")
def one_daemon():
    """One for all the lines: none of them changes it."""
    directory = tempfile.mkdtemp(prefix="ifn-")
    d = Daemon(directory)
    d.ok("ifconfig", "pair0", "create")
    yield d
    assert d.stop() == 0
    shutil.rmtree(directory)


def test_duplicate_address(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("ifconfig", "pair2", "create")
    daemon.ok("ifconfig", "pair0", "inet", "10.0.0.1/24")
    text = daemon.bad("ifconfig", "pair2", "inet", "10.0.0.1/24")
    assert "10.0.0.1" in text and re.search("exists|in use", text)
    # Given twice to the same interface, it is there once.
    daemon.ok("ifconfig", "pair0", "inet", "10.0.0.1/24")
    assert daemon.ok("ifconfig", "pair0").count("inet 10.0.0.1") == 1


def test_exists_says_what_to_do(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    text = daemon.bad("ifconfig", "pair0", "create")
    assert "pair0" in text and "exists" in text


def test_tap_name_is_taken(daemon, netns):
    """The namespace has another device of the name: said, and undone."""
    ns = netns("box")
    ns.ip("link", "add", "tap7", "type", "veth", "peer", "name", "v")
    text = daemon.bad("ifconfig", "tap7", "create", "here", netns=ns)
    assert "tap7" in text
    assert "tap7" not in daemon.show()


# --- the control socket ---------------------------------------------------------------

def connect(daemon, greet=True):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # First this: one that does not block may find the queue full.
    sock.connect(str(daemon.socket))
    sock.settimeout(LONG)
    if greet:
        sock.send(HELLO)
        assert answer(sock)[0] == 0
    return sock


def request(op, payload=b"", magic=CTL_MAGIC, length=None, seq=7, vnet=b"",
            flags=0):
    n = CTL_HDR.size + len(payload)
    return CTL_HDR.pack(magic, n if length is None else length, op, flags, 0,
                        seq, vnet) + payload


def record(fixed=b"", data=b""):
    """A struct and what follows it, as a payload."""
    return CTL_REC.pack(CTL_REC.size + len(fixed) + len(data), len(fixed),
                        0) + fixed + data


HELLO = request(CTL_HELLO, record(struct.pack("=4IQ64s", 2, 2, 0, 0, 0, b"")))
DUMP = request(CTL_DUMP, record(struct.pack("=II16s", 0x0f, 0, b"")))


def answer(sock):
    """(error, seq, payload); None when the connection was ended."""
    try:
        data = sock.recv(CTL_MSG_MAX)
    except ConnectionResetError:
        return None
    if not data:
        return None
    magic, length, _op, _flags, error, seq, _vnet = CTL_HDR.unpack(
        data[:CTL_HDR.size])
    assert magic == CTL_MAGIC and length == len(data)
    return error, seq, data[CTL_HDR.size:]


def test_hello(daemon):
    with connect(daemon, greet=False) as sock:
        sock.send(HELLO)
        error, seq, payload = answer(sock)
        assert (error, seq) == (0, 7)
        assert struct.unpack("=III", payload[8:20])[2] == daemon.process.pid


@pytest.mark.parametrize("size", [0, 1, 4, 8, 16, 31, CTL_HDR.size - 1])
def test_half_a_header(daemon, size):
    """Shorter than a header: the connection ends, the daemon does not."""
    with connect(daemon) as sock:
        sock.send(HELLO[:size])
        assert answer(sock) is None
    daemon.ok("ifconfig", "-a")


@pytest.mark.parametrize("message", [
    request(CTL_HELLO, magic=0x12345678),
    request(CTL_HELLO, length=CTL_HDR.size + 1),
    request(CTL_HELLO, length=CTL_HDR.size - 1),
    request(CTL_HELLO, length=0),
    request(CTL_HELLO, length=0xffffffff),
    request(CTL_IOCTL, b"\0" * 4),
    request(CTL_IOCTL, struct.pack("=Q", 0xffffffffffffffff)),
    request(CTL_IOCTL, struct.pack("=Q", 0xc0906900 | 17) + b"x"),
    request(CTL_SYSCTL, b"\0" * 20),
    request(CTL_SYSCTL, b"A" * 128 + struct.pack("=6I", *[0xffffffff] * 6)),
    request(CTL_DUMP, b"\xff" * 24),
    request(CTL_IOCTL, record(struct.pack("=QII", 0xc0906900 | 17, 0, 0))),
    request(CTL_DUMP, record(b"\xff" * 24)),
    request(CTL_DUMP, record(b"\1" + b"\0" * 23 + b"later...")),
    request(CTL_DUMP, record(b"\1" + b"\0" * 23) + record(b"", b"second")),
    request(0), request(200), request(0xffff),
    request(CTL_HELLO, vnet=b"x" * 32),
    request(9, b""), request(9, b"no-nul"), request(9, b"\0"),
    request(16, HELLO[:20]),
    request(16, request(CTL_HELLO, length=60000)),
], ids=lambda m: m[:12].hex())
def test_half_written_request(daemon, message):
    """Answered with an error, or the connection is ended; never carried
    out, and nobody else notices."""
    before = ignoring_time(daemon.ok("show", "--json"))
    with connect(daemon) as sock:
        sock.send(message)
        got = answer(sock)
        assert got is None or got[0] != 0
    assert ignoring_time(daemon.ok("show", "--json")) == before


def test_oversized_request(daemon):
    with connect(daemon) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        try:
            sock.send(request(CTL_SYSCTL, b"x" * 100000))
        except OSError as e:
            assert e.errno == 90     # EMSGSIZE
        else:
            got = answer(sock)
            assert got is None or got[0] != 0
    daemon.ok("ifconfig", "-a")


def test_random_requests(daemon):
    """Every operation with every length of noise."""
    rng = random.Random(99)
    for op in range(1, 20):
        if op == 15:         # halt
            continue
        for _ in range(25):
            with connect(daemon) as sock:
                noise = rng.randbytes(rng.randrange(400))
                if rng.randrange(2):
                    noise = record(rng.randbytes(rng.randrange(25) * 8), noise)
                sock.send(request(op, noise))
                # An answer or the end: no more clients at a time than the
                # daemon has places for.
                answer(sock)
    daemon.ok("ifconfig", "-a")


def test_descriptor_nobody_asked_for(daemon):
    """Handed over with a request that wants none: closed, not kept."""
    fds = f"/proc/{daemon.process.pid}/fd"
    with connect(daemon) as sock:
        for _ in range(50):
            null = os.open("/dev/null", os.O_RDONLY)
            socket.send_fds(sock, [HELLO], [null, null])
            os.close(null)
            answer(sock)
        # Other clients, which have gone, may be there still for a moment.
        wait_for(lambda: len(os.listdir(fds)) < 40,
                 what=f"descriptors closed: {len(os.listdir(fds))}")


def test_client_that_never_reads(daemon):
    """Its answers pile up to a bound; then it is left, and the others are
    served meanwhile."""
    with connect(daemon) as sock:
        sock.setblocking(False)
        end = time.monotonic() + LONG
        sent = 0
        while time.monotonic() < end and sent < 20000:
            try:
                sock.send(DUMP)
                sent += 1
            except BlockingIOError:
                break
            except OSError:
                break
        daemon.ok("ifconfig", "pair0", "create")
        daemon.ok("ifconfig", "pair0", "destroy")
    wait_for(lambda: daemon.ok("ifconfig", "-l"))


def test_follower_that_never_reads(daemon):
    """A listener that stands still costs nobody else anything."""
    with connect(daemon) as sock:
        sock.send(request(8, record(struct.pack("=II16s", 0x1f, 0,
                                                b""))))
        daemon.ok("ifconfig", "pair0", "create")
        status = f"/proc/{daemon.process.pid}/status"

        def rss():
            with open(status) as f:
                return int(next(line for line in f
                                if line.startswith("VmRSS")).split()[1])

        before = rss()
        for mtu in range(200):
            daemon.ok("ifconfig", "pair0", "mtu", str(1000 + mtu))
        assert rss() - before < SLOW * 16 << 10
    daemon.ok("ifconfig", "-a")


def test_many_clients(daemon):
    """More than the daemon takes: the rest is refused or waits, and when
    they go all is well."""
    socks = []
    try:
        for _ in range(300):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.setblocking(False)
            try:
                s.connect(str(daemon.socket))
            except OSError:
                s.close()
                break
            socks.append(s)
    finally:
        for s in socks:
            s.close()
    wait_for(lambda: daemon.ctl("ifconfig", "-a").returncode == 0,
             what="the daemon serves again")


def test_refusals_say_why(daemon):
    """Not just "busy" or "not permitted"."""
    done = daemon.ctl("ifconfig", "lo0", "destroy")
    assert done.returncode == 1 and "part of the stack" in done.stderr
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    for peer in ("pair0", "pair2"):
        done = daemon.ctl("ifconfig", "pair2", "create", "peer", peer)
        assert done.returncode == 1, peer
        assert "has a peer already, or is this one" in done.stderr
    assert daemon.ok("ifconfig", "-l").split() == ["lo0", "pair0", "pair1"]
