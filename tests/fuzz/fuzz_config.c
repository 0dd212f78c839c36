/*
 * Configuration files: checked whole, then run.  A file that has an error
 * anywhere changes nothing, and the error names the file and the line.
 */

#include "fuzz_msg.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command/command.h"

#define FILE_MAX	8192

struct file {
	char		 f_path[32];
	unsigned	 f_lines;
};

static void
check_error(const struct file *f, const struct ifnet_error *e, int error)
{
	size_t n = strlen(f->f_path);
	unsigned long line;
	char *end;

	KASSERT(e->code == error && strchr(e->text, '\n') == NULL);
	KASSERT(strncmp(e->text, f->f_path, n) == 0 && e->text[n] == ':');
	line = strtoul(e->text + n + 1, &end, 10);
	KASSERT(line >= 1 && line <= f->f_lines && *end == ':');
}

static int
read_file(struct ifnet_stack *st, const struct file *f, bool check)
{
	struct vnet *vn = vnet_lookup(st, "v");
	struct ifnet_error e;
	struct cmd_ctx ctx;
	char *text = NULL;
	size_t size = 0;
	int error;

	memset(&ctx, 0, sizeof(ctx));
	memset(&e, 0, sizeof(e));
	ctx.cc_out = ctx.cc_err = open_memstream(&text, &size);
	KASSERT(ctx.cc_out != NULL);
	ctx.cc_vnet = "v";
	ctx.cc_check = check;
	ctx.cc_client = vnet_client(vn, &e);
	KASSERT(ctx.cc_client != NULL);
	error = command_file(&ctx, f->f_path, &e);
	if (error != 0)
		check_error(f, &e, error);
	ifnet_close(ctx.cc_client);
	(void)fclose(ctx.cc_out);
	free(text);
	return error;
}

static void
run(struct host *h, void *arg)
{
	struct ifnet_stack *st = fuzz_stack_create(h);
	const struct file *f = arg;
	uint64_t before;
	int error;

	(void)fuzz_vnet_create(st, "v");
	before = fuzz_state(st);
	error = read_file(st, f, true);
	KASSERT(fuzz_state(st) == before);
	if (error != 0) {
		/* Refused again, and as whole as before. */
		KASSERT(read_file(st, f, false) == error);
		KASSERT(fuzz_state(st) == before);
	} else
		(void)read_file(st, f, false);
	ifnet_stack_run(st);
	fuzz_stack_destroy(st);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file f;
	int fd;

	if (size > FILE_MAX)
		return 0;
	fd = memfd_create("config", MFD_CLOEXEC);
	KASSERT(fd != -1);
	KASSERT(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(f.f_path, sizeof(f.f_path), "/proc/self/fd/%d", fd);
	f.f_lines = 1;
	for (size_t i = 0; i < size; i++)
		f.f_lines += data[i] == '\n';
	fuzz_on_sim(run, &f);
	(void)close(fd);
	return 0;
}
