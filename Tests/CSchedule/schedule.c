#include "CSchedule.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SWIFT_CALL __attribute__((swiftcall))

// Of the Swift runtime: swift/Runtime/Concurrency.h.
typedef SWIFT_CALL void (*enqueue_original)(void *job);
typedef SWIFT_CALL void (*enqueue_hook)(void *job, enqueue_original original);
typedef SWIFT_CALL void (*delay_original)(unsigned long long delay, void *job);
typedef SWIFT_CALL void (*delay_hook)(unsigned long long delay, void *job, delay_original original);
typedef SWIFT_CALL void (*deadline_original)(
    long long sec, long long nsec, long long tsec, long long tnsec, int clock, void *job);
typedef SWIFT_CALL void (*deadline_hook)(
    long long sec, long long nsec, long long tsec, long long tnsec, int clock, void *job,
    deadline_original original);
extern enqueue_hook swift_task_enqueueGlobal_hook;
extern delay_hook swift_task_enqueueGlobalWithDelay_hook;
extern deadline_hook swift_task_enqueueGlobalWithDeadline_hook;
extern SWIFT_CALL void swift_job_run(void *job, void *identity, uintptr_t implementation);

struct queue {
  void **jobs; // a ring
  size_t head, count, capacity;
  int entered;
};
static __thread struct queue queue;

static void grow(void) {
  size_t capacity = queue.capacity ? queue.capacity * 2 : 64;
  void **jobs = malloc(capacity * sizeof *jobs);
  if (!jobs) abort();
  for (size_t i = 0; i < queue.count; i++)
    jobs[i] = queue.jobs[(queue.head + i) % queue.capacity];
  free(queue.jobs);
  queue.jobs = jobs;
  queue.head = 0;
  queue.capacity = capacity;
}

static SWIFT_CALL void enqueue(void *job, enqueue_original original) {
  if (!queue.entered) {
    original(job);
    return;
  }
  if (queue.count == queue.capacity) grow();
  queue.jobs[(queue.head + queue.count++) % queue.capacity] = job;
}

// What sleeps by the host's clock can be repeated by nobody.
static void refuse(void) {
  fputs("a simulated task waits by the clock of the host, not by its own\n", stderr);
  abort();
}

static SWIFT_CALL void delay(unsigned long long time, void *job, delay_original original) {
  if (queue.entered) refuse();
  original(time, job);
}

static SWIFT_CALL void deadline(
    long long sec, long long nsec, long long tsec, long long tnsec, int clock, void *job,
    deadline_original original) {
  if (queue.entered) refuse();
  original(sec, nsec, tsec, tnsec, clock, job);
}

static void install(void) {
  swift_task_enqueueGlobal_hook = enqueue;
  swift_task_enqueueGlobalWithDelay_hook = delay;
  swift_task_enqueueGlobalWithDeadline_hook = deadline;
}

void schedule_enter(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  queue.entered++;
}

void schedule_leave(void) {
  queue.entered--;
  if (queue.count) {
    fprintf(stderr, "%zu simulated jobs are left\n", queue.count);
    abort();
  }
}

int schedule_run(uint64_t draw) {
  if (!queue.count) return 0;
  size_t first = queue.head;
  size_t chosen = (queue.head + (draw ? draw % queue.count : 0)) % queue.capacity;
  void *job = queue.jobs[chosen];
  queue.jobs[chosen] = queue.jobs[first];
  queue.head = (queue.head + 1) % queue.capacity;
  queue.count--;
  swift_job_run(job, NULL, 0);
  return 1;
}
