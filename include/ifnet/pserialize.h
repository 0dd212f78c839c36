/*
 * pserialize and psref: how readers are kept safe from those who destroy.
 *
 * A read section (pserialize_read_enter/exit) writes nothing shared, nests,
 * and must not sleep; CPU context is always inside one.  A passive reference
 * (psref) outlives the section and lets its holder sleep: taking and dropping
 * one writes only memory of the calling thread.  Whoever destroys an object
 * first makes it unfindable, then calls psref_target_destroy(), which waits
 * for the readers and for every passive reference.
 *
 * A psref is released by the thread that took it.
 */

#ifndef IFNET_PSERIALIZE_H
#define IFNET_PSERIALIZE_H

#include <stdbool.h>
#include <stdint.h>

#include <urcu/urcu-memb.h>
#include <urcu/pointer.h>

#pragma GCC visibility push(default)

struct kern;

/*
 * ThreadSanitizer does not see the order that liburcu makes between the end of
 * a read section and the return of who waited for it: tell it.
 */
#if defined(__SANITIZE_THREAD__)
#define PSERIALIZE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PSERIALIZE_TSAN 1
#endif
#endif

#ifdef PSERIALIZE_TSAN
extern char pserialize_tsan_mark;
void	__tsan_acquire(void *);
void	__tsan_release(void *);
#endif

/* Any thread known to the host.  Nests. */
static inline void
pserialize_read_enter(void)
{

	urcu_memb_read_lock();
}

static inline void
pserialize_read_exit(void)
{

#ifdef PSERIALIZE_TSAN
	__tsan_release(&pserialize_tsan_mark);
#endif
	urcu_memb_read_unlock();
}

static inline bool
pserialize_in_read(void)
{

	return urcu_memb_read_ongoing() != 0;
}

/* Control, not in a read section: wait for every section that had begun. */
void	pserialize_perform(struct kern *);

/* In an object that passive references point at; zeroed is valid. */
struct psref_target {
	uint32_t	 pt_destroying;	/* atomic */
	uint32_t	 pt_shared;	/* references taken while memory for
					 * the thread's own was out; atomic */
};

/* In the holder; contents are psref's own. */
struct psref {
	void		*pr_slot;
	const struct psref_target *pr_target;
};

/*
 * Take a reference.  Within a read section in which the target was found, or
 * while holding another reference on it.  Writes this thread's memory only;
 * never fails (a thread may hold any number).
 */
#define psref_acquire(k, pr, pt)					\
	psref_acquire_at(k, pr, pt, __FILE__, __LINE__)
void	psref_acquire_at(struct kern *, struct psref *,
	    const struct psref_target *, const char *file, int line);
void	psref_release(struct kern *, struct psref *);
/* Does the calling thread hold a reference on it?  For assertions. */
bool	psref_held(struct kern *, const struct psref_target *);

/*
 * Control: wait until no reader and no reference is left.  The target is
 * unfindable already.  Logs who holds on, file and line, after each second;
 * `what' names the object in that line.
 */
void	psref_target_destroy(struct kern *, struct psref_target *,
	    const char *what);
static inline bool
psref_target_destroying(const struct psref_target *pt)
{

	return __atomic_load_n(&pt->pt_destroying, __ATOMIC_ACQUIRE) != 0;
}

#pragma GCC visibility pop

#endif /* !IFNET_PSERIALIZE_H */
