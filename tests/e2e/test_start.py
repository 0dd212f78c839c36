"""What the daemon is started with: descriptors, signals, limits, and files
that somebody else may have put there."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import IFCTL, IFNETD, LONG, Daemon, finish, run, wait_for

OTHER = 65534


@pytest.fixture
def daemon(tmp):
    """Not started yet."""
    d = Daemon(tmp, start=False)
    yield d
    finish(d)


@pytest.fixture
def outside():
    """A directory whose way leads over nothing that others may write to,
    other than /tmp with its sticky bit."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ifn-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


def is_root():
    return run("setpriv", f"--reuid={OTHER}", f"--regid={OTHER}",
               "--clear-groups", "true", check=False).returncode == 0


def refused(*argv):
    """A daemon that does not start; what it says."""
    done = run(IFNETD, *argv, check=False)
    assert done.returncode == 1
    return done.stderr


def descriptors(pid):
    """Those that are closed meanwhile are left out."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            pass
    return found


# --- descriptors, signals, limits ------------------------------------------

@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-",
                                    "0<&- 1>&- 2>&-"])
def test_closed_descriptors(daemon, closed):
    """A log line is not written into whatever got the number."""
    daemon.process = subprocess.Popen(
        ["sh", "-c", f'exec "$0" --ctl "$1" --log-level debug {closed}',
         str(IFNETD), daemon.url])
    wait_for(daemon.ready)
    daemon.ok("ifconfig", "pair0", "create")
    fds = descriptors(daemon.process.pid)
    for word in closed.split():
        assert fds[int(word[0])] == "/dev/null"
    assert not any("anon_inode" in fds[n] for n in range(3))


def test_inherited_descriptors(daemon, tmp):
    """What the parent left open is not held for as long as it runs."""
    r, w = os.pipe()
    os.set_inheritable(w, True)
    daemon.start(close_fds=False)
    os.close(w)
    assert os.read(r, 1) == b""
    os.close(r)


def test_configuration_from_a_pipe(daemon):
    """/dev/fd/N is one that is meant to be inherited."""
    daemon.process = subprocess.Popen(
        ["bash", "-c", 'exec "$0" --ctl "$1" -f <(echo ifconfig pair0 create)',
         str(IFNETD), daemon.url], stderr=subprocess.DEVNULL)
    wait_for(daemon.ready)
    assert "pair0" in daemon.ok("ifconfig", "-l").split()


def test_signals_of_the_parent(daemon):
    """Ignored, blocked: SIGTERM ends it all the same."""
    daemon.start(preexec_fn=lambda: (
        signal.signal(signal.SIGTERM, signal.SIG_IGN),
        signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        signal.pthread_sigmask(signal.SIG_BLOCK,
                               {signal.SIGTERM, signal.SIGUSR1})))
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status")

    def blocked():
        line = next(line for line in status.read_text().splitlines()
                    if line.startswith("SigBlk:"))
        return int(line.split()[1], 16)

    # All are, for the moment in which a thread is made.
    wait_for(lambda: not blocked() & 1 << (signal.SIGUSR1 - 1))
    assert daemon.stop() == 0


def test_interrupt_of_a_background_job(daemon):
    """A shell without job control has it ignore ^C."""
    daemon.start(preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                  signal.SIG_IGN))
    daemon.process.send_signal(signal.SIGINT)
    daemon.ok("ifconfig", "pair0", "create")
    assert daemon.process.poll() is None


def test_limits(daemon):
    """Few descriptors and a small file size are no reason to end."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    daemon.start("--log-level", "debug", preexec_fn=lambda: (
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)),
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))))
    daemon.ok("ifconfig", "pair", "create", "20")
    limits = pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text()
    line = next(n for n in limits.splitlines() if "open files" in n)
    assert line.split()[3] == str(hard)


def test_closed_output_of_the_client(daemon):
    """What could not be shown is not success, nor sent to the daemon."""
    daemon.start()
    for words in ("ifconfig -a", "sysctl -a", "sysctl -a <&-"):
        done = run("sh", "-c", f"{IFCTL} -s {daemon.url} {words} >&-",
                   check=False)
        assert done.returncode == 1
        assert done.stderr == ""


# --- files ----------------------------------------------------------------

def test_pidfile_is_no_link(daemon, outside):
    """Neither followed, nor emptied, nor removed at the end."""
    victim = outside / "victim"
    victim.write_text("precious\n")
    link = outside / "pid"
    link.symlink_to(victim)
    assert "symbolic link" in refused("--ctl", daemon.url, "--pidfile", link)
    assert victim.read_text() == "precious\n"
    assert link.is_symlink()


def test_pidfile_is_no_other_file(daemon, outside):
    victim = outside / "passwd"
    for text in ("precious\n", "12 34\n", "1\n2\n", "12\0", "x" * 40):
        victim.write_text(text)
        said = refused("--ctl", daemon.url, "--pidfile", victim)
        assert "something else than a process number" in said
        assert victim.read_text() == text
    victim.write_text("4711\n")
    os.link(victim, outside / "second")
    refused("--ctl", daemon.url, "--pidfile", victim)
    os.mkfifo(outside / "fifo")
    refused("--ctl", daemon.url, "--pidfile", outside / "fifo")


def test_pidfile_with_a_long_name(daemon, outside):
    said = refused("--ctl", daemon.url, "--pidfile", outside / ("a" * 300))
    assert "aaaa...: File name too long" in said


def test_pidfile_of_one_that_ended(daemon, outside):
    """An old number is no obstacle; the file goes with the daemon."""
    pid = outside / "pid"
    pid.write_text("4711\n")
    daemon.start("--pidfile", pid)
    assert pid.read_text() == f"{daemon.process.pid}\n"
    said = refused("--ctl", f"unix://{outside}/two.sock", "--pidfile", pid)
    assert f"process {daemon.process.pid}" in said
    assert daemon.stop() == 0
    assert not pid.exists()


def test_pidfile_that_was_replaced(daemon, outside):
    """Another file at its place is left alone."""
    pid = outside / "pid"
    daemon.start("--pidfile", pid)
    pid.unlink()
    pid.write_text("another's\n")
    assert daemon.stop() == 0
    assert pid.read_text() == "another's\n"


def test_places_that_others_write_to(daemon, outside):
    """Nothing is made or obeyed where anybody could exchange it."""
    wide = outside / "wide"
    wide.mkdir()
    wide.chmod(0o777)
    (wide / "conf").write_text("ifconfig pair0 create\n")
    for argv in (("--pidfile", wide / "pid", "--ctl", daemon.url),
                 ("-f", wide / "conf", "--ctl", daemon.url),
                 ("--ctl", f"unix://{wide}/ctl.sock")):
        said = refused(*argv)
        assert f"{wide}: everybody may write to the directory" in said
    assert [p.name for p in wide.iterdir()] == ["conf"]
    # By way of a link as well.
    (outside / "link").symlink_to(wide / "conf")
    assert "everybody may write" in refused("-f", outside / "link", "--ctl",
                                            daemon.url)
    # With the sticky bit nobody can, but by a link of their own.
    wide.chmod(0o1777)
    good = outside / "good"
    good.write_text("ifconfig pair1 create\n")
    if is_root():
        (wide / "theirs").symlink_to(good)
        os.chown(wide / "theirs", OTHER, OTHER, follow_symlinks=False)
        (wide / "way").symlink_to(outside)
        os.chown(wide / "way", OTHER, OTHER, follow_symlinks=False)
        (outside / "chain").symlink_to("wide/theirs")
        for name in (wide / "theirs", wide / "way/good", outside / "chain",
                     outside / "../" / outside.name / "chain"):
            said = refused("-f", name, "--ctl", daemon.url)
            assert f"the symbolic link belongs to user {OTHER}" in said
        for argv in (("--pidfile", wide / "way/pid", "--ctl", daemon.url),
                     ("--ctl", f"unix://{wide}/way/ctl.sock")):
            assert "the symbolic link belongs to" in refused(*argv)
        assert not (outside / "pid").exists()
    (wide / "ours").symlink_to("../good")
    assert run(IFNETD, "-f", wide / "loop", "--ctl", daemon.url,
               check=False).returncode == 1
    daemon.start("-f", wide / "ours")
    assert "pair1" in daemon.ok("ifconfig", "-l").split()
    assert daemon.stop() == 0
    daemon.start("-f", wide / "conf", "--pidfile", wide / "pid2")


def test_configuration_others_wrote(daemon, outside):
    conf = outside / "conf"
    conf.write_text("ifconfig pair0 create\n")
    conf.chmod(0o666)
    said = refused("-f", conf, "--ctl", daemon.url)
    assert f"{conf}: everybody may write to the file" in said
    conf.chmod(0o664)
    os.chown(conf, -1, 4242) if is_root() else None
    if is_root():
        assert "group 4242 may write" in refused("-f", conf, "--ctl",
                                                 daemon.url)
        os.chown(conf, OTHER, 0)
        conf.chmod(0o644)
        assert f"belongs to user {OTHER}" in refused("-f", conf, "--ctl",
                                                     daemon.url)
        os.chown(conf, 0, 0)
    conf.chmod(0o644)
    daemon.start("-f", conf)
    assert "pair0" in daemon.ok("ifconfig", "-l").split()


CONSTRUCTOR = r"""
#include <fcntl.h>
static void __attribute__((__constructor__)) ran(void)
{
	(void)creat("%s", 0600);
}
%s
"""


def test_driver_that_is_none_does_not_run(daemon, outside):
    """Its constructors ran before it was refused."""
    ran = outside / "ran"
    daemon.start(env=dict(os.environ, IFNET_MODULES=str(outside)))
    for name, more in (("none", ""),
                       ("undef", "extern int ifnet_module; "
                        "int *p(void); int *p(void) "
                        "{ return &ifnet_module; }")):
        source = outside / f"{name}.c"
        source.write_text(CONSTRUCTOR % (ran, more))
        run("cc", "-shared", "-fPIC", "-o", outside / f"if_{name}.so", source)
        daemon.bad("ifconfig", f"{name}0", "create")
        assert "exports no ifnet_module" in daemon.text()
        assert not ran.exists()
    # Cut anywhere, it is refused and nothing else happens.
    whole = (outside / "if_none.so").read_bytes()
    for n in range(0, len(whole), max(1, len(whole) // 40)):
        (outside / "if_cut.so").write_bytes(whole[:n])
        daemon.bad("ifconfig", "cut0", "create")
    assert not ran.exists()
    daemon.ok("ifconfig", "-l")


def test_driver_of_another_user(daemon, outside):
    if not is_root():
        pytest.skip("all the tests run without root already")
    source = outside / "evil.c"
    source.write_text(CONSTRUCTOR % (outside / "ran", "int ifnet_module;"))
    run("cc", "-shared", "-fPIC", "-o", outside / "if_evil.so", source)
    daemon.start(env=dict(os.environ, IFNET_MODULES=str(outside)))
    os.chown(outside / "if_evil.so", OTHER, OTHER)
    daemon.bad("ifconfig", "evil0", "create")
    assert f"belongs to user {OTHER}" in daemon.text()
    os.chown(outside / "if_evil.so", 0, 0)
    outside.chmod(0o777)
    daemon.bad("ifconfig", "evil0", "create")
    assert "everybody may write to the directory" in daemon.text()
    outside.chmod(0o755)
    os.chown(outside, OTHER, OTHER)
    daemon.bad("ifconfig", "evil0", "create")
    assert not (outside / "ran").exists()
    os.chown(outside, 0, 0)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_configuration_that_never_comes(daemon, tmp, sig):
    """A pipe that nobody writes to is waited for, and a signal ends that."""
    fifo = tmp / "config"
    os.mkfifo(fifo, 0o600)
    daemon.start("-f", fifo, "--pidfile", tmp / "pid", wait=False)
    stat = f"/proc/{daemon.process.pid}/wchan"
    wait_for(lambda: pathlib.Path(stat).read_text() in
             ("wait_for_partner", "0", "fifo_open"), what="it opens the pipe")
    daemon.process.send_signal(sig)
    assert daemon.process.wait(LONG) == -sig
    assert not (tmp / "pid").exists()
    # A writer comes late, and in pieces.
    daemon.start("-f", fifo, wait=False)
    with open(fifo, "w", encoding="ascii") as pipe:
        pipe.write("ifconfig pair0 cre")
        pipe.flush()
        pipe.write("ate\nifconfig pair0 10.0.0.1/24\n")
    wait_for(daemon.ready, what="it is ready")
    assert "10.0.0.1/24" in daemon.ok("ifconfig", "pair0")


def test_log_that_nobody_reads(daemon):
    """A pipe that is full loses lines and stops nobody."""
    reader, writer = os.pipe()
    daemon.process = subprocess.Popen(
        [IFNETD, "--ctl", daemon.url, "--log-level", "debug"],
        stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
    os.close(writer)
    daemon.log.write_text("")
    wait_for(daemon.answers, what="it is ready")
    daemon.ok("ifconfig", "lo", "create", "3000", "up")
    assert len(daemon.ok("ifconfig", "-l").split()) == 3001
    os.set_blocking(reader, False)
    text = b""
    while len(text) < 30000:
        text += os.read(reader, 65536)
    daemon.ok("ifconfig", "lo1", "down")

    def told():
        nonlocal text
        try:
            text += os.read(reader, 65536)
        except BlockingIOError:
            pass
        return b"lines of the log were lost: nobody read it" in text
    wait_for(told, what="the number of lost lines")
    daemon.process.terminate()
    assert daemon.process.wait(LONG) == 0
    os.close(reader)
