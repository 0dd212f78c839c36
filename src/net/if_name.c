/*
 * Names: the name table, lookups by name with and without a reference, and
 * what a name may look like.
 */

#include "net/if_attach_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>
#include <limits.h>

/* A name as two words, zeroes behind it, as if_xname is. */
struct name_key {
	uint64_t	 nk_w[IFNAMSIZ / 8];
};

_Static_assert(sizeof(struct name_key) == IFNAMSIZ, "a name is two words");

#define PAGE_BYTES	4096u

typedef uint64_t unaligned_word __attribute__((__may_alias__, __aligned__(1)));

/*
 * A string's bytes up to the first zero, as a word: eight of them at once.
 * The bytes behind are of the same page, whoever's they are, and masked off.
 */
static inline __attribute__((__no_sanitize__("address", "thread"))) uint64_t
string_word(const char *s)
{
	uint64_t w = *(const unaligned_word *)(const void *)s, zeroes;

	/* The lowest bit set is that of the first byte that is zero. */
	zeroes = (w - 0x0101010101010101ULL) & ~w & 0x8080808080808080ULL;
	return zeroes == 0 ? w : w & (((zeroes & -zeroes) >> 7) - 1);
}

/* At the end of a page: byte for byte. */
static __attribute__((__noinline__)) struct name_key
key_bytes(const char *name)
{
	struct name_key nk = { { 0, 0 } };

	for (unsigned i = 0; i < IFNAMSIZ && name[i] != '\0'; i++)
		nk.nk_w[i / 8] |= (uint64_t)(uint8_t)name[i] << (i % 8 * 8);
	return nk;
}

/* false: too long to be a name. */
static inline bool
name_key(const char *name, struct name_key *nk)
{

	if (__builtin_expect(((uintptr_t)name & (PAGE_BYTES - 1)) <=
	    PAGE_BYTES - IFNAMSIZ, 1)) {
		nk->nk_w[0] = string_word(name);
		nk->nk_w[1] = nk->nk_w[0] >> 56 != 0 ? string_word(name + 8) :
		    0;
	} else
		*nk = key_bytes(name);
	return nk->nk_w[1] >> 56 == 0;
}

static uint32_t
key_hash(const struct name_key *nk)
{

	return khash_u64(nk->nk_w[0] ^ nk->nk_w[1] * 0x9e3779b97f4a7c15ULL);
}

static uint32_t
name_hash(const void *obj)
{
	const struct ifnet *ifp = obj;
	struct name_key nk;

	(void)name_key(ifp->if_xname, &nk);
	return key_hash(&nk);
}

void
if_name_init(struct vnet *vn)
{

	khash_init(vn->vn_kern, &vn->vn_if->ifv_names, name_hash);
}

static bool
is_digit(char c)
{

	return c >= '0' && c <= '9';
}

/* The kinds of characters in a name. */
enum { NC_LETTER = 1, NC_OTHER = 2 };

static const uint8_t name_chars[256] = {
	['a' ... 'z'] = NC_LETTER, ['A' ... 'Z'] = NC_LETTER,
	['0' ... '9'] = NC_OTHER, ['-'] = NC_OTHER, ['_'] = NC_OTHER,
	['.'] = NC_OTHER,
};

bool
if_name_valid(const char *name)
{
	unsigned kind, kinds = 0;
	size_t n;

	/* Commands take such words for an option, for every interface, and
	 * for a question about the command. */
	if (name[0] == '-' || (name[0] == 'a' && strcmp(name, "any") == 0) ||
	    (name[0] == 'h' && strcmp(name, "help") == 0))
		return false;

	for (n = 0; n < IFNAMSIZ && name[n] != '\0'; n++) {
		kind = name_chars[(uint8_t)name[n]];
		if (kind == 0)
			return false;
		kinds |= kind;
	}
	/* Without a letter it would be an index, or an address. */
	return n < IFNAMSIZ && (kinds & NC_LETTER) != 0;
}

int
if_name_refuse(const char *name)
{

	return kern_refuse(EINVAL, "\"%.*s\" cannot name an interface: a "
	    "name is 1 to %d letters, digits, - _ ., with a letter in it and "
	    "without - in front, and neither any nor help", IFNAMSIZ, name,
	    IFNAMSIZ - 1);
}

int
if_name_unknown(const char *name)
{

	return kern_refuse(ENXIO, "%s: no such interface (ifconfig -l lists "
	    "them)", name);
}

int
if_name_taken(const char *name)
{

	return kern_refuse(EEXIST, "%s: an interface of this name exists "
	    "(ifconfig %s shows it)", name, name);
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

/* --- names that change --------------------------------------------------- */

/* The name as it stands: whole, unless it is just being changed. */
static inline struct name_key
name_load(const struct ifnet *ifp)
{
	const uint64_t *w = (const uint64_t *)(const void *)ifp->if_xname;
	struct name_key nk;

	nk.nk_w[0] = __atomic_load_n(&w[0], __ATOMIC_RELAXED);
	nk.nk_w[1] = __atomic_load_n(&w[1], __ATOMIC_RELAXED);
	return nk;
}

/*
 * Readers take no lock: ifv_names_seq is odd while a name is being changed,
 * for a few instructions, and what was read meanwhile is read again.
 */
static inline uint32_t
names_begin(const struct if_vnet *ifv)
{
	uint32_t seq;

	while ((seq = __atomic_load_n(&ifv->ifv_names_seq,
	    __ATOMIC_ACQUIRE)) & 1)
		machine_relax();
	return seq;
}

static inline bool
names_changed(const struct if_vnet *ifv, uint32_t seq)
{

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __builtin_expect(__atomic_load_n(&ifv->ifv_names_seq,
	    __ATOMIC_RELAXED) != seq, 0);
}

void
if_name_copy(const struct ifnet *ifp, char name[IFNAMSIZ])
{
	const struct if_vnet *ifv = ifp->if_vnet->vn_if;
	struct name_key nk;
	uint32_t seq;

	do {
		seq = names_begin(ifv);
		nk = name_load(ifp);
	} while (names_changed(ifv, seq));
	memcpy(name, &nk, IFNAMSIZ);
}

static inline bool
has_name(const struct ifnet *ifp, const struct name_key *nk)
{
	struct name_key have = name_load(ifp);

	return have.nk_w[0] == nk->nk_w[0] && have.nk_w[1] == nk->nk_w[1];
}

static __attribute__((__noinline__)) struct ifnet *
search(struct if_vnet *ifv, const struct name_key *nk)
{
	struct khash_iter it;
	struct ifnet *ifp;
	uint32_t seq;

	do {
		seq = names_begin(ifv);
		for (ifp = khash_first(&ifv->ifv_names, key_hash(nk), &it);
		    ifp != NULL && !has_name(ifp, nk); ifp = khash_next(&it))
			continue;
	} while (names_changed(ifv, seq));
	return ifp;
}

/* Short, so that the processor begins the next one while it waits for the
 * memory of this one. */
struct ifnet *
if_name_lookup(struct if_vnet *ifv, const char *name)
{
	struct name_key nk;
	struct ifnet *ifp;
	uint32_t seq;

	if (!name_key(name, &nk))
		return NULL;
	seq = __atomic_load_n(&ifv->ifv_names_seq, __ATOMIC_ACQUIRE);
	ifp = khash_guess(&ifv->ifv_names, key_hash(&nk));
	if (ifp != NULL && has_name(ifp, &nk) && (seq & 1) == 0 &&
	    !names_changed(ifv, seq))
		return ifp;
	return search(ifv, &nk);
}

/*
 * The table gets an entry by the new name first, which no lookup takes yet,
 * because if_xname is still another; if_xname changes in one step; the entry by
 * the old name, which no lookup takes any more, goes last.
 */
int
if_name_change(struct if_vnet *ifv, struct ifnet *ifp, const char *name)
{
	uint64_t *w = (uint64_t *)(void *)ifp->if_xname;
	uint32_t oldhash = name_hash(ifp), seq = ifv->ifv_names_seq;
	struct name_key nk;
	int error;

	if (!name_key(name, &nk))
		return EINVAL;
	if (if_name_lookup(ifv, name) != NULL)
		return if_name_taken(name);
	error = khash_insert(&ifv->ifv_names, key_hash(&nk), ifp);
	if (error != 0)
		return error;
	__atomic_store_n(&ifv->ifv_names_seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&w[0], nk.nk_w[0], __ATOMIC_RELAXED);
	__atomic_store_n(&w[1], nk.nk_w[1], __ATOMIC_RELAXED);
	__atomic_store_n(&ifv->ifv_names_seq, seq + 2, __ATOMIC_RELEASE);
	khash_remove(&ifv->ifv_names, oldhash, ifp);
	return 0;
}

/* --- in the table -------------------------------------------------------- */

int
if_name_insert(struct if_vnet *ifv, struct ifnet *ifp)
{

	if (if_name_lookup(ifv, ifp->if_xname) != NULL)
		return if_name_taken(ifp->if_xname);
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
	return ifp != NULL && !if_dead(ifp) ? ifp : NULL;
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
