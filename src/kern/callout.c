/*
 * Callouts: a hierarchical timer wheel for each CPU, in ticks of 1 ms.
 *
 * Level 0 has a slot for each of the next 256 ticks, level 1 one for each of
 * the next 256 blocks of 256 ticks, and so on.  When time comes to the start of
 * a block, its callouts move to the levels below.  A bitmap of the slots in use
 * lets time jump over empty slots, and tells how long the CPU may sleep: a
 * sleeper is woken for a block's start at most three times before a callout is
 * due.
 *
 * The lock is never held while a callout's function runs.  A callout whose
 * function is running stays on that CPU, so it never runs on two.
 */

#include "kern/kern_private.h"

#include <errno.h>

#define LEVELS		4
#define SLOT_BITS	8
#define SLOTS		(1u << SLOT_BITS)
#define NEVER		UINT64_MAX

/* c_state */
#define C_ARMED		0x1u
#define C_HALTING	0x2u	/* may not be armed */

/*
 *	cw_tick		the first tick that was not processed; cw_lock
 *	cw_next		no later than the tick when something is to do;
 *			written under cw_lock, atomic
 *	cw_slot, cw_bits callouts by level, and which slots may have any;
 *			cw_lock
 *	cw_now		to run at the next pass; cw_lock
 *	cw_firing	being run; cw_lock
 *	cw_running	whose function runs; compared only; cw_lock
 */
struct callout_wheel {
	struct kspin	 cw_lock;
	uint64_t	 cw_tick;
	uint64_t	 cw_next;
	struct callout	*cw_now;
	struct callout	*cw_firing;
	struct callout	*cw_running;
	uint64_t	 cw_bits[LEVELS][SLOTS / 64];
	struct callout	*cw_slot[LEVELS][SLOTS];
};

int
callout_wheel_create(struct cpu *ci)
{
	struct callout_wheel *cw;

	cw = kmem_zalloc(ci->ci_kern, sizeof(*cw));
	if (cw == NULL)
		return ENOMEM;
	cw->cw_tick = ci->ci_now / NS_PER_MS;
	cw->cw_next = NEVER;
	ci->ci_wheel = cw;
	return 0;
}

void
callout_wheel_destroy(struct cpu *ci)
{

	kmem_free(ci->ci_kern, ci->ci_wheel);
	ci->ci_wheel = NULL;
}

static void
push(struct callout **head, struct callout *c)
{

	c->c_next = *head;
	c->c_prev = head;
	if (c->c_next != NULL)
		c->c_next->c_prev = &c->c_next;
	*head = c;
}

/* A slot that becomes empty keeps its bit; next_slot() clears it. */
static void
unlink_callout(struct callout *c)
{

	*c->c_prev = c->c_next;
	if (c->c_next != NULL)
		c->c_next->c_prev = c->c_prev;
}

/* The distance of the first slot in use, at least `from' after the current
 * slot. */
static unsigned
next_slot(struct callout_wheel *cw, unsigned level, unsigned from)
{
	uint64_t word;
	unsigned cur = (cw->cw_tick >> (level * SLOT_BITS)) & (SLOTS - 1);
	unsigned slot, dist = from;

	while (dist < from + SLOTS) {
		slot = (cur + dist) & (SLOTS - 1);
		word = cw->cw_bits[level][slot / 64] >> (slot % 64);
		if (word == 0) {
			dist += 64 - slot % 64;
			continue;
		}
		dist += (unsigned)__builtin_ctzll(word);
		if (dist >= from + SLOTS)
			break;
		slot = (cur + dist) & (SLOTS - 1);
		if (cw->cw_slot[level][slot] != NULL)
			return dist;
		cw->cw_bits[level][slot / 64] &= ~(1ULL << (slot % 64));
	}
	return SLOTS + 1;
}

/*
 * The next tick at which a callout is due or a block begins that has any.
 * Above level 0 the current slot is that of the present block, which moved
 * down when it began, or, just at its beginning, is to be moved now.
 */
static uint64_t
next_event(struct callout_wheel *cw)
{
	uint64_t tick, best = NEVER;
	unsigned dist, shift;

	for (unsigned level = 0; level < LEVELS; level++) {
		shift = level * SLOT_BITS;
		dist = next_slot(cw, level,
		    (cw->cw_tick & ((1ULL << shift) - 1)) == 0 ? 0 : 1);
		if (dist > SLOTS)
			continue;
		tick = ((cw->cw_tick >> shift) + dist) << shift;
		if (tick < best)
			best = tick;
	}
	return best;
}

static void
set_next(struct callout_wheel *cw, uint64_t tick)
{

	__atomic_store_n(&cw->cw_next, tick, __ATOMIC_RELAXED);
}

static void
insert(struct callout_wheel *cw, struct callout *c)
{
	uint64_t tick = c->c_tick, delta, start;
	unsigned level, slot;

	delta = tick - cw->cw_tick;
	for (level = 0; level < LEVELS; level++) {
		if (delta < 1ULL << ((level + 1) * SLOT_BITS))
			break;
	}
	if (level == LEVELS) {
		/* The time is beyond the wheel's last slot: the callout goes
		 * there, and is placed again when that slot comes. */
		level = LEVELS - 1;
		tick = cw->cw_tick + (1ULL << (LEVELS * SLOT_BITS)) - 1;
	}
	slot = (tick >> (level * SLOT_BITS)) & (SLOTS - 1);
	push(&cw->cw_slot[level][slot], c);
	cw->cw_bits[level][slot / 64] |= 1ULL << (slot % 64);
	start = tick >> (level * SLOT_BITS) << (level * SLOT_BITS);
	if (start < cw->cw_next)
		set_next(cw, start);
}

/* Time stands at the beginning of some blocks: move their callouts down. */
static void
cascade(struct callout_wheel *cw)
{
	struct callout *c, *list;
	unsigned level, slot;

	for (level = LEVELS - 1; level > 0; level--) {
		if ((cw->cw_tick & ((1ULL << (level * SLOT_BITS)) - 1)) != 0)
			continue;
		slot = (cw->cw_tick >> (level * SLOT_BITS)) & (SLOTS - 1);
		list = cw->cw_slot[level][slot];
		cw->cw_slot[level][slot] = NULL;
		while ((c = list) != NULL) {
			list = c->c_next;
			insert(cw, c);
		}
	}
}

/* Reverse a list, so that the callout armed first runs first. */
static void
move_reversed(struct callout **from, struct callout **to)
{
	struct callout *c;

	while ((c = *from) != NULL) {
		unlink_callout(c);
		push(to, c);
	}
}

/* cw_lock is held, and released while a function runs. */
static bool
fire(struct callout_wheel *cw)
{
	struct callout *c;
	void (*fn)(void *);
	void *arg;
	bool ran = false;

	while ((c = cw->cw_firing) != NULL) {
		unlink_callout(c);
		__atomic_and_fetch(&c->c_state, ~C_ARMED, __ATOMIC_RELAXED);
		cw->cw_running = c;
		fn = c->c_fn;
		arg = c->c_arg;
		kspin_unlock(&cw->cw_lock);
		fn(arg);
		/* The callout may be freed memory by now. */
		kspin_lock(&cw->cw_lock);
		cw->cw_running = NULL;
		ran = true;
	}
	return ran;
}

bool
callout_run(struct cpu *ci)
{
	struct callout_wheel *cw = ci->ci_wheel;
	const uint64_t now = ci->ci_now / NS_PER_MS;
	uint64_t next;
	bool ran;

	if (__atomic_load_n(&cw->cw_next, __ATOMIC_RELAXED) > now)
		return false;
	kspin_lock(&cw->cw_lock);
	move_reversed(&cw->cw_now, &cw->cw_firing);
	ran = fire(cw);
	while (cw->cw_tick <= now) {
		next = next_event(cw);
		if (next > now) {
			cw->cw_tick = now + 1;
			break;
		}
		cw->cw_tick = next;
		cascade(cw);
		move_reversed(&cw->cw_slot[0][next & (SLOTS - 1)],
		    &cw->cw_firing);
		cw->cw_tick = next + 1;
		ran |= fire(cw);
	}
	set_next(cw, cw->cw_now != NULL ? 0 : next_event(cw));
	kspin_unlock(&cw->cw_lock);
	return ran;
}

uint64_t
callout_deadline(struct cpu *ci)
{
	struct callout_wheel *cw = ci->ci_wheel;
	uint64_t next;

	next = __atomic_load_n(&cw->cw_next, __ATOMIC_SEQ_CST);
	return next >= NEVER / NS_PER_MS ? HOST_FOREVER : next * NS_PER_MS;
}

void
callout_init(struct kern *k, struct callout *c)
{

	c->c_next = NULL;
	c->c_prev = NULL;
	c->c_tick = 0;
	c->c_fn = NULL;
	c->c_arg = NULL;
	c->c_cpu = k->k_cpu[0];
	c->c_kern = k;
	c->c_state = 0;
}

/* Lock the wheel that the callout belongs to. */
static struct callout_wheel *
lock_wheel(struct callout *c)
{
	struct callout_wheel *cw;
	struct cpu *ci;

	for (;;) {
		ci = __atomic_load_n(&c->c_cpu, __ATOMIC_ACQUIRE);
		cw = ci->ci_wheel;
		kspin_lock(&cw->cw_lock);
		if (__atomic_load_n(&c->c_cpu, __ATOMIC_RELAXED) == ci)
			return cw;
		kspin_unlock(&cw->cw_lock);
	}
}

/* The wheel is locked.  Returns whether the callout was armed. */
static bool
disarm(struct callout *c)
{

	if ((__atomic_load_n(&c->c_state, __ATOMIC_RELAXED) & C_ARMED) == 0)
		return false;
	unlink_callout(c);
	__atomic_and_fetch(&c->c_state, ~C_ARMED, __ATOMIC_RELAXED);
	return true;
}

/* Lock the wheel of the CPU where the callout is to run and disarm it there. */
static struct callout_wheel *
lock_target(struct callout *c)
{
	struct callout_wheel *cw;
	struct cpu *ci = curcpu();

	if (ci == NULL || ci->ci_kern != c->c_kern)
		ci = c->c_kern->k_cpu[0];
	for (;;) {
		cw = lock_wheel(c);
		(void)disarm(c);
		if (cw == ci->ci_wheel || cw->cw_running == c)
			return cw;
		__atomic_store_n(&c->c_cpu, ci, __ATOMIC_RELEASE);
		kspin_unlock(&cw->cw_lock);
	}
}

void
callout_reset(struct callout *c, uint64_t ns, void (*fn)(void *), void *arg)
{
	struct callout_wheel *cw;
	struct cpu *ci;
	uint64_t now = kern_now(c->c_kern), when;

	/* A sum that wraps means never. */
	when = ns > HOST_FOREVER - now - NS_PER_MS ? HOST_FOREVER - NS_PER_MS :
	    now + ns;
	cw = lock_target(c);
	if (__atomic_load_n(&c->c_state, __ATOMIC_RELAXED) & C_HALTING) {
		kspin_unlock(&cw->cw_lock);
		return;
	}
	ci = c->c_cpu;
	c->c_fn = fn;
	c->c_arg = arg;
	__atomic_or_fetch(&c->c_state, C_ARMED, __ATOMIC_RELAXED);
	if (ns == 0) {
		push(&cw->cw_now, c);
		set_next(cw, 0);
	} else {
		/* Rounded up: never early. */
		c->c_tick = (when + NS_PER_MS - 1) / NS_PER_MS;
		if (c->c_tick < cw->cw_tick)
			c->c_tick = cw->cw_tick;
		insert(cw, c);
	}
	kspin_unlock(&cw->cw_lock);
	/* A borrowed CPU counts as asleep: its thread sleeps until the deadline
	 * it last saw. */
	if (curcpu() != ci || __atomic_load_n(&ci->ci_sleeping,
	    __ATOMIC_RELAXED) != CPU_AWAKE)
		cpu_notify(ci);
}

bool
callout_stop(struct callout *c)
{
	struct callout_wheel *cw;
	bool armed;

	cw = lock_wheel(c);
	armed = disarm(c);
	kspin_unlock(&cw->cw_lock);
	return armed;
}

static void
do_nothing(void *arg)
{

	(void)arg;
}

void
callout_halt(struct callout *c)
{
	struct callout_wheel *cw;
	struct cpu *ci;
	bool running;

	KASSERT(curcpu() == NULL);
	cw = lock_wheel(c);
	__atomic_or_fetch(&c->c_state, C_HALTING, __ATOMIC_RELAXED);
	(void)disarm(c);
	running = cw->cw_running == c;
	ci = c->c_cpu;
	kspin_unlock(&cw->cw_lock);
	/* The callout cannot be armed any more; once its CPU has answered, its
	 * function does not run either. */
	if (running)
		cpu_call(ci, do_nothing, NULL);
	__atomic_and_fetch(&c->c_state, ~C_HALTING, __ATOMIC_RELAXED);
}

bool
callout_pending(const struct callout *c)
{

	return (__atomic_load_n(&c->c_state, __ATOMIC_RELAXED) & C_ARMED) != 0;
}
