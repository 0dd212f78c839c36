"""ifctl ifconfig: NetBSD's syntax, output and exit codes."""

import re

import pytest

from conftest import wait_for


@pytest.fixture
def pair(daemon):
    """pair0, with its other end pair1."""
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    return daemon


def flags_of(text):
    return re.search(r"flags=(?:0x)?([0-9a-f]+)<([A-Z,0-9]*)>",
                     text).group(2).split(",")


def test_list(pair):
    assert set(pair.ok("ifconfig", "-l").split()) == {"lo0", "pair0", "pair1"}


def test_all_and_one(pair):
    text = pair.ok("ifconfig", "-a")
    assert [line.split(":")[0] for line in text.splitlines()
            if not line.startswith("\t")] == \
        pair.ok("ifconfig", "-l").split()
    one = pair.ok("ifconfig", "pair0")
    assert one in text
    assert re.match(r"pair0: flags=\S+ mtu 1500\n", one)
    assert re.search(r"^\taddress: ([0-9a-f]{2}:){5}[0-9a-f]{2}$", one, re.M)


def test_cloners(daemon):
    assert {"lo", "pair", "tap"} <= set(daemon.ok("ifconfig", "-C").split())


def test_loopback_is_there(daemon):
    text = daemon.ok("ifconfig", "lo0")
    assert {"UP", "LOOPBACK", "RUNNING"} <= set(flags_of(text))
    assert re.search(r"^\tinet 127\.0\.0\.1(/8| netmask 0xff000000)", text,
                     re.M)


def test_create_destroy(daemon):
    daemon.ok("ifconfig", "pair3", "create")
    assert "pair3" in daemon.ok("ifconfig", "-l").split()
    daemon.ok("ifconfig", "pair3", "destroy")
    assert "pair3" not in daemon.ok("ifconfig", "-l").split()


def test_create_takes_lowest_unit(daemon):
    daemon.ok("ifconfig", "pair0", "create")
    out = daemon.ok("ifconfig", "lo", "create")
    assert out.strip() == "lo1"
    assert "lo1" in daemon.ok("ifconfig", "-l").split()


def test_destroy_takes_both_ends(pair):
    pair.ok("ifconfig", "pair0", "destroy")
    left = pair.ok("ifconfig", "-l").split()
    assert "pair0" not in left
    if "pair1" in left:
        # The other end stays: it has nobody to talk to, and can go.
        pair.ok("ifconfig", "pair1", "destroy")


def test_up_down(pair):
    pair.ok("ifconfig", "pair0", "up")
    assert "UP" in flags_of(pair.ok("ifconfig", "pair0"))
    up = pair.ok("ifconfig", "-l", "-u").split()
    assert "pair0" in up and "pair1" not in up
    pair.ok("ifconfig", "pair0", "down")
    assert "UP" not in flags_of(pair.ok("ifconfig", "pair0"))
    assert "pair0" in pair.ok("ifconfig", "-l", "-d").split()


def test_broadcast_only(pair):
    names = pair.ok("ifconfig", "-l", "-b").split()
    assert "pair0" in names and "lo0" not in names


def test_inet(pair):
    pair.ok("ifconfig", "pair0", "inet", "10.1.2.3/20")
    text = pair.ok("ifconfig", "pair0")
    assert re.search(r"^\tinet 10\.1\.2\.3/20 broadcast 10\.1\.15\.255", text,
                     re.M) or \
        re.search(r"^\tinet 10\.1\.2\.3 netmask 0xfffff000 broadcast "
                  r"10\.1\.15\.255", text, re.M)


def test_inet_netmask_broadcast(pair):
    pair.ok("ifconfig", "pair0", "inet", "10.1.2.3", "netmask",
            "255.255.255.0", "broadcast", "10.1.2.0")
    text = pair.ok("ifconfig", "pair0")
    assert "10.1.2.3" in text and "broadcast 10.1.2.0" in text
    pair.ok("ifconfig", "pair1", "10.3.0.1", "netmask", "0xffff0000")
    assert "10.3.255.255" in pair.ok("ifconfig", "pair1")


def test_alias_and_delete(pair):
    pair.ok("ifconfig", "pair0", "inet", "10.1.0.1/24")
    pair.ok("ifconfig", "pair0", "inet", "10.2.0.1/24", "alias")
    text = pair.ok("ifconfig", "pair0")
    assert "10.1.0.1" in text and "10.2.0.1" in text
    pair.ok("ifconfig", "pair0", "inet", "10.1.0.1", "-alias")
    text = pair.ok("ifconfig", "pair0")
    assert "10.1.0.1" not in text and "10.2.0.1" in text
    pair.ok("ifconfig", "pair0", "inet", "10.2.0.1", "delete")
    assert "inet " not in pair.ok("ifconfig", "pair0")


def test_first_address_is_replaced(pair):
    """Without alias, NetBSD's ifconfig replaces the address there is."""
    pair.ok("ifconfig", "pair0", "inet", "10.1.0.1/24")
    pair.ok("ifconfig", "pair0", "inet", "10.2.0.1/24")
    text = pair.ok("ifconfig", "pair0")
    assert "10.1.0.1" not in text and "10.2.0.1" in text


def test_connected_route_comes_and_goes(pair):
    pair.ok("ifconfig", "pair0", "inet", "10.1.0.1/24", "up")
    assert re.search(r"^10\.1\.0(\.0)?/24\s", pair.ok("netstat", "-rn"), re.M)
    pair.ok("ifconfig", "pair0", "inet", "10.1.0.1", "delete")
    assert "10.1.0" not in pair.ok("netstat", "-rn")


def test_link_address(pair):
    pair.ok("ifconfig", "pair0", "link", "02:aa:bb:cc:dd:01", "active")
    assert "address: 02:aa:bb:cc:dd:01" in pair.ok("ifconfig", "pair0")
    assert pair.show("pair0")["lladdr"] == "02:aa:bb:cc:dd:01"
    first = pair.ok("ifconfig", "pair1")
    pair.ok("ifconfig", "pair1", "link", "02:aa:bb:cc:dd:02")
    text = pair.ok("ifconfig", "pair1")
    # There, but the active one is still the first.
    assert "02:aa:bb:cc:dd:02" in text
    assert re.search(r"address: (\S+)", first).group(1) == \
        re.search(r"address: (\S+)", text).group(1)
    pair.ok("ifconfig", "pair1", "link", "02:aa:bb:cc:dd:02", "delete")
    assert "02:aa:bb:cc:dd:02" not in pair.ok("ifconfig", "pair1")


def test_active_link_address_stays(pair):
    pair.ok("ifconfig", "pair0", "link", "02:aa:bb:cc:dd:01", "active")
    text = pair.bad("ifconfig", "pair0", "link", "02:aa:bb:cc:dd:01",
                    "delete")
    assert "Device busy" in text


def test_mtu_and_metric(pair):
    pair.ok("ifconfig", "pair0", "mtu", "9000")
    assert " mtu 9000" in pair.ok("ifconfig", "pair0")
    pair.ok("ifconfig", "pair0", "metric", "7")
    assert "metric 7" in pair.ok("ifconfig", "pair0")


def test_linkstr(pair):
    pair.ok("ifconfig", "pair0", "linkstr", "patch panel 7")
    assert "patch panel 7" in pair.ok("ifconfig", "pair0")


def test_description(pair):
    pair.ok("ifconfig", "pair0", "descr", "customers")
    assert "customers" in pair.ok("ifconfig", "pair0")


def test_statistics(pair):
    text = pair.ok("ifconfig", "-v", "pair0")
    assert re.search(r"^\tinput: \d+ packets?, \d+ bytes", text, re.M)
    assert re.search(r"^\toutput: \d+ packets?, \d+ bytes", text, re.M)


def test_zero_statistics(pair):
    """Read and reset: what is returned is what was counted."""
    pair.ok("ifconfig", "lo0", "up")
    pair.ok("ping", "-n", "-c", "1", "127.0.0.1")
    assert pair.counters("lo0")["ipackets"] >= 2
    pair.ok("ifconfig", "-z", "lo0")
    assert pair.counters("lo0")["ipackets"] == 0


def test_several_words_in_one_command(pair):
    pair.ok("ifconfig", "pair0", "inet", "10.1.0.1/24", "mtu", "1400", "up")
    text = pair.ok("ifconfig", "pair0")
    assert " mtu 1400" in text and "UP" in flags_of(text)


def test_syntax_error_changes_nothing(pair):
    pair.bad("ifconfig", "pair0", "mtu", "1400", "up", "frob")
    text = pair.ok("ifconfig", "pair0")
    assert " mtu 1500" in text and "UP" not in flags_of(text)


def test_carrier(router):
    """The other end of a tap goes down and up: the link state follows."""
    wait_for(lambda: router.daemon.show("tap0")["link"] in ("up", "unknown"))
    assert "RUNNING" in flags_of(router.daemon.ok("ifconfig", "tap0"))


def test_destroy_while_in_use(router):
    """With addresses, routes, neighbours and traffic on it."""
    ping = router.left.popen("ping", "-n", "-i", "0.002", "-c", "2000",
                             "10.0.2.2")
    try:
        wait_for(lambda: router.daemon.counters("tap1")["opackets"] > 20,
                 what="traffic")
        router.daemon.ok("ifconfig", "tap1", "destroy")
        assert "tap1" not in router.daemon.ok("ifconfig", "-l").split()
        assert "10.0.2" not in router.daemon.ok("netstat", "-rn")
        assert "10.0.2" not in router.daemon.ok("arp", "-an")
        assert "tap1" not in router.right.ip("-br", "link").stdout
    finally:
        ping.kill()
        ping.wait()
        ping.stdout.close()


def test_tap_follows_the_namespace(daemon, netns):
    """`here' makes the device where ifctl runs."""
    ns = netns("box")
    daemon.ok("ifconfig", "tap0", "create", "here", netns=ns)
    assert "tap0" in ns.ip("-br", "link").stdout
    daemon.ok("ifconfig", "tap0", "destroy")
    assert "tap0" not in ns.ip("-br", "link").stdout


def test_destroyed_in_the_namespace(daemon, netns):
    """The host deletes its end: the daemon says so and lives on."""
    ns = netns("box")
    daemon.ok("ifconfig", "tap0", "create", "here", netns=ns)
    daemon.ok("ifconfig", "tap0", "inet", "10.0.9.1/24", "up")
    ns.ip("link", "del", "tap0")
    daemon.ok("ifconfig", "-a")
    daemon.ok("ifconfig", "tap0", "destroy")
    daemon.ok("ifconfig", "tap0", "create", "here", netns=ns)
