/*
 * asker: whose request this thread carries out, for the record (who may ask
 * is kauth's to judge).
 */

#ifndef KERN_ASKER_H
#define KERN_ASKER_H

#include <ifnet/kauth.h>

/* Any: NULL when nobody asked: the stack does it by itself. */
const struct kauth_cred *kern_asker(void);
/* Control: from here on it is cred's; returns whose it was, to be put back. */
const struct kauth_cred *kern_asker_set(const struct kauth_cred *cred);

#endif /* !KERN_ASKER_H */
