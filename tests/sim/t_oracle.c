/*
 * The interface layer against its oracle, at random: seeds are printed, and a
 * list of operations that fails is cut down to one that still does.
 *
 *	t_oracle [--seed N] [--seeds N] [--ops N]
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
#define SEEDS_DEFAULT	6
/* Runs spent on making a failing list shorter, and seconds for each. */
#define TRIES_MAX	4000
#define TRY_SECONDS	20

/* Shared with the process that runs: where it is. */
static volatile unsigned *progress;

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
		oracle_run(seed, ops, n, progress);
		_exit(0);
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

/* Leave out piece by piece what is not needed to fail; the new length. */
static unsigned
minimise(uint64_t seed, struct op *ops, unsigned n)
{
	struct op *less = calloc(n, sizeof(*less));
	unsigned len, tries = 0;

	if (less == NULL)
		return n;
	for (len = n / 2; len > 0 && tries < TRIES_MAX; len /= 2)
		for (unsigned at = 0; at + len <= n && tries < TRIES_MAX;) {
			cut(ops, n, at, len, less);
			tries++;
			if (n > len && fails(seed, less, n - len, true)) {
				n -= len;
				memcpy(ops, less, n * sizeof(*ops));
			} else
				at += len;
		}
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

static bool
run_seed(uint64_t seed, unsigned n)
{
	uint64_t state = seed;
	struct op *ops;

	printf("seed %llu, %u operations\n", (unsigned long long)seed, n);
	ops = calloc(n, sizeof(*ops));
	if (ops == NULL) {
		perror("calloc");
		exit(2);
	}
	for (unsigned i = 0; i < n; i++)
		op_random(&state, &ops[i]);
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

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "ops", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 }
	};
	uint64_t seed = 1, seeds = 0;
	unsigned ops = OPS_DEFAULT;
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
		default:
			fprintf(stderr, "usage: t_oracle [--seed N] "
			    "[--seeds N] [--ops N]\n");
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
	for (uint64_t i = 0; i < seeds; i++)
		if (!run_seed(seed + i, ops))
			return 1;
	return 0;
}
