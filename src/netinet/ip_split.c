/*
 * ip_split: vectors whose packets do not all leave by one interface, of either
 * family.
 *
 * Packets leave an interface in the order in which they came.  A packet that
 * went the slow way joins the others that wait for the same interface; before
 * a packet that cannot join them, because it is cut in pieces first, they are
 * sent.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_path.h"

/* Open output vectors when a vector's packets part ways. */
#define NSPLIT		4

struct ip_split {
	unsigned	 is_n, is_next;
	int		 is_af;
	struct ifnet	*is_ifp[NSPLIT];
	struct mvec	 is_mv[NSPLIT];
};

/* Send the packets that wait for an interface; NULL: for every interface. */
static void
split_flush(struct ip_split *is, const struct ifnet *ifp)
{

	for (unsigned i = 0; i < is->is_n; i++)
		if ((ifp == NULL || is->is_ifp[i] == ifp) &&
		    is->is_mv[i].mv_n != 0)
			if_output_vec(is->is_ifp[i], is->is_af,
			    &is->is_mv[i]);
}

static inline void
split_add(struct ip_split *is, struct ifnet *ifp, struct mbuf *m)
{
	unsigned i;

	for (i = 0; i < is->is_n; i++)
		if (is->is_ifp[i] == ifp)
			goto found;
	if (i < NSPLIT)
		is->is_n++;
	else {
		/* All output vectors belong to other interfaces: send the
		 * vector opened first. */
		i = is->is_next++ % NSPLIT;
		if (is->is_mv[i].mv_n != 0)
			if_output_vec(is->is_ifp[i], is->is_af,
			    &is->is_mv[i]);
	}
	is->is_ifp[i] = ifp;
	is->is_mv[i].mv_n = 0;
found:
	is->is_mv[i].mv_m[is->is_mv[i].mv_n++] = m;
}

void
ip_split_vec(struct ifnet *ifp, struct mvec *mv, const struct ip_slow *slow)
{
	struct ip_split is;
	struct ifnet *out;
	struct mbuf *m;

	is.is_n = is.is_next = 0;
	is.is_af = slow->is_af;
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		if (m->m_nh == NULL) {
			m = slow->is_input(ifp, m);
			if (m == NULL)
				continue;
			out = m->m_nh->nh_ifp;
			if (!ip_leaves_whole(m, out, ip_nh_mtu(m->m_nh))) {
				split_flush(&is, out);
				slow->is_send(m);
				continue;
			}
		}
		split_add(&is, m->m_nh->nh_ifp, m);
	}
	mv->mv_n = 0;
	split_flush(&is, NULL);
}

bool
ip_group_has(const struct ifnet *ifp, const struct fwd *fd)
{
	struct fwd raw = nh_fwd_raw(&ifp->if_vnet->vn_route->rv_nh,
	    fd->fd_value);
	const struct nexthop_group *gr = nh_group(raw.fd_nh);

	for (unsigned i = 0; i < gr->gr_n; i++)
		if (__atomic_load_n(&gr->gr_member[i], __ATOMIC_CONSUME)->
		    nh_ifp == ifp)
			return true;
	return false;
}
