/*
 * Local sequenced-packet sockets of the Linux host (unix(7)), for control.
 */

#include "host/linux/impl.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A message must fit the sender's buffer as a whole. */
#define BUFFER_BYTES	(1 << 20)
/* Messages that a client of another user does not read take memory of this
 * process. */
#define OTHER_BYTES	(1 << 17)
/* Clients that connect while the accepting thread is busy wait in the backlog
 * and are not refused. */
#define BACKLOG		1024
/* The most descriptors that are read from one message; the kernel drops further
 * ones. */
#define PASSED_MAX	16
/* Attempts to lock the directory, which another daemon that starts may hold. */
#define LOCK_TRIES	100
#define LOCK_PAUSE_NS	10000000u

/*
 * A listening socket and its file.  Device and inode tell at the end whether
 * the file is still the socket's own, and may be removed.
 */
struct linux_listener {
	struct linux_listener *ll_next;	/* lh_sock_lock */
	int		 ll_fd;
	dev_t		 ll_dev;
	ino_t		 ll_ino;
	char		 ll_path[PATH_MAX];
};

static void
set_buffers(int fd, int bytes)
{

	/* SO_SNDBUFFORCE exceeds the system's limit, and needs privilege. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
	    sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes,
		    sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
	    sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
		    sizeof(bytes));
}

/*
 * Called before a socket is closed: messages of the peer that were never read
 * would make the peer see a reset, which overtakes the last message to it.  So
 * reception is shut down and the queue emptied.  Other kinds of descriptors are
 * not affected.
 */
static void
finish(int fd)
{
	char byte;

	if (shutdown(fd, SHUT_RD) != 0)
		return;
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) > 0)
		continue;
}

static int
new_socket(void)
{

	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
}

/*
 * Lock the directory of a path, so that of two daemons that start together none
 * takes the other's socket, bound but not yet listening, for a stale one.  -1:
 * the lock is not free.  Any user that can read the directory can hold this
 * lock, so it must not prevent a start.
 */
static int
lock_directory(struct host *h, const char *path)
{
	char dir[PATH_MAX];
	const char *slash;
	size_t len;
	int fd, i;

	slash = strrchr(path, '/');
	len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	if (len >= sizeof(dir))
		return -1;
	memcpy(dir, path, len);
	dir[len] = '\0';
	fd = open(len == 0 ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		linux_sleep(h, LOCK_PAUSE_NS);
	}
	close(fd);
	return -1;
}

/* Is there a socket file at this address at which no process listens? */
static bool
is_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(sun->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = new_socket();
	if (fd == -1)
		return false;
	stale = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) != 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int
bind_path(int fd, const struct sockaddr_un *sun)
{

	return bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ?
	    0 : errno;
}

/* chmod() the socket's own file, even if its name leads to another file by
 * now. */
static int
set_mode(const char *path, mode_t mode)
{
	char name[32];
	struct stat st;
	int error = 0, fd;

	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		error = EADDRINUSE;
	/* Without /proc the file keeps the mode that bind() gave it. */
	else if ((st.st_mode & 0777) != mode && chmod(name, mode) != 0)
		error = errno;
	close(fd);
	return error;
}

static int
bind_and_listen(struct host *h, int fd, const struct sockaddr_un *sun,
    mode_t mode)
{
	int error, lock;

	lock = lock_directory(h, sun->sun_path);
	/* bind() makes the file with the socket's mode, less the umask. */
	(void)fchmod(fd, mode);
	error = bind_path(fd, sun);
	if (error == EADDRINUSE && is_stale(sun) &&
	    unlink(sun->sun_path) == 0)
		error = bind_path(fd, sun);
	if (error != 0)
		goto out;
	error = set_mode(sun->sun_path, mode);
	if (error == 0 && listen(fd, BACKLOG) != 0)
		error = errno;
	/* EADDRINUSE: another file, not made by this socket, has the name. */
	if (error != 0 && error != EADDRINUSE)
		(void)unlink(sun->sun_path);
out:
	if (lock != -1)
		close(lock);
	return error;
}

/* Remember the file under its absolute name: a daemon changes directory. */
static int
remember(struct linux_host *lh, struct linux_listener *ll, int fd,
    const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0 || realpath(path, ll->ll_path) == NULL)
		return errno;
	ll->ll_fd = fd;
	ll->ll_dev = st.st_dev;
	ll->ll_ino = st.st_ino;
	pthread_mutex_lock(&lh->lh_sock_lock);
	ll->ll_next = lh->lh_listeners;
	lh->lh_listeners = ll;
	pthread_mutex_unlock(&lh->lh_sock_lock);
	return 0;
}

int
linux_sock_listen(struct host *h, const char *path, mode_t mode, int *fdp)
{
	struct linux_listener *ll;
	struct sockaddr_un sun;
	int error, fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (path[0] == '\0')
		return EINVAL;
	if (strlen(path) >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	strcpy(sun.sun_path, path);

	ll = calloc(1, sizeof(*ll));
	if (ll == NULL)
		return ENOMEM;
	fd = new_socket();
	if (fd == -1) {
		error = errno;
		goto fail_free;
	}
	set_buffers(fd, BUFFER_BYTES);
	error = bind_and_listen(h, fd, &sun, mode);
	if (error != 0)
		goto fail_close;
	error = remember(linux_host(h), ll, fd, path);
	if (error != 0)
		goto fail_unlink;
	*fdp = fd;
	return 0;

fail_unlink:
	(void)unlink(path);
fail_close:
	close(fd);
fail_free:
	free(ll);
	return error;
}

/*
 * The supplementary groups of the peer, as many as host_peercred holds.
 * Missing groups only lessen the peer's rights, so groups that cannot be read
 * are left out.
 */
static void
peer_groups(int fd, struct host_peercred *hp)
{
	gid_t *heap = NULL;
	socklen_t len = sizeof(hp->hp_groups);
	unsigned n;

	hp->hp_ngroups = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, hp->hp_groups,
	    &len) != 0) {
		/* ERANGE has put the length needed into `len'. */
		if (errno != ERANGE || (heap = malloc(len)) == NULL)
			return;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, heap,
		    &len) != 0) {
			free(heap);
			return;
		}
	}
	n = (unsigned)(len / sizeof(gid_t));
	if (n > HOST_NGROUPS)
		n = HOST_NGROUPS;
	if (heap != NULL)
		memcpy(hp->hp_groups, heap, n * sizeof(gid_t));
	hp->hp_ngroups = n;
	free(heap);
}

static int
peer_credentials(int fd, struct host_peercred *hp)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);

	memset(hp, 0, sizeof(*hp));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len) != 0)
		return errno;
	hp->hp_pid = uc.pid;
	hp->hp_uid = uc.uid;
	hp->hp_gid = uc.gid;
	peer_groups(fd, hp);
	return 0;
}

int
linux_sock_accept(struct host *h, int fd, int *newfdp,
    struct host_peercred *hp)
{
	int error, s;

	(void)h;
	do {
		s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (s == -1 && errno == EINTR);
	if (s == -1)
		return errno;
	error = peer_credentials(s, hp);
	if (error != 0) {
		close(s);
		return error;
	}
	set_buffers(s, hp->hp_uid == 0 || hp->hp_uid == geteuid() ?
	    BUFFER_BYTES : OTHER_BYTES);
	*newfdp = s;
	return 0;
}

/* Keep the first descriptor of a message if it is wanted, close the rest. */
static int
take_descriptors(struct msghdr *msg, bool wanted)
{
	struct cmsghdr *cm;
	size_t i, n;
	int kept = -1;
	int fd;

	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (wanted && kept == -1)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

ssize_t
linux_sock_recv(struct host *h, int fd, void *buf, size_t len,
    int *passed_fd)
{
	union {
		struct cmsghdr	align;
		char		space[CMSG_SPACE(PASSED_MAX * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg;
	ssize_t got;
	int passed;

	(void)h;
	if (passed_fd != NULL)
		*passed_fd = -1;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	do {
		got = recvmsg(fd, &msg,
		    MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_TRUNC);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return -errno;
	passed = take_descriptors(&msg, passed_fd != NULL && got > 0);
	if (passed_fd != NULL)
		*passed_fd = passed;
	return got;
}

ssize_t
linux_sock_send(struct host *h, int fd, const struct iovec *iov, int n)
{
	struct msghdr msg;
	ssize_t sent;

	(void)h;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = (struct iovec *)(uintptr_t)iov;
	msg.msg_iovlen = (size_t)n;
	do {
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent == -1 && errno == EINTR);
	return sent == -1 ? -errno : sent;
}

static struct linux_listener *
forget(struct linux_host *lh, int fd)
{
	struct linux_listener **llp, *ll;

	pthread_mutex_lock(&lh->lh_sock_lock);
	for (llp = &lh->lh_listeners; (ll = *llp) != NULL;
	    llp = &ll->ll_next) {
		if (ll->ll_fd == fd) {
			*llp = ll->ll_next;
			break;
		}
	}
	pthread_mutex_unlock(&lh->lh_sock_lock);
	return ll;
}

void
linux_sock_close(struct host *h, int fd)
{
	struct linux_listener *ll;
	struct stat st;

	ll = forget(linux_host(h), fd);
	/* Another process may have put another file there since. */
	if (ll != NULL && lstat(ll->ll_path, &st) == 0 &&
	    st.st_dev == ll->ll_dev && st.st_ino == ll->ll_ino)
		(void)unlink(ll->ll_path);
	free(ll);
	finish(fd);
	close(fd);
}
