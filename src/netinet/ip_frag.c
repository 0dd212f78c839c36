/*
 * ip_frag: cutting a packet into fragments (RFC 791 2.3, RFC 1812 4.2.2.7).
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"

/* The state that all fragments of a packet share. */
struct frag_plan {
	uint8_t		 fp_first[60];	/* header of the first piece */
	uint8_t		 fp_rest[60];	/* the others' header */
	unsigned	 fp_hlen, fp_resthlen;
	unsigned	 fp_base;	/* offset of the packet itself, bytes */
	bool		 fp_more;	/* a fragment that is not the last */
};

/* Copy the options that every fragment carries; returns the header length. */
static unsigned
frag_rest_header(const uint8_t *hdr, unsigned hlen, uint8_t *out)
{
	unsigned at = IP_HLEN_MIN, to = IP_HLEN_MIN, n;

	memcpy(out, hdr, IP_HLEN_MIN);
	while (at < hlen && hdr[at] != IPOPT_EOL) {
		if (hdr[at] == IPOPT_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= hlen || (n = hdr[at + 1]) < 2 || at + n > hlen)
			break;
		if ((hdr[at] & IPOPT_COPIED) != 0) {
			memcpy(out + to, hdr + at, n);
			to += n;
		}
		at += n;
	}
	while ((to & 3) != 0)
		out[to++] = IPOPT_EOL;
	out[0] = (uint8_t)(0x40 | to >> 2);
	return to;
}

static void
frag_plan(struct frag_plan *fp, const struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	uint16_t off = be16(ip->ip_off);

	fp->fp_hlen = ip_hlen(ip);
	memcpy(fp->fp_first, ip, fp->fp_hlen);
	fp->fp_resthlen = frag_rest_header(fp->fp_first, fp->fp_hlen,
	    fp->fp_rest);
	fp->fp_base = (off & IP_OFFMASK) << 3;
	fp->fp_more = (off & IP_MF) != 0;
}

int
ip_append(struct mbuf *to, const struct mbuf *m, unsigned off, unsigned len)
{
	unsigned n;
	int error;

	while (off >= m->m_len && m->m_next != NULL) {
		off -= m->m_len;
		m = m->m_next;
	}
	for (; len != 0; len -= n, m = m->m_next, off = 0) {
		n = m->m_len - off < len ? m->m_len - off : len;
		error = m_append(to, m->m_data + off, n);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Build the fragment of len payload bytes at `at'; NULL: out of memory. */
static struct mbuf *
frag_piece(const struct frag_plan *fp, const struct mbuf *m, unsigned at,
    unsigned len, bool last)
{
	const uint8_t *hdr = at == 0 ? fp->fp_first : fp->fp_rest;
	unsigned hlen = at == 0 ? fp->fp_hlen : fp->fp_resthlen;
	unsigned off = fp->fp_base + at;
	struct iphdr4 *ip;
	struct mbuf *n;

	n = m_gethdr();
	if (n == NULL)
		return NULL;
	if (m_append(n, hdr, hlen) != 0 ||
	    ip_append(n, m, fp->fp_hlen + at, len) != 0) {
		m_freem(n);
		return NULL;
	}
	ip = mtoip(n);
	ip->ip_len = be16((uint16_t)(hlen + len));
	ip->ip_off = be16((uint16_t)(off >> 3 |
	    (last && !fp->fp_more ? 0 : IP_MF)));
	ip_set_cksum(ip);

	n->m_rcvif = m->m_rcvif;
	n->m_flags = m->m_flags;
	n->m_flowid = m->m_flowid;
	n->m_loops = m->m_loops;
	n->m_mark = m->m_mark;
	n->m_nh = m->m_nh;
	return n;
}

void
ip_fragment_output(struct ifnet *ifp, struct mbuf *m, unsigned mtu)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	unsigned at, len, total, room, hlen;
	enum drop_reason why;
	struct frag_plan fp;
	struct mvec mv;
	struct mbuf *n;

	if ((m->m_csum_flags & M_GSO_MASK) != 0) {
		/* ip_segment_output() calls this function again for each
		 * segment. */
		ip_segment_output(ifp, m, mtu);
		return;
	}
	why = (mtoip(m)->ip_off & htons(IP_DF)) != 0 || mtu < IF_MTU_MIN ?
	    DROP_TX_OFFLOAD : ip_finish_cksum(&m);
	if (why != DROP_NREASONS) {
		cpu_stat_add(&ips->ips_cantfrag, 1);
		ip_out_drop(ifp, m, why);
		return;
	}
	frag_plan(&fp, m);
	total = m->m_pktlen - fp.fp_hlen;
	mv.mv_n = 0;
	for (at = 0; at < total; at += len) {
		hlen = at == 0 ? fp.fp_hlen : fp.fp_resthlen;
		room = (mtu - hlen) & ~7u;
		len = total - at <= mtu - hlen ? total - at : room;
		n = frag_piece(&fp, m, at, len, at + len == total);
		if (n == NULL)
			goto nobuf;
		mv.mv_m[mv.mv_n++] = n;
		cpu_stat_add(&ips->ips_ofragments, 1);
		if (mv.mv_n == MVEC_MAX)
			if_output_vec(ifp, AF_INET, &mv);
	}
	cpu_stat_add(&ips->ips_fragmented, 1);
	if (mv.mv_n != 0)
		if_output_vec(ifp, AF_INET, &mv);
	m_freem(m);
	return;
nobuf:
	/* An incomplete set of fragments is useless to the receiver. */
	mvec_free(&mv);
	cpu_stat_add(&ips->ips_cantfrag, 1);
	ip_out_drop(ifp, m, DROP_OUT_NOBUF);
}
