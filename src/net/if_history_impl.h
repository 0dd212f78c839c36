/*
 * if_history: what happened to interfaces, and who asked for it.
 */

#ifndef NET_IF_HISTORY_IMPL_H
#define NET_IF_HISTORY_IMPL_H

#include <ifnet/if.h>

/*
 * if_history.c.  Any context, of an attached interface; what it was asked for
 * by is who the thread works for (kern/reqctx.h).
 */
void	if_history_event(struct ifnet *, enum if_history_event, uint32_t old,
	    uint32_t new_);
void	if_history_text(struct ifnet *, enum if_history_event,
	    const char *text);
void	if_history_addr(struct ifnet *, enum if_history_event,
	    const struct ifaddr *);
/* The event is filled in, the rest will be. */
void	if_history_put(struct ifnet *, struct if_history *);
/*
 * Control: call fn with what is known of the interfaces that have the name or
 * had it once ("": of all), the oldest event first.  ESRCH: of none.
 * ENOMEM, or fn's first nonzero value.
 */
int	if_history_get(struct vnet *, const char *name,
	    int (*fn)(const struct if_history *, void *), void *);
/* Control: forget all events. */
void	if_history_clear(struct vnet *);
int	if_history_init(struct vnet *);
void	if_history_fini(struct vnet *);

#endif /* !NET_IF_HISTORY_IMPL_H */
