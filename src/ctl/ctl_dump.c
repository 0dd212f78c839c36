/*
 * Answers of any length: dumps and lists.  They are collected in memory before
 * they are sent, lists whole, dumps piece by piece, so that no lock is held
 * while a client reads slowly.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "proto/rtmsg_fit.h"
#include "net/if_group_impl.h"
#include "net/if_history_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#define PIECE_BYTES	(CTL_MSG_MAX - 8192)

void
ctl_out_init(struct ctl_out *out, struct ctl_session *s)
{

	out->co_session = s;
	out->co_bytes = 0;
	TAILQ_INIT(&out->co_chunks);
}

static void
chunk_free(struct ctl_out *out, struct ctl_chunk *ck)
{

	TAILQ_REMOVE(&out->co_chunks, ck, ck_link);
	kmem_free(out->co_session->cs_kern, ck);
	ctl_bytes_release(out->co_session, sizeof(*ck));
}

/* Append a chunk; the session's user is charged for it.  ENOMEM, EUSERS. */
static int
chunk_alloc(struct ctl_out *out, struct ctl_chunk **ckp)
{
	struct ctl_chunk *ck;
	int error;

	error = ctl_bytes_charge(out->co_session, sizeof(*ck));
	if (error != 0)
		return error;
	ck = kmem_zalloc(out->co_session->cs_kern, sizeof(*ck));
	if (ck == NULL) {
		ctl_bytes_release(out->co_session, sizeof(*ck));
		return ENOMEM;
	}
	ck->ck_len = sizeof(struct ctl_hdr);
	TAILQ_INSERT_TAIL(&out->co_chunks, ck, ck_link);
	*ckp = ck;
	return 0;
}

void
ctl_out_free(struct ctl_out *out)
{
	struct ctl_chunk *ck;

	while ((ck = TAILQ_FIRST(&out->co_chunks)) != NULL)
		chunk_free(out, ck);
	out->co_bytes = 0;
}

/* Make room for len bytes, zeroed and padded to 8 bytes. */
static int
out_room(struct ctl_out *out, size_t len, uint8_t **p)
{
	struct ctl_chunk *ck;
	size_t padded = proto_padded(len);
	int error;

	if (padded > CTL_MSG_MAX - sizeof(struct ctl_hdr))
		return EMSGSIZE;
	ck = TAILQ_LAST(&out->co_chunks, ctl_chunks);
	if (ck == NULL || sizeof(ck->ck_msg) - ck->ck_len < padded) {
		error = chunk_alloc(out, &ck);
		if (error != 0)
			return error;
	}
	*p = ck->ck_msg + ck->ck_len;
	memset(*p + len, 0, padded - len);
	ck->ck_len += padded;
	out->co_bytes += padded;
	return 0;
}

int
ctl_out_add(struct ctl_out *out, const void *data, size_t len)
{
	uint8_t *p;
	int error;

	error = out_room(out, len, &p);
	if (error == 0)
		memcpy(p, data, len);
	return error;
}

int
ctl_out_add_rec(struct ctl_out *out, const void *fixed, size_t nfixed,
    const void *data, size_t len)
{
	struct ctl_rec rc = proto_rec_head(nfixed, len);
	uint8_t *p;
	int error;

	error = out_room(out, rc.rc_len, &p);
	if (error != 0)
		return error;
	memcpy(p, &rc, sizeof(rc));
	memcpy(p + sizeof(rc), fixed, nfixed);
	if (len > 0)
		memcpy(p + sizeof(rc) + nfixed, data, len);
	return 0;
}

int
ctl_out_send(struct ctl_out *out, struct ctl_session *s,
    const struct ctl_hdr *req, int result)
{
	struct ctl_chunk *ck, *next;
	unsigned flags;
	int error;

	ck = TAILQ_FIRST(&out->co_chunks);
	if (ck == NULL)
		return ctl_reply(s, req, result, NULL);
	for (; ck != NULL; ck = next) {
		next = TAILQ_NEXT(ck, ck_link);
		flags = CTL_ANSWER | (next != NULL ? CTL_MORE : 0);
		error = ctl_reply_msg(s, req, next != NULL ? 0 : result,
		    flags, ck->ck_msg, ck->ck_len);
		if (error != 0)
			return error;
		chunk_free(out, ck);
	}
	return 0;
}

int
ctl_out_flush(struct ctl_out *out, struct ctl_session *s,
    const struct ctl_hdr *req)
{
	struct ctl_chunk *ck;
	int error = 0;

	TAILQ_FOREACH(ck, &out->co_chunks, ck_link) {
		error = ctl_reply_msg(s, req, 0, CTL_ANSWER | CTL_MORE,
		    ck->ck_msg, ck->ck_len);
		if (error != 0)
			break;
	}
	/* One chunk is kept for the next piece. */
	while ((ck = TAILQ_FIRST(&out->co_chunks)) !=
	    TAILQ_LAST(&out->co_chunks, ctl_chunks))
		chunk_free(out, ck);
	if (ck != NULL)
		ck->ck_len = sizeof(struct ctl_hdr);
	out->co_bytes = 0;
	return error;
}

const char *
ctl_check_dump(const struct ctl_request *rq)
{
	struct ctl_dump d = rq->rq_rec.dump;

	if (memchr(d.d_ifname, '\0', sizeof(d.d_ifname)) == NULL)
		return "the interface's name has no end";
	if ((d.d_what & (RTS_ALL | RTS_DETAIL)) == 0 || (d.d_what &
	    ~(uint32_t)(RTS_ALL | RTS_DETAIL | CTL_DUMP_GROUP)) != 0)
		return "a dump of what?";
	if ((d.d_what & CTL_DUMP_GROUP) != 0 && d.d_ifname[0] == '\0')
		return "a dump of which group?";
	return NULL;
}

/* A dump in progress. */
struct ctl_dump_run {
	const struct ctl_request *dr_rq;
	struct ctl_session *dr_session;
	struct ctl_out	 dr_out;
	struct rt_place	 dr_routes;	/* where they begin */
	char		 dr_name[VNET_NAMESIZE];
	uint64_t	 dr_id;		/* of the vnet, whose name may be
					 * reused */
	int		 dr_sink;
};

static int
dump_message(const void *msg, void *arg)
{
	struct ctl_dump_run *dr = arg;
	struct rt_hdr h;
	uint8_t *p;
	int error;

	memcpy(&h, msg, sizeof(h));
	error = out_room(&dr->dr_out, h.rtm_len, &p);
	if (error != 0)
		return error;
	memcpy(p, msg, h.rtm_len);
	rt_msg_stamp(p);
	return 0;
}

/*
 * Send the collected messages, if they are enough for a piece.  Nothing is held
 * meanwhile, not even the vnet.  ENOENT when the vnet was destroyed; the sink's
 * errno goes to *sink.
 */
static int
send_piece(struct ctl_session *s, struct ctl_dump_run *dr)
{
	struct vnet *vn;

	if (dr->dr_out.co_bytes < PIECE_BYTES)
		return 0;
	dr->dr_sink = ctl_out_flush(&dr->dr_out, s, &dr->dr_rq->rq_hdr);
	if (dr->dr_sink != 0)
		return ECANCELED;
	vn = vnet_get(s->cs_kern, dr->dr_name);
	if (vn != NULL && vn->vn_id != dr->dr_id) {
		vnet_put(vn);
		vn = NULL;
	}
	s->cs_held = vn;
	return vn != NULL ? 0 : ENOENT;
}

/* Dump everything, or the messages of one interface, each through fn. */
static int
dump_walk(struct ctl_session *s, struct ctl_dump_run *dr, unsigned what,
    uint64_t handle, int (*fn)(const void *, void *))
{
	struct rtsock_cursor rc;
	int error = 0;

	rtsock_dump_begin(&rc, what, handle);
	rc.rc_route = dr->dr_routes;
	while (error == 0 && rc.rc_what != 0) {
		error = rtsock_dump_next(s->cs_held, &rc, fn, dr);
		if (error == 0)
			error = send_piece(s, dr);
	}
	return error;
}

static int
dump_interface(struct ctl_session *s, struct ctl_dump_run *dr, unsigned what,
    const char *ifname)
{
	struct ifnet *ifp;
	struct psref psref;
	uint64_t handle;

	ifp = if_get(s->cs_held, ifname, &psref);
	if (ifp == NULL)
		return ENXIO;
	handle = ifp->if_handle;
	if_put(ifp, &psref);
	return dump_walk(s, dr, what, handle, dump_message);
}

/* The number of members' names that are requested at a time. */
#define GROUP_NAMES	2048
struct group_names {
	struct if_groupreq gn_req;
	char		 gn_name[GROUP_NAMES][IFNAMSIZ];
};

/* Dump every member of a group; members destroyed meanwhile are left out. */
static int
dump_group(struct ctl_session *s, struct ctl_dump_run *dr, unsigned what,
    const char *group)
{
	struct group_names *gn;
	int error;

	gn = kmem_zalloc(s->cs_kern, sizeof(*gn));
	if (gn == NULL)
		return ENOMEM;
	memcpy(gn->gn_req.ifgr_group, group, IFNAMSIZ);
	do {
		gn->gn_req.ifgr_count = GROUP_NAMES;
		error = if_group_list(s->cs_held, SIOCGIFGMEMB, &gn->gn_req,
		    sizeof(*gn));
		for (int32_t i = 0; error == 0 &&
		    i < gn->gn_req.ifgr_count; i++) {
			error = dump_interface(s, dr, what, gn->gn_name[i]);
			if (error == ENXIO)
				error = 0;
		}
	} while (error == 0 && gn->gn_req.ifgr_next != 0);
	kmem_free(s->cs_kern, gn);
	return error;
}

/* The routes of one table (its number plus 1) are meant, or of all (0). */
static int
begin_table(struct vnet *vn, uint32_t table, struct ctl_dump_run *dr)
{

	if (table == 0)
		return 0;
	dr->dr_routes.rp_table = table - 1;
	dr->dr_routes.rp_is_last = true;
	return table == 1 ? 0 : rt_table_check(vn, table - 1);
}

int
ctl_run_dump(struct ctl_session *s, const struct ctl_request *rq)
{
	struct vnet *vn = rq->rq_vnet;
	struct ctl_dump_run dr = { .dr_rq = rq, .dr_id = vn->vn_id,
	    .dr_session = s };
	struct ctl_dump d = rq->rq_rec.dump;
	char why[KUSER_TEXT];
	unsigned what;
	int error;

	error = begin_table(vn, d.d_table, &dr);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	error = kuser_charge(s->cs_kern, &s->cs_cred, KUSER_DUMPS, 1, why);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, "%s", why);
	what = d.d_what & ~(uint32_t)CTL_DUMP_GROUP;
	memcpy(dr.dr_name, vn->vn_name, sizeof(dr.dr_name));
	ctl_out_init(&dr.dr_out, s);
	if (d.d_what & CTL_DUMP_GROUP)
		error = dump_group(s, &dr, what, d.d_ifname);
	else if (d.d_ifname[0] != '\0')
		error = dump_interface(s, &dr, what, d.d_ifname);
	else
		error = dump_walk(s, &dr, what, 0, dump_message);
	if (error != 0)
		ctl_out_free(&dr.dr_out);
	if (error == ENXIO && dr.dr_sink == 0)
		dr.dr_sink = ctl_reply(s, &rq->rq_hdr, ENXIO,
		    "%s: no such interface (ifconfig -l lists them)",
		    d.d_ifname);
	else if (dr.dr_sink == 0)
		dr.dr_sink = ctl_out_send(&dr.dr_out, s, &rq->rq_hdr, error);
	kuser_release(s->cs_kern, &s->cs_cred, KUSER_DUMPS, 1);
	ctl_out_free(&dr.dr_out);
	return dr.dr_sink;
}

/* --- routes that are deleted as they are listed --------------------------- */

/* The descriptions of routes that are deleted at a time. */
#define FLUSH_BYTES	(RT_FLUSH_ROOM + 8192)

static int
flush_walk(struct ctl_session *s, struct ctl_dump_run *dr)
{
	union {
		struct rt_hdr	 hdr;
		uint8_t		 room[FLUSH_BYTES];
	} some;
	bool more = true;
	size_t len, at;
	int error = 0;

	while (error == 0 && more) {
		more = rt_flush_some(s->cs_held, &dr->dr_routes, &some,
		    sizeof(some), &len);
		for (at = 0; at < len && error == 0; at +=
		    ((const struct rt_hdr *)(const void *)(some.room + at))->
		    rtm_len)
			error = dump_message(some.room + at, dr);
		if (error == 0)
			error = send_piece(s, dr);
	}
	return error;
}

/* Inside a change: the route is deleted by a request, so that it can be made
 * again. */
static int
flush_noted(const void *msg, void *arg)
{
	struct ctl_dump_run *dr = arg;
	const struct sockaddr *sa[RTAX_MAX];
	union {
		struct rt_msg	 rtm;
		uint8_t		 room[RT_MSG_MAX];
	} req, answer;
	struct rt_msg m;
	size_t len = 0;
	int error;

	memcpy(&m, msg, sizeof(m));
	if ((m.rtm_flags & RTF_OF_ADDRESS) != 0)
		return 0;
	memcpy(&req, msg, m.rtm_h.rtm_len);
	req.rtm.rtm_h.rtm_type = RTM_DELETE;
	/* The source, which is last, may be another one by now. */
	if ((m.rtm_h.rtm_addrs & RTA_IFA) != 0 &&
	    m.rtm_h.rtm_addrs < RTA_IFA << 1 &&
	    rt_msg_check(msg, m.rtm_h.rtm_len, sa) == 0) {
		req.rtm.rtm_h.rtm_addrs &= (uint16_t)~RTA_IFA;
		req.rtm.rtm_h.rtm_len -= (uint16_t)rt_sa_size(
		    sa[5]->sa_family);
	}
	error = ctl_undo_route(dr->dr_session, dr->dr_session->cs_held, &req,
	    req.rtm.rtm_h.rtm_len, &answer, &len);
	if (error != 0)
		return error == ESRCH ? 0 : error; /* it went meanwhile */
	return dump_message(&req, dr);
}

int
ctl_run_route_flush(struct ctl_session *s, const struct ctl_request *rq)
{
	struct vnet *vn = rq->rq_vnet;
	struct ctl_dump_run dr = { .dr_rq = rq, .dr_id = vn->vn_id,
	    .dr_session = s };
	int error;

	error = begin_table(vn, rq->rq_rec.route_flush.rf_table, &dr);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, NULL);
	memcpy(dr.dr_name, vn->vn_name, sizeof(dr.dr_name));
	ctl_out_init(&dr.dr_out, s);
	error = s->cs_undo == NULL ? flush_walk(s, &dr) :
	    dump_walk(s, &dr, RTS_ROUTE, 0, flush_noted);
	if (dr.dr_sink == 0)
		dr.dr_sink = ctl_out_send(&dr.dr_out, s, &rq->rq_hdr, error);
	ctl_out_free(&dr.dr_out);
	return dr.dr_sink;
}

/* --- the history, vnets --------------------------------------------------- */

const char *
ctl_check_history(const struct ctl_request *rq)
{
	struct ctl_history hi = rq->rq_rec.history;

	return memchr(hi.hi_ifname, '\0', sizeof(hi.hi_ifname)) == NULL ?
	    "the interface's name has no end" : NULL;
}

struct history_run {
	struct ctl_session *hr_session;
	struct ctl_out	 hr_out;
};

static int
add_history(const struct if_history *ih, void *arg)
{
	struct history_run *hr = arg;
	struct ctl_session *s = hr->hr_session;
	struct if_history copy = *ih;

	if (copy.ih_pid > 0 && !kuser_may_see(s->cs_kern, &s->cs_cred,
	    copy.ih_uid)) {
		copy.ih_uid = UINT32_MAX;
		copy.ih_pid = IFHIST_PID_HIDDEN;
	}
	return ctl_out_add_rec(&hr->hr_out, &copy, sizeof(copy), NULL, 0);
}

int
ctl_run_history(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_history hi = rq->rq_rec.history;
	struct history_run hr = { .hr_session = s };
	struct ctl_out *out = &hr.hr_out;
	char why[KUSER_TEXT];
	struct ifnet *ifp;
	struct psref psref;
	int error;

	error = kuser_charge(s->cs_kern, &s->cs_cred, KUSER_DUMPS, 1, why);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, "%s", why);
	/* An index finds only an interface that exists. */
	ifp = if_get(rq->rq_vnet, hi.hi_ifname, &psref);
	if (ifp != NULL) {
		if_name_copy(ifp, hi.hi_ifname);
		if_put(ifp, &psref);
	}
	ctl_out_init(out, s);
	error = if_history_get(rq->rq_vnet, hi.hi_ifname, add_history, &hr);
	if (error == ESRCH && ifp == NULL)
		error = ctl_reply(s, &rq->rq_hdr, ENXIO, "%s: no such "
		    "interface, and none of this name is remembered",
		    hi.hi_ifname);
	else {
		if (error == ESRCH)
			error = 0;	/* it is there; nothing is kept of it */
		if (error != 0)
			ctl_out_free(out);
		error = ctl_out_send(out, s, &rq->rq_hdr, error);
	}
	ctl_out_free(out);
	kuser_release(s->cs_kern, &s->cs_cred, KUSER_DUMPS, 1);
	return error;
}

static int
list_vnet(struct vnet *vn, void *arg)
{
	struct ctl_vnet v;

	memset(&v, 0, sizeof(v));
	memcpy(v.v_name, vn->vn_name, sizeof(v.v_name));
	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
	v.v_interfaces = vn->vn_if->ifv_count;
	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
	return ctl_out_add_rec(arg, &v, sizeof(v), NULL, 0);
}

int
ctl_run_vnet_list(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_out out;
	int error;

	ctl_out_init(&out, s);
	error = vnet_foreach(s->cs_kern, list_vnet, &out);
	if (error != 0)
		ctl_out_free(&out);
	error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return error;
}
