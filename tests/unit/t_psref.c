/*
 * Passive references: whoever destroys waits for all of them, and only for
 * them.
 */

#include "kern_test.h"

#include <stdio.h>

struct object {
	struct psref_target ob_target;
	uint32_t	 ob_alive;
	struct kern	*ob_kern;
	uint32_t	 ob_stop;
	uint32_t	 ob_held;
};

static void
many_body(struct kern *k)
{
	static struct psref pr[300];
	struct object ob = { .ob_kern = k };

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 300; i++)
			psref_acquire(k, &pr[i], &ob.ob_target);
		KASSERT(psref_held(k, &ob.ob_target));
		/* In another order than taken. */
		for (unsigned i = 0; i < 300; i++)
			psref_release(k, &pr[(i * 7) % 300]);
		KASSERT(!psref_held(k, &ob.ob_target));
	}
	psref_target_destroy(k, &ob.ob_target, "object");
	KASSERT(psref_target_destroying(&ob.ob_target));
}

static void
test_many(void **state)
{

	(void)state;
	on_linux(0, many_body);
	on_sim(1, many_body);
}

/* A holder that keeps its reference for a while, handing it on to itself. */
static void
hold(void *arg)
{
	struct object *ob = arg;
	struct host *h = ob->ob_kern->k_host;
	struct psref pr[2];

	psref_acquire(ob->ob_kern, &pr[0], &ob->ob_target);
	__atomic_store_n(&ob->ob_held, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 50; i++) {
		host_sleep(h, 100000);
		psref_acquire(ob->ob_kern, &pr[(i + 1) % 2], &ob->ob_target);
		psref_release(ob->ob_kern, &pr[i % 2]);
		KASSERT(__atomic_load_n(&ob->ob_alive, __ATOMIC_ACQUIRE));
	}
	psref_release(ob->ob_kern, &pr[0]);
}

static void
wait_body(struct kern *k)
{
	struct object ob = { .ob_kern = k, .ob_alive = 1 };
	struct host_thread *t[3];

	for (unsigned i = 0; i < 3; i++) {
		ob.ob_held = 0;
		KASSERT(host_thread_create(k->k_host, "holder", -1, hold, &ob,
		    &t[i]) == 0);
		while (!__atomic_load_n(&ob.ob_held, __ATOMIC_ACQUIRE))
			host_sleep(k->k_host, 10000);
	}
	psref_target_destroy(k, &ob.ob_target, "object");
	__atomic_store_n(&ob.ob_alive, 0, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 3; i++)
		host_thread_join(k->k_host, t[i]);
}

static void
test_wait(void **state)
{

	(void)state;
	on_linux(0, wait_body);
	on_sim(1, wait_body);
}

/* A reader that holds on for long is named in the log. */
static void
hold_long(void *arg)
{
	struct object *ob = arg;
	struct psref pr;

	psref_acquire(ob->ob_kern, &pr, &ob->ob_target);
	__atomic_store_n(&ob->ob_held, 1, __ATOMIC_RELEASE);
	host_sleep(ob->ob_kern->k_host, 5000000000u);
	psref_release(ob->ob_kern, &pr);
}

static void
log_body(struct kern *k)
{
	struct object ob = { .ob_kern = k };
	struct host_thread *t;
	uint64_t start;

	KASSERT(host_thread_create(k->k_host, "sleeper", -1, hold_long, &ob,
	    &t) == 0);
	while (!__atomic_load_n(&ob.ob_held, __ATOMIC_ACQUIRE))
		host_sleep(k->k_host, 10000);
	start = host_clock(k->k_host);
	psref_target_destroy(k, &ob.ob_target, "tap7");
	KASSERT(host_clock(k->k_host) - start > 4900000000u);
	KASSERT(strstr(sim_last_log(k->k_host), "tap7") != NULL);
	KASSERT(strstr(sim_last_log(k->k_host), "thread sleeper") != NULL);
	KASSERT(strstr(sim_last_log(k->k_host), "t_psref.c:") != NULL);
	host_thread_join(k->k_host, t);
}

static void
test_log(void **state)
{

	(void)state;
	on_sim(1, log_body);
}

/* All that is logged from log_start() to log_end(). */
static char log_text[8192];
static const struct host_ops *log_ops;
static struct host_ops log_own;

static void
log_line(struct host *h, enum host_log_level level, const char *line)
{

	KASSERT(strlen(log_text) + strlen(line) < sizeof(log_text));
	(void)strcat(log_text, line);
	log_ops->ho_log(h, level, line);
}

static void
log_start(struct host *h)
{

	log_text[0] = '\0';
	log_ops = h->h_ops;
	log_own = *log_ops;
	log_own.ho_log = log_line;
	h->h_ops = &log_own;
}

/* And not one of them, but all: each thread, in one go. */
static void
log_all_body(struct kern *k)
{
	struct object ob = { .ob_kern = k };
	struct host_thread *t[3];
	char name[16];

	for (unsigned i = 0; i < 3; i++) {
		ob.ob_held = 0;
		(void)snprintf(name, sizeof(name), "sleeper%u", i);
		KASSERT(host_thread_create(k->k_host, name, -1, hold_long,
		    &ob, &t[i]) == 0);
		while (!__atomic_load_n(&ob.ob_held, __ATOMIC_ACQUIRE))
			host_sleep(k->k_host, 10000);
	}
	log_start(k->k_host);
	psref_target_destroy(k, &ob.ob_target, "tap7");
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "sleeper%u", i);
		KASSERT(strstr(log_text, name) != NULL);
		host_thread_join(k->k_host, t[i]);
	}
	k->k_host->h_ops = log_ops;
}

static void
test_log_all(void **state)
{

	(void)state;
	on_sim(1, log_all_body);
}

/* No memory for slots: it is counted instead. */
static void
nomem_holder(void *arg)
{
	struct object *ob = arg;
	struct psref pr;

	sim_fail_alloc(ob->ob_kern->k_host, 1);
	psref_acquire(ob->ob_kern, &pr, &ob->ob_target);
	KASSERT(sim_alloc_failed(ob->ob_kern->k_host));
	KASSERT(ob->ob_target.pt_shared == 1);
	__atomic_store_n(&ob->ob_held, 1, __ATOMIC_RELEASE);
	host_sleep(ob->ob_kern->k_host, 20000000);
	ob->ob_stop = 1;
	psref_release(ob->ob_kern, &pr);
}

static void
nomem_body(struct kern *k)
{
	struct object ob = { .ob_kern = k };
	struct host_thread *t;

	KASSERT(host_thread_create(k->k_host, "holder", -1, nomem_holder, &ob,
	    &t) == 0);
	while (!__atomic_load_n(&ob.ob_held, __ATOMIC_ACQUIRE))
		host_sleep(k->k_host, 10000);
	psref_target_destroy(k, &ob.ob_target, "object");
	KASSERT(ob.ob_stop == 1);
	host_thread_join(k->k_host, t);
}

static void
test_nomem(void **state)
{

	(void)state;
	on_sim(1, nomem_body);
}

/* --- objects that come and go under readers ------------------------------ */

struct churn {
	struct kern	*ch_kern;
	struct object	*ch_current;
	uint32_t	 ch_stop;
};

static void
reader(void *arg)
{
	struct churn *ch = arg;
	struct object *ob;
	struct psref pr;

	while (!__atomic_load_n(&ch->ch_stop, __ATOMIC_ACQUIRE)) {
		pserialize_read_enter();
		ob = __atomic_load_n(&ch->ch_current, __ATOMIC_ACQUIRE);
		if (ob != NULL)
			psref_acquire(ch->ch_kern, &pr, &ob->ob_target);
		pserialize_read_exit();
		if (ob == NULL) {
			host_yield(ch->ch_kern->k_host);
			continue;
		}
		KASSERT(__atomic_load_n(&ob->ob_alive, __ATOMIC_RELAXED) == 1);
		host_yield(ch->ch_kern->k_host);
		KASSERT(__atomic_load_n(&ob->ob_alive, __ATOMIC_RELAXED) == 1);
		psref_release(ch->ch_kern, &pr);
	}
}

static void
churn_body(struct kern *k)
{
	struct churn ch = { .ch_kern = k };
	struct host_thread *t[3];
	struct object *ob;

	for (unsigned i = 0; i < 3; i++)
		KASSERT(host_thread_create(k->k_host, "reader", -1, reader,
		    &ch, &t[i]) == 0);
	for (unsigned i = 0; i < 200; i++) {
		ob = kmem_zalloc(k, sizeof(*ob));
		KASSERT(ob != NULL);
		ob->ob_alive = 1;
		__atomic_store_n(&ch.ch_current, ob, __ATOMIC_RELEASE);
		host_yield(k->k_host);
		__atomic_store_n(&ch.ch_current, NULL, __ATOMIC_RELEASE);
		psref_target_destroy(k, &ob->ob_target, "object");
		__atomic_store_n(&ob->ob_alive, 0, __ATOMIC_RELAXED);
		kmem_free(k, ob);
	}
	__atomic_store_n(&ch.ch_stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 3; i++)
		host_thread_join(k->k_host, t[i]);
}

static void
test_churn(void **state)
{

	(void)state;
	on_linux(1, churn_body);
	on_sim(1, churn_body);
}

static void
speed_body(struct kern *k)
{
	struct object ob = { .ob_kern = k };
	struct psref pr;
	uint64_t start;

	start = host_clock(k->k_host);
	for (unsigned i = 0; i < 1000000; i++) {
		psref_acquire(k, &pr, &ob.ob_target);
		psref_release(k, &pr);
	}
	print_message("psref: %.1f ns for one acquire and release\n",
	    (double)(host_clock(k->k_host) - start) / 1e6);
}

static void
test_speed(void **state)
{

	(void)state;
	on_linux(0, speed_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_all),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
