// kilnd as a function, for whoever builds one with rules of their own:
//
//   int main(int argc, char** argv) {
//     return kiln::app::kilnd_main(argc, argv, greeter::rules());
//   }
//
// Threads: for the main thread of a process that does nothing else.
// Fails:   with an exit code of the client's kind: 2 for a wrong command line, and for rules that
//          do not fit together.
#pragma once

#include "daemon/rules/rule_set.h"

namespace kiln::app {

// Does as the command line says: serves until it is to go, or, with --check-rules, only says
// whether the rules fit together. `plugins` join the rules that kiln comes with.
int kilnd_main(int argc, char** argv, rules::RuleSet plugins = {});

}  // namespace kiln::app
