"""README.md, followed word by word."""

import os
import pathlib
import re
import shutil
import tempfile

import pytest

from conftest import BUILD, LONG, ROOT, run

# Blocks that are not for this test: CI runs each of them as a stage of its
# own, in the same clone.
ELSEWHERE = {
    "make demo\nmake test": ".ci/run",
    "make\nsudo make install": "test_install.py",
}
# Commands that go on until somebody has seen enough.
ENDLESS = {"monitor", "watch", "dump"}
# What stands in README for an interactive shell.
SHELL = re.compile(r"^unshare .*exec bash'$", re.S)


def blocks():
    """The indented blocks of commands, in order, comments cut off."""
    found = []
    whole = (ROOT / "README.md").read_text()
    pictures = re.compile(r"^```.*?^```\n", re.M | re.S)
    for text in re.findall(r"(?:^    .*\n|^\n(?=    ))+",
                           pictures.sub("", whole), re.M):
        for part in re.split(r"\n\s*\n", text.strip("\n")):
            part = "\n".join(line[4:] for line in part.splitlines())
            if part.strip():
                found.append(part)
    return found


def script(block):
    """The block for a shell without a person in front of it."""
    if "<<" in block:
        return block
    lines = []
    for line in re.sub(r"\\\n\s*", " ", block).splitlines():
        line = re.sub(r"\s{2,}# .*", "", line)
        words = line.split()
        if words[:1] == ["ifctl"] and len(words) == 1:
            line = "ifctl </dev/null || [ $? -eq 2 ]"
        elif words[0] == "ifctl" and words[1] in ENDLESS:
            line = (f"timeout -s INT 1 {line} >seen || "
                    "[ $? -eq 124 ] || [ $? -eq 130 ]")
        lines.append(line)
    return "\n".join(lines)


def whole():
    """One script of all blocks but those of ELSEWHERE, and the shell."""
    parts, shells = [], []
    for block in blocks():
        if block in ELSEWHERE:
            continue
        joined = re.sub(r"\\\n\s*", " ", block)
        if SHELL.match(joined):
            shells.append(joined)
        else:
            parts.append(script(block))
    assert len(shells) == 1
    return "set -ex\n" + "\n".join(parts) + "\nifctl halt\n", shells[0]


@pytest.fixture
def place():
    """Programs where an ordinary user may run them; not below /run."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ifn-", dir="/tmp"))
    for name in ("ifnetd", "ifctl"):
        shutil.copy(BUILD / "cmd" / name / name, path / name)
        os.chmod(path / name, 0o755)
    os.chmod(path, 0o755)       # -f refuses a file in a place of everybody's
    yield path
    shutil.rmtree(path)


def environment(place):
    env = dict(os.environ, PATH=f"{place}:/usr/sbin:/usr/bin:/sbin:/bin",
               TMPDIR="/tmp", HOME=str(place))
    env.pop("IFNETD", None)
    return env


def test_blocks_are_found():
    """A README written otherwise must not leave the test without work."""
    text, _ = whole()
    for word in ("ifnetd &", "create here", "ping -c 3 192.0.2.1",
                 "ifctl history", "router.conf", "blue:pair0", "100000"):
        assert word in text
    for block in ELSEWHERE:
        assert block in blocks()


def test_as_root(place):
    """In network and mount namespaces of its own, since it makes some."""
    text, _ = whole()
    done = run("unshare", "--mount", "--net", "--pid", "--fork",
               "--mount-proc", "--propagation", "private", "sh", "-c",
               "mount -t tmpfs tmpfs /run && ip link set lo up && exec bash",
               input=text, env=environment(place), cwd=place, check=False,
               timeout=2 * LONG)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " 0% packet loss" in done.stdout


def test_as_a_user(place):
    """The same lines in the shell that README gives to ordinary users."""
    text, shell = whole()
    ids = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if run(*ids, "true", check=False).returncode != 0:
        pytest.skip("all the tests run without root already")
    # As on most machines: anybody may open the tun device.
    os.mknod(place / "tun", 0o666 | 0o020000, os.makedev(10, 200))
    os.chmod(place / "tun", 0o666)
    os.chown(place, 65534, 65534)
    done = run("unshare", "--mount", "--propagation", "private", "sh", "-c",
               f'mount --bind "{place}/tun" /dev/net/tun && exec '
               + " ".join(ids) + ' sh -c "$SHELL_LINE"',
               input=text, env=dict(environment(place), SHELL_LINE=shell),
               cwd=place, check=False, timeout=2 * LONG)
    if "unshare failed" in done.stderr:
        pytest.skip("no user namespaces here: " + done.stderr.strip())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " 0% packet loss" in done.stdout
