/*
 * The numbers of next hops.
 */

#include "net/nexthop.h"

#include <errno.h>

#define SLOT_BYTES	(NH_NUMBERS * sizeof(const struct nexthop *))
#define MAP_BYTES	(SLOT_BYTES + NH_NUMBERS * sizeof(uint32_t))

int
nh_table_init(struct kern *k, struct nh_table *nt)
{

	memset(nt, 0, sizeof(*nt));
	nt->nt_few = kmem_zalloc(k, sizeof(*nt->nt_few));
	if (nt->nt_few == NULL)
		return ENOMEM;
	nt->nt_few->nf_kern = k;
	nt->nt_nh = nt->nt_few->nf_nh;
	nt->nt_link = nt->nt_few->nf_link;
	nt->nt_end = 1;
	nt->nt_kern = k;
	return 0;
}

void
nh_table_fini(struct nh_table *nt)
{

	KASSERT(nt->nt_used == 0);
	kern_defer_barrier(nt->nt_kern);
	if (nt->nt_few != NULL)
		kmem_free(nt->nt_kern, nt->nt_few);
	else
		host_unmap(nt->nt_kern->k_host, nt->nt_nh, MAP_BYTES);
	nt->nt_nh = NULL;
}

static void
free_few(struct kern_defer *kd)
{
	struct nh_few *nf = (struct nh_few *)(void *)((char *)kd -
	    offsetof(struct nh_few, nf_defer));

	kmem_free(nf->nf_kern, nf);
}

/* Room for all numbers, instead of few. */
static int
grow(struct nh_table *nt)
{
	char *map = host_map(nt->nt_kern->k_host, MAP_BYTES);
	struct nh_few *nf = nt->nt_few;

	if (map == NULL)
		return ENOMEM;
	memcpy(map, nf->nf_nh, sizeof(nf->nf_nh));
	nt->nt_link = (uint32_t *)(void *)(map + SLOT_BYTES);
	memcpy(nt->nt_link, nf->nf_link, sizeof(nf->nf_link));
	__atomic_store_n(&nt->nt_nh, (const struct nexthop **)(void *)map,
	    __ATOMIC_RELEASE);
	nt->nt_few = NULL;
	kern_defer(nt->nt_kern, &nf->nf_defer, free_few);
	return 0;
}

static void
push(struct nh_table *nt, struct nh_list *nl, uint32_t number)
{

	nt->nt_link[number] = 0;
	if (nl->nl_first == 0)
		nl->nl_first = number;
	else
		nt->nt_link[nl->nl_last] = number;
	nl->nl_last = number;
}

static uint32_t
pop(struct nh_table *nt, struct nh_list *nl)
{
	uint32_t number = nl->nl_first;

	if (number != 0)
		nl->nl_first = nt->nt_link[number];
	return number;
}

/* All of a list, behind another. */
static void
append(struct nh_table *nt, struct nh_list *to, struct nh_list *from)
{

	if (from->nl_first == 0)
		return;
	if (to->nl_first == 0)
		to->nl_first = from->nl_first;
	else
		nt->nt_link[to->nl_last] = from->nl_first;
	to->nl_last = from->nl_last;
	from->nl_first = 0;
}

static void
passed(struct kern_defer *kd)
{
	struct nh_table *nt = (struct nh_table *)(void *)((char *)kd -
	    offsetof(struct nh_table, nt_defer));

	__atomic_store_n(&nt->nt_passed, 1, __ATOMIC_RELEASE);
}

/* Free what no reader has any more, and wait for the readers of what was given
 * back since. */
static void
turn(struct nh_table *nt)
{

	if (nt->nt_deferred && __atomic_load_n(&nt->nt_passed,
	    __ATOMIC_ACQUIRE) != 0) {
		append(nt, &nt->nt_free, &nt->nt_grace);
		nt->nt_deferred = false;
	}
	if (nt->nt_deferred || nt->nt_retired.nl_first == 0)
		return;
	append(nt, &nt->nt_grace, &nt->nt_retired);
	__atomic_store_n(&nt->nt_passed, 0, __ATOMIC_RELAXED);
	nt->nt_deferred = true;
	kern_defer(nt->nt_kern, &nt->nt_defer, passed);
}

uint32_t
nh_number_get(struct nh_table *nt, const struct nexthop *nh)
{
	uint32_t number;

	turn(nt);
	number = pop(nt, &nt->nt_free);
	if (number == 0) {
		if (nt->nt_end == NH_NUMBERS ||
		    (nt->nt_few != NULL && nt->nt_end == NH_FEW &&
		    grow(nt) != 0))
			return 0;
		number = nt->nt_end++;
	}
	nt->nt_used++;
	nh_number_set(nt, number, nh);
	return number;
}

void
nh_number_put(struct nh_table *nt, uint32_t number)
{

	nt->nt_used--;
	push(nt, &nt->nt_retired, number);
	turn(nt);
}
