/*
 * reqctx: the request that a thread carries out: its credentials, its text, the
 * descriptor that came with it, and the reason if it is refused.
 *
 * The entry of a request (a client's session, ifioctl()) makes a context in its
 * own stack frame and enters it; functions called from there find it through
 * the thread.  An inner context can be entered for work done with other
 * credentials; the descriptor, the words and the reason are those of the
 * outermost.  Permissions are judged by kauth and not here.
 */

#ifndef KERN_REQCTX_H
#define KERN_REQCTX_H

#include <ifnet/kauth.h>
#include <ifnet/kern.h>

#include "kern/vnet.h"

#define KERN_REASON_MAX	256
/* The interfaces that one request attaches: a driver's create may make another
 * beside its own, as the far end of a pair. */
#define KERN_MADE_MAX	4

/* An interface that the request attached. */
struct kern_made {
	char		 km_vnet[VNET_NAMESIZE];
	uint32_t	 km_vnet_id;
	uint64_t	 km_handle;
};

/* A context; only its own thread reads and writes it. */
struct kern_reqctx {
	struct kern_reqctx *rc_outer;
	const struct kauth_cred *rc_cred;	/* user, groups, process */
	const char	*rc_text;	/* the command, when known, or NULL */
	int		 rc_fd;		/* handed over, not taken yet; or -1 */
	int		 rc_error;	/* errno of rc_reason; 0: none */
	char		 rc_reason[KERN_REASON_MAX];
	unsigned	 rc_nmade;	/* attached; the first of them: */
	struct kern_made rc_made[KERN_MADE_MAX];
};

/*
 * Control: from here to kern_reqctx_leave() the thread works for cred.  The
 * other fields begin empty and can be set by the caller, which closes a
 * descriptor that is still there at the end.
 */
void	kern_reqctx_enter(struct kern_reqctx *, const struct kauth_cred *cred);
void	kern_reqctx_leave(struct kern_reqctx *);

/* Any: the outermost context of the thread; NULL: it carries out no request,
 * the stack works by itself. */
struct kern_reqctx *kern_reqctx(void);
/* Control: an interface of the vnet, with this handle, is attached; kept for
 * the request of the thread, if it carries one out. */
void	kern_reqctx_made(const struct vnet *, uint64_t handle);
/* Any: the credentials of the request; NULL: the thread carries out none. */
const struct kauth_cred *kern_asker(void);
/* Control: take the descriptor that was handed over; -1: there is none, or it
 * was taken before. */
int	kern_reqctx_take_fd(void);

#endif /* !KERN_REQCTX_H */
