"""ifctl route and netstat -r."""

import json
import re
import subprocess
import time

import pytest

from conftest import IFCTL, LONG, Daemon, finish, wait_for


@pytest.fixture
def r(daemon):
    """pair0 is 10.0.0.1/24, pair1 10.1.0.1/24."""
    daemon.ok("ifconfig", "pair0", "create", "peer", "pair1")
    daemon.ok("ifconfig", "pair0", "inet", "10.0.0.1/24", "up")
    daemon.ok("ifconfig", "pair1", "inet", "10.1.0.1/24", "up")
    return daemon


def table(daemon):
    """Destination -> (gateway, flags, interface)."""
    rows = {}
    on = False
    for line in daemon.ok("netstat", "-rn").splitlines():
        words = line.split()
        if words[:2] == ["Destination", "Gateway"]:
            on = True
        elif on and len(words) >= 4:
            rows[words[0]] = (words[1], words[2], words[-1])
    return rows


def test_add_get_delete(r):
    out = r.ok("route", "add", "-net", "192.0.2.0/24", "10.0.0.2")
    assert "add net 192.0.2.0" in out and "gateway 10.0.0.2" in out
    gateway, flags, ifname = table(r)["192.0.2.0/24"]
    assert (gateway, ifname) == ("10.0.0.2", "pair0")
    assert set("UGS") <= set(flags)
    out = r.ok("route", "-n", "get", "192.0.2.77")
    assert re.search(r"gateway: 10\.0\.0\.2", out)
    assert re.search(r"interface: pair0", out)
    out = r.ok("route", "delete", "-net", "192.0.2.0/24")
    assert "delete net 192.0.2.0" in out
    assert "192.0.2.0/24" not in table(r)


def test_default(r):
    r.ok("route", "add", "default", "10.0.0.2")
    assert table(r)["default"][0] == "10.0.0.2"
    assert re.search(r"interface: pair0", r.ok("route", "get", "8.8.8.8"))
    r.ok("route", "delete", "default")
    assert "default" not in table(r)


def test_longest_prefix_wins(r):
    r.ok("route", "add", "default", "10.0.0.2")
    r.ok("route", "add", "-net", "172.16.0.0/12", "10.1.0.2")
    r.ok("route", "add", "-net", "172.16.5.0/24", "10.0.0.3")
    r.ok("route", "add", "-host", "172.16.5.5", "10.1.0.4")
    for dst, gateway in (("172.16.5.5", "10.1.0.4"),
                         ("172.16.5.6", "10.0.0.3"),
                         ("172.16.6.1", "10.1.0.2"),
                         ("172.32.0.1", "10.0.0.2")):
        assert f"gateway: {gateway}\n" in r.ok("route", "-n", "get", dst)


def test_netmask_word(r):
    r.ok("route", "add", "-net", "172.20.0.0", "-netmask", "255.255.0.0",
         "10.0.0.2")
    assert table(r)["172.20.0.0/16"][0] == "10.0.0.2"


def test_host_flag(r):
    r.ok("route", "add", "192.0.2.9", "10.0.0.2")
    assert "H" in table(r)["192.0.2.9"][1]


def test_interface_route(r):
    r.ok("route", "add", "-net", "192.0.2.0/24", "-iface", "10.0.0.1")
    gateway, flags, ifname = table(r)["192.0.2.0/24"]
    assert ifname == "pair0" and "G" not in flags


def test_change(r):
    r.ok("route", "add", "-net", "192.0.2.0/24", "10.0.0.2")
    r.ok("route", "change", "-net", "192.0.2.0/24", "10.1.0.2")
    gateway, _, ifname = table(r)["192.0.2.0/24"]
    assert (gateway, ifname) == ("10.1.0.2", "pair1")


def test_add_twice(r):
    r.ok("route", "add", "-net", "192.0.2.0/24", "10.0.0.2")
    text = r.bad("route", "add", "-net", "192.0.2.0/24", "10.0.0.3")
    assert "File exists" in text
    assert table(r)["192.0.2.0/24"][0] == "10.0.0.2"


def test_delete_what_is_not_there(r):
    assert "not in table" in r.bad("route", "delete", "-net", "192.0.2.0/24")


def test_unreachable_gateway(r):
    assert "Network is unreachable" in r.bad(
        "route", "add", "default", "203.0.113.1")


def test_get_without_route(r):
    text = r.bad("route", "get", "203.0.113.1")
    assert "not in table" in text or "unreachable" in text


def test_flush(r):
    r.ok("route", "add", "-net", "192.0.2.0/24", "10.0.0.2")
    r.ok("route", "add", "default", "10.1.0.2")
    r.ok("route", "flush")
    left = table(r)
    assert "default" not in left and "192.0.2.0/24" not in left
    # The connected ones stay: the interfaces would be cut off.
    assert any(k.startswith("10.0.0") for k in left)


def test_two_flushes_at_once(r):
    """Each deletes what the other has not, and both come to an end."""
    lines = "".join(f"10.{i >> 8}.{i & 255}.0/24 10.0.0.2\n"
                    for i in range(512, 10512))
    for _ in range(3):
        subprocess.run([IFCTL, "-s", r.url, "route", "load", "-"], text=True,
                       input=lines, capture_output=True, check=True)
        both = [subprocess.Popen([IFCTL, "-s", r.url, "route", "-n", "flush"],
                                 stdout=subprocess.PIPE, text=True)
                for _ in range(2)]
        said = "".join(p.communicate(timeout=LONG)[0] for p in both)
        assert [p.returncode for p in both] == [0, 0]
        gone = [line.split()[0] for line in said.splitlines()]
        assert len(gone) == len(set(gone)) == 10000
        assert len(table(r)) < 10


def test_show_is_netstat_r(r):
    r.ok("route", "add", "default", "10.1.0.2")
    assert "default" in r.ok("route", "-n", "show")


def test_routes_go_with_the_interface(r):
    """Those that name it; one to a gateway waits for it."""
    r.ok("route", "add", "-net", "192.0.2.0/24", "10.0.0.2")
    r.ok("route", "add", "-net", "198.51.100.0/24", "-iface", "pair0")
    r.ok("ifconfig", "pair0", "destroy")
    left = table(r)
    assert "198.51.100.0/24" not in left
    assert not any(k.startswith("10.0.0") for k in left)
    assert "192.0.2.0/24" in left
    assert re.search(r"^192\.0\.2\.0/24 .* GS .* unreachable$",
                     r.ok("route", "-n", "show"), re.M)
    route = [j for j in json.loads(r.ok("route", "show", "--json"))
             if j["destination"] == "192.0.2.0"][0]
    assert route["unreachable"] and "UP" not in route["flags"]


def test_many_routes(tmp):
    """Two thousand; half of them deleted again."""
    d = Daemon(tmp, start=False)
    lines = ["ifconfig pair0 create", "ifconfig pair0 inet 10.0.0.1/24 up"]
    lines += [f"route add -net 172.{16 + i // 250}.{i % 250}.0/24 10.0.0.2"
              for i in range(2000)]
    lines += [f"route delete -net 172.{16 + i // 250}.{i % 250}.0/24"
              for i in range(0, 2000, 2)]
    (tmp / "conf").write_text("\n".join(lines) + "\n")
    d.start("-f", tmp / "conf")
    rows = [k for k in table(d) if k.startswith("172.")]
    assert len(rows) == 1000
    d.ok("ifconfig", "pair0", "destroy")
    assert len([k for k in table(d) if k.startswith("172.")]) == 1000
    d.ok("route", "flush")
    assert not [k for k in table(d) if k.startswith("172.")]
    finish(d)


def test_table_waits_for_its_reader(tmp):
    """Who looks at the first page of a long table for long sees the rest."""
    lines = ["ifconfig pair0 create inet 10.0.0.1/24 up"]
    lines += [f"route add -net 20.{i >> 8}.{i & 255}.0/24 10.0.0.2"
              for i in range(30000)]
    (tmp / "conf").write_text("\n".join(lines) + "\n")
    d = Daemon(tmp, "--ctl-timeout", "2", "-f", tmp / "conf")
    try:
        child = subprocess.Popen([IFCTL, "-s", d.url, "route", "show"],
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        assert child.stdout.readline() == "Routing tables\n"
        # Longer than an answer may wait.
        time.sleep(5)
        lines = child.stdout.read().splitlines()
        assert child.wait(LONG) == 0
        assert sum(line.startswith("20.") for line in lines) == 30000
        assert "did not read" not in d.text()
    finally:
        finish(d)


def test_kept_when_an_address_is_given_again(daemon):
    """A default route does not go with a broadcast address, nor with any;
    what has to go is named."""
    d = daemon
    d.ok("ifconfig", "pair0", "create")
    d.ok("ifconfig", "pair0", "10.0.0.1/24", "up")
    d.ok("route", "add", "default", "10.0.0.254")
    out = d.ok("ifconfig", "pair0", "10.0.0.1/24", "broadcast",
               "255.255.255.255")
    assert out == ""
    assert "10.0.0.254" in d.ok("netstat", "-rn")
    d.ok("ifconfig", "pair0", "10.0.0.9/24", "alias")
    assert d.ok("ifconfig", "pair0", "10.0.0.1", "delete") == ""
    assert "10.0.0.254" in d.ok("netstat", "-rn")
    assert d.ok("ifconfig", "pair0", "10.0.0.9", "delete") == ""
    assert "unreachable" in d.ok("netstat", "-rn")
    d.ok("ifconfig", "pair0", "10.0.0.3/24")
    assert "unreachable" not in d.ok("netstat", "-rn")
    d.ok("route", "add", "10.9.0.0/16", "-iface", "pair0")
    out = d.ok("ifconfig", "pair0", "destroy")
    assert out == ("route 10.9.0.0/16 on pair0 was removed: its interface or "
                   "source address is gone\n")
    assert "net.route.lost = 1" in d.ok("sysctl", "net.route.lost")


def routes(daemon, dest):
    """The routes to a destination in their order: (gateway, metric, used)."""
    return [(j.get("gateway"), j.get("metric"), "UP" in j["flags"])
            for j in json.loads(daemon.ok("route", "show", "--json"))
            if f"{j['destination']}/{j['prefixlen']}" == dest]


def test_the_least_metric_is_used(r):
    dest = "10.9.0.0/16"
    r.ok("route", "add", dest, "10.0.0.2", "-metric", "20", "-proto", "bgp")
    r.ok("route", "add", dest, "10.1.0.2", "-metric", "10")
    assert routes(r, dest) == [("10.1.0.2", 10, True),
                               ("10.0.0.2", 20, False)]
    out = r.ok("route", "get", "10.9.1.1")
    assert "gateway: 10.1.0.2" in out and "metric: 10" in out
    text = r.ok("route", "-n", "show")
    assert re.search(r"^10\.9\.0\.0/16 +10\.0\.0\.2 +GS .* pair0 metric 20 "
                     r"proto bgp$", text, re.M)
    err = r.bad("route", "add", dest, "10.0.0.3", "-metric", "10")
    assert "-metric" in err
    # the interface goes, and the other route is used
    r.ok("ifconfig", "pair1", "destroy")
    assert routes(r, dest) == [("10.1.0.2", 10, False),
                               ("10.0.0.2", 20, True)]


def test_a_route_stands_behind_a_network(r):
    dest = "10.1.0.0/24"
    assert "came with an address" in r.bad("route", "add", dest, "10.0.0.2")
    r.ok("route", "add", dest, "10.0.0.2", "-metric", "5")
    assert routes(r, dest) == [(None, None, True), ("10.0.0.2", 5, False)]
    r.ok("ifconfig", "pair1", "10.1.0.1", "delete")
    assert routes(r, dest) == [("10.0.0.2", 5, True)]
    r.ok("ifconfig", "pair1", "10.1.0.1/24")
    assert routes(r, dest) == [(None, None, True), ("10.0.0.2", 5, False)]
    r.ok("route", "delete", dest, "-metric", "5")
    assert routes(r, dest) == [(None, None, True)]


def test_one_of_several_is_meant(r):
    dest = "10.9.0.0/16"
    for i in (1, 2, 3):
        r.ok("route", "add", dest, f"10.0.0.{i + 1}", "-metric", str(i))
    assert "no route to it has the metric 9" in r.bad(
        "route", "delete", dest, "-metric", "9")
    assert "none of the routes to it" in r.bad("route", "delete", dest,
                                                  "10.0.0.77")
    r.ok("route", "delete", dest, "10.0.0.3")
    r.ok("route", "change", dest, "10.1.0.9", "-metric", "3")
    assert routes(r, dest) == [("10.0.0.2", 1, True), ("10.1.0.9", 3, False)]
    r.ok("route", "delete", dest)
    assert routes(r, dest) == [("10.1.0.9", 3, True)]
    r.ok("route", "replace", dest, "10.1.0.10", "-metric", "3", "-proto",
         "isis")
    r.ok("route", "replace", dest, "10.1.0.11")
    assert routes(r, dest) == [("10.1.0.11", 0, True), ("10.1.0.10", 3, False)]
    for words, why in ((("-metric", "-1"), "0 to 4294967295"),
                       (("-metric", "4294967296"), "0 to 4294967295"),
                       (("-metric", "x"), "0 to 4294967295"),
                       (("-proto", "nosuch"), "bgp"),
                       (("-proto", "256"), "0 to 255"),
                       (("-metric", "1", "-metric", "2"),
                        "-metric is given twice"),
                       (("-mtu", "900", "-mtu", "901"),
                        "-mtu is given twice")):
        assert why in r.bad("route", "add", dest, "10.0.0.2", *words)


def test_load(r, tmp_path):
    f = tmp_path / "routes"
    f.write_text("# made by hand\n\n"
                 "10.9.0.0/16 10.0.0.2\n"
                 "add default 10.1.0.2 -proto bgp   # the way out\n"
                 "route add 10.10.0.1 -interface pair1\n"
                 "replace 10.9.0.0/16 10.0.0.3\n")
    assert "4 changes made" in r.ok("route", "load", str(f))
    assert routes(r, "10.9.0.0/16") == [("10.0.0.3", 0, True)]
    assert routes(r, "0.0.0.0/0") == [("10.1.0.2", 0, True)]
    before = r.ok("route", "-n", "show")
    # a bad word: nothing is tried; a refusal: nothing is left
    for bad, why in (("add 10.0.0.0/33 10.0.0.2", "prefix length"),
                     ("show", "a line adds"),
                     ("10.11.0.0/16", "the gateway is missing"),
                     ("add 10.11.0.0/16 10.77.0.1", "not on a network"),
                     ("delete 10.66.0.0/16", "not in table"),
                     ("add 10.12.0.0/16 -interface nosuch0", "nosuch0")):
        f.write_text("add 10.13.0.0/16 10.0.0.2\ndelete default\n"
                     f"{bad}\nadd 10.14.0.0/16 10.0.0.2\n")
        err = r.bad("route", "load", str(f))
        assert f"{f}:3: " in err and why in err, bad
        assert r.ok("route", "-n", "show") == before
    assert "No such file" in r.bad("route", "load", str(tmp_path / "none"))
    assert "one FILE" in r.bad("route", "load")


def test_load_from_a_pipe(r):
    lines = "".join(f"10.{i >> 8}.{i & 255}.0/24 10.0.0.{2 + i % 200}\n"
                    for i in range(512, 3512))
    p = subprocess.run([IFCTL, "-s", r.url, "route", "load", "-"],
                       input=lines, text=True, capture_output=True,
                       check=False)
    assert p.returncode == 0 and "3000 changes made" in p.stdout, p.stderr
    before = table(r)
    assert len(before) >= 3000
    # whichever message the line that is refused goes with
    for bad in (3, 700, 1500, 2700, 2990, 3000):
        more = ["11" + line[2:] for line in lines.splitlines()]
        more[bad - 1] = "10.2.0.0/24 10.0.0.2"
        p = subprocess.run(
            [IFCTL, "-s", r.url, "route", "load", "-"], text=True,
            input="\n".join(more), capture_output=True, check=False)
        assert p.returncode != 0 and f"-:{bad}: " in p.stderr, p.stderr
        assert "nothing of the file is done" in p.stderr
        assert table(r) == before


def test_a_route_expires(r):
    r.ok("route", "add", "10.9.0.0/16", "10.0.0.2", "-expire", "1000")
    assert re.search(r"pair0 expires \d+ s$", r.ok("route", "-n", "show"),
                     re.M)
    r.ok("route", "add", "10.9.0.0/16", "10.1.0.2", "-metric", "5")
    r.ok("route", "change", "10.9.0.0/16", "10.0.0.2", "-metric", "0",
         "-expire", "1")
    wait_for(lambda: routes(r, "10.9.0.0/16") == [("10.1.0.2", 5, True)])
    for bad in ("0", "-1", "x", "2147483648"):
        assert "1 to 2147483647 seconds" in r.bad(
            "route", "add", "10.8.0.0/16", "10.0.0.2", "-expire", bad)


def test_a_redirect_is_followed(daemon, netns):
    """Linux routes what we send it back to another router on the link."""
    gate = netns("gate")
    daemon.tap(gate, "tap0", "10.0.1.1/24")
    gate.host("tap0", "10.0.1.9/24")
    gate.run("sh", "-c", "for i in all tap0; do "
             "echo 1 >/proc/sys/net/ipv4/conf/$i/send_redirects; "
             "echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done; "
             "echo 1 >/proc/sys/net/ipv4/ip_forward")
    gate.ip("route", "add", "10.9.0.0/16", "via", "10.0.1.7")
    gate.ip("neigh", "add", "10.0.1.7", "lladdr", "02:00:00:00:00:07", "dev",
            "tap0")
    daemon.ok("route", "add", "default", "10.0.1.9")

    def redirected():
        daemon.ctl("ping", "-c", "1", "-w", "1", "10.9.1.1")
        return routes(daemon, "10.9.1.1/32") != []
    wait_for(redirected)
    assert routes(daemon, "10.9.1.1/32") == [("10.0.1.7", 0, True)]
    out = daemon.ok("route", "get", "10.9.1.1")
    assert "DYNAMIC" in out and "protocol: redirect" in out
    assert "expire: " in out
    # flush takes it along, and it is not taken again when that is set so
    daemon.ok("sysctl", "-w", "net.inet.icmp.rediraccept=0")
    daemon.ok("route", "delete", "10.9.1.1")
    for _ in range(3):
        assert not redirected()


def test_lock_changes_nothing(router):
    """NetBSD's word: an MTU that was asked for is always the one used."""
    d = router.daemon
    d.ok("route", "add", "10.7.0.0/16", "10.0.2.2", "-lock", "-mtu", "1400")
    route = json.loads(d.ok("route", "get", "--json", "10.7.0.1"))
    assert route["mtu"] == 1400
    d.ok("route", "change", "10.7.0.0/16", "10.0.2.2", "-lockrest", "-mtu",
         "1300")
    route = json.loads(d.ok("route", "get", "--json", "10.7.0.1"))
    assert route["mtu"] == 1300
    d.bad("route", "delete", "-lock", "10.7.0.0/16")
