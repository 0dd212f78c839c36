"""ifctl ifconfig with IPv6 addresses: words, output, undo, configuration."""

import json
import re

import pytest

from conftest import wait_for


@pytest.fixture
def pair(daemon):
    """pair0, up, with its other end pair1."""
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair1", "up")
    daemon.ok("ifconfig", "pair0", "up")
    return daemon


def inet6(d, ifname):
    """The addresses of an interface, in order, as they are shown."""
    return re.findall(r"^\tinet6 (.*)$", d.ok("ifconfig", ifname), re.M)


def test_first_brings_a_link_local_one(pair):
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8::1/64")
    lines = inet6(pair, "pair0")
    assert any(re.match(r"fe80::[0-9a-f:]+%pair0/64 flags 0x", ln)
               for ln in lines), lines
    assert any(ln.startswith("2001:db8::1/64 flags 0x") for ln in lines), lines


def test_tentative_ends(pair):
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8::1")
    assert any(re.match(r"2001:db8::1/64 flags 0x2<TENTATIVE>$", ln)
               for ln in inet6(pair, "pair0"))
    wait_for(lambda: "2001:db8::1/64 flags 0x0" in inet6(pair, "pair0"))


def test_all_beside_one_another(pair):
    """Another address takes the place of none, and the family is guessed."""
    pair.ok("ifconfig", "pair0", "10.0.0.1/24")
    pair.ok("ifconfig", "pair0", "2001:db8::1/64")
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8::2", "prefixlen", "56")
    pair.ok("ifconfig", "pair0", "inet6", "alias", "fd00::3/128")
    text = pair.ok("ifconfig", "pair0")
    for want in ("inet 10.0.0.1/24", "inet6 2001:db8::1/64",
                 "inet6 2001:db8::2/56", "inet6 fd00::3/128"):
        assert "\t" + want + " " in text
    only = pair.ok("ifconfig", "pair0", "inet6")
    assert "inet 10" not in only and "inet6 fd00::3" in only
    assert "address:" not in only
    assert "inet6" not in pair.ok("ifconfig", "pair0", "inet")


def test_delete(pair):
    pair.ok("ifconfig", "pair0", "2001:db8::1/64")
    pair.ok("ifconfig", "pair0", "fe80::77")
    assert "prefix length" in pair.bad("ifconfig", "pair0", "inet6",
                                       "2001:db8::1/63", "delete")
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8::1/64", "-alias")
    pair.ok("ifconfig", "pair0", "fe80::77%pair0", "delete")
    assert not [ln for ln in inet6(pair, "pair0")
                if ln.startswith(("2001:", "fe80::77"))]
    assert "no such address" in pair.bad("ifconfig", "pair0", "inet6",
                                         "2001:db8::1", "delete")


def test_eui64_and_flags(pair):
    pair.ok("ifconfig", "pair0", "link", "02:00:00:00:01:02", "active")
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8:1::", "prefixlen", "64",
            "eui64", "deprecated")
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8:2::/64", "anycast")
    lines = inet6(pair, "pair0")
    mine = [ln for ln in lines if ln.startswith("2001:db8:1::ff:fe00:102/64")]
    assert mine and "DEPRECATED" in mine[0], lines
    assert "2001:db8:2::/64 flags 0x1<ANYCAST>" in lines


def test_lifetimes(pair):
    pair.ok("ifconfig", "pair0", "2001:db8::1/64", "pltime", "3700", "vltime",
            "90000")
    line = [ln for ln in inet6(pair, "pair0") if ln.startswith("2001")][0]
    pltime, vltime = re.search(r" pltime (\d+) vltime (\d+)$", line).groups()
    assert 3600 < int(pltime) <= 3700 and 89000 < int(vltime) <= 90000
    text = pair.ok("ifconfig", "-L", "pair0")
    assert re.search(r"2001:db8::1/64 .* pltime 1h1m\d+s vltime 1d\d+h\d+m\d+s",
                     text)
    assert re.search(r"fe80::\S+ .* pltime infty vltime infty", text)
    pair.ok("ifconfig", "pair0", "2001:db8::1/64", "pltime", "infty")
    line = [ln for ln in inet6(pair, "pair0") if ln.startswith("2001")][0]
    assert "pltime" not in line
    pair.ok("ifconfig", "pair0", "2001:db8::1/64", "vltime", "1")
    wait_for(lambda: not [ln for ln in inet6(pair, "pair0")
                          if ln.startswith("2001")])


def test_json(pair):
    pair.ok("ifconfig", "pair0", "2001:db8::1/64", "vltime", "1000")
    got = json.loads(pair.ok("ifconfig", "--json", "pair0"))[0]["addresses"]
    mine = [a for a in got if a["address"] == "2001:db8::1"][0]
    assert mine["family"] == "inet6" and mine["prefixlen"] == 64
    assert [a for a in got if re.match(r"fe80::.*%pair0$", a["address"])]


def test_line_is_whole(pair):
    """What a refused line gave goes again, the link-local one included."""
    pair.bad("ifconfig", "pair0", "inet6", "2001:db8::1/64", "mtu", "9")
    assert inet6(pair, "pair0") == []
    pair.ok("ifconfig", "pair0", "inet6", "2001:db8::1/64", "pltime", "5000")
    before = re.sub(r"time \d+", "time", str(inet6(pair, "pair0")))
    pair.bad("ifconfig", "pair0", "inet6", "2001:db8::1/64", "delete", "mtu",
             "9")
    after = re.sub(r"time \d+", "time", str(inet6(pair, "pair0")))
    assert sorted(re.findall(r"'([^ ]*) ", before)) == \
        sorted(re.findall(r"'([^ ]*) ", after))


def test_preference(pair):
    pair.ok("ifconfig", "pair0", "2001:db8::1/64", "preference", "5")
    pair.ok("ifconfig", "pair0", "fe80::5", "preference", "-5")


def test_file_twice(pair, tmp_path):
    conf = tmp_path / "conf"
    conf.write_text("ifconfig pair0 inet6 2001:db8::1/64 alias\n"
                    "ifconfig pair0 fe80::1%pair0/64 up\n")
    for _ in range(2):
        pair.ok("-f", str(conf))
        assert len(inet6(pair, "pair0")) == 3


def test_point_to_point(daemon):
    """No interface here is point to point, and only these have far ends."""
    daemon.ok("ifconfig", "pair0", "create")
    assert "no point-to-point" in daemon.bad(
        "ifconfig", "pair0", "inet6", "2001:db8::1", "2001:db8::2")
