/*
 * Capturing for a client: a tap whose packets become events.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "net/bpf.h"

_Static_assert(sizeof(struct ctl_insn) == sizeof(struct bpf_insn) &&
    offsetof(struct ctl_insn, in_k) == offsetof(struct bpf_insn, k),
    "instructions are handed on as they are");
_Static_assert(sizeof(struct ctl_tap_rec) == sizeof(struct bpf_rec) &&
    offsetof(struct ctl_tap_rec, tr_flags) ==
    offsetof(struct bpf_rec, br_flags) &&
    offsetof(struct ctl_tap_rec, tr_head) ==
    offsetof(struct bpf_rec, br_head) && CTL_TAP_IN == BPF_IN &&
    CTL_TAP_OUT == BPF_OUT, "records are handed on as they are");

/* The size of the counters, the last record of a message. */
#define STATS_SIZE	(sizeof(struct ctl_tap_rec) +			\
			    sizeof(struct ctl_tap_stats))

_Static_assert(sizeof(struct ctl_hdr) + sizeof(struct bpf_rec) +
    BPF_SNAPLEN_MAX + STATS_SIZE <= CTL_MSG_MAX, "a packet fits a message");

struct bpf_insn *
ctl_tap_program(struct ctl_session *s, const uint8_t *data, unsigned n)
{
	struct bpf_insn *prog;

	prog = kmem_zalloc(s->cs_kern, (n + 1) * sizeof(*prog));
	if (prog != NULL)
		memcpy(prog, data, n * sizeof(*prog));
	return prog;
}

const char *
ctl_check_tap(const struct ctl_request *rq)
{
	struct ctl_tap t = rq->rq_rec.tap;

	if (memchr(t.t_ifname, '\0', sizeof(t.t_ifname)) == NULL)
		return "the interface's name has no end";
	if (t.t_ninsns > BPF_PROG_MAX || rq->rq_len !=
	    t.t_ninsns * sizeof(struct bpf_insn))
		return "the program does not fit the request";
	if ((t.t_dirs & (BPF_IN | BPF_OUT)) == 0 ||
	    (t.t_dirs & ~(uint32_t)(BPF_IN | BPF_OUT)) != 0)
		return "a capture is of packets in, out or both";
	if ((t.t_flags & ~(uint32_t)CTL_TAP_PROMISC) != 0)
		return "a capture of a kind that this ifnetd does not know";
	if (t.t_snaplen > BPF_SNAPLEN_MAX)
		return "at most 65280 bytes of a packet can be captured";
	if (t.t_ring != 0 &&
	    (t.t_ring < BPF_RING_MIN || t.t_ring > BPF_RING_MAX))
		return "a capture's buffer has 128 KiB to 64 MiB";
	return NULL;
}

int
ctl_run_tap_open(struct ctl_session *s, const struct ctl_request *rq)
{
	struct bpf_config bc = {
		.bc_wakeup = ctl_watch_wakeup, .bc_arg = s,
	};
	struct bpf_insn *prog;
	struct bpf_tap *tap;
	struct ctl_tap t = rq->rq_rec.tap;
	char over[KUSER_TEXT];
	int error;

	prog = ctl_tap_program(s, rq->rq_data, t.t_ninsns);
	if (prog == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOMEM, NULL);
	bc.bc_dirs = t.t_dirs;
	bc.bc_promisc = (t.t_flags & CTL_TAP_PROMISC) != 0;
	bc.bc_snaplen = t.t_snaplen;
	bc.bc_ring = t.t_ring;
	bc.bc_dlt = t.t_dlt;
	bc.bc_prog = prog;
	bc.bc_ninsns = t.t_ninsns;
	error = ctl_watch_charge(s, KUSER_CAPTURES,
	    kern_ncpu(s->cs_kern) * (uint64_t)(t.t_ring != 0 ? t.t_ring :
	    BPF_RING_DEFAULT), over);
	if (error != 0) {
		kmem_free(s->cs_kern, prog);
		return ctl_reply(s, &rq->rq_hdr, error, "%s", over);
	}
	error = ctl_watch_buffer(s);
	if (error == 0)
		error = bpf_open(rq->rq_vnet, t.t_ifname, &bc, &tap);
	kmem_free(s->cs_kern, prog);
	if (error != 0) {
		ctl_watch_stop(s);
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	}
	error = ctl_watch_begin(s, rq, NULL, NULL, tap);
	if (error != 0) {
		bpf_close(tap);
		ctl_watch_stop(s);
	}
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

int
ctl_run_tap_stop(struct ctl_session *s, const struct ctl_request *rq)
{
	struct host *h = s->cs_kern->k_host;
	int error = kern_refuse(ENOTCONN, "this connection has no capture");

	host_mutex_lock(h, &s->cs_lock);
	if (s->cs_tap != NULL) {
		bpf_stop(s->cs_tap);
		error = 0;
	}
	host_mutex_unlock(h, &s->cs_lock);
	if (error == 0)
		ctl_watch_wakeup(s);
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}

static size_t
put_stats(struct ctl_session *s, uint8_t *to, unsigned flags, int error)
{
	struct ctl_tap_rec rec = {
		.tr_time_ns = host_wallclock(s->cs_kern->k_host),
		.tr_len = (uint32_t)error,
		.tr_caplen = sizeof(struct ctl_tap_stats), .tr_flags = flags,
		.tr_head = sizeof(rec),
	};
	struct ctl_tap_stats ts;
	struct bpf_stats bs;

	bpf_stats(s->cs_tap, &bs);
	ts.ts_received = bs.bs_received;
	ts.ts_filtered = bs.bs_filtered;
	ts.ts_dropped = bs.bs_dropped;
	s->cs_tap_dropped = bs.bs_dropped;
	memcpy(to, &rec, sizeof(rec));
	memcpy(to + sizeof(rec), &ts, sizeof(ts));
	return STATS_SIZE;
}

size_t
ctl_tap_read(struct ctl_session *s)
{
	size_t len = sizeof(struct ctl_hdr), n;
	enum bpf_state state;
	struct bpf_stats bs;

	if (s->cs_tap_ended)
		return len;
	/* The state is read first: after the end of the capture no packets are
	 * added. */
	state = bpf_state(s->cs_tap);
	n = bpf_read(s->cs_tap, s->cs_evbuf + len,
	    CTL_MSG_MAX - len - STATS_SIZE);
	len += n;
	bpf_stats(s->cs_tap, &bs);
	if (n == 0 && state != BPF_RUNNING) {
		s->cs_tap_ended = true;
		len += put_stats(s, s->cs_evbuf + len, CTL_TAP_END,
		    state == BPF_DETACHED ? ENXIO : 0);
	} else if (bs.bs_dropped != s->cs_tap_dropped)
		len += put_stats(s, s->cs_evbuf + len, CTL_TAP_STATS, 0);
	return len;
}
