"""Drivers in files of their own, built as a stranger would: from what is
installed, with the example's own Makefile."""

import os
import shutil

import pytest

from conftest import BUILD, LONG, ROOT, Daemon, finish, run

DRIVER = ROOT / "examples/driver"


@pytest.fixture(scope="module")
def modules(installed, tmp_path_factory):
    """A directory with if_null.so, made from the installed headers."""
    work = tmp_path_factory.mktemp("module") / "driver"
    work.mkdir()
    for name in ("if_null.c", "Makefile"):
        shutil.copy(DRIVER / name, work)
    assert str(ROOT) not in installed.cflags
    assert str(installed.dest) in installed.cflags
    # None of the headers needs one that is not installed, or another first.
    for header in sorted(installed.dest.rglob("include/ifnet/*.h")):
        run("cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
            "-fsyntax-only", *installed.cflags.split(), "-xc", "-",
            stdin=None,
            input=f"#include <ifnet/{header.name}>\n")
    run("make", "-C", work, "CFLAGS=-O2 -Wall -Wextra -Werror",
        env=installed.env)
    return work


@pytest.fixture
def daemon(tmp, modules):
    d = Daemon(tmp, start=False)
    d.start(env=dict(os.environ, IFNET_MODULES=f"/nonexistent:{modules}"))
    yield d
    finish(d)


def test_appears_on_first_use(daemon):
    assert "null" not in daemon.ok("ifconfig", "-C").split()
    daemon.ok("ifconfig", "null0", "create")
    assert "null" in daemon.ok("ifconfig", "-C").split()
    assert daemon.ok("ifconfig", "null", "create") == "null1\n"
    daemon.bad("ifconfig", "null0", "create", code=1)
    # Words that the driver does not know.
    daemon.bad("ifconfig", "null2", "create", "peer", "null0", code=1)
    daemon.ok("ifconfig", "null0", "destroy")
    assert "null0" not in daemon.ok("ifconfig", "-l").split()


@pytest.mark.parametrize("end", ["vnet destroy", "halt"])
def test_driver_refuses_to_destroy(tmp, end):
    """if_busy's destroy answers EBUSY; it is in use when its vnet ends."""
    d = Daemon(tmp, start=False)
    d.start(env=dict(os.environ, IFNET_MODULES=str(BUILD / "tests/unit")))
    d.ok("vnet", "create", "red")
    d.ok("ifconfig", "busy0", "create", vnet="red")
    d.ok("ifconfig", "busy0", "inet", "10.9.9.1/24", "up", vnet="red")
    d.ok("route", "add", "default", "10.9.9.2", vnet="red")
    d.bad("ifconfig", "busy0", "destroy", code=1, vnet="red")
    d.ok("ifconfig", "busy0", "mtu", "1400", vnet="red")
    if end == "halt":
        d.ok("halt")
        assert d.process.wait(LONG) == 0
    else:
        d.ok("vnet", "destroy", "red")
        d.ok("ifconfig", "lo0")
    finish(d)


def test_takes_packets(daemon):
    daemon.ok("ifconfig", "null0", "create")
    daemon.ok("ifconfig", "null0", "inet", "10.9.9.1/24", "up")
    shown = daemon.ok("ifconfig", "null0")
    assert "UP,BROADCAST,RUNNING" in shown and "10.9.9.1/24" in shown
    # Nobody answers.
    done = daemon.ctl("ping", "-c", "3", "-i", "0.1", "-w", "1", "10.9.9.2")
    assert done.returncode != 0
    daemon.dropped("null0", "discard", 3, more=True)
    # Down, it takes none.
    daemon.ok("ifconfig", "null0", "down")
    daemon.ok("ifconfig", "null0", "destroy")


def test_serves_every_vnet(daemon):
    daemon.ok("vnet", "create", "red")
    daemon.ok("ifconfig", "null0", "create", vnet="red")
    assert "null" not in daemon.ok("ifconfig", "-C").split()
    daemon.ok("ifconfig", "null0", "create")
    daemon.ok("vnet", "destroy", "red")
    # Its code is still there for this one, and for the end.
    daemon.ok("ifconfig", "null0", "inet", "10.9.9.1/24", "up")


def test_unknown_kind(daemon):
    text = daemon.bad("ifconfig", "nosuch0", "create", code=1)
    assert "there is no kind of interface \"nosuch\"" in text
    assert "no module if_nosuch.so" in text
    for name in ("../null0", "a/b0", "x.y0"):
        daemon.bad("ifconfig", name, "create", code=1)


def test_unfit_file(daemon, modules):
    """What it is refused for is in the log; the daemon goes on."""
    (modules / "if_text.so").write_text("no module\n")
    open_to_all = modules / "if_wide.so"
    shutil.copy(modules / "if_null.so", open_to_all)
    open_to_all.chmod(0o777)
    shutil.copy(modules / "if_null.so", modules / "if_nil.so")
    for name, why in (("text", "if_text.so"), ("wide", "everybody may write"),
                      ("nil", "calls itself otherwise")):
        daemon.bad("ifconfig", f"{name}0", "create", code=1)
        assert why in daemon.text()
    daemon.ok("ifconfig", "null0", "create")
