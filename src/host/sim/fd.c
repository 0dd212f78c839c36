/*
 * Descriptors of the simulated host: small numbers for taps and sockets, far
 * from those of the process, so that a mix-up is EBADF and not an accident.
 */

#include "host/sim/impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FD_BASE		1000000

/* The lowest free descriptor, as POSIX has it.  Takes over the reference. */
int
sim_fd_open(struct sim *s, struct sim_obj *so, int *fdp)
{
	struct sim_obj **fds;
	unsigned i, n;

	for (i = 0; i < s->s_nfds; i++) {
		if (s->s_fds[i] == NULL)
			break;
	}
	if (i == s->s_nfds) {
		n = s->s_nfds == 0 ? 16 : 2 * s->s_nfds;
		fds = realloc(s->s_fds, n * sizeof(*fds));
		if (fds == NULL)
			return ENOMEM;
		memset(fds + s->s_nfds, 0, (n - s->s_nfds) * sizeof(*fds));
		s->s_fds = fds;
		s->s_nfds = n;
	}
	s->s_fds[i] = so;
	*fdp = FD_BASE + (int)i;
	return 0;
}

/* The object behind a descriptor, if it has these operations (NULL: any). */
struct sim_obj *
sim_fd_get(struct sim *s, int fd, const struct sim_obj_ops *ops)
{
	struct sim_obj *so;

	if (fd < FD_BASE || (unsigned)(fd - FD_BASE) >= s->s_nfds)
		return NULL;
	so = s->s_fds[fd - FD_BASE];
	if (so != NULL && ops != NULL && so->so_ops != ops)
		return NULL;
	return so;
}

void
sim_obj_drop(struct sim *s, struct sim_obj *so)
{

	assert(so->so_refs > 0);
	s->s_iogen++;
	if (--so->so_refs == 0)
		so->so_ops->soo_release(s, so);
}

void
sim_fd_close(struct sim *s, int fd)
{
	struct sim_obj *so;

	so = sim_fd_get(s, fd, NULL);
	assert(so != NULL);
	if (so == NULL)
		return;
	sim_poller_forget(s, fd);
	s->s_fds[fd - FD_BASE] = NULL;
	sim_obj_drop(s, so);
}

size_t
sim_iov_bytes(const struct iovec *iov, int n)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

void
sim_iov_gather(void *to, const struct iovec *iov, int n)
{
	char *p = to;
	int i;

	for (i = 0; i < n; i++) {
		if (iov[i].iov_len == 0)
			continue;
		memcpy(p, iov[i].iov_base, iov[i].iov_len);
		p += iov[i].iov_len;
	}
}

/* Copy a packet into scattered buffers; returns how many bytes fit. */
size_t
sim_iov_scatter(const struct iovec *iov, int n, const void *from, size_t len)
{
	const char *p = from;
	size_t done = 0;
	size_t part;
	int i;

	for (i = 0; i < n && done < len; i++) {
		part = iov[i].iov_len;
		if (part > len - done)
			part = len - done;
		if (part == 0)
			continue;
		memcpy(iov[i].iov_base, p + done, part);
		done += part;
	}
	return done;
}
