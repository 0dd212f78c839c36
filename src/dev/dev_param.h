/*
 * dev_param: helpers for drivers to parse the words that a user adds to
 * "create".
 */

#ifndef DEV_DEV_PARAM_H
#define DEV_DEV_PARAM_H

#include <stdbool.h>
#include <stdint.h>

/* Longest word, with the NUL. */
#define DEV_WORDSIZE	512

/*
 * The next word of *p into word; false at the end.  A longer word is cut, and
 * so matches nothing a driver knows.
 */
bool	dev_param_word(const char **p, char word[DEV_WORDSIZE]);
/* The next word as a number within [min, max]; EINVAL. */
int	dev_param_num(const char **p, uint64_t min, uint64_t max,
	    uint64_t *v);
/* The next word as an IPv4 address, network order; EINVAL. */
int	dev_param_inet(const char **p, uint32_t *addr);

/* Refuse a word that the driver does not have, naming the words that it has:
 * EINVAL. */
int	dev_param_unknown(const char *word, const char *help);
/* Refuse a word that was there before, since one of the two would count for
 * nothing: EINVAL. */
int	dev_param_again(const char *word);

#endif /* !DEV_DEV_PARAM_H */
