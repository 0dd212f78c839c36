/*
 * The Linux host: its operations table, and the small operations (clock,
 * randomness, memory, log).
 */

#include "host/common.h"
#include "host/linux/impl.h"

#include <sys/mman.h>
#include <sys/random.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HOST_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOST_ASAN
#endif
#endif

#define LARGE_PAGE	((size_t)2 * 1024 * 1024)

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t
linux_clock(struct host *h)
{

	(void)h;
	return read_clock(CLOCK_MONOTONIC);
}

static uint64_t
linux_wallclock(struct host *h)
{

	(void)h;
	return read_clock(CLOCK_REALTIME);
}

/*
 * Small requests are served from bytes fetched ahead, each used once, and none
 * in a child process.
 */
static _Thread_local struct {
	unsigned	 ra_left;
	char		 ra_bytes[256];
} ahead;
static pthread_once_t ahead_once = PTHREAD_ONCE_INIT;

static void
ahead_forget(void)
{

	ahead.ra_left = 0;
}

static void
ahead_start(void)
{

	(void)pthread_atfork(NULL, NULL, ahead_forget);
}

static void
fetch_random(char *p, size_t len)
{
	ssize_t got;

	while (len > 0) {
		got = getrandom(p, len, 0);
		if (got < 0) {
			/* Without random bytes keys would be predictable: end
			 * the process. */
			if (errno != EINTR)
				abort();
			continue;
		}
		p += got;
		len -= (size_t)got;
	}
}

static void
linux_random(struct host *h, void *buf, size_t len)
{

	(void)h;
	if (len > sizeof(ahead.ra_bytes) / 4) {
		fetch_random(buf, len);
		return;
	}
	if (ahead.ra_left < len) {
		(void)pthread_once(&ahead_once, ahead_start);
		fetch_random(ahead.ra_bytes, sizeof(ahead.ra_bytes));
		ahead.ra_left = sizeof(ahead.ra_bytes);
	}
	ahead.ra_left -= (unsigned)len;
	memcpy(buf, ahead.ra_bytes + ahead.ra_left, len);
	explicit_bzero(ahead.ra_bytes + ahead.ra_left, len);
}

void *
linux_alloc(struct host *h, size_t bytes, size_t align)
{
	void *p;

	(void)h;
	if (bytes == 0)
		bytes = 1;
	if (align <= _Alignof(max_align_t))
		return calloc(1, bytes);
	if (posix_memalign(&p, align, bytes) != 0)
		return NULL;
	memset(p, 0, bytes);
	return p;
}

void
linux_free(struct host *h, void *p)
{

	(void)h;
	free(p);
}

static size_t
round_to_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) & ~(page - 1);
}

static void *
linux_map(struct host *h, size_t bytes)
{
	void *p;

	(void)h;
	p = mmap(NULL, round_to_pages(bytes), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

#ifndef HOST_ASAN
/* Map more than asked for, keep the aligned part, and unmap the rest. */
static void *
linux_map_whole(struct host *h, size_t bytes, size_t align)
{
	char *p, *base;

	(void)h;
	bytes = round_to_pages(bytes);
	p = mmap(NULL, bytes + align, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	base = p + (-(uintptr_t)p & (align - 1));
	if (base != p)
		munmap(p, (size_t)(base - p));
	if (base != p + align)
		munmap(base + bytes, (size_t)(p + align - base));
	if (bytes >= LARGE_PAGE)
		(void)madvise(base, bytes, MADV_HUGEPAGE);
	return base;
}
#else
/* The sanitizer cannot watch objects inside a region. */
#define linux_map_whole	NULL
#endif

static void
linux_unmap(struct host *h, void *p, size_t bytes)
{

	(void)h;
	if (p != NULL)
		munmap(p, round_to_pages(bytes));
}

/* A line is one write, so that lines of several threads do not mix; a pipe
 * takes PIPE_BUF bytes at once or none. */
static void
write_line(const char *prefix, const char *line)
{
	size_t len = strlen(line);
	struct iovec iov[3];
	ssize_t ignored;

	iov[0].iov_base = (void *)(uintptr_t)prefix;
	iov[0].iov_len = strlen(prefix);
	iov[1].iov_base = (void *)(uintptr_t)line;
	iov[1].iov_len = len < PIPE_BUF / 2 ? len : PIPE_BUF / 2;
	iov[2].iov_base = (void *)(uintptr_t)"\n";
	iov[2].iov_len = 1;
	ignored = writev(STDERR_FILENO, iov, 3);
	(void)ignored;
}

void
host_linux_log(const char *prefix, const char *line)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned long lost;	/* lock */
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	char text[64];

	/* With the lock, nobody else fills the pipe after it was found to have
	 * room. */
	(void)pthread_mutex_lock(&lock);
	if (poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLOUT) == 0)
		lost++;
	else if (lost > 0) {
		(void)snprintf(text, sizeof(text), "%lu lines of the log were "
		    "lost: nobody read it", lost);
		write_line(prefix, text);
		lost = 0;
		if (poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0)
			write_line(prefix, line);
		else
			lost = 1;
	} else
		write_line(prefix, line);
	(void)pthread_mutex_unlock(&lock);
}

static void
linux_log(struct host *h, enum host_log_level level, const char *line)
{

	(void)h;
	(void)level;
	host_linux_log("ifnet: ", line);
}

static const struct host_ops linux_ops = {
	.ho_name = "linux",
	.ho_clock = linux_clock,
	.ho_wallclock = linux_wallclock,
	.ho_random = linux_random,
	.ho_alloc = linux_alloc,
	.ho_free = linux_free,
	.ho_map = linux_map,
	.ho_map_whole = linux_map_whole,
	.ho_unmap = linux_unmap,
	.ho_ncpu = linux_ncpu,
	.ho_thread_create = linux_thread_create,
	.ho_thread_join = linux_thread_join,
	.ho_thread_attach = linux_thread_attach,
	.ho_thread_foreach = linux_thread_foreach,
	.ho_sleep = linux_sleep,
	.ho_yield = linux_yield,
	.ho_rcu_synchronize = linux_rcu_synchronize,
	.ho_mutex_init = linux_mutex_init,
	.ho_mutex_destroy = linux_mutex_destroy,
	.ho_mutex_lock = linux_mutex_lock,
	.ho_mutex_trylock = linux_mutex_trylock,
	.ho_mutex_unlock = linux_mutex_unlock,
	.ho_mutex_owned = linux_mutex_owned,
	.ho_cond_init = linux_cond_init,
	.ho_cond_destroy = linux_cond_destroy,
	.ho_cond_wait = linux_cond_wait,
	.ho_cond_broadcast = linux_cond_broadcast,
	.ho_poller_create = linux_poller_create,
	.ho_poller_destroy = linux_poller_destroy,
	.ho_poller_add = linux_poller_add,
	.ho_poller_mod = linux_poller_mod,
	.ho_poller_del = linux_poller_del,
	.ho_poller_wait = linux_poller_wait,
	.ho_poller_wake = linux_poller_wake,
	.ho_poller_fd = linux_poller_fd,
	.ho_tun_open = linux_tun_open,
	.ho_tun_close = linux_tun_close,
	.ho_tun_fd = linux_tun_fd,
	.ho_tun_offload = linux_tun_offload,
	.ho_tun_name = linux_tun_name,
	.ho_tun_watch = linux_tun_watch,
	.ho_tun_takes = linux_tun_takes,
	.ho_tun_far = linux_tun_far,
	.ho_tun_mtu = linux_tun_mtu,
	.ho_tun_carrier = linux_tun_carrier,
	.ho_tun_recv = linux_tun_recv,
	.ho_tun_send = linux_tun_send,
	.ho_sock_listen = linux_sock_listen,
	.ho_sock_accept = linux_sock_accept,
	.ho_sock_recv = linux_sock_recv,
	.ho_sock_send = linux_sock_send,
	.ho_sock_close = linux_sock_close,
	.ho_module_open = host_common_module_open,
	.ho_module_sym = host_common_module_sym,
	.ho_module_close = host_common_module_close,
	.ho_log = linux_log,
};

static struct linux_host the_linux_host = {
	.lh_host.h_ops = &linux_ops,
	.lh_thread_lock = PTHREAD_MUTEX_INITIALIZER,
	.lh_sock_lock = PTHREAD_MUTEX_INITIALIZER,
};

struct host *
host_linux(void)
{

	return &the_linux_host.lh_host;
}
