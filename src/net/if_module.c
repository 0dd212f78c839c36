/*
 * Drivers that are files of their own: found, checked, loaded when first asked
 * for, and kept until the stack ends.
 *
 * A module is not unloaded earlier: nothing is gained but memory that the next
 * interface wants back, and a CPU could be anywhere in their code.  With the
 * vnets all gone, so are the interfaces.
 */

#include <ifnet/if_module.h>

#include "net/if_clone_impl.h"

#include <errno.h>
#include <stdio.h>

/* Loaded.  Constant, linked under k_module_lock. */
struct if_module {
	struct if_module *mo_next;
	const struct ifnet_module *mo_im;	/* in it */
	struct host_module *mo_host;
};

/* Letters and digits, a letter first: the name becomes part of a path. */
static bool
name_valid(const char *name, size_t len)
{

	for (size_t i = 0; i < len; i++) {
		if ((name[i] >= 'a' && name[i] <= 'z') ||
		    (name[i] >= 'A' && name[i] <= 'Z'))
			continue;
		if (i == 0 || name[i] < '0' || name[i] > '9')
			return false;
	}
	return len > 0 && len < IFNAMSIZ - 1;
}

/* Why it cannot be used, or NULL. */
static const char *
misfit(const struct ifnet_module *im, const char *name)
{

	if (im == NULL)
		return "it exports no ifnet_module";
	if (im->im_abi != IFNET_MODULE_ABI)
		return "it is made for another version of ifnet";
	if (im->im_ifnet_bytes != sizeof(struct ifnet) ||
	    im->im_mbuf_bytes != sizeof(struct mbuf) ||
	    im->im_ndrops != DROP_NREASONS)
		return "it was compiled with other headers of ifnet";
	if (im->im_name == NULL || strcmp(im->im_name, name) != 0)
		return "it calls itself otherwise than its file";
	if (im->im_cloner == NULL || im->im_cloner->ifc_name == NULL ||
	    strcmp(im->im_cloner->ifc_name, name) != 0 ||
	    im->im_cloner->ifc_create == NULL)
		return "it has no cloner of its name";
	return NULL;
}

static int
check(struct kern *k, const struct ifnet_module *im, const char *name,
    const char *path)
{
	const char *why = misfit(im, name);
	int error;

	if (why != NULL) {
		klog(k, KLOG_ERR, "module %s cannot be used: %s", path, why);
		return kern_refuse(EINVAL, "the module %s cannot be used: %s",
		    path, why);
	}
	error = im->im_init != NULL ? im->im_init(k) : 0;
	if (error == 0)
		return 0;
	klog(k, KLOG_ERR, "module %s: its start failed: %s", path,
	    strerror(error));
	return kern_refuse(error, "the module %s did not start: %s", path,
	    strerror(error));
}

/* Control, k_module_lock. */
static int
load(struct kern *k, const char *name, struct if_module **mop)
{
	struct host *h = k->k_host;
	struct if_module *mo;
	char file[IFNAMSIZ + 3], why[256] = "";
	int error;

	mo = kmem_zalloc(k, sizeof(*mo));
	if (mo == NULL)
		return ENOMEM;
	(void)snprintf(file, sizeof(file), "if_%s", name);
	error = host_module_open(h, file, "ifnet_module", &mo->mo_host, why,
	    sizeof(why));
	if (error != 0) {
		klog(k, error == ENOENT ? KLOG_DEBUG : KLOG_ERR,
		    "module %s cannot be loaded: %s", file, why);
		if (error != ENOENT)
			(void)kern_refuse(error, "the module %s cannot be "
			    "loaded: %s", file, why);
		goto fail;
	}
	mo->mo_im = host_module_sym(h, mo->mo_host, "ifnet_module");
	error = check(k, mo->mo_im, name, why);
	if (error != 0)
		goto fail_close;
	klog(k, KLOG_INFO, "module %s loaded", why);
	*mop = mo;
	return 0;

fail_close:
	host_module_close(h, mo->mo_host);
fail:
	kmem_free(k, mo);
	return error;
}

static void
unload_all(struct kern *k)
{
	struct if_module *mo;

	while ((mo = k->k_modules) != NULL) {
		k->k_modules = mo->mo_next;
		if (mo->mo_im->im_fini != NULL)
			mo->mo_im->im_fini(k);
		/* Deferred work of the module is code in it. */
		kern_defer_barrier(k);
		host_module_close(k->k_host, mo->mo_host);
		kmem_free(k, mo);
	}
}

int
if_module_load(struct vnet *vn, const char *base, size_t len)
{
	struct kern *k = vn->vn_kern;
	struct if_module *mo;
	char name[IFNAMSIZ] = "";
	int error = 0;

	if (!name_valid(base, len))
		return ENOENT;
	memcpy(name, base, len);
	host_mutex_lock(k->k_host, &k->k_module_lock);
	for (mo = k->k_modules; mo != NULL; mo = mo->mo_next)
		if (strcmp(mo->mo_im->im_name, name) == 0)
			break;
	if (mo == NULL) {
		error = load(k, name, &mo);
		if (error == 0) {
			mo->mo_next = k->k_modules;
			k->k_modules = mo;
			k->k_modules_unload = unload_all;
		}
	}
	host_mutex_unlock(k->k_host, &k->k_module_lock);
	return error != 0 ? error : if_clone_attach_locked(vn,
	    mo->mo_im->im_cloner);
}
