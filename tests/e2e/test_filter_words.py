"""A packet filter never makes anybody ask for a host's name: where there is a
resolver that listens and never answers, nothing is heard."""

import os
import subprocess
import sys

import pytest

from conftest import IFCTL, run

# In a mount and a network namespace of its own: every name is asked of
# 127.0.0.1, where this counts and stays silent.
LISTENER = """
import os, socket, subprocess, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
s.setblocking(False)
heard = 0
while True:
    try:
        s.recv(2048)
        heard += 1
    except BlockingIOError:
        break
print(heard, done.returncode)
print(done.stdout + done.stderr, end="")
"""


@pytest.fixture
def trapped(tmp_path):
    """trapped(command...): the queries heard, exit code, output."""
    (tmp_path / "resolv.conf").write_text(
        "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (tmp_path / "nsswitch.conf").write_text(
        "hosts: dns\nnetworks: dns\nservices: files\nprotocols: files\n")
    for name in ("resolv.conf", "nsswitch.conf"):
        if not os.path.exists(f"/etc/{name}"):
            pytest.skip(f"there is no /etc/{name} to cover")

    def call(*argv):
        script = "ip link set lo up && " + " && ".join(
            f"mount --bind {tmp_path}/{n} /etc/{n}"
            for n in ("resolv.conf", "nsswitch.conf")) + ' && exec "$@"'
        done = run("unshare", "--mount", "--net", "sh", "-c", script, "sh",
                   sys.executable, "-c", LISTENER, *argv)
        first, _, output = done.stdout.partition("\n")
        heard, code = map(int, first.split())
        return heard, code, output
    return call


def test_nobody_is_asked(daemon, trapped):
    # The trap works.
    heard, code, _ = trapped("getent", "ahosts", "nowhere.example")
    assert heard > 0 and code != 0
    ctl = [IFCTL, "-s", daemon.url]
    for words in (["dump", "lo0", "icmp and host nowhere.example"],
                  ["filter", "add", "in", "any", "drop",
                   "src net nowhere.example"],
                  ["filter", "add", "in", "any", "drop", "nowhere"]):
        heard, code, output = trapped(*ctl, *words)
        assert (heard, code != 0) == (0, True), output
        assert 'unknown word or host name "nowhere' in output
        assert "use an address" in output
    # What is right is taken, and asks nobody either.
    heard, code, output = trapped(
        *ctl, "filter", "add", "in", "any", "drop",
        "tcp port http and host 10.0.0.1")
    assert (heard, code) == (0, 0), output


def test_in_a_configuration(trapped, tmp_path):
    conf = tmp_path / "router.conf"
    conf.write_text("filter add in any drop 'host nowhere.example'\n")
    ifnetd = IFCTL.parents[1] / "ifnetd/ifnetd"
    heard, code, output = trapped(
        ifnetd, "--ctl", f"unix://{tmp_path}/sock", "-f", conf)
    assert heard == 0 and code != 0
    assert 'router.conf:1: ' in output
    assert 'unknown word or host name "nowhere.example"' in output
