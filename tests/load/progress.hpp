// One line on the terminal, rewritten each second; nothing when standard error is not a terminal.
#pragma once

#include <cstdint>
#include <string_view>

namespace dunlin::load {

class progress {
 public:
  struct figures {
    std::string_view doing;
    uint64_t clients, ready, failed, sent, received;
  };
  explicit progress(bool quiet);
  ~progress();

  void show(const figures& f, uint64_t now_ns);
  void clear();

 private:
  bool on_;
  bool shown_ = false;
  uint64_t begin_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint64_t last_sent_ = 0, last_received_ = 0;
};

}  // namespace dunlin::load
