// dunlin-load: see options.cpp for what it does, or run it with --help.
#include <signal.h>
#include <stdio.h>

#include "tests/load/scenarios.hpp"

namespace {

void on_signal(int) {
  if (dunlin::load::stop_requested()) _Exit(130);
  dunlin::load::request_stop();
}

bool write_json(const std::string& path, const std::string& json) {
  if (path == "-") return fputs(json.c_str(), stdout) >= 0;
  FILE* file = fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const bool written = fputs(json.c_str(), file) >= 0;
  return fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  namespace load = dunlin::load;
  const load::parsed p = load::parse(argc, argv);
  if (!p.value) {
    fputs(p.message.c_str(), p.exit_code == 0 ? stdout : stderr);
    return p.exit_code;
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  const load::outcome r = load::run(*p.value);
  fputs(load::to_text(*p.value, r).c_str(), p.value->json == "-" ? stderr : stdout);
  if (!p.value->json.empty() && !write_json(p.value->json, load::to_json(*p.value, r))) {
    fprintf(stderr, "dunlin-load: cannot write %s\n", p.value->json.c_str());
    return load::failed;
  }
  return load::judge(*p.value, r);
}
