"""An installation: into a prefix, used from outside the tree, removed."""

import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import LONG, ROOT, SLOW, run, wait_for

# One installation for all tests of the file: it compiles everything.
FLAGS = "-Dtests=false -Dbench=false -Doptimization=0"


def make(tree, *words, **kwargs):
    return run("make", "--no-print-directory", "-C", tree,
               f"MESON_FLAGS={FLAGS}", *words, timeout=5 * LONG, **kwargs)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is under version control (or would be), built."""
    if SLOW > 1:
        pytest.skip("an installation has no sanitizer")
    if not shutil.which("make"):
        pytest.skip("there is no make")
    path = tmp_path_factory.mktemp("install") / "tree"
    shutil.copytree(ROOT, path, symlinks=True, ignore=shutil.ignore_patterns(
        ".git", "build", "build-*", "__pycache__"))
    make(path)
    return path


@pytest.fixture(scope="module")
def prefix(tree):
    """`make && make install PREFIX=DIR', as people type it."""
    path = tree.parent / "prefix"
    done = make(tree, "install", f"PREFIX={path}")
    assert f"Installed into {path}." in done.stdout
    # What its user has to know is said.
    assert "pkg-config" in done.stdout and "extcap" in done.stdout
    return path


def environment(prefix):
    pc = subprocess.run(["find", str(prefix), "-name", "ifnet.pc"],
                        capture_output=True, text=True, check=True)
    folder = pathlib.Path(pc.stdout.strip()).parent
    return dict(os.environ, PKG_CONFIG_PATH=str(folder))


def files(where):
    return [p for p in where.rglob("*") if p.is_file() or p.is_symlink()]


def test_prefix_given_at_installation(prefix):
    """Everything is below the prefix, whatever `make' was told before."""
    assert (prefix / "sbin/ifnetd").exists()
    assert (prefix / "bin/ifctl").exists()
    assert (prefix / "share/man/man8/ifctl.8").exists()
    strings = (prefix / "sbin/ifnetd").read_bytes()
    assert str(prefix).encode() in strings
    assert b"/usr/local/lib" not in strings


def test_relative_prefix_is_refused(tree):
    done = make(tree, "install", "PREFIX=some/where", check=False)
    assert done.returncode != 0
    assert "PREFIX is an absolute path" in done.stderr
    assert not (tree / "some").exists()


def test_program_outside_the_tree(prefix, tmp_path):
    """Built with pkg-config, and it starts, with no LD_LIBRARY_PATH."""
    env = environment(prefix)
    env.pop("LD_LIBRARY_PATH", None)
    shutil.copy(ROOT / "examples/embed.c", tmp_path)
    flags = run("pkg-config", "--cflags", "--libs", "ifnet",
                env=env).stdout.split()
    run("cc", "-Wall", "-Werror", tmp_path / "embed.c", "-o",
        tmp_path / "embed", *flags, env=env)
    done = run(tmp_path / "embed", env=env, cwd="/")
    assert done.stdout == "3 of 3 answered\n"


def test_daemon_and_client(prefix, tmp_path):
    """The installed ones, and a driver that is looked for in the prefix."""
    socket = tmp_path / "ctl.sock"
    url = f"unix://{socket}"
    env = {k: v for k, v in os.environ.items() if k != "IFNET_MODULES"}
    daemon = subprocess.Popen([prefix / "sbin/ifnetd", "--ctl", url], env=env,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    ifctl = [prefix / "bin/ifctl", "-s", url]
    try:
        wait_for(socket.exists, what="ifnetd listens")
        wait_for(lambda: run(*ifctl, "ifconfig", "-l",
                             check=False).returncode == 0)
        run(*ifctl, "ifconfig", "null0", "create")
        assert "null0" in run(*ifctl, "ifconfig", "-l").stdout.split()
        # Wireshark's way to it, by the path it was installed with.
        extcap = next(p for p in files(prefix) if p.parent.name == "extcap")
        done = run(extcap, "--extcap-interfaces",
                   env=dict(env, IFNETD=url))
        assert "null0" in done.stdout
        if shutil.which("tshark"):
            home = tmp_path / "home"
            folder = home / ".config/wireshark/extcap"
            folder.mkdir(parents=True)
            (folder / "ifnet").symlink_to(extcap)
            seen = run("tshark", "-D", check=False, env=dict(
                env, IFNETD=url, HOME=str(home)))
            assert "null0" in seen.stdout
        run(*ifctl, "halt")
        assert daemon.wait(LONG) == 0
    finally:
        if daemon.poll() is None:
            daemon.kill()
        daemon.stdout.close()


def test_driver_outside_the_tree(prefix, tmp_path):
    """The example, built and installed as its own Makefile says."""
    env = environment(prefix)
    source = tmp_path / "driver"
    shutil.copytree(ROOT / "examples/driver", source)
    run("make", "-C", source, "install", f"DESTDIR={tmp_path}/dest", env=env)
    built = [p for p in (tmp_path / "dest").rglob("if_null.so")]
    assert len(built) == 1
    assert str(built[0]).startswith(f"{tmp_path}/dest{prefix}/lib")


def test_destdir(tree, prefix, tmp_path):
    """A package is made of it: nothing is said, nothing is run."""
    dest = tmp_path / "dest"
    done = make(tree, "install", f"DESTDIR={dest}")
    assert "pkg-config" not in done.stdout
    assert (dest / prefix.relative_to("/") / "sbin/ifnetd").exists()
    make(tree, "uninstall", f"DESTDIR={dest}")
    assert files(dest) == []
    # A relative one is relative to where `make' runs; a slash at the end of
    # the prefix makes it no other one.
    done = make(tree, "install", "DESTDIR=rel", f"PREFIX={prefix}/")
    assert "The prefix of" not in done.stdout
    rel = tree / "rel"
    assert (rel / prefix.relative_to("/") / "sbin/ifnetd").exists()
    done = make(tree, "uninstall", "DESTDIR=rel")
    assert "files of ifnet removed" in done.stdout and files(rel) == []


def test_root_installs_what_a_user_built(tree):
    """`make' by a user, `sudo make install': nothing of root's is left in the
    user's tree, and the next `make' works."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if run(*user, "true", check=False).returncode != 0:
        pytest.skip("cannot become another user here (a user namespace)")
    for path in tree.parents:
        if path.stat().st_uid == os.geteuid() and path != path.parent:
            path.chmod(path.stat().st_mode | 0o11)
    run("chown", "-R", "65534:65534", tree)
    second = tree.parent / "second"
    # The cache of who runs the tests is none of the user's.
    env = dict(os.environ, CCACHE_DISABLE="1")
    make(tree, "install", f"PREFIX={second}", env=env)
    assert (second / "sbin/ifnetd").stat().st_uid == os.geteuid()
    left = run("find", tree, "!", "-user", "65534").stdout
    assert left == ""
    (tree / "src/kern/kmem.c").touch()
    run(*user, "env", f"HOME={tree}", "make", "-C", tree,
        timeout=5 * LONG, env=env)
    done = make(tree, "uninstall", f"PREFIX={second}")
    assert "files of ifnet removed" in done.stdout
    assert "nothing of ifnet" in make(tree, "uninstall",
                                      f"PREFIX={second}").stdout
    assert files(second) == []
    assert run("find", tree, "!", "-user", "65534").stdout == ""


def test_removed(tree, prefix):
    """The last test: nothing is left, and what is others' stays."""
    other = prefix / "share/man/man8/other.8"
    other.write_text("somebody else's")
    done = make(tree, "uninstall", f"PREFIX={prefix}")
    assert "files of ifnet removed" in done.stdout
    assert files(prefix) == [other]
    assert "nothing of ifnet" in make(tree, "uninstall").stdout
