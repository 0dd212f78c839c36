/*
 * The simulated host: the same seed gives the same run, time is virtual,
 * every fault can be had, and a deadlock is told.
 */

#include "host/sim/sim.h"	/* under test */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <urcu/urcu-memb.h>

#define SEC	UINT64_C(1000000000)

/* State that the tasks of one test share. */
struct world {
	struct host	*w_host;
	struct host_mutex w_lock;
	struct host_mutex w_lock2;
	struct host_cond w_cond;
	struct host_poller *w_poller;
	struct host_tun	*w_tun;
	unsigned	 w_order[64];
	unsigned	 w_n;
	unsigned	 w_shared;
	int		 w_error;
	uint64_t	 w_time;
	bool		 w_flag;
	bool		 w_in_section;
};

static struct host *
new_sim(uint64_t seed)
{
	struct sim_config sc;
	struct host *h;

	memset(&sc, 0, sizeof(sc));
	sc.sc_seed = seed;
	sc.sc_quiet = true;
	h = sim_create(&sc);
	assert_non_null(h);
	return h;
}

static void
run_world(struct world *w, uint64_t seed, void (*fn)(void *))
{

	memset(w, 0, sizeof(*w));
	w->w_host = new_sim(seed);
	host_mutex_init(w->w_host, &w->w_lock);
	host_mutex_init(w->w_host, &w->w_lock2);
	host_cond_init(w->w_host, &w->w_cond);
	assert_int_equal(sim_run(w->w_host, fn, w), 0);
}

static void
end_world(struct world *w)
{

	host_cond_destroy(w->w_host, &w->w_cond);
	host_mutex_destroy(w->w_host, &w->w_lock2);
	host_mutex_destroy(w->w_host, &w->w_lock);
	assert_int_equal(sim_allocated(w->w_host), 0);
	sim_destroy(w->w_host);
}

static void
worker(void *arg)
{
	struct world *w = arg;
	unsigned me = (unsigned)host_curthread->ht_name[1];
	unsigned i, seen;

	for (i = 0; i < 10; i++) {
		host_mutex_lock(w->w_host, &w->w_lock);
		assert_true(host_mutex_owned(w->w_host, &w->w_lock));
		seen = w->w_shared;
		host_yield(w->w_host);
		w->w_shared = seen + 1;
		w->w_order[w->w_n++] = me;
		host_mutex_unlock(w->w_host, &w->w_lock);
		assert_false(host_mutex_owned(w->w_host, &w->w_lock));
	}
}

static void
four_workers(void *arg)
{
	static const char *const names[] = { "w0", "w1", "w2", "w3" };
	struct world *w = arg;
	struct host_thread *t[4];
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(host_thread_create(w->w_host, names[i], -1,
		    worker, w, &t[i]), 0);
	for (i = 0; i < 4; i++)
		host_thread_join(w->w_host, t[i]);
}

static void
test_same_seed_same_run(void **state)
{
	struct world a, b, c;

	(void)state;
	run_world(&a, 42, four_workers);
	run_world(&b, 42, four_workers);
	run_world(&c, 43, four_workers);
	assert_true(sim_trace(a.w_host) == sim_trace(b.w_host));
	assert_memory_equal(a.w_order, b.w_order, sizeof(a.w_order));
	assert_true(host_clock(a.w_host) == host_clock(b.w_host));
	assert_true(sim_random(a.w_host) == sim_random(b.w_host));
	assert_true(sim_trace(a.w_host) != sim_trace(c.w_host));
	assert_memory_not_equal(a.w_order, c.w_order, sizeof(a.w_order));
	end_world(&a);
	end_world(&b);
	end_world(&c);
}

/* A mutex lets one task in at a time, and all of them in the end. */
static void
test_mutex(void **state)
{
	struct world w;
	uint64_t seed;
	unsigned i, mixed = 0;

	(void)state;
	for (seed = 0; seed < 50; seed++) {
		run_world(&w, seed, four_workers);
		assert_int_equal(w.w_shared, 40);
		for (i = 1; i < 10; i++)
			mixed += w.w_order[i] != w.w_order[0];
		end_world(&w);
	}
	assert_true(mixed > 50);
}

static void
sleep_long(void *arg)
{
	struct world *w = arg;
	uint64_t before = host_clock(w->w_host);

	host_sleep(w->w_host, 3600 * SEC);
	w->w_time = host_clock(w->w_host) - before;
}

static void
test_time_jumps(void **state)
{
	struct world w;

	(void)state;
	run_world(&w, 1, sleep_long);
	assert_true(w.w_time >= 3600 * SEC);
	assert_true(w.w_time < 3601 * SEC);
	end_world(&w);
}

static void
setter(void *arg)
{
	struct world *w = arg;

	host_sleep(w->w_host, SEC);
	host_mutex_lock(w->w_host, &w->w_lock);
	w->w_flag = true;
	host_cond_broadcast(w->w_host, &w->w_cond);
	host_mutex_unlock(w->w_host, &w->w_lock);
}

static void
cond_user(void *arg)
{
	struct world *w = arg;
	struct host_thread *t;
	uint64_t before, waited;
	int error;

	host_mutex_lock(w->w_host, &w->w_lock);
	before = host_clock(w->w_host);
	do {
		error = host_cond_wait(w->w_host, &w->w_cond, &w->w_lock,
		    SEC / 2);
		waited = host_clock(w->w_host) - before;
	} while (error == 0);
	assert_int_equal(error, ETIMEDOUT);
	assert_true(waited >= SEC / 2);
	assert_true(host_mutex_owned(w->w_host, &w->w_lock));

	assert_int_equal(host_thread_create(w->w_host, "setter", -1, setter,
	    w, &t), 0);
	while (!w->w_flag)
		assert_int_equal(host_cond_wait(w->w_host, &w->w_cond,
		    &w->w_lock, HOST_FOREVER), 0);
	host_mutex_unlock(w->w_host, &w->w_lock);
	host_thread_join(w->w_host, t);
}

static void
test_cond(void **state)
{
	struct world w;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 50; seed++) {
		run_world(&w, seed, cond_user);
		end_world(&w);
	}
}

static void
lock_two_one(void *arg)
{
	struct world *w = arg;

	host_mutex_lock(w->w_host, &w->w_lock2);
	host_sleep(w->w_host, SEC);
	host_mutex_lock(w->w_host, &w->w_lock);
}

static void
lock_one_two(void *arg)
{
	struct world *w = arg;
	struct host_thread *t;

	(void)host_thread_create(w->w_host, "other", -1, lock_two_one, w, &t);
	host_mutex_lock(w->w_host, &w->w_lock);
	host_sleep(w->w_host, SEC);
	host_mutex_lock(w->w_host, &w->w_lock2);
}

/* Run with stderr in a file, and return what was written there. */
static int
run_captured(struct host *h, void (*fn)(void *), void *arg, char *text,
    size_t size)
{
	FILE *f = tmpfile();
	int error, saved;
	size_t n;

	assert_non_null(f);
	saved = dup(STDERR_FILENO);
	dup2(fileno(f), STDERR_FILENO);
	error = sim_run(h, fn, arg);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return error;
}

static void
test_deadlock(void **state)
{
	struct world w;
	char text[2048];

	(void)state;
	memset(&w, 0, sizeof(w));
	w.w_host = new_sim(7);
	host_mutex_init(w.w_host, &w.w_lock);
	host_mutex_init(w.w_host, &w.w_lock2);
	assert_int_equal(run_captured(w.w_host, lock_one_two, &w, text,
	    sizeof(text)), EDEADLK);
	assert_non_null(strstr(text, "deadlock"));
	assert_non_null(strstr(text, "seed 7"));
	assert_non_null(strstr(text, "(main) waits for a mutex"));
	assert_non_null(strstr(text, "held by other"));
	assert_non_null(strstr(text, "held by main"));
	sim_destroy(w.w_host);
}

static void
test_alloc(void **state)
{
	struct host *h = new_sim(3);
	unsigned char *p;
	unsigned i, failed = 0;
	void *q;

	(void)state;
	p = host_alloc(h, 100, 64);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 64, 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	q = host_map(h, 10000);
	assert_non_null(q);
	assert_int_equal(sim_allocated(h), 2);
	host_unmap(h, q, 10000);
	host_free(h, p);
	host_free(h, NULL);
	assert_int_equal(sim_allocated(h), 0);

	sim_fail_alloc(h, 2);
	p = host_alloc(h, 1, 0);
	assert_non_null(p);
	assert_false(sim_alloc_failed(h));
	assert_null(host_alloc(h, 1, 0));
	assert_true(sim_alloc_failed(h));
	host_free(h, p);

	sim_set_faults(h, 500000, 0);
	for (i = 0; i < 1000; i++) {
		p = host_alloc(h, 1, 0);
		failed += p == NULL;
		host_free(h, p);
	}
	assert_in_range(failed, 400, 600);
	sim_destroy(h);
}

/* A reader that sleeps inside its section holds the grace period up. */
static void
rcu_reader(void *arg)
{
	struct world *w = arg;

	urcu_memb_read_lock();
	urcu_memb_read_lock();
	w->w_in_section = true;
	w->w_flag = true;
	host_sleep(w->w_host, SEC);
	urcu_memb_read_unlock();
	host_sleep(w->w_host, SEC);
	w->w_in_section = false;
	urcu_memb_read_unlock();
	host_sleep(w->w_host, SEC);
}

static void
rcu_writer(void *arg)
{
	struct world *w = arg;
	struct host_thread *t;

	(void)host_thread_create(w->w_host, "reader", -1, rcu_reader, w, &t);
	while (!w->w_flag)
		host_sleep(w->w_host, SEC / 100);
	assert_false(urcu_memb_read_ongoing());
	host_rcu_synchronize(w->w_host);
	assert_false(w->w_in_section);
	host_thread_join(w->w_host, t);
}

static void
test_rcu(void **state)
{
	struct world w;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 20; seed++) {
		run_world(&w, seed, rcu_writer);
		end_world(&w);
	}
}

static void
ringer(void *arg)
{
	struct world *w = arg;

	host_sleep(w->w_host, SEC);
	host_poller_wake(w->w_host, w->w_poller);
	host_sleep(w->w_host, SEC);
	assert_int_equal(sim_tun_put(w->w_host, "tap0",
	    "0123456789ABCDEFGHIJKLMNOP", 26), 0);
}

static void
tun_user(void *arg)
{
	struct world *w = arg;
	struct host *h = w->w_host;
	struct host_tun_config tc = { .tc_name = "", .tc_fd = -1 };
	struct host_event ev[4];
	struct host_thread *t;
	struct iovec iov[2];
	char head[10], body[100];
	uint64_t before;
	unsigned n;
	size_t len;
	int i;

	assert_int_equal(host_tun_open(h, &tc, &w->w_tun), 0);
	assert_string_equal(host_tun_name(h, w->w_tun), "tap0");
	assert_int_equal(host_poller_create(h, &w->w_poller), 0);
	assert_int_equal(host_poller_add(h, w->w_poller, 0, HOST_POLL_IN, w),
	    EBADF);
	assert_int_equal(host_poller_add(h, w->w_poller,
	    host_tun_fd(h, w->w_tun), HOST_POLL_IN, w->w_tun), 0);

	before = host_clock(h);
	assert_int_equal(host_poller_wait(h, w->w_poller, ev, 4, SEC, &n), 0);
	assert_int_equal(n, 0);
	assert_true(host_clock(h) - before >= SEC);

	assert_int_equal(host_thread_create(h, "ringer", -1, ringer, w, &t),
	    0);
	assert_int_equal(host_poller_wait(h, w->w_poller, ev, 4, HOST_FOREVER,
	    &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(host_poller_wait(h, w->w_poller, ev, 4, HOST_FOREVER,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_ptr_equal(ev[0].he_cookie, w->w_tun);
	assert_int_equal(ev[0].he_events, HOST_POLL_IN);
	host_thread_join(h, t);

	iov[0].iov_base = head;
	iov[0].iov_len = sizeof(head);
	iov[1].iov_base = body;
	iov[1].iov_len = sizeof(body);
	assert_int_equal(host_tun_recv(h, w->w_tun, iov, 2), 26);
	assert_memory_equal(head, "0123456789", 10);
	assert_memory_equal(body, "ABCDEFGHIJKLMNOP", 16);
	assert_int_equal(host_tun_recv(h, w->w_tun, iov, 2), -EAGAIN);

	iov[1].iov_len = 16;
	assert_int_equal(host_tun_send(h, w->w_tun, iov, 2), 26);
	iov[1].iov_len = 13;
	assert_int_equal(host_tun_send(h, w->w_tun, iov, 2), -EINVAL);
	len = 5;
	assert_int_equal(sim_tun_get(h, "tap0", body, &len), EMSGSIZE);
	len = sizeof(body);
	assert_int_equal(sim_tun_get(h, "tap0", body, &len), 0);
	assert_int_equal(len, 26);
	assert_int_equal(sim_tun_get(h, "tap0", body, &len), EAGAIN);
	assert_int_equal(sim_tun_get(h, "tap7", body, &len), ENXIO);
	for (i = 0; i < 256; i++)
		assert_int_equal(sim_tun_put(h, "tap0", body, 30), 0);
	assert_int_equal(sim_tun_put(h, "tap0", body, 30), ENOBUFS);

	assert_int_equal(sim_tun_kill(h, "tap0"), 0);
	assert_int_equal(sim_tun_kill(h, "tap0"), ENXIO);
	assert_int_equal(host_poller_wait(h, w->w_poller, ev, 4, HOST_FOREVER,
	    &n), 0);
	assert_true(ev[0].he_events & HOST_POLL_HUP);
	assert_int_equal(host_tun_recv(h, w->w_tun, iov, 2), -EBADFD);
	assert_int_equal(host_tun_send(h, w->w_tun, iov, 2), -EBADFD);
	host_tun_close(h, w->w_tun);
	assert_int_equal(host_poller_wait(h, w->w_poller, ev, 4, 0, &n), 0);
	assert_int_equal(n, 0);
	host_poller_destroy(h, w->w_poller);
}

static void
test_tun_and_poller(void **state)
{
	struct world w;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 20; seed++) {
		run_world(&w, seed, tun_user);
		end_world(&w);
	}
}

static void
sock_user(void *arg)
{
	struct world *w = arg;
	struct host *h = w->w_host;
	struct host_tun_config tc = { .tc_name = "" };
	struct host_peercred hp = { .hp_pid = 5, .hp_uid = 1000 };
	struct host_peercred got;
	struct host_tun *t;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)"hello",
	    .iov_len = 5 };
	char buf[8];
	int c, l, l2, passed, s, tap;

	assert_int_equal(sim_sock_connect(h, "/x", &hp, &c), ECONNREFUSED);
	assert_int_equal(host_sock_listen(h, "/x", 0600, &l), 0);
	assert_int_equal(host_sock_listen(h, "/x", 0600, &l2), EADDRINUSE);
	assert_int_equal(host_sock_accept(h, l, &s, &got), EAGAIN);
	assert_int_equal(sim_sock_connect(h, "/x", &hp, &c), 0);
	assert_int_equal(host_sock_accept(h, l, &s, &got), 0);
	assert_int_equal(got.hp_uid, 1000);
	assert_int_equal(got.hp_pid, 5);

	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), -EAGAIN);
	assert_int_equal(host_sock_send(h, c, &iov, 1), 5);
	assert_int_equal(host_sock_recv(h, s, buf, 3, &passed), 5);
	assert_memory_equal(buf, "hel", 3);
	assert_int_equal(passed, -1);

	assert_int_equal(sim_tun_create(h, "tapx", &tap), 0);
	assert_int_equal(sim_sock_sendfd(h, c, &iov, 1, tap), 5);
	host_sock_close(h, tap);
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), 5);
	assert_int_not_equal(passed, -1);
	tc.tc_fd = s;
	assert_int_equal(host_tun_open(h, &tc, &t), EINVAL);
	tc.tc_fd = passed;
	assert_int_equal(host_tun_open(h, &tc, &t), 0);
	assert_string_equal(host_tun_name(h, t), "tapx");
	host_tun_close(h, t);

	host_sock_close(h, c);
	assert_int_equal(host_sock_recv(h, s, buf, 8, &passed), 0);
	assert_int_equal(host_sock_send(h, s, &iov, 1), -EPIPE);
	host_sock_close(h, s);
	host_sock_close(h, l);
	assert_int_equal(sim_sock_connect(h, "/x", &hp, &c), ECONNREFUSED);
}

static void
test_sock(void **state)
{
	struct world w;

	(void)state;
	run_world(&w, 11, sock_user);
	end_world(&w);
}

static void
io_faults(void *arg)
{
	struct world *w = arg;
	struct host *h = w->w_host;
	struct host_tun_config tc = { .tc_name = "t", .tc_fd = -1 };
	struct host_tun *t;
	struct iovec iov;
	char buf[64] = { 0 };
	unsigned i, failed = 0;
	size_t len;
	ssize_t rv;

	assert_int_equal(host_tun_open(h, &tc, &t), 0);
	sim_set_faults(h, 0, 300000);
	iov.iov_base = buf;
	iov.iov_len = sizeof(buf);
	for (i = 0; i < 1000; i++) {
		rv = host_tun_send(h, t, &iov, 1);
		assert_true(rv == sizeof(buf) || rv == -EAGAIN ||
		    rv == -ENOMEM || rv == -ENOBUFS);
		failed += rv < 0;
		len = sizeof(buf);
		assert_int_equal(sim_tun_get(h, "t", buf, &len),
		    rv < 0 ? EAGAIN : 0);
	}
	assert_in_range(failed, 200, 400);
	host_tun_close(h, t);
}

static void
test_io_faults(void **state)
{
	struct world w;

	(void)state;
	run_world(&w, 5, io_faults);
	end_world(&w);
}

static bool
count_thread(struct host_thread *t, void *arg)
{
	unsigned *n = arg;

	(void)t;
	++*n;
	return true;
}

static void
kern_dtor(void *arg)
{
	struct world *w = arg;

	w->w_n += 100;
	assert_ptr_equal(host_curthread->ht_kern, w);
}

static void
with_kern(void *arg)
{
	struct world *w = arg;

	host_curthread->ht_kern = w;
	host_curthread->ht_kern_dtor = kern_dtor;
	host_thread_foreach(w->w_host, count_thread, &w->w_n);
}

static void
threads_user(void *arg)
{
	struct world *w = arg;
	struct host_thread *t;

	assert_ptr_equal(host_thread_attach(w->w_host), host_curthread);
	sim_fail_alloc(w->w_host, 1);
	assert_int_equal(host_thread_create(w->w_host, "t", -1, with_kern, w,
	    &t), EAGAIN);
	assert_int_equal(host_thread_create(w->w_host, "t", -1, with_kern, w,
	    &t), 0);
	host_thread_join(w->w_host, t);
	host_log(w->w_host, HOST_LOG_ERR, "said so");
}

static void
test_threads_and_log(void **state)
{
	struct world w;

	(void)state;
	run_world(&w, 9, threads_user);
	assert_int_equal(w.w_n, 102);
	assert_string_equal(sim_last_log(w.w_host), "said so");
	assert_null(host_curthread);
	assert_non_null(host_thread_attach(w.w_host));
	assert_int_equal(host_ncpu(w.w_host), 2);
	end_world(&w);
	assert_null(host_curthread);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_run),
		cmocka_unit_test(test_mutex),
		cmocka_unit_test(test_time_jumps),
		cmocka_unit_test(test_cond),
		cmocka_unit_test(test_deadlock),
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_rcu),
		cmocka_unit_test(test_tun_and_poller),
		cmocka_unit_test(test_sock),
		cmocka_unit_test(test_io_faults),
		cmocka_unit_test(test_threads_and_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
