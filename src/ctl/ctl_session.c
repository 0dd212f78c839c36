/*
 * Sessions: one client each, with its credentials.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>

#include "kern/kturn.h"

/* The longest time that a user without privilege waits for its share, and the
 * longest sleep at a time. */
#define PACE_NS		(3 * 1000000000ull)
#define PACE_STEP_NS	(100 * 1000000ull)

int
ctl_pace(struct ctl_session *s, enum kuser_rate rate, uint64_t n, char *why)
{
	struct host *h = s->cs_kern->k_host;
	uint64_t until = 0, wait, now;
	bool turn;
	int error;

	for (;;) {
		error = kuser_spend(s->cs_kern, &s->cs_cred, rate, n, &wait,
		    why);
		if (error != EAGAIN || wait == HOST_FOREVER)
			return error;
		now = host_clock(h);
		if (until == 0)
			until = now + PACE_NS;
		if (now >= until)
			return error;
		turn = ctl_turn_end(s);
		host_sleep(h, wait < PACE_STEP_NS ? wait : PACE_STEP_NS);
		if (turn)
			ctl_turn_begin(s);
	}
}

int
ctl_bytes_charge(struct ctl_session *s, uint64_t n)
{
	char why[KUSER_TEXT];
	int error;

	error = kuser_charge(s->cs_kern, &s->cs_cred, KUSER_BYTES, n, why);
	return error == EUSERS ? kern_refuse(error, "%s", why) : error;
}

void
ctl_bytes_release(struct ctl_session *s, uint64_t n)
{

	if (n != 0)
		kuser_release(s->cs_kern, &s->cs_cred, KUSER_BYTES, n);
}

void
ctl_turn_begin(struct ctl_session *s)
{

	if (!s->cs_limited || s->cs_turn)
		return;
	kturn_take(s->cs_kern, s->cs_cred.kc_uid);
	s->cs_turn = true;
}

bool
ctl_turn_end(struct ctl_session *s)
{

	if (!s->cs_turn)
		return false;
	s->cs_turn = false;
	kturn_give(s->cs_kern, s->cs_cred.kc_uid);
	return true;
}

int
ctl_init(struct kern *k)
{
	struct ctl_registry *cr;

	cr = kmem_zalloc(k, sizeof(*cr));
	if (cr == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &cr->cr_lock);
	LIST_INIT(&cr->cr_watching);
	k->k_ctl = cr;
	k->k_vnet_revoke = ctl_revoke;
	return 0;
}

void
ctl_fini(struct kern *k)
{
	struct ctl_registry *cr = k->k_ctl;

	KASSERT(LIST_EMPTY(&cr->cr_watching));
	k->k_vnet_revoke = NULL;
	k->k_ctl = NULL;
	host_mutex_destroy(k->k_host, &cr->cr_lock);
	kmem_free(k, cr);
}

int
ctl_session_create(struct kern *k, const struct kauth_cred *cred,
    const struct ctl_sink *sink, struct ctl_session **sp)
{
	struct ctl_session *s;

	s = kmem_zalloc(k, sizeof(*s));
	if (s == NULL)
		return ENOMEM;
	s->cs_kern = k;
	s->cs_cred = *cred;
	s->cs_sink = *sink;
	s->cs_limited = kauth_authorize(k, cred, KAUTH_RESERVE) != 0;
	host_mutex_init(k->k_host, &s->cs_lock);
	*sp = s;
	return 0;
}

void
ctl_session_must_greet(struct ctl_session *s)
{

	s->cs_mustgreet = true;
}

void
ctl_session_destroy(struct ctl_session *s)
{
	struct kern *k = s->cs_kern;

	ctl_watch_stop(s);
	ctl_undo_session(s);
	ctl_mcast_session(s);
	host_mutex_destroy(k->k_host, &s->cs_lock);
	host_unmap(k->k_host, s->cs_evbuf, CTL_MSG_MAX);
	kmem_free(k, s->cs_ring);
	ctl_bytes_release(s, s->cs_bytes);
	kmem_free(k, s);
}
