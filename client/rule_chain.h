// The chain of rules that led to an error of a goal, on one line.
//
// What:    "in shellcheck_file ← shellcheck ← lint_report", where it began first. Frames of an
//          error that say the same at length are for those who ask (--level debug).
// Threads: stateless.
#pragma once

#include "common/base/error.h"

namespace kiln {

// The same error with the chain as its outermost frame. As it is if no rule led there, if what is
// wrong is the caller's own words, which then are what to look at, and if it is a bug, of which all
// frames are shown.
Error with_rule_chain(const Error& error);

}  // namespace kiln
