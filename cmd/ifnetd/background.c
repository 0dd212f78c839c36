/*
 * Being a daemon: the fork, the log, the file with our process number.
 */

#include "ifnetd.h"

#include <sys/file.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "host/host.h"

static int ready_fd = -1;	/* the parent waits at its other end */
static bool to_syslog;
static struct host_ops ops;	/* the host's, with our log */
static char pidfile[PATH_MAX];
static int pidfile_fd = -1;

void
complain(const char *fmt, ...)
{
	char line[768];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (__atomic_load_n(&to_syslog, __ATOMIC_ACQUIRE))
		syslog(LOG_ERR, "%s", line);
	else
		(void)dprintf(STDERR_FILENO, "ifnetd: %s\n", line);
}

static void
log_line(struct host *h, enum host_log_level level, const char *line)
{

	(void)h;
	if (__atomic_load_n(&to_syslog, __ATOMIC_ACQUIRE))
		syslog((int)level, "%s", line);
	else
		(void)dprintf(STDERR_FILENO, "ifnetd: %s\n", line);
}

void
background_log_init(void)
{
	struct host *h = host_linux();

	ops = *h->h_ops;
	ops.ho_log = log_line;
	h->h_ops = &ops;
}

/* The parent: our exit code is the child's fate. */
static void __attribute__((__noreturn__))
wait_for_child(int fd)
{
	char status;
	ssize_t n;

	do {
		n = read(fd, &status, 1);
	} while (n == -1 && errno == EINTR);
	/* Whatever went wrong, the child has said it. */
	_exit(n == 1 ? 0 : 1);
}

bool
background_fork(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0) {
		complain("cannot go into the background: %s",
		    strerror(errno));
		return false;
	}
	switch (fork()) {
	case -1:
		complain("cannot go into the background: %s",
		    strerror(errno));
		close(fds[0]);
		close(fds[1]);
		return false;
	case 0:
		close(fds[0]);
		ready_fd = fds[1];
		(void)setsid();
		return true;
	default:
		close(fds[1]);
		wait_for_child(fds[0]);
	}
}

void
background_ready(void)
{
	ssize_t n;
	int fd;

	if (ready_fd == -1)
		return;
	openlog("ifnetd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	__atomic_store_n(&to_syslog, true, __ATOMIC_RELEASE);
	(void)!chdir("/");
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd != -1) {
		(void)dup2(fd, STDIN_FILENO);
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
	}
	n = write(ready_fd, "", 1);
	(void)n;
	close(ready_fd);
	ready_fd = -1;
}

/* Somebody else has the lock on it: say who. */
static void
complain_taken(const char *path, int fd)
{
	char pid[16];
	ssize_t n;

	n = pread(fd, pid, sizeof(pid) - 1, 0);
	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	complain("%s: another ifnetd is running (process %s)", path,
	    pid[0] != '\0' ? pid : "unknown");
}

bool
pidfile_create(const char *path)
{
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		complain_taken(path, fd);
		close(fd);
		return false;
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0 ||
	    realpath(path, pidfile) == NULL) {
		complain("%s: %s", path, strerror(errno));
		close(fd);
		(void)unlink(path);
		return false;
	}
	pidfile_fd = fd;
	return true;
}

void
pidfile_remove(void)
{

	if (pidfile_fd == -1)
		return;
	(void)unlink(pidfile);
	close(pidfile_fd);
	pidfile_fd = -1;
}
