/*
 * Every name of the sysctl tree of a whole stack: described, found below each
 * of its prefixes, and a setting that takes what its range says and nothing
 * else.
 */

#include "stack_test.h"

#include <errno.h>

/* Why: names and ranges are walked where they are kept. */
#include "kern/sysctl.h"	/* under test */

#define NAMES_MAX	2000

static char names[NAMES_MAX][SYSCTL_NAMESIZE];

static unsigned
all_names(struct vnet *vn)
{
	char name[SYSCTL_NAMESIZE] = "";
	unsigned n = 0;

	while (sysctl_next(vn, name, name) == 0) {
		assert_in_range(n, 0, NAMES_MAX - 1);
		memcpy(names[n++], name, sizeof(name));
	}
	assert_in_range(n, 100, NAMES_MAX);
	return n;
}

static void
check_description(struct vnet *vn, const char *name)
{
	const char *descr = sysctl_descr(vn, name);

	if (descr == NULL || descr[0] == '\0')
		fail_msg("%s has no description", name);
}

/* Each prefix is described, and the first name after it is below it. */
static void
check_prefixes(struct vnet *vn, const char *name)
{
	char prefix[SYSCTL_NAMESIZE], next[SYSCTL_NAMESIZE];
	char *dot;

	memcpy(prefix, name, strlen(name) + 1);
	while ((dot = strrchr(prefix, '.')) != NULL) {
		*dot = '\0';
		/* The middle of an interface's name is no prefix. */
		if (strcmp(prefix, "net.interfaces.a") == 0 ||
		    strcmp(prefix, "net.interfaces.a.rcvq") == 0)
			continue;
		check_description(vn, prefix);
		if (sysctl_next(vn, prefix, next) != 0 ||
		    strncmp(next, prefix, strlen(prefix)) != 0 ||
		    next[strlen(prefix)] != '.')
			fail_msg("%s: nothing is found below it", prefix);
	}
}

static int
set(struct vnet *vn, const char *name, const void *value, size_t len)
{

	return sysctl_request(vn, &kauth_cred_self, name, NULL, NULL, value,
	    len, NULL, NULL);
}

static int
set_int(struct vnet *vn, const char *name, int64_t v)
{

	return set(vn, name, &v, sizeof(v));
}

static int64_t
get_int(struct vnet *vn, const char *name)
{
	int64_t v;
	size_t len = sizeof(v);

	if (sysctl_request(vn, &kauth_cred_self, name, &v, &len, NULL, 0,
	    NULL, NULL) != 0 || len != sizeof(v))
		fail_msg("%s cannot be read", name);
	return v;
}

/* Ends of the range are taken and read back, what is outside is refused. */
static void
check_range(struct vnet *vn, const char *name, int64_t min, int64_t max)
{
	const int64_t old = get_int(vn, name);
	const int64_t good[] = { min, max, old };
	const int64_t bad[] = { min - 1, max + 1, INT64_MIN, INT64_MAX };

	if (min >= max || old < min || old > max)
		fail_msg("%s is %lld, of %lld to %lld", name, (long long)old,
		    (long long)min, (long long)max);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (set_int(vn, name, good[i]) != 0 ||
		    get_int(vn, name) != good[i])
			fail_msg("%s: %lld is not taken", name,
			    (long long)good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (set_int(vn, name, bad[i]) != EINVAL ||
		    get_int(vn, name) != old)
			fail_msg("%s: %lld is taken", name, (long long)bad[i]);
	}
	assert_int_equal(set(vn, name, "xyz", 3), EINVAL);
	assert_int_equal(set(vn, name, "", 0), EINVAL);
	assert_int_equal(get_int(vn, name), old);
}

static void
check_setting(struct vnet *vn, const char *name, unsigned *nsettings)
{
	struct kauth_cred nobody = { .kc_uid = 54321, .kc_gid = 54321 };
	struct sysctl_op op = { .so_cred = &kauth_cred_self };
	int64_t v = 0;

	/* Some are only there for as long as it takes to look at them. */
	if (sysctl_access(vn, name, &op) != 0)
		return;
	assert_int_equal(sysctl_request(vn, &nobody, name, NULL, NULL, &v,
	    sizeof(v), NULL, NULL), EPERM);
	if (!op.so_writable) {
		assert_int_equal(set_int(vn, name, 1), EACCES);
		return;
	}
	++*nsettings;
	assert_int_equal(op.so_type, SYSCTL_INT);
	check_range(vn, name, op.so_min, op.so_max);
}

static void
test_every_name(void **state)
{
	struct ifnet_stack *st = test_stack(1);
	struct vnet *vn = test_vnet(st, "a"), *other = test_vnet(st, "b");
	unsigned i, n, nsettings = 0;

	(void)state;
	test_command(vn, "ifconfig pair0 create peer b:pair0");
	test_command(vn, "ifconfig pair0 inet 10.0.0.1/24 up");
	test_command(vn, "ifconfig pg0 create");
	test_command(vn, "ifconfig pg0 name a.rcvq.b");
	n = all_names(vn);
	for (i = 0; i < n; i++) {
		check_description(vn, names[i]);
		check_prefixes(vn, names[i]);
		check_setting(vn, names[i], &nsettings);
	}
	assert_in_range(nsettings, 20, n);
	assert_null(sysctl_descr(vn, "nosuch"));
	assert_null(sysctl_descr(vn, "net.inet.nosuch"));
	(void)other;
	ifnet_stack_destroy(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
