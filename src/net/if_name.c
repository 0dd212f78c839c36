/*
 * Names: the name table, lookups by name with and without a reference, and
 * what a name may look like.
 */

#include "net/if_impl.h"

#include <errno.h>
#include <limits.h>

/* A name as two words, zeroes behind it, as if_xname is. */
struct name_key {
	uint64_t	 nk_w[IFNAMSIZ / 8];
};

_Static_assert(sizeof(struct name_key) == IFNAMSIZ, "a name is two words");

/* false: too long to be a name. */
static bool
name_key(const char *name, struct name_key *nk)
{
	uint64_t w[2] = { 0, 0 };
	unsigned i;

	for (i = 0; i < IFNAMSIZ && name[i] != '\0'; i++)
		w[i / 8] |= (uint64_t)(uint8_t)name[i] << (i % 8 * 8);
	nk->nk_w[0] = w[0];
	nk->nk_w[1] = w[1];
	return i < IFNAMSIZ;
}

static uint32_t
key_hash(const struct name_key *nk)
{

	return khash_u64(nk->nk_w[0] ^ nk->nk_w[1] * 0x9e3779b97f4a7c15ULL);
}

static uint32_t
name_hash(const struct ifnet *ifp)
{
	struct name_key nk;

	(void)name_key(ifp->if_xname, &nk);
	return key_hash(&nk);
}

static bool
is_digit(char c)
{

	return c >= '0' && c <= '9';
}

bool
if_name_valid(const char *name)
{
	bool digits = true;
	size_t n;

	for (n = 0; n < IFNAMSIZ && name[n] != '\0'; n++) {
		char c = name[n];

		if (!is_digit(c))
			digits = false;
		if (!is_digit(c) && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && c != '-' && c != '_' &&
		    c != '.')
			return false;
	}
	return n < IFNAMSIZ && !digits;
}

bool
if_name_number(const char *text, unsigned *n)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (!is_digit(*text))
			return false;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > IF_INDEX_MAX)
			return false;
	}
	*n = (unsigned)v;
	return true;
}

int
if_name_split(const char *name, unsigned *unit, size_t *baselen)
{
	size_t len = strnlen(name, IFNAMSIZ), base;
	uint64_t v = 0;

	for (base = len; base > 0 && is_digit(name[base - 1]); base--)
		continue;
	if (len == IFNAMSIZ || base == 0 || base == len)
		return EINVAL;
	/* "tap007" would be a second tap7. */
	if (name[base] == '0' && len - base > 1)
		return EINVAL;
	for (size_t i = base; i < len; i++)
		v = v * 10 + (unsigned)(name[i] - '0');
	if (v > INT_MAX)
		return EINVAL;
	*unit = (unsigned)v;
	*baselen = base;
	return 0;
}

struct ifnet *
if_name_lookup(struct if_vnet *ifv, const char *name)
{
	struct khash_iter it;
	struct name_key nk;
	struct ifnet *ifp;

	if (!name_key(name, &nk))
		return NULL;
	for (ifp = khash_first(&ifv->ifv_names, key_hash(&nk), &it);
	    ifp != NULL; ifp = khash_next(&it))
		if (memcmp(ifp->if_xname, &nk, sizeof(nk)) == 0)
			break;
	return ifp;
}

int
if_name_insert(struct if_vnet *ifv, struct ifnet *ifp)
{

	if (if_name_lookup(ifv, ifp->if_xname) != NULL)
		return EEXIST;
	return khash_insert(&ifv->ifv_names, name_hash(ifp), ifp);
}

void
if_name_remove(struct if_vnet *ifv, struct ifnet *ifp)
{

	khash_remove(&ifv->ifv_names, name_hash(ifp), ifp);
}

void
if_initname(struct ifnet *ifp, const char *name, unsigned unit)
{
	char digits[12];
	size_t n = 0, len;
	unsigned u = unit;

	KASSERT(ifp->if_state == IFS_ALLOCATED);
	do {
		digits[n++] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	len = strlen(name);
	KASSERT(len + n < IFNAMSIZ);
	memset(ifp->if_xname, 0, sizeof(ifp->if_xname));
	memcpy(ifp->if_xname, name, len);
	while (n > 0)
		ifp->if_xname[len++] = digits[--n];
	ifp->if_unit = unit;
}

struct ifnet *
ifunit(struct vnet *vn, const char *name)
{
	struct ifnet *ifp;
	unsigned index;

	if (is_digit(name[0])) {
		if (if_name_number(name, &index))
			return if_byindex(vn, index);
		if (name[strspn(name, "0123456789")] == '\0')
			return NULL;
	}
	ifp = if_name_lookup(vn->vn_if, name);
	return ifp != NULL && !if_is_deactivated(ifp) ? ifp : NULL;
}

struct ifnet *
if_get_at(struct vnet *vn, const char *name, struct psref *pr,
    const char *file, int line)
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	if (ifp != NULL)
		psref_acquire_at(vn->vn_kern, pr, &ifp->if_psref, file, line);
	pserialize_read_exit();
	return ifp;
}

void
if_acquire_at(struct ifnet *ifp, struct psref *pr, const char *file, int line)
{

	psref_acquire_at(if_kern(ifp), pr, &ifp->if_psref, file, line);
}

void
if_put(const struct ifnet *ifp, struct psref *pr)
{

	psref_release(if_kern(ifp), pr);
}

bool
if_held(struct ifnet *ifp)
{

	return psref_held(if_kern(ifp), &ifp->if_psref);
}
