/*
 * Changes that are made as a whole or not at all.
 *
 * Between CTL_BEGIN and CTL_COMMIT a session notes the interfaces and vnets it
 * creates, and of every other interface it changes the requests that make it
 * again as it was (ctl_inverse.c).  When it ends before CTL_COMMIT, for
 * any reason, all of it is undone, the last first: a client that is
 * killed leaves nothing.  A note has the interface's handle, so an interface
 * that has been destroyed meanwhile is passed over, and a successor of its
 * name is not touched.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/reqctx.h"
#include "net/if_name_impl.h"
#include "proto/proto_ioctl.h"

#define NOTES	500

/* A request that undoes one. */
struct undo_request {
	uint64_t	 ur_handle;
	uint64_t	 ur_was;	/* before it was moved */
	struct ctl_inverse ur_inverse;
};

/* Notes about one vnet, in order: the interfaces created there and the vnet
 * itself, or a request. */
struct undo_piece {
	TAILQ_ENTRY(undo_piece) up_link;
	char		 up_vnet[VNET_NAMESIZE];
	uint32_t	 up_id;		/* of the vnet, whose name may be
					 * reused */
	bool		 up_isrequest;
	unsigned	 up_n;		/* used places of handle */
	union {
		uint64_t handle[NOTES];	/* ascending; 0: the vnet itself */
		struct undo_request request;
	}		 up_u;
};
TAILQ_HEAD(undo_pieces, undo_piece);

struct ctl_undo {
	struct undo_pieces un_pieces;
	struct undo_pieces un_pending;	/* requests that undo the one that is
					 * being carried out */
	struct undo_piece *un_near;	/* the piece of the last handle found */
};

static size_t
piece_bytes(bool isrequest)
{
	const struct undo_piece *up = NULL;

	return offsetof(struct undo_piece, up_u) + (isrequest ?
	    sizeof(up->up_u.request) : sizeof(up->up_u.handle));
}

/* ENOMEM; EUSERS: the session's user has too many bytes. */
static int
piece_alloc(struct ctl_session *s, const char *vnet, uint32_t id,
    bool isrequest, struct undo_piece **upp)
{
	struct undo_piece *up;
	size_t bytes = piece_bytes(isrequest);
	int error;

	error = ctl_bytes_charge(s, bytes);
	if (error != 0)
		return error;
	up = kmem_zalloc(s->cs_kern, bytes);
	if (up == NULL) {
		ctl_bytes_release(s, bytes);
		return ENOMEM;
	}
	(void)snprintf(up->up_vnet, sizeof(up->up_vnet), "%s", vnet);
	up->up_id = id;
	up->up_isrequest = isrequest;
	*upp = up;
	return 0;
}

static void
piece_free(struct ctl_session *s, struct undo_piece *up)
{
	size_t bytes = piece_bytes(up->up_isrequest);

	kmem_free(s->cs_kern, up);
	ctl_bytes_release(s, bytes);
}

/* --- noting --------------------------------------------------------------- */

int
ctl_undo_reserve(struct ctl_session *s, const char *vnet, uint32_t id)
{
	struct ctl_undo *un = s->cs_undo;
	struct undo_piece *up;
	int error;

	if (un == NULL)
		return 0;
	up = TAILQ_LAST(&un->un_pieces, undo_pieces);
	if (up != NULL && !up->up_isrequest && up->up_n < NOTES &&
	    up->up_id == id && strcmp(up->up_vnet, vnet) == 0)
		return 0;
	/* A place reserved for a creation that was refused is used again. */
	if (up != NULL && !up->up_isrequest && up->up_n == 0) {
		(void)snprintf(up->up_vnet, sizeof(up->up_vnet), "%s", vnet);
		up->up_id = id;
		return 0;
	}
	error = piece_alloc(s, vnet, id, false, &up);
	if (error != 0)
		return error;
	TAILQ_INSERT_TAIL(&un->un_pieces, up, up_link);
	return 0;
}

static void
note(struct ctl_session *s, uint32_t id, uint64_t handle)
{
	struct undo_piece *up;

	up = TAILQ_LAST(&s->cs_undo->un_pieces, undo_pieces);
	up->up_id = id;
	up->up_u.handle[up->up_n++] = handle;
}

/* The handle of an interface; 0: there is none of this name. */
static uint64_t
handle_of(struct vnet *vn, const char *ifname)
{
	struct psref psref;
	struct ifnet *ifp;
	uint64_t handle;

	ifp = if_get(vn, ifname, &psref);
	if (ifp == NULL)
		return 0;
	handle = ifp->if_handle;
	if_put(ifp, &psref);
	return handle;
}

void
ctl_undo_note_if(struct ctl_session *s, struct vnet *vn, const char *ifname)
{
	uint64_t handle;

	if (s->cs_undo == NULL)
		return;
	handle = handle_of(vn, ifname);
	if (handle != 0)	/* else somebody destroyed it */
		note(s, vn->vn_id, handle);
}

void
ctl_undo_note_vnet(struct ctl_session *s, uint32_t id)
{

	if (s->cs_undo != NULL)
		note(s, id, 0);
}

static bool
piece_has(const struct undo_piece *up, uint32_t id, uint64_t handle)
{

	if (up->up_isrequest || up->up_id != id || up->up_n == 0 ||
	    handle < up->up_u.handle[0] ||
	    handle > up->up_u.handle[up->up_n - 1])
		return false;
	for (unsigned i = 0; i < up->up_n; i++)
		if (up->up_u.handle[i] == handle)
			return true;
	return false;
}

/* Was the interface created by the change?  Then it is destroyed, and its
 * settings need no note.  Look-ups come mostly in the order of creation. */
static bool
is_created(struct ctl_undo *un, uint32_t id, uint64_t handle)
{
	struct undo_piece *up = un->un_near;

	if (up != NULL && piece_has(up, id, handle))
		return true;
	if (up != NULL && (up = TAILQ_NEXT(up, up_link)) != NULL &&
	    piece_has(up, id, handle)) {
		un->un_near = up;
		return true;
	}
	TAILQ_FOREACH(up, &un->un_pieces, up_link) {
		if (piece_has(up, id, handle)) {
			un->un_near = up;
			return true;
		}
	}
	return false;
}

int
ctl_undo_prepare(struct ctl_session *s, struct vnet *vn, unsigned long cmd,
    const void *record, size_t len, bool *created)
{
	struct ctl_inverse inverse[CTL_INVERSE_MAX];
	struct ctl_undo *un = s->cs_undo;
	char name[IFNAMSIZ + 1] = "";
	union ctl_if_record r;
	struct undo_piece *up;
	uint64_t handle;
	unsigned n;
	int error;

	*created = false;
	if (un == NULL || (cmd & IFIOC_OUT) != 0 || len < IFNAMSIZ)
		return 0;
	memset(&r, 0, sizeof(r));
	memcpy(&r, record, len < sizeof(r) ? len : sizeof(r));
	memcpy(name, &r, IFNAMSIZ);
	handle = handle_of(vn, name);
	if (handle == 0)
		return 0;
	if (is_created(un, vn->vn_id, handle)) {
		*created = true;
		return 0;
	}
	n = ctl_inverse(s, vn, cmd, &r, inverse);
	for (unsigned i = 0; i < n; i++) {
		error = piece_alloc(s, vn->vn_name, vn->vn_id, true, &up);
		if (error != 0) {
			ctl_undo_cancel(s);
			return error;
		}
		up->up_u.request.ur_handle = handle;
		up->up_u.request.ur_inverse = inverse[i];
		TAILQ_INSERT_TAIL(&un->un_pending, up, up_link);
	}
	return 0;
}

static void
free_pieces(struct ctl_session *s, struct undo_pieces *list)
{
	struct undo_piece *up;

	while ((up = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, up, up_link);
		piece_free(s, up);
	}
}

void
ctl_undo_cancel(struct ctl_session *s)
{

	if (s->cs_undo != NULL)
		free_pieces(s, &s->cs_undo->un_pending);
}

void
ctl_undo_keep(struct ctl_session *s)
{

	if (s->cs_undo != NULL)
		TAILQ_CONCAT(&s->cs_undo->un_pieces, &s->cs_undo->un_pending,
		    up_link);
}

void
ctl_undo_keep_moved(struct ctl_session *s, struct vnet *to,
    const char *ifname)
{
	struct undo_piece *up;

	if (s->cs_undo == NULL)
		return;
	/* The move back starts in the new vnet. */
	TAILQ_FOREACH(up, &s->cs_undo->un_pending, up_link) {
		memcpy(up->up_vnet, to->vn_name, sizeof(up->up_vnet));
		up->up_id = to->vn_id;
		up->up_u.request.ur_was = up->up_u.request.ur_handle;
		up->up_u.request.ur_handle = handle_of(to, ifname);
	}
	ctl_undo_keep(s);
}

/* --- undoing -------------------------------------------------------------- */

/* Get an interface's present name; false: it is gone. */
static bool
name_of(struct vnet *vn, uint64_t handle, char name[IFNAMSIZ])
{
	struct psref psref;
	struct ifnet *ifp;

	ifp = if_get_byhandle(vn, handle, &psref);
	if (ifp == NULL)
		return false;
	if_name_copy(ifp, name);
	if_put(ifp, &psref);
	return true;
}

/* Destroy an interface, by its present name. */
static bool
destroy_if(struct ctl_session *s, struct vnet *vn, uint64_t handle)
{
	struct ifreq ifr;
	int error;

	do {
		memset(&ifr, 0, sizeof(ifr));
		if (!name_of(vn, handle, ifr.ifr_name))
			return false;
		error = ifioctl(vn, &s->cs_cred, SIOCIFDESTROY, &ifr,
		    sizeof(ifr));
	} while (error == ENXIO);
	if (error != 0)
		klog(s->cs_kern, KLOG_WARNING, "control: %s was created by a "
		    "change that was not completed, and cannot be destroyed: "
		    "%s", ifr.ifr_name, strerror(error));
	else
		ctl_log_undone(s, vn, SIOCIFDESTROY, &ifr, sizeof(ifr));
	return error == 0;
}

/* An interface that was moved back has a new handle; give it to earlier
 * notes. */
static void
renumber(struct ctl_undo *un, const struct undo_request *ur, struct vnet *vn,
    const char *name)
{
	uint64_t handle = handle_of(vn, name);
	struct undo_piece *up;

	TAILQ_FOREACH(up, &un->un_pieces, up_link)
		if (up->up_isrequest && up->up_id == vn->vn_id &&
		    up->up_u.request.ur_handle == ur->ur_was)
			up->up_u.request.ur_handle = handle;
}

static void
undo_request(struct ctl_session *s, struct vnet *vn, struct undo_request *ur)
{
	union ctl_if_record *r = &ur->ur_inverse.ci_record;
	unsigned long cmd = ur->ur_inverse.ci_cmd;
	struct vnet *to;
	int error;

	do {
		if (!name_of(vn, ur->ur_handle, r->ifr.ifr_name))
			return;
		error = ifioctl(vn, &s->cs_cred, cmd, r, IFIOC_SIZE(cmd));
	} while (error == ENXIO);
	if (error != 0) {
		klog(s->cs_kern, KLOG_WARNING, "control: %s was changed by a "
		    "change that was not completed, and cannot be made as it "
		    "was: %s: %s", r->ifr.ifr_name, proto_ioctl_name(cmd),
		    strerror(error));
		return;
	}
	ctl_log_undone(s, vn, cmd, r, IFIOC_SIZE(cmd));
	if (cmd == SIOCSIFVNET &&
	    (to = vnet_get(s->cs_kern, r->ifr.ifr_text)) != NULL) {
		renumber(s->cs_undo, ur, to, r->ifr.ifr_name);
		vnet_put(to);
	}
}

static uint64_t
undo_piece(struct ctl_session *s, struct undo_piece *up)
{
	struct vnet *vn = vnet_get(s->cs_kern, up->up_vnet);
	uint64_t n = 0;

	if (vn == NULL)
		return 0;
	if (vn->vn_id != up->up_id) {
		vnet_put(vn);
		return 0;
	}
	if (up->up_isrequest)
		undo_request(s, vn, &up->up_u.request);
	for (unsigned i = up->up_n; i > 0; i--) {
		if (up->up_u.handle[i - 1] != 0) {
			n += destroy_if(s, vn, up->up_u.handle[i - 1]);
			continue;
		}
		/* The vnet is the first thing noted in it. */
		vnet_destroy_held(vn);
		return n + 1;
	}
	vnet_put(vn);
	return n;
}

void
ctl_undo_forget(struct ctl_session *s)
{
	struct ctl_undo *un = s->cs_undo;

	if (un == NULL)
		return;
	ctl_undo_cancel(s);
	free_pieces(s, &un->un_pieces);
	kmem_free(s->cs_kern, un);
	s->cs_undo = NULL;
}

/* Undo everything: the number of interfaces and vnets destroyed, and in
 * *settings the number of requests undone. */
static uint64_t
undo_all(struct ctl_session *s, uint64_t *settings)
{
	struct undo_piece *up;
	uint64_t n = 0;

	*settings = 0;
	while ((up = TAILQ_LAST(&s->cs_undo->un_pieces, undo_pieces)) !=
	    NULL) {
		TAILQ_REMOVE(&s->cs_undo->un_pieces, up, up_link);
		n += undo_piece(s, up);
		*settings += up->up_isrequest;
		piece_free(s, up);
	}
	ctl_undo_forget(s);
	return n;
}

void
ctl_undo_session(struct ctl_session *s)
{
	struct kern_reqctx rc;
	uint64_t n, settings;

	if (s->cs_undo == NULL)
		return;
	kern_reqctx_enter(&rc, &s->cs_cred);
	n = undo_all(s, &settings);
	kern_reqctx_leave(&rc);
	if (n > 0)
		klog(s->cs_kern, KLOG_NOTICE, "control: a client of uid %u "
		    "went before its change was complete: %llu that it had "
		    "created %s destroyed again", (unsigned)s->cs_cred.kc_uid,
		    (unsigned long long)n, n == 1 ? "was" : "were");
	if (settings > 0)
		klog(s->cs_kern, KLOG_NOTICE, "control: a client of uid %u "
		    "went before its change was complete: its settings are "
		    "as before", (unsigned)s->cs_cred.kc_uid);
}

/* --- operations ----------------------------------------------------------- */

int
ctl_run_begin(struct ctl_session *s, const struct ctl_request *rq)
{

	if (s->cs_undo != NULL)
		return ctl_reply(s, &rq->rq_hdr, EBUSY, "this connection has "
		    "begun a change already; it is completed first");
	s->cs_undo = kmem_zalloc(s->cs_kern, sizeof(*s->cs_undo));
	if (s->cs_undo == NULL)
		return ctl_reply(s, &rq->rq_hdr, ENOMEM, NULL);
	TAILQ_INIT(&s->cs_undo->un_pieces);
	TAILQ_INIT(&s->cs_undo->un_pending);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

static int
reply_none(struct ctl_session *s, const struct ctl_hdr *h)
{

	return ctl_reply(s, h, EINVAL, "this connection has not begun a "
	    "change that could be completed or undone");
}

int
ctl_run_commit(struct ctl_session *s, const struct ctl_request *rq)
{

	if (s->cs_undo == NULL)
		return reply_none(s, &rq->rq_hdr);
	ctl_undo_forget(s);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

int
ctl_run_rollback(struct ctl_session *s, const struct ctl_request *rq)
{
	struct ctl_undone ud;
	uint64_t settings;

	if (s->cs_undo == NULL)
		return reply_none(s, &rq->rq_hdr);
	ud.ud_objects = undo_all(s, &settings);
	return ctl_reply_rec(s, &rq->rq_hdr, 0, &ud, sizeof(ud), NULL, 0);
}
