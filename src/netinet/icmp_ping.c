/*
 * icmp_ping: echo requests for a client.  The client's thread writes a
 * request into a small ring and wakes a CPU, which builds and sends the
 * packet.  A reply finds its ping by the identification, whose low byte is
 * the slot in a table that readers read without a lock, and is timed by
 * the clock when its request was sent.
 */

#include <errno.h>

#include "kern/cpu_job.h"
#include "net/if_stats_impl.h"
#include "netinet/ip_var.h"

#define PING_RING	64	/* requests waiting to be sent */
#define PING_SENT	512	/* requests remembered for their time */
/* Bytes that a request costs of a pass beside its own (cpu_job.h). */
#define PING_COST	2048
#define PING_MAXDATA	(IP_MAXPACKET - IP_HLEN_MIN - ICMP_HLEN)

struct ping_req {
	uint32_t	 pq_dst, pq_src, pq_len;
	uint16_t	 pq_seq;
	uint8_t		 pq_ttl;
};

/*
 *	p: ip_lock
 */
struct icmp_ping {
	struct vnet	*ip_vnet;	/* constant, as the next four */
	struct rt_table	*ip_table;	/* held */
	void		(*ip_fn)(void *, const struct icmp_ping_reply *);
	void		*ip_arg;
	uint16_t	 ip_id;		/* host order */
	struct cpu_job	 ip_job;
	struct kspin	 ip_lock;
	unsigned	 ip_head, ip_n;	/* p: */
	struct ping_req	 ip_ring[PING_RING];	/* p: */
	struct {
		uint64_t ns;		/* 0: none, or answered */
		uint16_t seq;
	}		 ip_sent[PING_SENT];	/* p: by sequence number */
};

/* Build a request's packet; NULL: no buffer. */
static struct mbuf *
ping_build(const struct icmp_ping *p, const struct ping_req *pq)
{
	struct icmphdr4 icmp;
	struct iphdr4 ip;
	uint8_t fill[256];
	unsigned left, n;
	struct mbuf *m;

	/* The last free buffers are for forwarding. */
	if (!mbuf_share_spare(p->ip_vnet->vn_kern, MBUF_SHARE_PINGS))
		return NULL;
	m = m_gethdr();
	if (m == NULL)
		return NULL;
	memset(&ip, 0, sizeof(ip));
	ip.ip_vhl = 0x45;
	ip.ip_p = IPPROTO_ICMP;
	ip.ip_src = pq->pq_src;
	ip.ip_dst = pq->pq_dst;
	memset(&icmp, 0, sizeof(icmp));
	icmp.icmp_type = ICMP4_ECHO;
	icmp.icmp_echo.id = be16(p->ip_id);
	icmp.icmp_echo.seq = be16(pq->pq_seq);
	if (m_append(m, &ip, sizeof(ip)) != 0 ||
	    m_append(m, &icmp, sizeof(icmp)) != 0)
		goto fail;
	for (unsigned i = 0; i < sizeof(fill); i++)
		fill[i] = (uint8_t)i;
	for (left = pq->pq_len; left != 0; left -= n) {
		n = left < sizeof(fill) ? left : sizeof(fill);
		if (m_append(m, fill, n) != 0)
			goto fail;
	}
	icmp.icmp_cksum = in_cksum_mbuf(m, IP_HLEN_MIN,
	    m->m_pktlen - IP_HLEN_MIN, 0);
	memcpy(m->m_data + IP_HLEN_MIN, &icmp, sizeof(icmp));
	return m;
fail:
	m_freem(m);
	return NULL;
}

static void
ping_send_one(struct icmp_ping *p, const struct ping_req *pq)
{
	struct host *h = p->ip_vnet->vn_kern->k_host;
	struct icmp_ping_reply pr;
	struct mbuf *m;
	int error;

	m = ping_build(p, pq);
	if (m == NULL)
		error = ENOBUFS;
	else {
		kspin_lock(&p->ip_lock);
		p->ip_sent[pq->pq_seq % PING_SENT].ns = host_clock(h);
		p->ip_sent[pq->pq_seq % PING_SENT].seq = pq->pq_seq;
		kspin_unlock(&p->ip_lock);
		error = ip_output(p->ip_table, m, pq->pq_ttl);
	}
	if (error == 0)
		return;
	memset(&pr, 0, sizeof(pr));
	pr.pr_from = pq->pq_dst;
	pr.pr_seq = pq->pq_seq;
	pr.pr_errno = error;
	p->ip_fn(p->ip_arg, &pr);
}

/* CPU: send the request that waits for longest. */
static uint32_t
ping_job(struct cpu_job *cj, bool *more)
{
	struct icmp_ping *p = (struct icmp_ping *)(void *)((char *)cj -
	    offsetof(struct icmp_ping, ip_job));
	struct ping_req pq = { 0 };
	bool any;

	kspin_lock(&p->ip_lock);
	any = p->ip_n != 0;
	if (any) {
		pq = p->ip_ring[p->ip_head];
		p->ip_head = (p->ip_head + 1) % PING_RING;
		p->ip_n--;
	}
	*more = p->ip_n != 0;
	kspin_unlock(&p->ip_lock);
	if (!any)
		return 0;
	ping_send_one(p, &pq);
	return pq.pq_len + PING_COST;
}

bool
icmp_ping_input(const struct rt_table *tb, const struct iphdr4 *ip,
    uint16_t id, uint16_t seq, uint8_t type, uint8_t code, uint32_t bytes)
{
	struct vnet *vn = tb->tb_vnet;
	uint64_t now = host_clock(vn->vn_kern->k_host), sent = 0;
	struct icmp_ping_reply pr;
	struct icmp_ping **slots, *p;

	slots = __atomic_load_n(&vn->vn_ip->iv_icmp->icv_ping,
	    __ATOMIC_CONSUME);
	if (slots == NULL)
		return false;
	p = __atomic_load_n(&slots[id % ICMP_NPINGS], __ATOMIC_CONSUME);
	if (p == NULL || p->ip_id != id || p->ip_table != tb)
		return false;
	kspin_lock(&p->ip_lock);
	if (p->ip_sent[seq % PING_SENT].seq == seq)
		sent = p->ip_sent[seq % PING_SENT].ns;
	kspin_unlock(&p->ip_lock);
	if (sent == 0)
		return false;	/* nothing of that number was sent */
	memset(&pr, 0, sizeof(pr));
	pr.pr_from = ip->ip_src;
	pr.pr_seq = seq;
	pr.pr_ttl = ip->ip_ttl;
	pr.pr_type = type;
	pr.pr_code = code;
	pr.pr_bytes = bytes;
	pr.pr_rtt_ns = now - sent;
	p->ip_fn(p->ip_arg, &pr);
	return true;
}

size_t
icmp_ping_bytes(void)
{

	return sizeof(struct icmp_ping);
}

/* Control: the slots of a vnet's pings, made with the first one, which most
 * vnets never see; ENOMEM. */
static int
make_slots(struct kern *k, struct icmp_vnet *icv)
{
	struct icmp_ping **slots;

	if (__atomic_load_n(&icv->icv_ping, __ATOMIC_ACQUIRE) != NULL)
		return 0;
	slots = kmem_zalloc(k, ICMP_NPINGS * sizeof(struct icmp_ping *));
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
icmp_ping_open(struct vnet *vn, uint32_t table, void (*fn)(void *,
    const struct icmp_ping_reply *), void *arg, struct icmp_ping **pp)
{
	struct icmp_vnet *icv = vn->vn_ip->iv_icmp;
	struct icmp_ping *p;
	uint16_t random;
	unsigned i, slot;
	int error;

	if (make_slots(vn->vn_kern, icv) != 0)
		return ENOMEM;
	p = kmem_zalloc(vn->vn_kern, sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	error = rt_table_hold(vn, table, false, &p->ip_table);
	if (error != 0) {
		kmem_free(vn->vn_kern, p);
		return error;
	}
	p->ip_vnet = vn;
	p->ip_fn = fn;
	p->ip_arg = arg;
	p->ip_job.cj_fn = ping_job;
	host_random(vn->vn_kern->k_host, &random, sizeof(random));
	kspin_lock(&icv->icv_lock);
	for (i = 0; i < ICMP_NPINGS; i++) {
		slot = (random + i) % ICMP_NPINGS;
		if (icv->icv_ping[slot] != NULL)
			continue;
		p->ip_id = (uint16_t)((random & ~(ICMP_NPINGS - 1)) | slot);
		__atomic_store_n(&icv->icv_ping[slot], p, __ATOMIC_RELEASE);
		break;
	}
	kspin_unlock(&icv->icv_lock);
	if (i == ICMP_NPINGS) {
		rt_table_drop(p->ip_table);
		kmem_free(vn->vn_kern, p);
		return EAGAIN;
	}
	*pp = p;
	return 0;
}

bool
icmp_ping_source_usable(const struct icmp_ping *p, uint32_t src)
{

	return in_source_usable(p->ip_table, src);
}

int
icmp_ping_send(struct icmp_ping *p, uint32_t dst, uint32_t src, uint16_t seq,
    uint32_t datalen, uint8_t ttl)
{
	struct ping_req *pq;
	int error = 0;

	if (datalen > PING_MAXDATA)
		return EMSGSIZE;
	kspin_lock(&p->ip_lock);
	if (p->ip_n == PING_RING)
		error = ENOBUFS;
	else {
		pq = &p->ip_ring[(p->ip_head + p->ip_n++) % PING_RING];
		pq->pq_dst = dst;
		pq->pq_src = src;
		pq->pq_seq = seq;
		pq->pq_len = datalen;
		pq->pq_ttl = ttl;
	}
	kspin_unlock(&p->ip_lock);
	if (error == 0)
		cpu_job_schedule(p->ip_vnet->vn_kern, &p->ip_job);
	return error;
}

void
icmp_ping_close(struct icmp_ping *p)
{
	struct icmp_vnet *icv = p->ip_vnet->vn_ip->iv_icmp;
	struct kern *k = p->ip_vnet->vn_kern;

	kspin_lock(&icv->icv_lock);
	__atomic_store_n(&icv->icv_ping[p->ip_id % ICMP_NPINGS], NULL,
	    __ATOMIC_RELEASE);
	kspin_unlock(&icv->icv_lock);
	/* The job ends first, then the readers that found the ping. */
	cpu_job_cancel(k, &p->ip_job);
	pserialize_perform(k);
	rt_table_drop(p->ip_table);
	kmem_free(k, p);
}
