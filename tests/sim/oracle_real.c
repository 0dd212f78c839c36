/*
 * The interface layer beside its oracle, in two vnets: one operation after the
 * other is done to both, and then all that can be seen of both is compared.
 * With CPUs of their own, which take turns as the seed will, and somebody who
 * looks and holds in between; or, by the seed, with none.
 */

#include "oracle_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/sim/sim.h"
#include "net/if_index_impl.h"
#include "net/if_vnet_impl.h"

const char *const o_names[O_NNAMES] = {
	"eth1", "ptp2", "west", "east", "a/b", "eth9"
};

void
o_fail(struct run *r, const char *fmt, ...)
{
	const struct net *n;
	va_list ap;

	fprintf(stderr, "oracle: operation %u: ", *r->r_at);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	for (n = r->r_net; n < r->r_net + O_NVNETS; n++)
		for (unsigned i = 0; i < n->n_o.o_nevents || i < n->n_nheard;
		    i++)
			fprintf(stderr, "  %s: expected %-55s\n"
			    "  %s: heard    %s\n", n->n_name,
			    i < n->n_o.o_nevents ? n->n_o.o_event[i] :
			    "nothing", n->n_name, i < n->n_nheard ?
			    n->n_heard[i] : "nothing");
	abort();
}

static void
nothing(void *arg)
{

	(void)arg;
}

void
o_settle(struct run *r)
{

	if (r->r_ncpu == 0)
		for (int i = 0; i < 32; i++)
			kern_run(r->r_kern);
	else
		for (int i = 0; i < 10; i++)
			kern_xcall(r->r_kern, nothing, NULL);
	/* The task that looks after interfaces' routes has its turn. */
	host_sleep(r->r_host, 1000000);
}

/* --- somebody who looks --------------------------------------------------- */

static int
look_one(const void *msg, void *arg)
{

	(void)msg;
	++*(unsigned *)arg;
	return 0;
}

static void
reader_main(void *arg)
{
	struct run *r = arg;
	struct psref pr;
	struct net *n;
	struct ifnet *ifp;
	unsigned index, count = 0;

	while (__atomic_load_n(&r->r_stop, __ATOMIC_ACQUIRE) == 0) {
		n = &r->r_net[sim_random(r->r_host) % O_NVNETS];
		index = 1 + (unsigned)(sim_random(r->r_host) % O_NIFS);
		ifp = if_get_from(n->n_vn, &index, &pr);
		if (ifp != NULL) {
			host_sleep(r->r_host, sim_random(r->r_host) % 30000);
			KASSERT(ifp->if_vnet == n->n_vn);
			if_put(ifp, &pr);
		}
		if (sim_random(r->r_host) % 8 == 0)
			(void)rtsock_dump(n->n_vn, RTS_ALL, 0, look_one,
			    &count);
		/* Nothing happens while the other side waits. */
		host_sleep(r->r_host, __atomic_load_n(&r->r_waits,
		    __ATOMIC_RELAXED) != 0 ? 500000000 :
		    sim_random(r->r_host) % 100000);
	}
}

/* --- one operation -------------------------------------------------------- */

/* A change of a route: it may be told more than once on the way to where it
 * leads in the end, which the mirrors compare. */
static bool
is_step(const char *t)
{

	return strncmp(t, "change ", 7) == 0;
}

/* The part of an announcement that is compared: of a route its prefix and
 * metric, as the rest may change once more. */
static size_t
compared(const char *t)
{
	bool route = strncmp(t, "add ", 4) == 0 || strncmp(t, "delete ", 7) ==
	    0;

	return route ? strcspn(t, ":") + 2 : strlen(t) + 1;
}

static void
compare_news(struct run *r, struct net *n)
{
	unsigned i = 0, j = 0;

	for (;; i++, j++) {
		while (i < n->n_nheard && is_step(n->n_heard[i]))
			i++;
		while (j < n->n_o.o_nevents && is_step(n->n_o.o_event[j]))
			j++;
		if (i == n->n_nheard || j == n->n_o.o_nevents)
			break;
		if (strncmp(n->n_heard[i], n->n_o.o_event[j],
		    compared(n->n_heard[i])) != 0)
			o_fail(r, "%s: announcement %u", n->n_name, i);
	}
	if (i < n->n_nheard || j < n->n_o.o_nevents)
		o_fail(r, "%s: %u announcements, not %u", n->n_name,
		    n->n_nheard, n->n_o.o_nevents);
}

/* All of a vnet; `news' when what was said has to be right word by word. */
static void
compare(struct run *r, struct net *n, bool news, bool all)
{

	if (news)
		compare_news(r, n);
	compare_lookups(r, n);
	if (all) {
		compare_all(r, n);
		compare_members(r, n);
		compare_packets(r, n);
	}
}

static void
step(struct run *r, const struct op *op)
{
	struct outcome oc = { 0, 0, false };
	bool failed, moved = op->op_kind == OP_MOVE;
	struct net *n = op_net(r, op);

	for (unsigned i = 0; i < O_NVNETS; i++)
		r->r_net[i].n_o.o_nevents = 0;
	sim_fail_alloc(r->r_host, op->op_fault);
	o_do(r, n, op, &oc);
	failed = op->op_fault != 0 && sim_alloc_failed(r->r_host);
	sim_fail_alloc(r->r_host, 0);
	o_settle(r);
	for (unsigned i = 0; i < O_NVNETS; i++)
		o_resolve(&r->r_net[i].n_o);
	for (unsigned i = 0; i < O_NVNETS; i++)
		news_hear(r, &r->r_net[i]);
	if (oc.oc_nomem && !failed)
		o_fail(r, "ENOMEM without a reason");
	if (!oc.oc_nomem && oc.oc_real != oc.oc_wanted)
		o_fail(r, "error %d, not %d", oc.oc_real, oc.oc_wanted);
	/*
	 * Told and taken back, perhaps, or done in spite of it, not at the
	 * first try: in sum it is one or the other.
	 */
	for (unsigned i = 0; i < O_NVNETS; i++)
		if (&r->r_net[i] == n || moved || *r->r_at % 16 == 0)
			compare(r, &r->r_net[i], !failed, failed ||
			    *r->r_at % 16 == 0);
	if (!failed && op->op_kind >= OP_SEND)
		compare_packets(r, n);
}

/* --- a run ---------------------------------------------------------------- */

static void
net_create(struct run *r, struct net *n, const char *name)
{
	struct vnet *vn;

	(void)snprintf(n->n_name, sizeof(n->n_name), "%s", name);
	KASSERT(vnet_create_named(r->r_kern, name, &vn) == 0);
	n->n_vn = vnet_get(r->r_kern, name);
	news_open(n);
}

static void
net_destroy(struct run *r, struct net *n)
{

	slow_close(r, n);
	rt_listener_close(n->n_news);
	vnet_destroy_held(n->n_vn);
	o_free(&n->n_o);
	free(n->n_log);
}

static void
run_main(void *arg)
{
	struct run *r = arg;
	struct host_thread *reader;
	struct kern_config kc;

	memset(&kc, 0, sizeof(kc));
	kc.kc_ncpu = r->r_ncpu;
	kc.kc_mbufs = 2048;
	kc.kc_subsys = oracle_subsys;
	KASSERT(kern_create(r->r_host, &kc, &r->r_kern) == 0);
	net_create(r, &r->r_net[0], "a");
	net_create(r, &r->r_net[1], "b");
	if (r->r_ncpu != 0)
		KASSERT(host_thread_create(r->r_host, "reader", -1,
		    reader_main, r, &reader) == 0);
	for (unsigned i = 0; i < r->r_nops; i++) {
		*r->r_at = i;
		step(r, &r->r_ops[i]);
	}
	__atomic_store_n(&r->r_stop, 1, __ATOMIC_RELEASE);
	if (r->r_ncpu != 0)
		host_thread_join(r->r_host, reader);
	for (unsigned i = 0; i < O_NVNETS; i++) {
		r->r_net[i].n_o.o_nevents = r->r_net[i].n_nheard = 0;
		compare(r, &r->r_net[i], false, true);
	}
	for (unsigned i = 0; i < O_NVNETS; i++)
		net_destroy(r, &r->r_net[i]);
	KASSERT(mbuf_free_count(r->r_kern) == mbuf_total(r->r_kern));
	kern_destroy(r->r_kern);
}

void
oracle_run(uint64_t seed, const struct op *ops, unsigned n,
    enum o_plant plant, volatile unsigned *at)
{
	struct sim_config sc = { .sc_seed = seed, .sc_quiet = true };
	struct run *r;

	r = calloc(1, sizeof(*r));
	KASSERT(r != NULL);
	r->r_host = sim_create(&sc);
	KASSERT(r->r_host != NULL);
	r->r_ncpu = seed % 3;
	for (unsigned i = 0; i < O_NVNETS; i++)
		r->r_net[i].n_o.o_plant = plant;
	r->r_ops = ops;
	r->r_nops = n;
	r->r_at = at;
	KASSERT(sim_run(r->r_host, run_main, r) == 0);
	KASSERT(sim_allocated(r->r_host) == 0);
	sim_destroy(r->r_host);
	free(r);
}
