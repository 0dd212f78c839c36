/*
 * ip_path: what the packet paths of IPv4 and IPv6 share: a vector's run of
 * plain packets, the vectors that wait for output interfaces, and which
 * interfaces a source may come by.
 *
 * CPU context, all of it.
 */

#ifndef NETINET_IP_PATH_H
#define NETINET_IP_PATH_H

#include "netinet/ip_var.h"

/* Packets that are prefetched ahead. */
#define IP_PREFETCH	4
/* Destinations that are looked up together. */
#define IP_MANY		64u

/* A vector's plain packets so far, and the properties of the last one, which
 * the next one often has too. */
struct ip_run {
	uint32_t	 ir_value;	/* of the forwarding table */
	const struct nexthop *ir_nh;	/* its next hop; leads to ir_out */
	uint32_t	 ir_mtu;	/* of ir_nh */
	struct ifnet	*ir_out;	/* output: up, and not the input */
	bool		 ir_differ;	/* there were other ones */
	unsigned	 ir_n;		/* packets */
	const struct rt_table *ir_table; /* of the input interface */
};

/* The next packet's destination has another value than the last one's.  false:
 * it is not plain. */
static inline __attribute__((__always_inline__)) bool
ip_run_turn(const struct ifnet *rcvif, struct ip_run *run, uint32_t value,
    const struct nexthop *nh)
{
	struct ifnet *ifp;

	if (value == 0 || (value & FWD_KIND) > FWD_CONNECTED ||
	    (nh->nh_flags & NH_NOWHERE) != 0)
		return false;
	ifp = nh->nh_ifp;
	if (ifp != run->ir_out) {
		if (ifp == rcvif || !in_if_is_up(ifp))
			return false;
		run->ir_differ |= run->ir_out != NULL;
		run->ir_out = ifp;
	}
	run->ir_value = value;
	run->ir_nh = nh;
	run->ir_mtu = nh->nh_mtu != 0 ? nh->nh_mtu : ifp->if_mtu;
	return true;
}

/* Does one of a group's next hops lead out of the interface? */
bool	ip_group_has(const struct ifnet *, const struct fwd *);

/* RFC 3704 2.2, 2.4: does a source with this route belong on ifp?  setting: the
 * family's own, for interfaces that have none. */
static inline bool
ip_rpf_passes(const struct ifnet *ifp, const struct fwd *fd,
    const int64_t *setting)
{
	unsigned own = __atomic_load_n(&ifp->if_rpf, __ATOMIC_RELAXED);
	int64_t mode;

	mode = own != 0 ? own - 1 : ip_setting(setting);
	if (mode == IF_RPF_OFF)
		return true;
	if (fd->fd_nh == NULL || (fd->fd_nh->nh_flags & NH_NOWHERE) != 0)
		return false;
	return mode == IF_RPF_LOOSE || fd->fd_nh->nh_ifp == ifp ||
	    ((fd->fd_value & FWD_GROUP) != 0 && ip_group_has(ifp, fd));
}

/* A family's way for the packets of a vector that are not plain. */
struct ip_slow {
	int		 is_af;
	/* Handle a packet, with all checks.  Returns it if it is to be
	 * forwarded, with m_nh set; NULL: it is gone. */
	struct mbuf	*(*is_input)(struct ifnet *, struct mbuf *);
	/* Send a packet that does not leave whole. */
	void		(*is_send)(struct mbuf *);
};

/* The packets of a vector do not all take one way.  Those without m_nh are not
 * plain. */
void	ip_split_vec(struct ifnet *, struct mvec *, const struct ip_slow *);

/* Take the last steps of a vector whose plain packets are decided: count them,
 * and send all. */
static inline void
ip_run_send(struct ifnet *ifp, struct mvec *mv, const struct ip_run *run,
    uint64_t *forwarded, const struct ip_slow *is)
{
	struct cpu *ci = net_curcpu();

	cpu_stage_enter(ci, STAGE_IP_FORWARD, run->ir_n);
	if (run->ir_n != 0) {
		cpu_stat_add(forwarded, run->ir_n);
		cpu_stat_add(&if_ctr(ifp, ci->ci_index)->
		    ic_stat[IF_STAT_FORWARDED], run->ir_n);
	}
	if (run->ir_n == mv->mv_n && !run->ir_differ)
		if_output_vec(run->ir_out, is->is_af, mv);
	else
		ip_split_vec(ifp, mv, is);
}

#endif /* !NETINET_IP_PATH_H */
