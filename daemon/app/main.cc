// kilnd: the daemon of kiln. People start it through `kiln`; by hand it runs in the foreground
// until it is told to stop or nobody has asked anything for a while.
#include "daemon/app/kilnd_main.h"

int main(int argc, char** argv) { return kiln::app::kilnd_main(argc, argv); }
