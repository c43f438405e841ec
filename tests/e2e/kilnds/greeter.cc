// The daemon that daemon/rules/README.md ends with.
#include "tests/support/greeter.h"

// [main]
#include "daemon/app/kilnd_main.h"

int main(int argc, char** argv) { return kiln::app::kilnd_main(argc, argv, greeter::rules()); }
// [main]
