"""ifctl ping: the router itself asks."""

import re
import signal

from conftest import LONG, wait_for


def test_answers(router):
    out = router.daemon.ok("ping", "-n", "-c", "2", "-i", "0.2", "10.0.1.2")
    assert out.startswith("PING 10.0.1.2")
    assert len(re.findall(r"^64 bytes from 10\.0\.1\.2: icmp_seq=\d+ ttl=64 "
                          r"time=[\d.]+ ms$", out, re.M)) == 2
    assert re.search(r"^2 packets transmitted, 2 packets received, "
                     r"0\.0% packet loss$", out, re.M)
    assert "round-trip min/avg/max" in out


def test_quiet(router):
    out = router.daemon.ok("ping", "-n", "-q", "-c", "1", "10.0.1.2")
    assert "bytes from" not in out and "1 packets received" in out


def test_size(router):
    out = router.daemon.ok("ping", "-n", "-c", "1", "-s", "4000", "10.0.1.2")
    assert "4008 bytes from" in out


def test_itself(daemon):
    out = daemon.ok("ping", "-n", "-c", "1", "127.0.0.1")
    assert "1 packets received" in out


def test_no_answer(router):
    done = router.daemon.ctl("ping", "-n", "-c", "1", "-w", "1",
                             "10.0.1.77")
    assert done.returncode > 0 and done.returncode != 97
    assert "0 packets received" in done.stdout
    assert "100.0% packet loss" in done.stdout


def test_no_route(daemon):
    done = daemon.ctl("ping", "-n", "-c", "1", "-w", "2", "203.0.113.1")
    assert done.returncode > 0
    assert re.search("No route to host|unreachable",
                     done.stdout + done.stderr)


def test_interrupted(router):
    """^C: the summary comes all the same."""
    child = router.daemon.popen("ping", "-n", "-i", "0.05", "10.0.1.2")
    try:
        for line in child.stdout:
            if "icmp_seq=3" in line:
                break
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
        assert "packets transmitted" in rest
        assert child.wait(LONG) == 0
    finally:
        if child.poll() is None:
            child.kill()
    # The daemon has forgotten it.
    wait_for(lambda: router.daemon.ok("ping", "-n", "-c", "1", "10.0.1.2"))
