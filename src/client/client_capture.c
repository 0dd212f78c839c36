/*
 * Captures: packets from a tap in the stack.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/if_types.h>
#include <ifnet/ifreq.h>

_Static_assert(sizeof(struct ifnet_insn) == sizeof(struct ctl_insn) &&
    IFNET_CAPTURE_PROMISC == CTL_TAP_PROMISC &&
    IFNET_PKT_IN == CTL_TAP_IN && IFNET_PKT_OUT == CTL_TAP_OUT,
    "captures are handed on as they are");

int
client_keep_capture(struct ifnet_client *c, const struct ctl_hdr *h,
    const void *data, size_t len)
{
	struct client_kept *ck;

	if (h->ch_seq != c->c_capture_seq)
		return 0;
	ck = malloc(sizeof(*ck) + sizeof(*h) + len);
	if (ck == NULL)
		return ENOMEM;
	ck->ck_len = sizeof(*h) + len;
	memcpy(ck->ck_data, h, sizeof(*h));
	memcpy(ck->ck_data + sizeof(*h), data, len);
	STAILQ_INSERT_TAIL(&c->c_kept, ck, ck_link);
	return 0;
}

void
client_forget_capture(struct ifnet_client *c)
{
	struct client_kept *ck;

	while ((ck = STAILQ_FIRST(&c->c_kept)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->c_kept, ck_link);
		free(ck);
	}
	c->c_capturing = false;
}

int
ifnet_linktype(struct ifnet_client *c, const char *ifname,
    unsigned *linktype, struct ifnet_error *e)
{
	struct ifreq ifr;
	int error;

	memset(&ifr, 0, sizeof(ifr));
	if (strlen(ifname) >= sizeof(ifr.ifr_name))
		return ifnet_error_set(e, ENXIO, "%s: no such interface",
		    ifname);
	memcpy(ifr.ifr_name, ifname, strlen(ifname));
	error = ifnet_ioctl(c, SIOCGIFDLT, &ifr, sizeof(ifr), e);
	/* The loopback's packets have no header before them. */
	if (error == 0)
		*linktype = ifr.ifr_value == DLT_NULL ? DLT_RAW :
		    (unsigned)ifr.ifr_value;
	return error;
}

int
ifnet_capture_begin(struct ifnet_client *c, const struct ifnet_capture *ic,
    struct ifnet_error *e)
{
	struct ctl_tap t = {
		.t_dirs = ic->dirs, .t_snaplen = ic->snaplen,
		.t_ring = ic->buffer, .t_dlt = ic->linktype,
		.t_ninsns = ic->ninsns, .t_flags = ic->flags,
	};
	struct client_call cc = {
		.cc_op = CTL_TAP_OPEN, .cc_what = ic->ifname,
		.cc_part = { { &t, sizeof(t) }, { ic->program,
		    ic->ninsns * sizeof(*ic->program) } },
	};
	int error;

	if (strlen(ic->ifname) >= sizeof(t.t_ifname))
		return ifnet_error_set(e, ENXIO, "%s: no such interface",
		    ic->ifname);
	memcpy(t.t_ifname, ic->ifname, strlen(ic->ifname));
	if (c->c_follow != 0 || c->c_pinging || c->c_capturing)
		return client_call(c, &cc, e);	/* says why not */
	/* Packets may come before the answer; they are of this request. */
	c->c_capture_seq = c->c_seq + 1;
	c->c_capturing = true;
	error = client_call_any(c, &cc, e);
	if (error != 0) {
		client_forget_capture(c);
		return error;
	}
	memset(&c->c_capture_stats, 0, sizeof(c->c_capture_stats));
	c->c_evlen = c->c_evoff = 0;
	return 0;
}

static int
not_capturing(struct ifnet_error *e)
{

	return ifnet_error_set(e, ENOTCONN, "no capture was begun");
}

/* Put the next message into c_ev: a kept message, or the next to arrive. */
static int
fetch(struct ifnet_client *c, struct ctl_hdr *h, size_t *len, int ms,
    struct ifnet_error *e)
{
	struct client_kept *ck = STAILQ_FIRST(&c->c_kept);

	if (ck == NULL)
		return client_recv(c, c->c_ev, h, len, ms, e);
	STAILQ_REMOVE_HEAD(&c->c_kept, ck_link);
	memcpy(h, ck->ck_data, sizeof(*h));
	memcpy(c->c_ev, ck->ck_data, ck->ck_len);
	*len = ck->ck_len;
	free(ck);
	return 0;
}

static int
ended(struct ifnet_client *c, int why, struct ifnet_error *e)
{

	c->c_capturing = false;
	if (why == 0)
		return ifnet_error_set(e, ENODATA, "the capture was stopped");
	return ifnet_error_set(e, why, "%s", why == ENXIO ?
	    "the interface was destroyed" : strerror(why));
}

/*
 * Read the record at c_evoff: 0 with a packet in *p; EAGAIN: it was no packet;
 * or the errno with which the capture ended.
 */
static int
take_record(struct ifnet_client *c, struct ifnet_packet *p,
    struct ifnet_error *e)
{
	struct ctl_tap_rec rec;
	const uint8_t *data = c->c_ev + c->c_evoff;
	size_t left = c->c_evlen - c->c_evoff, step;
	uint32_t head;

	if (left < offsetof(struct ctl_tap_rec, tr_head) + sizeof(head))
		goto nonsense;
	memcpy(&head, data + offsetof(struct ctl_tap_rec, tr_head),
	    sizeof(head));
	if (head > left || head % 8 != 0 ||
	    head < offsetof(struct ctl_tap_rec, tr_head) + sizeof(head))
		goto nonsense;
	(void)proto_fit(data, head, &rec, sizeof(rec));
	data += head;
	left -= head;
	step = proto_padded(rec.tr_caplen);
	if (step > left)
		goto nonsense;
	c->c_evoff += head + step;
	if (rec.tr_flags & (CTL_TAP_STATS | CTL_TAP_END)) {
		(void)proto_fit(data, rec.tr_caplen, &c->c_capture_stats,
		    sizeof(c->c_capture_stats));
		return rec.tr_flags & CTL_TAP_END ?
		    ended(c, (int)rec.tr_len, e) : EAGAIN;
	}
	p->time_ns = rec.tr_time_ns;
	p->len = rec.tr_len;
	p->caplen = rec.tr_caplen;
	p->dir = rec.tr_flags & (CTL_TAP_IN | CTL_TAP_OUT);
	p->data = data;
	return 0;

nonsense:
	c->c_broken = true;
	c->c_capturing = false;
	return client_nonsense(c, e);
}

int
ifnet_capture_next(struct ifnet_client *c, int ms, struct ifnet_packet *p,
    struct ifnet_error *e)
{
	uint64_t deadline = client_now_ms() + (ms < 0 ? 0 : (unsigned)ms);
	struct ctl_hdr h;
	size_t len;
	int error;

	for (;;) {
		if (!c->c_capturing)
			return not_capturing(e);
		if (c->c_evoff < c->c_evlen) {
			error = take_record(c, p, e);
			if (error == EAGAIN)
				continue;
			return error;
		}
		error = fetch(c, &h, &len, client_left_ms(deadline, ms >= 0),
		    e);
		if (error != 0)
			return error;
		if (!(h.ch_flags & CTL_EVENT) || h.ch_seq != c->c_capture_seq)
			continue;
		if (h.ch_error != 0) {
			c->c_capturing = false;
			return client_error(&h, c->c_ev + sizeof(h),
			    len - sizeof(h), "capture", e);
		}
		c->c_evoff = sizeof(h);
		c->c_evlen = len;
	}
}

int
ifnet_capture_stop(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = {
		.cc_op = CTL_TAP_STOP, .cc_what = "capture",
	};

	if (!c->c_capturing)
		return not_capturing(e);
	return client_call_any(c, &cc, e);
}

void
ifnet_capture_stats(const struct ifnet_client *c,
    struct ifnet_capture_stats *cs)
{

	cs->received = c->c_capture_stats.ts_received;
	cs->filtered = c->c_capture_stats.ts_filtered;
	cs->dropped = c->c_capture_stats.ts_dropped;
}
