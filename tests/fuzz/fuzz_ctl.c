/*
 * Control messages: sessions with all rights and with none, given messages
 * that are arbitrary, nearly right, or right.
 *
 * Whatever is asked, a request whose header makes sense gets exactly one last
 * answer, and one without rights changes nothing.
 */

#include "fuzz_msg.h"

#include <errno.h>

#define NREQUESTS	24

struct peer {
	struct ctl_session *p_session;
	struct ctl_sink	 p_sink;
	unsigned	 p_last;	/* last answers since the request */
	uint64_t	 p_seq;		/* the request's */
};

struct run {
	struct host	*r_host;
	struct ifnet_stack *r_stack;
	struct peer	 r_root, r_nobody;
	unsigned	 r_fault;	/* of the next request; 0: none */
};

static int
sink_send(void *arg, const void *msg, size_t len)
{
	struct peer *p = arg;
	struct ctl_hdr h;

	KASSERT(len >= sizeof(h) && len <= CTL_MSG_MAX);
	memcpy(&h, msg, sizeof(h));
	KASSERT(h.ch_magic == CTL_MAGIC && h.ch_len == len);
	KASSERT(memchr(h.ch_vnet, '\0', sizeof(h.ch_vnet)) != NULL);
	if (h.ch_flags & CTL_TEXT)
		KASSERT(((const char *)msg)[len - 1] == '\0');
	if (h.ch_flags & CTL_EVENT)
		return 0;
	KASSERT(h.ch_flags & CTL_ANSWER);
	KASSERT(h.ch_seq == p->p_seq);
	if (!(h.ch_flags & CTL_MORE))
		p->p_last++;
	return 0;
}

static void
sink_wakeup(void *arg)
{

	(void)arg;
}

static int
sink_halt(void *arg)
{

	(void)arg;
	return 0;
}

static void
peer_open(struct run *r, struct peer *p, uid_t uid)
{
	struct kauth_cred cred;

	memset(&cred, 0, sizeof(cred));
	cred.kc_uid = uid;
	cred.kc_gid = uid;
	cred.kc_pid = 4711;
	p->p_sink = (struct ctl_sink){ sink_send, sink_wakeup, sink_halt, p };
	KASSERT(ctl_session_create(r->r_stack->st_kern, &cred, &p->p_sink,
	    &p->p_session) == 0);
}

/* --- messages --- */

static void
reopen(struct run *r, struct peer *p)
{

	ctl_session_destroy(p->p_session);
	peer_open(r, p, p == &r->r_root ? 0 : 65534);
}

static void
send_message(struct run *r, struct peer *p, const uint8_t *msg, size_t len)
{
	uint64_t before = p == &r->r_nobody ? fuzz_state(r->r_stack) : 0;
	struct ctl_hdr h;
	uint8_t *copy;
	int error;

	copy = malloc(len == 0 ? 1 : len);
	KASSERT(copy != NULL);
	memcpy(copy, msg, len);
	memset(&h, 0, sizeof(h));
	memcpy(&h, msg, len < sizeof(h) ? len : sizeof(h));
	p->p_seq = h.ch_seq;
	p->p_last = 0;
	sim_fail_alloc(r->r_host, r->r_fault);
	error = ctl_dispatch(p->p_session, copy, len, -1);
	free(copy);
	KASSERT(error == 0 || error == EPROTO || (error == ENOMEM &&
	    sim_alloc_failed(r->r_host)));
	/* The memory that was not to be had for one request is for the next. */
	sim_fail_alloc(r->r_host, 0);
	r->r_fault = 0;
	KASSERT(error != 0 || p->p_last == 1);
	KASSERT(p->p_last <= 1);
	if (p == &r->r_nobody)
		KASSERT(fuzz_state(r->r_stack) == before);
	/* As the server does. */
	if (error != 0)
		reopen(r, p);
}

static void
one_record(struct run *r, struct fuzz_in *in, uint64_t seq, uint8_t *msg)
{
	unsigned rec = fuzz_rec(in);
	struct peer *p = rec & REC_NOBODY ? &r->r_nobody : &r->r_root;
	struct fuzz_in part;

	switch (rec & REC_OP) {
	case SP_RAW:
		part = fuzz_part(in, fuzz_u16(in) % 4096);
		memcpy(msg, part.fi_data, part.fi_left);
		send_message(r, p, msg, part.fi_left);
		break;
	case SP_SLEEP:
		host_sleep(r->r_host, (uint64_t)fuzz_u8(in) * 100000000);
		break;
	case SP_CLOSE:
		reopen(r, p);
		break;
	case SP_FAULT:
		/* An allocation of the next request fails. */
		r->r_fault = fuzz_u8(in);
		return;
	default:
		send_message(r, p, msg, fuzz_message(r->r_stack, in, rec, seq,
		    msg, 0));
		break;
	}
	if (rec & REC_RUN)
		ifnet_stack_run(r->r_stack);
	KASSERT(ctl_session_events(r->r_root.p_session) == 0);
	KASSERT(ctl_session_events(r->r_nobody.p_session) == 0);
}

static void
run(struct host *h, void *arg)
{
	struct fuzz_in *in = arg;
	struct run r = { .r_host = h };
	uint8_t *msg;

	msg = malloc(CTL_MSG_MAX * 2);
	KASSERT(msg != NULL);
	r.r_stack = fuzz_stack_create(h);
	(void)fuzz_vnet_create(r.r_stack, "v");
	/* Not the uid that began this: that one has rights. */
	peer_open(&r, &r.r_root, 0);
	peer_open(&r, &r.r_nobody, 65534);
	for (unsigned i = 0; i < NREQUESTS && in->fi_left > 0; i++)
		one_record(&r, in, i, msg);
	ctl_session_destroy(r.r_root.p_session);
	ctl_session_destroy(r.r_nobody.p_session);
	fuzz_stack_destroy(r.r_stack);
	free(msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fuzz_on_sim(run, &in);
	return 0;
}
