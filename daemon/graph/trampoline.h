// Trampoline: resumes coroutines one after another, never one inside another.
//
// A node that asks for a node that asks for a node … would otherwise nest as deep as the graph.
// Each thread has a stack of coroutines that are ready; the outermost resume() on the thread works
// it off, depth first, so what was just completed is what goes on.
// Threads: thread-safe; each thread has its own.
#pragma once

#include <coroutine>
#include <vector>

#include "daemon/async/executor.h"

namespace kiln::graph::trampoline {

// Resumes `handle` on this thread: now, or when the coroutine that is being resumed on this thread
// suspends.
void resume(std::coroutine_handle<> handle);
// Resumes all of them: the first on this thread, the others shared out, half of them in one piece
// of work that does the same again, so that idle threads take part.
void resume_all(Executor& executor, std::vector<std::coroutine_handle<>> handles);
// Resumes `handle` on the executor, for whoever is on a foreign thread.
void resume_on(Executor& executor, std::coroutine_handle<> handle);

}  // namespace kiln::graph::trampoline
