/* SPDX-License-Identifier: Apache-2.0 */
/* join.c: what an agent says first, and answers at once. */
#include "hosts/join.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "hosts/join_parts.h"
#include "plan/plan.h"
#include "record/export.h"
#include "record/store.h"
#include <errno.h>
#include <fcntl.h>
#include <feedline/clock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t look_ns = UINT64_C(100000000);

/* ---- hello */

static json_t *boot_id(void)
{
	struct fl_text text = { 0 };
	json_t *id = NULL;

	if (fl_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, NULL) == 0) {
		text.bytes[strcspn(text.bytes, "\n")] = 0;
		id = fl_json_string(text.bytes);
	}
	fl_text_release(&text);
	return id ? id : json_null();
}

/* "net:[4026531840]": no other on this machine is called so. */
static json_t *network_namespace(void)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/net", name, sizeof(name) - 1);

	name[n > 0 ? n : 0] = 0;
	return fl_json_string(n > 0 ? name : NULL);
}

static json_t *own_addresses(void)
{
	char *list[FL_ADDRESSES_MAX];
	size_t n = fl_address_own(list, FL_ADDRESSES_MAX);
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(a, fl_json_string(list[i]));
		free(list[i]);
	}
	return a;
}

/* The interface that the connection uses, and its network. */
static void add_interface(json_t *hello, int fd)
{
	char address[FL_ADDRESS_TEXT] = "", interface[FL_INTERFACE_TEXT], network[FL_ADDRESS_TEXT];
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		fl_address_format(&a, address);
	fl_address_interface(address, interface, network);
	json_object_set_new(hello, "interface", fl_json_string(*interface ? interface : NULL));
	json_object_set_new(hello, "network", fl_json_string(*network ? network : NULL));
}

static json_t *make_hello(const struct fl_join *join, int fd)
{
	json_t *o = json_object(), *schemas = json_object();

	json_object_set_new(schemas, "plan", json_integer(FL_PLAN_SCHEMA));
	json_object_set_new(schemas, "store", json_integer(FL_STORE_SCHEMA));
	json_object_set_new(schemas, "export", json_integer(FL_EXPORT_SCHEMA));
	json_object_set_new(o, "is", json_string("hello"));
	json_object_set_new(o, "rank", json_integer(join->bootstrap->rank));
	json_object_set_new(o, "host", fl_json_string(join->bootstrap->host));
	json_object_set_new(o, "version", json_string(FEEDLINE_VERSION));
	json_object_set_new(o, "schemas", schemas);
	json_object_set_new(o, "catalog", fl_json_string(join->catalog_digest));
	json_object_set_new(o, "boot_id", boot_id());
	json_object_set_new(o, "network_namespace", network_namespace());
	json_object_set_new(o, "lock", fl_json_string(join->lock));
	json_object_set_new(o, "local_size", json_integer(join->local_size));
	json_object_set_new(o, "addresses", own_addresses());
	add_interface(o, fd);
	return o;
}

/* What the hub answers to a hello: it lets us in, or says why not, which is final. */
static int read_answer(const json_t *message, bool *ret_final, struct fl_err *err)
{
	const char *told = fl_json_text_or_null(message, "do"), *what = fl_json_text_or_null(message, "what");
	const char *hint = fl_json_text_or_null(message, "hint");
	const json_t *code = json_object_get(message, "code");
	json_int_t n = json_is_integer(code) ? json_integer_value(code) : 0;

	if (told && !strcmp(told, "welcome"))
		return 0;
	if (!told || strcmp(told, "refused") != 0)
		return fl_fail(err, -EPROTO, "it is no hub");
	*ret_final = true;
	fl_fail(err, n < 0 && n > -4096 ? (int)n : -EPROTO, "the hub refused this agent: %.250s", what ? what : "");
	if (hint && *hint)
		fl_hint(err, "%.700s", hint);
	return err->code;
}

static int say_hello(const struct fl_join *join, struct fl_wire *w, bool *ret_final, struct fl_err *err)
{
	json_t *message = make_hello(join, fl_wire_fd(w));
	int rc = fl_wire_send(w, message, err);

	json_decref(message);
	if (rc < 0)
		return rc;
	message = NULL;
	rc = fl_join_next(w, join->until_ns, join->interrupt, &message, err);
	if (rc == -EINTR)
		*ret_final = true;
	if (rc < 0)
		return rc;
	rc = read_answer(message, ret_final, err);
	json_decref(message);
	return rc;
}

int fl_join_connect(const struct fl_join *join, struct fl_wire **ret, struct fl_err *err)
{
	struct fl_ways ways;
	bool final = false;
	int rc;

	fl_ways_open(&ways, join);
	do {
		struct fl_way *way = NULL;
		struct fl_wire *w = NULL;
		struct fl_err why = { 0 };

		rc = fl_ways_find(&ways, &way, &w, err);
		if (rc < 0)
			break;
		rc = say_hello(join, w, &final, &why);
		if (rc == 0) {
			*ret = w;
			break;
		}
		fl_wire_close(w);
		if (final && err)
			*err = why;
		else
			fl_ways_give_up(&ways, way, &why);
	} while (!final);
	fl_ways_close(&ways);
	return rc;
}

/* ---- then */

int fl_join_tell_machine(struct fl_wire *w, const json_t *machine, const json_t *environment, const json_t *visible,
			 struct fl_err *err)
{
	json_t *message = json_object();
	int rc;

	json_object_set_new(message, "is", json_string("machine"));
	json_object_set(message, "machine", (json_t *)machine);
	json_object_set(message, "environment", (json_t *)environment);
	if (visible)
		json_object_set(message, "visible", (json_t *)visible);
	rc = fl_wire_send(w, message, err);
	json_decref(message);
	return rc;
}

void fl_join_tell_failed(struct fl_wire *w, const struct fl_err *why)
{
	json_t *message = json_object();

	json_object_set_new(message, "is", json_string("failed"));
	json_object_set_new(message, "code", json_integer(why->code));
	json_object_set_new(message, "what", fl_json_string(why->what));
	json_object_set_new(message, "hint", fl_json_string(*why->hint ? why->hint : NULL));
	if (fl_wire_send(w, message, NULL) == 0)
		fl_wire_drain(w, fl_now_ns() + UINT64_C(1000000000), NULL);
	json_decref(message);
}

/* A question for the clock is answered, with the time that it is now; "alive" is for nobody. */
static int answer_at_once(struct fl_wire *w, const json_t *message, bool *ret_was, struct fl_err *err)
{
	const char *told = fl_json_text_or_null(message, "do");
	const json_t *sent = json_object_get(message, "sent_ns");
	bool is_alive = told && !strcmp(told, "alive");
	json_t *answer;
	int rc;

	*ret_was = is_alive || (told && !strcmp(told, "clock"));
	if (!*ret_was || is_alive)
		return 0;
	answer = json_pack("{s:s, s:I, s:I}", "is", "clock", "sent_ns", json_integer_value(sent), "at_ns",
			   (json_int_t)fl_now_ns());
	rc = fl_wire_send(w, answer, err);
	json_decref(answer);
	return rc;
}

int fl_join_receive(struct fl_wire *w, json_t **ret, struct fl_err *err)
{
	for (;;) {
		json_t *message = NULL;
		bool was_answered = false;
		int rc = fl_wire_receive(w, &message, err);

		if (rc < 0)
			return rc;
		rc = answer_at_once(w, message, &was_answered, err);
		if (rc == 0 && !was_answered) {
			*ret = message;
			return 0;
		}
		json_decref(message);
		if (rc < 0)
			return rc;
	}
}

int fl_join_next(struct fl_wire *w, uint64_t until_ns, const volatile sig_atomic_t *interrupt, json_t **ret,
		 struct fl_err *err)
{
	for (;;) {
		uint64_t now_ns;
		int rc = fl_wire_flush(w, err);

		if (rc == 0)
			rc = fl_join_receive(w, ret, err);
		if (rc != -EAGAIN)
			return rc;
		now_ns = fl_now_ns();
		if (interrupt && *interrupt)
			return fl_fail(err, -EINTR, "interrupted");
		if (now_ns >= until_ns)
			return fl_fail(err, -ETIMEDOUT, "the hub said nothing more");
		fl_wire_wait(w, now_ns + look_ns < until_ns ? now_ns + look_ns : until_ns);
	}
}
