/*
 * Ping for programs with a stack inside: one request a second, from a timer
 * of the stack, so that it works on the program's own loop, too.
 */

#include "stack/stack_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/if_vnet_impl.h"
#include "net/zone6.h"
#include "netinet/ping.h"

#define PING_PERIOD_NS	1000000000u
#define DATA_BYTES	56
#define HOP_LIMIT	255

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
	struct ping	*ip_ping;	/* constant while ip_vnet */
	struct callout	 ip_callout;
	union neigh_addr ip_dst;	/* constant, as the next two */
	uint8_t		 ip_reply;	/* ICMP type */
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
	static const union neigh_addr any;
	struct ifnet_ping *p = arg;
	unsigned n = __atomic_load_n(&p->ip_sent, __ATOMIC_RELAXED);

	if (n == p->ip_count) {
		set_done(p);
		return;
	}
	/* A request that cannot be queued counts as a request without a
	 * reply. */
	(void)ping_send(p->ip_ping, &p->ip_dst, &any, (uint16_t)n, DATA_BYTES,
	    HOP_LIMIT);
	__atomic_store_n(&p->ip_sent, n + 1, __ATOMIC_RELAXED);
	callout_reset(&p->ip_callout, PING_PERIOD_NS, tick, p);
}

/* CPU. */
static void
reply(void *arg, const struct ping_reply *pr)
{
	struct ifnet_ping *p = arg;

	if (pr->pr_errno != 0 || pr->pr_type != p->ip_reply || pr->pr_again)
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
	ping_close(p->ip_ping);
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

/* The interface of a zone, "pair0" or its index; 0: there is none. */
static uint32_t
zone_index(struct vnet *vn, const char *zone)
{
	struct ifnet *ifp;
	uint32_t index;
	char *end;

	index = (uint32_t)strtoul(zone, &end, 10);
	pserialize_read_enter();
	ifp = zone[0] >= '0' && zone[0] <= '9' && *end == '\0' ?
	    if_byindex(vn, index) : ifunit(vn, zone);
	index = ifp != NULL ? ifp->if_index : 0;
	pserialize_read_exit();
	return index;
}

/*
 * Parse an address of either family, one of link scope with its zone behind a
 * "%".  0; EINVAL, ENXIO (no such interface), with a message.
 */
static int
parse_dst(struct vnet *vn, const char *dst, struct ping_how *how,
    union neigh_addr *na, struct ifnet_error *e)
{
	const char *zone = strchr(dst, '%');
	char text[INET6_ADDRSTRLEN];
	size_t len = zone != NULL ? (size_t)(zone - dst) : strlen(dst);
	uint32_t index = 0;
	struct in_addr in;

	if (inet_pton(AF_INET, dst, &in) == 1) {
		*na = neigh_addr4(in.s_addr);
		how->ph_family = &ping_inet;
		return 0;
	}
	if (len >= sizeof(text))
		goto no_address;
	memcpy(text, dst, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, na) != 1)
		goto no_address;
	how->ph_family = &ping_inet6;
	if (zone != NULL) {
		index = zone_index(vn, zone + 1);
		if (index == 0)
			return ifnet_error_set(e, ENXIO, "ping %s: no such "
			    "interface", dst);
	}
	if (!zone6_is_scoped(na->na_bytes)) {
		if (zone == NULL)
			return 0;
		return ifnet_error_set(e, EINVAL, "\"%s\" is the same "
		    "everywhere and takes no zone", dst);
	}
	if (index == 0)
		return ifnet_error_set(e, EINVAL, "\"%s\" needs the "
		    "interface that it is on (%s%%IF)", dst, dst);
	if (zone6_enter(na->na_bytes, index))
		return 0;
no_address:
	return ifnet_error_set(e, EINVAL, "\"%.60s\" is not an IPv4 or IPv6 "
	    "address", dst);
}

struct ifnet_ping *
ifnet_ping_start(struct vnet *vn, const char *dst, unsigned count,
    struct ifnet_error *e)
{
	struct ifnet_stack *st = vnet_stack(vn);
	struct host *h = st->st_host;
	struct ping_how how = { .ph_table = 0 };
	struct ifnet_ping *p;
	union neigh_addr na;
	int error = ENOMEM;

	if (host_thread_attach(h) == NULL)
		goto fail;
	if (parse_dst(vn, dst, &how, &na, e) != 0)
		return NULL;
	if (count == 0) {
		(void)ifnet_error_set(e, EINVAL, "no echo requests to send");
		return NULL;
	}
	p = host_alloc(h, sizeof(*p), 0);
	if (p == NULL)
		goto fail;
	p->ip_host = h;
	p->ip_stack = st;
	p->ip_vnet = vn;
	p->ip_dst = na;
	p->ip_reply = how.ph_family->pf_echoreply;
	p->ip_count = count;
	callout_init(st->st_kern, &p->ip_callout);
	error = ping_open(vn, &how, reply, p, &p->ip_ping);
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
		    "pings already, which is the most", dst, PING_MAX);
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
