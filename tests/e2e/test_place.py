"""Where the daemon listens, and which one the client talks to, when nobody
says."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from conftest import BUILD, LONG, run, wait_for

USER = 65534


def as_user(*argv):
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}",
            "--clear-groups", *argv]


@pytest.fixture
def place():
    """Programs and a runtime directory of an ordinary user."""
    if run(*as_user("true"), check=False).returncode != 0:
        pytest.skip("needs root, to be another user as well")
    path = pathlib.Path(tempfile.mkdtemp(prefix="ifn-", dir="/tmp"))
    for name in ("ifnetd", "ifctl"):
        shutil.copy(BUILD / "cmd" / name / name, path / name)
        os.chmod(path / name, 0o755)
    os.chmod(path, 0o755)
    (path / "own").mkdir(mode=0o700)
    os.chown(path / "own", USER, USER)
    yield path
    shutil.rmtree(path)


class Places:
    """Daemons and clients that name no place."""

    def __init__(self, place):
        self.place = place
        self.running = []
        self.env = {k: v for k, v in os.environ.items()
                    if k not in ("IFNETD", "XDG_RUNTIME_DIR")}

    def environment(self, user):
        return dict(self.env, XDG_RUNTIME_DIR=str(self.place / "own")) \
            if user else self.env

    def start(self, user, socket):
        argv = [str(self.place / "ifnetd")]
        child = subprocess.Popen(as_user(*argv) if user else argv,
                                 env=self.environment(user),
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        self.running.append(child)
        wait_for(lambda: run(self.place / "ifctl", "-s", f"unix://{socket}",
                             "ifconfig", "-l", check=False).returncode == 0)
        return child

    def ctl(self, user, *argv):
        words = [str(self.place / "ifctl"), *argv]
        return run(*(as_user(*words) if user else words),
                   env=self.environment(user), check=False)

    def end(self):
        for child in self.running:
            if child.poll() is None:
                child.terminate()
            child.wait(LONG)


@pytest.fixture
def places(place):
    p = Places(place)
    yield p
    p.end()


def test_own_before_the_machines(places):
    """A user's own daemon is meant, whatever else runs."""
    own = places.place / "own/ifnetd.sock"
    places.start(False, "/run/ifnetd.sock")
    assert places.ctl(True, "ifconfig", "-l").returncode == 0
    assert places.ctl(False, "ifconfig", "pair7", "create").returncode == 0
    assert "pair7" in places.ctl(True, "ifconfig", "-l").stdout
    mine = places.start(True, own)
    assert "pair7" not in places.ctl(True, "ifconfig", "-l").stdout
    assert places.ctl(True, "ifconfig", "pair3", "create").returncode == 0
    assert "pair3" not in places.ctl(False, "ifconfig", "-l").stdout

    # One that was killed is not silently replaced by somebody else's.
    mine.kill()
    mine.wait(LONG)
    done = places.ctl(True, "ifconfig", "-l")
    assert done.returncode == 1
    assert str(own) in done.stderr and "left behind" in done.stderr
    assert "-s unix:///run/ifnetd.sock" in done.stderr
    # A new one takes its place.
    places.start(True, own)
    assert places.ctl(True, "ifconfig", "-l").returncode == 0


def test_none(places):
    """Both places are named when there is nobody at either."""
    done = places.ctl(True, "ifconfig", "-l")
    assert done.returncode == 1
    assert str(places.place / "own/ifnetd.sock") in done.stderr
    assert "/run/ifnetd.sock" in done.stderr


def test_root_of_a_user_namespace(places):
    """`unshare -Ur' makes no root who may write to /run."""
    argv = as_user("unshare", "--user", "--map-root-user", "sh", "-c",
                   f"{places.place}/ifnetd --daemon && "
                   f"{places.place}/ifctl ifconfig pair0 create && "
                   f"{places.place}/ifctl halt")
    done = run(*argv, env=places.environment(True), check=False)
    if "unshare failed" in done.stderr:
        pytest.skip("no user namespaces here: " + done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert not os.path.exists("/run/ifnetd.sock")


def test_nowhere(places):
    """No directory for sockets: refused, and it says what to give."""
    env = dict(places.env)
    done = run(*as_user(str(places.place / "ifnetd")), env=env, check=False)
    assert done.returncode == 2
    assert "XDG_RUNTIME_DIR" in done.stderr and "--ctl URL" in done.stderr
