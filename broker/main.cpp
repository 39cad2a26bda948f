// dunlin: the command line, and a node that serves until it is told to stop.
#include "broker/cli.hpp"
#include "broker/serve.hpp"

int main(int argc, char** argv) { return dunlin::run_cli(argc, argv, dunlin::serve); }
