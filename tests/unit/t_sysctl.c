/*
 * The sysctl tree: order of all names, reads and writes with every error, and
 * virtual subtrees.
 */

#include "kern_test.h"
#include "kern/sysctl.h"	/* under test */

#include <errno.h>
#include <stdio.h>

static const struct vnet_subsys *const subsystems[] = { &sysctl_subsys, NULL };
static int64_t value = 5;
static const struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534,
    .kc_pid = 1 };

static int
handle_string(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{

	(void)vn;
	(void)name;
	return sysctl_handle_string_ro(op, arg);
}

/* Names prefix.N, N below 3, in the order of the numbers. */
static int
virt_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const char *n = name + strlen(arg) + 1;

	(void)vn;
	if (n[0] < '0' || n[0] > '2' || n[1] != '\0')
		return ENOENT;
	return sysctl_handle_quad_ro(op, (uint64_t)(n[0] - '0'));
}

static int
virt_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	int n = 0;

	(void)vn;
	if (after[0] != '\0')
		n = after[strlen(arg) + 1] - '0' + 1;
	if (n > 2)
		return ENOENT;
	snprintf(next, SYSCTL_NAMESIZE, "%s.%d", (const char *)arg, n);
	return 0;
}

static int
virt_none(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{

	(void)vn;
	(void)arg;
	(void)after;
	(void)next;
	return ENOENT;
}

static void
add_int(struct vnet *vn, const char *name, int expected)
{
	struct sysctl_node node = { .sn_name = name, .sn_descr = "a test",
	    .sn_writable = true, .sn_int = &value, .sn_min = 0, .sn_max = 9 };

	KASSERT(sysctl_add(vn, &node) == expected);
}

static void
add_virtual(struct vnet *vn, const char *prefix, bool empty)
{
	struct sysctl_virtual virt = { .sv_prefix = prefix,
	    .sv_handler = virt_handler, .sv_next = empty ? virt_none :
	    virt_next, .sv_arg = (void *)(uintptr_t)prefix };

	KASSERT(sysctl_add_virtual(vn, &virt) == 0);
	KASSERT(sysctl_add_virtual(vn, &virt) == EEXIST);
}

static void
check_order(struct vnet *vn)
{
	static const char *const want[] = { "a.x", "net.empty2", "net.if-x",
	    "net.if.0", "net.if.1", "net.if.2", "net.if.z", "net.if0",
	    "net.q.0", "net.q.1", "net.q.2", "zz" };
	char name[SYSCTL_NAMESIZE] = "";
	unsigned i = 0, kern = 0;

	while (sysctl_next(vn, name, name) == 0) {
		if (strncmp(name, "kern.", 5) == 0) {
			/* t_kuser and t_mbuf_share count theirs. */
			kern += strncmp(name, "kern.user.", 10) != 0 &&
			    strncmp(name, "kern.mbufs.share.", 17) != 0;
			KASSERT(i == 1);
			KASSERT(sysctl_request(vn, &nobody, name, NULL, NULL,
			    NULL, 0, NULL, NULL) == 0);
			continue;
		}
		KASSERT(i < 12 && strcmp(name, want[i]) == 0);
		i++;
	}
	KASSERT(i == 12);
	KASSERT(kern == 5 + 2 * (3 + 3 * STAGE_MAX));
	/* From a name that does not exist. */
	KASSERT(sysctl_next(vn, "b", name) == 0);
	KASSERT(strcmp(name, "kern.clients.idle") == 0);
	KASSERT(sysctl_next(vn, "net.empty.9", name) == 0);
	KASSERT(strcmp(name, "net.empty2") == 0);
}

static int
put_int(struct vnet *vn, const struct kauth_cred *cred, const char *name,
    int64_t v, size_t len)
{

	return sysctl_request(vn, cred, name, NULL, NULL, &v, len, NULL, NULL);
}

static void
check_access(struct vnet *vn)
{
	enum sysctl_type type;
	char buf[32];
	size_t len;
	int64_t v = 0;
	uint64_t q = 7;
	bool writable;

	len = sizeof(v);
	KASSERT(sysctl_request(vn, &nobody, "zz", &v, &len, NULL, 0, &type,
	    &writable) == 0);
	KASSERT(v == 5 && len == 8 && type == SYSCTL_INT && writable);
	KASSERT(put_int(vn, &nobody, "zz", 6, 8) == EPERM);
	KASSERT(put_int(vn, &kauth_cred_self, "zz", 10, 8) == EINVAL);
	KASSERT(put_int(vn, &kauth_cred_self, "zz", 6, 4) == EINVAL);
	KASSERT(put_int(vn, &kauth_cred_self, "zy", 6, 8) == ENOENT);
	KASSERT(put_int(vn, &kauth_cred_self, "a.x", 6, 8) == EACCES);
	KASSERT(put_int(vn, &kauth_cred_self, "net.if.1", 6, 8) == EACCES);
	KASSERT(put_int(vn, &kauth_cred_self, "net.if.3", 6, 8) == ENOENT);
	KASSERT(put_int(vn, &kauth_cred_self, "kern.ncpu", 6, 8) == EACCES);
	KASSERT(value == 5);
	/* Old value that does not fit: nothing is changed. */
	len = 4;
	v = 6;
	KASSERT(sysctl_request(vn, &kauth_cred_self, "zz", buf, &len, &v, 8,
	    NULL, NULL) == ENOMEM && len == 8 && value == 5);
	len = 8;
	KASSERT(sysctl_request(vn, &kauth_cred_self, "zz", &q, &len, &v, 8,
	    NULL, NULL) == 0 && q == 5 && value == 6);
	value = 5;
	len = 0;
	KASSERT(sysctl_request(vn, &nobody, "a.x", NULL, &len, NULL, 0, &type,
	    &writable) == 0 && len == 6 && type == SYSCTL_STRING && !writable);
	len = 5;
	KASSERT(sysctl_request(vn, &nobody, "a.x", buf, &len, NULL, 0, NULL,
	    NULL) == ENOMEM && len == 6);
	KASSERT(sysctl_request(vn, &nobody, "a.x", buf, &len, NULL, 0, NULL,
	    NULL) == 0 && strcmp(buf, "hello") == 0);
	len = 8;
	KASSERT(sysctl_request(vn, &nobody, "net.if.2", &q, &len, NULL, 0,
	    &type, NULL) == 0 && q == 2 && type == SYSCTL_QUAD);
	KASSERT(strcmp(sysctl_descr(vn, "zz"), "a test") == 0);
	KASSERT(sysctl_descr(vn, "net.if.2") == NULL);
}

static void
check_kern(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	int64_t v = 0;
	uint64_t q = 0;
	size_t len = 8;

	KASSERT(sysctl_request(vn, &nobody, "kern.ncpu", &v, &len, NULL, 0,
	    NULL, NULL) == 0 && v == 2);
	KASSERT(sysctl_request(vn, &nobody, "kern.mbufs.free", &v, &len, NULL,
	    0, NULL, NULL) == 0 && v == mbuf_total(k));
	KASSERT(put_int(vn, &kauth_cred_self, "kern.loglevel", 4, 8) == 0);
	KASSERT(k->k_log_level == 4);
	KASSERT(put_int(vn, &kauth_cred_self, "kern.loglevel", 8, 8) ==
	    EINVAL);
	k->k_cpu[1]->ci_stage[STAGE_IP_INPUT].ss_packets = 99;
	KASSERT(sysctl_request(vn, &nobody,
	    "kern.cpu.1.stage.ip_input.packets", &q, &len, NULL, 0, NULL,
	    NULL) == 0 && q == 99);
	KASSERT(sysctl_request(vn, &nobody, "kern.cpu.2.passes", &q, &len,
	    NULL, 0, NULL, NULL) == ENOENT);
	KASSERT(sysctl_request(vn, &nobody, "kern.cpu.1.nonsense", &q, &len,
	    NULL, 0, NULL, NULL) == ENOENT);
}

static void
run_all(void *arg)
{
	struct kern_config kc = { .kc_mbufs = 64, .kc_ncpu = 2,
	    .kc_subsys = subsystems };
	struct sysctl_node str = { .sn_name = "a.x",
	    .sn_handler = handle_string, .sn_arg = (void *)(uintptr_t)"hello" };
	struct vnet *vn;
	struct kern *k;

	KASSERT(kern_create(arg, &kc, &k) == 0);
	k->k_uid = 0;
	KASSERT(vnet_create_named(k, "v", &vn) == 0);
	KASSERT(vnet_get(k, "v") == vn);
	add_int(vn, "zz", 0);
	add_int(vn, "zz", EEXIST);
	add_int(vn, "net.if0", 0);
	add_int(vn, "net.if.z", 0);
	add_int(vn, "net.if-x", 0);
	add_int(vn, "net.empty2", 0);
	KASSERT(sysctl_add(vn, &str) == 0);
	add_virtual(vn, "net.q", false);
	add_virtual(vn, "net.if", false);
	add_virtual(vn, "net.empty", true);
	check_order(vn);
	check_access(vn);
	check_kern(vn);
	vnet_destroy_held(vn);
	kern_destroy(k);
}

static void
test_sysctl(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct host *h = sim_create(&sc);

	(void)state;
	assert_int_equal(sim_run(h, run_all, h), 0);
	assert_int_equal(sim_allocated(h), 0);
	sim_destroy(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
