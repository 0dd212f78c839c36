/*
 * if_klog: lines of the log about an interface.
 */

#include <stdarg.h>
#include <stdio.h>

#include "net/if_vnet_impl.h"

void
if_klog(const struct ifnet *ifp, int level, const char *fmt, ...)
{
	const struct vnet *vn = ifp->if_vnet;
	/* The vnet made first is the one that a client means who names none. */
	bool named = vn->vn_id != VNET_ID_FIRST;
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	klog(vn->vn_kern, level, "%s%s%s: %s", named ? vn->vn_name : "",
	    named ? ": " : "", ifp->if_xname, text);
}
