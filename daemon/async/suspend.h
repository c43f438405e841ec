// KILN_HANDS_OVER: on every await_suspend() that hands its coroutine to somebody who may resume it
// on another thread.
//
// clang before 19 may inline await_suspend() into the coroutine and keep its temporaries in the
// coroutine's frame. Once the coroutine is handed over that frame may be resumed and freed, and
// what await_suspend() still does with its temporaries, destroying them for one, is a use after
// free (https://github.com/llvm/llvm-project/issues/56301). Out of line they are on the stack.
#pragma once

#define KILN_HANDS_OVER __attribute__((noinline))
