"""One table of words: help, completion, parser and manual page agree with it.

The table is what "ifctl help --json" prints; the parser and the completion
are made from it, the page is compared with it here.
"""

import json
import re

import pytest

from conftest import IFCTL, IFNETD, ROOT, run

MACROS = set("Ar Op Oo Oc Ns Fl Cm Pq Li Dq No Xo Xc It Po Pc Pp Xr Sx Nm Pa "
             "Nx Ev Nd Sq".split())


def table():
    return {c["command"]: c for c in
            json.loads(run(IFCTL, "-s", "unix:///nowhere", "help",
                           "--json").stdout)}


TABLE = table()


def names(command):
    return {w["word"] for w in TABLE[command]["words"]}


def sections():
    """The manual's lines, by subcommand; one heading can be of several."""
    found, current = {}, []
    for line in (ROOT / "docs/ifctl.8").read_text().splitlines():
        if line.startswith((".Ss ", ".Sh ")):
            current = [w for w in re.split(r"[ ,]+", line[4:])
                       if w in TABLE and line.startswith(".Ss")]
        for command in current:
            found.setdefault(command, []).append(line)
    return found


def marked(line):
    """(macro, word) of a line, for Cm and Fl, and Dq ones left out."""
    if not line.startswith("."):
        return
    macro = None
    for word in line[1:].replace('"', " ").split():
        if word in MACROS:
            macro = word
        elif macro in ("Cm", "Fl") and word not in "|,().;:...-":
            yield macro, word.rstrip(",.;")


def written(command):
    """Words of the table that the page speaks of, and those in it that are
    in no table."""
    known, unknown = set(), set()
    for line in SECTIONS.get(command, []):
        tables = {command} | {w for m, w in marked(line)
                              if m == "Cm" and w in TABLE}
        there = set().union(*(names(c) for c in tables))
        for macro, word in marked(line):
            if macro == "Fl":
                word = "-" + word
                if word not in there:
                    letters = {"-" + c for c in word[1:]}
                    known |= letters & there
                    unknown |= letters - there
                    continue
            if word in there:
                known.add(word)
            elif word.startswith("-") and word[1:] in there:
                known.add(word[1:])
            elif word not in TABLE and word not in values(command):
                unknown.add(word)
    return known, unknown


def values(command):
    """Words that are values of others ("in|out"), and drivers'."""
    found = set()
    for w in TABLE[command]["words"]:
        found |= set(w.get("value", "").split("|"))
    return found | DRIVERS.get(command, set())


SECTIONS = sections()
DRIVERS = {}


@pytest.mark.parametrize("command", TABLE)
def test_manual_has_every_word(command):
    missing = names(command) - written(command)[0]
    assert not missing, f"docs/ifctl.8, {command}: {sorted(missing)}"


def test_table_has_every_word_of_the_manual(daemon):
    DRIVERS["ifconfig"] = driver_words(daemon) | {
        k for k in daemon.ok("ifconfig", "-C").split()} | {"all"}
    for command in TABLE:
        unknown = written(command)[1]
        assert not unknown, f"{command}: {sorted(unknown)}"


def driver_words(daemon):
    found = set()
    for line in daemon.ok("sysctl", "net.link.cloner").splitlines():
        text = line.split(" = ", 1)[1]
        found |= {p.split(":")[0].split()[0]
                  for p in text.split("; ") if p}
    return found


def test_manual_has_every_parameter_of_create(daemon):
    text = "\n".join(SECTIONS["ifconfig"])
    words = driver_words(daemon)
    assert {"dst", "size", "peer", "host", "fd", "here"} <= words
    for word in words:
        assert re.search(rf"Cm (?:\S+ , )*{word}\b", text), word


@pytest.mark.parametrize("command", TABLE)
def test_help_and_synopsis(command):
    """All words with a line each; the synopsis uses no others."""
    entry = TABLE[command]
    text = run(IFCTL, "-s", "unix:///nowhere", "help", command).stdout
    for w in entry["words"]:
        assert w["help"] and w["help"] in text
        assert re.search(rf"^  (\[-\])?{re.escape(w['word'])}[ *]", text,
                         re.M)
    assert "example" in entry and f"example: ifctl {entry['example']}" in text
    assert entry["example"].split()[0] == command
    for word in re.findall(r"(?<![\w\]-])-?-?[a-z][a-z-]*\b(?!\w)",
                           entry["synopsis"]):
        if word.startswith("-") and not word.startswith("--") and \
                word not in names(command) and \
                word[1:] not in names(command):
            assert {"-" + c for c in word[1:]} <= names(command), word
        elif not word.startswith("-"):
            assert word in names(command) | values(command), word


def test_one_answer_to_a_question_about_a_command():
    for command in TABLE:
        want = run(IFCTL, "-s", "unix:///nowhere", "help", command).stdout
        for ask in ("help", "--help", "-h"):
            assert run(IFCTL, "-s", "unix:///nowhere", command,
                       ask).stdout == want


def test_completion_is_made_of_it(daemon):
    def complete(*words):
        return set(daemon.ctl("--complete", *words).stdout.split())

    for command, entry in TABLE.items():
        assert command in complete("")
        for w in entry["words"]:
            if "of" in w or command == "ifconfig":
                continue
            assert w["word"] in complete(command, ""), (command, w["word"])
    assert {"mtu", "-arp", "tso4", "preference"} <= complete(
        "ifconfig", "lo0", "")
    assert complete("route", "delete", "1.2.3.4", "-m") == {"-metric"}
    assert complete("route", "delete", "1.2.3.4", "-mt") == set()
    assert "-mtu" in complete("route", "add", "1.2.3.4", "-m")
    assert {"dst", "size"} <= complete("ifconfig", "pg0", "create", "")
    assert "peer" not in complete("ifconfig", "tap0", "create", "")
    assert {"in", "out", "inout"} == complete("dump", "lo0", "-Q", "")
    assert "default" in complete("ifconfig", "lo0", "vnet", "")
    assert "lo0" in complete("netstat", "-I", "")


def test_help_tells_of_drivers(daemon):
    text = daemon.ok("help", "ifconfig")
    assert re.search(r"pg +dst ADDRS: ", text)
    assert re.search(r"tap +host NAME: ", text)


PLACES = {"NAME": r"[\w.]+", "KIND": r"\w+", "UID": r"\d+", "INDEX": r"\d+",
          "N": r"\d+", "IF": r"[\w.]+", "PROTOCOL": r"\w+"}


def test_settings_of_the_manual(daemon):
    """Every setting is in the manual, and every name there is a setting."""
    daemon.ok("ifconfig", "pair0", "create")
    there = {line.split(" = ")[0]
             for line in daemon.ok("sysctl", "-a").splitlines()}
    page = (ROOT / "docs/ifctl.8").read_text()
    page = page.split(".Ss ifconfig")[1].split(".Sh ENVIRONMENT")[0]
    written = set(re.findall(r"\b(?:kern|net)(?:\.\w+)+", page))
    names = {w: re.compile(r"\.".join(PLACES.get(part, part)
                                      for part in w.split(".")) + r"(\.|$)")
             for w in written
             # An example, and what routers have told: nothing so far.
             if "tap0" not in w and not w.endswith(".pmtu")}
    for setting in there:
        assert any(p.match(setting) for p in names.values()), setting
    for name, pattern in names.items():
        assert any(pattern.match(setting) for setting in there), name


@pytest.mark.parametrize("program", (IFCTL, IFNETD), ids=lambda p: p.name)
def test_options_of_the_programs(program):
    """Those of the help are those of the page, and the parser knows them."""
    helped = {}
    for line in run(program, "--help").stdout.splitlines():
        found = re.match(r"  (?:(-\w)(?:, )?)?(--[a-z-]+)? ?([A-Z]+)?(?= |$)",
                         line)
        for option in found.groups()[:2] if found else ():
            if option:
                helped[option] = found[3]
    page = (ROOT / f"docs/{program.name}.8").read_text()
    page = page.split("The options are")[1].split(".El")[0]
    written = set()
    for line in page.splitlines():
        if line.startswith(".It Fl "):
            written |= {"-" + w for w in re.findall(r"(?:Fl|,) (-?[\w-]+)",
                                                    line.replace(" , ", ","))}
    assert written == set(helped)
    assert len(helped) > 5
    usage = run(program, "--help").stdout.split("\n\n")[0]
    for option, value in helped.items():
        done = run(program, option, check=False)
        if value:
            assert done.returncode > 0
            assert "needs a value" in done.stderr or \
                "a value is missing" in done.stderr
            assert program == IFCTL or option == "-f" or \
                f"[{option} {value}]" in usage
        elif option != "--daemon":
            assert done.returncode == 0, option
    if program == IFCTL:
        assert set(run(IFCTL, "--complete", "-").stdout.split()) == \
            set(helped)
        assert run(IFCTL, "--complete", "--v").stdout == "--version\n"


def test_foreign_and_mistyped_names():
    for typed, ours in (("tcpdump", "dump"), ("ip", "ifconfig"),
                        ("ss", "netstat"), ("shwo", "show"),
                        ("rout", "route"), ("iptables", "filter"),
                        ("ifconfg", "ifconfig")):
        done = run(IFCTL, typed, check=False)
        assert done.returncode == 2
        assert f"did you mean {ours}" in done.stderr
    for argv, word in ((("route", "ad", "default", "1.2.3.4"), "add"),
                       (("ifconfig", "lo0", "mut", "1500"), "mtu"),
                       (("vnet", "crate", "x"), "create"),
                       (("filter", "lst"), "list"),
                       (("show", "--jsn"), "--json"),
                       (("route", "add", "1.2.3.4", "1.2.3.5", "-mut", "9"),
                        "-mtu")):
        done = run(IFCTL, *argv, check=False)
        assert f"did you mean {word}?" in done.stderr, done.stderr
