/*
 * Loadable modules, for both hosts: searched in the directories of
 * $IFNET_MODULES, then in the directory that modules are installed to.
 *
 * Loading a file runs its constructors, so its owner and its contents are
 * checked before.
 */

#include "host/common.h"
#include "host/trust.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __SIZEOF_POINTER__ == 8
#define ELF_CLASS	ELFCLASS64
typedef Elf64_Ehdr elf_ehdr;
typedef Elf64_Shdr elf_shdr;
typedef Elf64_Sym elf_sym;
#else
#define ELF_CLASS	ELFCLASS32
typedef Elf32_Ehdr elf_ehdr;
typedef Elf32_Shdr elf_shdr;
typedef Elf32_Sym elf_sym;
#endif

/* A file in memory. */
struct image {
	const uint8_t	*im_base;
	size_t		 im_len;
};

static const void *
part(const struct image *im, uint64_t from, uint64_t n, size_t size)
{

	if (from > im->im_len || from % 4 != 0 ||
	    n > (im->im_len - from) / size)
		return NULL;
	return im->im_base + from;
}

/* Does the file's dynamic symbol table define the symbol? */
static bool
table_has(const struct image *im, const elf_shdr *table, const elf_shdr *strs,
    const char *symbol)
{
	const elf_sym *sym;
	const char *names;
	size_t i, len = strlen(symbol) + 1;

	sym = part(im, table->sh_offset, table->sh_size / sizeof(*sym),
	    sizeof(*sym));
	if (sym == NULL || strs->sh_offset > im->im_len ||
	    strs->sh_size > im->im_len - strs->sh_offset)
		return false;
	names = (const char *)im->im_base + strs->sh_offset;
	for (i = 0; i < table->sh_size / sizeof(*sym); i++) {
		if (sym[i].st_shndx != SHN_UNDEF &&
		    sym[i].st_name < strs->sh_size &&
		    strs->sh_size - sym[i].st_name >= len &&
		    memcmp(names + sym[i].st_name, symbol, len) == 0)
			return true;
	}
	return false;
}

/*
 * Is the file a shared object of this machine that defines the symbol?  Returns
 * NULL, or a text that says what the file is instead.  The layout is that of
 * elf(5).
 */
static const char *
look_at(const struct image *im, const char *symbol)
{
	const elf_ehdr *eh = part(im, 0, 1, sizeof(*eh));
	const elf_shdr *sh;
	unsigned i;

	/* dlopen() checks the file's machine before it runs any of its code. */
	if (eh == NULL || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_ident[EI_CLASS] != ELF_CLASS || eh->e_type != ET_DYN ||
	    eh->e_shentsize != sizeof(*sh))
		return "not a shared object of this machine";
	sh = part(im, eh->e_shoff, eh->e_shnum, sizeof(*sh));
	if (sh == NULL)
		return "cut short";
	for (i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type == SHT_DYNSYM &&
		    sh[i].sh_link < eh->e_shnum &&
		    table_has(im, &sh[i], &sh[sh[i].sh_link], symbol))
			return NULL;
	}
	return "no driver";
}

/* look_at() for a file.  EINVAL, or an errno of open(2) or mmap(2). */
static int
look_into(const char *path, const char *symbol, char *why, size_t whylen)
{
	const char *wrong = NULL;
	struct image im;
	struct stat st;
	void *map;
	int error = 0, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) != 0) {
		error = errno;
	} else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
		wrong = "not a file with anything in it";
	} else {
		im.im_len = (size_t)st.st_size;
		map = mmap(NULL, im.im_len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED) {
			error = errno;
		} else {
			im.im_base = map;
			wrong = look_at(&im, symbol);
			(void)munmap(map, im.im_len);
		}
	}
	if (fd != -1)
		close(fd);
	if (error != 0)
		(void)snprintf(why, whylen, "%s: %s", path, strerror(error));
	if (wrong == NULL)
		return error;
	(void)snprintf(why, whylen, "%s: %s: it exports no %s", path, wrong,
	    symbol);
	return EINVAL;
}

/* A module is dlopen()'s handle. */
static int
load(const char *path, const char *symbol, struct host_module **mp, char *why,
    size_t whylen)
{
	struct stat st;
	const char *text;
	void *handle;
	int error;

	if (stat(path, &st) != 0)
		return ENOENT;
	error = trust_file(path, why, whylen);
	if (error == 0)
		error = look_into(path, symbol, why, whylen);
	if (error != 0)
		return error == ENOMEM ? ENOMEM : EINVAL;
	/* Only users that trust_file() trusts could have exchanged the file
	 * since it was checked. */
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

/* Try the directories in `dirs', separated by colons; the first one that has
 * the file decides. */
static int
load_from(const char *dirs, const char *name, const char *symbol,
    struct host_module **mp, char *why, size_t whylen)
{
	char path[PATH_MAX];
	size_t len;
	int error, n;

	for (; *dirs != '\0'; dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		/* Only absolute paths count: the daemon's working directory has
		 * no meaning. */
		if (dirs[0] != '/')
			continue;
		n = snprintf(path, sizeof(path), "%.*s/%s.so", (int)len, dirs,
		    name);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		error = load(path, symbol, mp, why, whylen);
		if (error != ENOENT)
			return error;
	}
	return ENOENT;
}

int
host_common_module_open(struct host *h, const char *name, const char *symbol,
    struct host_module **mp, char *why, size_t whylen)
{
	/* secure_getenv() is NULL in a program that has more rights than its
	 * user. */
	const char *dirs = secure_getenv("IFNET_MODULES");
	int error = ENOENT;

	(void)h;
	if (dirs != NULL)
		error = load_from(dirs, name, symbol, mp, why, whylen);
	if (error == ENOENT)
		error = load_from(IFNET_MODULEDIR, name, symbol, mp, why,
		    whylen);
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
