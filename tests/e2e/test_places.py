"""Places for clients: when descriptors are out, and what each client costs."""

import shutil

import pytest

from conftest import SLOW, Daemon, finish
from test_bad_input import HELLO, answer, connect
from test_permissions import client  # noqa: F401 (a fixture)


def greet(daemon):
    """A connection that has been answered, or the errno it was refused
    with."""
    sock = connect(daemon, greet=False)
    try:
        sock.send(HELLO)
    except BrokenPipeError:
        pass
    got = answer(sock)
    assert got is not None, "ended without a word"
    return sock, got[0], got[2]


def test_descriptors_are_out(tmp):
    """An administrator gets in all the same, and what is in the way goes."""
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit")
    d = Daemon(tmp, argv=("prlimit", "--nofile=64:64"))
    socks = []
    try:
        for _ in range(100):
            sock, error, _words = greet(d)
            assert error == 0
            socks.append(sock)
        # The first has been told why it had to go.
        error, seq, words = answer(socks[0])
        assert (error, seq) == (87, 0)
        assert b"an administrator came" in words
        assert d.ok("ifconfig", "-l").split() == ["lo0"]
    finally:
        for sock in socks:
            sock.close()
    d.ok("ifconfig", "pair0", "create")
    finish(d)


def test_others_are_told(tmp, client):
    """Who is no administrator hears that there is no descriptor."""
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit")
    d = Daemon(tmp, argv=("prlimit", "--nofile=64:64"))
    socks = [greet(d)[0] for _ in range(30)]
    done = client(d, 65534, 65534, "", "ifconfig", "-l")
    for sock in socks:
        sock.close()
    assert done.returncode == 1
    assert "no descriptor left" in done.stderr and "ulimit -n" in done.stderr
    finish(d)


def test_idle_clients_are_small(daemon):
    """A client that asks for little costs its thread and a few pages."""
    def rss():
        with open(f"/proc/{daemon.process.pid}/status") as f:
            return int(next(line for line in f
                            if line.startswith("VmRSS")).split()[1])

    if SLOW > 1:
        pytest.skip("a sanitizer has memory of its own")
    first, error, _words = greet(daemon)
    assert error == 0
    before = rss()
    socks = [greet(daemon)[0] for _ in range(200)]
    grown = (rss() - before) / 200
    for sock in [first, *socks]:
        sock.close()
    assert grown < 40, f"{grown} KiB a client"
