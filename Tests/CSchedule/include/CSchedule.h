// Runs the tasks of one thread one after another, in an order that the thread decides.
//
// The Swift runtime asks a hook where a job is to go that any thread may run. While a thread has
// entered, jobs that it makes stay with it and run when it says so: the same program with the same
// draws does the same thing every time. Other threads are not concerned.
#ifndef CSCHEDULE_H
#define CSCHEDULE_H

#include <stdint.h>

/// Jobs that this thread makes stay with it from now on. Once for each `schedule_leave`.
void schedule_enter(void);

/// Ends that; no job may be left.
void schedule_leave(void);

/// Runs one waiting job: the oldest when `draw` is 0, otherwise one that `draw` picks.
/// Returns 0 when none waits.
int schedule_run(uint64_t draw);

#endif
