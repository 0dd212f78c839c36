/*
 * Small objects: none overlaps another, each is zeroed and aligned, and what
 * was given back is the machine's again; from one thread and from several.
 */

#include "kern_test.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS	4000

struct object {
	unsigned char	*ob_p;
	size_t		 ob_size;
	unsigned char	 ob_fill;
};

static bool
all_bytes(const struct object *ob, unsigned char c)
{

	for (size_t i = 0; i < ob->ob_size; i++)
		if (ob->ob_p[i] != c)
			return false;
	return true;
}

static void
give(struct kern *k, struct object *ob)
{

	KASSERT(all_bytes(ob, ob->ob_fill));
	kslab_free(k, ob->ob_p, ob->ob_size);
	ob->ob_p = NULL;
}

/* Take and give objects of all sizes, each filled with its own byte. */
static void
churn(struct kern *k, unsigned seed, unsigned steps)
{
	struct object *obs = calloc(OBJECTS, sizeof(*obs)), *ob;

	KASSERT(obs != NULL);
	for (unsigned i = 0; i < steps; i++) {
		seed = seed * 1103515245u + 12345u;
		ob = &obs[(seed >> 8) % OBJECTS];
		if (ob->ob_p != NULL) {
			give(k, ob);
			continue;
		}
		ob->ob_size = (seed >> 4) % 512 + 1;
		ob->ob_fill = (unsigned char)(i | 1);
		ob->ob_p = kslab_alloc(k, ob->ob_size);
		KASSERT(ob->ob_p != NULL && all_bytes(ob, 0));
		KASSERT((uintptr_t)ob->ob_p %
		    (ob->ob_size % 64 == 0 ? 64 : 8) == 0);
		memset(ob->ob_p, ob->ob_fill, ob->ob_size);
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		if (obs[i].ob_p != NULL)
			give(k, &obs[i]);
	free(obs);
}

static void
churn_body(struct kern *k)
{

	churn(k, 1, 100000);
}

static void
test_churn(void **state)
{

	(void)state;
	on_linux(0, churn_body);
	on_sim(0, churn_body);
}

/* So many that they stand in large regions, and all of them given back: the
 * kern's end would say if one were not. */
static void
many_body(struct kern *k)
{
	enum { MANY = 20000, BYTES = 384 };
	unsigned char **p = calloc(MANY, sizeof(*p));

	KASSERT(p != NULL);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			p[i] = kslab_alloc(k, BYTES);
			KASSERT(p[i] != NULL && p[i][0] == 0);
			memset(p[i], (int)(i % 251 + 1), BYTES);
		}
		for (unsigned i = 0; i < MANY; i++) {
			KASSERT(p[i][0] == i % 251 + 1);
			KASSERT(p[i][BYTES - 1] == i % 251 + 1);
			kslab_free(k, p[i], BYTES);
		}
	}
	free(p);
}

static void
test_many(void **state)
{

	(void)state;
	on_linux(0, many_body);
}

struct job {
	struct kern	*jo_kern;
	unsigned	 jo_seed;
};

static void
run_job(void *arg)
{
	struct job *jo = arg;

	churn(jo->jo_kern, jo->jo_seed, 50000);
}

static void
threads_body(struct kern *k)
{
	struct host_thread *t[4];
	struct job job[4];

	for (unsigned i = 0; i < 4; i++) {
		job[i] = (struct job){ k, i + 7 };
		KASSERT(host_thread_create(k->k_host, "churn", -1, run_job,
		    &job[i], &t[i]) == 0);
	}
	for (unsigned i = 0; i < 4; i++)
		host_thread_join(k->k_host, t[i]);
}

static void
test_threads(void **state)
{

	(void)state;
	on_linux(0, threads_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
