/*
 * The interface layer against its oracle, at random: seeds are printed, and a
 * list of operations that fails is cut down to one that still does.
 *
 *	t_oracle [--seed N] [--seeds N] [--ops N]
 *	t_oracle --planted		errors made on purpose are found, and
 *					cut down to a few operations
 */

#include "oracle_real.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPS_DEFAULT	1500
#define SEEDS_DEFAULT	12
/* Operations that show an error made on purpose. */
#define PLANTED_MAX	8
/* Runs spent on making a failing list shorter, and seconds for each. */
#define TRIES_MAX	4000
#define TRY_SECONDS	20
#define SHORT		24

/* Shared with the process that runs: where it is. */
static volatile unsigned *progress;
/* An error of the oracle, to be found. */
static enum o_plant plant;

/* In a process of its own, since a failure ends it.  Did it fail? */
static bool
fails(uint64_t seed, const struct op *ops, unsigned n, bool quiet)
{
	int status, fd;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == -1) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		if (quiet) {
			fd = open("/dev/null", O_WRONLY);
			(void)dup2(fd, STDERR_FILENO);
			(void)alarm(TRY_SECONDS);
		}
		oracle_run(seed, ops, n, plant, progress);
		exit(0);	/* not _exit: a coverage build writes then */
	}
	if (waitpid(pid, &status, 0) != pid) {
		perror("waitpid");
		exit(2);
	}
	return status != 0;
}

static void
cut(const struct op *from, unsigned n, unsigned at, unsigned len,
    struct op *to)
{

	memcpy(to, from, at * sizeof(*to));
	memcpy(to + at, from + at + len, (n - at - len) * sizeof(*to));
}

/* Without any piece of that length that is not needed; the new length. */
static unsigned
leave_out(uint64_t seed, struct op *ops, unsigned n, unsigned len,
    struct op *less, unsigned *tries)
{

	for (unsigned at = 0; at + len <= n && *tries < TRIES_MAX;) {
		cut(ops, n, at, len, less);
		++*tries;
		if (n > len && fails(seed, less, n - len, true)) {
			n -= len;
			memcpy(ops, less, n * sizeof(*ops));
		} else
			at += len;
	}
	return n;
}

/*
 * Two that belong together and stand apart (what comes, and goes).  Of a short
 * list only: there are many.
 */
static unsigned
leave_out_two(uint64_t seed, struct op *ops, unsigned n, struct op *less,
    unsigned *tries)
{

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = i + 1; j < n && n <= SHORT; j++) {
			cut(ops, n, j, 1, less);
			memmove(less + i, less + i + 1,
			    (n - 2 - i) * sizeof(*less));
			if (++*tries < TRIES_MAX && n > 2 &&
			    fails(seed, less, n - 2, true)) {
				n -= 2;
				memcpy(ops, less, n * sizeof(*ops));
				j = i;
			}
		}
	return n;
}

/* Leave out piece by piece what is not needed to fail; the new length. */
static unsigned
minimise(uint64_t seed, struct op *ops, unsigned n)
{
	struct op *less = calloc(n, sizeof(*less));
	unsigned was, tries = 0;

	if (less == NULL)
		return n;
	for (unsigned len = n / 2; len > 1; len /= 2)
		n = leave_out(seed, ops, n, len, less, &tries);
	do {
		was = n;
		n = leave_out(seed, ops, n, 1, less, &tries);
		n = leave_out_two(seed, ops, n, less, &tries);
	} while (n < was);
	/* Is it the fault? */
	for (unsigned i = 0; i < n; i++) {
		memcpy(less, ops, n * sizeof(*ops));
		less[i].op_fault = 0;
		if (ops[i].op_fault != 0 && fails(seed, less, n, true))
			ops[i].op_fault = 0;
	}
	free(less);
	return n;
}

static struct op *
random_ops(uint64_t seed, unsigned n)
{
	uint64_t state = seed;
	struct op *ops;

	ops = calloc(n, sizeof(*ops));
	if (ops == NULL) {
		perror("calloc");
		exit(2);
	}
	for (unsigned i = 0; i < n; i++)
		op_random(&state, &ops[i]);
	return ops;
}

static bool
run_seed(uint64_t seed, unsigned n)
{
	struct op *ops;

	printf("seed %llu, %u operations\n", (unsigned long long)seed, n);
	ops = random_ops(seed, n);
	if (!fails(seed, ops, n, false)) {
		free(ops);
		return true;
	}
	/* When it failed in taking down, all of them may matter. */
	if (*progress + 1 < n && fails(seed, ops, *progress + 1, true))
		n = *progress + 1;
	n = minimise(seed, ops, n);
	fprintf(stderr, "seed %llu fails with these %u:\n",
	    (unsigned long long)seed, n);
	for (unsigned i = 0; i < n; i++)
		op_print(&ops[i]);
	(void)fails(seed, ops, n, false);
	free(ops);
	return false;
}

/* Is the error found, and the list that shows it cut down? */
static bool
find_planted(enum o_plant which, const char *name)
{
	unsigned n = OPS_DEFAULT;
	struct op *ops;
	uint64_t seed;

	plant = which;
	for (seed = 1; seed <= SEEDS_DEFAULT; seed++) {
		ops = random_ops(seed, n);
		if (fails(seed, ops, n, true))
			break;
		free(ops);
	}
	if (seed > SEEDS_DEFAULT) {
		fprintf(stderr, "%s: not found\n", name);
		return false;
	}
	n = minimise(seed, ops, *progress + 1);
	printf("%s: seed %llu, %u operations of %u:\n", name,
	    (unsigned long long)seed, n, OPS_DEFAULT);
	(void)fflush(stdout);
	for (unsigned i = 0; i < n; i++)
		op_print(&ops[i]);
	free(ops);
	return n <= PLANTED_MAX;
}

static int
planted(void)
{
	static const char *const name[] = { "none",
	    "a change of MTU is not announced",
	    "nobody inherits the routes of a prefix",
	    "what moved is not up again",
	    "a full send queue is not counted",
	    "a group is never left",
	    "a way of a route is never taken out" };
	int status = 0;

	_Static_assert(sizeof(name) / sizeof(name[0]) == O_NPLANTS,
	    "words for each");
	for (unsigned i = 1; i < O_NPLANTS; i++)
		if (!find_planted((enum o_plant)i, name[i]))
			status = 1;
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "ops", required_argument, NULL, 'o' },
		{ "planted", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 }
	};
	uint64_t seed = 1, seeds = 0;
	unsigned ops = OPS_DEFAULT;
	bool plants = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			if (seeds == 0)
				seeds = 1;
			break;
		case 'n':
			seeds = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			ops = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'p':
			plants = true;
			break;
		default:
			fprintf(stderr, "usage: t_oracle [--seed N] "
			    "[--seeds N] [--ops N] [--planted]\n");
			return 2;
		}
	if (seeds == 0)
		seeds = SEEDS_DEFAULT;
	if (ops == 0)
		return 0;
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	if (plants)
		return planted();
	for (uint64_t i = 0; i < seeds; i++)
		if (!run_seed(seed + i, ops))
			return 1;
	return 0;
}
