/*
 * Changes that are made as a whole or not at all.
 *
 * Between CTL_BEGIN and CTL_COMMIT a session notes the interfaces and vnets it
 * creates, and for every other request the requests that make things again
 * as they were (ctl_inverse.c, ctl_undo_step.c).  When it ends before
 * CTL_COMMIT, for any reason, all of it is undone, the last first: a client
 * that is killed leaves nothing.  A note has the interface's handle, so an
 * interface that has been destroyed meanwhile is passed over, and a successor
 * of its name is not touched.
 *
 * Interfaces that the change destroys are noted as well, and destroyed by
 * CTL_COMMIT.  A request that cannot be undone is refused.
 */

#include "ctl/ctl_undo_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/reqctx.h"
#include "net/if_name_impl.h"
#include "proto/proto_ioctl.h"

/* Places for created interfaces in the first piece of a vnet, and in those
 * that follow it. */
#define NOTES_FIRST	8
#define NOTES_MORE	500

static size_t
piece_size(enum undo_kind kind, unsigned room)
{
	const struct undo_piece *up = NULL;

	switch (kind) {
	case UNDO_CREATED:
		return offsetof(struct undo_piece, up_u) +
		    room * sizeof(up->up_u.handle[0]);
	case UNDO_IOCTL:
	case UNDO_DESTROY:
		return offsetof(struct undo_piece, up_u) +
		    sizeof(up->up_u.request);
	default:
		return offsetof(struct undo_piece, up_u) +
		    offsetof(struct undo_step, us_data) + room;
	}
}

int
undo_piece_alloc(struct ctl_session *s, const char *vnet, uint32_t id,
    enum undo_kind kind, unsigned room, struct undo_piece **upp)
{
	const size_t size = piece_size(kind, room);
	struct ctl_undo *un = s->cs_undo;
	struct undo_piece *up;
	int error;

	if (un->un_bytes + size > CTL_UNDO_BYTES)
		return kern_refuse(ENOBUFS, "the change is too large: to undo "
		    "it would take more than %u MiB (commit it in parts)",
		    CTL_UNDO_BYTES >> 20);
	error = ctl_bytes_charge(s, size);
	if (error != 0)
		return error;
	up = kmem_zalloc(s->cs_kern, size);
	if (up == NULL) {
		ctl_bytes_release(s, size);
		return kern_refuse(ENOMEM, "no memory to note how the request "
		    "is undone");
	}
	un->un_bytes += size;
	up->up_size = size;
	(void)snprintf(up->up_vnet, sizeof(up->up_vnet), "%s", vnet);
	up->up_id = id;
	up->up_kind = kind;
	up->up_room = room;
	*upp = up;
	return 0;
}

static void
piece_free(struct ctl_session *s, struct undo_piece *up)
{
	const size_t size = up->up_size;

	s->cs_undo->un_bytes -= size;
	kmem_free(s->cs_kern, up);
	ctl_bytes_release(s, size);
}

int
ctl_undo_refuse(struct ctl_session *s, const struct ctl_request *rq,
    const char *what)
{

	return ctl_reply(s, &rq->rq_hdr, EOPNOTSUPP, "%s cannot be undone, so "
	    "it is no part of a change that is made whole or not at all "
	    "(do it by itself)", what);
}

/* --- noting --------------------------------------------------------------- */

int
ctl_undo_reserve(struct ctl_session *s, const char *vnet, uint32_t id)
{
	struct ctl_undo *un = s->cs_undo;
	unsigned room = NOTES_FIRST;
	struct undo_piece *up;
	int error;

	if (un == NULL)
		return 0;
	up = TAILQ_LAST(&un->un_pieces, undo_pieces);
	if (up != NULL && up->up_kind == UNDO_CREATED && up->up_id == id &&
	    strcmp(up->up_vnet, vnet) == 0) {
		if (up->up_n < up->up_room)
			return 0;
		room = NOTES_MORE;
	}
	/* A place reserved for a creation that was refused is used again. */
	if (up != NULL && up->up_kind == UNDO_CREATED && up->up_n == 0) {
		(void)snprintf(up->up_vnet, sizeof(up->up_vnet), "%s", vnet);
		up->up_id = id;
		return 0;
	}
	error = undo_piece_alloc(s, vnet, id, UNDO_CREATED, room, &up);
	if (error != 0)
		return error;
	TAILQ_INSERT_TAIL(&un->un_pieces, up, up_link);
	TAILQ_INSERT_TAIL(&un->un_created, up, up_created);
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

	if (up->up_id != id || up->up_n == 0 ||
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
	if (up != NULL && (up = TAILQ_NEXT(up, up_created)) != NULL &&
	    piece_has(up, id, handle)) {
		un->un_near = up;
		return true;
	}
	TAILQ_FOREACH(up, &un->un_created, up_created) {
		if (piece_has(up, id, handle)) {
			un->un_near = up;
			return true;
		}
	}
	return false;
}

bool
ctl_undo_has_created(struct ctl_session *s, struct vnet *vn,
    const char *ifname)
{
	uint64_t handle;

	if (s->cs_undo == NULL)
		return false;
	handle = handle_of(vn, ifname);
	return handle != 0 && is_created(s->cs_undo, vn->vn_id, handle);
}

bool
ctl_undo_has_vnet(struct ctl_session *s, uint32_t id)
{
	const struct undo_piece *up;

	TAILQ_FOREACH(up, &s->cs_undo->un_created, up_created)
		if (up->up_id == id && up->up_n > 0 &&
		    up->up_u.handle[0] == 0)
			return true;
	return false;
}

static int
prepare_inverse(struct ctl_session *s, struct vnet *vn, unsigned long cmd,
    const union ctl_if_record *r, uint64_t handle)
{
	struct ctl_inverse inverse[CTL_INVERSE_MAX];
	struct undo_piece *up;
	unsigned n;
	int error;

	if (!ctl_inverse(s, vn, cmd, r, inverse, &n))
		return kern_refuse(EOPNOTSUPP, "%s cannot be undone, so it is "
		    "no part of a change that is made whole or not at all (do "
		    "it by itself)", request_find(REQUEST_IOCTL, cmd) != NULL ?
		    request_find(REQUEST_IOCTL, cmd)->rq_name :
		    "a request that only a driver knows");
	for (unsigned i = 0; i < n; i++) {
		error = undo_piece_alloc(s, vn->vn_name, vn->vn_id,
		    UNDO_IOCTL, 0, &up);
		if (error != 0) {
			ctl_undo_cancel(s);
			return error;
		}
		up->up_u.request.ur_handle = handle;
		up->up_u.request.ur_inverse = inverse[i];
		TAILQ_INSERT_TAIL(&s->cs_undo->un_pending, up, up_link);
	}
	return 0;
}

/* Does the request change the interface that its record names? */
static bool
is_change(unsigned long cmd)
{

	switch (request_action(REQUEST_IOCTL, cmd)) {
	case KAUTH_INTERFACE_GET:
	case KAUTH_INTERFACE_GETPRIV:
	case KAUTH_NOBODY:
		return false;
	default:
		return true;
	}
}

int
ctl_undo_prepare(struct ctl_session *s, struct vnet *vn, unsigned long cmd,
    const void *record, size_t len, bool *created)
{
	struct ctl_undo *un = s->cs_undo;
	char name[IFNAMSIZ + 1] = "";
	union ctl_if_record r;
	uint64_t handle;

	*created = false;
	if (un == NULL || len < IFNAMSIZ || !is_change(cmd))
		return 0;
	/* The caller's rights are judged by the request itself. */
	if (kauth_authorize(s->cs_kern, &s->cs_cred,
	    request_action(REQUEST_IOCTL, cmd)) != 0)
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
	return prepare_inverse(s, vn, cmd, &r, handle);
}

bool
ctl_undo_destroys(struct ctl_session *s, struct vnet *vn, const char *ifname,
    int *error)
{
	uint64_t handle = handle_of(vn, ifname);
	struct undo_piece *up;

	*error = 0;
	if (s->cs_undo == NULL || handle == 0 ||
	    is_created(s->cs_undo, vn->vn_id, handle))
		return false;
	*error = undo_piece_alloc(s, vn->vn_name, vn->vn_id, UNDO_DESTROY, 0,
	    &up);
	if (*error == 0) {
		up->up_u.request.ur_handle = handle;
		TAILQ_INSERT_TAIL(&s->cs_undo->un_destroy, up, up_link);
	}
	return true;
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
		if (up->up_kind == UNDO_IOCTL && up->up_id == vn->vn_id &&
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
	/* Its time can have run out, and not every address brings one along. */
	if (error == EADDRNOTAVAIL && cmd == SIOCDIFADDR_IN6)
		return;
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

/* Destroy an interface that the present request attached. */
static void
unmake(struct ctl_session *s, const struct kern_made *km)
{
	struct vnet *vn = vnet_get(s->cs_kern, km->km_vnet);

	if (vn == NULL)
		return;
	if (vn->vn_id == km->km_vnet_id)
		(void)destroy_if(s, vn, km->km_handle);
	vnet_put(vn);
}

int
ctl_undo_note_made(struct ctl_session *s)
{
	const struct kern_reqctx *rc = kern_reqctx();
	const unsigned n = rc->rc_nmade < KERN_MADE_MAX ? rc->rc_nmade :
	    KERN_MADE_MAX;
	const struct kern_made *km;
	int error = 0;

	if (s->cs_undo == NULL)
		return 0;
	for (unsigned i = 0; error == 0 && i < n; i++) {
		km = &rc->rc_made[i];
		error = ctl_undo_reserve(s, km->km_vnet, km->km_vnet_id);
		if (error == 0)
			note(s, km->km_vnet_id, km->km_handle);
	}
	for (unsigned i = 0; error != 0 && i < n; i++)
		unmake(s, &rc->rc_made[i]);
	return error;
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
	if (up->up_kind == UNDO_IOCTL)
		undo_request(s, vn, &up->up_u.request);
	else if (up->up_kind != UNDO_CREATED)
		undo_step(s, vn, up);
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
	free_pieces(s, &un->un_destroy);
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
		*settings += up->up_kind != UNDO_CREATED;
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
	TAILQ_INIT(&s->cs_undo->un_created);
	TAILQ_INIT(&s->cs_undo->un_destroy);
	return ctl_reply(s, &rq->rq_hdr, 0, NULL);
}

static int
reply_none(struct ctl_session *s, const struct ctl_hdr *h)
{

	return ctl_reply(s, h, EINVAL, "this connection has not begun a "
	    "change that could be completed or undone");
}

/*
 * Destroy the interfaces that the change destroys.  0, or the errno; *done: the
 * number destroyed by then, which do not come back.
 */
static int
destroy_noted(struct ctl_session *s, char name[IFNAMSIZ], unsigned *done)
{
	struct undo_piece *up;
	struct ifreq ifr;
	struct vnet *vn;
	int error = 0;

	*done = 0;
	kern_reqctx()->rc_error = 0;
	while (error == 0 &&
	    (up = TAILQ_FIRST(&s->cs_undo->un_destroy)) != NULL) {
		memset(&ifr, 0, sizeof(ifr));
		vn = vnet_get(s->cs_kern, up->up_vnet);
		if (vn != NULL && vn->vn_id == up->up_id &&
		    name_of(vn, up->up_u.request.ur_handle, ifr.ifr_name)) {
			error = ifioctl(vn, &s->cs_cred, SIOCIFDESTROY, &ifr,
			    sizeof(ifr));
			memcpy(name, ifr.ifr_name, IFNAMSIZ);
			if (error == ENXIO)	/* destroyed meanwhile */
				error = 0;
			else if (error == 0 && ++*done > 0)
				ctl_log_done(s, vn, SIOCIFDESTROY, &ifr,
				    sizeof(ifr));
		}
		if (vn != NULL)
			vnet_put(vn);
		if (error != 0)
			break;
		TAILQ_REMOVE(&s->cs_undo->un_destroy, up, up_link);
		piece_free(s, up);
	}
	return error;
}

/* An interface could not be destroyed: nothing of the change is done, or, when
 * others are destroyed already, all the rest of it. */
static int
refuse_commit(struct ctl_session *s, const struct ctl_hdr *h, int error,
    const char *name, unsigned done)
{
	struct kern_reqctx *rc = kern_reqctx();
	char why[KERN_REASON_MAX];
	uint64_t settings;

	(void)snprintf(why, sizeof(why), "%s", rc->rc_error == error ?
	    rc->rc_reason : strerror(error));
	if (done == 0)
		(void)undo_all(s, &settings);
	else
		ctl_undo_forget(s);
	/* Undoing makes requests, whose reasons would take the place of the
	 * words here. */
	rc->rc_error = 0;
	if (done == 0)
		return ctl_reply(s, h, error, "%s cannot be destroyed: %s; "
		    "nothing of the change is done", name, why);
	return ctl_reply(s, h, error, "%s cannot be destroyed: %s; the rest "
	    "of the change is done, since %u other interface%s destroyed by "
	    "then", name, why, done, done == 1 ? " was" : "s were");
}

int
ctl_run_commit(struct ctl_session *s, const struct ctl_request *rq)
{
	char name[IFNAMSIZ] = "";
	unsigned done;
	int error;

	if (s->cs_undo == NULL)
		return reply_none(s, &rq->rq_hdr);
	error = destroy_noted(s, name, &done);
	if (error != 0)
		return refuse_commit(s, &rq->rq_hdr, error, name, done);
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
