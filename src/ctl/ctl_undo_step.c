/*
 * Steps of a change that are no requests to an interface: routes, neighbours,
 * settings and rules of the filter, and how each is undone.
 *
 * A route or neighbour that was there is made again from a description of it
 * as a request; a new one is deleted, if it still is what the change made.
 */

#include "ctl/ctl_undo_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/if_dl.h>

#include "kern/reqctx.h"
#include "kern/sysctl.h"
#include "net/filter.h"
#include "net/rule.h"

/* A routing message with room. */
union message {
	struct rt_msg	 rtm;
	uint8_t		 room[RT_MSG_MAX] __attribute__((__aligned__(8)));
};

/* Take a note with len bytes; as undo_piece_alloc(), and an error drops what is
 * pending. */
static int
pending_step(struct ctl_session *s, struct vnet *vn, enum undo_kind kind,
    const void *data, size_t len, struct undo_step **usp)
{
	struct undo_piece *up;
	int error;

	error = undo_piece_alloc(s, vn->vn_name, vn->vn_id, kind,
	    (unsigned)len, &up);
	if (error != 0) {
		ctl_undo_cancel(s);
		return error;
	}
	up->up_u.step.us_len = len;
	if (data != NULL)
		memcpy(up->up_u.step.us_data, data, len);
	TAILQ_INSERT_TAIL(&s->cs_undo->un_pending, up, up_link);
	*usp = &up->up_u.step;
	return 0;
}

/* --- routes, neighbours --------------------------------------------------- */

/* Describe a neighbour as rtsock_get_request() does a route.  An entry that is
 * being resolved is none. */
static int
neighbour_before(struct ctl_session *s, struct vnet *vn,
    const struct rt_msg *rtm, union message *before)
{
	const struct sockaddr *sa[RTAX_MAX];
	size_t len = sizeof(before->room);
	struct sockaddr_dl sdl;
	union message get;
	int error;

	memcpy(&get, rtm, rtm->rtm_h.rtm_len);
	get.rtm.rtm_h.rtm_type = RTM_GET;
	error = rtsock_request(vn, &s->cs_cred, &get, get.rtm.rtm_h.rtm_len,
	    before, &len);
	if (error != 0)
		return ESRCH;
	if (rt_msg_check(before, len, sa) != 0 || sa[1] == NULL)
		return ESRCH;
	memcpy(&sdl, sa[1], sizeof(sdl));
	before->rtm.rtm_h.rtm_type = RTM_ADD;
	return sdl.sdl_alen == 0 ? ESRCH : 0;
}

/* Note that what was there before is made again. */
static int
note_before(struct ctl_session *s, struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX])
{
	struct undo_step *us;
	union message before;
	int error;

	/* A new route stands beside the others of its prefix; one more way may
	 * be there already, with another weight. */
	if (rtm->rtm_h.rtm_type == RTM_ADD &&
	    (rtm->rtm_flags & RTF_LLDATA) == 0 &&
	    (rtm->rtm_given & (RTV_REPLACE | RTV_MPATH)) == 0)
		return 0;
	error = (rtm->rtm_flags & RTF_LLDATA) != 0 ?
	    neighbour_before(s, vn, rtm, &before) :
	    rtsock_get_request(vn, rtm, sa, &before);
	if (error == EMLINK)
		return kern_refuse(EOPNOTSUPP, "the route has several ways, "
		    "and could not be made again by one request, so this is no "
		    "part of a change that is made whole or not at all (do it "
		    "by itself, or way by way)");
	if (error == EOPNOTSUPP && rtm->rtm_h.rtm_type != RTM_ADD)
		return kern_refuse(EOPNOTSUPP, "the route is an address's own, "
		    "and could not be made again, so this is no part of a "
		    "change that is made whole or not at all (do it by "
		    "itself)");
	if (error != 0)
		return 0;
	return pending_step(s, vn, UNDO_ROUTE, &before,
	    before.rtm.rtm_h.rtm_len, &us);
}

/*
 * Fill in the deletion of what the request made, from its answer.  The source
 * address is left out: several interfaces may have it.
 */
static void
fill_deletion(struct undo_step *us, const union message *answer)
{
	struct rt_msg *rtm = (struct rt_msg *)(void *)us->us_data;
	const struct sockaddr *sa[RTAX_MAX];

	us->us_len = 0;
	if (rt_msg_check(answer, answer->rtm.rtm_h.rtm_len, sa) != 0)
		return;
	memcpy(rtm, answer, sizeof(*rtm));
	rtm->rtm_h.rtm_type = RTM_DELETE;
	rtm->rtm_h.rtm_len = sizeof(*rtm);
	rtm->rtm_h.rtm_addrs = 0;
	rtm->rtm_mtu = 0;
	rtm->rtm_expire_s = 0;
	for (unsigned i = 0; i < 3; i++)	/* DST, GATEWAY, NETMASK */
		if (sa[i] != NULL && !rt_msg_add(rtm, 1u << i, sa[i]))
			return;
	us->us_len = rtm->rtm_h.rtm_len;
}

int
ctl_undo_route(struct ctl_session *s, struct vnet *vn, const void *msg,
    size_t len, void *answer, size_t *answerlen)
{
	const struct sockaddr *sa[RTAX_MAX];
	struct undo_step *deletion = NULL;
	const struct rt_msg *rtm = msg;
	int error;

	if (s->cs_undo == NULL || rt_msg_check(msg, len, sa) != 0 ||
	    rtm->rtm_h.rtm_type == RTM_GET ||
	    kauth_authorize(s->cs_kern, &s->cs_cred, KAUTH_ROUTE_SET) != 0)
		return rtsock_request(vn, &s->cs_cred, msg, len, answer,
		    answerlen);
	*answerlen = 0;
	error = note_before(s, vn, rtm, sa);
	if (error != 0)
		return error;
	if (rtm->rtm_h.rtm_type != RTM_DELETE) {
		error = pending_step(s, vn, UNDO_ROUTE, NULL, RT_MSG_MAX / 4,
		    &deletion);
		if (error != 0)
			return error;
	}
	kern_reqctx()->rc_error = 0;
	*answerlen = RT_MSG_MAX;
	error = rtsock_request(vn, &s->cs_cred, msg, len, answer, answerlen);
	if (error != 0) {
		ctl_undo_cancel(s);
		return error;
	}
	if (deletion != NULL)
		fill_deletion(deletion, answer);
	ctl_undo_keep(s);
	return 0;
}

static int
undo_route(struct ctl_session *s, struct vnet *vn, struct undo_step *us)
{
	union message answer;
	size_t len = sizeof(answer);
	int error;

	error = us->us_len == 0 ? 0 : rtsock_request(vn, &s->cs_cred,
	    us->us_data, us->us_len, &answer, &len);
	/* The route went meanwhile, or with its interface. */
	if (((struct rt_msg *)(void *)us->us_data)->rtm_h.rtm_type ==
	    RTM_DELETE && (error == ESRCH || error == ENXIO))
		return 0;
	return error;
}

/* --- settings, rules of the filter ---------------------------------------- */

int
ctl_undo_sysctl(struct ctl_session *s, struct vnet *vn, const char *name)
{
	uint8_t old[SYSCTL_STRSIZE] __attribute__((__aligned__(16)));
	size_t len = sizeof(old);
	struct undo_step *us;
	int error;

	if (s->cs_undo == NULL || sysctl_request(vn, &s->cs_cred, name, old,
	    &len, NULL, 0, NULL, NULL) != 0)
		return 0;	/* the request itself is refused */
	error = pending_step(s, vn, UNDO_SYSCTL, old, len, &us);
	if (error == 0)
		memcpy(us->us_name, name, strlen(name) + 1);
	return error;
}

int
ctl_undo_rule(struct ctl_session *s, struct vnet *vn, enum undo_kind kind)
{
	struct undo_step *us;

	return s->cs_undo == NULL ? 0 : pending_step(s, vn, kind, NULL, 0,
	    &us);
}

void
ctl_undo_rule_added(struct ctl_session *s, uint32_t number)
{

	if (s->cs_undo == NULL)
		return;
	TAILQ_FIRST(&s->cs_undo->un_pending)->up_u.step.us_number = number;
	ctl_undo_keep(s);
}

void
undo_step(struct ctl_session *s, struct vnet *vn, struct undo_piece *up)
{
	struct undo_step *us = &up->up_u.step;
	const char *what;
	int error;

	switch (up->up_kind) {
	case UNDO_ROUTE:
		what = "a route or neighbour";
		error = undo_route(s, vn, us);
		break;
	case UNDO_SYSCTL:
		what = us->us_name;
		error = sysctl_request(vn, &s->cs_cred, us->us_name, NULL,
		    NULL, us->us_data, us->us_len, NULL, NULL);
		break;
	case UNDO_RULE:
		what = "a rule of routing";
		error = rule_delete(vn, us->us_number);
		if (error == ENOENT)	/* deleted meanwhile */
			error = 0;
		break;
	default:
		what = "the filter";
		error = filter_delete(vn, us->us_number);
		if (error == ENOENT)	/* deleted meanwhile */
			error = 0;
		break;
	}
	if (error != 0)
		klog(s->cs_kern, KLOG_WARNING, "control: %s was changed by a "
		    "change that was not completed, and cannot be made as it "
		    "was: %s", what, strerror(error));
	else
		ctl_log_undone_step(s, vn, up);
}
