"""ifctl watch: a table on a terminal, lines elsewhere."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from conftest import IFCTL, LONG


class Screen:
    """What a VT100 of this size shows."""

    ESCAPE = re.compile(r"\x1b(?:\[([0-9;?]*)([A-Za-z])|[()][A-Z0-9]|"
                        r"([78=>DMEc]))")

    def __init__(self, rows, columns):
        self.resize(rows, columns)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        # As most terminals do: what is there stays.
        old = getattr(self, "cells", [])
        self.cells = [list(("".join(old[y]) if y < len(old) else "")
                           .ljust(columns)[:columns]) for y in range(rows)]
        self.y = min(getattr(self, "y", 0), rows - 1)
        self.x = min(getattr(self, "x", 0), columns - 1)
        self.top, self.bottom = 0, rows - 1     # the part that scrolls

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def scroll(self, up):
        gone, new = (self.top, self.bottom) if up else (self.bottom, self.top)
        del self.cells[gone]
        self.cells.insert(new, [" "] * self.columns)

    def put(self, c):
        if self.x >= self.columns:          # wraps with the next character
            self.x = 0
            self.down()
        self.cells[self.y][self.x] = c
        self.x += 1

    def down(self):
        if self.y == self.bottom:
            self.scroll(up=True)
        elif self.y < self.rows - 1:
            self.y += 1

    def up(self):
        if self.y == self.top:
            self.scroll(up=False)
        elif self.y > 0:
            self.y -= 1

    def csi(self, numbers, what):
        n = [int(x) if x else 0 for x in numbers.strip("?").split(";")]
        one = max(n[0], 1)
        if what == "H":
            self.y = min(max(n[0], 1), self.rows) - 1
            self.x = min(max(n[1] if len(n) > 1 else 1, 1),
                         self.columns) - 1
        elif what == "r":
            self.top = max(n[0], 1) - 1
            self.bottom = min(n[1] if len(n) > 1 and n[1] else self.rows,
                              self.rows) - 1
            self.y = self.x = 0
        elif what == "J":
            self.erase(n[0], [(y, x) for y in range(self.rows)
                              for x in range(self.columns)])
        elif what == "K":
            self.erase(n[0], [(self.y, x) for x in range(self.columns)])
        elif what in "ABCD":
            self.y += {"A": -one, "B": one}.get(what, 0)
            self.x += {"C": one, "D": -one}.get(what, 0)
            self.y = min(max(self.y, 0), self.rows - 1)
            self.x = min(max(self.x, 0), self.columns - 1)

    def erase(self, how, places):
        here = (self.y, min(self.x, self.columns - 1))
        for y, x in places:
            if how == 2 or (how == 0 and (y, x) >= here) or \
                    (how == 1 and (y, x) <= here):
                self.cells[y][x] = " "

    def feed(self, text):
        """Returns the part of an escape that is not whole yet."""
        i = 0
        while i < len(text):
            c = text[i]
            if c == "\x1b":
                found = self.ESCAPE.match(text, i)
                if not found:
                    return text[i:]
                if found.group(2):
                    self.csi(found.group(1), found.group(2))
                elif found.group(3) == "M":
                    self.up()
                elif found.group(3) == "D":
                    self.down()
                i = found.end()
                continue
            if c == "\r":
                self.x = 0
            elif c == "\n":
                self.down()
            elif c == "\b":
                self.x = max(self.x - 1, 0)
            elif c == "\t":
                self.x = min((self.x // 8 + 1) * 8, self.columns - 1)
            elif c >= " ":
                self.put(c)
            i += 1
        return ""


class Watch:
    """ifctl watch on a terminal of its own."""

    def __init__(self, daemon, *argv, rows=24, columns=80, term="vt100"):
        self.fd, self.tty = pty.openpty()
        self.screen = Screen(rows, columns)
        self.rest = ""
        self.size(rows, columns)
        self.modes = termios.tcgetattr(self.tty)
        env = dict(os.environ, TERM=term)
        env.pop("LINES", None)
        env.pop("COLUMNS", None)
        self.child = subprocess.Popen(
            [str(IFCTL), "-s", daemon.url, "watch", *argv], stdin=self.tty,
            stdout=self.tty, stderr=self.tty, env=env,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(
                0, termios.TIOCSCTTY, 0))

    def size(self, rows, columns):
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.size(rows, columns)        # which sends SIGWINCH

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return False
        self.rest = self.screen.feed(
            self.rest + os.read(self.fd, 65536).decode(errors="replace"))
        return True

    def see(self, wanted, what=""):
        """Read until the lines are as wanted; the lines."""
        end = time.monotonic() + LONG
        while True:
            lines = self.screen.lines()
            if wanted(lines):
                return lines
            if time.monotonic() > end:
                pytest.fail(f"{what} not in\n" + "\n".join(lines))
            self.read(0.1)

    def rows(self, lines=None):
        """The names in the table."""
        lines = self.screen.lines() if lines is None else lines
        return [line.split()[0] for line in lines[2:-1] if line]

    def whole(self, lines):
        """Is the table all there is, from the first to the last line?"""
        return re.match(r"\d+ of \d+ interf", lines[0]) and \
            "NAME" in lines[1] and lines[-1].startswith("q quit") and \
            not any("NAME" in x or "q quit" in x or "interfaces," in x
                    for x in lines[2:-1])

    def end(self):
        while self.child.poll() is None:
            self.read(0.05)
        while self.read(0):
            pass
        assert termios.tcgetattr(self.tty) == self.modes
        return self.child.returncode

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.fd)
        os.close(self.tty)


@pytest.fixture
def watch(daemon):
    made = []

    def make(*argv, **kwargs):
        made.append(Watch(daemon, *argv, **kwargs))
        return made[-1]

    yield make
    for w in made:
        w.close()


def create(daemon, n):
    done = daemon.ctl(input="".join(f"ifconfig pair{i} create\n"
                                    for i in range(n)), stdin=None)
    assert done.returncode == 0, done.stderr


def test_table_and_the_way_out(daemon, watch):
    create(daemon, 2)
    w = watch()
    lines = w.see(w.whole, "the table")
    assert w.rows() == ["lo0", "pair0", "pair1"]
    for heading in ("STATE", "IN bit/s", "OUT pkt/s", "DROPS/s"):
        assert heading in lines[1]
    w.type("q")
    assert w.end() == 0


def test_interrupt(daemon, watch):
    w = watch()
    w.see(w.whole, "the table")
    w.type("\x03")
    assert w.end() == 0


def test_window_changes(daemon, watch):
    """Nothing of the old table stays, and no line wraps, however the window
    changes."""
    create(daemon, 30)
    w = watch("-w", "0.1")
    w.see(lambda x: w.whole(x) and len(w.rows(x)) == 21, "21 rows")
    for rows, columns in ((10, 40), (40, 120), (4, 20), (24, 80), (12, 79)):
        w.resize(rows, columns)
        lines = w.see(lambda x: w.whole(x) and len(w.rows(x)) ==
                      min(rows - 3, 31), f"a table of {rows} lines")
        assert [x for x in w.rows(lines) if not
                re.fullmatch(r"lo0|pair\d+", x)] == []
    # One line is not enough for a table, and no reason to end.
    w.resize(1, 10)
    w.see(lambda x: "NAME" in x[0], "a heading")
    w.resize(24, 80)
    w.see(w.whole, "the table")
    w.type("q")
    assert w.end() == 0


def test_scrolls(daemon, watch):
    create(daemon, 50)
    w = watch(rows=13)
    everything = ["lo0"] + [f"pair{i}" for i in range(50)]
    w.see(lambda x: w.rows(x) == everything[:10], "the first ten")
    w.type("j")
    w.see(lambda x: w.rows(x) == everything[1:11], "one line on")
    w.type(" ")
    w.see(lambda x: w.rows(x) == everything[11:21], "a page on")
    w.type("\x1bOA")                    # the arrow
    w.see(lambda x: w.rows(x) == everything[10:20], "one line back")
    w.type("G")
    w.see(lambda x: w.rows(x) == everything[-10:], "the end")
    w.type("g")
    w.see(lambda x: w.rows(x) == everything[:10], "the beginning")
    w.type("q")
    assert w.end() == 0


def test_sorts_by_key(daemon, watch):
    create(daemon, 12)
    daemon.ok("ifconfig", "pair7", "up")
    w = watch()
    w.see(lambda x: w.whole(x) and "*NAME" in x[1], "sorted by name")
    assert w.rows()[1:] == [f"pair{i}" for i in range(12)]
    w.type("r")
    w.see(lambda x: w.rows(x)[:2] == ["pair11", "pair10"], "reversed")
    w.type("r>")
    w.see(lambda x: "*STATE" in x[1], "sorted by state")
    w.type("<")
    w.see(lambda x: "*NAME" in x[1], "sorted by name")
    w.type("<")
    w.see(lambda x: "*DROPS/s" in x[1], "sorted by drops")
    w.type("q")
    assert w.end() == 0


def test_filters_by_typing(daemon, watch):
    create(daemon, 12)
    w = watch()
    w.see(w.whole, "the table")
    w.type("/pair1")
    w.see(lambda x: w.rows(x) == ["pair1", "pair10", "pair11"] and
          "filter: pair1" in x[0], "three")
    w.type("q")                         # is typed
    w.see(lambda x: w.rows(x) == [] and x[0].startswith("0 of 13"), "none")
    w.type("\x7f0\r")
    w.see(lambda x: w.rows(x) == ["pair10"], "one")
    w.type("\x1b")
    w.see(lambda x: len(w.rows(x)) == 13, "all")
    w.type("q")
    assert w.end() == 0


def test_ends_by_itself_and_leaves_the_table(daemon, watch):
    create(daemon, 2)
    w = watch("-c", "1", "-w", "0.05", "-f", "pair")
    assert w.end() == 0
    text = "\n".join(w.screen.lines())
    assert re.search(r"NAME.*\n(pair\d.*\n){2}", text), text


def test_says_what_became_of_it(daemon, watch):
    create(daemon, 2)
    w = watch("-w", "0.05", "pair0", "pair1")
    w.see(w.whole, "the table")
    daemon.ok("ifconfig", "pair0", "name", "wan")
    w.see(lambda x: "renamed" in x[-1] and "wan" in w.rows(x), "the rename")
    daemon.ok("ifconfig", "wan", "destroy")
    w.see(lambda x: "gone" in x[-1] and w.rows(x) == ["pair1"], "the end")
    daemon.ok("ifconfig", "pair1", "destroy")
    assert w.end() == 0
    text = "\n".join(w.screen.lines())
    assert "pair1: the interface is gone" in text.replace("\n", "")


def test_terminal_is_given_back(daemon, watch):
    """... also when the daemon goes, or the command is ended."""
    w, other = watch("-w", "0.05"), watch("-w", "0.05")
    w.see(w.whole, "the table")
    other.see(other.whole, "the table")
    other.child.terminate()
    assert other.end() != 0
    daemon.children.clear()
    assert daemon.stop() == 0
    assert w.end() == 1
    assert "ifctl: watch:" in "".join(w.screen.lines())


@pytest.mark.parametrize("term", ["nonesuch", "dumb"])
def test_unknown_terminal(daemon, watch, term):
    w = watch("-c", "1", "-w", "0.05", "lo0", term=term)
    assert w.end() == 0
    text = "".join(w.screen.lines())
    assert f'"{term}"' in text and "lo0" in text and "bit/s" in text


# --- lines -------------------------------------------------------------------


def names(text):
    return [line.split()[1] for line in text.splitlines()]


def test_lines_are_sorted_and_filtered(daemon):
    create(daemon, 12)
    words = ("watch", "-c", "1", "-w", "0.05")
    out = daemon.ok(*words, "-s", "name", "-f", "pair1")
    assert names(out) == ["pair1", "pair10", "pair11"]
    out = daemon.ok(*words, "-s", "name", "-r")
    assert names(out)[:2] == ["pair11", "pair10"] and names(out)[-1] == "lo0"
    assert "\x1b" not in out
    assert "in-bps" in daemon.bad("watch", "-s", "bits", code=2)


def test_most_first(daemon):
    """Sorted by a rate, the interface that sends stands first."""
    create(daemon, 3)
    daemon.ok("ifconfig", "pair9", "create", "peer", "pair10")
    daemon.ok("vnet", "create", "lab")
    daemon.ok("ifconfig", "pair10", "vnet", "lab")
    daemon.ok("ifconfig", "pair9", "10.9.0.1/24", "up")
    daemon.ok("ifconfig", "pair10", "10.9.0.2/24", "up", vnet="lab")
    ping = daemon.popen("ping", "-i", "0.02", "10.9.0.2")
    child = daemon.popen("watch", "-w", "0.2", "-s", "out-pps")
    for _ in range(60):
        lines = [child.stdout.readline() for _ in range(5)]
        first = names("".join(lines))[0]
        rates = [float(re.search(r"out (\d+) pkt", x).group(1))
                 for x in lines]
        assert rates == sorted(rates, reverse=True)
        if first == "pair9":
            break
    assert first == "pair9"
    for c in (child, ping):
        c.send_signal(signal.SIGINT)
        c.communicate(timeout=LONG)
