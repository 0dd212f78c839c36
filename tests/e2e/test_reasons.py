"""A refusal says why, in the words of the place that refuses."""

import os
import shutil
import subprocess

import pytest

from conftest import BUILD, IFCTL, Daemon, run, wait_for


@pytest.fixture
def pairs(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("ifconfig", "pair0", "10.0.0.1/24", "up")
    return daemon


@pytest.mark.parametrize("words,why", [
    (("route", "delete", "10.0.0.1"), "belongs to an address of pair0"),
    (("ifconfig", "tap0", "create", "host", "lo"),
     "a device of this name that is no tap"),
    (("ifconfig", "pair5", "create", "peer", "nope:pair5"),
     "there is no vnet nope"),
    (("ifconfig", "pair5", "create", "peer", "lo0"), "lo0 is no pair"),
    (("ifconfig", "pair5", "create", "peer", "tap7"), "tap7 is not there"),
    (("ifconfig", "pair5", "create", "per", "pair6"), "per: unknown "
     "parameter; interfaces of this kind take: peer [VNET:]IF)"),
    (("ifconfig", "tap0", "create", "host", "nosuch", "dst", "1"),
     "take: host NAME, here, fd NUMBER)"),
    (("ifconfig", "tap0", "create", "host", ".."), "takes no such name"),
    (("ifconfig", "tap0", "create", "host", ".", "here"),
     "takes no such name"),
    (("ifconfig", "tap0", "create", "host", "lo", "here"),
     "a device of this name that is no tap"),
    (("ifconfig", "pg0", "create", "dts", "1.2.3.4"),
     "dts: unknown parameter; interfaces of this kind take: dst ADDR"),
    (("ifconfig", "pg0", "create", "size", "49"), "size: 49 is "
     "not a frame's size in bytes from 50 to 1518"),
    (("ifconfig", "pg0", "create", "dst", "1.2.3"), "dst: 1.2.3 is not an "
     "IPv4 address"),
    (("ifconfig", "pg0", "create", "dst", "1.2.3.4", "size", "64", "dst",
      "1.2.3.5"), "dst is given twice"),
    (("ifconfig", "tap0", "create", "host", "a", "host", "b"),
     "host is given twice"),
    (("ifconfig", "pair5", "create", "peer", "pair6", "peer", "pair7"),
     "peer is given twice"),
    (("ifconfig", "lo1", "create", "size", "3"), "take no parameters"),
    (("ifconfig", "pair0", "10.1.0.0/24"), "the first of its prefix"),
    (("ifconfig", "pair0", "10.1.0.255/24"), "the last of its prefix"),
    (("ifconfig", "pair0", "10.1.0.1/24", "broadcast", "10.2.0.255"),
     "another prefix"),
    (("ifconfig", "pair0", "224.0.0.1/24"), "not an address a host"),
    (("route", "add", "10.9.0.0/16", "10.7.0.1"), "not on a network of any"),
    (("route", "add", "10.9.0.0/16", "10.0.0.1"), "an address of our own"),
    (("route", "add", "10.9.0.0/16", "10.0.0.255"), "a broadcast address"),
    (("route", "add", "10.9.0.0/16", "10.0.0.0"), "address of a network"),
    (("route", "add", "10.9.0.0/16", "10.0.0.2", "-ifp", "lo0"),
     "of pair0, not of lo0"),
    (("ifconfig", "lo0", "link", "02:00:00:00:00:01"), "no link-level addr"),
    (("ifconfig", "pair0", "link", "02:00"), "has 6 bytes, and not 2"),
    (("ifconfig", "pair0", "link", "01:00:00:00:00:01"), "or a group"),
    (("ifconfig", "pair0", "inet6", "10.9.0.1"), "not an IPv6 address"),
    (("ifconfig", "pair0", "inet6", "ff02::1"), "not an address that a host"),
    (("ifconfig", "pair0", "inet6", "fe80::1%lo0"), "the zone of another"),
    (("ifconfig", "pair0", "inet6", "fe80::1%nope"), "nope: no such interface"),
    (("ifconfig", "pair0", "inet6", "fe80::1/10"), "64 bits or more"),
    (("ifconfig", "pair0", "inet6", "2001:db8::1%pair0"), "same everywhere"),
    (("ifconfig", "pair0", "inet6", "2001:db8::1", "tentative"), "by hand"),
    (("ifconfig", "pair0", "inet6", "2001:db8::1", "eui64"), "are not 0"),
    (("ifconfig", "lo0", "inet6", "2001:db8::", "eui64"), "no link-level"),
    (("ifconfig", "pair0", "inet6", "2001:db8::9", "delete"),
     "pair0 has no such addr"),
    (("ifconfig", "pair0", "inet6", "delete"), "which?"),
    (("ifconfig", "frob0", "create"), "no kind of interface \"frob\"; the"),
    (("ifconfig", "pair007", "create"), "has leading zeros"),
    (("ifconfig", "pair0", "name", "lo0"), "ifconfig lo0 shows it"),
    (("ifconfig", "pair0", "mtu", "99999"), "the MTU of pair0 is 68 to"),
    (("ifconfig", "pair0", "vnet", "nope"), "no vnet named nope"),
    (("ifconfig", "pair0", "10.0.0.9", "delete"), "pair0 has no such addr"),
    (("ifconfig", "lo0", "destroy"), "part of the stack"),
    (("ifconfig", "pair0", "link", "02:00:00:00:00:77", "delete"),
     "no such link-level address"),
    (("route", "add", "default", "10.0.0.2", "-mtu", "70000"), "65535"),
    (("route", "delete", "10.77.0.0/16"), "there is no such route"),
    (("route", "change", "10.0.0.1", "10.0.0.2"), "belongs to an address"),
    (("arp", "-s", "10.0.0.1", "02:00:00:00:00:07"), "this router's own"),
    (("arp", "-s", "10.7.0.1", "02:00:00:00:00:07"), "on no network"),
    (("vnet", "create", "default"), "a vnet named default exists"),
    (("filter", "delete", "9"), "there is no rule 9"),
    (("dump", "nosuch0"), "no such interface"),
])
def test_why(pairs, words, why):
    text = pairs.bad(*words)
    assert why in text, text
    assert "run as root" not in text and "administrators" not in text


@pytest.mark.parametrize("words", [
    ("show", "lo0", "tap0"), ("halt", "now"), ("version", "x"),
    ("route", "show", "-mtu"), ("route", "flush", "x"), ("route",),
    ("history", "lo0", "tap0"), ("arp",), ("arp", "-s", "1.2.3.4"),
    ("arp", "-s", "1.2.3.4", "02:00:00:00:00:01", "x"), ("arp", "-d"),
    ("filter",), ("filter", "add", "in"), ("filter", "delete"),
    ("filter", "list", "x"), ("filter", "flush", "x"),
    ("vnet",), ("vnet", "create"), ("vnet", "list", "x"),
    ("netstat", "-i", "-r"), ("netstat", "1", "2"), ("sysctl",),
    ("sysctl", "-a", "x"), ("ping",), ("ping", "1.2.3.4", "x"), ("dump",),
    ("ifconfig", "-C", "x"), ("ifconfig", "-a", "x"), ("help", "a", "b"),
    ("show", "-x"), ("sysctl", "-x"), ("ping", "-c"),
])
def test_usage_begins_with_the_reason(words):
    done = run(IFCTL, "-s", "unix:///nowhere", *words, check=False)
    first = done.stderr.splitlines()[0]
    assert first.startswith(f"ifctl: {words[0]}: "), done.stderr
    assert done.returncode in (1, 2)


def test_route_show_takes_a_family(daemon):
    assert "Destination" in daemon.ok("route", "show", "-inet")


def test_static_neighbour_is_replaced(pairs):
    for last in ("07", "08"):
        pairs.ok("arp", "-s", "10.0.0.7", f"02:00:00:00:00:{last}")
        assert f"02:00:00:00:00:{last}" in pairs.ok("arp", "10.0.0.7")
    pairs.ok("arp", "-s", "10.0.0.7", "02:00:00:00:00:09", "temp", "pub")
    assert "expires in" in pairs.ok("arp", "10.0.0.7")


ROUTER = """\
ifconfig pair0 create peer pair1
ifconfig pair0 10.0.1.1/24 up group edge
ifconfig pair0 link 02:00:00:00:01:01
ifconfig pair1 10.0.2.1/24 up
vnet create red
-n red ifconfig pair9 create
route add default 10.0.1.254
arp -s 10.0.1.9 02:00:00:00:00:09
filter add in pair0 drop tcp port 23
filter add 70 out any pass
sysctl -w net.inet.ip.forwarding=1
"""


@pytest.mark.parametrize("how", ["-f", "standard input"])
def test_applied_twice(daemon, tmp, how):
    """The second time changes nothing, and nothing goes wrong."""
    path = tmp / "router.conf"
    # As some editors write it, with a mark in front.
    path.write_bytes(b"\xef\xbb\xbf" + ROUTER.encode())
    seen = []
    for _ in range(2):
        if how == "-f":
            done = run(IFCTL, "-s", daemon.url, "-f", path)
        else:
            done = run(IFCTL, "-s", daemon.url, input=path.read_text())
        assert done.stderr == ""
        seen.append([daemon.ok(*w) for w in (
            ("ifconfig", "-a"), ("route", "show"), ("arp", "-a"),
            ("filter", "list"), ("vnet", "list"), ("sysctl", "net.inet.ip"))])
    assert seen[0] == seen[1]
    # By hand it is a mistake still.
    assert "exists" in daemon.bad("ifconfig", "pair0", "create")


NAMED = """\
vnet create red
ifconfig pair0 create
ifconfig pair0 10.0.1.1/24 up
route add 10.7.0.0/16 -iface pair0
ifconfig pair0 name wan
ifconfig wan descr "to the world"
ifconfig pair create up
ifconfig pair create 3 mtu 1400
ifconfig pair1 create
ifconfig pair7 create name lan group inside
ifconfig pair create name inner vnet red
ifconfig pair8 create
ifconfig pair8 mtu 1300
ifconfig pair8 vnet red
-n red ifconfig pair8 10.8.0.1/24 up
-n red ifconfig pair create 2
"""


@pytest.mark.parametrize("how", ["-f", "standard input"])
def test_applied_twice_by_other_names(daemon, tmp, how):
    """Interfaces that were renamed, moved or numbered are found again."""
    path = tmp / "router.conf"
    path.write_text(NAMED)
    seen = []
    for _ in range(3):
        if how == "-f":
            done = run(IFCTL, "-s", daemon.url, "-f", path)
        else:
            with open(path) as stdin:
                done = run(IFCTL, "-s", daemon.url, stdin=stdin)
        assert done.stderr == ""
        seen.append([daemon.ok(*w, vnet=v) for v in (None, "red") for w in (
            ("ifconfig", "-a"), ("route", "show"))])
    assert seen[0] == seen[1] == seen[2]
    names = daemon.ok("ifconfig", "-l").split()
    assert sorted(names) == sorted(
        "lo0 wan lan pair1 pair2 pair3 pair4 pair5".split())
    # What has gone is made again, and nothing else.
    daemon.ok("ifconfig", "pair4", "destroy")
    daemon.ok("ifconfig", "lan", "destroy")
    run(IFCTL, "-s", daemon.url, "-f", path)
    assert sorted(daemon.ok("ifconfig", "-l").split()) == sorted(names)


def test_lines_from_a_pipe_make_new_ones(daemon):
    """Nobody knows what else will come, so a create makes another one; a line
    that names what it made is known."""
    for n in range(2):
        done = run(IFCTL, "-s", daemon.url, input="ifconfig pair create\n"
                   "ifconfig pair7 create name lan up\n")
        assert done.stderr == ""
        assert f"pair{n}" in done.stdout
    assert daemon.ok("ifconfig", "-l").split() == ["lo0", "pair0", "lan",
                                                   "pair1"]


def test_another_kind_is_not_taken(daemon, tmp):
    path = tmp / "a.conf"
    path.write_text("ifconfig pair0 create name wan\n")
    daemon.ok("ifconfig", "pg0", "create")
    daemon.ok("ifconfig", "pg0", "name", "wan")
    assert "exists" in run(IFCTL, "-s", daemon.url, "-f", path,
                           check=False).stderr
    assert daemon.ok("ifconfig", "-l").split() == ["lo0", "wan"]


def test_every_bad_line_is_named(daemon, tmp):
    path = tmp / "router.conf"
    path.write_text("ifconfig pair0 create\nfrob\n\n"
                    "ifconfig pair0 mtu x\nroute add\n")
    done = run(IFCTL, "-s", daemon.url, "-f", path, check=False)
    assert done.returncode == 1
    for number, what in ((2, "frob"), (4, "mtu x"), (5, "route")):
        assert any(f"{path}:{number}: " in line and what in line
                   for line in done.stderr.splitlines()), done.stderr
    assert daemon.ok("ifconfig", "-l").split() == ["lo0"]



@pytest.fixture
def closed_tun(tmp):
    """A place where /dev/net/tun is root's alone, and two users in it."""
    if run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
           "true", check=False).returncode != 0:
        pytest.skip("cannot become another user here (a user namespace)")
    os.chmod(tmp, 0o755)
    (tmp / "tun").touch(mode=0o600)
    shutil.copy(IFCTL, tmp / "ifctl")
    script = (f"mount --bind {tmp}/tun /dev/net/tun && exec setpriv "
              "--reuid=65534 --regid=65534 --clear-groups \"$@\"")
    return ("unshare", "--mount", "sh", "-c", script, "sh")


def test_tun_of_another_owner(tmp, closed_tun):
    """Neither the daemon's user nor the client's may open the device."""
    shutil.copy(BUILD / "cmd/ifnetd/ifnetd", tmp / "ifnetd")
    home = tmp / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    d = Daemon(home, start=False)
    log = open(d.log, "ab")
    d.process = subprocess.Popen(
        [*closed_tun, tmp / "ifnetd", "--ctl", d.url],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_for(d.ready, what="ifnetd is ready")
    try:
        text = d.bad("ifconfig", "tap0", "create")
        assert "may not be opened by the user ifnetd runs as" in text, text
        assert "owner and mode" in text and "CAP_NET_ADMIN" not in text
        done = run(*closed_tun, tmp / "ifctl", "-s", d.url, "ifconfig",
                   "tap0", "create", "here", check=False)
        assert "owner and mode" in done.stderr, done.stderr
        assert "CAP_NET_ADMIN" not in done.stderr
    finally:
        assert d.stop() == 0
        log.close()
