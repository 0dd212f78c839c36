/*
 * Local sockets of the simulated host: sequenced packets in memory.
 */

#include "host/sim/impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG		64
#define MESSAGE_MAX	(200 * 1024)	/* bytes in one message */
#define QUEUE_BYTES	(256 * 1024)	/* on their way to one end */

struct message {
	STAILQ_ENTRY(message) me_link;
	struct sim_obj	*me_passed;	/* a reference, or NULL */
	size_t		 me_len;
	unsigned char	 me_data[];
};

/*
 * One end of a connection.
 *
 *	cn_obj			first: a struct sim_obj * is one of these
 *	cn_peer			the other end; NULL once that is closed
 *	cn_cred			whom the peer is, on the accepted end
 */
struct conn {
	struct sim_obj	 cn_obj;
	STAILQ_ENTRY(conn) cn_link;	/* among those to be accepted */
	struct conn	*cn_peer;
	STAILQ_HEAD(, message) cn_rx;
	size_t		 cn_rx_bytes;
	struct host_peercred cn_cred;
};

struct sim_listener {
	struct sim_obj	 sl_obj;
	LIST_ENTRY(sim_listener) sl_link;
	STAILQ_HEAD(, conn) sl_queue;
	unsigned	 sl_nqueued;
	char		 sl_path[];
};

static bool
has_room(const struct conn *cn)
{

	return cn->cn_rx_bytes < QUEUE_BYTES;
}

static unsigned
conn_ready(struct sim *s, struct sim_obj *so)
{
	const struct conn *cn = (const struct conn *)so;
	unsigned events = 0;

	(void)s;
	if (cn->cn_peer == NULL)
		return HOST_POLL_IN | HOST_POLL_OUT | HOST_POLL_HUP;
	if (!STAILQ_EMPTY(&cn->cn_rx))
		events |= HOST_POLL_IN;
	if (has_room(cn->cn_peer))
		events |= HOST_POLL_OUT;
	return events;
}

static struct message *
take_message(struct conn *cn)
{
	struct message *me;

	me = STAILQ_FIRST(&cn->cn_rx);
	if (me != NULL) {
		STAILQ_REMOVE_HEAD(&cn->cn_rx, me_link);
		/* Empty messages count too, or their number would have no
		 * bound. */
		cn->cn_rx_bytes -= me->me_len + 1;
	}
	return me;
}

static void
conn_release(struct sim *s, struct sim_obj *so)
{
	struct conn *cn = (struct conn *)so;
	struct message *me;

	if (cn->cn_peer != NULL)
		cn->cn_peer->cn_peer = NULL;
	while ((me = take_message(cn)) != NULL) {
		if (me->me_passed != NULL)
			sim_obj_drop(s, me->me_passed);
		free(me);
	}
	free(cn);
}

static const struct sim_obj_ops conn_ops = {
	.soo_ready = conn_ready,
	.soo_release = conn_release,
};

static unsigned
listener_ready(struct sim *s, struct sim_obj *so)
{

	(void)s;
	return ((const struct sim_listener *)so)->sl_nqueued > 0 ?
	    HOST_POLL_IN : 0;
}

static void
listener_release(struct sim *s, struct sim_obj *so)
{
	struct sim_listener *sl = (struct sim_listener *)so;
	struct conn *cn;

	LIST_REMOVE(sl, sl_link);
	while ((cn = STAILQ_FIRST(&sl->sl_queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&sl->sl_queue, cn_link);
		sim_obj_drop(s, &cn->cn_obj);
	}
	free(sl);
}

static const struct sim_obj_ops listener_ops = {
	.soo_ready = listener_ready,
	.soo_release = listener_release,
};

static struct sim_listener *
find_listener(struct sim *s, const char *path)
{
	struct sim_listener *sl;

	LIST_FOREACH(sl, &s->s_listeners, sl_link) {
		if (strcmp(sl->sl_path, path) == 0)
			break;
	}
	return sl;
}

int
sim_ho_sock_listen(struct host *h, const char *path, mode_t mode, int *fdp)
{
	struct sim *s = sim_of(h);
	struct sim_listener *sl;
	int error;

	(void)mode;
	if (sim_io_fault(s))
		return EMFILE;
	if (path[0] == '\0')
		return EINVAL;
	if (find_listener(s, path) != NULL)
		return EADDRINUSE;
	sl = calloc(1, sizeof(*sl) + strlen(path) + 1);
	if (sl == NULL)
		return ENOMEM;
	sl->sl_obj.so_ops = &listener_ops;
	sl->sl_obj.so_refs = 1;
	STAILQ_INIT(&sl->sl_queue);
	strcpy(sl->sl_path, path);
	error = sim_fd_open(s, &sl->sl_obj, fdp);
	if (error != 0) {
		free(sl);
		return error;
	}
	LIST_INSERT_HEAD(&s->s_listeners, sl, sl_link);
	return 0;
}

int
sim_ho_sock_accept(struct host *h, int fd, int *newfdp,
    struct host_peercred *hp)
{
	struct sim *s = sim_of(h);
	struct sim_listener *sl;
	struct conn *cn;
	int error;

	sl = (struct sim_listener *)sim_fd_get(s, fd, &listener_ops);
	if (sl == NULL)
		return EBADF;
	cn = STAILQ_FIRST(&sl->sl_queue);
	if (cn == NULL)
		return EAGAIN;
	if (sim_io_fault(s))
		return EMFILE;
	error = sim_fd_open(s, &cn->cn_obj, newfdp);
	if (error != 0)
		return error;
	STAILQ_REMOVE_HEAD(&sl->sl_queue, cn_link);
	sl->sl_nqueued--;
	s->s_iogen++;
	*hp = cn->cn_cred;
	return 0;
}

static struct conn *
new_conn(void)
{
	struct conn *cn;

	cn = calloc(1, sizeof(*cn));
	if (cn == NULL)
		return NULL;
	cn->cn_obj.so_ops = &conn_ops;
	cn->cn_obj.so_refs = 1;
	STAILQ_INIT(&cn->cn_rx);
	return cn;
}

int
sim_sock_connect(struct host *h, const char *path,
    const struct host_peercred *hp, int *fdp)
{
	struct sim *s = sim_of(h);
	struct sim_listener *sl;
	struct conn *client, *server;
	int error = ENOMEM;

	sl = find_listener(s, path);
	if (sl == NULL)
		return ECONNREFUSED;
	if (sl->sl_nqueued == BACKLOG)
		return EAGAIN;
	client = new_conn();
	if (client == NULL)
		return ENOMEM;
	server = new_conn();
	if (server == NULL)
		goto fail_client;
	error = sim_fd_open(s, &client->cn_obj, fdp);
	if (error != 0)
		goto fail_server;
	client->cn_peer = server;
	server->cn_peer = client;
	if (hp != NULL)
		server->cn_cred = *hp;
	STAILQ_INSERT_TAIL(&sl->sl_queue, server, cn_link);
	sl->sl_nqueued++;
	s->s_iogen++;
	return 0;

fail_server:
	free(server);
fail_client:
	free(client);
	return error;
}

/* Give the receiver a descriptor of its own for the object that came with a
 * message. */
static void
deliver_passed(struct sim *s, struct message *me, int *passed_fd)
{

	if (passed_fd != NULL)
		*passed_fd = -1;
	if (me->me_passed == NULL)
		return;
	if (passed_fd == NULL || me->me_len == 0 ||
	    sim_fd_open(s, me->me_passed, passed_fd) != 0)
		sim_obj_drop(s, me->me_passed);
}

ssize_t
sim_ho_sock_recv(struct host *h, int fd, void *buf, size_t len,
    int *passed_fd)
{
	struct sim *s = sim_of(h);
	struct message *me;
	struct conn *cn;
	size_t got;

	if (passed_fd != NULL)
		*passed_fd = -1;
	cn = (struct conn *)sim_fd_get(s, fd, &conn_ops);
	if (cn == NULL)
		return -EBADF;
	if (sim_io_fault(s))
		return sim_rng_below(&s->s_rng_fault, 4) == 0 ?
		    -ECONNRESET : -EAGAIN;
	me = take_message(cn);
	if (me == NULL)
		return cn->cn_peer == NULL ? 0 : -EAGAIN;
	s->s_iogen++;
	got = me->me_len;
	if (got > 0 && len > 0)
		memcpy(buf, me->me_data, got < len ? got : len);
	deliver_passed(s, me, passed_fd);
	free(me);
	return (ssize_t)got;
}

static ssize_t
send_message(struct sim *s, int fd, const struct iovec *iov, int n,
    struct sim_obj *passed)
{
	struct message *me;
	struct conn *cn;
	size_t len;

	cn = (struct conn *)sim_fd_get(s, fd, &conn_ops);
	if (cn == NULL)
		return -EBADF;
	if (cn->cn_peer == NULL)
		return -EPIPE;
	len = sim_iov_bytes(iov, n);
	if (len > MESSAGE_MAX)
		return -EMSGSIZE;
	if (!has_room(cn->cn_peer))
		return -EAGAIN;
	me = malloc(sizeof(*me) + len);
	if (me == NULL)
		return -ENOBUFS;
	me->me_len = len;
	me->me_passed = passed;
	if (passed != NULL)
		passed->so_refs++;
	sim_iov_gather(me->me_data, iov, n);
	STAILQ_INSERT_TAIL(&cn->cn_peer->cn_rx, me, me_link);
	cn->cn_peer->cn_rx_bytes += len + 1;
	s->s_iogen++;
	return (ssize_t)len;
}

ssize_t
sim_ho_sock_send(struct host *h, int fd, const struct iovec *iov, int n)
{
	struct sim *s = sim_of(h);

	if (sim_io_fault(s))
		return sim_rng_below(&s->s_rng_fault, 4) == 0 ?
		    -EPIPE : -EAGAIN;
	return send_message(s, fd, iov, n, NULL);
}

ssize_t
sim_sock_sendfd(struct host *h, int fd, const struct iovec *iov, int n,
    int passed)
{
	struct sim *s = sim_of(h);
	struct sim_obj *so;

	so = sim_fd_get(s, passed, NULL);
	if (so == NULL)
		return -EBADF;
	return send_message(s, fd, iov, n, so);
}

void
sim_ho_sock_close(struct host *h, int fd)
{

	sim_fd_close(sim_of(h), fd);
}
