/*
 * Watches: follows, pings and captures, which go on after the request was
 * answered.  A session has one watch at most.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "proto/rtmsg_fit.h"

/* Event messages sent before the client's requests are looked at again. */
#define EVENTS_AT_ONCE	16

void
ctl_watch_wakeup(void *arg)
{
	struct ctl_session *s = arg;

	s->cs_sink.cs_wakeup(s->cs_sink.cs_arg);
}

/*
 * Registry lock held: detach the session's watch, which only the caller closes
 * now.  Returns the vnet, whose reference is the caller's now; NULL: there was
 * no watch.
 */
static struct vnet *
take_watch(struct ctl_session *s)
{
	struct vnet *vn = s->cs_vnet;

	if (vn != NULL)
		LIST_REMOVE(s, cs_link);
	__atomic_store_n(&s->cs_vnet, NULL, __ATOMIC_RELAXED);
	return vn;
}

/* Session lock held: may wait for CPUs. */
static void
close_watch(struct ctl_session *s)
{

	if (s->cs_listener != NULL)
		rt_listener_close(s->cs_listener);
	if (s->cs_ping != NULL)
		ping_close(s->cs_ping);
	if (s->cs_tap != NULL)
		bpf_close(s->cs_tap);
	if (s->cs_charged) {
		kuser_release(s->cs_kern, &s->cs_cred, s->cs_resource, 1);
		ctl_bytes_release(s, s->cs_watch_bytes);
	}
	s->cs_listener = NULL;
	s->cs_ping = NULL;
	s->cs_tap = NULL;
	s->cs_charged = false;
	/* The ping is closed, so no CPU uses the ring. */
	s->cs_ring_n = 0;
}

void
ctl_watch_stop(struct ctl_session *s)
{
	struct ctl_registry *cr = s->cs_kern->k_ctl;
	struct host *h = s->cs_kern->k_host;
	struct vnet *vn;

	host_mutex_lock(h, &cr->cr_lock);
	vn = take_watch(s);
	host_mutex_unlock(h, &cr->cr_lock);
	/* Without the registry lock.  A watch that ctl_revoke() has taken is
	 * closed when the session lock is free. */
	host_mutex_lock(h, &s->cs_lock);
	s->cs_revoked = false;
	close_watch(s);
	host_mutex_unlock(h, &s->cs_lock);
	if (vn != NULL)
		vnet_put(vn);
}

int
ctl_watch_charge(struct ctl_session *s, enum kuser_resource res,
    uint64_t bytes, char *why)
{
	struct host *h = s->cs_kern->k_host;
	int error;

	ctl_watch_stop(s);
	error = kuser_charge(s->cs_kern, &s->cs_cred, res, 1, why);
	if (error != 0)
		return error;
	error = kuser_charge(s->cs_kern, &s->cs_cred, KUSER_BYTES, bytes, why);
	if (error != 0) {
		kuser_release(s->cs_kern, &s->cs_cred, res, 1);
		return error;
	}
	host_mutex_lock(h, &s->cs_lock);
	s->cs_resource = res;
	s->cs_watch_bytes = bytes;
	s->cs_charged = true;
	host_mutex_unlock(h, &s->cs_lock);
	return 0;
}

void
ctl_revoke(struct vnet *vn)
{
	struct ctl_registry *cr = vn->vn_kern->k_ctl;
	struct host *h = vn->vn_kern->k_host;
	struct ctl_session *s;

	for (;;) {
		host_mutex_lock(h, &cr->cr_lock);
		LIST_FOREACH(s, &cr->cr_watching, cs_link)
			if (s->cs_vnet == vn)
				break;
		if (s == NULL)
			break;
		/* The session lock keeps the session until the watch is closed:
		 * its end takes it.  Others need the registry meanwhile. */
		host_mutex_lock(h, &s->cs_lock);
		(void)take_watch(s);
		host_mutex_unlock(h, &cr->cr_lock);
		s->cs_revoked = true;
		ctl_watch_wakeup(s);
		close_watch(s);
		host_mutex_unlock(h, &s->cs_lock);
		vnet_put(vn);
	}
	host_mutex_unlock(h, &cr->cr_lock);
}

/* Registry lock held. */
static bool
is_dying(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	bool dying;

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	dying = vn->vn_dying;
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	return dying;
}

int
ctl_watch_begin(struct ctl_session *s, const struct ctl_request *rq,
    struct rt_listener *listener, struct ping *ping,
    struct bpf_tap *tap)
{
	struct ctl_registry *cr = s->cs_kern->k_ctl;
	struct host *h = s->cs_kern->k_host;
	struct kern *k = s->cs_kern;
	int error = 0;

	host_mutex_lock(h, &cr->cr_lock);
	if (is_dying(rq->rq_vnet)) {
		error = ENOENT;
		goto out;
	}
	host_mutex_lock(h, &k->k_vnet_lock);
	rq->rq_vnet->vn_refs++;
	host_mutex_unlock(h, &k->k_vnet_lock);
	host_mutex_lock(h, &s->cs_lock);
	__atomic_store_n(&s->cs_vnet, rq->rq_vnet, __ATOMIC_RELAXED);
	s->cs_listener = listener;
	s->cs_ping = ping;
	s->cs_tap = tap;
	s->cs_tap_dropped = 0;
	s->cs_tap_ended = false;
	s->cs_watch = rq->rq_hdr;
	LIST_INSERT_HEAD(&cr->cr_watching, s, cs_link);
	host_mutex_unlock(h, &s->cs_lock);
out:
	host_mutex_unlock(h, &cr->cr_lock);
	return error;
}

/* Charge bytes that are kept until the session ends, once they are needed. */
static int
charge_kept(struct ctl_session *s, uint64_t n)
{
	int error;

	error = ctl_bytes_charge(s, n);
	if (error == 0)
		s->cs_bytes += n;
	return error;
}

int
ctl_watch_buffer(struct ctl_session *s)
{
	int error;

	if (s->cs_evbuf != NULL)
		return 0;
	s->cs_evbuf = host_map(s->cs_kern->k_host, CTL_MSG_MAX);
	if (s->cs_evbuf == NULL)
		return ENOMEM;
	error = charge_kept(s, CTL_MSG_MAX);
	if (error != 0) {
		host_unmap(s->cs_kern->k_host, s->cs_evbuf, CTL_MSG_MAX);
		s->cs_evbuf = NULL;
	}
	return error;
}

/* --- follow -------------------------------------------------------------- */

const char *
ctl_check_follow(const struct ctl_request *rq)
{
	struct ctl_dump d = rq->rq_rec.dump;

	if ((d.d_what & RTS_ALL) == 0 ||
	    (d.d_what & ~(uint32_t)(RTS_ALL | RTS_SNAPSHOT)) != 0)
		return "follow what?";
	if (d.d_ifname[0] != '\0')
		return "changes are followed on all interfaces together";
	return NULL;
}

static size_t
follow_bytes(const struct ctl_session *s)
{

	return kauth_authorize(s->cs_kern, &s->cs_cred, KAUTH_HALT) == 0 ?
	    CTL_FOLLOW_BYTES : CTL_FOLLOW_BYTES_USER;
}

int
ctl_run_follow(struct ctl_session *s, const struct ctl_request *rq)
{
	struct rt_listener *rl;
	struct ctl_dump d = rq->rq_rec.dump;
	char why[KUSER_TEXT];
	int error;

	error = ctl_watch_charge(s, KUSER_FOLLOWERS, follow_bytes(s), why);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, "%s", why);
	error = ctl_watch_buffer(s);
	if (error == 0)
		error = rt_listener_open(rq->rq_vnet, d.d_what,
		    follow_bytes(s), ctl_watch_wakeup, s, &rl);
	if (error == 0) {
		error = ctl_watch_begin(s, rq, rl, NULL, NULL);
		if (error != 0)
			rt_listener_close(rl);
	}
	if (error != 0)
		ctl_watch_stop(s);
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

/* Session lock held: fill the event buffer; returns its length. */
static size_t
read_listener(struct ctl_session *s)
{
	size_t len = sizeof(struct ctl_hdr);
	size_t n;

	while (CTL_MSG_MAX - len >= RT_MSG_MAX) {
		n = rt_listener_read(s->cs_listener, s->cs_evbuf + len);
		if (n == 0)
			break;
		rt_msg_stamp(s->cs_evbuf + len);
		len += (n + 7) & ~(size_t)7;
	}
	return len;
}

/* --- ping ---------------------------------------------------------------- */

/* CPU. */
static void
ping_reply(void *arg, const struct ping_reply *pr)
{
	struct ctl_session *s = arg;
	struct ctl_ping_reply *r;
	bool stored = false;

	kspin_lock(&s->cs_ring_lock);
	if (s->cs_ring_n < CTL_PING_RING) {
		r = &s->cs_ring[(s->cs_ring_head + s->cs_ring_n++) %
		    CTL_PING_RING];
		memset(r, 0, sizeof(*r));
		if (s->cs_ping_family == &ping_inet)
			r->pr_from = pr->pr_from.na_4;
		else
			zone6_to_sa(&pr->pr_from, &r->pr_from6);
		r->pr_seq = pr->pr_seq;
		r->pr_ttl = pr->pr_hlim;
		r->pr_type = pr->pr_type;
		r->pr_code = pr->pr_code;
		r->pr_bytes = pr->pr_bytes;
		r->pr_error = pr->pr_errno;
		r->pr_mtu = pr->pr_mtu;
		r->pr_rtt_ns = pr->pr_rtt_ns;
		stored = true;
	}
	kspin_unlock(&s->cs_ring_lock);
	if (stored)
		ctl_watch_wakeup(s);
}

/* Fill the event buffer from the ring; returns its length. */
static size_t
read_ring(struct ctl_session *s)
{
	struct ctl_rec rc = proto_rec_head(sizeof(struct ctl_ping_reply), 0);
	struct ctl_ping_reply r;
	size_t len = sizeof(struct ctl_hdr);
	bool more;

	do {
		kspin_lock(&s->cs_ring_lock);
		more = s->cs_ring_n > 0;
		if (more) {
			r = s->cs_ring[s->cs_ring_head];
			s->cs_ring_head = (s->cs_ring_head + 1) %
			    CTL_PING_RING;
			s->cs_ring_n--;
		}
		kspin_unlock(&s->cs_ring_lock);
		if (more) {
			memcpy(s->cs_evbuf + len, &rc, sizeof(rc));
			len += sizeof(rc);
			memcpy(s->cs_evbuf + len, &r, sizeof(r));
			len += sizeof(r);
		}
	} while (more && CTL_MSG_MAX - len >= sizeof(rc) + sizeof(r));
	return len;
}

static int
ping_buffers(struct ctl_session *s)
{

	const size_t bytes = CTL_PING_RING * sizeof(s->cs_ring[0]);
	int error;

	if (s->cs_ring == NULL) {
		s->cs_ring = kmem_zalloc(s->cs_kern, bytes);
		if (s->cs_ring == NULL)
			return ENOMEM;
		error = charge_kept(s, bytes);
		if (error != 0) {
			kmem_free(s->cs_kern, s->cs_ring);
			s->cs_ring = NULL;
			return error;
		}
	}
	return ctl_watch_buffer(s);
}

const char *
ctl_check_ping_begin(const struct ctl_request *rq)
{
	const struct ctl_ping *cp = &rq->rq_rec.ping;
	union neigh_addr na;

	if ((cp->p_flags & ~CTL_PING_FLAGS) != 0)
		return "an unknown flag of a ping";
	if (cp->p_dst6.sin6_family == AF_UNSPEC)
		return cp->p_src6.sin6_family == AF_UNSPEC &&
		    cp->p_ifindex == 0 ? NULL : "a source of IPv6, or a link, "
		    "and no destination of IPv6";
	if (cp->p_dst6.sin6_family != AF_INET6 || cp->p_dst != 0 ||
	    cp->p_src != 0 || (cp->p_src6.sin6_family != AF_UNSPEC &&
	    cp->p_src6.sin6_family != AF_INET6))
		return "addresses of two families";
	if (zone6_from_sa(&cp->p_dst6, &na) != 0 ||
	    (cp->p_src6.sin6_family == AF_INET6 &&
	    zone6_from_sa(&cp->p_src6, &na) != 0))
		return "a link-local address needs the interface that it is "
		    "on (fe80::1%tap0), and no other address has one";
	return NULL;
}

/* How the session's probes are sent, and between which addresses. */
static void
ping_addresses(struct ctl_session *s, const struct ctl_ping *cp,
    struct ping_how *how)
{

	*how = (struct ping_how){
		.ph_family = &ping_inet, .ph_table = cp->p_table,
		.ph_ifindex = cp->p_ifindex, .ph_port = cp->p_port,
		.ph_flags =
		    ((cp->p_flags & CTL_PING_WHOLE) != 0 ? PING_WHOLE : 0) |
		    ((cp->p_flags & CTL_PING_MINMTU) != 0 ? PING_MINMTU : 0),
	};
	s->cs_ping_dst = neigh_addr4(cp->p_dst);
	s->cs_ping_src = neigh_addr4(cp->p_src);
	if (cp->p_dst6.sin6_family == AF_INET6) {
		how->ph_family = &ping_inet6;
		(void)zone6_from_sa(&cp->p_dst6, &s->cs_ping_dst);
		memset(&s->cs_ping_src, 0, sizeof(s->cs_ping_src));
		if (cp->p_src6.sin6_family == AF_INET6)
			(void)zone6_from_sa(&cp->p_src6, &s->cs_ping_src);
	}
	s->cs_ping_family = how->ph_family;
}

int
ctl_run_ping_begin(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_ping *cp = &rq->rq_rec.ping;
	char why[KUSER_TEXT];
	struct ping_how how;
	struct ping *ping;
	int error;

	error = ctl_watch_charge(s, KUSER_PINGS, ping_bytes(), why);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, "%s", why);
	error = ping_buffers(s);
	if (error == 0) {
		ping_addresses(s, cp, &how);
		error = ping_open(rq->rq_vnet, &how, ping_reply, s, &ping);
	}
	if (error == 0 && neigh_addr_is_set(&s->cs_ping_src) &&
	    !ping_source_usable(ping, &s->cs_ping_src)) {
		ping_close(ping);
		error = kern_refuse(EADDRNOTAVAIL, "the source is no address "
		    "of this vnet and table that can be used (ifconfig shows "
		    "those there are)");
	}
	if (error == EAGAIN) {
		ctl_watch_stop(s);
		return ctl_reply(s, &rq->rq_hdr, error, "the vnet has %u "
		    "pings already, which is the most", PING_MAX);
	}
	if (error == 0) {
		error = ctl_watch_begin(s, rq, NULL, ping, NULL);
		if (error != 0)
			ping_close(ping);
	}
	if (error != 0)
		ctl_watch_stop(s);
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

/* The most data of a probe of IPv6: 65535 bytes less a header.  IPv4's is 20
 * bytes less, as ping_send() knows. */
#define PING_BYTES_MAX	65527
/* Bytes of the headers of a probe, about. */
#define PING_HEADERS	28

const char *
ctl_check_ping_send(const struct ctl_request *rq)
{
	struct ctl_ping_send ps = rq->rq_rec.ping_send;

	if (ps.ps_bytes > PING_BYTES_MAX)
		return "an echo request carries at most 65507 bytes, of IPv6 "
		    "65527";
	if (ps.ps_ttl > 255)
		return "a time to live is 1 to 255, or 0 for the default";
	return NULL;
}

int
ctl_run_ping_send(struct ctl_session *s, const struct ctl_request *rq)
{
	struct host *h = s->cs_kern->k_host;
	struct ctl_ping_send ps = rq->rq_rec.ping_send;
	char why[KUSER_TEXT];
	int error;

	error = ctl_pace(s, KUSER_PING_PACKETS, 1, why);
	if (error == 0)
		error = ctl_pace(s, KUSER_PING_BYTES, ps.ps_bytes +
		    PING_HEADERS, why);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, "%s", why);
	error = kern_refuse(ENOTCONN, "this connection has no ping");
	host_mutex_lock(h, &s->cs_lock);
	if (s->cs_ping != NULL)
		error = ping_send(s->cs_ping, &s->cs_ping_dst,
		    &s->cs_ping_src, (uint16_t)ps.ps_seq, ps.ps_bytes,
		    (uint8_t)ps.ps_ttl);
	host_mutex_unlock(h, &s->cs_lock);
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

int
ctl_run_ping_stop(struct ctl_session *s, const struct ctl_request *rq)
{

	ctl_watch_stop(s);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

/* --- events -------------------------------------------------------------- */

/* Tell the client that the watched vnet is gone. */
static int
send_end(struct ctl_session *s)
{
	static const char text[] = "the vnet was destroyed";
	struct {
		struct ctl_hdr	 h;
		char		 text[sizeof(text)];
	} msg;

	memcpy(msg.text, text, sizeof(text));
	return ctl_reply_msg(s, &s->cs_watch, ENOENT, CTL_EVENT | CTL_TEXT,
	    &msg, sizeof(msg.h) + sizeof(text));
}

int
ctl_session_events(struct ctl_session *s)
{
	struct host *h = s->cs_kern->k_host;
	size_t len;
	bool revoked;
	int error, i;

	for (i = 0; i < EVENTS_AT_ONCE; i++) {
		len = 0;
		ctl_turn_begin(s);
		host_mutex_lock(h, &s->cs_lock);
		revoked = s->cs_revoked;
		s->cs_revoked = false;
		if (s->cs_listener != NULL)
			len = read_listener(s);
		else if (s->cs_ping != NULL)
			len = read_ring(s);
		else if (s->cs_tap != NULL)
			len = ctl_tap_read(s);
		host_mutex_unlock(h, &s->cs_lock);
		(void)ctl_turn_end(s);
		if (revoked)
			return send_end(s);
		if (len <= sizeof(struct ctl_hdr))
			return 0;
		error = ctl_reply_msg(s, &s->cs_watch, 0, CTL_EVENT,
		    s->cs_evbuf, len);
		if (error != 0)
			return error;
	}
	/* There may be more events; the client's requests are served first. */
	ctl_watch_wakeup(s);
	return 0;
}
