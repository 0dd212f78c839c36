/*
 * reqctx: the request that a thread carries out: who asked, in which words,
 * what came with it, and why it is refused.
 *
 * The entry of a request (a client's session, ifioctl()) makes a context in its
 * own stack frame and enters it; what is called from there finds it by the
 * thread.  An inner context can be entered for work done in another name; the
 * descriptor, the words and the reason are those of the outermost.  Who may ask
 * is judged by kauth and not here.
 */

#ifndef KERN_REQCTX_H
#define KERN_REQCTX_H

#include <ifnet/kauth.h>
#include <ifnet/kern.h>

#define KERN_REASON_MAX	256

/* The thread's own, which alone reads and writes it. */
struct kern_reqctx {
	struct kern_reqctx *rc_outer;
	const struct kauth_cred *rc_cred;	/* user, groups, process */
	const char	*rc_text;	/* the command, when known, or NULL */
	int		 rc_fd;		/* handed over, not taken yet; or -1 */
	int		 rc_error;	/* what rc_reason is about; 0: none */
	char		 rc_reason[KERN_REASON_MAX];
};

/*
 * Control: from here to the leave the thread works for cred.  The rest of the
 * context is empty, and can be set by the caller, who also closes a descriptor
 * that is left in it at the end.
 */
void	kern_reqctx_enter(struct kern_reqctx *, const struct kauth_cred *cred);
void	kern_reqctx_leave(struct kern_reqctx *);

/* Any: the outermost context of the thread; NULL: it carries out no request,
 * the stack works by itself. */
struct kern_reqctx *kern_reqctx(void);
/* Any: who asked; NULL: nobody did. */
const struct kauth_cred *kern_asker(void);
/* Control: take the descriptor that was handed over; -1: there is none, or it
 * was taken before. */
int	kern_reqctx_take_fd(void);

#endif /* !KERN_REQCTX_H */
