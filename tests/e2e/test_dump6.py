"""Captures and filters of IPv6: what libpcap's language says of it."""

import signal
import subprocess

from conftest import IFCTL, wait_for
from test_dump import Dump
from test_ping6 import router6  # noqa: F401  pylint: disable=unused-import


def test_capture_filters(router6, tmp):  # noqa: F811
    d = router6.daemon
    filters = {
        "icmp": "ip6 and icmp6 and (icmp6[icmp6type] = 128 or "
                "icmp6[icmp6type] = 129)",
        "proto": "ip6 proto 58 and host 2001:db8:2::2",
        "source": "src host 2001:db8:1::2 and icmp6",
        "net": "net 2001:db8:2::/64",
        "four": "ip",
    }
    dumps = {name: Dump(d, tmp / name, "tap1", text)
             for name, text in filters.items()}
    router6.left.run("ping", "-c", "3", "-i", "0.05", "2001:db8:2::2")
    caps = {name: dump.end(signal.SIGINT) for name, dump in dumps.items()}
    counts = {name: len(cap.packets) for name, cap in caps.items()}
    assert counts["icmp"] == 6 and counts["source"] == 3
    # Neighbours may be asked for between.
    assert counts["proto"] >= 6 and counts["net"] >= 6
    assert counts["four"] == 0
    text = subprocess.run(["tcpdump", "-n", "-r", tmp / "icmp"], check=True,
                          capture_output=True, text=True).stdout
    assert text.count("ICMP6, echo re") == 6


def test_text(router6):  # noqa: F811
    """One line for a packet: neighbour discovery and echoes."""
    d = router6.daemon
    child = d.popen("dump", "tap0", "-t", "-c", "4",
                    "icmp6[icmp6type] = 128 or icmp6[icmp6type] = 129")
    wait_for(lambda: "PROMISC" in d.show("tap0")["flags"])
    router6.left.run("ping", "-c", "2", "-i", "0.05", "2001:db8:1::1")
    out = child.stdout.read()
    assert out.count("IPv6 2001:db8:1::2 > 2001:db8:1::1: ICMPv6 echo "
                     "request id ") == 2, out
    assert out.count("IPv6 2001:db8:1::1 > 2001:db8:1::2: ICMPv6 echo "
                     "reply id ") == 2


def test_rules(router6):  # noqa: F811
    """A rule drops what its expression says, and nothing else."""
    d, left = router6.daemon, router6.left
    for text in ("ip6 proto \\udp", "icmp6[icmp6type] = 128 and dst host "
                 "2001:db8:2::2", "vlan and ip6"):
        d.ok("filter", "add", "in", "tap0", "drop", text)
    assert left.run("ping", "-c", "1", "-W", "1", "2001:db8:2::2",
                    check=False).returncode == 1
    left.run("ping", "-c", "1", "2001:db8:2::1")
    d.ok("filter", "delete", "20")
    left.run("ping", "-c", "1", "2001:db8:2::2")
    done = subprocess.run([str(IFCTL), "-s", d.url, "filter", "add", "in",
                           "tap0", "drop", "host 2001:db8::1::2"],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0
