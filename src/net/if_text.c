/*
 * Texts that a person gives an interface: its description, and its link string.
 */

#include <errno.h>
#include <string.h>

#include "net/if_ext_impl.h"
#include "net/if_ioctl_impl.h"

static int	descr_copy(struct ifnet *, const void *);
static int	linkstr_copy(struct ifnet *, const void *);

/* An empty text is none. */
static const struct if_ext_tenant descr_tenant = {
	.et_id = IF_EXT_DESCR,
	.et_size = IFDESCRSIZE,
	.et_copy = descr_copy,
}, linkstr_tenant = {
	.et_id = IF_EXT_LINKSTR,
	.et_size = IFDESCRSIZE,
	.et_copy = linkstr_copy,
};

static int
text_set(struct ifnet *ifp, const struct if_ext_tenant *et, const char *text)
{
	size_t len = strnlen(text, IFDESCRSIZE);
	char *have;

	if (len == IFDESCRSIZE)
		return kern_refuse(EINVAL, "the text is longer than %d bytes",
		    IFDESCRSIZE - 1);
	if (len == 0 && if_ext_find(ifp, et->et_id) == NULL)
		return 0;
	have = if_ext_get(ifp, et);
	if (have == NULL)
		return ENOMEM;
	memcpy(have, text, len);
	memset(have + len, 0, IFDESCRSIZE - len);
	return 0;
}

static int
descr_copy(struct ifnet *twin, const void *text)
{

	return text_set(twin, &descr_tenant, text);
}

static int
linkstr_copy(struct ifnet *twin, const void *text)
{

	return text_set(twin, &linkstr_tenant, text);
}

static int
text_get(struct ifnet *ifp, enum if_ext_id id, char text[IFDESCRSIZE])
{
	const struct if_ops *ops = ifp->if_ops;
	const char *have = if_ext_find(ifp, id);

	memset(text, 0, IFDESCRSIZE);
	if (have != NULL && have[0] != '\0') {
		memcpy(text, have, IFDESCRSIZE);
		return 0;
	}
	if (id == IF_EXT_LINKSTR && ops->describe != NULL)
		return ops->describe(ifp, text, IFDESCRSIZE);
	return kern_refuse(ENOENT, "%s has no %s", ifp->if_xname,
	    id == IF_EXT_DESCR ? "description" : "link string");
}

int
if_text_ioctl(struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{

	switch (cmd) {
	case SIOCSIFDESCR:
		return text_set(ifp, &descr_tenant, ifr->ifr_text);
	case SIOCSLINKSTR:
		return text_set(ifp, &linkstr_tenant, ifr->ifr_text);
	case SIOCGIFDESCR:
		return text_get(ifp, IF_EXT_DESCR, ifr->ifr_text);
	default:
		return text_get(ifp, IF_EXT_LINKSTR, ifr->ifr_text);
	}
}
