/*
 * The link type without a header: lo and others whose packets begin with the
 * network header.
 */

#include "net/if_vnet_impl.h"

/* The family of a packet, by its IP version; or AF_UNSPEC. */
static inline int
packet_family(const struct mbuf *m)
{

	if (m->m_len == 0)
		return AF_UNSPEC;
	switch (m->m_data[0] >> 4) {
	case 4:
		return AF_INET;
	case 6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

static void
deliver(struct ifnet *ifp, int family, struct mvec *mv)
{
	const struct domain *dom = domain_find(ifp->if_vnet, family);

	if (dom == NULL || dom->dom_input == NULL)
		mvec_drop(ifp, mv, DROP_NO_PROTO);
	else
		dom->dom_input(ifp, mv);
}

/* Runs of one family go on together, in order. */
static void
raw_input(struct ifnet *ifp, struct mvec *mv)
{
	unsigned n = mv->mv_n, i, done;
	struct mvec run;
	int family;

	if (n == 0)
		return;
	family = packet_family(mv->mv_m[0]);
	for (i = 1; i < n && packet_family(mv->mv_m[i]) == family; i++)
		continue;
	if (i == n) {
		deliver(ifp, family, mv);
		return;
	}
	for (done = 0; done < n; done = i) {
		run.mv_n = 0;
		family = packet_family(mv->mv_m[done]);
		for (i = done; i < n &&
		    packet_family(mv->mv_m[i]) == family; i++)
			run.mv_m[run.mv_n++] = mv->mv_m[i];
		deliver(ifp, family, &run);
	}
	mv->mv_n = 0;
}

static void
raw_output(struct ifnet *ifp, int af, struct mvec *mv)
{

	if (af != AF_INET && af != AF_INET6)
		mvec_drop(ifp, mv, DROP_OUT_FAMILY);
	else
		if_transmit_vec(ifp, mv);
}

const struct iftype_ops raw_type_ops = {
	.it_name = "raw",
	.it_input = raw_input,
	.it_output = raw_output,
};
