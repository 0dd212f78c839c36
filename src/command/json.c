/*
 * The writer of JSON.
 */

#include "command/json.h"

#include <inttypes.h>
#include <string.h>

#include "command/command_impl.h"
#include "kern/vis.h"

void
json_begin(struct json *j, struct cmd_ctx *ctx, enum json_style style)
{

	memset(j, 0, sizeof(*j));
	j->j_ctx = ctx;
	j->j_fp = ctx->cc_out;
	j->j_style = style;
}

int
json_done(struct json *j)
{

	while (j->j_depth > 0)
		json_end(j);
	(void)fputc('\n', j->j_fp);
	if (!ferror(j->j_fp) && !j->j_failed)
		return CMD_OK;
	cmd_err(j->j_ctx, "the JSON could not be written");
	return CMD_FAIL;
}

static void
new_line(struct json *j)
{

	if (j->j_style == JSON_PRETTY)
		(void)fprintf(j->j_fp, "\n%*s", (int)j->j_depth * 2, "");
}

static void
put_text(struct json *j, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t code;
	size_t n;

	(void)fputc('"', j->j_fp);
	for (; len > 0; p += n, len -= n) {
		n = 1;
		if (*p == '"' || *p == '\\')
			(void)fprintf(j->j_fp, "\\%c", *p);
		else if (*p < ' ' || *p == 0x7f)
			(void)fprintf(j->j_fp, "\\u%04x", *p);
		else if ((n = vis_utf8(p, len)) != 0) {
			/* JSON is read on terminals as well. */
			code = vis_harmful(p, n);
			if (code > 0xffff)
				(void)fprintf(j->j_fp, "\\u%04x\\u%04x",
				    0xd800 + ((code - 0x10000) >> 10),
				    0xdc00 + (code & 0x3ff));
			else if (code != 0)
				(void)fprintf(j->j_fp, "\\u%04x", code);
			else
				(void)fwrite(p, 1, n, j->j_fp);
		} else {
			(void)fputs("\\ufffd", j->j_fp);
			n = 1;
		}
	}
	(void)fputc('"', j->j_fp);
}

/* Write the comma, the indentation and the key before a value. */
static void
lead(struct json *j, const char *key)
{

	if (j->j_some[j->j_depth])
		(void)fputs(j->j_style == JSON_PRETTY ? "," : ", ", j->j_fp);
	j->j_some[j->j_depth] = true;
	if (j->j_depth > 0)
		new_line(j);
	if (key == NULL)
		return;
	put_text(j, key, strlen(key));
	(void)fputs(": ", j->j_fp);
}

static void
open_value(struct json *j, const char *key, char opening, char closing)
{

	lead(j, key);
	(void)fputc(opening, j->j_fp);
	j->j_close[j->j_depth++] = closing;
	j->j_some[j->j_depth] = false;
}

void
json_object(struct json *j, const char *key)
{

	open_value(j, key, '{', '}');
}

void
json_array(struct json *j, const char *key)
{

	open_value(j, key, '[', ']');
}

void
json_end(struct json *j)
{
	bool some = j->j_some[j->j_depth--];

	if (some)
		new_line(j);
	(void)fputc(j->j_close[j->j_depth], j->j_fp);
}

void
json_text(struct json *j, const char *key, const char *s)
{

	lead(j, key);
	put_text(j, s, strlen(s));
}

void
json_bool(struct json *j, const char *key, bool v)
{

	lead(j, key);
	(void)fputs(v ? "true" : "false", j->j_fp);
}

void
json_int(struct json *j, const char *key, int64_t v)
{

	lead(j, key);
	(void)fprintf(j->j_fp, "%" PRId64, v);
}

void
json_u64(struct json *j, const char *key, uint64_t v)
{
	char text[24], twin[64];

	lead(j, key);
	(void)snprintf(text, sizeof(text), "%" PRIu64, v);
	(void)fputs(text, j->j_fp);
	if (key == NULL)
		return;
	(void)snprintf(twin, sizeof(twin), "%s_str", key);
	json_text(j, twin, text);
}

void
json_fixed(struct json *j, const char *key, double v, int decimals)
{

	lead(j, key);
	(void)fprintf(j->j_fp, "%.*f", decimals, v);
}

void
json_counters(struct json *j, const char *key, const struct json_counter *jc,
    size_t n)
{
	char text[24], twin[64];

	json_object(j, key);
	for (size_t i = 0; i < n; i++) {
		lead(j, jc[i].jc_name);
		(void)fprintf(j->j_fp, "%" PRIu64, jc[i].jc_value);
	}
	json_end(j);
	(void)snprintf(twin, sizeof(twin), "%s_str", key);
	json_object(j, twin);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "%" PRIu64,
		    jc[i].jc_value);
		json_text(j, jc[i].jc_name, text);
	}
	json_end(j);
}
