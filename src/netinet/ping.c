/*
 * ping: probes for a client.  The client's thread writes a request into a small
 * ring and wakes a CPU, which builds and sends the packet.  A reply finds its
 * ping by the identification, whose low byte is the slot in a table that
 * readers read without a lock, and is timed by the clock when its request was
 * sent.
 */

#include "netinet/ping.h"

#include <errno.h>

#include "kern/cpu_job.h"
#include "net/if_stats_impl.h"
#include "netinet/ip_var.h"

#define PING_RING	64	/* requests waiting to be sent */
#define PING_SENT	512	/* requests remembered for their time */
/* Bytes that a request costs of a pass beside its own (cpu_job.h). */
#define PING_COST	2048
/* The source port of UDP probes is the identification with this bit: no port
 * below it is one of a service. */
#define PING_PORT	0x8000u

struct ping_req {
	union neigh_addr pq_dst, pq_src;
	uint32_t	 pq_len;
	uint16_t	 pq_seq;
	uint8_t		 pq_hlim;
};

/*
 *	p: pg_lock
 */
struct ping {
	struct vnet	*pg_vnet;	/* constant, as the next five */
	struct rt_table	*pg_table;	/* held */
	struct ping_how	 pg_how;
	ping_fn		*pg_fn;
	void		*pg_arg;
	uint16_t	 pg_id;		/* host order */
	struct cpu_job	 pg_job;
	struct kspin	 pg_lock;
	unsigned	 pg_head, pg_n;	/* p: */
	struct ping_req	 pg_ring[PING_RING];	/* p: */
	struct ping_sent {
		uint64_t ns;		/* 0: none */
		uint16_t seq;
		bool	 answered;	/* by an echo reply */
	}		 pg_sent[PING_SENT];	/* p: by sequence number */
};

/* The headers of probes: of an echo request (RFC 792, RFC 4443 4.1), and of
 * UDP; a checksum of 0 is to be computed, or none. */
struct ping_echo {
	uint8_t		 pe_type, pe_code;
	uint16_t	 pe_cksum, pe_id, pe_seq;
} __attribute__((__packed__));
struct ping_udp {
	uint16_t	 pu_sport, pu_dport, pu_len, pu_cksum;
} __attribute__((__packed__));
_Static_assert(sizeof(struct ping_echo) == PING_HLEN &&
    sizeof(struct ping_udp) == PING_HLEN, "RFC 792, RFC 768");

/* Append the header of a probe; ENOBUFS. */
static int
ping_put_header(const struct ping *p, const struct ping_req *pq, struct mbuf *m)
{
	struct ping_echo pe = {
		.pe_type = p->pg_how.ph_family->pf_echo,
		.pe_id = be16(p->pg_id), .pe_seq = be16(pq->pq_seq),
	};
	struct ping_udp pu = {
		.pu_sport = be16(p->pg_id),
		.pu_dport = be16((uint16_t)(p->pg_how.ph_port + pq->pq_seq)),
		.pu_len = be16((uint16_t)(PING_HLEN + pq->pq_len)),
	};

	return p->pg_how.ph_port != 0 ? m_append(m, &pu, sizeof(pu)) :
	    m_append(m, &pe, sizeof(pe));
}

/* Build a request's packet; NULL: no buffer. */
static struct mbuf *
ping_build(const struct ping *p, const struct ping_req *pq)
{
	static const uint8_t zeroes[64];
	uint8_t fill[256];
	unsigned left, n;
	struct mbuf *m;

	/* The last free buffers are for forwarding. */
	if (!mbuf_share_spare(p->pg_vnet->vn_kern, MBUF_SHARE_PINGS))
		return NULL;
	m = m_gethdr();
	if (m == NULL)
		return NULL;
	if (m_append(m, zeroes, p->pg_how.ph_family->pf_hlen) != 0 ||
	    ping_put_header(p, pq, m) != 0)
		goto fail;
	for (unsigned i = 0; i < sizeof(fill); i++)
		fill[i] = (uint8_t)i;
	for (left = pq->pq_len; left != 0; left -= n) {
		n = left < sizeof(fill) ? left : sizeof(fill);
		if (m_append(m, fill, n) != 0)
			goto fail;
	}
	return m;
fail:
	m_freem(m);
	return NULL;
}

static void
ping_send_one(struct ping *p, const struct ping_req *pq)
{
	struct host *h = p->pg_vnet->vn_kern->k_host;
	struct ping_sent *ps;
	struct ping_reply pr;
	struct mbuf *m;
	int error;

	m = ping_build(p, pq);
	if (m == NULL)
		error = ENOBUFS;
	else {
		ps = &p->pg_sent[pq->pq_seq % PING_SENT];
		kspin_lock(&p->pg_lock);
		ps->ns = host_clock(h);
		ps->seq = pq->pq_seq;
		ps->answered = false;
		kspin_unlock(&p->pg_lock);
		error = p->pg_how.ph_family->pf_send(p->pg_table, m,
		    &p->pg_how, &pq->pq_dst, &pq->pq_src, pq->pq_hlim);
	}
	if (error == 0)
		return;
	memset(&pr, 0, sizeof(pr));
	pr.pr_from = pq->pq_dst;
	pr.pr_seq = pq->pq_seq;
	pr.pr_errno = error;
	p->pg_fn(p->pg_arg, &pr);
}

/* CPU: send the request that waits for longest. */
static uint32_t
ping_job(struct cpu_job *cj, bool *more)
{
	struct ping *p = (struct ping *)(void *)((char *)cj -
	    offsetof(struct ping, pg_job));
	struct ping_req pq = { .pq_len = 0 };
	bool any;

	kspin_lock(&p->pg_lock);
	any = p->pg_n != 0;
	if (any) {
		pq = p->pg_ring[p->pg_head];
		p->pg_head = (p->pg_head + 1) % PING_RING;
		p->pg_n--;
	}
	*more = p->pg_n != 0;
	kspin_unlock(&p->pg_lock);
	if (!any)
		return 0;
	ping_send_one(p, &pq);
	return pq.pq_len + PING_COST;
}

bool
ping_input(const struct rt_table *tb, int family, bool udp, const void *header,
    struct ping_reply *pr)
{
	struct vnet *vn = tb->tb_vnet;
	uint64_t sent = 0;
	struct ping_echo pe;
	struct ping_udp pu;
	struct ping **slots, *p;
	struct ping_sent *ps;
	uint16_t id;

	slots = __atomic_load_n(&vn->vn_ip->iv_icmp->icv_ping,
	    __ATOMIC_CONSUME);
	if (slots == NULL)
		return false;
	memcpy(&pe, header, sizeof(pe));
	memcpy(&pu, header, sizeof(pu));
	id = udp ? be16(pu.pu_sport) : be16(pe.pe_id);
	p = __atomic_load_n(&slots[id % PING_MAX], __ATOMIC_CONSUME);
	if (p == NULL || p->pg_id != id || p->pg_table != tb ||
	    p->pg_how.ph_family->pf_af != family ||
	    udp != (p->pg_how.ph_port != 0))
		return false;
	pr->pr_seq = udp ? (uint16_t)(be16(pu.pu_dport) - p->pg_how.ph_port) :
	    be16(pe.pe_seq);
	ps = &p->pg_sent[pr->pr_seq % PING_SENT];
	kspin_lock(&p->pg_lock);
	if (ps->seq == pr->pr_seq && ps->ns != 0) {
		sent = ps->ns;
		/* Not before the lock, or it could be before it was sent. */
		pr->pr_rtt_ns = host_clock(vn->vn_kern->k_host) - sent;
		pr->pr_again = ps->answered;
		if (!udp && pr->pr_type == p->pg_how.ph_family->pf_echoreply)
			ps->answered = true;
	}
	kspin_unlock(&p->pg_lock);
	if (sent == 0)
		return false;	/* nothing of that number was sent */
	p->pg_fn(p->pg_arg, pr);
	return true;
}

size_t
ping_bytes(void)
{

	return sizeof(struct ping);
}

/* Control: the slots of a vnet's pings, made with the first one, which most
 * vnets never see; ENOMEM. */
static int
make_slots(struct kern *k, struct icmp_vnet *icv)
{
	struct ping **slots;

	if (__atomic_load_n(&icv->icv_ping, __ATOMIC_ACQUIRE) != NULL)
		return 0;
	slots = kmem_zalloc(k, PING_MAX * sizeof(struct ping *));
	if (slots == NULL)
		return ENOMEM;
	kspin_lock(&icv->icv_lock);
	if (icv->icv_ping == NULL) {
		__atomic_store_n(&icv->icv_ping, slots, __ATOMIC_RELEASE);
		slots = NULL;
	}
	kspin_unlock(&icv->icv_lock);
	kmem_free(k, slots);
	return 0;
}

int
ping_open(struct vnet *vn, const struct ping_how *how, ping_fn *fn, void *arg,
    struct ping **pp)
{
	struct icmp_vnet *icv = vn->vn_ip->iv_icmp;
	struct ping *p;
	uint16_t random;
	unsigned i, slot;
	int error;

	if (make_slots(vn->vn_kern, icv) != 0)
		return ENOMEM;
	p = kmem_zalloc(vn->vn_kern, sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	error = rt_table_hold(vn, how->ph_table, false, &p->pg_table);
	if (error != 0) {
		kmem_free(vn->vn_kern, p);
		return error;
	}
	p->pg_vnet = vn;
	p->pg_how = *how;
	p->pg_fn = fn;
	p->pg_arg = arg;
	p->pg_job.cj_fn = ping_job;
	host_random(vn->vn_kern->k_host, &random, sizeof(random));
	if (how->ph_port != 0)
		random |= PING_PORT;
	kspin_lock(&icv->icv_lock);
	for (i = 0; i < PING_MAX; i++) {
		slot = (random + i) % PING_MAX;
		if (icv->icv_ping[slot] != NULL)
			continue;
		p->pg_id = (uint16_t)((random & ~(PING_MAX - 1)) | slot);
		__atomic_store_n(&icv->icv_ping[slot], p, __ATOMIC_RELEASE);
		break;
	}
	kspin_unlock(&icv->icv_lock);
	if (i == PING_MAX) {
		rt_table_drop(p->pg_table);
		kmem_free(vn->vn_kern, p);
		return EAGAIN;
	}
	*pp = p;
	return 0;
}

bool
ping_source_usable(const struct ping *p, const union neigh_addr *src)
{

	return p->pg_how.ph_family->pf_usable(p->pg_table, src);
}

int
ping_send(struct ping *p, const union neigh_addr *dst,
    const union neigh_addr *src, uint16_t seq, uint32_t datalen, uint8_t hlim)
{
	struct ping_req *pq;
	int error = 0;

	if (datalen > p->pg_how.ph_family->pf_datamax)
		return EMSGSIZE;
	kspin_lock(&p->pg_lock);
	if (p->pg_n == PING_RING)
		error = ENOBUFS;
	else {
		pq = &p->pg_ring[(p->pg_head + p->pg_n++) % PING_RING];
		pq->pq_dst = *dst;
		pq->pq_src = *src;
		pq->pq_seq = seq;
		pq->pq_len = datalen;
		pq->pq_hlim = hlim;
	}
	kspin_unlock(&p->pg_lock);
	if (error == 0)
		cpu_job_schedule(p->pg_vnet->vn_kern, &p->pg_job);
	return error;
}

void
ping_close(struct ping *p)
{
	struct icmp_vnet *icv = p->pg_vnet->vn_ip->iv_icmp;
	struct kern *k = p->pg_vnet->vn_kern;

	kspin_lock(&icv->icv_lock);
	__atomic_store_n(&icv->icv_ping[p->pg_id % PING_MAX], NULL,
	    __ATOMIC_RELEASE);
	kspin_unlock(&icv->icv_lock);
	/* The job ends first, then the readers that found the ping. */
	cpu_job_cancel(k, &p->pg_job);
	pserialize_perform(k);
	rt_table_drop(p->pg_table);
	kmem_free(k, p);
}
