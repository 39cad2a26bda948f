#include "tests/load/progress.hpp"

#include <stdio.h>
#include <unistd.h>

namespace dunlin::load {

progress::progress(bool quiet) : on_(!quiet && isatty(STDERR_FILENO) == 1) {}

progress::~progress() { clear(); }

void progress::show(const figures& f, uint64_t now_ns) {
  if (!on_) return;
  if (begin_ns_ == 0) begin_ns_ = last_ns_ = now_ns;
  const double span = double(now_ns - last_ns_) / 1e9;
  if (span < 1.0 && shown_) return;
  const auto rate = [span](uint64_t from, uint64_t to) {
    return span > 0 ? double(to - from) / span : 0;
  };
  fprintf(stderr, "\r\033[K%4.0f s  %.*s  %llu/%llu clients", double(now_ns - begin_ns_) / 1e9,
          int(f.doing.size()), f.doing.data(), static_cast<unsigned long long>(f.ready),
          static_cast<unsigned long long>(f.clients));
  if (f.failed > 0) fprintf(stderr, " (%llu failed)", static_cast<unsigned long long>(f.failed));
  fprintf(stderr, "  %.0f/s sent  %.0f/s received", rate(last_sent_, f.sent),
          rate(last_received_, f.received));
  fflush(stderr);
  shown_ = true;
  last_ns_ = now_ns;
  last_sent_ = f.sent;
  last_received_ = f.received;
}

void progress::clear() {
  if (!shown_) return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
  shown_ = false;
}

}  // namespace dunlin::load
