/*
 * Taps of the simulated host: two bounded queues of packets, the stack at
 * one end and the test program at the other.
 */

#include "host/sim/impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX	256		/* packets in each direction */
#define PACKET_MAX	(65536 + 64)	/* bytes, vnet header included */
#define ETHER_HEADER	14

struct packet {
	STAILQ_ENTRY(packet) pk_link;
	size_t		 pk_len;
	unsigned char	 pk_data[];
};

STAILQ_HEAD(packets, packet);

/*
 *	tp_obj			first: a struct sim_obj * is one of these
 *	tp_in			from the test program to the stack
 *	tp_out			from the stack
 *	tp_dead			taken away; no longer in the list, the name is
 *				free again
 */
struct sim_tap {
	struct sim_obj	 tp_obj;
	LIST_ENTRY(sim_tap) tp_link;
	char		 tp_name[16];
	struct packets	 tp_in;
	struct packets	 tp_out;
	unsigned	 tp_nin;
	unsigned	 tp_nout;
	unsigned	 tp_offload;	/* as last told */
	uint32_t	 tp_mtu;	/* of the far side */
	bool		 tp_up;		/* the far side is */
	uint32_t	 tp_falls;	/* it went down so often */
	bool		 tp_unseen;	/* the stack may not look at it */
	bool		 tp_carrier;	/* as last told */
	void		(*tp_fn)(void *); /* the watcher; NULL: none */
	void		*tp_arg;
	bool		 tp_dead;
};

struct host_tun {
	int		 ht_fd;
	struct sim_tap	*ht_tap;
};

static unsigned
tap_ready(struct sim *s, struct sim_obj *so)
{
	const struct sim_tap *tp = (const struct sim_tap *)so;
	unsigned events = 0;

	(void)s;
	if (tp->tp_dead)
		return HOST_POLL_HUP | HOST_POLL_IN | HOST_POLL_OUT;
	if (tp->tp_nin > 0)
		events |= HOST_POLL_IN;
	if (tp->tp_nout < QUEUE_MAX)
		events |= HOST_POLL_OUT;
	return events;
}

static void
drop_all(struct packets *q)
{
	struct packet *pk;

	while ((pk = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, pk_link);
		free(pk);
	}
}

static void
tap_release(struct sim *s, struct sim_obj *so)
{
	struct sim_tap *tp = (struct sim_tap *)so;

	(void)s;
	if (!tp->tp_dead)
		LIST_REMOVE(tp, tp_link);
	drop_all(&tp->tp_in);
	drop_all(&tp->tp_out);
	free(tp);
}

static const struct sim_obj_ops tap_ops = {
	.soo_ready = tap_ready,
	.soo_release = tap_release,
};

static struct sim_tap *
find_tap(struct sim *s, const char *name)
{
	struct sim_tap *tp;

	LIST_FOREACH(tp, &s->s_taps, tp_link) {
		if (strcmp(tp->tp_name, name) == 0)
			break;
	}
	return tp;
}

static void
choose_name(struct sim *s, char *name, size_t size)
{
	unsigned i = 0;

	do {
		snprintf(name, size, "tap%u", i++);
	} while (find_tap(s, name) != NULL);
}

static int
create_tap(struct sim *s, const char *name, int *fdp)
{
	struct sim_tap *tp;
	int error;

	if (strlen(name) >= sizeof(tp->tp_name))
		return ENAMETOOLONG;
	if (find_tap(s, name) != NULL)
		return EBUSY;
	tp = calloc(1, sizeof(*tp));
	if (tp == NULL)
		return ENOMEM;
	tp->tp_obj.so_ops = &tap_ops;
	tp->tp_obj.so_refs = 1;
	tp->tp_up = tp->tp_carrier = true;
	tp->tp_mtu = 1500;
	STAILQ_INIT(&tp->tp_in);
	STAILQ_INIT(&tp->tp_out);
	if (name[0] == '\0')
		choose_name(s, tp->tp_name, sizeof(tp->tp_name));
	else
		strcpy(tp->tp_name, name);
	error = sim_fd_open(s, &tp->tp_obj, fdp);
	if (error != 0) {
		free(tp);
		return error;
	}
	LIST_INSERT_HEAD(&s->s_taps, tp, tp_link);
	return 0;
}

int
sim_tun_create(struct host *h, const char *name, int *fdp)
{
	int error;

	error = create_tap(sim_of(h), name, fdp);
	return error == EBUSY ? EEXIST : error;
}

int
sim_ho_tun_open(struct host *h, const struct host_tun_config *tc,
    struct host_tun **tp)
{
	struct sim *s = sim_of(h);
	struct host_tun *t;
	int error = 0;

	sim_may_switch(s);
	if (sim_io_fault(s))
		return sim_rng_below(&s->s_rng_fault, 2) ? EPERM : ENXIO;
	t = sim_new(s, sizeof(*t));
	if (t == NULL)
		return ENOMEM;
	t->ht_fd = tc->tc_fd;
	if (tc->tc_fd < 0)
		error = create_tap(s, tc->tc_name, &t->ht_fd);
	else if (sim_fd_get(s, tc->tc_fd, NULL) == NULL)
		error = EBADF;
	else if (sim_fd_get(s, tc->tc_fd, &tap_ops) == NULL)
		error = EINVAL;
	if (error != 0) {
		sim_ho_free(h, t);
		return error;
	}
	t->ht_tap = (struct sim_tap *)sim_fd_get(s, t->ht_fd, &tap_ops);
	t->ht_tap->tp_offload = tc->tc_offload;
	*tp = t;
	return 0;
}

void
sim_ho_tun_close(struct host *h, struct host_tun *t)
{

	if (t == NULL)
		return;
	t->ht_tap->tp_fn = NULL;
	sim_fd_close(sim_of(h), t->ht_fd);
	sim_ho_free(h, t);
}

int
sim_ho_tun_fd(struct host *h, struct host_tun *t)
{

	(void)h;
	return t->ht_fd;
}

int
sim_ho_tun_offload(struct host *h, struct host_tun *t, unsigned offload)
{

	if (sim_io_fault(sim_of(h)))
		return EINVAL;
	t->ht_tap->tp_offload = offload;
	return 0;
}

const char *
sim_ho_tun_name(struct host *h, struct host_tun *t)
{

	(void)h;
	return t->ht_tap->tp_name;
}

int
sim_ho_tun_watch(struct host *h, struct host_tun *t, void (*fn)(void *),
    void *arg)
{

	if (sim_io_fault(sim_of(h)))
		return ENOMEM;
	t->ht_tap->tp_fn = fn;
	t->ht_tap->tp_arg = arg;
	return 0;
}

bool
sim_ho_tun_takes(struct host *h, struct host_tun *t)
{

	(void)h;
	return t->ht_tap->tp_up && !t->ht_tap->tp_dead;
}

void
sim_ho_tun_far(struct host *h, struct host_tun *t, struct host_tun_far *tf)
{
	const struct sim_tap *tp = t->ht_tap;

	(void)h;
	memset(tf, 0, sizeof(*tf));
	strcpy(tf->tf_name, tp->tp_name);
	if (tp->tp_dead)
		tf->tf_flags |= HOST_TUN_GONE;
	if (tp->tp_up)
		tf->tf_flags |= HOST_TUN_UP;
	if (tp->tp_unseen)
		tf->tf_flags |= HOST_TUN_UNSEEN;
	else
		tf->tf_mtu = tp->tp_mtu;
	tf->tf_falls = tp->tp_falls;
}

int
sim_ho_tun_mtu(struct host *h, struct host_tun *t, uint32_t mtu)
{

	if (t->ht_tap->tp_dead)
		return ENXIO;
	if (t->ht_tap->tp_unseen || sim_io_fault(sim_of(h)))
		return EPERM;
	if (mtu > SIM_TUN_MTU_MAX)
		return EINVAL;
	t->ht_tap->tp_mtu = mtu;
	return 0;
}

void
sim_ho_tun_carrier(struct host *h, struct host_tun *t, bool on)
{

	(void)h;
	t->ht_tap->tp_carrier = on;
}

static struct packet *
new_packet(size_t len)
{
	struct packet *pk;

	pk = malloc(sizeof(*pk) + len);
	if (pk != NULL)
		pk->pk_len = len;
	return pk;
}

static struct packet *
dequeue(struct packets *q, unsigned *np)
{
	struct packet *pk;

	pk = STAILQ_FIRST(q);
	if (pk != NULL) {
		STAILQ_REMOVE_HEAD(q, pk_link);
		--*np;
	}
	return pk;
}

ssize_t
sim_ho_tun_recv(struct host *h, struct host_tun *t, const struct iovec *iov,
    int n)
{
	struct sim *s = sim_of(h);
	struct sim_tap *tp = t->ht_tap;
	struct packet *pk;
	bool fault = sim_io_fault(s);
	uint64_t kind = fault ? sim_rng_below(&s->s_rng_fault, 3) : 0;
	ssize_t got;

	if (tp->tp_dead)
		return -EBADFD;
	if (tp->tp_nin == 0 || (fault && kind == 0))
		return -EAGAIN;
	pk = dequeue(&tp->tp_in, &tp->tp_nin);
	s->s_iogen++;
	if (fault && kind == 1) {
		free(pk);
		return -EIO;
	}
	/* The third kind of fault: a packet cut short. */
	if (fault)
		pk->pk_len = 1 + sim_rng_below(&s->s_rng_fault, pk->pk_len);
	got = (ssize_t)sim_iov_scatter(iov, n, pk->pk_data, pk->pk_len);
	free(pk);
	return got;
}

ssize_t
sim_ho_tun_send(struct host *h, struct host_tun *t, const struct iovec *iov,
    int n)
{
	static const int faults[] = { EAGAIN, ENOMEM, ENOBUFS };
	struct sim *s = sim_of(h);
	struct sim_tap *tp = t->ht_tap;
	struct packet *pk;
	size_t len;

	if (tp->tp_dead)
		return -EBADFD;
	len = sim_iov_bytes(iov, n);
	if (!tp->tp_up)
		return -EIO;
	/* A tap takes no frame without its Ethernet header, as on Linux. */
	if (len < sizeof(struct host_vnethdr) + ETHER_HEADER ||
	    len > PACKET_MAX)
		return -EINVAL;
	if (sim_io_fault(s))
		return -faults[sim_rng_below(&s->s_rng_fault, 3)];
	if (tp->tp_nout == QUEUE_MAX)
		return -EAGAIN;
	pk = new_packet(len);
	if (pk == NULL)
		return -ENOMEM;
	sim_iov_gather(pk->pk_data, iov, n);
	STAILQ_INSERT_TAIL(&tp->tp_out, pk, pk_link);
	tp->tp_nout++;
	s->s_iogen++;
	return (ssize_t)len;
}

int
sim_tun_put(struct host *h, const char *name, const void *data, size_t len)
{
	struct sim *s = sim_of(h);
	struct sim_tap *tp;
	struct packet *pk;

	tp = find_tap(s, name);
	if (tp == NULL)
		return ENXIO;
	if (len == 0 || len > PACKET_MAX)
		return EINVAL;
	if (tp->tp_nin == QUEUE_MAX)
		return ENOBUFS;
	pk = new_packet(len);
	if (pk == NULL)
		return ENOMEM;
	memcpy(pk->pk_data, data, len);
	STAILQ_INSERT_TAIL(&tp->tp_in, pk, pk_link);
	tp->tp_nin++;
	s->s_iogen++;
	return 0;
}

int
sim_tun_get(struct host *h, const char *name, void *buf, size_t *lenp)
{
	struct sim *s = sim_of(h);
	struct sim_tap *tp;
	struct packet *pk;

	tp = find_tap(s, name);
	if (tp == NULL)
		return ENXIO;
	pk = STAILQ_FIRST(&tp->tp_out);
	if (pk == NULL)
		return EAGAIN;
	if (pk->pk_len > *lenp)
		return EMSGSIZE;
	(void)dequeue(&tp->tp_out, &tp->tp_nout);
	s->s_iogen++;
	memcpy(buf, pk->pk_data, pk->pk_len);
	*lenp = pk->pk_len;
	free(pk);
	return 0;
}

/* Call the watcher of the device, as a thread of the host would. */
static void
tell(struct sim_tap *tp)
{

	if (tp->tp_fn != NULL)
		tp->tp_fn(tp->tp_arg);
}

int
sim_tun_kill(struct host *h, const char *name)
{
	struct sim *s = sim_of(h);
	struct sim_tap *tp;

	tp = find_tap(s, name);
	if (tp == NULL)
		return ENXIO;
	LIST_REMOVE(tp, tp_link);
	tp->tp_dead = true;
	s->s_iogen++;
	tell(tp);
	return 0;
}

int
sim_tun_far(struct host *h, const char *name, const struct host_tun_far *tf)
{
	struct sim_tap *tp = find_tap(sim_of(h), name);

	if (tp == NULL)
		return ENXIO;
	tp->tp_up = (tf->tf_flags & HOST_TUN_UP) != 0;
	tp->tp_falls += tf->tf_falls;
	tp->tp_unseen = (tf->tf_flags & HOST_TUN_UNSEEN) != 0;
	if (tf->tf_mtu != 0)
		tp->tp_mtu = tf->tf_mtu;
	if (tf->tf_name[0] != '\0')
		memcpy(tp->tp_name, tf->tf_name, sizeof(tp->tp_name));
	if (!tp->tp_unseen || tp->tp_up)
		tell(tp);
	return 0;
}

uint32_t
sim_tun_mtu(struct host *h, const char *name)
{
	const struct sim_tap *tp = find_tap(sim_of(h), name);

	return tp == NULL ? 0 : tp->tp_mtu;
}

bool
sim_tun_carrier(struct host *h, const char *name)
{
	const struct sim_tap *tp = find_tap(sim_of(h), name);

	return tp != NULL && tp->tp_carrier;
}

unsigned
sim_tun_offload(struct host *h, const char *name)
{
	const struct sim_tap *tp = find_tap(sim_of(h), name);

	return tp == NULL ? 0 : tp->tp_offload;
}
