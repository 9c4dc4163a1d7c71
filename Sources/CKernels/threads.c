// The pool: `threads` - 1 workers that sleep between calls, and the caller.
#define _GNU_SOURCE                        // sched_getaffinity
#include "internal.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static struct {
    pthread_mutex_t entry;             // held by the caller whose tasks run
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    size_t threads, running;
    uint64_t generation;
    dseg_task task;
    void *context;
    size_t tasks;
    atomic_size_t next;
} pool = {
    .entry = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER,
    .begin = PTHREAD_COND_INITIALIZER, .end = PTHREAD_COND_INITIALIZER, .threads = 1,
};

static void work(size_t thread) {
    for (;;) {
        size_t task = atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed);
        if (task >= pool.tasks) return;
        pool.task(pool.context, task, thread);
    }
}

static void *worker(void *argument) {
    size_t thread = (size_t)(uintptr_t)argument;
    uint64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&pool.lock);
        while (pool.generation == seen) pthread_cond_wait(&pool.begin, &pool.lock);
        seen = pool.generation;
        pthread_mutex_unlock(&pool.lock);
        work(thread);
        pthread_mutex_lock(&pool.lock);
        if (--pool.running == 0) pthread_cond_signal(&pool.end);
        pthread_mutex_unlock(&pool.lock);
    }
    return NULL;
}

static int32_t available_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void dseg_start(int32_t threads) {
    if (threads <= 0) threads = available_processors();
    pthread_mutex_lock(&pool.entry);
    if (pool.generation == 0) {
        pool.generation = 1;
        dseg_single_threaded_blas();
        dseg_choose_body(dseg_avx512) || dseg_choose_body(dseg_avx2) || dseg_choose_body(dseg_portable);
        pthread_mutex_lock(&pool.lock);
        for (int32_t i = 1; i < threads; i++) {
            pthread_t thread;
            pool.running++;
            if (pthread_create(&thread, NULL, worker, (void *)(uintptr_t)pool.threads) != 0) {
                pool.running--;
                break;
            }
            pthread_detach(thread);
            pool.threads++;
        }
        while (pool.running > 0) pthread_cond_wait(&pool.end, &pool.lock);
        pthread_mutex_unlock(&pool.lock);
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
    pthread_mutex_lock(&pool.lock);
    pool.task = task;
    pool.context = context;
    pool.tasks = tasks;
    atomic_store_explicit(&pool.next, 0, memory_order_relaxed);
    pool.running = pool.threads - 1;
    pool.generation++;
    pthread_cond_broadcast(&pool.begin);
    pthread_mutex_unlock(&pool.lock);
    work(0);
    pthread_mutex_lock(&pool.lock);
    while (pool.running > 0) pthread_cond_wait(&pool.end, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.entry);
}
