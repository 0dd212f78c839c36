"""ifctl netstat."""

import os
import re
import signal

from conftest import LONG, wait_for


def test_interfaces(router):
    router.ping("-c", "2", "-i", "0.2")
    text = router.daemon.ok("netstat", "-i")
    head = text.splitlines()[0].split()
    assert head[:5] == ["Name", "Mtu", "Network", "Address", "Ipkts"]
    # As in NetBSD: a row for the link, one for each address.
    rows = [line.split() for line in text.splitlines() if
            line.startswith("tap0")]
    assert [row[2] for row in rows][0] == "<Link>"
    assert any(row[3] == "10.0.1.1" for row in rows)
    assert int(rows[0][4]) >= 2


def test_one_interface(router):
    text = router.daemon.ok("netstat", "-n", "-I", "tap0")
    assert "tap0" in text and "tap1" not in text


def test_routes(router):
    text = router.daemon.ok("netstat", "-r", "-n", "-f", "inet")
    assert re.search(r"^Destination\s+Gateway\s+Flags", text, re.M)
    assert re.search(r"^10\.0\.1(\.0)?/24\s.*\btap0$", text, re.M)


def test_statistics(router):
    router.ping("-c", "2", "-i", "0.2")
    text = router.daemon.ok("netstat", "-s")
    assert re.search(r"^ip:", text, re.M)
    assert re.search(r"^\t4 packets forwarded", text, re.M)
    assert re.search(r"^icmp:", text, re.M)
    assert re.search(r"^arp:", text, re.M)


def test_interval(router):
    """A heading, the sums so far, then a line an interval, until told."""
    child = router.daemon.popen("netstat", "-i", "-w", "1")
    try:
        lines = []
        wait_for(lambda: lines.append(child.stdout.readline()) or
                 len(lines) >= 5)
        assert all(line.strip() for line in lines)
        assert re.match(r"^\s*\d+(\s+\d+)+\s*$", lines[-1])
        child.send_signal(signal.SIGINT)
        assert child.wait(LONG) in (0, 130, -signal.SIGINT)
    finally:
        if child.poll() is None:
            child.kill()


def test_output_to_a_closed_pipe(router):
    """`ifctl ... | head -1' does no harm to anybody."""
    reader, writer = os.pipe()
    os.close(reader)
    child = router.daemon.popen("netstat", "-s", stdout=writer)
    os.close(writer)
    assert child.wait(LONG) != 97
    router.daemon.ok("netstat", "-s")
