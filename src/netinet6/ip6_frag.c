/*
 * ip6_frag: cutting a packet made here into fragments (RFC 8200 4.5).  Routers
 * never do.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/ip6_var.h"

/* The state that all fragments of a packet share. */
struct frag_plan {
	unsigned	 fp_hlen;	/* of the headers in every fragment */
	unsigned	 fp_nxtoff;	/* where the last of them has its next
					 * header */
	struct ip6_frag	 fp_head;
};

/*
 * Identification (RFC 7739 4.3): a counter of each CPU, from a place that the
 * addresses decide and nobody else knows.
 */
static uint32_t
frag_id(const struct vnet *vn, const struct iphdr6 *ip6)
{
	struct ip6_cpu *i6 = ip6_cpu(vn);
	uint64_t h = vn->vn_ip6->i6_secret + net_curcpu()->ci_index, w[4];

	memcpy(w, ip6->ip6_src, 16);
	memcpy(w + 2, ip6->ip6_dst, 16);
	for (unsigned i = 0; i < 4; i++)
		h = (uint64_t)khash_u64(h ^ w[i]) << 32 ^ khash_u64(h + w[i]);
	return khash_u64(h) + i6->i6_fragid++;
}

/* false: the headers that every fragment has are not in the first buffer. */
static bool
frag_plan(struct frag_plan *fp, const struct vnet *vn, const struct mbuf *m)
{
	const struct iphdr6 *ip6 = mtoip6(m);
	struct ip6_at at = ip6_at_first(0, ip6->ip6_nxt);

	/* Packets made here have no routing header. */
	if (at.at_nxt == IPPROTO_HOPOPTS && !ip6_at_skip(m, &at))
		return false;
	fp->fp_hlen = at.at_off;
	fp->fp_nxtoff = at.at_nxtoff;
	memset(&fp->fp_head, 0, sizeof(fp->fp_head));
	fp->fp_head.ip6f_nxt = at.at_nxt;
	fp->fp_head.ip6f_id = frag_id(vn, ip6);
	return at.at_off <= m->m_len;
}

/* Build the fragment of len payload bytes at `at'; NULL: out of memory. */
static struct mbuf *
frag_piece(const struct frag_plan *fp, const struct mbuf *m, unsigned at,
    unsigned len, bool last)
{
	struct ip6_frag fh = fp->fp_head;
	struct mbuf *n;

	n = m_gethdr();
	if (n == NULL)
		return NULL;
	fh.ip6f_off = be16((uint16_t)(at | (last ? 0 : IP6F_MORE)));
	if (m_append(n, m->m_data, fp->fp_hlen) != 0 ||
	    m_append(n, &fh, sizeof(fh)) != 0 ||
	    ip_append(n, m, fp->fp_hlen + at, len) != 0) {
		m_freem(n);
		return NULL;
	}
	n->m_data[fp->fp_nxtoff] = IPPROTO_FRAGMENT;
	mtoip6(n)->ip6_plen = be16((uint16_t)(n->m_pktlen - IP6_HLEN));

	n->m_rcvif = m->m_rcvif;
	n->m_flags = m->m_flags;
	n->m_flowid = m->m_flowid;
	n->m_loops = m->m_loops;
	n->m_mark = m->m_mark;
	n->m_nh = m->m_nh;
	return n;
}

/* Prepare a packet, and say how it is cut.  DROP_NREASONS, or why it cannot
 * be. */
static enum drop_reason
frag_prepare(struct frag_plan *fp, const struct vnet *vn, struct mbuf **m,
    unsigned mtu)
{
	enum drop_reason why;

	if (((*m)->m_flags & M_LOCAL) == 0 ||
	    ((*m)->m_csum_flags & M_GSO_MASK) != 0)
		return DROP_TX_OFFLOAD;
	why = ip_finish_cksum(m);
	if (why != DROP_NREASONS)
		return why;
	return frag_plan(fp, vn, *m) &&
	    mtu >= fp->fp_hlen + IP6_FRAG_HLEN + 8 ? DROP_NREASONS :
	    DROP_TX_OFFLOAD;
}

void
ip6_fragment_output(struct ifnet *ifp, struct mbuf *m, unsigned mtu)
{
	struct ip6_stats *i6s = ip6_stats(ifp->if_vnet);
	unsigned at, len, total, room;
	enum drop_reason why;
	struct frag_plan fp;
	struct mvec mv;
	struct mbuf *n;

	why = frag_prepare(&fp, ifp->if_vnet, &m, mtu);
	if (why != DROP_NREASONS)
		goto drop;
	total = m->m_pktlen - fp.fp_hlen;
	room = mtu - fp.fp_hlen - IP6_FRAG_HLEN;
	mv.mv_n = 0;
	for (at = 0; at < total; at += len) {
		len = total - at <= room ? total - at : room & ~7u;
		n = frag_piece(&fp, m, at, len, at + len == total);
		if (n == NULL) {
			/* An incomplete set of fragments is useless to the
			 * receiver. */
			mvec_free(&mv);
			why = DROP_OUT_NOBUF;
			goto drop;
		}
		mv.mv_m[mv.mv_n++] = n;
		cpu_stat_add(&i6s->ip6s_ofragments, 1);
		if (mv.mv_n == MVEC_MAX)
			if_output_vec(ifp, AF_INET6, &mv);
	}
	cpu_stat_add(&i6s->ip6s_fragmented, 1);
	if (mv.mv_n != 0)
		if_output_vec(ifp, AF_INET6, &mv);
	m_freem(m);
	return;
drop:
	cpu_stat_add(&i6s->ip6s_cantfrag, 1);
	ip_out_drop(ifp, m, why);
}
