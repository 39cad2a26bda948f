// How many reactors a node should use: as few as the load keeps busy, and no more than there are
// cores for.
//
// A message that goes from one reactor to another costs more than one that stays, and two that
// share a core, with each other or with another program, are slower than one that has it. So
// another reactor comes into use when one is busy for long and a core is free, and goes again if
// the node then does less with as much processor time; one goes out of use when reactors wait for
// a core, or when the load would be little for one less. Which number is best depends on the kind
// of work: when that changes (subscribing after a restart, then publishing), one less is tried.
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
  // Since the last look.
  struct measured {
    std::vector<use> reactors;         // at least those in use
    double packets_per_s = 0;          // from and to clients
    std::optional<double> free_cores;  // that no program used, where that is known
  };

  static constexpr uint64_t look_ms = 250;
  static constexpr double busy = 0.8;            // a reactor that wants this much is
  static constexpr uint32_t busy_looks = 8;      // one after the other, before another one comes
  static constexpr double free_cores_min = 0.6;  // for one more
  // Of what the reactors want, what they wait for, in two looks together: cores are short. A
  // reactor that has a core to itself hardly waits, beside busy programs on other cores too.
  static constexpr double waited_max = 0.2;
  static constexpr double shortage_min = 0.4;  // cores wanted: below it shares tell little
  // Those that came are on trial for so many looks, the first not counted. Packets and processor
  // time, of what they were before: less of the one with this much of the other is a failure.
  static constexpr uint32_t trial_looks = 4;
  static constexpr double worse = 0.9;
  // The work is of another kind when a packet takes so many times as much processor time, or as
  // little, for so many looks. One less is kept if the node then moves `as_good` of the packets.
  static constexpr double other_kind = 1.5;
  static constexpr uint32_t other_looks = 4;
  static constexpr double as_good = 0.97;
  static constexpr double little = 0.4;  // of what one reactor less could do, none busy
  static constexpr uint64_t little_for_ms = 10'000;
  // After a shortage or a failure no more come into use for so long; twice as long after the next,
  // unless all was well for `lasting_ms` since. The same for one less that was tried in vain.
  static constexpr uint64_t wait_ms = 10'000, wait_max_ms = 320'000, lasting_ms = 60'000;

  explicit scaling(uint32_t most) : most_(most) {}

  uint32_t in_use() const { return in_use_; }
  // Whether look() wants to know of free cores.
  bool wants_more(const std::vector<use>& reactors) const {
    return in_use_ < most_ && busiest(reactors) >= busy;
  }

  // How many are in use from now on; not fewer than `least`.
  uint32_t look(const measured& m, uint32_t least, uint64_t now_ms) {
    const uint32_t before = in_use_;
    totals now{.packets_per_s = m.packets_per_s};
    double wanted = 0;
    for (uint32_t i = 0; i < in_use_; ++i) {
      now.ran += m.reactors[i].ran;
      wanted += m.reactors[i].wanted();
    }
    const bool one_is_busy = busiest(m.reactors) >= busy;
    busy_looks_ = one_is_busy ? busy_looks_ + 1 : 0;
    // A second look has to agree.
    const bool now_short = wanted >= shortage_min && wanted - now.ran > waited_max * wanted;
    const bool is_short = now_short && was_short_;
    was_short_ = now_short;
    if (in_use_ == 1 || one_is_busy || wanted > little * (in_use_ - 1)) little_since_ms_ = now_ms;

    const verdict trial = judge(now);
    if (is_short && in_use_ > 1) {
      step_back(in_use_ - 1, now_ms);
    } else if (trial == verdict::failed && in_use_ > trial_from_) {
      step_back(trial_from_, now_ms);
    } else if (trial == verdict::failed) {
      in_use_ = trial_from_;
      fewer_.wait(now_ms);
    } else if (trial == verdict::passed && in_use_ < trial_from_) {
      step_back(in_use_, now_ms);
    } else if (is_of_other_kind(now) && wanted >= shortage_min && in_use_ > least &&
               fewer_.open(now_ms)) {
      begin_trial(now);
      --in_use_;
    } else if (busy_looks_ >= busy_looks && m.free_cores.value_or(0) >= free_cores_min &&
               in_use_ < most_ && more_.open(now_ms)) {
      // As many as there are cores free, but at most twice as many as before.
      const auto more = static_cast<uint32_t>(*m.free_cores + 1 - free_cores_min);
      begin_trial(now);
      in_use_ += std::min({more, in_use_, most_ - in_use_});
    } else if (now_ms - little_since_ms_ >= little_for_ms) {
      --in_use_;
    }
    last_ = now;
    in_use_ = std::clamp(in_use_, std::min(least, most_), most_);
    if (in_use_ != before) {
      was_short_ = false;
      busy_looks_ = other_looks_ = 0;
      little_since_ms_ = now_ms;
    }
    return in_use_;
  }

 private:
  struct totals {
    double packets_per_s = 0, ran = 0;
    double packets_per_core() const { return packets_per_s / std::max(ran, 1e-3); }
    totals& operator+=(const totals& o) {
      packets_per_s += o.packets_per_s;
      ran += o.ran;
      return *this;
    }
  };

  double busiest(const std::vector<use>& reactors) const {
    double most = 0;
    for (uint32_t i = 0; i < in_use_; ++i) most = std::max(most, reactors[i].wanted());
    return most;
  }

  void begin_trial(const totals& now) {
    trial_from_ = in_use_;
    trial_left_ = trial_looks;
    trial_ = {};
    // Of two looks, for as many as are counted.
    constexpr double counted = trial_looks - 1;
    norm_ = {(now.packets_per_s + last_.packets_per_s) * counted / 2,
             (now.ran + last_.ran) * counted / 2};
    kind_ = norm_.packets_per_core();
  }
  enum class verdict : uint8_t { none, passed, failed };
  verdict judge(const totals& now) {
    if (trial_left_ == 0) return verdict::none;
    if (trial_left_ < trial_looks) trial_ += now;
    if (--trial_left_ > 0) return verdict::none;
    const bool ok = in_use_ < trial_from_ ? trial_.packets_per_s >= as_good * norm_.packets_per_s
                                          // With less processor time it was the load that fell.
                                          : trial_.packets_per_s >= worse * norm_.packets_per_s ||
                                                trial_.ran < worse * norm_.ran;
    return ok ? verdict::passed : verdict::failed;
  }
  // Than what the last trial began with.
  bool is_of_other_kind(const totals& now) {
    const double a = now.packets_per_core(), b = kind_;
    const bool other =
        in_use_ > 1 && trial_left_ == 0 && (a > other_kind * b || b > other_kind * a);
    other_looks_ = other ? other_looks_ + 1 : 0;
    return other_looks_ >= other_looks;
  }
  void step_back(uint32_t to, uint64_t now_ms) {
    in_use_ = to;
    trial_left_ = 0;
    more_.wait(now_ms);
  }

  // What is not tried again too soon.
  class attempts {
   public:
    bool open(uint64_t now_ms) const { return now_ms >= not_before_ms_; }
    void wait(uint64_t now_ms) {
      if (now_ms - not_before_ms_ >= lasting_ms) pause_ms_ = wait_ms;
      not_before_ms_ = now_ms + pause_ms_;
      pause_ms_ = std::min(2 * pause_ms_, wait_max_ms);
    }

   private:
    uint64_t not_before_ms_ = 0, pause_ms_ = wait_ms;
  };

  const uint32_t most_;
  uint32_t in_use_ = 1;
  uint32_t busy_looks_ = 0;
  bool was_short_ = false;
  uint64_t little_since_ms_ = 0;
  attempts more_, fewer_;
  totals last_;
  uint32_t trial_left_ = 0;  // looks
  uint32_t trial_from_ = 1;  // so many were in use before
  totals trial_, norm_;      // sums of the looks that count
  double kind_ = 0;          // of the work before the last trial: packets for a core's second
  uint32_t other_looks_ = 0;
};

}  // namespace dunlin::net
