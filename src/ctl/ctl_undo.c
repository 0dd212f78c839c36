/*
 * Changes that are made as a whole or not at all.
 *
 * Between CTL_BEGIN and CTL_COMMIT a session notes the interfaces and vnets it
 * creates.  When it ends before CTL_COMMIT, for any reason, they are destroyed
 * again, the last first: a client that is killed leaves nothing.  A note is the
 * interface's handle, so an interface that was destroyed meanwhile is passed
 * over, and a later interface of its name is not touched.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "kern/reqctx.h"
#include "net/if_name_impl.h"

#define NOTES	500

/* The interfaces created in one vnet, in order, and the vnet itself. */
struct undo_piece {
	TAILQ_ENTRY(undo_piece) up_link;
	char		 up_vnet[VNET_NAMESIZE];
	uint32_t	 up_id;		/* of the vnet, whose name may be
					 * reused */
	unsigned	 up_n;
	uint64_t	 up_handle[NOTES]; /* 0: the vnet itself */
};

struct ctl_undo {
	TAILQ_HEAD(undo_pieces, undo_piece) un_pieces;
};

int
ctl_undo_reserve(struct ctl_session *s, const char *vnet, uint32_t id)
{
	struct ctl_undo *un = s->cs_undo;
	struct undo_piece *up;

	if (un == NULL)
		return 0;
	up = TAILQ_LAST(&un->un_pieces, undo_pieces);
	if (up != NULL && up->up_n < NOTES && up->up_id == id &&
	    strcmp(up->up_vnet, vnet) == 0)
		return 0;
	up = kmem_zalloc(s->cs_kern, sizeof(*up));
	if (up == NULL)
		return ENOMEM;
	strncpy(up->up_vnet, vnet, sizeof(up->up_vnet) - 1);
	up->up_id = id;
	TAILQ_INSERT_TAIL(&un->un_pieces, up, up_link);
	return 0;
}

static void
note(struct ctl_session *s, uint32_t id, uint64_t handle)
{
	struct undo_piece *up;

	up = TAILQ_LAST(&s->cs_undo->un_pieces, undo_pieces);
	up->up_id = id;
	up->up_handle[up->up_n++] = handle;
}

void
ctl_undo_note_if(struct ctl_session *s, struct vnet *vn, const char *ifname)
{
	struct psref psref;
	struct ifnet *ifp;
	uint64_t handle;

	if (s->cs_undo == NULL)
		return;
	ifp = if_get(vn, ifname, &psref);
	if (ifp == NULL)
		return;		/* destroyed already */
	handle = ifp->if_handle;
	if_put(ifp, &psref);
	note(s, vn->vn_id, handle);
}

void
ctl_undo_note_vnet(struct ctl_session *s, uint32_t id)
{

	if (s->cs_undo != NULL)
		note(s, id, 0);
}

/* Destroy an interface, by its present name. */
static bool
destroy_if(struct ctl_session *s, struct vnet *vn, uint64_t handle)
{
	struct psref psref;
	struct ifnet *ifp;
	struct ifreq ifr;
	int error;

	do {
		ifp = if_get_byhandle(vn, handle, &psref);
		if (ifp == NULL)
			return false;
		memset(&ifr, 0, sizeof(ifr));
		if_name_copy(ifp, ifr.ifr_name);
		if_put(ifp, &psref);
		error = ifioctl(vn, &s->cs_cred, SIOCIFDESTROY, &ifr,
		    sizeof(ifr));
	} while (error == ENXIO);
	if (error != 0)
		klog(s->cs_kern, KLOG_WARNING, "control: %s was created by a "
		    "change that was not completed, and cannot be destroyed: "
		    "%s", ifr.ifr_name, strerror(error));
	return error == 0;
}

static uint64_t
undo_piece(struct ctl_session *s, const struct undo_piece *up)
{
	struct vnet *vn = vnet_get(s->cs_kern, up->up_vnet);
	uint64_t n = 0;

	if (vn == NULL)
		return 0;
	if (vn->vn_id != up->up_id) {
		vnet_put(vn);
		return 0;
	}
	for (unsigned i = up->up_n; i > 0; i--) {
		if (up->up_handle[i - 1] != 0) {
			n += destroy_if(s, vn, up->up_handle[i - 1]);
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
	struct undo_piece *up;

	if (un == NULL)
		return;
	while ((up = TAILQ_FIRST(&un->un_pieces)) != NULL) {
		TAILQ_REMOVE(&un->un_pieces, up, up_link);
		kmem_free(s->cs_kern, up);
	}
	kmem_free(s->cs_kern, un);
	s->cs_undo = NULL;
}

static uint64_t
undo_all(struct ctl_session *s)
{
	struct undo_piece *up;
	uint64_t n = 0;

	while ((up = TAILQ_LAST(&s->cs_undo->un_pieces, undo_pieces)) !=
	    NULL) {
		TAILQ_REMOVE(&s->cs_undo->un_pieces, up, up_link);
		n += undo_piece(s, up);
		kmem_free(s->cs_kern, up);
	}
	ctl_undo_forget(s);
	return n;
}

void
ctl_undo_session(struct ctl_session *s)
{
	struct kern_reqctx rc;
	uint64_t n;

	if (s->cs_undo == NULL)
		return;
	kern_reqctx_enter(&rc, &s->cs_cred);
	n = undo_all(s);
	kern_reqctx_leave(&rc);
	if (n > 0)
		klog(s->cs_kern, KLOG_NOTICE, "control: a client of uid %u "
		    "went before its change was complete: %llu that it had "
		    "created %s destroyed again", (unsigned)s->cs_cred.kc_uid,
		    (unsigned long long)n, n == 1 ? "was" : "were");
}

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

	if (s->cs_undo == NULL)
		return reply_none(s, &rq->rq_hdr);
	ud.ud_objects = undo_all(s);
	return ctl_reply_rec(s, &rq->rq_hdr, 0, &ud, sizeof(ud), NULL, 0);
}
