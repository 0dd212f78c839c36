/*
 * Operations: interface requests, routing messages, vnets, the daemon.
 */

#include "ctl/ctl_impl.h"

#include "proto/proto_ioctl.h"
#include "proto/proto_names.h"
#include "proto/rtmsg_fit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Features that a client may use beyond those that every version 2 has. */
static const char features[] = "names\0" "record-lengths\0" "changes\0"
    "whole-changes";

/*
 * Both ends name the versions that they speak, and the newest common one is
 * used.  Version 1 sent a header alone.
 */
int
ctl_run_hello(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_hello *theirs = &rq->rq_rec.hello;
	uint32_t newest = rq->rq_nfixed == 0 ? 1 : theirs->h_version;
	uint32_t oldest = rq->rq_nfixed == 0 ? 1 : theirs->h_oldest;
	struct ctl_hello hello;

	if (newest < CTL_VERSION_MIN || oldest > CTL_VERSION)
		return ctl_reply(s, &rq->rq_hdr, EPROTONOSUPPORT,
		    "this is ifnetd " IFNET_VERSION ", which speaks version "
		    "%u of the control protocol; the client speaks version "
		    "%u (use the ifctl that was installed with this ifnetd)",
		    CTL_VERSION, newest < CTL_VERSION_MIN ? newest : oldest);
	memset(&hello, 0, sizeof(hello));
	hello.h_version = newest < CTL_VERSION ? newest : CTL_VERSION;
	hello.h_oldest = CTL_VERSION_MIN;
	hello.h_pid = (uint32_t)getpid();
	hello.h_names = proto_names_hash();
	(void)snprintf(hello.h_text, sizeof(hello.h_text),
	    "ifnetd %s", IFNET_VERSION);
	s->cs_greeted = true;
	return ctl_reply_rec(s, &rq->rq_hdr, 0, &hello, sizeof(hello),
	    features, sizeof(features));
}

/* List every number that has a name. */
int
ctl_run_names(struct ctl_session *s, const struct ctl_request *rq)
{
	const char *name, *text;
	struct ctl_name n;
	struct ctl_out out;
	char both[512];
	int error = 0, len;

	memset(&n, 0, sizeof(n));
	ctl_out_init(&out, s);
	for (n.n_table = 1; n.n_table < PROTO_NAMES_MAX; n.n_table++) {
		for (n.n_number = 0; error == 0 &&
		    n.n_number < proto_names_count(n.n_table); n.n_number++) {
			name = proto_name(n.n_table, n.n_number, &text);
			if (name == NULL)
				continue;
			n.n_flags = proto_name_flags(n.n_table, n.n_number);
			len = snprintf(both, sizeof(both), "%s%c%s", name,
			    '\0', text);
			error = ctl_out_add_rec(&out, &n, sizeof(n), both,
			    (size_t)len + 1);
		}
	}
	if (error != 0)
		ctl_out_free(&out);
	error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return error;
}

/* --- interface requests -------------------------------------------------- */

/* An ioctl's answer that is being built; the record begins 16-byte aligned. */
struct ioctl_answer {
	struct ctl_hdr	 ia_hdr;
	struct ctl_rec	 ia_rec;
	struct ctl_ioctl ia_ioctl;
	uint8_t		 ia_record[];
};
_Static_assert(sizeof(struct ioctl_answer) % 16 == 0, "record is aligned");

/* Is the room that a list request claims really behind it? */
static bool
list_fits(uint64_t cmd, const uint8_t *record, size_t extra)
{
	struct if_groupreq gr;
	struct if_clonereq cr;
	struct ifconf ifc;

	if (cmd == SIOCGIFGROUP || cmd == SIOCGIFGMEMB) {
		memcpy(&gr, record, sizeof(gr));
		return gr.ifgr_count < 0 ||
		    (uint64_t)gr.ifgr_count * IFNAMSIZ <= extra;
	}
	if (cmd != SIOCIFGCLONERS) {
		memcpy(&ifc, record, sizeof(ifc));
		return ifc.ifc_len < 0 || (uint64_t)ifc.ifc_len <= extra;
	}
	memcpy(&cr, record, sizeof(cr));
	return cr.ifcr_count < 0 ||
	    (uint64_t)cr.ifcr_count * IFNAMSIZ <= extra;
}

const char *
ctl_check_ioctl(const struct ctl_request *rq)
{
	const struct ctl_ioctl *ci = &rq->rq_rec.ioctl;
	uint64_t cmd = ci->i_cmd, here;

	if ((cmd >> 32) != 0 || (cmd & (IFIOC_IN | IFIOC_OUT)) == 0)
		return "not an interface request";
	if (ci->i_len != IFIOC_SIZE(cmd) || ci->i_len > rq->rq_len)
		return "the record does not fit the request";
	here = proto_ioctl_here(cmd);
	if (!request_has_list(here))
		return ci->i_len == rq->rq_len ? NULL :
		    "the record does not fit the request";
	/* Lists begin directly behind their record. */
	if (here != cmd)
		return "a list of another version of the client";
	if (here == SIOCGIFCONF && ci->i_stride != sizeof(struct ifreq))
		return "the client lists records of another size than this "
		    "ifnetd has";
	return list_fits(cmd, rq->rq_data, rq->rq_len - ci->i_len) ?
	    NULL : "there is less room than the request says";
}

/*
 * The record of a request, from a client whose record is shorter or longer:
 * filled up with zeros, or cut.  NULL: no memory; *known is false when a field
 * that was not zero was cut off.
 */
static struct ioctl_answer *
make_record(struct ctl_session *s, const struct ctl_request *rq,
    uint64_t cmd, size_t *len, bool *known)
{
	size_t there = rq->rq_rec.ioctl.i_len, room;
	struct ioctl_answer *ia;

	*known = true;
	*len = rq->rq_len;
	if (cmd != rq->rq_rec.ioctl.i_cmd)
		*len = IFIOC_SIZE(cmd);
	room = *len > there ? *len : there;
	ia = kmem_zalloc(s->cs_kern, sizeof(*ia) +
	    (room > rq->rq_len ? room : rq->rq_len));
	if (ia == NULL)
		return NULL;
	ia->ia_ioctl = rq->rq_rec.ioctl;
	if (cmd == rq->rq_rec.ioctl.i_cmd)
		memcpy(ia->ia_record, rq->rq_data, rq->rq_len);
	else
		*known = proto_fit(rq->rq_data, there, ia->ia_record, *len);
	return ia;
}

/* Answer that a request was refused, with the reason that was left, or because
 * the caller may not make it. */
static int
refuse_ioctl(struct ctl_session *s, const struct ctl_hdr *h, uint64_t cmd,
    int error)
{
	const enum kauth_action action = request_action(REQUEST_IOCTL, cmd);

	if (error == EPERM && action != KAUTH_NOBODY &&
	    kauth_authorize(s->cs_kern, &s->cs_cred, action) != 0)
		return ctl_reply_perm(s, h, action);
	return ctl_reply(s, h, error, NULL);
}

/* Note that an interface was moved to another vnet, where it has a new
 * handle. */
static void
note_move(struct ctl_session *s, const struct ifreq *ifr, bool created)
{
	char name[IFNAMSIZ + 1] = "", vnet[sizeof(ifr->ifr_text) + 1] = "";
	struct vnet *vn;

	memcpy(name, ifr->ifr_name, IFNAMSIZ);
	memcpy(vnet, ifr->ifr_text, sizeof(ifr->ifr_text));
	vn = vnet_get(s->cs_kern, vnet);
	if (vn == NULL)
		return;
	if (!created)
		ctl_undo_keep_moved(s, vn, name);
	else if (ctl_undo_reserve(s, vn->vn_name, vn->vn_id) == 0)
		ctl_undo_note_if(s, vn, name);
	vnet_put(vn);
}

/* Destroy an interface inside a change: at its end, unless the change created
 * it. */
static int
destroy(struct ctl_session *s, struct vnet *vn, void *record, size_t len)
{
	char name[IFNAMSIZ + 1] = "";
	int error;

	error = kauth_authorize(s->cs_kern, &s->cs_cred,
	    request_action(REQUEST_IOCTL, SIOCIFDESTROY));
	if (error != 0)
		return error;
	memcpy(name, record, len < IFNAMSIZ ? len : IFNAMSIZ);
	if (!ctl_undo_destroys(s, vn, name, &error))
		return ifioctl(vn, &s->cs_cred, SIOCIFDESTROY, record, len);
	s->cs_unlogged = NULL;	/* CTL_COMMIT logs it */
	return error;
}

/* Carry out an interface request.  Inside a change, note how to undo it. */
static int
carry_out(struct ctl_session *s, struct vnet *vn, uint64_t cmd, void *record,
    size_t len)
{
	struct kern_reqctx *rc = kern_reqctx();
	struct ifreq ifr;
	bool created;
	int error;

	if (cmd == SIOCIFDESTROY && s->cs_undo != NULL)
		return destroy(s, vn, record, len);
	error = cmd == SIOCIFCREATE ?
	    ctl_undo_reserve(s, vn->vn_name, vn->vn_id) :
	    ctl_undo_prepare(s, vn, cmd, record, len, &created);
	if (error != 0)
		return error;
	/* A reason left by a look-up above is not this request's. */
	rc->rc_error = 0;
	rc->rc_nmade = 0;
	error = ifioctl(vn, &s->cs_cred, cmd, record, len);
	if (error == 0 && cmd == SIOCIFCREATE)
		error = ctl_undo_note_made(s);
	if (error != 0) {
		ctl_undo_cancel(s);
		return error;
	}
	if (cmd == SIOCIFCREATE) {
		memcpy(s->cs_created, (const char *)record +
		    offsetof(struct if_createreq, ifcr_name), IFNAMSIZ);
		s->cs_created[IFNAMSIZ - 1] = '\0';
	} else if (cmd == SIOCSIFVNET && s->cs_undo != NULL) {
		memcpy(&ifr, record, sizeof(ifr));
		note_move(s, &ifr, created);
	}
	ctl_undo_keep(s);
	return 0;
}

int
ctl_run_ioctl(struct ctl_session *s, const struct ctl_request *rq)
{
	uint64_t asked = rq->rq_rec.ioctl.i_cmd, cmd;
	struct ioctl_answer *ia;
	size_t len;
	bool known;
	int error;

	cmd = proto_ioctl_here(asked);
	if (cmd == 0)
		cmd = asked;
	ia = make_record(s, rq, cmd, &len, &known);
	if (ia == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOMEM, NULL);
	if (!known) {
		kmem_free(s->cs_kern, ia);
		return ctl_reply(s, &rq->rq_hdr, EOPNOTSUPP, "the request "
		    "asks for something this ifnetd does not know (is the "
		    "client newer?)");
	}
	error = carry_out(s, rq->rq_vnet, cmd, ia->ia_record, len);
	if (error != 0)
		error = refuse_ioctl(s, &rq->rq_hdr, cmd, error);
	else {
		/* A client's longer record is filled up with zeros. */
		if (asked != cmd && IFIOC_SIZE(asked) > len)
			memset(ia->ia_record + len, 0,
			    IFIOC_SIZE(asked) - len);
		if (asked != cmd)
			len = IFIOC_SIZE(asked);
		if (!(cmd & IFIOC_OUT))
			len = 0;
		ia->ia_rec = proto_rec_head(sizeof(ia->ia_ioctl), len);
		error = ctl_reply_msg(s, &rq->rq_hdr, 0, CTL_ANSWER, ia,
		    sizeof(*ia) + len);
	}
	kmem_free(s->cs_kern, ia);
	return error;
}

/* --- routing messages ---------------------------------------------------- */

const char *
ctl_check_route(const struct ctl_request *rq)
{
	uint8_t room[RT_MSG_MAX] __attribute__((__aligned__(8)));
	const void *msg;

	switch (rt_msg_fit(rq->rq_data, rq->rq_len, room, &msg)) {
	case E2BIG:
		return "the routing message asks for something this ifnetd "
		    "does not know (is the client newer?)";
	case EPROTONOSUPPORT:
		return "a routing message of a version or type this ifnetd "
		    "does not know (is the client of another version?)";
	default:
		return NULL;	/* refused with words by the request itself */
	}
}

int
ctl_run_route(struct ctl_session *s, const struct ctl_request *rq)
{
	uint8_t room[RT_MSG_MAX] __attribute__((__aligned__(8)));
	uint8_t answer[RT_MSG_MAX] __attribute__((__aligned__(8)));
	uint8_t msg[RT_MSG_MAX] __attribute__((__aligned__(8)));
	size_t len = sizeof(answer);
	const void *fitted;
	struct rt_hdr h;
	int error;

	memcpy(msg, rq->rq_data, rq->rq_len);
	error = rt_msg_fit(msg, rq->rq_len, room, &fitted);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	memcpy(&h, fitted, sizeof(h));
	error = ctl_undo_route(s, rq->rq_vnet, fitted, h.rtm_len, answer,
	    &len);
	if (error == EPERM)
		return ctl_reply_perm(s, &rq->rq_hdr, KAUTH_ROUTE_SET);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	if (len > 0)
		rt_msg_stamp(answer);
	return ctl_reply_rec(s, &rq->rq_hdr, 0, NULL, 0, answer, len);
}

/* --- vnets, the daemon --------------------------------------------------- */

int
ctl_run_vnet_create(struct ctl_session *s, const struct ctl_request *rq)
{
	const char *name = (const char *)rq->rq_data;
	const struct ctl_hdr *h = &rq->rq_hdr;
	struct vnet *vn;
	int error;

	error = ctl_undo_reserve(s, name, 0);
	if (error == 0)
		error = vnet_create_named(s->cs_kern, name, &vn);
	if (error == 0)
		ctl_undo_note_vnet(s, vn->vn_id);
	return ctl_reply(s, h, error, NULL);
}

int
ctl_run_vnet_destroy(struct ctl_session *s, const struct ctl_request *rq)
{
	const char *name = (const char *)rq->rq_data;
	struct vnet *vn;

	/* "" would find the first vnet, and is a mistake here. */
	if (name[0] == '\0')
		return ctl_reply(s, &rq->rq_hdr, EINVAL, "which vnet?");
	vn = vnet_get(s->cs_kern, name);
	if (vn == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOENT,
		    "no vnet named %s (vnet list shows what there is)", name);
	if (vnet_is_owned(vn)) {
		vnet_put(vn);
		return ctl_reply(s, &rq->rq_hdr, EBUSY, "the vnet %s was made "
		    "by the program that it is in, which uses it and ends it "
		    "by itself (vnet_destroy)", name);
	}
	if (s->cs_undo != NULL && !ctl_undo_has_vnet(s, vn->vn_id)) {
		vnet_put(vn);
		return ctl_undo_refuse(s, rq, "a vnet that is destroyed");
	}
	vnet_destroy_held(vn);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

int
ctl_run_halt(struct ctl_session *s, const struct ctl_request *rq)
{
	const struct ctl_sink *sink = &s->cs_sink;
	int error;

	if (s->cs_undo != NULL)
		return ctl_undo_refuse(s, rq, "the end of the daemon");
	error = sink->cs_halt == NULL ? EOPNOTSUPP :
	    sink->cs_halt(sink->cs_arg);
	if (error == EOPNOTSUPP)
		return ctl_reply(s, &rq->rq_hdr, error,
		    "this stack belongs to a program and is stopped by it");
	return ctl_reply(s, &rq->rq_hdr, error, NULL);
}
