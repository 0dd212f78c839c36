/*
 * crowd SOCKET REQUEST CLIENTS USERS: connect that many clients of ifnetd, of
 * as many users without privilege as are given (uids from 60001 on), and have
 * each make a request again and again, as fast as it is answered.  Answers are
 * read and thrown away.  "ready" is printed once all have an answer; at the
 * end of the standard input, the number of answers, and of those that were
 * refusals.
 *
 * Requests: list (all interfaces, as `ifconfig -a'), routes, history, snapshot
 * (as `monitor -s'), settings, and ping:ADDRESS (echo requests of the largest
 * size there is).
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ifnet/client.h>
#include <ifnet/rtmsg.h>

#include "proto/ctl_proto.h"
#include "proto/proto_rec.h"

#define UID_FIRST	60001
#define PING_BYTES	65507

static enum kind { LIST, ROUTES, HISTORY, SNAPSHOT, SETTINGS, PING } kind;
static uint32_t target;
static unsigned long answers, refusals;

struct one {
	bool	 on_answered;	/* once at least */
	bool	 on_begun;	/* a ping */
	uint32_t on_seq;
};

static void
ask(int fd, unsigned op, const void *fixed, size_t nfixed, const void *data,
    size_t len)
{
	struct {
		struct ctl_hdr	 h;
		struct ctl_rec	 rc;
		uint8_t		 room[512];
	} msg;

	memset(&msg, 0, sizeof(msg));
	msg.rc = proto_rec_head(nfixed, len);
	msg.h.ch_magic = CTL_MAGIC;
	msg.h.ch_op = (uint16_t)op;
	msg.h.ch_len = (uint32_t)(offsetof(__typeof__(msg), room) + nfixed +
	    len);
	memcpy(msg.room, fixed, nfixed);
	if (len > 0)
		memcpy(msg.room + nfixed, data, len);
	/* A connection that was ended is noticed when it is read. */
	(void)send(fd, &msg, msg.h.ch_len, MSG_NOSIGNAL);
}

static void
ask_next(int fd, struct one *on)
{
	struct ctl_ping_send ps = {
		.ps_seq = on->on_seq++, .ps_bytes = PING_BYTES, .ps_ttl = 64,
	};
	struct ctl_ping cp = { .p_dst = target };
	struct ctl_history hi = { "" };
	struct ctl_dump d = { 0 };
	static const char name[] = "net.interfaces";

	switch (kind) {
	case LIST:
		d.d_what = IFNET_LINK | IFNET_ADDR | IFNET_DETAIL;
		ask(fd, CTL_DUMP, &d, sizeof(d), NULL, 0);
		break;
	case ROUTES:
		d.d_what = IFNET_ROUTE;
		ask(fd, CTL_DUMP, &d, sizeof(d), NULL, 0);
		break;
	case SNAPSHOT:
		d.d_what = IFNET_LINK | IFNET_ADDR | IFNET_ROUTE |
		    IFNET_SNAPSHOT;
		ask(fd, CTL_FOLLOW, &d, sizeof(d), NULL, 0);
		break;
	case HISTORY:
		ask(fd, CTL_HISTORY, &hi, sizeof(hi), NULL, 0);
		break;
	case SETTINGS:
		ask(fd, CTL_SYSCTL_NEXT, NULL, 0, name, sizeof(name));
		break;
	case PING:
		if (!on->on_begun)
			ask(fd, CTL_PING_BEGIN, &cp, sizeof(cp), NULL, 0);
		else
			ask(fd, CTL_PING_SEND, &ps, sizeof(ps), NULL, 0);
		on->on_begun = true;
		break;
	}
}

/* Does a message of events hold the end of a snapshot? */
static bool
ends_snapshot(const uint8_t *p, size_t len)
{
	struct rt_hdr h;

	for (size_t off = sizeof(struct ctl_hdr); len - off >= sizeof(h);
	    off += (h.rtm_len + 7u) & ~7u) {
		memcpy(&h, p + off, sizeof(h));
		if (h.rtm_type == RTM_SNAPSHOT_END)
			return true;
		if (h.rtm_len == 0)
			break;
	}
	return false;
}

/* Read a message; true: the request is over, and the next can be made. */
static bool
take(int fd, struct one *on)
{
	static uint8_t buf[CTL_MSG_MAX] __attribute__((__aligned__(8)));
	struct ctl_hdr h;
	ssize_t got;

	got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got < (ssize_t)sizeof(h))
		errx(1, "a connection was closed");
	memcpy(&h, buf, sizeof(h));
	if (h.ch_flags & CTL_EVENT) {
		if (kind != SNAPSHOT || !ends_snapshot(buf, (size_t)got))
			return false;
	} else {
		if (h.ch_error != 0)
			refusals++;
		if ((h.ch_flags & CTL_MORE) != 0 ||
		    (kind == SNAPSHOT && h.ch_error == 0 &&
		    h.ch_op == CTL_FOLLOW))
			return false;
	}
	answers++;
	on->on_answered = true;
	return true;
}

static int
dial(const char *path)
{
	struct ctl_hello hello = {
		.h_version = CTL_VERSION, .h_oldest = CTL_VERSION_MIN,
	};
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (fd == -1)
		err(1, "socket");
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		err(1, "%s", path);
	ask(fd, CTL_HELLO, &hello, sizeof(hello), NULL, 0);
	return fd;
}

static void
choose(char *word)
{
	static const char *const words[] = {
		[LIST] = "list", [ROUTES] = "routes", [HISTORY] = "history",
		[SNAPSHOT] = "snapshot", [SETTINGS] = "settings",
	};

	if (strncmp(word, "ping:", 5) == 0) {
		kind = PING;
		if (inet_pton(AF_INET, word + 5, &target) != 1)
			errx(2, "%s: no address", word + 5);
		return;
	}
	for (unsigned i = LIST; i < PING; i++)
		if (strcmp(words[i], word) == 0) {
			kind = (enum kind)i;
			return;
		}
	errx(2, "%s: no such request", word);
}

int
main(int argc, char **argv)
{
	unsigned n, users, waiting;
	struct pollfd *pfd;
	struct one *on;

	if (argc != 5)
		errx(2, "usage: crowd SOCKET REQUEST CLIENTS USERS");
	choose(argv[2]);
	n = (unsigned)strtoul(argv[3], NULL, 10);
	users = (unsigned)strtoul(argv[4], NULL, 10);
	pfd = calloc(n + 1, sizeof(*pfd));
	on = calloc(n + 1, sizeof(*on));
	if (pfd == NULL || on == NULL || users == 0)
		errx(1, "out of memory");
	for (unsigned i = 0; i < n; i++) {
		if (seteuid(0) != 0 || seteuid(UID_FIRST + i % users) != 0)
			errx(3, "cannot become another user");
		pfd[i] = (struct pollfd){ dial(argv[1]), POLLIN, 0 };
	}
	pfd[n] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	waiting = n;
	while (poll(pfd, n + 1, -1) > 0 || errno == EINTR) {
		for (unsigned i = 0; i < n; i++) {
			bool before = on[i].on_answered;

			/* The first answer is to the greeting. */
			if ((pfd[i].revents & (POLLIN | POLLHUP)) == 0 ||
			    !take(pfd[i].fd, &on[i]))
				continue;
			ask_next(pfd[i].fd, &on[i]);
			if (!before && --waiting == 0) {
				printf("ready\n");
				fflush(stdout);
			}
		}
		if (pfd[n].revents != 0)
			break;
	}
	printf("%lu %lu\n", answers, refusals);
	return 0;
}
