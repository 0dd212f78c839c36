/*
 * The timer wheel against a plain list: every object comes when it is due, in
 * order, once, and none that was taken off.
 */

#include "kern_test.h"
#include "kern/wheel.h"	/* under test */

#define MS	UINT64_C(1000000)
#define TICK	(10 * MS)
#define N	300
#define LEVELS	7

struct object {
	struct wheel_link ob_link;
	uint64_t	 ob_due;	/* 0: not on the wheel */
};

/* The plain list is ob_due of all objects. */
struct wheel_test {
	struct kspin	 wt_lock;
	struct wheel	 wt_wheel;
	struct wheel_level wt_level[LEVELS];
	struct kern	*wt_kern;
	struct object	 wt_obj[N];
	unsigned	 wt_ran;
	unsigned	 wt_calls;	/* of the wheel's function */
	unsigned	 wt_most;	/* objects of one call; 0: any number */
	bool		 wt_again;	/* objects are put back */
	bool		 wt_late;	/* calls come to nothing: the CPU has
					 * much else to do */
};

static struct object *
object_of(struct wheel_link *wl)
{

	return (struct object *)((char *)wl - offsetof(struct object,
	    ob_link));
}

/* The time when the first object is due; UINT64_MAX: there is none. */
static uint64_t
earliest(const struct wheel_test *wt)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < N; i++)
		if (wt->wt_obj[i].ob_due != 0 && wt->wt_obj[i].ob_due < due)
			due = wt->wt_obj[i].ob_due;
	return due;
}

/* Ticks from none to the farthest that a wheel reaches, most of them few. */
static uint64_t
random_delay(struct kern *k)
{

	return sim_random(k->k_host) % (TICK << sim_random(k->k_host) % 17);
}

static void
put(struct wheel_test *wt, struct object *ob, uint64_t ns)
{
	uint64_t now = kern_now(wt->wt_kern), tick = now / TICK;

	ob->ob_due = wheel_put(&wt->wt_wheel, &ob->ob_link, now, ns);
	KASSERT(wheel_has(&ob->ob_link));
	if (ns == 0)
		KASSERT(ob->ob_due == tick * TICK);
	else
		KASSERT(ob->ob_due >= now + ns);
	/* While the CPU is late, groups of ticks are chosen that are larger. */
	if (wt->wt_late)
		return;
	/* A level is chosen by whole groups of ticks. */
	KASSERT(ob->ob_due < now + ns + ns / 7 + 2 * TICK);
	if (ns < 30 * TICK)
		KASSERT(ob->ob_due <= now + ns + TICK);
}

static void
run(void *arg)
{
	struct wheel_test *wt = arg;
	uint64_t now = kern_now(wt->wt_kern);
	struct wheel_link *wl;
	struct object *ob;
	unsigned n = 0;

	kspin_lock(&wt->wt_lock);
	if (wt->wt_late) {
		kspin_unlock(&wt->wt_lock);
		return;
	}
	wt->wt_calls++;
	while (wt->wt_most == 0 || n < wt->wt_most) {
		wl = wheel_due(&wt->wt_wheel, now);
		if (wl == NULL) {
			KASSERT(earliest(wt) > now);
			break;
		}
		ob = object_of(wl);
		KASSERT(!wheel_has(wl) && ob->ob_due != 0);
		KASSERT(ob->ob_due <= now && ob->ob_due == earliest(wt));
		ob->ob_due = 0;
		wt->wt_ran++;
		n++;
		if (wt->wt_again)
			ob->ob_due = wheel_put(&wt->wt_wheel, wl, now,
			    (now / TICK + 1) * TICK - now);
	}
	wheel_arm(&wt->wt_wheel, now);
	kspin_unlock(&wt->wt_lock);
}

static struct wheel_test *
test_begin(struct kern *k)
{
	struct wheel_test *wt;

	wt = kmem_zalloc(k, sizeof(*wt));
	KASSERT(wt != NULL);
	wt->wt_kern = k;
	wheel_init(&wt->wt_wheel, k, wt->wt_level, LEVELS, TICK, run, wt);
	return wt;
}

static void
test_end(struct wheel_test *wt)
{

	wheel_fini(&wt->wt_wheel);
	KASSERT(!callout_pending(&wt->wt_wheel.w_callout));
	kmem_free(wt->wt_kern, wt);
}

static void
model_step(struct wheel_test *wt)
{
	struct kern *k = wt->wt_kern;
	struct object *ob = &wt->wt_obj[sim_random(k->k_host) % N];

	kspin_lock(&wt->wt_lock);
	wt->wt_most = sim_random(k->k_host) % 3 == 0 ? 5 : 0;
	KASSERT(wheel_has(&ob->ob_link) == (ob->ob_due != 0));
	if (ob->ob_due == 0)
		put(wt, ob, random_delay(k));
	else if (sim_random(k->k_host) % 2 == 0) {
		wheel_take(&wt->wt_wheel, &ob->ob_link);
		KASSERT(!wheel_has(&ob->ob_link));
		ob->ob_due = 0;
	}
	kspin_unlock(&wt->wt_lock);
}

static void
model_body(struct kern *k)
{
	struct wheel_test *wt = test_begin(k);
	size_t count;
	uint64_t next;

	for (unsigned round = 0; round < 400; round++) {
		kspin_lock(&wt->wt_lock);
		wt->wt_late = sim_random(k->k_host) % 4 == 0;
		kspin_unlock(&wt->wt_lock);
		for (unsigned i = 0; i < 60; i++) {
			model_step(wt);
			if (i % 20 == 0)
				host_sleep(k->k_host, random_delay(k) / 16);
		}
		host_sleep(k->k_host, random_delay(k) / 16 + MS);
		kspin_lock(&wt->wt_lock);
		wt->wt_most = 0;
		wt->wt_late = false;
		kspin_unlock(&wt->wt_lock);
		run(wt);
		/* Nothing is left behind. */
		host_sleep(k->k_host, 20 * MS);
		kspin_lock(&wt->wt_lock);
		KASSERT(earliest(wt) + 20 * MS > kern_now(k));
		count = 0;
		for (unsigned i = 0; i < N; i++)
			count += wt->wt_obj[i].ob_due != 0;
		KASSERT(wt->wt_wheel.w_count == count);
		kspin_unlock(&wt->wt_lock);
	}
	KASSERT(wt->wt_ran > 1000);
	/* All of them, and the callout rests. */
	while ((next = earliest(wt)) != UINT64_MAX)
		host_sleep(k->k_host, next > kern_now(k) ? next - kern_now(k) :
		    MS);
	host_sleep(k->k_host, 20 * MS);
	KASSERT(!callout_pending(&wt->wt_wheel.w_callout));
	test_end(wt);
}

static void
test_model(void **state)
{

	(void)state;
	on_sim(1, model_body);
}

/* The function is called when something is due, or was and has been taken, and
 * not for objects that wait for longer. */
static void
calls_body(struct kern *k)
{
	struct wheel_test *wt = test_begin(k);

	kspin_lock(&wt->wt_lock);
	for (unsigned i = 0; i < N; i++)
		put(wt, &wt->wt_obj[i], (i % 3 + 1) * 3000 * TICK);
	kspin_unlock(&wt->wt_lock);
	host_sleep(k->k_host, 11000 * TICK);
	KASSERT(wt->wt_ran == N && wt->wt_calls <= 4);

	/* An object that waits does not make the others coarse. */
	kspin_lock(&wt->wt_lock);
	put(wt, &wt->wt_obj[0], 10000 * TICK);
	kspin_unlock(&wt->wt_lock);
	host_sleep(k->k_host, 8000 * TICK);
	kspin_lock(&wt->wt_lock);
	for (unsigned i = 1; i < 30; i++)
		put(wt, &wt->wt_obj[i], i * TICK);
	wheel_take(&wt->wt_wheel, &wt->wt_obj[0].ob_link);
	wt->wt_obj[0].ob_due = 0;
	kspin_unlock(&wt->wt_lock);
	host_sleep(k->k_host, 60 * TICK);
	KASSERT(wt->wt_ran == N + 29);
	test_end(wt);
}

static void
test_calls(void **state)
{

	(void)state;
	on_sim(1, calls_body);
}

/* An object that is put back each time, on its own; and objects that wait for
 * as long as they can, and longer. */
static void
edges_body(struct kern *k)
{
	struct wheel_test *wt = test_begin(k);
	uint64_t max = WHEEL_MAX(LEVELS) * TICK;

	wt->wt_again = true;
	kspin_lock(&wt->wt_lock);
	put(wt, &wt->wt_obj[0], 0);
	kspin_unlock(&wt->wt_lock);
	host_sleep(k->k_host, 100 * TICK + TICK / 2);
	kspin_lock(&wt->wt_lock);
	KASSERT(wt->wt_ran >= 100 && wt->wt_ran <= 102);
	wt->wt_again = false;
	kspin_unlock(&wt->wt_lock);
	host_sleep(k->k_host, 2 * TICK);
	KASSERT(wt->wt_wheel.w_count == 0);

	wt->wt_ran = 0;
	kspin_lock(&wt->wt_lock);
	wt->wt_obj[0].ob_due = wheel_put(&wt->wt_wheel,
	    &wt->wt_obj[0].ob_link, kern_now(k), max - TICK);
	KASSERT(wt->wt_obj[0].ob_due >= kern_now(k) + max - TICK);
	wt->wt_obj[1].ob_due = wheel_put(&wt->wt_wheel,
	    &wt->wt_obj[1].ob_link, kern_now(k), 100 * max);
	KASSERT(wt->wt_obj[1].ob_due < kern_now(k) + 2 * max);
	kspin_unlock(&wt->wt_lock);
	host_sleep(k->k_host, max / 2);
	KASSERT(wt->wt_ran == 0);
	host_sleep(k->k_host, max);
	KASSERT(wt->wt_ran == 2);
	test_end(wt);
}

static void
test_edges(void **state)
{

	(void)state;
	on_sim(1, edges_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
