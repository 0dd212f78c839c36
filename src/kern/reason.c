/*
 * Why a request is refused.
 */

#include "kern/reason.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "host/host.h"

int
kern_refuse(int error, const char *fmt, ...)
{
	struct kern_reason *kr;
	va_list ap;

	kr = host_curthread == NULL ? NULL : host_curthread->ht_reason;
	if (kr == NULL)
		return error;
	kr->kr_error = error;
	va_start(ap, fmt);
	(void)vsnprintf(kr->kr_text, sizeof(kr->kr_text), fmt, ap);
	va_end(ap);
	return error;
}

struct kern_reason *
kern_reason_set(struct kern_reason *kr)
{
	struct kern_reason *old;

	if (host_curthread == NULL)
		return NULL;
	old = host_curthread->ht_reason;
	host_curthread->ht_reason = kr;
	return old;
}
