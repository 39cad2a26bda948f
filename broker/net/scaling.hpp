// How many reactors a node should use: as few as the load keeps busy, and no more than there are
// cores for.
//
// A message that goes from one reactor to another costs more than one that stays, and two that
// share a core, with each other or with another program, are slower than one that has it. So
// another reactor comes into use when one is busy and a core is free; one goes out of use when
// reactors wait for a core, or when the load would be little for one less.
// Pure: broker/reactor_scaling.hpp measures, and does what it says.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace dunlin::net {

class scaling {
 public:
  // Of one reactor's thread, shares of the time since the last look (0 to 1).
  struct use {
    double ran = 0;
    double waited = 0;  // could have run, and had no core
    double wanted() const { return ran + waited; }
  };

  static constexpr uint64_t look_ms = 250;
  static constexpr double busy = 0.8;            // a reactor that wants this much is
  static constexpr double free_cores_min = 0.6;  // for one more
  // Of what the reactors want, what they wait for, in two looks together: cores are short. A single
  // reactor beside a busy program waits for 2 % on a quiet machine, two of them for 27 to 44 %.
  static constexpr double waited_max = 0.2;
  static constexpr double shortage_min = 0.4;  // cores wanted: below it waiting tells little
  static constexpr double little = 0.4;        // of what one reactor less could do, none busy
  static constexpr uint64_t little_for_ms = 10'000;
  // After a shortage no more come into use for so long; twice as long after the next, unless they
  // were enough for `lasting_ms`.
  static constexpr uint64_t wait_ms = 10'000, wait_max_ms = 320'000, lasting_ms = 60'000;

  explicit scaling(uint32_t most) : most_(most) {}

  uint32_t in_use() const { return in_use_; }
  // Whether look() wants to know of free cores.
  bool wants_more(const std::vector<use>& reactors) const {
    return in_use_ < most_ && busiest(reactors) >= busy;
  }

  // How many are in use from now on. `reactors`: at least those that were; `least`: not fewer;
  // `free_cores`: that no program used since the last look, where that is known.
  uint32_t look(const std::vector<use>& reactors, uint32_t least, std::optional<double> free_cores,
                uint64_t now_ms) {
    const uint32_t before = in_use_;
    double wanted = 0, waited = 0;
    for (uint32_t i = 0; i < in_use_; ++i) {
      wanted += reactors[i].wanted();
      waited += reactors[i].waited;
    }
    const bool now_short = wanted >= shortage_min && waited > waited_max * wanted;
    const bool is_short = now_short && was_short_;
    was_short_ = now_short;
    const bool one_is_busy = busiest(reactors) >= busy;
    if (in_use_ == 1 || one_is_busy || wanted > little * (in_use_ - 1)) little_since_ms_ = now_ms;

    if (is_short && in_use_ > 1) {
      --in_use_;
      if (now_ms - grown_ms_ >= lasting_ms) pause_ms_ = wait_ms;
      not_before_ms_ = now_ms + pause_ms_;
      pause_ms_ = std::min(2 * pause_ms_, wait_max_ms);
    } else if (wants_more(reactors) && free_cores.value_or(0) >= free_cores_min &&
               now_ms >= not_before_ms_) {
      // As many as there are cores free, but at most twice as many as before.
      const auto more = static_cast<uint32_t>(*free_cores + 1 - free_cores_min);
      in_use_ += std::min({more, in_use_, most_ - in_use_});
      grown_ms_ = now_ms;
    } else if (now_ms - little_since_ms_ >= little_for_ms) {
      --in_use_;
    }
    in_use_ = std::clamp(in_use_, std::min(least, most_), most_);
    if (in_use_ != before) {
      was_short_ = false;
      little_since_ms_ = now_ms;
    }
    return in_use_;
  }

 private:
  double busiest(const std::vector<use>& reactors) const {
    double most = 0;
    for (uint32_t i = 0; i < in_use_; ++i) most = std::max(most, reactors[i].wanted());
    return most;
  }

  const uint32_t most_;
  uint32_t in_use_ = 1;
  bool was_short_ = false;
  uint64_t little_since_ms_ = 0, grown_ms_ = 0, not_before_ms_ = 0, pause_ms_ = wait_ms;
};

}  // namespace dunlin::net
