/*
 * A fuzz target as an ordinary test: run with files, and with every file of
 * folders.  Folders that are not there are empty.
 */

#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

static unsigned count;

static void
replay_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	FILE *fp;

	fp = fopen(path, "re");
	if (fp == NULL || fstat(fileno(fp), &st) != 0) {
		perror(path);
		exit(1);
	}
	/* Of exactly its size, so that a sanitizer sees one byte too far. */
	data = malloc(st.st_size == 0 ? 1 : (size_t)st.st_size);
	KASSERT(data != NULL);
	if (fread(data, 1, (size_t)st.st_size, fp) != (size_t)st.st_size) {
		perror(path);
		exit(1);
	}
	(void)fclose(fp);
	/* Print the file's name first, so that a crash says which file it
	 * was. */
	(void)fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	free(data);
	count++;
}

static void
replay_dir(const char *path)
{
	struct dirent **list;
	char file[4096];
	int n;

	n = scandir(path, &list, NULL, alphasort);
	if (n < 0 && errno != ENOENT) {
		perror(path);
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			(void)snprintf(file, sizeof(file), "%s/%s", path,
			    list[i]->d_name);
			replay_file(file);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int
main(int argc, char **argv)
{
	struct stat st;

	for (int i = 1; i < argc; i++)
		if (stat(argv[i], &st) == 0 && !S_ISDIR(st.st_mode))
			replay_file(argv[i]);
		else
			replay_dir(argv[i]);
	printf("%u inputs\n", count);
	return 0;
}
