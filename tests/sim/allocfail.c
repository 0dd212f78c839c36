/*
 * One operation and its points of failure; see allocfail.h.
 */

#include "allocfail.h"

#define PASSES	4

/* The counts of a list of rules change as packets come. */
static void
mask_counts(char *rules)
{
	char *end;

	for (; (end = strchr(rules, '\n')) != NULL; rules = end + 1)
		if (end - rules > 55)
			memset(rules + 28, 'x', 27);
}

/* The text of a listing, less the parts that a failed allocation may change. */
static char *
listing(struct vnet *vn)
{
	static const char *const line[] = { "ifconfig", "route show",
	    "arp -a", "vnet list", "sysctl net.inet.ip.ttl",
	    "-n far ifconfig", "filter list" };
	char *all = calloc(1, 1), *part, *random;
	size_t len = 1;

	for (unsigned i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		if (vnet_command_output(vn, line[i], &part, NULL) != 0) {
			fprintf(stderr, "%s fails\n", line[i]);
			abort();
		}
		if (strcmp(line[i], "filter list") == 0)
			mask_counts(part);
		len += strlen(part);
		all = realloc(all, len);
		KASSERT(all != NULL);
		strcat(all, part);
		free(part);
	}
	/* Link-level addresses are another each time. */
	for (random = all; (random = strstr(random, "address: ")) != NULL;
	    random += 26)
		memset(random + 9, 'x', 17);
	return all;
}

int
run_line(struct vnet *vn, const char *line)
{
	char *output = NULL;
	int error;

	error = vnet_command_output(vn, line, &output, NULL);
	free(output);
	return error;
}

static int
run_step(struct ifnet_stack *st, struct vnet *vn, const struct step *s)
{

	return s->s_fn != NULL ? s->s_fn(st, vn) : run_line(vn, s->s_do);
}

static void
undo_step(struct ifnet_stack *st, struct vnet *vn, const struct step *s)
{
	char lines[256], *line, *next;

	if (s->s_undofn != NULL && s->s_undofn(st, vn) != 0) {
		fprintf(stderr, "undoing %s fails\n", s->s_do);
		abort();
	}
	if (s->s_undo == NULL)
		return;
	(void)snprintf(lines, sizeof(lines), "%s", s->s_undo);
	for (line = lines; line != NULL; line = next) {
		next = strchr(line, ';');
		if (next != NULL)
			*next++ = '\0';
		if (run_line(vn, line) != 0) {
			fprintf(stderr, "undoing with %s fails\n", line);
			abort();
		}
	}
}

static size_t
allocated(struct vnet *vn)
{

	for (int i = 0; i < 4; i++) {
		kern_run(vn->vn_kern);
		kern_defer_barrier(vn->vn_kern);
	}
	return sim_allocated(vn->vn_kern->k_host);
}

static void
differ(const struct step *s, unsigned n, const char *what, const char *a,
    const char *b)
{

	fprintf(stderr, "%s: allocation %u: %s\n--- expected\n%s--- is\n%s",
	    s->s_do, n, what, a, b);
	abort();
}

/* One point of failure; false: there are no more. */
static bool
fail_at(struct ifnet_stack *st, struct vnet *vn, const struct step *s,
    unsigned n, const char *before, const char *after)
{
	struct host *h = vn->vn_kern->k_host;
	bool failed, done;
	char *now;
	int error;

	kern_run(vn->vn_kern);
	sim_fail_alloc(h, n);
	error = run_step(st, vn, s);
	failed = sim_alloc_failed(h);
	sim_fail_alloc(h, 0);
	kern_run(vn->vn_kern);
	now = listing(vn);
	/* ENOBUFS: none for a neighbour. */
	if (error != 0 && (!failed || (error != ENOMEM &&
	    error != ENOBUFS))) {
		fprintf(stderr, "%s: allocation %u: error %d\n", s->s_do, n,
		    error);
		abort();
	}
	/* Done, and then no memory to say so or for what a command asks next:
	 * its request was whole all the same. */
	done = strcmp(now, after) == 0 &&
	    (error == 0 || (s->s_fn == NULL && strcmp(now, before) != 0));
	if (!done && (error == 0 || strcmp(now, before) != 0))
		differ(s, n, "it was done by half", error == 0 ? after :
		    before, now);
	if (done)
		undo_step(st, vn, s);
	free(now);
	return failed;
}

/* Every point once; how many there are. */
static unsigned
fail_all(struct ifnet_stack *st, struct vnet *vn, const struct step *s,
    const char *before, const char *after)
{
	unsigned n;

	for (n = 1; n < POINTS_MAX; n++)
		if (!fail_at(st, vn, s, n, before, after))
			break;
	KASSERT(n < POINTS_MAX);
	return n - 1;
}

void
fail_everywhere(struct ifnet_stack *st, struct vnet *vn, const struct step *s)
{
	char *before, *after;
	size_t base = 0, left = 0;
	unsigned points = 0;

	/* Twice, so that tables have the size that they will have. */
	for (int i = 0; i < 2; i++) {
		/* A change of a link that was undone is handled later. */
		kern_run(vn->vn_kern);
		before = listing(vn);
		if (run_step(st, vn, s) != 0) {
			fprintf(stderr, "%s fails\n", s->s_do);
			abort();
		}
		kern_run(vn->vn_kern);
		after = listing(vn);
		undo_step(st, vn, s);
		if (i == 0) {
			free(before);
			free(after);
		}
	}
	/* Once more when something is left: a table that grew does not grow
	 * again, and a leak does, at whichever point it is. */
	for (int pass = 0; pass < PASSES; pass++) {
		base = allocated(vn);
		points = fail_all(st, vn, s, before, after);
		left = allocated(vn);
		if (left <= base)
			break;
	}
	if (left > base) {
		fprintf(stderr, "%s: %zu allocations became %zu\n", s->s_do,
		    base, left);
		abort();
	}
	print_message("%3u points: %s\n", points, s->s_do);
	free(before);
	free(after);
}
