/*
 * What few interfaces have: a description, a link string, a counter base, a
 * watchdog.  Made when first needed.
 */

#include "net/if_impl.h"

#include <errno.h>

struct if_ext *
if_ext_get(struct ifnet *ifp)
{
	struct if_ext *ie;

	if (ifp->if_ext == NULL) {
		ie = kmem_zalloc(if_kern(ifp), sizeof(*ie));
		__atomic_store_n(&ifp->if_ext, ie, __ATOMIC_RELEASE);
	}
	return ifp->if_ext;
}

void
if_ext_free(struct ifnet *ifp)
{
	struct kern *k = if_kern(ifp);

	if (ifp->if_ext == NULL)
		return;
	kmem_free(k, ifp->if_ext->ie_descr);
	kmem_free(k, ifp->if_ext->ie_linkstr);
	kmem_free(k, ifp->if_ext->ie_base);
	kmem_free(k, ifp->if_ext->ie_dstart);
	kmem_free(k, ifp->if_ext);
	ifp->if_ext = NULL;
}

/* Replace a text; an empty one is none. */
static int
text_set(struct ifnet *ifp, bool descr, const char *text)
{
	struct kern *k = if_kern(ifp);
	struct if_ext *ie;
	char *copy = NULL, **slot;

	if (strnlen(text, IFDESCRSIZE) == IFDESCRSIZE)
		return EINVAL;
	ie = if_ext_get(ifp);
	if (ie == NULL)
		return ENOMEM;
	if (text[0] != '\0') {
		copy = kmem_zalloc(k, IFDESCRSIZE);
		if (copy == NULL)
			return ENOMEM;
		memcpy(copy, text, strlen(text));
	}
	slot = descr ? &ie->ie_descr : &ie->ie_linkstr;
	kmem_free(k, *slot);
	*slot = copy;
	return 0;
}

int
if_ext_copy(struct ifnet *ifp, struct ifnet *from)
{
	const struct if_ext *ie = from->if_ext;
	int error = 0;

	if (ie == NULL)
		return 0;
	if (ie->ie_descr != NULL)
		error = text_set(ifp, true, ie->ie_descr);
	if (error == 0 && ie->ie_linkstr != NULL)
		error = text_set(ifp, false, ie->ie_linkstr);
	if (error == 0 && ie->ie_holddown != 0) {
		if_ioctl_lock(ifp);
		error = if_link_set_holddown(ifp, ie->ie_holddown);
		if_ioctl_unlock(ifp);
	}
	if (error == 0 && (ie->ie_second != NULL || ie->ie_dstart != NULL))
		error = ifq_copy(ifp, from);
	return error;
}

static int
text_get(struct ifnet *ifp, bool descr, char text[IFDESCRSIZE])
{
	const struct if_ops *ops = ifp->if_ops;
	const char *have = NULL;

	if (ifp->if_ext != NULL)
		have = descr ? ifp->if_ext->ie_descr :
		    ifp->if_ext->ie_linkstr;
	memset(text, 0, IFDESCRSIZE);
	if (have != NULL) {
		memcpy(text, have, IFDESCRSIZE);
		return 0;
	}
	if (!descr && ops->describe != NULL)
		return ops->describe(ifp, text, IFDESCRSIZE);
	return ENOENT;
}

int
if_text_ioctl(struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{

	switch (cmd) {
	case SIOCSIFDESCR:
		return text_set(ifp, true, ifr->ifr_text);
	case SIOCSLINKSTR:
		return text_set(ifp, false, ifr->ifr_text);
	case SIOCGIFDESCR:
		return text_get(ifp, true, ifr->ifr_text);
	default:
		return text_get(ifp, false, ifr->ifr_text);
	}
}
