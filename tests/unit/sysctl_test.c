/*
 * sysctl_test: settings and readings by name, by the private headers.
 */

#include "sysctl_test.h"

#include <errno.h>
#include <string.h>

#include <ifnet/kern.h>

#include "kern/reqctx.h"
#include "kern/sysctl.h"

int
test_sysctl_set_as(struct vnet *vn, const struct kauth_cred *cred,
    const char *name, int64_t v)
{

	return sysctl_request(vn, cred, name, NULL, NULL, &v, sizeof(v), NULL,
	    NULL);
}

int
test_sysctl_set(struct vnet *vn, const char *name, int64_t v)
{

	return test_sysctl_set_as(vn, &kauth_cred_self, name, v);
}

int
test_sysctl_get_as(struct vnet *vn, const struct kauth_cred *cred,
    const char *name, uint64_t *v)
{
	size_t len = sizeof(*v);
	int error;

	error = sysctl_request(vn, cred, name, v, &len, NULL, 0, NULL, NULL);
	KASSERT(error != 0 || len == sizeof(*v));
	return error;
}

uint64_t
test_sysctl(struct vnet *vn, const char *name)
{
	uint64_t v;

	KASSERT(test_sysctl_get_as(vn, &kauth_cred_self, name, &v) == 0);
	return v;
}

void
test_sysctl_text(struct vnet *vn, const char *name, char *text)
{
	size_t len = SYSCTL_STRSIZE;

	KASSERT(sysctl_request(vn, &kauth_cred_self, name, text, &len, NULL, 0,
	    NULL, NULL) == 0);
}

bool
test_sysctl_described(struct vnet *vn, const char *name)
{

	return sysctl_descr(vn, name) != NULL;
}

unsigned
test_sysctl_below(struct vnet *vn, const struct kauth_cred *cred,
    const char *prefix)
{
	char name[SYSCTL_NAMESIZE];
	size_t len = strlen(prefix);
	struct kern_reqctx rc;
	unsigned n = 0;

	KASSERT(len < sizeof(name));
	strcpy(name, prefix);
	kern_reqctx_enter(&rc, cred);
	while (sysctl_next(vn, name, name) == 0)
		n += strncmp(name, prefix, len) == 0 && name[len] == '.';
	kern_reqctx_leave(&rc);
	return n;
}

unsigned
test_sysctl_read_all(struct vnet *vn)
{
	char name[SYSCTL_NAMESIZE] = "", next[SYSCTL_NAMESIZE];
	uint8_t value[SYSCTL_STRSIZE];
	unsigned n = 0;
	size_t len;
	int error;

	for (; sysctl_next(vn, name, next) == 0; n++) {
		len = sizeof(value);
		error = sysctl_request(vn, &kauth_cred_self, next, value, &len,
		    NULL, 0, NULL, NULL);
		/* The setting may have gone since. */
		KASSERT(error == 0 || error == ENOENT || error == ENOMEM ||
		    error == EACCES);
		memcpy(name, next, sizeof(name));
	}
	return n;
}

bool
test_sysctl_is_int(unsigned type)
{

	return type == SYSCTL_INT;
}
