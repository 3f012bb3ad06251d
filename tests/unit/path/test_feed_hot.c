/* SPDX-License-Identifier: Apache-2.0 */
/* test_feed_hot.c: between its first batches and its last ones the pipeline allocates nothing and takes no lock. All
 * calls of malloc and of pthread_mutex_lock in this program are counted by taking their place. */
#include "feed_rig.h"
#include <dlfcn.h>
#include <sched.h>

static atomic_bool counting;
static atomic_uint allocations, locks;

#ifdef SANITIZED
enum { COUNTS = false }; /* a sanitizer has taken their place already */
#else
enum { COUNTS = true };

/* What the C library has behind its names, and functions of ours that get the names. */
void *libc_malloc(size_t bytes) __asm__("__libc_malloc");
void *libc_calloc(size_t n, size_t bytes) __asm__("__libc_calloc");
void *libc_realloc(void *p, size_t bytes) __asm__("__libc_realloc");
void *counted_malloc(size_t bytes) __asm__("malloc");
void *counted_calloc(size_t n, size_t bytes) __asm__("calloc");
void *counted_realloc(void *p, size_t bytes) __asm__("realloc");
int counted_lock(pthread_mutex_t *lock) __asm__("pthread_mutex_lock");

static void count(atomic_uint *counter)
{
	if (atomic_load_explicit(&counting, memory_order_relaxed))
		atomic_fetch_add(counter, 1);
}

void *counted_malloc(size_t bytes)
{
	count(&allocations);
	return libc_malloc(bytes);
}

void *counted_calloc(size_t n, size_t bytes)
{
	count(&allocations);
	return libc_calloc(n, bytes);
}

void *counted_realloc(void *p, size_t bytes)
{
	count(&allocations);
	return libc_realloc(p, bytes);
}

int counted_lock(pthread_mutex_t *lock)
{
	static int (*_Atomic next)(pthread_mutex_t *);
	int (*real)(pthread_mutex_t *) = atomic_load(&next);

	if (!real) {
		void *found = dlsym(RTLD_NEXT, "pthread_mutex_lock");

		memcpy(&real, &found, sizeof(real));
		atomic_store(&next, real);
	}
	count(&locks);
	return real(lock);
}
#endif

static void need_counts(void)
{
	if (COUNTS)
		return;
	print_message("a sanitizer counts for itself\n");
	skip();
}

/* The counters count. */
static void test_the_counters(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	void *volatile p;

	(void)state;
	need_counts();
	atomic_store(&counting, true);
	p = malloc(100);
	pthread_mutex_lock(&lock);
	atomic_store(&counting, false);
	pthread_mutex_unlock(&lock);
	free(p);
	assert_int_equal(atomic_exchange(&allocations, 0), 1);
	assert_int_equal(atomic_exchange(&locks, 0), 1);
}

static void check(const struct fl_bench *bench, const struct feed_opts *o)
{
	struct rig *r = make_rig(bench, o);

	if (!fake_has_fact(&r->lane, "engine=pread")) { /* whose threads have to meet */
		start(r, STEPS_MAX);
		while (r->steps < 100)
			sched_yield();
		atomic_store(&counting, true);
		while (r->steps < STEPS_MAX - 100)
			sched_yield();
		atomic_store(&counting, false);
		finish(r, false);
	}
	free_rig(r);
	if (atomic_load(&allocations) || atomic_load(&locks))
		fail_msg("%s from source %u: %u allocations, %u locks in %d batches", bench->name, o->source,
			 atomic_load(&allocations), atomic_load(&locks), STEPS_MAX - 200);
}

static void test_no_allocation_and_no_lock(void **state)
{
	struct bed bed;

	(void)state;
	need_counts();
	make_bed(&bed);
	for (unsigned source = FL_RESIDENT; source <= FL_PACED; source++) {
		struct feed_opts o = opts_of((enum fl_pipe_source)source, bed.dir);

		check(feed, &o);
		if (source != FL_RESIDENT)
			check(ingest, &o);
	}
	free_bed(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_counters),
		cmocka_unit_test(test_no_allocation_and_no_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
