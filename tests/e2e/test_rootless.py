"""The whole path without root: an ordinary user, in a user namespace."""

import os
import pathlib
import shutil
import tempfile

import pytest

from conftest import BUILD, ROOT, run

SCRIPT = r"""
set -e
id -u | grep -qx 0
mkdir -p /run/demo
PATH="$PATH:/usr/sbin:/sbin"
export IFNETD=unix:///run/demo/ctl.sock
ip netns add left
ip netns add right
"$DIR/ifnetd" --ctl "$IFNETD" >/run/demo/log 2>&1 &
daemon=$!
i=0
until "$DIR/ifctl" ifconfig -l >/dev/null 2>&1; do
	i=$((i + 1))
	[ $i -lt 300 ] || { cat /run/demo/log; exit 1; }
	sleep 0.05
done
n=1
for side in left right; do
	tap=tap$((n - 1))
	ip netns exec $side "$DIR/ifctl" ifconfig $tap create here
	"$DIR/ifctl" ifconfig $tap inet 10.0.$n.1/24 up
	ip -n $side link set $tap up
	ip -n $side addr add 10.0.$n.2/24 dev $tap
	ip -n $side route add default via 10.0.$n.1
	n=$((n + 1))
done
"$DIR/ifctl" sysctl -w net.inet.ip.forwarding=1
ip netns exec left ping -n -c 2 -i 0.2 -W 3 10.0.2.2
kill $daemon
wait $daemon
"""


@pytest.fixture
def tmp():
    """Not below /run: that is private to each sandbox."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ifn-", dir="/tmp"))
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


def test_rootless(tmp):
    if run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
           "true", check=False).returncode != 0:
        pytest.skip("all the tests run without root already")
    for name in ("ifnetd", "ifctl"):
        shutil.copy(BUILD / "cmd" / name / name, tmp / name)
        os.chmod(tmp / name, 0o755)
    shutil.copy(ROOT / "scripts" / "sandbox", tmp / "sandbox")
    # As on most machines: anybody may open the tun device.
    os.mknod(tmp / "tun", 0o666 | 0o020000, os.makedev(10, 200))
    os.chmod(tmp / "tun", 0o666)
    done = run("unshare", "--mount", "--propagation", "private", "sh", "-c",
               'mount --bind "$DIR/tun" /dev/net/tun && exec setpriv '
               "--reuid=65534 --regid=65534 --clear-groups "
               '"$DIR/sandbox" sh -c "$SCRIPT"',
               env=dict(os.environ, DIR=str(tmp), SCRIPT=SCRIPT,
                        TMPDIR="/tmp"), check=False)
    if done.returncode == 125:
        pytest.skip("no user namespaces here: " + done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0% packet loss" in done.stdout
