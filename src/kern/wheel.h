/*
 * wheel: timers of many objects behind one callout.  They are coarse: of the
 * time that an object waits, up to an eighth comes on top when that is more
 * than 31 ticks.
 *
 * Level 0 has a slot for each of the next 32 ticks, level 1 a slot for each of
 * the next 32 groups of 4 ticks, level 2 for groups of 16 ticks, and so on; the
 * owner says how many levels there are.  An object is put in the first level
 * that reaches as far as it waits, in the slot that begins when it is due or
 * next after, and stays there: nothing moves to lower levels as time goes by,
 * so a run does only what is due.  A word of bits for each level says which
 * slots have objects.
 *
 * An object costs its link.  Putting and taking need no loop over objects.
 *
 * The owner's lock is held in every function but wheel_init() and wheel_fini().
 * The function of the wheel is called without it, on a CPU:
 *
 *	lock
 *	while (more may be done now && (wl = wheel_due(w, now)) != NULL)
 *		handle the object of wl, put it back or not
 *	wheel_arm(w, now)
 *	unlock
 *
 * It may release the lock in between.
 */

#ifndef KERN_WHEEL_H
#define KERN_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/kern.h>

#define WHEEL_SLOTS	32	/* of a level: bits of a word */
#define WHEEL_SHIFT	2	/* a level's group is four of the one below */
/* The ticks that an object can wait; an object that should wait longer comes
 * when these have passed, or up to a group later. */
#define WHEEL_MAX(levels) \
	(UINT64_C(30) << ((levels) * WHEEL_SHIFT - WHEEL_SHIFT))

/* Zeroed: not on a wheel. */
struct wheel_link {
	struct wheel_link *wl_next, **wl_prev;
};

struct wheel_level {
	uint32_t	 wv_bits;	/* o: slots that may have objects */
	struct wheel_link *wv_slot[WHEEL_SLOTS];	/* o: */
};

/*
 *	o: the owner's lock
 */
struct wheel {
	uint64_t	 w_tick;	/* o: no object is due before it */
	uint64_t	 w_armed;	/* o: tick the callout is armed for;
					 * WHEEL_IDLE, WHEEL_RUNNING */
	uint64_t	 w_tick_ns;	/* constant */
	size_t		 w_count;	/* o: objects */
	struct wheel_level *w_level;	/* constant; the owner's memory */
	unsigned	 w_nlevels;	/* constant */
	struct callout	 w_callout;
	void		(*w_fn)(void *);	/* constant */
	void		*w_arg;			/* constant */
};
#define WHEEL_IDLE	UINT64_MAX
#define WHEEL_RUNNING	0

/* Any: make an empty wheel with n levels, which is zeroed memory of the
 * owner's, and ticks of tick_ns; fn is called on a CPU, when an object may be
 * due. */
void	wheel_init(struct wheel *, struct kern *, struct wheel_level *,
	    unsigned n, uint64_t tick_ns, void (*fn)(void *), void *arg);
/* Control, without the lock: end an empty wheel; fn is not running any more. */
void	wheel_fini(struct wheel *);
/*
 * Any: put an object, which is on no wheel, on the wheel.  It is due ns from
 * now, in whole ticks and never earlier; with 0, in the tick that has begun.
 * Returns the time when it is due, as of now (kern_now()).
 */
uint64_t wheel_put(struct wheel *, struct wheel_link *, uint64_t now,
	    uint64_t ns);
/* Any: take an object off, if it is on the wheel. */
void	wheel_take(struct wheel *, struct wheel_link *);
/* CPU, the wheel's function: take off an object that is due; NULL: none is. */
struct wheel_link *wheel_due(struct wheel *, uint64_t now);
/* CPU, the wheel's function, at its end: have it called when the next object is
 * due. */
void	wheel_arm(struct wheel *, uint64_t now);

/* Is the object on a wheel? */
static inline bool
wheel_has(const struct wheel_link *wl)
{

	return wl->wl_prev != NULL;
}

#endif /* !KERN_WHEEL_H */
