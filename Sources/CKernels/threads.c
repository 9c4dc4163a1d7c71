// The pool: `threads` - 1 workers that sleep between calls, and the caller.
#define _GNU_SOURCE  // sched_getaffinity
#include "internal.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static struct {
    pthread_mutex_t entry;  // held by the caller whose tasks run
    pthread_mutex_t lock;   // of the two conditions
    pthread_cond_t begin, end;
    size_t threads;
    atomic_size_t running;            // workers that have not finished this generation
    atomic_uint_fast64_t generation;  // changes when there are tasks
    dseg_task task;
    void *context;
    size_t tasks;
    atomic_size_t next;
} pool = {
    .entry = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .begin = PTHREAD_COND_INITIALIZER,
    .end = PTHREAD_COND_INITIALIZER,
    .threads = 1,
};

/// How often a thread spins before it sleeps: some 20 microseconds, about what a futex's sleep and wake cost. Within a
/// pass the next tasks come sooner than that.
enum { spins = 1000 };

static inline void spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void work(size_t thread) {
    for (;;) {
        size_t task = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
        if (task >= pool.tasks) return;
        pool.task(pool.context, task, thread);
    }
}

/// Waits until the generation differs from `seen`, and returns it.
static uint64_t next_generation(uint64_t seen) {
    for (int i = 0; i < spins; i++) {
        uint64_t now = atomic_load_explicit(&pool.generation, memory_order_acquire);
        if (now != seen) return now;
        spin_pause();
    }
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.generation) == seen) pthread_cond_wait(&pool.begin, &pool.lock);
    uint64_t now = atomic_load(&pool.generation);
    pthread_mutex_unlock(&pool.lock);
    return now;
}

static void *worker(void *argument) {
    size_t thread = (size_t)(uintptr_t)argument;
    for (uint64_t seen = 0;;) {
        seen = next_generation(seen);
        work(thread);
        if (atomic_fetch_sub(&pool.running, 1) == 1) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.end);
            pthread_mutex_unlock(&pool.lock);
        }
    }
    return NULL;
}

/// Wakes the workers for the pool's tasks.
static void begin(void) {
    atomic_store(&pool.running, pool.threads - 1);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.generation, 1);
    pthread_cond_broadcast(&pool.begin);
    pthread_mutex_unlock(&pool.lock);
}

/// Waits until all workers have finished.
static void end(void) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&pool.running, memory_order_acquire) == 0) return;
        spin_pause();
    }
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.running) > 0) pthread_cond_wait(&pool.end, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

static int32_t available_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void dseg_start(int32_t threads) {
    if (threads <= 0) threads = available_processors();
    pthread_mutex_lock(&pool.entry);
    if (atomic_load(&pool.generation) == 0) {
        dseg_start_blas();
        for (int set = dseg_avx512vnni; !dseg_choose_target((dseg_instruction_set)set); set--) {}
        for (int32_t i = 1; i < threads; i++) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, worker, (void *)(uintptr_t)pool.threads) != 0) break;
            pthread_detach(thread);
            pool.threads++;
        }
        begin();  // no tasks yet: the first generation only shows that the pool has started
        end();
    }
    pthread_mutex_unlock(&pool.entry);
}

size_t dseg_threads(void) { return pool.threads; }

void dseg_parallel(size_t tasks, dseg_task task, void *context) {
    bool alone = tasks < 2 || pool.threads < 2;
    if (alone || pthread_mutex_trylock(&pool.entry) != 0) {
        for (size_t i = 0; i < tasks; i++) task(context, i, 0);
        return;
    }
    pool.task = task;
    pool.context = context;
    pool.tasks = tasks;
    atomic_store_explicit(&pool.next, 0, memory_order_relaxed);
    begin();
    work(0);
    end();
    pthread_mutex_unlock(&pool.entry);
}
