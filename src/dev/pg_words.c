/*
 * The words of a stream: names, numbers with units, and what goes together.
 */

#include "dev/pg_words.h"

#include <errno.h>
#include <string.h>

#include "dev/dev_param.h"

#define PORT_DISCARD	9	/* RFC 863 */
#define RATE_MAX	1000000000000ull
#define DSTS_MAX	(1u << 24)
/* "Simple IMIX": of 12 frames 7 of 64 bytes, 4 of 570 and 1 of 1518, spread. */
#define IMIX		"64,570,64,64,570,64,1518,64,570,64,570,64"

enum {
	W_DST, W_SRC, W_DPORT, W_SPORT, W_SIZE, W_RATE, W_COUNT, W_DURATION,
	W_RANDOM, W_TTL, W_DSCP, W_MEASURE, W_VECTOR, W_DSTS,
	W_REPLAY, W_LOOP, W_N
};

static const char *const word_name[W_N] = {
	[W_DST] = "dst", [W_SRC] = "src", [W_DPORT] = "dport",
	[W_SPORT] = "sport", [W_SIZE] = "size", [W_RATE] = "rate",
	[W_COUNT] = "count", [W_DURATION] = "duration",
	[W_RANDOM] = "random", [W_TTL] = "ttl", [W_DSCP] = "dscp",
	[W_MEASURE] = "measure", [W_VECTOR] = "vector",
	[W_DSTS] = "dsts", [W_REPLAY] = "replay", [W_LOOP] = "loop",
};

/* Words that are being parsed. */
struct parse {
	struct pg_stream *ps;
	const char	*words;		/* what is left of them */
	unsigned	 seen;		/* bits by W_* */
	uint64_t	 dsts, loops;
};

/* Words that go with "replay". */
#define WITH_REPLAY	(1u << W_REPLAY | 1u << W_LOOP | 1u << W_RATE |	\
	1u << W_COUNT | 1u << W_DURATION | 1u << W_VECTOR)

/* The next word, which is the value of the word `name'. */
static int
next_value(struct parse *p, const char *name, char value[DEV_WORDSIZE])
{

	if (!dev_param_word(&p->words, value))
		return kern_refuse(EINVAL, "%s: its value is missing", name);
	if (strlen(value) == DEV_WORDSIZE - 1)
		return kern_refuse(EINVAL, "%s: its value has more than %d "
		    "characters", name, DEV_WORDSIZE - 2);
	return 0;
}

static int
parse_pattern(struct parse *p, struct pg_pattern *pattern,
    const struct pg_kind *kind, const char *name)
{
	char value[DEV_WORDSIZE];
	int error;

	error = next_value(p, name, value);
	if (error != 0)
		return error;
	return pg_pattern_parse(pattern, kind, name, kind == &pg_kind_size &&
	    strcmp(value, "imix") == 0 ? IMIX : value);
}

/* The number that a text begins with; false: none, or more than max. */
static bool
leading_number(const char **text, uint64_t max, uint64_t *v)
{
	const char *s = *text;

	for (*v = 0; *s >= '0' && *s <= '9'; s++) {
		*v = *v * 10 + (uint64_t)(*s - '0');
		if (*v > max)
			return false;
	}
	if (s == *text)
		return false;
	*text = s;
	return true;
}

/* Parse "20000", "20kpps" or "1Gbps". */
static int
parse_rate(struct parse *p)
{
	static const struct {
		char		 letter;
		uint64_t	 factor;
	} prefixes[] = {
		{ 'k', 1000 }, { 'M', 1000000 }, { 'G', 1000000000 },
	};
	char value[DEV_WORDSIZE];
	const char *s = value;
	uint64_t v, factor = 1;
	int error;

	error = next_value(p, "rate", value);
	if (error != 0)
		return error;
	if (strcmp(value, "max") == 0) {
		p->ps->ps_own_pace = false;
		return 0;
	}
	if (!leading_number(&s, RATE_MAX, &v))
		goto wrong;
	for (size_t i = 0; i < 3; i++)
		if (*s == prefixes[i].letter) {
			factor = prefixes[i].factor;
			s++;
			break;
		}
	p->ps->ps_bits = strcmp(s, "bps") == 0;
	if (*s != '\0' && !p->ps->ps_bits && strcmp(s, "pps") != 0)
		goto wrong;
	if (v == 0 || v > RATE_MAX / factor)
		goto wrong;
	p->ps->ps_rate = v * factor;
	p->ps->ps_own_pace = false;
	return 0;
wrong:
	return kern_refuse(EINVAL, "rate: %.48s is no rate from 1 to 1000G, "
	    "like 500, 20kpps or 1Gbps, and not max", value);
}

/* Parse "10", "10s" or "500ms". */
static int
parse_duration(struct parse *p)
{
	char value[DEV_WORDSIZE];
	const char *s = value;
	uint64_t v;
	int error;

	error = next_value(p, "duration", value);
	if (error != 0)
		return error;
	if (leading_number(&s, 1000000000, &v) && v != 0) {
		if (*s == '\0' || strcmp(s, "s") == 0) {
			p->ps->ps_duration_ns = v * 1000000000;
			return 0;
		}
		if (strcmp(s, "ms") == 0) {
			p->ps->ps_duration_ns = v * 1000000;
			return 0;
		}
	}
	return kern_refuse(EINVAL, "duration: %.48s is no time, like 10s or "
	    "500ms", value);
}

static int
parse_small(struct parse *p, uint64_t min, uint64_t max, uint64_t *v)
{

	return dev_param_num(&p->words, min, max, v);
}

static int
parse_one(struct parse *p, int word)
{
	struct pg_stream *ps = p->ps;
	const char *name = word_name[word];
	char value[DEV_WORDSIZE];
	uint64_t v = 0;
	int error;

	switch (word) {
	case W_DST:
		return parse_pattern(p, &ps->ps_dst, &pg_kind_inet, name);
	case W_SRC:
		return parse_pattern(p, &ps->ps_src, &pg_kind_inet, name);
	case W_DPORT:
		return parse_pattern(p, &ps->ps_dport, &pg_kind_port, name);
	case W_SPORT:
		return parse_pattern(p, &ps->ps_sport, &pg_kind_port, name);
	case W_SIZE:
		return parse_pattern(p, &ps->ps_size, &pg_kind_size, name);
	case W_RATE:
		return parse_rate(p);
	case W_COUNT:
		return parse_small(p, 0, UINT64_MAX, &ps->ps_count);
	case W_DURATION:
		return parse_duration(p);
	case W_RANDOM:
		ps->ps_random = true;
		return parse_small(p, 0, UINT64_MAX, &ps->ps_state);
	case W_TTL:
		error = parse_small(p, 1, 255, &v);
		ps->ps_ttl = (uint8_t)v;
		return error;
	case W_DSCP:
		error = parse_small(p, 0, 63, &v);
		ps->ps_tos = (uint8_t)(v << 2);
		return error;
	case W_MEASURE:
		ps->ps_measure = true;
		return 0;
	case W_VECTOR:
		error = parse_small(p, 1, MVEC_MAX, &v);
		ps->ps_vector = (unsigned)v;
		return error;
	case W_DSTS:
		return parse_small(p, 1, DSTS_MAX, &p->dsts);
	case W_LOOP:
		return parse_small(p, 0, UINT32_MAX, &p->loops);
	default:
		return next_value(p, name, value);	/* for the reader */
	}
}

/* Make `dsts N' the range that it stands for. */
static int
use_dsts(struct parse *p)
{
	struct pg_pattern *dst = &p->ps->ps_dst;

	if (p->dsts <= 1 || dst->p_count == 0)
		return 0;
	if (dst->p_count != 1)
		return kern_refuse(EINVAL, "dsts goes with a dst of one "
		    "address, and here it has more (a range says how many)");
	if (dst->p_range[0].r_first.v_low + p->dsts - 1 > UINT32_MAX)
		return kern_refuse(EINVAL, "dsts: the addresses end before "
		    "there are so many from dst on");
	dst->p_count = dst->p_range[0].r_count = p->dsts;
	return 0;
}

/* Replaying ends after so many rounds, or before, by `count'. */
static int
check_replay(const struct parse *p)
{
	struct pg_stream *ps = p->ps;
	uint64_t all;

	for (int i = 0; i < W_N; i++)
		if ((p->seen & ~WITH_REPLAY & 1u << i) != 0)
			return kern_refuse(EINVAL, "%s does not go with "
			    "replay, which sends packets as they were "
			    "captured", word_name[i]);
	if (ps->ps_packets == NULL)
		return kern_refuse(EINVAL, "replay is for \"ifctl pg set\", "
		    "which reads the file");
	if (ps->ps_packets->pk_n == 0)
		return kern_refuse(EINVAL, "replay: the file has no packets");
	all = ps->ps_packets->pk_n * p->loops;
	if (all != 0 && (ps->ps_count == 0 || all < ps->ps_count))
		ps->ps_count = all;
	return 0;
}

/* Words that do not go together. */
static int
check(const struct parse *p)
{
	const struct pg_stream *ps = p->ps;

	if ((p->seen & 1u << W_REPLAY) != 0)
		return check_replay(p);
	if (ps->ps_packets != NULL)
		return kern_refuse(EINVAL, "packets were handed over, and the "
		    "words do not say replay");
	if ((p->seen & 1u << W_LOOP) != 0)
		return kern_refuse(EINVAL, "loop goes with replay, and here "
		    "there is none");
	if (ps->ps_measure && pg_pattern_least(&ps->ps_size) < PG_STAMP_FRAME)
		return kern_refuse(EINVAL, "measure: the stamp fits into "
		    "frames of %d bytes and more, and size has less",
		    PG_STAMP_FRAME);
	return 0;
}

int
pg_words_parse(struct pg_stream *ps, const char *words)
{
	struct parse p = { .ps = ps, .words = words, .loops = 1 };
	char word[DEV_WORDSIZE];
	int error = 0, i;

	pg_pattern_one(&ps->ps_src, 0);
	pg_pattern_one(&ps->ps_dport, PORT_DISCARD);
	pg_pattern_one(&ps->ps_sport, PORT_DISCARD);
	pg_pattern_one(&ps->ps_size, 64);
	ps->ps_ttl = 64;
	ps->ps_vector = MVEC_MAX;
	ps->ps_own_pace = ps->ps_packets != NULL;
	while (error == 0 && dev_param_word(&p.words, word)) {
		for (i = 0; i < W_N; i++)
			if (strcmp(word, word_name[i]) == 0)
				break;
		if (i == W_N)
			return dev_param_unknown(word, PG_STREAM_HELP);
		if ((p.seen & 1u << i) != 0)
			return dev_param_again(word);
		p.seen |= 1u << i;
		error = parse_one(&p, i);
	}
	if (error == 0)
		error = use_dsts(&p);
	return error != 0 ? error : check(&p);
}
