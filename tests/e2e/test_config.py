"""The configuration file."""

import re
import shlex

import pytest

from conftest import LONG, Daemon, finish

ROUTER = """\
# A router
ifconfig pair0 create peer pair1
ifconfig pair0 descr "customers"   # words in quotes
ifconfig pair0 inet 10.0.1.1/24 up

ifconfig pair1 inet 192.0.2.2/30 mtu 9000 up
route add default 192.0.2.1
sysctl -w net.inet.ip.forwarding=1
"""


@pytest.fixture
def idle(tmp):
    d = Daemon(tmp, start=False)
    yield d
    finish(d)


def config(daemon, text):
    path = daemon.dir / "router.conf"
    path.write_text(text)
    return path


def refused(daemon, text):
    """Started with this file it ends with a message; the message."""
    path = config(daemon, text)
    daemon.start("-f", path, wait=False)
    code = daemon.process.wait(LONG)
    assert code not in (0, 97) and code > 0
    daemon.process = None
    assert not daemon.socket.exists()
    return daemon.text()


def test_applied(idle):
    idle.start("-f", config(idle, ROUTER))
    text = idle.ok("ifconfig", "pair0")
    assert "10.0.1.1" in text and "customers" in text
    assert " mtu 9000" in idle.ok("ifconfig", "pair1")
    assert "192.0.2.1" in idle.ok("netstat", "-rn")
    assert idle.sysctl("net.inet.ip.forwarding") == "1"


def test_empty(idle):
    idle.start("-f", config(idle, "\n# nothing\n   \n"))
    idle.ok("ifconfig", "-l")


@pytest.mark.parametrize("line,says", [
    ("ifconfig pair0 inet 10.0.0.300/24", "10.0.0.300"),
    ("frobnicate", "frobnicate"),
    ("ifconfig pair0 frob", "frob"),
    ("sysctl -w", "sysctl"),
    ('ifconfig pair0 descr "unfinished', "quot"),
    ("watch", "watch"),
])
def test_error_in_line_7(idle, line, says):
    """File and line are said, and nothing of the file has been applied."""
    text = refused(idle, "\n".join(
        ["ifconfig pair0 create"] + ["# a comment"] * 5 +
        [line, "ifconfig pair0 up"]))
    assert re.search(r"router\.conf:7: ", text), text
    assert says in text, text


def test_every_bad_line(idle):
    """In the daemon's name, not in that of the client."""
    text = refused(idle, "frobnicate\nifconfig pair0 create\nbogus\n"
                         "ifconfig pair0 frob\n")
    for line in (1, 3, 4):
        assert re.search(rf"^ifnetd: .*router\.conf:{line}: ", text,
                         re.M), text
    assert "ifctl: " not in text, text


def test_failure_while_running(idle):
    """Well-formed, but it cannot be done: file and line are said, and the
    daemon does not go on with half of it."""
    text = refused(idle, "ifconfig pair0 create\n"
                         "ifconfig pair9 up\n")
    assert re.search(r"router\.conf:2: .*pair9", text), text


def test_not_there(idle):
    idle.start("-f", idle.dir / "none.conf", wait=False)
    assert idle.process.wait(LONG) not in (0, 97)
    idle.process = None
    assert "none.conf" in idle.text() and "No such file" in idle.text()


def test_same_words_as_the_command_line(idle):
    """Each line of a file works after `ifctl' too."""
    idle.start()
    for line in ROUTER.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            idle.ok(*words)
    assert "10.0.1.1" in idle.ok("ifconfig", "pair0")
