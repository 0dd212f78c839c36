/*
 * Loadable modules, for both hosts: found in the directories of
 * $IFNET_MODULES, then in the one that they are installed to.
 */

#include "host/common.h"

#include <sys/stat.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* dlopen()'s handle is ours. */
static int
load(const char *path, struct host_module **mp, char *why, size_t whylen)
{
	struct stat st;
	const char *text;
	void *handle;

	if (stat(path, &st) != 0)
		return ENOENT;
	/* What everybody can write is nobody's word. */
	if (!S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH) != 0) {
		(void)snprintf(why, whylen, "%s: %s", path,
		    S_ISREG(st.st_mode) ? "everybody may write to it" :
		    "not a file");
		return EINVAL;
	}
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		text = dlerror();
		(void)snprintf(why, whylen, "%s", text != NULL ? text : path);
		return EINVAL;
	}
	(void)snprintf(why, whylen, "%s", path);
	*mp = (struct host_module *)handle;
	return 0;
}

/* The first of `dirs', separated by colons, that has it decides. */
static int
load_from(const char *dirs, const char *name, struct host_module **mp,
    char *why, size_t whylen)
{
	char path[PATH_MAX];
	size_t len;
	int error, n;

	for (; *dirs != '\0'; dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		/* Absolute ones only: the daemon's directory means nothing. */
		if (dirs[0] != '/')
			continue;
		n = snprintf(path, sizeof(path), "%.*s/%s.so", (int)len, dirs,
		    name);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		error = load(path, mp, why, whylen);
		if (error != ENOENT)
			return error;
	}
	return ENOENT;
}

int
host_common_module_open(struct host *h, const char *name,
    struct host_module **mp, char *why, size_t whylen)
{
	/* NULL as well in a program that has more rights than its user. */
	const char *dirs = secure_getenv("IFNET_MODULES");
	int error = ENOENT;

	(void)h;
	if (dirs != NULL)
		error = load_from(dirs, name, mp, why, whylen);
	if (error == ENOENT)
		error = load_from(IFNET_MODULEDIR, name, mp, why, whylen);
	if (error == ENOENT)
		(void)snprintf(why, whylen, "no %s.so in %s%s%s", name,
		    dirs != NULL ? dirs : "", dirs != NULL ? " or " : "",
		    IFNET_MODULEDIR);
	return error;
}

const void *
host_common_module_sym(struct host *h, struct host_module *m,
    const char *symbol)
{

	(void)h;
	return dlsym(m, symbol);
}

void
host_common_module_close(struct host *h, struct host_module *m)
{

	(void)h;
	(void)dlclose(m);
}
