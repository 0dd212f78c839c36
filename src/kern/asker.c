/*
 * Whose request a thread carries out.
 */

#include "kern/asker.h"

#include <stddef.h>

#include "host/host.h"

const struct kauth_cred *
kern_asker(void)
{

	return host_curthread == NULL ? NULL : host_curthread->ht_asker;
}

const struct kauth_cred *
kern_asker_set(const struct kauth_cred *cred)
{
	const struct kauth_cred *old = kern_asker();

	if (host_curthread != NULL)
		host_curthread->ht_asker = cred;
	return old;
}
