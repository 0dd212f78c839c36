/*
 * The timer wheel.  Every slot's objects are due when its group of ticks
 * begins, and w_tick passes no such time before they were taken off.  So a
 * level's slots, from that of w_tick on and once around, are in order.
 */

#include "kern/wheel.h"

#include "kern/kern_private.h"

void
wheel_init(struct wheel *w, struct kern *k, struct wheel_level *level,
    unsigned n, uint64_t tick_ns, void (*fn)(void *), void *arg)
{

	KASSERT(n > 0);
	memset(w, 0, sizeof(*w));
	w->w_level = level;
	w->w_nlevels = n;
	w->w_tick_ns = tick_ns;
	w->w_armed = WHEEL_IDLE;
	w->w_fn = fn;
	w->w_arg = arg;
	callout_init(k, &w->w_callout);
}

void
wheel_fini(struct wheel *w)
{

	KASSERT(w->w_count == 0);
	callout_halt(&w->w_callout);
}

static void
arm(struct wheel *w, uint64_t tick, uint64_t now)
{
	uint64_t due = tick * w->w_tick_ns;

	w->w_armed = tick;
	callout_reset(&w->w_callout, due > now ? due - now : 0, w->w_fn,
	    w->w_arg);
}

/* Move w_tick on to the present, if no object is due before. */
static void
advance(struct wheel *w, uint64_t now)
{
	uint64_t tick = now / w->w_tick_ns;

	if (w->w_count == 0)
		w->w_tick = tick;
	else if (w->w_armed != WHEEL_RUNNING) {
		if (tick > w->w_armed)
			tick = w->w_armed;
		if (w->w_tick < tick)
			w->w_tick = tick;
	}
}

uint64_t
wheel_put(struct wheel *w, struct wheel_link *wl, uint64_t now, uint64_t ns)
{
	uint64_t tick, group = 0;
	unsigned level, slot, shift = 0;
	struct wheel_link **head;

	KASSERT(!wheel_has(wl));
	advance(w, now);
	tick = now / w->w_tick_ns;
	if (ns != 0)
		tick = (now + ns + w->w_tick_ns - 1) / w->w_tick_ns;
	if (tick < w->w_tick)
		tick = w->w_tick;
	for (level = 0; level < w->w_nlevels; level++) {
		shift = level * WHEEL_SHIFT;
		group = (tick + (UINT64_C(1) << shift) - 1) >> shift;
		if (group - (w->w_tick >> shift) < WHEEL_SLOTS)
			break;
	}
	if (level == w->w_nlevels) {
		level--;
		group = (w->w_tick >> shift) + WHEEL_SLOTS - 1;
	}
	slot = group % WHEEL_SLOTS;
	head = &w->w_level[level].wv_slot[slot];
	w->w_level[level].wv_bits |= UINT32_C(1) << slot;
	wl->wl_next = *head;
	wl->wl_prev = head;
	if (wl->wl_next != NULL)
		wl->wl_next->wl_prev = &wl->wl_next;
	*head = wl;
	w->w_count++;
	tick = group << shift;
	if (tick < w->w_armed)
		arm(w, tick, now);
	return tick * w->w_tick_ns;
}

void
wheel_take(struct wheel *w, struct wheel_link *wl)
{

	if (!wheel_has(wl))
		return;
	*wl->wl_prev = wl->wl_next;
	if (wl->wl_next != NULL)
		wl->wl_next->wl_prev = wl->wl_prev;
	wl->wl_prev = NULL;
	w->w_count--;
}

/* The first slot of a level that has objects, and the tick when they are due;
 * NULL: none. */
static struct wheel_link **
first_slot(struct wheel *w, unsigned level, uint64_t *tick)
{
	struct wheel_level *wv = &w->w_level[level];
	uint64_t pos = w->w_tick >> level * WHEEL_SHIFT;
	unsigned turn = pos % WHEEL_SLOTS, dist, slot;
	uint32_t bits;

	while ((bits = wv->wv_bits) != 0) {
		if (turn != 0)
			bits = bits >> turn | bits << (WHEEL_SLOTS - turn);
		dist = (unsigned)__builtin_ctz(bits);
		slot = (turn + dist) % WHEEL_SLOTS;
		if (wv->wv_slot[slot] != NULL) {
			*tick = (pos + dist) << level * WHEEL_SHIFT;
			return &wv->wv_slot[slot];
		}
		/* All were taken. */
		wv->wv_bits &= ~(UINT32_C(1) << slot);
	}
	return NULL;
}

/* The slot whose objects are due first, and their tick; NULL: none. */
static struct wheel_link **
next_slot(struct wheel *w, uint64_t *tick)
{
	struct wheel_link **best = NULL, **slot;
	uint64_t t;

	for (unsigned level = 0; level < w->w_nlevels; level++) {
		slot = first_slot(w, level, &t);
		if (slot != NULL && (best == NULL || t < *tick)) {
			best = slot;
			*tick = t;
		}
	}
	return best;
}

struct wheel_link *
wheel_due(struct wheel *w, uint64_t now)
{
	uint64_t tick, end = now / w->w_tick_ns;
	struct wheel_link **slot, *wl;

	w->w_armed = WHEEL_RUNNING;
	slot = next_slot(w, &tick);
	if (slot == NULL || tick > end) {
		if (w->w_tick < end)
			w->w_tick = end;
		return NULL;
	}
	w->w_tick = tick;
	wl = *slot;
	wheel_take(w, wl);
	return wl;
}

void
wheel_arm(struct wheel *w, uint64_t now)
{
	uint64_t tick;

	w->w_armed = WHEEL_IDLE;
	if (next_slot(w, &tick) != NULL)
		arm(w, tick, now);
}
