/*
 * pg_words: the words of a stream, parsed into its constant fields.
 */

#ifndef DEV_PG_WORDS_H
#define DEV_PG_WORDS_H

#include "dev/pg_stream.h"

/*
 * Control: set the fields of a stream, zeroed but for ps_packets, from its
 * words; what is not given is as documented.  ps_dst stays empty without `dst'.
 * EINVAL, in words.
 */
int	pg_words_parse(struct pg_stream *, const char *words);

#endif /* !DEV_PG_WORDS_H */
