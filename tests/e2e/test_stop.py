"""A clean stop: nothing that the daemon made is left."""

import os
import signal
import subprocess

import pytest

from conftest import IFNETD, LONG, run, wait_for


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_signal(daemon, netns, sig):
    ns = netns("box")
    daemon.tap(ns, "tap0", "10.0.1.1/24")
    daemon.ok("ifconfig", "tap1", "create")
    assert daemon.stop(sig) == 0
    assert not daemon.socket.exists()
    assert "tap" not in ns.ip("-br", "link").stdout
    assert "tap1" not in run("ip", "-br", "link").stdout


def test_halt(daemon, netns):
    """It returns when the daemon has ended."""
    for i in range(20):
        daemon.tap(netns(f"box{i}"), f"tap{i}")
    daemon.ok("halt")
    assert daemon.process.poll() == 0
    assert not daemon.socket.exists()


def test_under_traffic(router):
    pings = [router.left.popen("ping", "-q", "-n", "-f", "-c", "100000",
                               "10.0.2.2"),
             router.right.popen("ping", "-q", "-n", "-f", "-c", "100000",
                                "10.0.1.2")]
    try:
        wait_for(lambda: router.daemon.counters("tap1")["opackets"] > 500)
        assert router.daemon.stop() == 0
    finally:
        for p in pings:
            p.kill()
            p.wait()
            p.stdout.close()


def test_with_clients_connected(daemon):
    """Followers, pingers and idle ones are sent home."""
    children = [daemon.popen("monitor"), daemon.popen("watch"),
                daemon.popen("ping", "-n", "127.0.0.1")]
    wait_for(lambda: children[2].stdout.readline())
    daemon.children = []
    assert daemon.stop() == 0
    for child in children:
        assert child.wait(LONG) != 97
        child.stdout.close()


def test_background(tmp):
    """--daemon: returns when it is ready; its pid file goes with it."""
    sock, pid = tmp / "d.sock", tmp / "d.pid"
    run(IFNETD, "--ctl", f"unix://{sock}", "--daemon", "--pidfile", pid)
    number = int(pid.read_text())
    try:
        assert sock.exists()
        os.kill(number, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f"/proc/{number}") or
                 b"Z" in open(f"/proc/{number}/stat", "rb").read().split()[2],
                 what="it has ended")
    finally:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            pass
    assert not pid.exists() and not sock.exists()


def test_start_failure_leaves_nothing(tmp):
    done = run(IFNETD, "--ctl", f"unix://{tmp}/no/such/dir.sock",
               check=False)
    assert done.returncode not in (0, 97) and done.returncode > 0
    assert "no/such" in done.stderr
    done = run(IFNETD, "--frob", check=False)
    assert done.returncode not in (0, 97)
    assert os.listdir(tmp) == []


def test_many_times(daemon, tmp):
    for _ in range(5):
        assert daemon.stop() == 0
        daemon.start()
        daemon.ok("ifconfig", "pair0", "create")


def test_killed(daemon, netns):
    """Not a clean stop, but the kernel takes the taps, and the next daemon
    the socket."""
    ns = netns("box")
    daemon.tap(ns, "tap0")
    daemon.process.kill()
    daemon.process.wait()
    daemon.process = None
    assert "tap0" not in ns.ip("-br", "link").stdout
    daemon.start()
    daemon.tap(ns, "tap0")


def test_help_and_version():
    for word in ("--help", "--version"):
        done = subprocess.run([str(IFNETD), word], capture_output=True,
                              text=True, timeout=LONG, check=False)
        assert done.returncode == 0 and done.stdout
