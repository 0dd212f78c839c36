/*
 * Ping for programs with a stack inside: one request a second, from a timer
 * of the stack, so that it works on the program's own loop, too.
 */

#include "stack/stack_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "netinet/in_var.h"

#define PING_PERIOD_NS	1000000000u
#define PING_BYTES	56
#define PING_TTL	255
#define ICMP_ECHOREPLY_TYPE 0

/*
 *	constant	from the start
 *	a:		atomic
 *	st_lock:	the stack's
 */
struct ifnet_ping {
	LIST_ENTRY(ifnet_ping) ip_link;	/* st_lock */
	struct host	*ip_host;	/* constant */
	struct ifnet_stack *ip_stack;	/* constant */
	struct vnet	*ip_vnet;	/* st_lock; NULL: the vnet went */
	struct icmp_ping *ip_icmp;	/* constant while ip_vnet */
	struct callout	 ip_callout;
	uint32_t	 ip_dst;	/* constant */
	unsigned	 ip_count;	/* constant */
	unsigned	 ip_sent;	/* a: */
	unsigned	 ip_received;	/* a: */
	bool		 ip_done;	/* a: */
};

static void
set_done(struct ifnet_ping *p)
{

	__atomic_store_n(&p->ip_done, true, __ATOMIC_RELEASE);
}

/* CPU: the next request is due, or the wait for the last reply is over. */
static void
tick(void *arg)
{
	struct ifnet_ping *p = arg;
	unsigned n = __atomic_load_n(&p->ip_sent, __ATOMIC_RELAXED);

	if (n == p->ip_count) {
		set_done(p);
		return;
	}
	/* A request that cannot be queued counts as a request without a
	 * reply. */
	(void)icmp_ping_send(p->ip_icmp, p->ip_dst, 0, (uint16_t)n,
	    PING_BYTES, PING_TTL);
	__atomic_store_n(&p->ip_sent, n + 1, __ATOMIC_RELAXED);
	callout_reset(&p->ip_callout, PING_PERIOD_NS, tick, p);
}

/* CPU. */
static void
reply(void *arg, const struct icmp_ping_reply *pr)
{
	struct ifnet_ping *p = arg;

	if (pr->pr_errno != 0 || pr->pr_type != ICMP_ECHOREPLY_TYPE)
		return;
	if (__atomic_add_fetch(&p->ip_received, 1, __ATOMIC_RELAXED) ==
	    p->ip_count)
		set_done(p);
}

/* st_lock held.  Close the ping; nothing in the stack refers to it after
 * this. */
static void
stop(struct ifnet_ping *p)
{

	if (p->ip_vnet == NULL)
		return;
	callout_halt(&p->ip_callout);
	icmp_ping_close(p->ip_icmp);
	LIST_REMOVE(p, ip_link);
	p->ip_vnet = NULL;
	set_done(p);
}

void
stack_ping_revoke(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_ping *p, *next;

	host_mutex_lock(st->st_host, &st->st_lock);
	for (p = LIST_FIRST(&st->st_pings); p != NULL; p = next) {
		next = LIST_NEXT(p, ip_link);
		if (p->ip_vnet == vn)
			stop(p);
	}
	host_mutex_unlock(st->st_host, &st->st_lock);
}

struct ifnet_ping *
ifnet_ping_start(struct vnet *vn, const char *dst, unsigned count,
    struct ifnet_error *e)
{
	struct ifnet_stack *st = vnet_stack(vn);
	struct host *h = st->st_host;
	struct ifnet_ping *p;
	struct in_addr in;
	int error = ENOMEM;

	if (inet_pton(AF_INET, dst, &in) != 1) {
		(void)ifnet_error_set(e, EINVAL,
		    "\"%s\" is not an IPv4 address", dst);
		return NULL;
	}
	if (count == 0) {
		(void)ifnet_error_set(e, EINVAL, "no echo requests to send");
		return NULL;
	}
	if (host_thread_attach(h) == NULL ||
	    (p = host_alloc(h, sizeof(*p), 0)) == NULL)
		goto fail;
	p->ip_host = h;
	p->ip_stack = st;
	p->ip_vnet = vn;
	p->ip_dst = in.s_addr;
	p->ip_count = count;
	callout_init(st->st_kern, &p->ip_callout);
	error = icmp_ping_open(vn, 0, reply, p, &p->ip_icmp);
	if (error != 0) {
		host_free(h, p);
		goto fail;
	}
	host_mutex_lock(h, &st->st_lock);
	LIST_INSERT_HEAD(&st->st_pings, p, ip_link);
	callout_reset(&p->ip_callout, 0, tick, p);
	host_mutex_unlock(h, &st->st_lock);
	return p;
fail:
	if (error == EAGAIN)
		(void)ifnet_error_set(e, error, "ping %s: the vnet has %u "
		    "pings already, which is the most", dst, ICMP_NPINGS);
	else
		(void)ifnet_error_set(e, error, "ping %s: %s", dst,
		    strerror(error));
	return NULL;
}

int
ifnet_ping_done(const struct ifnet_ping *p)
{

	return __atomic_load_n(&p->ip_done, __ATOMIC_ACQUIRE);
}

unsigned
ifnet_ping_sent(const struct ifnet_ping *p)
{

	return __atomic_load_n(&p->ip_sent, __ATOMIC_RELAXED);
}

unsigned
ifnet_ping_received(const struct ifnet_ping *p)
{

	return __atomic_load_n(&p->ip_received, __ATOMIC_RELAXED);
}

void
ifnet_ping_free(struct ifnet_ping *p)
{

	if (p == NULL)
		return;
	(void)host_thread_attach(p->ip_host);
	/* Once the vnet is gone the stack may be gone, too. */
	if (p->ip_vnet != NULL) {
		host_mutex_lock(p->ip_host, &p->ip_stack->st_lock);
		stop(p);
		host_mutex_unlock(p->ip_host, &p->ip_stack->st_lock);
	}
	host_free(p->ip_host, p);
}
