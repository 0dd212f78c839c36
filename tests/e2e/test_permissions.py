"""Who may change things: root, who started the daemon, the administrators."""

import errno
import grp
import os
import shutil
import socket
import struct
import traceback

import pytest

from conftest import IFCTL, Daemon, finish, run
from test_bad_input import CTL_HDR, CTL_IOCTL, HELLO, record, request

CHANGES = [
    ("ifconfig", "pair0", "create"),
    ("ifconfig", "lo0", "mtu", "9000"),
    ("ifconfig", "lo0", "inet", "10.9.9.9/32", "alias"),
    ("route", "add", "-net", "192.0.2.0/24", "10.0.0.2"),
    ("sysctl", "-w", "net.inet.ip.forwarding=1"),
    ("vnet", "create", "mine"),
]


def another(uid, gid, groups):
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}",
            f"--groups={groups}" if groups else "--clear-groups"]


@pytest.fixture
def client(tmp):
    """A client as anybody: client(daemon, uid, gid, groups, words...)."""
    if run(*another(65534, 65534, ""), "true", check=False).returncode != 0:
        pytest.skip("cannot become another user here (a user namespace)")
    shutil.copy(IFCTL, tmp / "ifctl")
    os.chmod(tmp / "ifctl", 0o755)

    def ctl(daemon, uid, gid, groups, *words):
        return run(*another(uid, gid, groups), tmp / "ifctl", "-s",
                   daemon.url, *words, check=False)

    return ctl


def may(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def may_not(done):
    assert done.returncode > 0 and "ermi" in done.stderr, done.stderr


@pytest.fixture
def group():
    """Some group that is not this user's."""
    return next(g for g in grp.getgrall()
                if g.gr_gid not in (0, 60, 65534) and g.gr_gid < 60000)


@pytest.mark.parametrize("words", CHANGES)
def test_administrators(tmp, client, group, words):
    d = Daemon(tmp, "--group", group.gr_name)
    d.ok("ifconfig", "pair1", "create")
    d.ok("ifconfig", "pair1", "inet", "10.0.0.1/24", "up")
    may_not(client(d, 65534, 65534, "", *words))
    may_not(client(d, 65534, 65534, "60", *words))
    # One of several groups, or the only one; and looking is for everybody.
    may(client(d, 65534, 65534, "", "ifconfig", "-a"))
    may(client(d, 65534, 65534, f"60,{group.gr_gid}", *words))
    may(client(d, 65534, group.gr_gid, "", "ifconfig", "lo0", "up"))
    finish(d)


def test_no_group(daemon, client):
    """Without --group nobody is an administrator, group 0 neither."""
    may_not(client(daemon, 65534, 0, "0", "ifconfig", "pair0", "create"))
    may(client(daemon, 65534, 0, "0", "ifconfig", "-a"))


def test_who_started_it(tmp, client):
    os.chmod(tmp, 0o1777)
    shutil.copy(IFCTL.parent.parent / "ifnetd/ifnetd", tmp / "ifnetd")
    os.chmod(tmp / "ifnetd", 0o755)
    d = Daemon(tmp, start=False)
    d.log.touch()
    d.start(argv=another(65533, 65533, "") + [
        "sh", "-c", f'shift; exec {tmp}/ifnetd "$@"', "sh"])
    may(client(d, 65533, 65533, "", "ifconfig", "pair0", "create"))
    may_not(client(d, 65534, 65534, "", "ifconfig", "pair2", "create"))
    may_not(client(d, 65534, 65533, "65533", "ifconfig", "pair2", "create"))
    d.ok("ifconfig", "pair2", "create")
    finish(d)


def as_nobody(function):
    """Call a function in a child of uid 65534; what it raised is printed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            function()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def ask(sock, message):
    """The answer's errno."""
    sock.send(message)
    return CTL_HDR.unpack(sock.recv(70000)[:CTL_HDR.size])[4]


def test_every_number_of_a_request(daemon, client):
    """Whatever its direction bits and size say, no request that a user
    without privilege makes changes anything."""
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1", "10.0.0.1/24",
              "up")
    daemon.ok("ifconfig", "pair1", "up")

    def everything():
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(str(daemon.socket))
        assert ask(sock, HELLO) == 0
        errors = set()
        for number in range(4 * 256):
            for size in (16, 32, 80, 144, 280):
                cmd = (number >> 8) << 30 | size << 16 | ord("i") << 8 | \
                    number & 0xff
                rec = b"pair0".ljust(16, b"\0") + b"\x01" * (size - 16)
                errors.add(ask(sock, request(CTL_IOCTL, record(
                    struct.pack("=QII", cmd, size, 0), rec))))
        assert {0, errno.EPERM} <= errors
        sock.close()

    def state():
        return [daemon.ok(*words) for words in (
            ("ifconfig", "-a"), ("netstat", "-rn"), ("arp", "-an"),
            ("filter", "list"), ("vnet", "list"))]

    before = state()
    as_nobody(everything)
    assert state() == before
    assert daemon.ok("history").count(" by uid 65534 ") == 0


def test_others_are_hidden(daemon, client):
    """Who made a change is shown to everybody, or not."""
    daemon.ok("ifconfig", "lo0", "mtu", "9000")
    may(client(daemon, 65534, 65534, "", "history", "lo0"))
    daemon.ok("sysctl", "-w", "kern.user.visible=0")
    seen = client(daemon, 65534, 65534, "", "history", "lo0")
    may(seen)
    assert seen.stdout.splitlines()[-1].endswith(" by another user")
    seen = client(daemon, 65534, 65534, "", "history", "--json", "lo0")
    may(seen)
    last = seen.stdout.splitlines()[-1]
    assert '"request"' in last
    assert '"pid"' not in last and '"uid"' not in last
    assert " by uid " in daemon.ok("history", "lo0")


def test_share_of_a_user(daemon, client):
    """A user's share of what all share is a setting, and named."""
    may(client(daemon, 65534, 65534, "", "ifconfig", "-a"))
    daemon.ok("sysctl", "-w", "kern.user.dumps.each=0")
    refused = client(daemon, 65534, 65534, "", "ifconfig", "-a")
    assert refused.returncode > 0
    assert "kern.user.dumps.each" in refused.stderr
    daemon.ok("ifconfig", "-a")
    refused = client(daemon, 65534, 65534, "", "ping", "-c", "1", "-I",
                     "8.8.8.8", "127.0.0.1")
    assert refused.returncode > 0 and "source" in refused.stderr
