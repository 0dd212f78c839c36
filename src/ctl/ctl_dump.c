/*
 * Answers of any length: dumps and lists.  They are gathered in memory
 * before they are sent, so a client that reads slowly holds nothing: whole, or,
 * where there can be very much, piece by piece.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#define PIECE_BYTES	(CTL_MSG_MAX - 8192)

void
ctl_out_init(struct ctl_out *out, struct kern *k)
{

	out->co_kern = k;
	out->co_bytes = 0;
	TAILQ_INIT(&out->co_chunks);
}

void
ctl_out_free(struct ctl_out *out)
{
	struct ctl_chunk *ck;

	while ((ck = TAILQ_FIRST(&out->co_chunks)) != NULL) {
		TAILQ_REMOVE(&out->co_chunks, ck, ck_link);
		kmem_free(out->co_kern, ck);
	}
	out->co_bytes = 0;
}

int
ctl_out_add(struct ctl_out *out, const void *data, size_t len)
{
	struct ctl_chunk *ck;
	size_t padded = (len + 7) & ~(size_t)7;

	if (len > CTL_MSG_MAX - sizeof(struct ctl_hdr))
		return EMSGSIZE;
	ck = TAILQ_LAST(&out->co_chunks, ctl_chunks);
	if (ck == NULL || sizeof(ck->ck_msg) - ck->ck_len < padded) {
		ck = kmem_zalloc(out->co_kern, sizeof(*ck));
		if (ck == NULL)
			return ENOMEM;
		ck->ck_len = sizeof(struct ctl_hdr);
		TAILQ_INSERT_TAIL(&out->co_chunks, ck, ck_link);
	}
	memcpy(ck->ck_msg + ck->ck_len, data, len);
	ck->ck_len += padded;
	out->co_bytes += padded;
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
	/* One chunk stays for what comes next. */
	while ((ck = TAILQ_FIRST(&out->co_chunks)) !=
	    TAILQ_LAST(&out->co_chunks, ctl_chunks)) {
		TAILQ_REMOVE(&out->co_chunks, ck, ck_link);
		kmem_free(out->co_kern, ck);
	}
	if (ck != NULL)
		ck->ck_len = sizeof(struct ctl_hdr);
	out->co_bytes = 0;
	return error;
}

const char *
ctl_check_dump(const struct ctl_request *rq)
{
	struct ctl_dump d;

	memcpy(&d, rq->rq_data, sizeof(d));
	if (memchr(d.d_ifname, '\0', sizeof(d.d_ifname)) == NULL)
		return "the interface's name has no end";
	if ((d.d_what & RTS_ALL) == 0 || (d.d_what & ~(uint32_t)RTS_ALL) != 0)
		return "a dump of what?";
	return NULL;
}

static int
dump_message(const void *msg, void *arg)
{
	struct rt_hdr h;

	memcpy(&h, msg, sizeof(h));
	return ctl_out_add(arg, msg, h.rtm_len);
}

/*
 * Every interface, a message at a time: while one is sent nothing is held, not
 * even the vnet, and the walk goes on from the index it had come to.  ENOENT
 * when the vnet went meanwhile; other errors are the sink's, in *sink.
 */
static int
stream_interfaces(struct ctl_session *s, const struct ctl_request *rq,
    unsigned what, struct ctl_out *out, int *sink)
{
	struct vnet *vn = rq->rq_vnet;
	char name[VNET_NAMESIZE];
	uint32_t id = vn->vn_id;
	unsigned index = 1;
	int error;

	memcpy(name, vn->vn_name, sizeof(name));
	for (;;) {
		error = rtsock_dump_next(vn, what, &index, dump_message, out);
		if (error != 0)
			return error == ENOENT ? 0 : error;
		if (out->co_bytes < PIECE_BYTES)
			continue;
		*sink = ctl_out_flush(out, s, &rq->rq_hdr);
		if (*sink != 0)
			return 0;
		vn = vnet_get(s->cs_kern, name);
		if (vn != NULL && vn->vn_id != id) {
			vnet_put(vn);
			vn = NULL;
		}
		s->cs_held = vn;
		if (vn == NULL)
			return ENOENT;
	}
}

/* Only interfaces and their addresses can be so many. */
static int
dump_all(struct ctl_session *s, const struct ctl_request *rq, unsigned what,
    struct ctl_out *out, int *sink)
{
	unsigned ifs = what & (RTS_LINK | RTS_ADDR), rest = what & ~ifs;
	int error = 0;

	if (ifs != 0)
		error = stream_interfaces(s, rq, ifs, out, sink);
	if (error == 0 && *sink == 0 && rest != 0)
		error = rtsock_dump(s->cs_held, rest, 0, dump_message, out);
	return error;
}

int
ctl_run_dump(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_dump d;
	struct ctl_out out;
	struct ifnet *ifp;
	struct psref psref;
	uint64_t handle = 0;
	int error, sink = 0;

	memcpy(&d, rq->rq_data, sizeof(d));
	if (d.d_ifname[0] != '\0') {
		ifp = if_get(rq->rq_vnet, d.d_ifname, &psref);
		if (ifp == NULL)
			return ctl_reply(s, &rq->rq_hdr, ENXIO,
			    "%s: no such interface", d.d_ifname);
		handle = ifp->if_handle;
		if_put(ifp, &psref);
	}
	ctl_out_init(&out, s->cs_kern);
	if (handle != 0)
		error = rtsock_dump(rq->rq_vnet, d.d_what, handle,
		    dump_message, &out);
	else
		error = dump_all(s, rq, d.d_what, &out, &sink);
	if (error != 0)
		ctl_out_free(&out);
	if (sink == 0)
		sink = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return sink;
}

const char *
ctl_check_history(const struct ctl_request *rq)
{
	struct ctl_history hi;

	memcpy(&hi, rq->rq_data, sizeof(hi));
	return memchr(hi.hi_ifname, '\0', sizeof(hi.hi_ifname)) == NULL ?
	    "the interface's name has no end" : NULL;
}

static int
add_history(const struct if_history *ih, void *arg)
{

	return ctl_out_add(arg, ih, sizeof(*ih));
}

int
ctl_run_history(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_history hi;
	struct ctl_out out;
	struct ifnet *ifp;
	struct psref psref;
	int error;

	memcpy(&hi, rq->rq_data, sizeof(hi));
	/* An index is good for one that is there. */
	ifp = if_get(rq->rq_vnet, hi.hi_ifname, &psref);
	if (ifp != NULL) {
		if_name_copy(ifp, hi.hi_ifname);
		if_put(ifp, &psref);
	}
	ctl_out_init(&out, s->cs_kern);
	error = if_history_get(rq->rq_vnet, hi.hi_ifname, add_history, &out);
	if (error == ESRCH && ifp == NULL)
		error = ctl_reply(s, &rq->rq_hdr, ENXIO, "%s: no such "
		    "interface, and none of this name is remembered",
		    hi.hi_ifname);
	else {
		if (error == ESRCH)
			error = 0;	/* it is there; nothing is kept of it */
		if (error != 0)
			ctl_out_free(&out);
		error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	}
	ctl_out_free(&out);
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
	return ctl_out_add(arg, &v, sizeof(v));
}

int
ctl_run_vnet_list(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_out out;
	int error;

	ctl_out_init(&out, s->cs_kern);
	error = vnet_foreach(s->cs_kern, list_vnet, &out);
	if (error != 0)
		ctl_out_free(&out);
	error = ctl_out_send(&out, s, &rq->rq_hdr, error);
	ctl_out_free(&out);
	return error;
}
