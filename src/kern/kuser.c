/*
 * The accounts of users: a hash by uid under one mutex, which is held for a few
 * instructions.
 */

#include "kern/kuser.h"

#include "kern/reqctx.h"
#include "kern/kern_private.h"
#include "kern/kturn.h"
#include "kern/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS		64
#define LIMIT_MAX	INT64_C(1000000000000)

/* The limits that a kern begins with. */
struct limit_def {
	const char	*ld_name;
	const char	*ld_each, *ld_all;	/* the settings' names */
	const char	*ld_what;		/* in sentences */
	int64_t		 ld_each_default, ld_all_default;
};

#define LIMIT(name, what, each, all)					\
	{ name, "kern.user." name ".each", "kern.user." name ".all",	\
	    what, each, all }

static const struct limit_def resources[KUSER_NRESOURCES] = {
	[KUSER_CLIENTS] = LIMIT("clients", "connections", 64, 192),
	[KUSER_FOLLOWERS] = LIMIT("followers", "followers", 64, 192),
	[KUSER_PINGS] = LIMIT("pings", "pings at a time", 16, 64),
	[KUSER_CAPTURES] = LIMIT("captures", "captures", 0, 0),
	[KUSER_DUMPS] = LIMIT("dumps", "listings at a time", 16, 64),
	[KUSER_BYTES] = LIMIT("bytes", "bytes of messages that wait", 32 << 20,
	    128 << 20),
};

static const struct limit_def rates[KUSER_NRATES] = {
	[KUSER_REQUESTS] = LIMIT("requests", "requests a second", 50000,
	    200000),
	[KUSER_PING_PACKETS] = LIMIT("ping_packets",
	    "packets of pings a second", 1000, 4000),
	[KUSER_PING_BYTES] = LIMIT("ping_bytes", "bytes of pings a second",
	    1000000, 4000000),
};

/*
 *	u:		ut_lock
 */
struct kuser {
	LIST_ENTRY(kuser) ku_link;		/* u: */
	uid_t		 ku_uid;		/* constant */
	uint64_t	 ku_used[KUSER_NRESOURCES]; /* u: */
	/* u: the time by which everything spent is earned again */
	uint64_t	 ku_until[KUSER_NRATES];
};

struct kuser_table {
	struct host_mutex ut_lock;
	LIST_HEAD(, kuser) ut_bucket[BUCKETS];	/* u: */
	unsigned	 ut_count;		/* u: */
	/* u: without privilege, together */
	uint64_t	 ut_used[KUSER_NRESOURCES];
	uint64_t	 ut_until[KUSER_NRATES];
	/* atomic; resources, then rates */
	int64_t		 ut_each[KUSER_NRESOURCES + KUSER_NRATES];
	int64_t		 ut_all[KUSER_NRESOURCES + KUSER_NRATES];
	int64_t		 ut_visible;	/* atomic; users are seen by others */
};

static const struct limit_def *
limit_def(unsigned i)
{

	return i < KUSER_NRESOURCES ? &resources[i] :
	    &rates[i - KUSER_NRESOURCES];
}

static inline uint64_t
limit(const int64_t *v)
{

	return (uint64_t)__atomic_load_n(v, __ATOMIC_RELAXED);
}

static bool
is_empty(const struct kuser *ku, uint64_t now)
{

	for (unsigned i = 0; i < KUSER_NRESOURCES; i++)
		if (ku->ku_used[i] != 0)
			return false;
	for (unsigned i = 0; i < KUSER_NRATES; i++)
		if (ku->ku_until[i] > now)
			return false;
	return true;
}

static void
account_free(struct kern *k, struct kuser *ku)
{

	LIST_REMOVE(ku, ku_link);
	k->k_users->ut_count--;
	kmem_free(k, ku);
}

/* u: the uid's account, or NULL; empty accounts met on the way are freed. */
static struct kuser *
account_find(struct kern *k, uid_t uid, uint64_t now)
{
	struct kuser_table *ut = k->k_users;
	struct kuser *ku, *next, *found = NULL;

	for (ku = LIST_FIRST(&ut->ut_bucket[uid % BUCKETS]); ku != NULL;
	    ku = next) {
		next = LIST_NEXT(ku, ku_link);
		if (is_empty(ku, now))
			account_free(k, ku);
		else if (ku->ku_uid == uid)
			found = ku;
	}
	return found;
}

/* u: the uid's account, made if there is none; NULL: out of memory. */
static struct kuser *
account_get(struct kern *k, uid_t uid, uint64_t now)
{
	struct kuser_table *ut = k->k_users;
	struct kuser *ku = account_find(k, uid, now);

	if (ku != NULL)
		return ku;
	ku = kmem_zalloc(k, sizeof(*ku));
	if (ku == NULL)
		return NULL;
	ku->ku_uid = uid;
	LIST_INSERT_HEAD(&ut->ut_bucket[uid % BUCKETS], ku, ku_link);
	ut->ut_count++;
	return ku;
}

static bool
is_limited(struct kern *k, const struct kauth_cred *cred)
{

	return kauth_authorize(k, cred, KAUTH_RESERVE) != 0;
}

static void
explain_each(char *why, const struct kauth_cred *cred,
    const struct limit_def *ld, uint64_t max)
{

	if (why != NULL)
		(void)snprintf(why, KUSER_TEXT, "uid %u may have %llu %s and "
		    "no more (sysctl %s)", (unsigned)cred->kc_uid,
		    (unsigned long long)max, ld->ld_what, ld->ld_each);
}

static void
explain_all(char *why, const struct limit_def *ld, uint64_t max)
{

	if (why != NULL)
		(void)snprintf(why, KUSER_TEXT, "users without privilege may "
		    "have %llu %s together and no more (sysctl %s)",
		    (unsigned long long)max, ld->ld_what, ld->ld_all);
}

int
kuser_charge(struct kern *k, const struct kauth_cred *cred,
    enum kuser_resource res, uint64_t n, char *why)
{
	struct kuser_table *ut = k->k_users;
	const bool limited = is_limited(k, cred);
	uint64_t each = limit(&ut->ut_each[res]), all = limit(&ut->ut_all[res]);
	struct kuser *ku;
	int error = 0;

	host_mutex_lock(k->k_host, &ut->ut_lock);
	ku = account_get(k, cred->kc_uid, host_clock(k->k_host));
	if (ku == NULL)
		error = ENOMEM;
	else if (limited && (n > each || ku->ku_used[res] > each - n)) {
		explain_each(why, cred, &resources[res], each);
		error = EUSERS;
	} else if (limited && (n > all || ut->ut_used[res] > all - n)) {
		explain_all(why, &resources[res], all);
		error = EUSERS;
	} else {
		ku->ku_used[res] += n;
		if (limited)
			ut->ut_used[res] += n;
	}
	host_mutex_unlock(k->k_host, &ut->ut_lock);
	if (error == ENOMEM && why != NULL)
		(void)snprintf(why, KUSER_TEXT, "out of memory");
	return error;
}

void
kuser_release(struct kern *k, const struct kauth_cred *cred,
    enum kuser_resource res, uint64_t n)
{
	struct kuser_table *ut = k->k_users;
	uint64_t now = host_clock(k->k_host);
	struct kuser *ku;

	host_mutex_lock(k->k_host, &ut->ut_lock);
	ku = account_find(k, cred->kc_uid, now);
	KASSERT(ku != NULL && ku->ku_used[res] >= n);
	ku->ku_used[res] -= n;
	if (is_limited(k, cred)) {
		KASSERT(ut->ut_used[res] >= n);
		ut->ut_used[res] -= n;
	}
	if (is_empty(ku, now))
		account_free(k, ku);
	host_mutex_unlock(k->k_host, &ut->ut_lock);
}

/* The time, in ns, to earn n of a rate; HOST_FOREVER: nothing is earned. */
static uint64_t
earn_ns(uint64_t n, uint64_t per_second)
{

	return per_second == 0 || n > UINT64_MAX / NS_PER_SEC ? HOST_FOREVER :
	    n * NS_PER_SEC / per_second;
}

/* Would spending for ns more leave more than a second's worth to be earned? */
static uint64_t
over(uint64_t until, uint64_t now, uint64_t ns)
{
	uint64_t debt = until > now ? until - now : 0;

	if (ns > NS_PER_SEC)
		return HOST_FOREVER;
	return debt + ns > NS_PER_SEC ? debt + ns - NS_PER_SEC : 0;
}

static void
spend(uint64_t *until, uint64_t now, uint64_t ns)
{

	*until = (*until > now ? *until : now) + ns;
}

int
kuser_spend(struct kern *k, const struct kauth_cred *cred,
    enum kuser_rate rate, uint64_t n, uint64_t *wait_ns, char *why)
{
	struct kuser_table *ut = k->k_users;
	uint64_t each = limit(&ut->ut_each[KUSER_NRESOURCES + rate]);
	uint64_t all = limit(&ut->ut_all[KUSER_NRESOURCES + rate]);
	uint64_t each_ns = earn_ns(n, each), all_ns = earn_ns(n, all);
	uint64_t now, wait = 0;
	struct kuser *ku;
	int error = 0;

	if (!is_limited(k, cred))
		return 0;
	host_mutex_lock(k->k_host, &ut->ut_lock);
	now = host_clock(k->k_host);
	ku = account_get(k, cred->kc_uid, now);
	if (ku == NULL)
		error = ENOMEM;
	else if ((wait = over(ku->ku_until[rate], now, each_ns)) != 0) {
		explain_each(why, cred, &rates[rate], each);
		error = EAGAIN;
	} else if ((wait = over(ut->ut_until[rate], now, all_ns)) != 0) {
		explain_all(why, &rates[rate], all);
		error = EAGAIN;
	} else {
		spend(&ku->ku_until[rate], now, each_ns);
		spend(&ut->ut_until[rate], now, all_ns);
	}
	host_mutex_unlock(k->k_host, &ut->ut_lock);
	if (error == ENOMEM && why != NULL)
		(void)snprintf(why, KUSER_TEXT, "out of memory");
	if (wait_ns != NULL)
		*wait_ns = wait;
	return error;
}

uint64_t
kuser_used(struct kern *k, uid_t uid, enum kuser_resource res)
{
	struct kuser_table *ut = k->k_users;
	struct kuser *ku;
	uint64_t n;

	host_mutex_lock(k->k_host, &ut->ut_lock);
	ku = account_find(k, uid, host_clock(k->k_host));
	n = ku == NULL ? 0 : ku->ku_used[res];
	host_mutex_unlock(k->k_host, &ut->ut_lock);
	return n;
}

unsigned
kuser_count(struct kern *k)
{
	struct kuser_table *ut = k->k_users;
	uint64_t now = host_clock(k->k_host);
	unsigned n;

	host_mutex_lock(k->k_host, &ut->ut_lock);
	for (uid_t b = 0; b < BUCKETS; b++)
		(void)account_find(k, b, now);
	n = ut->ut_count;
	host_mutex_unlock(k->k_host, &ut->ut_lock);
	return n;
}

int
kuser_create(struct kern *k)
{
	struct kuser_table *ut;
	const struct limit_def *ld;

	ut = kmem_zalloc(k, sizeof(*ut));
	if (ut == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &ut->ut_lock);
	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_INIT(&ut->ut_bucket[i]);
	for (unsigned i = 0; i < KUSER_NRESOURCES + KUSER_NRATES; i++) {
		ld = limit_def(i);
		ut->ut_each[i] = ld->ld_each_default;
		ut->ut_all[i] = ld->ld_all_default;
	}
	ut->ut_visible = 1;
	k->k_users = ut;
	return 0;
}

void
kuser_destroy(struct kern *k)
{
	struct kuser_table *ut = k->k_users;

	if (ut == NULL)
		return;
	for (uid_t b = 0; b < BUCKETS; b++)
		(void)account_find(k, b, HOST_FOREVER);
	KASSERT(ut->ut_count == 0);
	host_mutex_destroy(k->k_host, &ut->ut_lock);
	kmem_free(k, ut);
	k->k_users = NULL;
}

bool
kuser_may_see(struct kern *k, const struct kauth_cred *cred, uid_t other)
{

	return cred->kc_uid == other || !is_limited(k, cred) ||
	    limit(&k->k_users->ut_visible) != 0;
}

/* --- settings ------------------------------------------------------------- */

/* Settings below kern.user are numbered: `each' and `all' of every limit, and
 * two more. */
#define VISIBLE		(2 * (KUSER_NRESOURCES + KUSER_NRATES))
#define TURNS		(VISIBLE + 1)
#define NSETTINGS	(TURNS + 1)

static const char *
setting_name(unsigned i)
{

	if (i == VISIBLE)
		return "kern.user.visible";
	if (i == TURNS)
		return "kern.user.turns";
	return i % 2 == 0 ? limit_def(i / 2)->ld_each :
	    limit_def(i / 2)->ld_all;
}

/* Captures are the administrators' and have no limit. */
static bool
is_setting(unsigned i)
{

	return i / 2 != KUSER_CAPTURES;
}

static unsigned
setting_find(const char *name)
{
	unsigned i;

	for (i = 0; i < NSETTINGS; i++)
		if (is_setting(i) && strcmp(setting_name(i), name) == 0)
			break;
	return i;
}

static int
handle_setting(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct kuser_table *ut = vn->vn_kern->k_users;
	unsigned i = setting_find(name);
	int64_t *p, v;
	int error;

	(void)arg;
	if (i == NSETTINGS)
		return ENOENT;
	p = i == VISIBLE ? &ut->ut_visible : i == TURNS ?
	    kturn_limit(vn->vn_kern) : i % 2 == 0 ? &ut->ut_each[i / 2] :
	    &ut->ut_all[i / 2];
	v = __atomic_load_n(p, __ATOMIC_RELAXED);
	error = sysctl_handle_int(op, &v, i == TURNS ? 1 : 0, i == VISIBLE ?
	    1 : i == TURNS ? KTURN_MAX : LIMIT_MAX, true);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(p, v, __ATOMIC_RELAXED);
	return error;
}

static int
next_setting(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	unsigned i = 0;

	(void)vn;
	(void)arg;
	if (after[0] != '\0')
		i = setting_find(after) + 1;
	while (i < NSETTINGS && !is_setting(i))
		i++;
	if (i >= NSETTINGS)
		return ENOENT;
	(void)snprintf(next, SYSCTL_NAMESIZE, "%s", setting_name(i));
	return 0;
}

static const char *
setting_descr(const char *name)
{
	unsigned i = setting_find(name);

	if (i == NSETTINGS)
		return "how many of these users without privilege may have";
	if (i == VISIBLE)
		return "everybody sees which user and process made a change";
	if (i == TURNS)
		return "requests of users without privilege that are carried "
		    "out at a time";
	if (i / 2 >= KUSER_NRESOURCES)
		return i % 2 == 0 ?
		    "so many a second, at most, of one user without privilege" :
		    "so many a second, at most, of all users without "
		    "privilege together";
	return i % 2 == 0 ? "the most that one user without privilege may have"
	    : "the most that all users without privilege may have together";
}

/* May the account be shown to the asker?  Every user sees the own one. */
static bool
may_see(struct kern *k, const struct kauth_cred *cred, uid_t uid)
{

	return cred == NULL || cred->kc_uid == uid || !is_limited(k, cred);
}

/* "kern.usage.UID.RESOURCE" */
static bool
parse_usage(const char *name, uid_t *uid, unsigned *res)
{
	const char *p = name + strlen("kern.usage.");
	unsigned long v;
	char *end;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] != '.'))
		return false;
	errno = 0;
	v = strtoul(p, &end, 10);
	if (errno != 0 || v > UINT32_MAX || *end != '.')
		return false;
	*uid = (uid_t)v;
	for (*res = 0; *res < KUSER_NRESOURCES; (*res)++)
		if (strcmp(resources[*res].ld_name, end + 1) == 0)
			return true;
	return false;
}

static int
handle_usage(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct kern *k = vn->vn_kern;
	unsigned res;
	uid_t uid;

	(void)arg;
	if (!parse_usage(name, &uid, &res))
		return ENOENT;
	if (!may_see(k, op->so_cred, uid))
		return EPERM;
	return sysctl_handle_quad_ro(op, kuser_used(k, uid,
	    (enum kuser_resource)res));
}

/* The least uid from `from' on that has an account the asker may see. */
static bool
next_account(struct kern *k, uint64_t from, uid_t *uid)
{
	const struct kauth_cred *cred = kern_asker();
	struct kuser_table *ut = k->k_users;
	uint64_t now = host_clock(k->k_host);
	struct kuser *ku;
	bool found = false;

	host_mutex_lock(k->k_host, &ut->ut_lock);
	for (unsigned b = 0; b < BUCKETS; b++) {
		LIST_FOREACH(ku, &ut->ut_bucket[b], ku_link) {
			if (ku->ku_uid < from || is_empty(ku, now) ||
			    (found && ku->ku_uid > *uid) ||
			    !may_see(k, cred, ku->ku_uid))
				continue;
			*uid = ku->ku_uid;
			found = true;
		}
	}
	host_mutex_unlock(k->k_host, &ut->ut_lock);
	return found;
}

static int
next_usage(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	unsigned res = 0;
	uid_t uid = 0;

	(void)arg;
	if (after[0] != '\0') {
		if (!parse_usage(after, &uid, &res))
			return ENOENT;
		res++;
	}
	if (after[0] == '\0' || res == KUSER_NRESOURCES) {
		if (!next_account(vn->vn_kern, after[0] == '\0' ? 0 :
		    (uint64_t)uid + 1, &uid))
			return ENOENT;
		res = 0;
	}
	(void)snprintf(next, SYSCTL_NAMESIZE, "kern.usage.%u.%s",
	    (unsigned)uid, resources[res].ld_name);
	return 0;
}

static const char *
usage_descr(const char *name)
{
	unsigned res;
	uid_t uid;

	return parse_usage(name, &uid, &res) ?
	    "how many of them the user of this uid has now" :
	    "what the user of this uid has now";
}

int
kuser_sysctl(struct vnet *vn)
{
	static const struct sysctl_virtual usage = {
		.sv_prefix = "kern.usage",
		.sv_handler = handle_usage,
		.sv_next = next_usage,
		.sv_descr = usage_descr,
	};
	static const struct sysctl_virtual settings = {
		.sv_prefix = "kern.user",
		.sv_handler = handle_setting,
		.sv_next = next_setting,
		.sv_descr = setting_descr,
	};
	static const struct sysctl_tree trees[] = {
		{ "kern.usage", "what each user has that is limited" },
		{ "kern.user", "limits of users without privilege" },
	};
	int error;

	error = sysctl_add_trees(vn, trees, sizeof(trees) / sizeof(trees[0]));
	if (error == 0)
		error = sysctl_add_virtual(vn, &settings);
	return error != 0 ? error : sysctl_add_virtual(vn, &usage);
}
