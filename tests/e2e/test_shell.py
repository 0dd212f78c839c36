"""`ifctl' alone on a terminal: a shell with history and completion."""

import os
import pty
import re
import select
import signal
import termios
import time

import pytest

from conftest import IFCTL, LONG, run, wait_for


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, *argv, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=str(home), TERM="vt100")
            os.execv(argv[0], [str(a) for a in argv])
        self.text = ""
        self.status = None

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern):
        """Read until the pattern is there; what was before it goes."""
        end = time.monotonic() + LONG
        while True:
            found = re.search(pattern, self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                pytest.fail(f"no {pattern!r} in {self.text!r}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                pytest.fail(f"it ended; no {pattern!r} in {self.text!r}")
            self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "",
                                data.decode(errors="replace"))

    def end(self):
        """Its exit code."""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.02)[0]:
                try:
                    os.read(self.fd, 4096)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
        pytest.fail("it does not end")

    def close(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        os.close(self.fd)


PROMPT = r"ifctl\S*[>#] ?"


@pytest.fixture
def shell(daemon, tmp):
    made = []

    def make():
        t = Terminal(IFCTL, "-s", daemon.url, home=tmp)
        made.append(t)
        t.expect(PROMPT)
        return t

    yield make
    for t in made:
        t.close()


def test_commands(daemon, shell):
    t = shell()
    t.type("ifconfig pair0 create\n")
    t.expect(PROMPT)
    t.type("ifconfig -l\n")
    t.expect(r"lo0 pair0")
    t.expect(PROMPT)
    assert "pair0" in daemon.show()


def test_mistake_does_not_end_it(shell):
    t = shell()
    t.type("frobnicate\n")
    t.expect("unknown subcommand")
    t.expect(PROMPT)
    t.type('ifconfig "unfinished\n')
    t.expect(PROMPT)
    t.type("sysctl -n net.inet.ip.forwarding\n")
    t.expect(r"\b0\b")


def test_quit(shell):
    t = shell()
    t.type("quit\n")
    assert t.end() == 0


def test_end_of_file(shell):
    t = shell()
    # libedit shows the prompt first and takes the terminal then.
    wait_for(lambda: not termios.tcgetattr(t.fd)[3] & termios.ICANON,
             what="the line editor has the terminal")
    t.type("\x04")
    assert t.end() == 0


def test_interrupt_stops_the_command_only(shell):
    t = shell()
    t.type("ping -n 127.0.0.1\n")
    t.expect("icmp_seq=0")
    t.type("\x03")
    t.expect("packets transmitted")
    t.expect(PROMPT)
    t.type("quit\n")
    assert t.end() == 0


def test_completion(daemon, shell):
    daemon.ok("ifconfig", "pair0", "create")
    t = shell()
    t.type("ifco\tpai\t0\n")
    t.expect("pair0: flags=")


def test_history(daemon, shell, tmp):
    t = shell()
    t.type("ifconfig lo0 metric 3\n")
    t.expect(PROMPT)
    t.type("quit\n")
    assert t.end() == 0
    daemon.ok("ifconfig", "lo0", "metric", "1")
    t = shell()
    # The line before last: "quit" is the last one.
    t.type("\x1b[A\x1b[A\n")
    t.expect(PROMPT)
    assert "metric 3" in daemon.ok("ifconfig", "lo0")


def test_daemon_goes(daemon, shell):
    t = shell()
    daemon.stop()
    t.type("ifconfig -l\n")
    t.expect(r"ifctl: ")


def test_lines_from_a_pipe(daemon):
    """What fails is told with its line, which the lines before it were not."""
    lines = ["ifconfig pair create 2", "", "# a comment",
             "ifconfig pair0 mtu 1400", "ifconfig pair0 mtu 7",
             "ifconfig pair1 mtu 1400"]
    done = run(IFCTL, "-s", daemon.url, check=False,
               input="\n".join(lines) + "\n")
    assert done.returncode == 1
    assert done.stdout == "pair0\npair1\n"
    assert done.stderr.splitlines()[0].startswith(
        "ifctl: ifconfig pair0 mtu 7: SIOCSIFMTU: Invalid argument")
    assert done.stderr.splitlines()[1:] == ["ifctl: stopped at line 5"]
    assert "mtu 1400" in daemon.ok("ifconfig", "pair0")
    assert "mtu 1400" not in daemon.ok("ifconfig", "pair1")


def test_progress(daemon, tmp_path):
    """Long work tells a terminal how far it is, and nobody else."""
    ifctl = f"{IFCTL} -s {daemon.url}"
    go = tmp_path / "go"
    feed = f"while test ! -e {go}; do echo version; sleep 0.1; done"
    terminal = Terminal("/bin/sh", "-c", f"{feed} | {ifctl} >/dev/null",
                        home=tmp_path)
    terminal.expect(r"\rlines: [1-9]")
    go.touch()
    assert terminal.end() == 0
    feed = "for i in 1 2 3 4; do echo version; sleep 0.5; done"
    terminal = Terminal("/bin/sh", "-c",
                        f"{feed} | {ifctl} >/dev/null 2>{tmp_path}/err; "
                        "echo done", home=tmp_path)
    terminal.expect("done")
    assert terminal.end() == 0
    assert (tmp_path / "err").read_text() == ""
