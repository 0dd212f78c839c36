/*
 * handover: a descriptor that came with a request, while the request is
 * carried out on this thread.  The driver that wants it takes it; whoever
 * put it there closes it otherwise.
 */

#ifndef KERN_HANDOVER_H
#define KERN_HANDOVER_H

/* Control.  -1: none, or taken already. */
int	kern_handover_take(void);
void	kern_handover_set(int fd);

#endif /* !KERN_HANDOVER_H */
