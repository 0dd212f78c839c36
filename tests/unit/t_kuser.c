/*
 * Accounts of users: the limits of one user and of all, the administrators'
 * reserve, rates, and who is shown what.
 */

#include "kern_test.h"
#include "sysctl_test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "kern/kuser.h"	/* under test */

static const struct vnet_subsys *const subsystems[] = { &sysctl_subsys, NULL };

static struct kauth_cred
user(unsigned n)
{
	struct kauth_cred kc = { .kc_uid = geteuid() + 10000 + n,
	    .kc_gid = 10000, .kc_pid = 7 };

	return kc;
}

/* A vnet for its settings. */
static void
on_vnet(struct kern *k, void (*body)(struct kern *, struct vnet *))
{
	struct vnet *vn;

	k->k_config.kc_subsys = subsystems;
	KASSERT(vnet_create_named(k, "one", &vn) == 0);
	body(k, vn);
	KASSERT(vnet_get(k, "one") == vn);
	vnet_destroy_held(vn);
	KASSERT(kuser_count(k) == 0);
}

static int
set(struct vnet *vn, const struct kauth_cred *cred, const char *name,
    int64_t v)
{

	return test_sysctl_set_as(vn, cred, name, v);
}

static int
get(struct vnet *vn, const struct kauth_cred *cred, const char *name,
    uint64_t *v)
{

	return test_sysctl_get_as(vn, cred, name, v);
}

static void
limits(struct kern *k, struct vnet *vn)
{
	struct kauth_cred a = user(1), b = user(2), c = user(3);
	char why[KUSER_TEXT];

	KASSERT(set(vn, &kauth_cred_self, "kern.user.pings.each", 3) == 0);
	KASSERT(set(vn, &kauth_cred_self, "kern.user.pings.all", 5) == 0);
	/* One user. */
	KASSERT(kuser_charge(k, &a, KUSER_PINGS, 2, why) == 0);
	KASSERT(kuser_charge(k, &a, KUSER_PINGS, 2, why) == EUSERS);
	KASSERT(strstr(why, "kern.user.pings.each") != NULL);
	KASSERT(strstr(why, " 3 ") != NULL);
	KASSERT(kuser_charge(k, &a, KUSER_PINGS, 1, NULL) == 0);
	KASSERT(kuser_used(k, a.kc_uid, KUSER_PINGS) == 3);
	/* Another resource is another matter. */
	KASSERT(kuser_charge(k, &a, KUSER_DUMPS, 1, NULL) == 0);
	/* All users. */
	KASSERT(kuser_charge(k, &b, KUSER_PINGS, 2, why) == 0);
	KASSERT(kuser_charge(k, &c, KUSER_PINGS, 1, why) == EUSERS);
	KASSERT(strstr(why, "kern.user.pings.all") != NULL);
	/* The administrator is counted, and neither limited nor in the way. */
	KASSERT(kuser_charge(k, &kauth_cred_self, KUSER_PINGS, 100, why) == 0);
	KASSERT(kuser_used(k, 0, KUSER_PINGS) == 100);
	KASSERT(kuser_count(k) == 3);	/* not c's, which holds nothing */
	kuser_release(k, &a, KUSER_PINGS, 1);
	KASSERT(kuser_charge(k, &c, KUSER_PINGS, 1, why) == 0);
	/* A limit that is lowered takes nothing away, and gives nothing. */
	KASSERT(set(vn, &kauth_cred_self, "kern.user.pings.each", 0) == 0);
	KASSERT(kuser_charge(k, &b, KUSER_PINGS, 1, why) == EUSERS);
	KASSERT(kuser_charge(k, &b, KUSER_PINGS, UINT64_MAX, why) == EUSERS);
	kuser_release(k, &a, KUSER_PINGS, 2);
	kuser_release(k, &a, KUSER_DUMPS, 1);
	kuser_release(k, &b, KUSER_PINGS, 2);
	kuser_release(k, &c, KUSER_PINGS, 1);
	KASSERT(kuser_count(k) == 1);
	kuser_release(k, &kauth_cred_self, KUSER_PINGS, 100);
}

static void
limits_body(struct kern *k)
{

	on_vnet(k, limits);
}

static void
test_limits(void **state)
{

	(void)state;
	on_sim(0, limits_body);
}

static void
rate(struct kern *k, struct vnet *vn)
{
	struct kauth_cred a = user(1), b = user(2);
	unsigned ok = 0, more = 0;
	char why[KUSER_TEXT];
	uint64_t wait;

	KASSERT(set(vn, &kauth_cred_self, "kern.user.ping_packets.each", 100)
	    == 0);
	KASSERT(set(vn, &kauth_cred_self, "kern.user.ping_packets.all", 150)
	    == 0);
	/* A second's worth at once, and no more than that. */
	while (kuser_spend(k, &a, KUSER_PING_PACKETS, 1, &wait, why) == 0)
		ok++;
	KASSERT(ok >= 100 && ok < 150);
	KASSERT(strstr(why, "kern.user.ping_packets.each") != NULL);
	KASSERT(wait > 0 && wait <= 10 * 1000 * 1000);
	/* The rest of what all may have is another user's. */
	while (kuser_spend(k, &b, KUSER_PING_PACKETS, 1, &wait, why) == 0)
		more++;
	KASSERT(more > 0 && more < 100);
	KASSERT(strstr(why, "kern.user.ping_packets.all") != NULL);
	for (unsigned i = 0; i < 1000; i++)
		KASSERT(kuser_spend(k, &kauth_cred_self, KUSER_PING_PACKETS,
		    1, NULL, why) == 0);
	/* An amount above the limit can never be had. */
	KASSERT(kuser_spend(k, &a, KUSER_PING_PACKETS, 101, &wait, why) ==
	    EAGAIN);
	KASSERT(wait == HOST_FOREVER);
	/* A user who comes back at once finds the account as it was. */
	KASSERT(kuser_count(k) == 2);
	KASSERT(kuser_spend(k, &a, KUSER_PING_PACKETS, 50, &wait, why) ==
	    EAGAIN);
	host_sleep(k->k_host, wait);
	KASSERT(kuser_spend(k, &a, KUSER_PING_PACKETS, 50, &wait, why) == 0);
	host_sleep(k->k_host, 2000000000ull);
	KASSERT(kuser_count(k) == 0);
	KASSERT(set(vn, &kauth_cred_self, "kern.user.ping_packets.each", 0)
	    == 0);
	KASSERT(kuser_spend(k, &a, KUSER_PING_PACKETS, 1, &wait, why) ==
	    EAGAIN);
	KASSERT(wait == HOST_FOREVER);
}

static void
rate_body(struct kern *k)
{

	on_vnet(k, rate);
}

static void
test_rate(void **state)
{

	(void)state;
	on_sim(0, rate_body);
}

static void
usage(struct kern *k, struct vnet *vn)
{
	struct kauth_cred a = user(1), b = user(2);
	char name[128];
	uint64_t v;

	KASSERT(test_sysctl_below(vn, &kauth_cred_self, "kern.usage") == 0);
	KASSERT(kuser_charge(k, &a, KUSER_CLIENTS, 4, NULL) == 0);
	KASSERT(kuser_charge(k, &b, KUSER_CLIENTS, 1, NULL) == 0);
	KASSERT(test_sysctl_below(vn, &kauth_cred_self,
	    "kern.usage") == 2 * KUSER_NRESOURCES);
	KASSERT(test_sysctl_below(vn, &a, "kern.usage") == KUSER_NRESOURCES);
	(void)snprintf(name, sizeof(name), "kern.usage.%u.clients",
	    (unsigned)a.kc_uid);
	KASSERT(get(vn, &kauth_cred_self, name, &v) == 0 && v == 4);
	KASSERT(get(vn, &a, name, &v) == 0 && v == 4);
	KASSERT(get(vn, &b, name, &v) == EPERM);
	KASSERT(set(vn, &kauth_cred_self, name, 1) == EACCES);
	KASSERT(test_sysctl_described(vn, name));
	/* Names that are none. */
	KASSERT(get(vn, &kauth_cred_self, "kern.usage.01.clients", &v) ==
	    ENOENT);
	KASSERT(get(vn, &kauth_cred_self, "kern.usage.1.cats", &v) == ENOENT);
	KASSERT(get(vn, &kauth_cred_self, "kern.usage.4294967296.clients",
	    &v) == ENOENT);
	KASSERT(get(vn, &kauth_cred_self, "kern.user.cats.each", &v) ==
	    ENOENT);
	KASSERT(get(vn, &kauth_cred_self, "kern.user.captures.each", &v) ==
	    ENOENT);
	/* Limits are everybody's to read and the administrator's to set. */
	KASSERT(get(vn, &a, "kern.user.clients.each", &v) == 0 && v > 0);
	KASSERT(test_sysctl_described(vn, "kern.user.clients.each"));
	KASSERT(set(vn, &a, "kern.user.clients.each", 1000) == EPERM);
	KASSERT(set(vn, &kauth_cred_self, "kern.user.clients.each", -1) ==
	    EINVAL);
	kuser_release(k, &a, KUSER_CLIENTS, 4);
	kuser_release(k, &b, KUSER_CLIENTS, 1);
}

static void
usage_body(struct kern *k)
{

	on_vnet(k, usage);
}

static void
test_usage(void **state)
{

	(void)state;
	on_sim(0, usage_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
