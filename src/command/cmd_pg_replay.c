/*
 * pg set ... replay FILE: the file is read and checked here, with the rights of
 * whoever runs the command, and its packets are handed over.
 */

#include "command/command_impl.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/capread.h"

/* The largest file: more packets than the stack takes are not in less. */
#define FILE_MAX	(256u << 20)
#define FRAME_MIN	14
#define FRAME_MAX	2048

/* Packets on their way. */
struct upload {
	struct ifnet_client *client;
	struct if_pgadd	 add;
	uint64_t	 begun_ns, last_ns;	/* of the first, the last */
	uint64_t	 packets;
};

static int
read_all(int fd, uint8_t *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = read(fd, buf + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;	/* it has shrunk */
		done += (size_t)n;
	}
	return 0;
}

/* The contents of a regular file. */
static int
load(const char *path, uint8_t **bufp, size_t *size, struct ifnet_error *e)
{
	struct stat st;
	int error, fd;

	/* Nothing but a regular file is waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return ifnet_error_set(e, errno, "%s: %s", path,
		    strerror(errno));
	if (fstat(fd, &st) != 0)
		error = ifnet_error_set(e, errno, "%s: %s", path,
		    strerror(errno));
	else if (!S_ISREG(st.st_mode))
		error = ifnet_error_set(e, EINVAL, "%s: no regular file",
		    path);
	else if (st.st_size > FILE_MAX)
		error = ifnet_error_set(e, EFBIG, "%s: more than %u MiB",
		    path, FILE_MAX >> 20);
	else {
		*size = (size_t)st.st_size;
		*bufp = malloc(*size + 1);
		error = *bufp == NULL ? ENOMEM : read_all(fd, *bufp, *size);
		if (error != 0) {
			free(*bufp);
			*bufp = NULL;
			error = ifnet_error_set(e, error, "%s: %s", path,
			    strerror(error));
		}
	}
	(void)close(fd);
	return error;
}

/* Can a packet be replayed? */
static int
check(const struct capread_packet *p, void *arg, struct ifnet_error *e)
{
	uint64_t *packets = arg;
	unsigned long long number = p->number;

	if (p->linktype != CAPREAD_ETHER)
		return ifnet_error_set(e, EINVAL, "packet %llu is of link type "
		    "%u, and no Ethernet frame", number, p->linktype);
	if (p->len != p->wirelen)
		return ifnet_error_set(e, EINVAL, "packet %llu was cut to %u "
		    "of its %u bytes when it was captured", number, p->len,
		    p->wirelen);
	if (p->len < FRAME_MIN || p->len > FRAME_MAX)
		return ifnet_error_set(e, EINVAL, "packet %llu has %u bytes; a "
		    "frame to be replayed has %d to %d", number, p->len,
		    FRAME_MIN, FRAME_MAX);
	(*packets)++;
	return 0;
}

static int
flush(struct upload *u, struct ifnet_error *e)
{
	int error;

	error = ifnet_ioctl(u->client, SIOCAPGPACKETS, &u->add,
	    sizeof(u->add), e);
	u->add.pga_len = 0;
	return error;
}

static int
add(const struct capread_packet *p, void *arg, struct ifnet_error *e)
{
	struct upload *u = arg;
	struct if_pgpacket pgp = { .pgp_len = p->len };
	size_t size = IF_PGPACKET_SIZE(p->len);
	uint8_t *to;
	int error;

	if (u->packets++ == 0)
		u->begun_ns = p->ns;
	/* Several interfaces' packets may be a little out of order. */
	pgp.pgp_ns = p->ns < u->begun_ns ? 0 : p->ns - u->begun_ns;
	if (pgp.pgp_ns < u->last_ns)
		pgp.pgp_ns = u->last_ns;
	u->last_ns = pgp.pgp_ns;
	if (size > sizeof(u->add.pga_data) - u->add.pga_len) {
		error = flush(u, e);
		if (error != 0)
			return error;
	}
	to = u->add.pga_data + u->add.pga_len;
	memset(to, 0, size);
	memcpy(to, &pgp, sizeof(pgp));
	memcpy(to + sizeof(pgp), p->data, p->len);
	u->add.pga_len += (uint32_t)size;
	return 0;
}

int
pg_replay_read(struct pg_replay *pr, const char *path, struct ifnet_error *e)
{
	struct ifnet_error why;
	uint64_t packets = 0;
	int error;

	memset(pr, 0, sizeof(*pr));
	error = load(path, &pr->pr_file, &pr->pr_size, e);
	if (error != 0)
		return error;
	error = capread(pr->pr_file, pr->pr_size, check, &packets, &why);
	if (error == 0 && packets == 0)
		error = ifnet_error_set(&why, EINVAL, "it has no packets");
	if (error != 0) {
		(void)ifnet_error_set(e, error, "%s: %s", path, why.text);
		pg_replay_free(pr);
	}
	return error;
}

int
pg_replay_send(const struct pg_replay *pr, struct ifnet_client *c,
    const char *ifname, uint64_t *id, struct ifnet_error *e)
{
	struct upload u;
	int error;

	memset(&u, 0, sizeof(u));
	u.client = c;
	memcpy(u.add.pga_name, ifname, strlen(ifname));
	/* An empty request begins. */
	error = flush(&u, e);
	if (error == 0)
		error = capread(pr->pr_file, pr->pr_size, add, &u, e);
	if (error == 0)
		error = flush(&u, e);
	*id = u.add.pga_packets;
	return error;
}

void
pg_replay_free(struct pg_replay *pr)
{

	free(pr->pr_file);
	pr->pr_file = NULL;
}

const char *
pg_replay_label(const char *path, char *buf, size_t size)
{
	const char *base = strrchr(path, '/');
	size_t i;

	base = base == NULL ? path : base + 1;
	for (i = 0; i < size - 1 && base[i] != '\0'; i++)
		buf[i] = base[i] == ' ' || base[i] == '\t' ? '_' : base[i];
	buf[i] = '\0';
	return buf;
}
