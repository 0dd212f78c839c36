"""Text that came from somebody stays within its line, in every output, and
says nothing to the terminal."""

import json
import os
import re

import pytest

from conftest import IFCTL, IFNETD, ROOT, Daemon, finish, run

FORGED = ("x\n\tinet 10.6.6.6/8 flags 0\x1b[2J\x9b31m\u202e\u009b"
          "\U000e0021end")
BAD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e"
                 r"\U000e0000-\U000e0fff]")


def clean(text):
    assert not BAD.search(text), ascii(text)
    assert not re.search(r"^\tinet 10\.6", text, re.M)
    return text


def test_descriptions_and_link_strings(daemon):
    daemon.ok("ifconfig", "pair0", "create", "descr", FORGED, "linkstr",
              FORGED)
    for words in (("ifconfig", "pair0"), ("ifconfig", "-a"),
                  ("ifconfig", "-v", "pair0"), ("show",), ("show", "pair0"),
                  ("history",)):
        text = clean(daemon.ok(*words))
        if words[0] != "history":
            assert "x\\n\\tinet 10.6.6.6/8 flags 0\\e[2J" in text, words
    assert daemon.show("pair0")["description"] == FORGED
    for words in (("show",), ("show", "pair0"), ("ifconfig", "pair0"),
                  ("netstat", "-i")):
        text = clean(daemon.ok(words[0], "--json", *words[1:]))
        for row in json.loads(text):
            assert row.get("description", FORGED) in ("", FORGED)


def test_filters(daemon):
    daemon.ok("filter", "add", "in", "any", "drop", "ip\n\t or arp")
    text = clean(daemon.ok("filter", "list"))
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize("words", [
    ("ifconfig", FORGED), ("ifconfig", "lo0", FORGED),
    ("ifconfig", "lo0", "descr"), ("ifconfig", "lo0", "group", FORGED),
    ("ifconfig", "lo0", "name", FORGED), ("ifconfig", "pair0", "create",
                                          FORGED),
    ("ifconfig", "tap0", "create", "host", FORGED),
    ("ifconfig", "pair0", "create", "peer", FORGED),
    ("route", "add", FORGED, "1.2.3.4"), ("route", FORGED),
    ("arp", "-s", "1.2.3.4", FORGED), ("arp", FORGED), ("ping", FORGED),
    ("sysctl", FORGED), ("sysctl", "kern.loglevel=" + FORGED),
    ("vnet", "create", FORGED), ("vnet", "destroy", FORGED),
    ("vnet", FORGED), ("filter", "add", "in", FORGED, "drop"),
    ("filter", FORGED), ("show", FORGED), ("history", FORGED),
    ("dump", "lo0", FORGED), ("netstat", "-I", FORGED), ("help", FORGED),
    ("extcap", "--extcap-config", "--extcap-interface", "ifnet:default:lo0",
     "--direction", FORGED),
    (FORGED,), ("netstat", "-f", FORGED), ("show", "--" + FORGED),
])
def test_errors_that_quote_words(daemon, words):
    text = clean(daemon.bad(*words))
    for line in text.splitlines():
        assert line.startswith(("ifctl: ", "usage: ", "       ")), text


def test_urls_and_vnets(daemon):
    for words in (("-s", "unix:///" + FORGED), ("-s", FORGED),
                  ("-s", daemon.url, "-n", FORGED)):
        clean(run(IFCTL, *words, "show", check=False).stderr)


@pytest.mark.parametrize("words", [
    ("-" + FORGED,), ("--" + FORGED,), (FORGED,), ("--daemon=" + FORGED,),
    ("-f", FORGED), ("--cpus", FORGED), ("--ctl", FORGED),
    ("--log-level", FORGED), ("--group", FORGED), ("--mode", FORGED)])
def test_options_of_both_programs(words):
    for program in (IFCTL, IFNETD):
        done = run(FORGED, *words, executable=program, check=False)
        assert done.returncode in (1, 2)
        assert clean(done.stderr).startswith(program.name + ": ")


def test_words_of_a_driver(tmp, installed):
    """Help and completion ask drivers for their parameters."""
    source = (ROOT / "examples/driver/if_null.c").read_text()
    words = FORGED.encode().decode("latin1").translate(
        {c: f"\\{c:03o}" for c in (*range(32), *range(127, 256))})
    told = source.replace("null_destroy, NULL)",
                          f'null_destroy, "{words}: x; good N: y")')
    assert told != source
    (tmp / "if_null.c").write_text(told)
    installed.driver(tmp / "if_null.c", tmp)
    d = Daemon(tmp, start=False)
    d.start(env=dict(os.environ, IFNET_MODULES=str(tmp)))
    d.ok("ifconfig", "null0", "create")
    assert "good N: y" in clean(d.ok("help", "ifconfig"))
    for what in ("--json", "-n", "-d"):
        clean(d.ok("sysctl", what, "net.link.cloner.null"))
    assert d.ctl("--complete", "ifconfig", "null1", "create",
                 "").stdout.split()[-1] == "good"
    clean(d.ctl("--complete", "ifconfig", "null1", "create", "").stdout)
    clean(d.bad("ifconfig", "null1", "create", "nonsense"))
    finish(d)


def test_names_that_are_options(daemon):
    """-x could only be reached by its index."""
    daemon.ok("ifconfig", "pair0", "create")
    daemon.ok("vnet", "create", "red")
    for words in (("ifconfig", "pair0", "name", "-x"),
                  ("ifconfig", "pair0", "group", "-a"),
                  ("vnet", "create", "-v"),
                  ("ifconfig", "--", "-pair", "create")):
        assert daemon.ctl(*words).returncode != 0, words
    assert daemon.ok("ifconfig", "-l").split() == ["lo0", "pair0"]
    assert "-v" not in daemon.ok("vnet", "list")


@pytest.mark.parametrize("name", [
    ".", "..", "_", "0.1", "10.0.0.1", "1-2", "any", "help"])
def test_names_that_mean_something_else(daemon, name):
    """... where a command expects a name: help, every interface, an address.
    """
    daemon.ok("ifconfig", "pair0", "create")
    assert name in daemon.bad("ifconfig", "pair0", "name", name)
    # A file is checked before anything of it is done.
    (daemon.dir / "conf").write_text(f"ifconfig lo0 mtu 9000\n"
                                     f"ifconfig pair0 name {name}\n")
    assert f"conf:2: ifconfig pair0: interface name \"{name}\"" in \
        daemon.bad("-f", daemon.dir / "conf")
    assert daemon.show("lo0")["mtu"] == 65536
    assert "group name" in daemon.bad("ifconfig", "lo0", "group", name)
    assert daemon.ok("ifconfig", "-l").split() == ["lo0", "pair0"]
    daemon.ok("ifconfig", "pair0", "name", name + "x")
