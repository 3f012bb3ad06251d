/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c: lines and numbers out of the kernel's small files. */
#include "run/kernel.h"
#include "base/file.h"
#include <fcntl.h>
#include <string.h>

enum { SMALL_FILE_BYTES = 64 << 10 };

int fl_kernel_root(void)
{
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool fl_kernel_line(int root, const char *path, char *line, size_t room)
{
	struct fl_text text = { 0 };
	bool read = fl_file_read(root, path, SMALL_FILE_BYTES, &text, NULL) == 0 && text.n;

	if (read)
		text.bytes[strcspn(text.bytes, "\n")] = 0;
	fl_copy(line, room, fl_text_str(&text));
	fl_text_release(&text);
	return read;
}

bool fl_kernel_next(const char **at, uint64_t *ret)
{
	const char *p = *at + strspn(*at, " \t");
	uint64_t number = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
			return false;
	*at = p;
	*ret = number;
	return true;
}

bool fl_kernel_number(int root, const char *path, uint64_t *ret)
{
	char line[32];
	const char *at = line;

	return fl_kernel_line(root, path, line, sizeof(line)) && fl_kernel_next(&at, ret);
}

bool fl_kernel_find(const char *text, const char *word, uint64_t *ret)
{
	size_t n = strlen(word);

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *at = line + n;

		if (!strncmp(line, word, n) && (*at == ' ' || *at == '\t'))
			return fl_kernel_next(&at, ret);
	}
	return false;
}
