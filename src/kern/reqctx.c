/*
 * The request that the calling thread carries out.
 */

#include "kern/reqctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"

static struct kern_reqctx *
innermost(void)
{

	return host_curthread == NULL ? NULL : host_curthread->ht_reqctx;
}

void
kern_reqctx_enter(struct kern_reqctx *rc, const struct kauth_cred *cred)
{

	/* rc_made has rc_nmade elements, and rc_reason a text if rc_error is
	 * set: neither is cleared for every request. */
	rc->rc_outer = innermost();
	rc->rc_cred = cred;
	rc->rc_text = NULL;
	rc->rc_fd = -1;
	rc->rc_error = 0;
	rc->rc_reason[0] = '\0';
	rc->rc_nmade = 0;
	if (host_curthread != NULL)
		host_curthread->ht_reqctx = rc;
}

void
kern_reqctx_leave(struct kern_reqctx *rc)
{

	if (host_curthread == NULL)
		return;
	KASSERT(host_curthread->ht_reqctx == rc);
	host_curthread->ht_reqctx = rc->rc_outer;
}

struct kern_reqctx *
kern_reqctx(void)
{
	struct kern_reqctx *rc = innermost();

	while (rc != NULL && rc->rc_outer != NULL)
		rc = rc->rc_outer;
	return rc;
}

const struct kauth_cred *
kern_asker(void)
{
	const struct kern_reqctx *rc = innermost();

	return rc == NULL ? NULL : rc->rc_cred;
}

int
kern_reqctx_take_fd(void)
{
	struct kern_reqctx *rc = kern_reqctx();
	int fd;

	if (rc == NULL)
		return -1;
	fd = rc->rc_fd;
	rc->rc_fd = -1;
	return fd;
}

void
kern_reqctx_made(const struct vnet *vn, uint64_t handle)
{
	struct kern_reqctx *rc = kern_reqctx();
	struct kern_made *km;

	if (rc == NULL)
		return;
	if (rc->rc_nmade < KERN_MADE_MAX) {
		km = &rc->rc_made[rc->rc_nmade];
		memcpy(km->km_vnet, vn->vn_name, sizeof(km->km_vnet));
		km->km_vnet_id = vn->vn_id;
		km->km_handle = handle;
	}
	rc->rc_nmade++;
}

int
kern_refuse(int error, const char *fmt, ...)
{
	struct kern_reqctx *rc = kern_reqctx();
	va_list ap;

	if (rc == NULL)
		return error;
	rc->rc_error = error;
	va_start(ap, fmt);
	(void)vsnprintf(rc->rc_reason, sizeof(rc->rc_reason), fmt, ap);
	va_end(ap);
	return error;
}
