"""What --json prints is what docs/ifctl.schema.json says, for every command
that has it, whatever bytes the texts have."""

import json
import re

import pytest

from conftest import IFCTL, ROOT, run

SCHEMA = json.loads((ROOT / "docs/ifctl.schema.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool,
         "number": (int, float), "integer": int}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and (
        name == "boolean" or not isinstance(value, bool))


def check(value, schema, where):
    """The part of JSON Schema that the file uses."""
    assert set(schema) <= {"$ref", "type", "enum", "pattern", "properties",
                           "required", "additionalProperties", "items"}
    if "$ref" in schema:
        check(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], where)
        return
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert not kinds or any(is_type(value, k) for k in kinds), \
        f"{where}: {value!r} is not of {kinds}"
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), f"{where}: {value}"
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(item, schema.get("items", {}), f"{where}[{i}]")
    if isinstance(value, dict):
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, f"{where}: without {missing}"
        for key, item in value.items():
            rest = schema.get("additionalProperties", {})
            part = schema.get("properties", {}).get(key, rest)
            assert part is not False, f"{where}: {key} is not in the schema"
            check(item, part, f"{where}.{key}")


def twins(value, where=""):
    """KEY_str has the digits of KEY, everywhere."""
    if isinstance(value, list):
        for item in value:
            twins(item, where)
    if isinstance(value, dict):
        for key, item in value.items():
            twins(item, f"{where}.{key}")
            twin = value.get(f"{key}_str")
            if isinstance(item, int) and twin is not None:
                assert twin == str(item), where
            elif isinstance(item, dict) and twin is not None:
                assert twin == {k: str(v) for k, v in item.items()}, where


def fits(text, document, lines=False):
    text.encode("utf-8", "strict")
    values = [json.loads(t) for t in text.splitlines()] if lines else [
        json.loads(text)]
    for value in values:
        check(value, SCHEMA["properties"][document], document)
        twins(value, document)
    return values if lines else values[0]


@pytest.fixture
def busy(router):
    """A stack with something in every table."""
    d = router.daemon
    d.ok("route", "add", "10.9.0.0/16", "10.0.1.2")
    d.ok("arp", "-s", "10.0.1.77", "02:00:00:00:00:77")
    # Its group.
    d.ok("ifconfig", "tap0", "inet6", "2001:db8:1::1/64")
    d.ok("ndp", "-s", "fe80::77%tap0", "02:00:00:00:00:77")
    d.ok("filter", "add", "in", "tap0", "pass", "ip proto \\icmp")
    d.ok("filter", "add", "in", "tap0", "mark", "7")
    d.ok("rule", "add", "in", "tap9", "from", "10.7.0.0/16", "to", "10.8.0.1",
         "mark", "4/6", "table", "9")
    d.ok("rule", "add", "from", "10.77.0.0/16", "reject")
    d.ok("route", "add", "-table", "9", "10.9.0.0/16", "10.0.1.2")
    d.ok("ifconfig", "pg0", "create", "dst", "10.0.5.2", "rate", "10")
    d.ok("ifconfig", "pg1", "create")
    d.ok("ifconfig", "pg1", "inet", "10.0.5.1/24", "up")
    d.ok("arp", "-s", "10.0.5.2", "02:00:00:00:05:02")
    d.ok("pg", "set", "pg0", "2", "dst", "10.0.5.2", "src", "10.0.4.2",
         "measure", "count", "9")
    d.ok("ifconfig", "pg0", "inet", "10.0.4.1/24", "up")
    d.ok("ifconfig", "tap0", "group", "edge", "descr", "a\nb\x1b[31m \\ \"")
    d.ok("ifconfig", "lo0", "inet6", "::1/128")
    router.ping("-c", "1")
    return router


DOCUMENTS = {
    "show": ("show", "--json"),
    "ifconfig": ("ifconfig", "-a", "--json"),
    "ifconfig -l": ("ifconfig", "-l", "--json"),
    "ifconfig -C": ("ifconfig", "-C", "--json"),
    "netstat -i": ("netstat", "-i", "--json"),
    "netstat -r": ("netstat", "-r", "--json"),
    "netstat -s": ("netstat", "-s", "--json"),
    "route show": ("route", "-n", "show", "--json"),
    "route get": ("route", "get", "--json", "10.9.1.1"),
    "arp": ("arp", "-a", "--json"),
    "ndp": ("ndp", "-a", "--json"),
    "sysctl": ("sysctl", "-a", "--json"),
    "vnet list": ("vnet", "list", "--json"),
    "ifmcstat": ("ifmcstat", "--json"),
    "rule list": ("rule", "list", "--json"),
    "filter list": ("filter", "list", "--json"),
    "pg show": ("pg", "show", "--json"),
    "help": ("help", "--json"),
    "version": ("version", "--json"),
}
LINES = {
    "history": ("history", "--json"),
    "monitor": ("monitor", "--json", "-a", "-c", "8"),
    "watch": ("watch", "--json", "-c", "2", "-w", "0.05"),
    "ping": ("ping", "--json", "-c", "2", "-i", "0.01", "10.0.1.2"),
    "ping6": ("ping6", "--json", "-c", "2", "-i", "0.01", "::1"),
    "traceroute": ("traceroute", "--json", "-q", "2", "10.0.1.2"),
    "traceroute6": ("traceroute6", "--json", "-q", "2", "::1"),
}


def test_every_document(busy):
    for document, words in DOCUMENTS.items():
        assert fits(busy.daemon.ok(*words), document), document
    for document, words in LINES.items():
        assert fits(busy.daemon.ok(*words), document, lines=True), document


def test_all_documents_are_in_the_schema():
    """And every command with --json has one."""
    assert set(DOCUMENTS) | set(LINES) == set(SCHEMA["properties"])
    table = json.loads(run(IFCTL, "-s", "unix:///nowhere", "help",
                           "--json").stdout)
    have = {c["command"] for c in table
            if any(w["word"] == "--json" for w in c["words"])}
    assert have == {d.split()[0] for d in SCHEMA["properties"]}
    assert json.loads(run(IFCTL, "version", "--json").stdout)["schema"] == 1


def test_what_is_in_them(busy):
    d = busy.daemon
    routes = {(r["destination"], r["prefixlen"]): r for r in
              fits(d.ok("route", "show", "--json"), "route show")}
    assert routes["10.9.0.0", 16]["gateway"] == "10.0.1.2"
    assert "STATIC" in routes["10.9.0.0", 16]["flags"]
    assert fits(d.ok("route", "get", "--json", "10.9.1.1"), "route get")[
        "interface"] == "tap0"
    near = fits(d.ok("arp", "--json", "10.0.1.77"), "arp")
    assert near[0]["lladdr"] == "02:00:00:00:00:77" and near[0]["permanent"]
    assert d.ctl("arp", "--json", "10.0.1.99").returncode == 1
    one = fits(d.ok("sysctl", "--json", "net.inet.ip.forwarding"), "sysctl")
    assert one[0]["value"] == 1 and one[0]["writable"]
    assert fits(d.ok("ifconfig", "-l", "--json"), "ifconfig -l") == d.ok(
        "ifconfig", "-l").split()
    assert [i["name"] for i in
            fits(d.ok("ifconfig", "--json", "edge"), "ifconfig")] == ["tap0"]
    end = fits(d.ok("ping", "--json", "-c", "1", "10.0.1.2"), "ping",
               lines=True)
    assert [e["event"] for e in end] == ["reply", "summary"]
    assert end[1]["received"] == 1


def test_one_state(busy):
    """What works is "up" for people and programs; lo0, too."""
    assert busy.daemon.show("lo0")["state"] == "up"
    row = next(line for line in busy.daemon.ok("show").splitlines()
               if line.startswith("lo0"))
    assert row.split()[1] == "up"


def test_any_bytes(daemon):
    """A text that is no UTF-8 makes no JSON that is none."""
    raw = b"a\xff\xc3\x28\xed\xa0\x80\xf4\x90\x80\x80z\xe2\x82\xac"
    daemon.ok("ifconfig", "lo0", "descr", raw.decode(errors="surrogateescape"))
    done = run(IFCTL, "-s", daemon.url, "show", "--json", "lo0",
               encoding="utf-8", errors="strict")
    text = fits(done.stdout, "show")[0]["description"]
    assert text[0] == "a" and text.endswith("z\u20ac") and "\ufffd" in text


def test_rates(busy):
    """One object an interval, of the interfaces in the order that was asked
    for."""
    text = busy.daemon.ok("watch", "--json", "-c", "3", "-w", "0.05", "-s",
                          "name", "-r", "-f", "tap")
    looks = fits(text, "watch", lines=True)
    assert len(looks) == 3
    for look in looks:
        assert [i["name"] for i in look["interfaces"]] == ["tap1", "tap0"]
        assert {i["state"] for i in look["interfaces"]} == {"up"}
    times = [look["time_ns"] for look in looks]
    assert times == sorted(times)
    one = fits(busy.daemon.ok("watch", "--json", "-c", "1", "-w", "0.01",
                              "lo0"), "watch", lines=True)
    assert [i["name"] for i in one[0]["interfaces"]] == ["lo0"]
    assert "nosuch0" in busy.daemon.bad("watch", "--json", "-c", "1",
                                        "nosuch0")


def keys_once(pairs):
    keys = [k for k, _ in pairs]
    assert len(keys) == len(set(keys)), keys
    return dict(pairs)


def test_keys_are_there_once(busy):
    for words in [*DOCUMENTS.values(), ("show", "--json", "tap0")]:
        json.loads(busy.daemon.ok(*words), object_pairs_hook=keys_once)
