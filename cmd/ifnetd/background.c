/*
 * The daemon's process: the fork, the log, the pidfile.
 */

#include "ifnetd.h"

#include <sys/file.h>
#include <sys/stat.h>
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
#include "host/trust.h"
#include "kern/vis.h"

static int ready_fd = -1;	/* the parent waits at its other end */
static bool to_syslog;
static struct host_ops ops;	/* the host's, with our log */
static char pidfile[PATH_MAX];
static int pidfile_fd = -1;

void
complain(const char *fmt, ...)
{
	char text[768], line[VIS_SIZE(sizeof(text))];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)vis_line(line, sizeof(line), text, strlen(text));
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
		host_linux_log("ifnetd: ", line);
}

void
background_log_init(void)
{
	struct host *h = host_linux();

	ops = *h->h_ops;
	ops.ho_log = log_line;
	h->h_ops = &ops;
}

/*
 * If a standard descriptor were closed, the next file or socket would get its
 * number, and log lines would go there.
 */
static bool
standard_descriptors(void)
{
	int fd, null;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		/* open() returns the lowest free number, which is the closed
		 * descriptor's. */
		null = open("/dev/null", O_RDWR);
		if (null != fd)
			return false;
	}
	return true;
}

bool
background_prepare(int keep)
{

	if (!standard_descriptors())
		return false;
	if (keep > STDERR_FILENO) {
		if (keep > STDERR_FILENO + 1)
			(void)close_range(STDERR_FILENO + 1,
			    (unsigned)keep - 1, 0);
		(void)close_range((unsigned)keep + 1, ~0u, 0);
	} else {
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	}
	(void)umask(022);
	return true;
}

/* The parent waits for the child, and exits with a code that tells whether it
 * started. */
static void __attribute__((__noreturn__))
wait_for_child(int fd)
{
	char status;
	ssize_t n;

	do {
		n = read(fd, &status, 1);
	} while (n == -1 && errno == EINTR);
	/* The child has reported any error. */
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

/* Another process has the lock on the pidfile: report which. */
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

/* Does the file have only a process number in it, or is it empty? */
static bool
holds_number(int fd)
{
	char text[32];
	ssize_t n;
	size_t digits;

	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return false;
	text[n] = '\0';
	digits = strspn(text, "0123456789");
	return text[digits + (text[digits] == '\n')] == '\0' &&
	    (size_t)n == strlen(text);
}

/* Is the open file still at the path, and not reached by a symbolic link? */
static bool
is_at(int fd, const char *path)
{
	struct stat there, open;

	return lstat(path, &there) == 0 && fstat(fd, &open) == 0 &&
	    there.st_dev == open.st_dev && there.st_ino == open.st_ino;
}

/* May the file at the path become the pidfile?  It has not been written to
 * yet. */
static bool
pidfile_fits(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != geteuid() || !holds_number(fd)) {
		complain("%s: holds something else than a process number, or "
		    "is not a file of this user alone (--pidfile names a new "
		    "file, or one of an ifnetd that has ended)", path);
		return false;
	}
	return true;
}

bool
pidfile_create(const char *path)
{
	char why[PATH_MAX + 128];
	int fd;

	if (trust_way(path, why, sizeof(why)) != 0) {
		complain("--pidfile: %s", why);
		return false;
	}
	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC, 0644);
		if (fd == -1) {
			complain("%s: %s", path, errno == ELOOP ?
			    "a symbolic link, which is not followed" :
			    strerror(errno));
			return false;
		}
		if (!pidfile_fits(path, fd)) {
			close(fd);
			return false;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			complain_taken(path, fd);
			close(fd);
			return false;
		}
		/* Another daemon may have removed the file before it was
		 * locked. */
		if (is_at(fd, path))
			break;
		close(fd);
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0 ||
	    realpath(path, pidfile) == NULL) {
		complain("%s: %s", path, strerror(errno));
		(void)unlink(path);
		close(fd);
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
	/* Remove the pidfile while its lock is held, and only if it is still
	 * the file made here. */
	if (is_at(pidfile_fd, pidfile))
		(void)unlink(pidfile);
	close(pidfile_fd);
	pidfile_fd = -1;
}
