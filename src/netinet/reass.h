/*
 * reass: reassembly of fragments for this host, of either family; a table of
 * packets for each.  The family says what identifies a packet, where a
 * fragment's payload begins, and how the whole packet's header is made.
 *
 * CPU context unless said.
 */

#ifndef NETINET_REASS_H
#define NETINET_REASS_H

#include "net/neigh.h"

struct ip_reass;

/* The properties that fragments of one packet share; IPv4's addresses as in
 * neigh.h. */
struct reass_key {
	union neigh_addr rk_src, rk_dst;
	uint32_t	 rk_id;
	uint32_t	 rk_proto;
	uint32_t	 rk_rtable;	/* number of the table of routes: each
					 * has its own addresses */
	uint32_t	 rk_zero;
};

struct reass_frag {
	struct reass_key rg_key;
	unsigned	 rg_off, rg_len;	/* of the payload, bytes */
	unsigned	 rg_hlen;	/* in front of the payload */
	unsigned	 rg_note;	/* the family's own, 16 bits */
	bool		 rg_last;
};

struct reass_family {
	uint64_t	 rf_ns;		/* for which fragments wait */
	/* The rest of a packet never came; m is its first fragment. */
	void		(*rf_late)(struct ifnet *, struct mbuf *);
	/* Begin a whole packet of `total' bytes of payload: append its header,
	 * from the first fragment's, to m, which is empty.  false: no buffer,
	 * or it would be too long. */
	bool		(*rf_head)(struct mbuf *m, const struct mbuf *first,
			    unsigned total);
};

/* Any: of a fragment that waits. */
static inline unsigned
reass_hlen(const struct mbuf *m)
{

	return (unsigned)(m->m_scratch[3] & 0xffff);
}

static inline unsigned
reass_note(const struct mbuf *m)
{

	return (unsigned)(m->m_scratch[3] >> 16 & 0xffff);
}

/* Control.  maxpackets, maxfrags: settings.  ENOMEM. */
#define REASS_MAXPACKETS	4096
int	reass_create(struct vnet *, const struct reass_family *,
	    const int64_t *maxpackets, const int64_t *maxfrags,
	    struct ip_reass **);
/* Control: every interface is gone, and with them every fragment. */
void	reass_destroy(struct ip_reass *);
/*
 * Take a fragment, which its interface has not counted yet.  Returns the whole
 * packet if this fragment completes it, else NULL.
 */
struct mbuf *reass_input(struct ip_reass *, struct ifnet *, struct mbuf *,
	    const struct reass_frag *);
/* Drop the fragments received by an interface that is being detached. */
void	reass_sweep(struct ip_reass *, struct ifnet *);

#endif /* !NETINET_REASS_H */
